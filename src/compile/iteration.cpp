// What `for`, comprehensions, `list(...)` and `dict(...)` run over.

#include <algorithm>

#include "src/compile/function_compiler.h"

namespace tine::compile {

using ir::Def;
using ir::Node;

void target_names(const syntax::Expr& e, std::vector<std::string_view>* names) {
  if (const auto* name = syntax::is<syntax::Name>(e)) {
    names->push_back(name->id);
  } else if (const auto* tuple = syntax::is<syntax::Tuple>(e)) {
    for (const auto& item : tuple->items) target_names(*item, names);
  } else if (const auto* list = syntax::is<syntax::List>(e)) {
    for (const auto& item : list->items) target_names(*item, names);
  }
}

FunctionCompiler::Iterable FunctionCompiler::iterable(const syntax::Expr& e) {
  const auto* call = syntax::is<syntax::Call>(e);
  if (!call) return iterable_of(expression(e), e.span);
  if (auto modules = module_view(*call)) return *std::move(modules);
  const std::string name = dotted_name(*call->callee);
  if (name.empty() || find(name.substr(0, name.find('.')))) return iterable_of(expression(e), e.span);
  const Thing callee = thing(*call->callee);
  const auto* builtin = callee.def ? nullptr : std::get_if<Builtin>(&callee.resolved);
  if (!builtin) return iterable_of(expression(e), e.span);
  std::vector<Argument> args = arguments_of(*call);
  Iterable over;
  switch (builtin->form) {
    case Form::kRange: {
      expect_arguments(args, 1, 3, "range", e.span);
      std::vector<Def*> bounds;
      for (Argument& a : args) {
        bounds.push_back(argument_value(a));
        if (bounds.back()->type->kind != TypeKind::kInt)
          fail(a.span, fmt::format("`range` takes ints, not {}", bounds.back()->type->str()));
      }
      here(e.span);
      if (bounds.size() == 1) {
        over.length = bounds[0];
        over.element = [](Def* turn) { return turn; };
      } else if (bounds.size() == 2) {
        over.length = must_operator("aten::sub", {bounds[1], bounds[0]}, e.span);
        over.element = [this, bounds, span = e.span](Def* turn) {
          return must_operator("aten::add", {bounds[0], turn}, span);
        };
      } else {
        over.length = must_operator("aten::__range_length", {bounds[0], bounds[1], bounds[2]}, e.span);
        over.element = [this, bounds, span = e.span](Def* turn) {
          return must_operator("aten::__derive_index", {turn, bounds[0], bounds[2]}, span);
        };
      }
      return over;
    }
    case Form::kEnumerate: {
      expect_arguments(args, 1, 2, "enumerate", e.span);
      Iterable inner = iterable(*args[0].expr);
      Def* start = args.size() > 1 ? argument_value(args[1]) : nullptr;
      if (start && start->type->kind != TypeKind::kInt)
        fail(args[1].span, fmt::format("`enumerate` starts at an int, not {}", start->type->str()));
      Iterable count;
      count.length = inner.length;
      count.element = [this, start, span = e.span](Def* turn) {
        return start ? must_operator("aten::add", {turn, start}, span) : turn;
      };
      over.length = inner.length;
      over.modules = inner.modules;
      over.parts.push_back(std::move(count));
      over.parts.push_back(std::move(inner));
      return over;
    }
    case Form::kZip: {
      expect_arguments(args, 1, syntax::kMaxParameters, "zip", e.span);
      for (const Argument& a : args) {
        over.parts.push_back(iterable(*a.expr));
        here(e.span);
        Def* length = over.parts.back().length;
        if (const auto n = over.parts.back().modules) over.modules = std::min(*n, over.modules.value_or(*n));
        if (!over.length) {
          over.length = length;
          continue;
        }
        Node* shorter = builder_.if_(must_operator("aten::lt", {over.length, length}, e.span));
        shorter->blocks[0]->outputs = {over.length};
        shorter->blocks[1]->outputs = {length};
        over.length = graph_->add_output(*shorter, Type::integer());
      }
      return over;
    }
    case Form::kReversed: {
      expect_arguments(args, 1, 1, "reversed", e.span);
      const Iterable inner = iterable(*args[0].expr);
      if (!inner.parts.empty() || inner.modules)
        fail(e.span, "`reversed` takes a list, a range, a str or a tensor");
      here(e.span);
      Def* last = must_operator("aten::sub", {inner.length, integer(1)}, e.span);
      over.length = inner.length;
      over.element = [this, last, inner, span = e.span](Def* turn) {
        return inner.element(must_operator("aten::sub", {last, turn}, span));
      };
      return over;
    }
    default: return iterable_of(expression(e), e.span);
  }
}

std::optional<FunctionCompiler::Iterable> FunctionCompiler::module_view(const syntax::Call& call) {
  const auto* method = syntax::is<syntax::Attribute>(*call.callee);
  if (!method || !call.args.empty() || !call.keywords.empty()) return std::nullopt;
  if (method->name != "keys" && method->name != "values" && method->name != "items") return std::nullopt;
  // Nothing but names: looking at it twice does nothing twice.
  const std::string name = dotted_name(*method->object);
  if (name.empty() || !find(name.substr(0, name.find('.')))) return std::nullopt;
  const Thing owner = thing(*method->object);
  if (!owner.def || !owner.method.empty() || owner.def->type->kind != TypeKind::kObject) return std::nullopt;
  const auto modules = submodules(*owner.def->type);
  if (!modules || !modules->named) return std::nullopt;
  const Span span = call.span;
  Iterable keys = iterable_of(owner.def, span);
  if (method->name == "keys") return keys;
  Iterable values = keys;
  values.element = [this, object = owner.def, span, names = modules->names](Def* turn) {
    const std::string& at = names[static_cast<size_t>(turn->node->constant.as_int())];
    return value_of(module_attribute(object, at, span), span);
  };
  if (method->name == "values") return values;
  Iterable items;
  items.length = keys.length;
  items.modules = keys.modules;
  items.parts.push_back(std::move(keys));
  items.parts.push_back(std::move(values));
  return items;
}

FunctionCompiler::Iterable FunctionCompiler::iterable_of(Def* value, Span span) {
  here(span);
  Iterable over;
  switch (value->type->kind) {
    case TypeKind::kDict:
      over.dict = value;
      value = must_operator("aten::keys", {value}, span);
      [[fallthrough]];
    case TypeKind::kList:
    case TypeKind::kStr:
      over.length = must_operator("aten::len", {value}, span);
      over.element = [this, value, span](Def* turn) {
        return must_operator("aten::__getitem__", {value, turn}, span);
      };
      return over;
    case TypeKind::kTensor:
      over.length = must_operator("aten::len", {value}, span);
      over.element = [this, value, span](Def* turn) {
        return must_operator("aten::select", {value, integer(0), turn}, span);
      };
      return over;
    case TypeKind::kTuple: {
      TypePtr type;
      for (const TypePtr& t : value->type->of) {
        if (type && !equal(type, t))
          fail(span, fmt::format("a loop over {} needs elements of one type; index them one by one",
                                 value->type->str()));
        type = t;
      }
      if (!type) fail(span, "a loop over an empty tuple does nothing");
      return iterable_of(builder_.list(builder_.unpack_tuple(value), type), span);
    }
    case TypeKind::kObject: {
      auto modules = submodules(*value->type);
      if (!modules)
        fail(span, fmt::format("a loop runs over a ModuleList, a Sequential or a ModuleDict; `{}` is none",
                               value->type->name));
      over.modules = modules->names.size();
      over.length = integer(static_cast<int64_t>(*over.modules));
      over.element = [this, value, span, all = *std::move(modules)](Def* turn) {
        const std::string& name = all.names[static_cast<size_t>(turn->node->constant.as_int())];
        return all.named ? builder_.constant(Value(name))
                         : value_of(module_attribute(value, name, span), span);
      };
      return over;
    }
    case TypeKind::kOptional:
      fail(span, fmt::format("a loop does not run over {}{}", value->type->str(), optional_help(value)));
    default:
      fail(span, fmt::format("a loop runs over a range, list, dict, str, tuple or Tensor, not over {}",
                             value->type->str()));
  }
}

Def* FunctionCompiler::whole_element(const Iterable& from, Def* turn) {
  if (from.parts.empty()) return from.element(turn);
  std::vector<Def*> parts;
  for (const Iterable& p : from.parts) parts.push_back(whole_element(p, turn));
  return builder_.tuple(std::move(parts));
}

void FunctionCompiler::bind_target(const syntax::Expr& target, const Iterable& from, Def* turn) {
  here(target.span);
  const auto* tuple = syntax::is<syntax::Tuple>(target);
  if (tuple && !from.parts.empty()) {
    if (tuple->items.size() != from.parts.size()) {
      fail(target.span, fmt::format("expected {} variables for this loop, got {}", from.parts.size(),
                                    tuple->items.size()));
    }
    for (size_t i = 0; i < from.parts.size(); ++i) bind_target(*tuple->items[i], from.parts[i], turn);
    return;
  }
  Def* element = whole_element(from, turn);
  // The turn itself is the loop's; a variable is free to change.
  assign(target, element, target.span);
}

Def* FunctionCompiler::list_of(const Iterable& from, const TypePtr& element_type) {
  Def* list = builder_.list({}, element_type ? element_type : Type::tensor());
  list->name = "list";
  Node* node = builder_.loop(from.length, boolean(true), {});
  const In in(*this, *node->blocks[0]);
  Def* element = whole_element(from, node->blocks[0]->params[0]);
  if (!element_type) list->type = Type::list(element->type);
  must_operator("aten::append", {list, element}, {});
  node->blocks[0]->outputs = {boolean(true)};
  return list;
}

void FunctionCompiler::each_element(const Iterable& over, const syntax::Expr& target,
                                    const std::vector<syntax::ExprPtr>& conditions, Span span,
                                    const std::function<void()>& add) {
  std::vector<std::string_view> names;
  target_names(target, &names);
  // Its variables are its own, whatever they are declared as outside.
  const auto fresh_names = [&] {
    for (const std::string_view name : names)
      set(name, Variable{nullptr, nullptr, "this variable has no value yet", true});
  };
  const auto turn = [&](Def* number) {
    fresh_names();
    bind_target(target, over, number);
    Def* keep = nullptr;
    std::vector<Refinement> told;
    for (const syntax::ExprPtr& part : conditions) {
      if (keep) {
        keep = short_circuit(keep, true, [&] { return condition_value(condition(*part)); });
        continue;
      }
      Condition c = condition(*part);
      if (over.modules && c.known.has_value()) {
        if (!*c.known) return;
        continue;
      }
      keep = condition_value(c);
      told = std::move(c.when_true);
    }
    here(span);
    if (!keep) return add();
    Node* guard = builder_.if_(keep);
    const In then(*this, *guard->blocks[0]);
    const Inner branch(*this);
    refine(told);
    add();
  };
  const Inner inner(*this);
  if (over.modules) {  // each has a type of its own
    for (size_t i = 0; i < *over.modules; ++i) turn(integer(static_cast<int64_t>(i)));
    return;
  }
  Node* node = builder_.loop(over.length, boolean(true), {});
  ir::Block& block = *node->blocks[0];
  const In in(*this, block);
  turn(block.params[0]);
  block.outputs = {boolean(true)};
}

Def* FunctionCompiler::list_comprehension(const syntax::ListComp& e, const TypePtr& hint) {
  const Iterable over = iterable(*e.iterable);
  here(e.span);
  const TypePtr wanted = hint && hint->kind == TypeKind::kList ? hint->of[0] : nullptr;
  Def* list = builder_.list({}, wanted ? wanted : Type::tensor());
  list->name = "list";  // its type is set below, and by nobody else
  TypePtr type;
  each_element(over, *e.target, e.conditions, e.span, [&] {
    Def* element = expression(*e.element, wanted);
    if (Def* fitting = wanted ? coerce(element, wanted) : nullptr) {
      element = fitting;
      type = wanted;
    }
    TypePtr both = type ? join_types(type, element->type) : element->type;
    if (!both || (type && !is_subtype(element->type, type)))
      fail(e.element->span,
           fmt::format("the elements of a list have one type: this is {}, those before are {}",
                       element->type->str(), type->str()));
    type = type ? type : std::move(both);
    list->type = Type::list(type);
    here(e.span);
    must_operator("aten::append", {list, element}, e.span);
  });
  return list;
}

FunctionCompiler::GrowingDict FunctionCompiler::growing_dict(const TypePtr& hint) {
  const TypePtr inner = hint && hint->kind == TypeKind::kOptional ? hint->of[0] : hint;
  GrowingDict dict;
  if (inner && inner->kind == TypeKind::kDict) {
    dict.key = inner->of[0];
    dict.value = inner->of[1];
  }
  dict.def =
      builder_.dict({}, dict.key ? dict.key : Type::string(), dict.value ? dict.value : Type::tensor());
  dict.def->name = "dict";
  return dict;
}

void FunctionCompiler::put(GrowingDict& dict, Def* key, Def* value, Span span) {
  if (!dict.key) {
    dict.key = key->type;
    dict.value = value->type;
    require_key(dict.key, span);
    dict.def->type = Type::dict(dict.key, dict.value);
  }
  const auto part = [&](Def* def, const TypePtr& want, std::string_view what) {
    Def* fitting = coerce(def, want);
    if (!fitting)
      fail(span,
           fmt::format("the {} of this dict are {}, but this is {}", what, want->str(), def->type->str()));
    return fitting;
  };
  key = part(key, dict.key, "keys");
  value = part(value, dict.value, "values");
  here(span);
  must_operator("aten::_set_item", {dict.def, key, value}, span);
}

Def* FunctionCompiler::dict_comprehension(const syntax::DictComp& e, const TypePtr& hint) {
  const Iterable over = iterable(*e.iterable);
  here(e.span);
  GrowingDict dict = growing_dict(hint);
  each_element(over, *e.target, e.conditions, e.span, [&] {
    Def* key = expression(*e.key, dict.key);
    Def* value = expression(*e.value, dict.value);
    put(dict, key, value, e.value->span);
  });
  return dict.def;
}

Def* FunctionCompiler::dict_of(std::vector<Argument>& args, const TypePtr& hint, Span span) {
  const auto positional = static_cast<size_t>(
      std::count_if(args.begin(), args.end(), [](const Argument& a) { return a.name.empty(); }));
  if (positional > 1)
    fail(args[1].span,
         fmt::format("`dict` takes one dict or list of pairs, then keywords; got {} arguments", positional));
  here(span);
  GrowingDict dict = growing_dict(hint);
  if (positional == 1) {
    const Span from = args[0].span;
    const bool is_call = args[0].expr->kind == syntax::ExprKind::kCall;  // zip(), say
    Iterable over = is_call ? iterable(*args[0].expr) : iterable_of(argument_value(args[0], hint), from);
    if (over.dict) over = iterable_of(must_operator("aten::items", {over.dict}, from), from);
    if (over.modules) fail(from, "modules stay in their container; loop over it");
    Node* node = builder_.loop(over.length, boolean(true), {});
    const In in(*this, *node->blocks[0]);
    Def* pair = whole_element(over, node->blocks[0]->params[0]);
    if (pair->type->kind != TypeKind::kTuple || pair->type->of.size() != 2)
      fail(from, fmt::format("`dict` takes a dict or pairs of key and value; the elements here are {}",
                             pair->type->str()));
    put(dict, builder_.tuple_index(pair, 0), builder_.tuple_index(pair, 1), from);
    node->blocks[0]->outputs = {boolean(true)};
  }
  for (Argument& a : args) {
    if (a.name.empty()) continue;
    here(a.span);
    Def* key = builder_.constant(Value(std::string(a.name)));
    put(dict, key, argument_value(a, dict.value), a.span);
  }
  return dict.def;
}

}  // namespace tine::compile
