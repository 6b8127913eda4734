#include "src/compile/comprehensions.h"

#include <algorithm>

#include "src/compile/annotations.h"
#include "src/compile/assignments.h"
#include "src/compile/classes.h"
#include "src/compile/conditions.h"
#include "src/compile/expressions.h"
#include "src/compile/values.h"

namespace tine::compile {

using ir::Def;
using ir::Node;

Def* Comprehensions::list_of(const CallArgument& a, Span span) {
  return list_of(iteration_.over(a), a.span, span);
}

Def* Comprehensions::list_of(const Iterable& over, Span from, Span span) {
  builder_.here(span);
  if (!over.unrolled) return list_of(over);
  // The names of modules or the elements of a tuple; modules themselves have a type each.
  std::vector<Def*> items;
  for (size_t i = 0; i < *over.unrolled; ++i)
    items.push_back(iteration_.element(over, builder_.integer(static_cast<int64_t>(i))));
  TypePtr type;
  for (const Def* item : items) {
    type = type ? join_types(type, item->type) : item->type;
    if (type && is_module(*type)) builder_.fail(from, "modules stay in their container; loop over it");
    if (!type) builder_.fail(from, "the elements of a list must have one type; those here have several");
  }
  return builder_.list(std::move(items), type ? type : Type::tensor());
}

Def* Comprehensions::list_of(const Iterable& from) {
  Def* list = builder_.list({}, Type::tensor());
  list->name = "list";
  Node* node = builder_.loop(from.length, builder_.boolean(true), {});
  const FunctionBuilder::In in(builder_, *node->blocks[0]);
  Def* element = iteration_.element(from, node->blocks[0]->params[0]);
  list->type = Type::list(element->type);
  builder_.must_operator("aten::append", {list, element}, {});
  node->blocks[0]->outputs = {builder_.boolean(true)};
  return list;
}

void Comprehensions::each_element(const Iterable& over, const syntax::Expr& target,
                                  const std::vector<syntax::ExprPtr>& conditions, Span span,
                                  const std::function<void()>& add) {
  const Scopes::Inner inner(scopes_);
  if (over.unrolled) {  // each has a type of its own
    for (size_t i = 0; i < *over.unrolled; ++i)
      one_turn(over, target, conditions, span, add, builder_.integer(static_cast<int64_t>(i)));
    return;
  }
  Node* node = builder_.loop(over.length, builder_.boolean(true), {});
  ir::Block& block = *node->blocks[0];
  const FunctionBuilder::In in(builder_, block);
  one_turn(over, target, conditions, span, add, block.params[0]);
  block.outputs = {builder_.boolean(true)};
}

void Comprehensions::one_turn(const Iterable& over, const syntax::Expr& target,
                              const std::vector<syntax::ExprPtr>& conditions, Span span,
                              const std::function<void()>& add, Def* number) {
  // The variables of a comprehension are its own, whatever their names are declared as outside.
  std::vector<std::string_view> names;
  target_names(target, &names);
  for (const std::string_view name : names)
    scopes_.set(name, Variable{nullptr, nullptr, fmt::format("`{}` has no value yet", name), true});
  iteration_.bind_target(target, over, number);
  Def* keep = nullptr;
  std::vector<Refinement> told;
  for (const syntax::ExprPtr& part : conditions) {
    if (keep) {
      keep = values_.short_circuit(keep, true, [&] { return conditions_.value(conditions_.of(*part)); });
      continue;
    }
    Condition c = conditions_.of(*part);
    // The condition often depends on the type of the module. If it is false, the element need not even compile.
    if (over.unrolled && c.known.has_value()) {
      if (!*c.known) return;
      continue;
    }
    keep = conditions_.value(c);
    told = std::move(c.when_true);
  }
  builder_.here(span);
  if (!keep) return add();
  Node* guard = builder_.if_(keep);
  const FunctionBuilder::In then(builder_, *guard->blocks[0]);
  const Scopes::Inner branch(scopes_);
  scopes_.refine(told);
  add();
}

Def* Comprehensions::list(const syntax::ListComp& e, const TypePtr& hint) {
  const Iterable over = iteration_.over(*e.iterable);
  builder_.here(e.span);
  const TypePtr inner = hint_for(TypeKind::kList, hint);
  const TypePtr wanted = inner ? inner->of[0] : nullptr;
  Def* list = builder_.list({}, wanted ? wanted : Type::tensor());
  list->name = "list";  // its type is set below, and by nobody else
  TypePtr type;
  each_element(over, *e.target, e.conditions, e.span, [&] {
    Def* element = expressions_.value(*e.element, wanted);
    if (Def* fitting = wanted ? builder_.coerce(element, wanted) : nullptr) {
      element = fitting;
      type = wanted;
    }
    // Over modules the elements are compiled one by one, and may differ.
    TypePtr both = type ? join_types(type, element->type) : element->type;
    if (!both || (type && !is_subtype(element->type, type)))
      builder_.fail(e.element->span,
                    fmt::format("the elements of a list must have one type: this is {}, those before are {}",
                                element->type->str(), type->str()));
    type = type ? type : std::move(both);
    list->type = Type::list(type);
    builder_.here(e.span);
    builder_.must_operator("aten::append", {list, element}, e.span);
  });
  return list;
}

Comprehensions::GrowingDict Comprehensions::growing_dict(const TypePtr& hint) {
  const TypePtr inner = hint_for(TypeKind::kDict, hint);
  GrowingDict dict;
  if (inner) {
    dict.key = inner->of[0];
    dict.value = inner->of[1];
  }
  dict.def =
      builder_.dict({}, dict.key ? dict.key : Type::string(), dict.value ? dict.value : Type::tensor());
  dict.def->name = "dict";
  return dict;
}

void Comprehensions::put(GrowingDict& dict, Def* key, Def* value, Span span) {
  if (!dict.key) {
    dict.key = key->type;
    dict.value = value->type;
    require_key(builder_, dict.key, span);
    dict.def->type = Type::dict(dict.key, dict.value);
  }
  const auto part = [&](Def* def, const TypePtr& want, std::string_view what) {
    Def* fitting = builder_.coerce(def, want);
    if (!fitting)
      builder_.fail(span, fmt::format("the {} of this dict are {}, but this is {}", what, want->str(),
                                      def->type->str()));
    return fitting;
  };
  key = part(key, dict.key, "keys");
  value = part(value, dict.value, "values");
  builder_.here(span);
  builder_.must_operator("aten::_set_item", {dict.def, key, value}, span);
}

Def* Comprehensions::dict(const syntax::DictComp& e, const TypePtr& hint) {
  const Iterable over = iteration_.over(*e.iterable);
  builder_.here(e.span);
  GrowingDict dict = growing_dict(hint);
  each_element(over, *e.target, e.conditions, e.span, [&] {
    Def* key = expressions_.value(*e.key, dict.key);
    Def* value = expressions_.value(*e.value, dict.value);
    put(dict, key, value, e.value->span);
  });
  return dict.def;
}

Def* Comprehensions::dict_of(std::vector<CallArgument>& args, const TypePtr& hint, Span span) {
  const auto positional = static_cast<size_t>(
      std::count_if(args.begin(), args.end(), [](const CallArgument& a) { return a.name.empty(); }));
  if (positional > 1)
    builder_.fail(
        args[1].span,
        fmt::format("`dict` takes one dict or list of pairs, then keywords; got {} arguments", positional));
  builder_.here(span);
  GrowingDict dict = growing_dict(hint);
  if (positional == 1) put_pairs(dict, args[0], hint);
  for (CallArgument& a : args) {
    if (a.name.empty()) continue;
    builder_.here(a.span);
    Def* key = builder_.text(std::string(a.name));
    put(dict, key, arguments_.value(a, dict.value), a.span);
  }
  return dict.def;
}

// A loop over another dict's items, or over pairs.
void Comprehensions::put_pairs(GrowingDict& dict, CallArgument& from, const TypePtr& hint) {
  const bool is_call = from.expr->kind == syntax::ExprKind::kCall;  // zip(), say
  Iterable over =
      is_call ? iteration_.over(from) : iteration_.over_value(arguments_.value(from, hint), from.span);
  if (over.dict)
    over = iteration_.over_value(builder_.must_operator("aten::items", {over.dict}, from.span), from.span);
  if (over.unrolled) {
    for (size_t i = 0; i < *over.unrolled; ++i)
      put_pair(dict, iteration_.element(over, builder_.integer(static_cast<int64_t>(i))), from.span);
    return;
  }
  Node* node = builder_.loop(over.length, builder_.boolean(true), {});
  const FunctionBuilder::In in(builder_, *node->blocks[0]);
  put_pair(dict, iteration_.element(over, node->blocks[0]->params[0]), from.span);
  node->blocks[0]->outputs = {builder_.boolean(true)};
}

void Comprehensions::put_pair(GrowingDict& dict, Def* pair, Span span) {
  if (pair->type->kind != TypeKind::kTuple || pair->type->of.size() != 2)
    builder_.fail(span, fmt::format("`dict` takes a dict or pairs of key and value; the elements here are {}",
                                    pair->type->str()));
  if (is_module(*pair->type->of[1])) builder_.fail(span, "modules stay in their container; loop over it");
  put(dict, builder_.tuple_index(pair, 0), builder_.tuple_index(pair, 1), span);
}

void require_key(const FunctionBuilder& builder, const TypePtr& key, Span span) {
  if (const std::string why = key_refusal(*key); !why.empty()) builder.fail(span, why);
}

}  // namespace tine::compile
