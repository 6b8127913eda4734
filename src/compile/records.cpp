#include "src/compile/records.h"

#include <algorithm>

#include "src/compile/suggest.h"

namespace tine::compile {

using ir::Def;

namespace {

const EnumType& as_enum(const TypePtr& type) { return static_cast<const EnumType&>(*type); }

// What Python's named tuples have beside their fields.
std::string help_for(const NamedTupleType& type, std::string_view name) {
  if (name == "_replace" || name == "_make")
    return fmt::format("; make another one, `{}(...)`", class_name(type.name));
  if (name == "_fields" || name == "_asdict" || name == "_field_defaults")
    return "; its fields are known where the script is written, so name them";
  return did_you_mean(name, type.fields);
}

}  // namespace

Def* field_of(FunctionBuilder& builder, Def* tuple, std::string_view name, Span span) {
  const NamedTupleType& type = *tuple->type->named_tuple();
  if (const int index = type.index_of(name); index >= 0) return builder.tuple_index(tuple, index);
  builder.fail(span,
               fmt::format("{} has no field `{}` in scripts{}", type.str(), name, help_for(type, name)));
}

Schema constructor_of(const TypeName& named_tuple) {
  const NamedTupleType& type = *named_tuple.type->named_tuple();
  Schema schema;
  schema.name = type.name;
  schema.returns = {named_tuple.type};
  for (size_t i = 0; i < type.fields.size(); ++i) {
    Argument a;
    a.name = type.fields[i];
    a.type = type.of[i];
    const auto known = std::find_if(named_tuple.defaults.begin(), named_tuple.defaults.end(),
                                    [&](const auto& d) { return d.first == a.name; });
    if (known != named_tuple.defaults.end()) a.default_value = known->second;
    schema.args.push_back(std::move(a));
  }
  return schema;
}

Def* member_of(FunctionBuilder& builder, const TypePtr& type, std::string_view name, Span span) {
  const EnumType& of = as_enum(type);
  if (const int index = of.index_of(name); index >= 0) {
    return builder.constant(
        enum_member(std::static_pointer_cast<const EnumType>(type), static_cast<size_t>(index)));
  }
  std::vector<std::string> names;
  for (const auto& [member, value] : of.members) names.push_back(member);
  builder.fail(span,
               fmt::format("the enum {} has no member `{}`{}", of.str(), name, did_you_mean(name, names)));
}

std::string how_to_name(std::string_view shown, const Type& type, std::string_view member) {
  const auto& of = static_cast<const EnumType&>(type);
  return fmt::format("a member of `{0}` is named in scripts, as `{0}.{1}`", shown,
                     of.index_of(member) >= 0 ? member : of.members.front().first);
}

Def* members_of(FunctionBuilder& builder, const TypePtr& type) {
  const auto of = std::static_pointer_cast<const EnumType>(type);
  std::vector<Def*> members;
  for (size_t i = 0; i < of->members.size(); ++i) members.push_back(builder.constant(enum_member(of, i)));
  return builder.list(std::move(members), type);
}

Def* enum_attribute(FunctionBuilder& builder, Def* member, std::string_view name, Span span) {
  const bool is_name = name == "name" || name == "_name_";
  if (!is_name && name != "value" && name != "_value_") {
    builder.fail(
        span, fmt::format("{} has no attribute `{}` in scripts; a member of an enum has `name` and `value`",
                          member->type->str(), name));
  }
  if (member->node && member->node->kind == ir::Kind::kConstant) {
    const Enum& known = member->node->constant.as_enum();
    return is_name ? builder.text(known.name()) : builder.constant(known.value());
  }
  if (is_name) return builder.must_operator("prim::EnumName", {member}, span);
  const Operand operand{{}, member};
  ChosenOp value = builder.choose("prim::EnumValue", {&operand, 1}, "value", span);
  value.result = member->type->of[0];
  return builder.add(std::move(value));
}

TypePtr enum_named(const Resolved& resolved) {
  const auto* type = std::get_if<TypeName>(&resolved);
  return type && type->type->kind == TypeKind::kEnum ? type->type : nullptr;
}

}  // namespace tine::compile
