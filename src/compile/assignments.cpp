#include "src/compile/assignments.h"

#include "src/compile/classes.h"
#include "src/compile/expressions.h"
#include "src/compile/indexing.h"
#include "src/compile/suggest.h"

namespace tine::compile {

using ir::Def;
using syntax::ExprKind;

void Assignments::assign(const syntax::Expr& target, Def* value, Span span) {
  switch (target.kind) {
    case ExprKind::kName: scopes_.assign(syntax::as<syntax::Name>(target).id, value, span); return;
    case ExprKind::kTuple: unpack(syntax::as<syntax::Tuple>(target).items, target.span, value, span); return;
    case ExprKind::kList: unpack(syntax::as<syntax::List>(target).items, target.span, value, span); return;
    case ExprKind::kAttribute: set_attribute(syntax::as<syntax::Attribute>(target), value, span); return;
    case ExprKind::kSubscript: indexing_.assign(syntax::as<syntax::Subscript>(target), value, span); return;
    default:
      builder_.fail(target.span,
                    "the target of a loop is a variable, an attribute, an element, or a tuple of these");
  }
}

void Assignments::unpack(const std::vector<syntax::ExprPtr>& targets, Span targets_span, Def* value,
                         Span span) {
  builder_.here(targets_span);
  const size_t count = targets.size();
  for (size_t i = 0; i < count; ++i) {
    if (targets[i]->kind == ExprKind::kStarred) return unpack_rest(targets, i, value, span);
  }
  std::vector<Def*> values;
  switch (value->type->kind) {
    case TypeKind::kTuple:
      if (value->type->of.size() != count) {
        builder_.fail(span, fmt::format("expected {} value{} to unpack, got {} of type {}", count,
                                        count == 1 ? "" : "s", value->type->of.size(), value->type->str()));
      }
      values = builder_.unpack_tuple(value);
      break;
    // The length of these is known only when the script runs, and is checked then.
    case TypeKind::kList: values = builder_.unpack_list(value, static_cast<int>(count)); break;
    case TypeKind::kTensor: {
      Def* rows = builder_.must_operator(
          "aten::__unpack", {value, builder_.integer(static_cast<int64_t>(count))}, targets_span);
      values = builder_.unpack_list(rows, static_cast<int>(count));
      break;
    }
    default:
      builder_.fail(span, fmt::format("a value of type {} cannot be unpacked into {} variables",
                                      value->type->str(), count));
  }
  for (size_t i = 0; i < count; ++i) assign(*targets[i], values[i], span);
}

// `a, *rest, b = value`: the target at `rest` takes what the others leave, of a tuple a tuple.
void Assignments::unpack_rest(const std::vector<syntax::ExprPtr>& targets, size_t rest, Def* value,
                              Span span) {
  const size_t others = targets.size() - 1;
  const syntax::Expr& all_others = *syntax::as<syntax::Starred>(*targets[rest]).value;
  if (value->type->kind != TypeKind::kTuple) {
    builder_.fail(span, fmt::format("`*` in a target takes the rest of a tuple, not of {}; write `x[0]` and "
                                    "`x[1:]`",
                                    value->type->str()));
  }
  std::vector<Def*> values = builder_.unpack_tuple(value);
  if (values.size() < others) {
    builder_.fail(span, fmt::format("expected at least {} value{} to unpack, got {} of type {}", others,
                                    others == 1 ? "" : "s", values.size(), value->type->str()));
  }
  const auto begin = values.begin() + static_cast<ptrdiff_t>(rest);
  const auto end = values.end() - static_cast<ptrdiff_t>(others - rest);
  Def* left = builder_.tuple({begin, end});
  for (size_t i = 0; i < rest; ++i) assign(*targets[i], values[i], span);
  assign(all_others, left, span);
  for (size_t i = rest + 1; i <= others; ++i)
    assign(*targets[i], end[static_cast<ptrdiff_t>(i - rest - 1)], span);
}

void Assignments::assign_declared(const syntax::Attribute& target, const TypePtr& type, Def* value,
                                  Span span) {
  set_attribute(target, value, span, type);
}

// Whether it is the `self` of an `__init__` that gives its class the slots.
bool Assignments::initializes(const Def* object) const {
  return initialized_ && initialized_->is_open() && object == builder_.graph().inputs().front();
}

TypePtr Assignments::declared_type(const syntax::Attribute& target) {
  const auto* name = syntax::is<syntax::Name>(*target.object);
  const Variable* v = name ? scopes_.find(name->id) : nullptr;
  if (!v || !v->def || v->def->type->kind != TypeKind::kObject) return nullptr;
  const auto type = std::dynamic_pointer_cast<const ObjectType>(held_type(v->def->type));
  const int slot = type ? type->slot_index(target.name) : -1;
  if (slot >= 0) return held_type(type->slots[static_cast<size_t>(slot)].type);
  if (!initializes(v->def)) return nullptr;
  const Resolved declared = names_.method(*type, target.name);
  const auto* const annotation = std::get_if<TypeName>(&declared);
  return annotation ? annotation->type : nullptr;
}

void Assignments::add_slot(const syntax::Attribute& target, const Def* value, TypePtr declared) {
  if (&builder_.block() != &builder_.graph().root()) {
    builder_.fail(target.span,
                  fmt::format("the first assignment to an attribute cannot stand inside an `if` or a "
                              "loop; give `self.{}` a value before",
                              target.name));
  }
  if (!declared) declared = declared_type(target);
  if (!declared) declared = value->type;
  initialized_->add_slot(std::string(target.name), declared);
}

void Assignments::set_attribute(const syntax::Attribute& target, Def* value, Span span,
                                const TypePtr& declared) {
  Def* object = expressions_.value(*target.object);
  if (const NamedTupleType* const record = object->type->named_tuple()) {
    builder_.fail(target.span, fmt::format("the fields of {} cannot be assigned to{}", record->str(),
                                           record->name.empty() ? std::string()
                                                                : fmt::format("; make another one, `{}(...)`",
                                                                              class_name(record->name))));
  }
  if (object->type->kind != TypeKind::kObject) {
    builder_.fail(target.span,
                  fmt::format("only attributes of modules and of objects of classes can be assigned to, not "
                              "those of {}{}",
                              object->type->str(), optional_help(object)));
  }
  const auto type = classes_.known(object->type, target.span);
  if (type->slot_index(target.name) < 0) {
    const Resolved other = names_.method(*type, target.name);
    if (const auto* property = std::get_if<Property>(&other))
      return classes_.write(object, *property, target.name, value, target.span);
    if (initializes(object)) {
      if (const auto* refused = std::get_if<Refused>(&other)) builder_.fail(target.name_span, refused->why);
      add_slot(target, value, declared);
    }
  }
  const int slot = type->slot_index(target.name);
  if (slot < 0) no_attribute(target, *type);
  const TypePtr want = held_type(type->slots[static_cast<size_t>(slot)].type);
  Def* fitting = builder_.coerce(value, want);
  if (!fitting) {
    // The type of an attribute that __init__ sets to None is NoneType, so no other value fits.
    const std::string help =
        want->kind != TypeKind::kNone ? std::string()
        : type->is_class() ? fmt::format("; annotate it in __init__: `self.{}: Optional[{}] = None`",
                                         target.name, value->type->str())
                           : fmt::format("; annotate it in the class, not in __init__: `{}: Optional[{}]`",
                                         target.name, value->type->str());
    builder_.fail(span, fmt::format("the attribute `{}` is {} and cannot be given a value of type {}{}",
                                    target.name, want->str(), value->type->str(), help));
  }
  builder_.here(target.span);
  builder_.set_attr(object, std::string(target.name), fitting);
}

void Assignments::no_attribute(const syntax::Attribute& target, const ObjectType& type) {
  if (std::holds_alternative<Constant>(names_.method(type, target.name))) {
    builder_.fail(target.name_span,
                  fmt::format("`{}` is a constant of `{}` (Final, or named in __constants__) and "
                              "cannot be assigned to",
                              target.name, type.name));
  }
  std::vector<std::string> names;
  for (const auto& field : type.slots) names.push_back(field.name);
  const std::string meant = did_you_mean(target.name, names);
  builder_.fail(target.name_span,
                fmt::format("`{}` has no attribute `{}`{}", type.name, target.name,
                            meant.empty() ? std::string("; create it in __init__") : meant));
}

void target_names(const syntax::Expr& e, std::vector<std::string_view>* names) {
  if (const auto* name = syntax::is<syntax::Name>(e)) {
    names->push_back(name->id);
  } else if (const auto* tuple = syntax::is<syntax::Tuple>(e)) {
    for (const auto& item : tuple->items) target_names(*item, names);
  } else if (const auto* list = syntax::is<syntax::List>(e)) {
    for (const auto& item : list->items) target_names(*item, names);
  } else if (const auto* starred = syntax::is<syntax::Starred>(e)) {
    target_names(*starred->value, names);
  }
}

}  // namespace tine::compile
