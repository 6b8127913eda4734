#include "src/compile/text_types.h"

#include <fmt/core.h>

#include <algorithm>

#include "src/compile/annotations.h"

namespace tine::compile {
namespace {

// "NamedTuple" of `class P(typing.NamedTuple)`; empty unless there is one base.
std::string base_of(const syntax::ClassDef& c) {
  const std::string name = c.bases.size() == 1 ? dotted_name(*c.bases.front()) : std::string();
  return name.substr(name.rfind('.') + 1);
}

void refuse_methods(const syntax::ClassDef& c, std::string_view what, const Names& names) {
  if (!c.methods.empty())
    names.fail(c.methods.front().name_span,
               fmt::format("`{}` has only {} in scripts; write the method as a function", c.name, what));
}

TypeName named_tuple(const syntax::ClassDef& c, std::string qualified, const Names& names) {
  TypeName made;
  std::vector<std::string> fields;
  std::vector<TypePtr> types;
  for (const syntax::Field& f : c.fields) {
    if (!f.annotation)
      names.fail(f.span, fmt::format("the field `{}` needs a type: `{}: int`", f.name, f.name));
    if (std::find(fields.begin(), fields.end(), f.name) != fields.end())
      names.fail(f.span, fmt::format("two fields of `{}` are called `{}`", c.name, f.name));
    TypePtr type = annotation_type(*f.annotation, names);
    if (f.default_value) {
      Value value = constant_value(*f.default_value, names);
      if (type->kind == TypeKind::kFloat && value.is_int()) value = value.to_float();
      if (!fits(value, type))
        names.fail(f.default_value->span, fmt::format("the default of `{}` is {}, but the field is {}",
                                                      f.name, type_of(value)->str(), type->str()));
      made.defaults.emplace_back(f.name, std::move(value));
    } else if (!made.defaults.empty()) {
      names.fail(f.span, fmt::format("the field `{}` has no default but follows one that has", f.name));
    }
    fields.emplace_back(f.name);
    types.push_back(std::move(type));
  }
  made.type =
      std::make_shared<const NamedTupleType>(std::move(qualified), std::move(fields), std::move(types));
  return made;
}

TypeName enumeration(const syntax::ClassDef& c, std::string qualified, const Names& names) {
  std::vector<EnumType::Member> members;
  TypePtr type;
  for (const syntax::Field& f : c.fields) {
    const bool written = f.default_value && !f.annotation;
    if (!written) names.fail(f.span, fmt::format("a member of an enum needs a value: `{} = 1`", f.name));
    const Value value = constant_value(*f.default_value, names);
    if (!value.is_int() && !value.is_float() && !value.is_string())
      names.fail(f.default_value->span, "the value of a member must be an int, a float or a str in scripts");
    const auto named = [&](const auto& m) { return m.first == f.name; };
    if (std::any_of(members.begin(), members.end(), named))
      names.fail(f.span, fmt::format("two members of `{}` are called `{}`", c.name, f.name));
    const auto same = std::find_if(members.begin(), members.end(),
                                   [&](const auto& m) { return m.second.repr() == value.repr(); });
    if (same != members.end())
      names.fail(f.default_value->span,
                 fmt::format("the member `{}` has the value of `{}`", f.name, same->first));
    if (type && !equal(type, type_of(value)))
      names.fail(
          f.default_value->span,
          fmt::format("the values of an enum have one type in scripts: this is {}, those before are {}",
                      type_of(value)->str(), type->str()));
    type = type_of(value);
    members.emplace_back(f.name, value);
  }
  if (members.empty()) names.fail(c.name_span, fmt::format("the enum `{}` has no members", c.name));
  return {std::make_shared<const EnumType>(std::move(qualified), std::move(type), std::move(members))};
}

}  // namespace

std::optional<TypeName> text_type(const syntax::ClassDef& c, std::string_view prefix, const Names& names) {
  const std::string base = base_of(c);
  const bool is_enum = base == "Enum" || base == "IntEnum" || base == "StrEnum";
  if (!is_enum && base != "NamedTuple") return std::nullopt;
  refuse_methods(c, is_enum ? "members" : "fields", names);
  std::string qualified = fmt::format("{}.{}", prefix, c.name);
  return is_enum ? enumeration(c, std::move(qualified), names) : named_tuple(c, std::move(qualified), names);
}

}  // namespace tine::compile
