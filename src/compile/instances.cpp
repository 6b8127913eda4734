#include "src/compile/instances.h"

#include <algorithm>

#include "src/compile/annotations.h"

namespace tine::compile {
namespace {

// What a value of the type can be, one by one.
void add_alternatives(const TypePtr& type, std::vector<TypePtr>* all) {
  switch (type->kind) {
    case TypeKind::kOptional:
      add_alternatives(type->of[0], all);
      all->push_back(Type::none());
      return;
    case TypeKind::kUnion:
      for (const TypePtr& member : type->of) add_alternatives(member, all);
      return;
    case TypeKind::kNumber:
      all->push_back(Type::integer());
      all->push_back(Type::floating());
      return;
    default: all->push_back(type);
  }
}

bool is_one_of(const TypePtr& type, const InstanceTypes& types) {
  return (types.any_list && type->kind == TypeKind::kList) ||
         (types.any_tuple && type->kind == TypeKind::kTuple) ||
         (types.any_dict && type->kind == TypeKind::kDict) ||
         std::any_of(types.types.begin(), types.types.end(),
                     [&](const TypePtr& t) { return is_subtype(type, t); });
}

bool holds_any(const TypePtr& container) {
  return container->kind == TypeKind::kAny ||
         std::any_of(container->of.begin(), container->of.end(), holds_any);
}

bool is_interface(const TypePtr& type) {
  const auto* const object = dynamic_cast<const ObjectType*>(type.get());
  return object && object->is_interface();
}

}  // namespace

InstanceTypes instance_types(const syntax::Expr& e, const Names& names) {
  InstanceTypes types;
  if (const auto* tuple = syntax::is<syntax::Tuple>(e)) {
    for (const auto& item : tuple->items) {
      InstanceTypes more = instance_types(*item, names);
      types.types.insert(types.types.end(), more.types.begin(), more.types.end());
      types.any_list |= more.any_list;
      types.any_tuple |= more.any_tuple;
      types.any_dict |= more.any_dict;
    }
    return types;
  }
  if (const std::string name = dotted_name(e); !name.empty()) {
    const Resolved r = names.resolve(name);
    if (const auto* generic = std::get_if<GenericName>(&r)) {
      types.any_list = generic->generic == Generic::kList;
      types.any_tuple = generic->generic == Generic::kTuple;
      types.any_dict = generic->generic == Generic::kDict;
      if (types.any_list || types.any_tuple || types.any_dict) return types;
    }
  }
  types.types.push_back(annotation_type(e, names));
  return types;
}

InstanceTest instance_test(const TypePtr& actual, const InstanceTypes& types, const Names& names, Span span) {
  std::vector<TypePtr> alternatives, yes, no, ask;
  add_alternatives(actual, &alternatives);
  bool open =
      false;  // a list or dict of unknown elements was found in an Any: it may not be given other elements
  for (const TypePtr& one : alternatives) {
    if (is_one_of(one, types)) {
      yes.push_back(one);
      continue;
    }
    // It may be one of a narrower type: P of a plain tuple, anything of Any.
    for (const TypePtr& t : types.types) {
      if (one->kind == TypeKind::kAny && holds_any(t)) {
        ask.push_back(t);
        open = true;
      } else if (is_subtype(t, one) || (is_interface(one) && t->kind == TypeKind::kObject)) {
        yes.push_back(t);
      }
    }
    if (one->kind == TypeKind::kAny) {
      if (types.any_tuple)
        names.fail(span,
                   "an Any cannot be asked whether it is a tuple of whatever elements; name their types, as "
                   "in `Tuple[int, str]`");
      if (types.any_list) ask.push_back(Type::list(Type::any()));
      if (types.any_dict) ask.push_back(Type::dict(Type::any(), Type::any()));
      open = open || types.any_list || types.any_dict;
    }
    no.push_back(one);
  }
  InstanceTest test;
  if (no.empty() || (yes.empty() && ask.empty())) {
    test.known = no.empty();
    return test;
  }
  ask.insert(ask.end(), yes.begin(), yes.end());
  test.ask = Type::union_of(std::move(ask));
  if (!open) test.when_true = Type::union_of(std::move(yes));
  test.when_false = Type::union_of(std::move(no));
  return test;
}

}  // namespace tine::compile
