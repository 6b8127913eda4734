#include <algorithm>

#include "src/compile/function_compiler.h"
#include "src/compile/suggest.h"

namespace tine::compile {

using ir::Def;
using syntax::ExprKind;

void FunctionCompiler::expect_arguments(const std::vector<Argument>& args, size_t least, size_t most,
                                        std::string_view shown, Span span) {
  for (const Argument& a : args) {
    if (!a.name.empty()) fail(a.span, fmt::format("`{}` takes no keyword `{}`", shown, a.name));
  }
  if (args.size() >= least && args.size() <= most) return;
  const std::string expected =
      least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most);
  fail(span, fmt::format("`{}` takes {} argument{}, got {}", shown, expected, expected == "1" ? "" : "s",
                         args.size()));
}

Def* FunctionCompiler::form(Form form, std::vector<Argument> args, const syntax::Call& e, const TypePtr&) {
  const Span span = e.span;
  switch (form) {
    case Form::kFork: return fork(std::move(args), span);
    case Form::kWait: return wait(args, span);
    case Form::kAnnotate: return annotate(args, span);
    case Form::kIsInstance: return is_instance(args, span);
    case Form::kLen: {
      expect_arguments(args, 1, 1, "len", span);
      Def* value = argument_value(args[0]);
      here(span);
      return length(value, args[0].span);
    }
    case Form::kRange: fail(span, "`range` stands only in a loop, a comprehension, or `list(range(...))`");
    case Form::kEnumerate: fail(span, "`enumerate` stands only in a loop or a comprehension");
    case Form::kZip: fail(span, "`zip` stands only in a loop or a comprehension");
    case Form::kReversed:
      fail(span, "`reversed` stands only in a loop, a comprehension, or `list(reversed(...))`");
    case Form::kPrint: return print(args, span);
    case Form::kGetAttr: return get_attribute(args, span, false);
    case Form::kHasAttr: return get_attribute(args, span, true);
    case Form::kRpcAsync:
    case Form::kRpcSync:
    case Form::kRemote: return remote_call(form, std::move(args), span);
    case Form::kWaitAll: {
      expect_arguments(args, 1, 1, "wait_all", span);
      Def* futures = argument_value(args[0]);
      if (futures->type->kind != TypeKind::kList || futures->type->of[0]->kind != TypeKind::kFuture) {
        fail(args[0].span, fmt::format("`wait_all` takes a list of Futures, got {}", futures->type->str()));
      }
      Iterable over = iterable_of(futures, span);
      over.element = [this, element = over.element, span](Def* turn) {
        return must_operator("aten::wait", {element(turn)}, span);
      };
      return list_of(over, nullptr);
    }
    case Form::kIsScripting:
    case Form::kIsTracing:
      // A constant, so that `if` compiles one branch alone.
      expect_arguments(args, 0, 0, form == Form::kIsScripting ? "is_scripting" : "is_tracing", span);
      here(span);
      return boolean(form == Form::kIsScripting);
    case Form::kSuper:
      fail(span, "`super` is not supported in scripts; call a method of a submodule, or write the code here");
  }
  fail(span, "this is not supported in scripts");
}

std::optional<Submodules> FunctionCompiler::submodules(const Type& type) const {
  const auto& object = static_cast<const ObjectType&>(type);
  return resolver_ ? resolver_->submodules(object) : std::nullopt;
}

Def* FunctionCompiler::length(Def* value, Span span) {
  if (value->type->kind == TypeKind::kTuple) return integer(static_cast<int64_t>(value->type->of.size()));
  if (value->type->kind == TypeKind::kObject) {
    if (const auto modules = submodules(*value->type))
      return integer(static_cast<int64_t>(modules->names.size()));
  }
  if (Def* d = try_operator("aten::len", {value}, span)) return d;
  fail(span, fmt::format("{} has no length{}", value->type->str(), optional_help(value)));
}

Def* FunctionCompiler::fork(std::vector<Argument> args, Span span) {
  if (args.empty() || !args[0].name.empty())
    fail(span, "`fork` takes a function or a module first, then its arguments");
  const Thing callee = thing(*args[0].expr);
  const Target t = target(callee, args[0].span);
  args.erase(args.begin());
  std::vector<Def*> inputs;
  const Schema* schema = nullptr;
  Plan plan;
  if (!t.operator_name.empty()) {
    for (Argument& a : args) argument_value(a);
    here(span);
    if (!choose(t.operator_name, args, &plan, nullptr))
      return call_operator(t.operator_name, std::move(args), t.shown, span);  // says why not
    inputs = materialize(plan, args);
  } else {
    if (t.self) args.insert(args.begin(), Argument{{}, nullptr, t.self, span});
    schema = &session_.signature(t.function, at(span));
    inputs = bind_arguments(*schema, t.shown, args, span);
  }
  here(span);
  auto graph = std::make_shared<ir::Graph>();
  graph->name = t.operator_name.empty() ? t.function.qualified_name : plan.op->schema.full_name();
  ir::Builder inside(*graph);
  inside.span = builder_.span;
  std::vector<Def*> params;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto& formal = schema ? schema->args[i] : plan.op->schema.args[i];
    params.push_back(graph->add_input(inputs[i]->type, formal.name));
  }
  Def* result = !schema ? inside.op(*plan.op, std::move(params), plan.result)
                : !t.method.empty()
                    ? inside.call_method(t.method, std::move(params), schema->result_type())
                    : inside.call(t.function.qualified_name, std::move(params), schema->result_type());
  graph->root().outputs = {result};
  graph->returns = {result->type};
  return builder_.fork(std::move(graph), std::move(inputs));
}

Def* FunctionCompiler::wait(std::vector<Argument>& args, Span span) {
  if (args.size() == 1 && args[0].name == "future") args[0].name = {};
  expect_arguments(args, 1, 1, "wait", span);
  Def* future = argument_value(args[0]);
  here(span);
  if (future->type->kind != TypeKind::kFuture) {
    fail(args[0].span,
         fmt::format("`wait` takes a Future, got {}{}", future->type->str(), optional_help(future)));
  }
  return must_operator("aten::wait", {future}, span);
}

Def* FunctionCompiler::annotate(std::vector<Argument>& args, Span span) {
  expect_arguments(args, 2, 2, "annotate", span);
  const TypePtr type = annotation_type(*args[0].expr, source_, resolver_);
  Def* value = argument_value(args[1], type);
  here(span);
  Def* fitting = coerce(value, type);
  if (!fitting) fail(args[1].span, fmt::format("expected {}, got {}", type->str(), value->type->str()));
  if (equal(fitting->type, type)) return fitting;
  // None as Optional[T], T as Optional[T]: from here on it is what was said.
  return builder_.cast(fitting, type);
}

std::vector<TypePtr> FunctionCompiler::instance_types(const syntax::Expr& e) {
  std::vector<TypePtr> types;
  if (const auto* tuple = syntax::is<syntax::Tuple>(e)) {
    for (const auto& item : tuple->items) {
      for (TypePtr& t : instance_types(*item)) types.push_back(std::move(t));
    }
    return types;
  }
  types.push_back(annotation_type(e, source_, resolver_));
  return types;
}

std::optional<bool> FunctionCompiler::instance_known(const TypePtr& actual,
                                                     const std::vector<TypePtr>& types) const {
  if (std::any_of(types.begin(), types.end(), [&](const TypePtr& t) { return is_subtype(actual, t); }))
    return true;
  if (actual->kind == TypeKind::kAny || actual->kind == TypeKind::kOptional ||
      actual->kind == TypeKind::kNumber) {
    const bool possible =
        std::any_of(types.begin(), types.end(), [&](const TypePtr& t) { return is_subtype(t, actual); });
    if (possible) return std::nullopt;
  }
  return false;
}

Def* FunctionCompiler::is_instance(std::vector<Argument>& args, Span span) {
  expect_arguments(args, 2, 2, "isinstance", span);
  Def* value = argument_value(args[0]);
  const std::vector<TypePtr> types = instance_types(*args[1].expr);
  here(span);
  if (const auto known = instance_known(value->type, types)) return boolean(*known);
  Def* any = nullptr;
  for (const TypePtr& t : types) {
    if (!is_subtype(t, value->type)) continue;
    Def* one = builder_.is_instance(value, t);
    any = any ? short_circuit(any, false, [&] { return one; }) : one;
  }
  return any;
}

Def* FunctionCompiler::print(std::vector<Argument>& args, Span span) {
  std::vector<Def*> values;
  for (Argument& a : args) {
    if (!a.name.empty())
      fail(a.span, fmt::format("`print` takes no keyword `{}` in scripts; write an f-string", a.name));
    values.push_back(argument_value(a));
  }
  here(span);
  return must_operator("prim::Print", {builder_.list(std::move(values), Type::any())}, span);
}

Def* FunctionCompiler::format_call(const syntax::String& pattern, std::vector<Argument>& args, Span span) {
  std::vector<Def*> values;
  for (Argument& a : args) {
    if (!a.name.empty()) fail(a.span, "`format` takes no keywords in scripts; write an f-string");
    values.push_back(argument_value(a));
  }
  Def* text = expression(pattern);
  here(span);
  return must_operator("aten::format", {text, builder_.list(std::move(values), Type::any())}, span);
}

Def* FunctionCompiler::get_attribute(std::vector<Argument>& args, Span span, bool only_ask) {
  expect_arguments(args, 2, 2, only_ask ? "hasattr" : "getattr", span);
  Def* object = argument_value(args[0]);
  const auto* name = args[1].expr ? syntax::is<syntax::String>(*args[1].expr) : nullptr;
  if (!name) fail(args[1].span, "the name of the attribute is a constant str in scripts");
  if (object->type->kind != TypeKind::kObject)
    fail(args[0].span, fmt::format("expected a module, got {}", object->type->str()));
  here(span);
  if (only_ask) {
    const auto& type = static_cast<const ObjectType&>(*object->type);
    bool has = type.slot_index(name->value) >= 0;
    if (!has && resolver_) {
      const Resolved found = resolver_->method(type, name->value);
      has = std::holds_alternative<FunctionRef>(found) || std::holds_alternative<Constant>(found);
    }
    return boolean(has);
  }
  return value_of(module_attribute(object, name->value, args[1].span), span);
}

// rpc_async(to, func, args=(...), kwargs={...}, timeout=...): the callee's signature binds and types the call here,
// so the machine sends one complete tuple.
Def* FunctionCompiler::remote_call(Form form, std::vector<Argument> args, Span span) {
  const std::string_view shown = form == Form::kRpcAsync  ? "rpc_async"
                                 : form == Form::kRpcSync ? "rpc_sync"
                                                          : "remote";
  constexpr std::string_view kNames[] = {"to", "func", "args", "kwargs", "timeout"};
  Argument* given[5] = {};
  size_t position = 0;
  for (Argument& a : args) {
    size_t index = position;
    if (a.name.empty()) {
      ++position;
    } else {
      index =
          static_cast<size_t>(std::find(std::begin(kNames), std::end(kNames), a.name) - std::begin(kNames));
      if (index == std::size(kNames)) {
        const std::vector<std::string> names(std::begin(kNames), std::end(kNames));
        fail(a.span, fmt::format("`{}` has no argument `{}`{}", shown, a.name, did_you_mean(a.name, names)));
      }
    }
    if (index >= std::size(kNames))
      fail(a.span, fmt::format("`{}` takes at most 5 arguments: to, func, args, kwargs, timeout", shown));
    if (given[index]) fail(a.span, fmt::format("`{}` gets its argument `{}` twice", shown, kNames[index]));
    given[index] = &a;
  }
  if (!given[0] || !given[1])
    fail(span, fmt::format("`{}` needs a worker and a function: `{}(to, func, args=(...))`", shown, shown));
  Def* to = argument_value(*given[0]);
  const TypePtr owner = Type::tuple({Type::string(), Type::integer()});  // of an RRef, its WorkerInfo
  if (to->type->kind != TypeKind::kStr && to->type->kind != TypeKind::kInt &&
      to->type->kind != TypeKind::kAny && !equal(to->type, owner)) {
    fail(given[0]->span, fmt::format("the worker is named by a str (or its rank, an int, or both: the owner "
                                     "of an RRef), not by {}",
                                     to->type->str()));
  }
  const Target t = target(thing(*given[1]->expr), given[1]->span);
  if (t.self)
    fail(given[1]->span, "a method cannot be called on another worker from a script; call a script function");

  std::vector<Argument> actual;
  if (given[2]) {
    const auto* tuple = syntax::is<syntax::Tuple>(*given[2]->expr);
    if (tuple) {
      for (const auto& item : tuple->items) actual.push_back(Argument{{}, item.get(), nullptr, item->span});
    } else {
      Def* packed = argument_value(*given[2]);
      if (packed->type->kind != TypeKind::kTuple) {
        fail(given[2]->span,
             fmt::format("`args` is a tuple, not {}; one argument is written `(x,)`", packed->type->str()));
      }
      here(span);
      for (Def* d : builder_.unpack_tuple(packed)) actual.push_back(Argument{{}, nullptr, d, given[2]->span});
    }
  }
  if (given[3] && given[3]->expr->kind != ExprKind::kNone) {
    const auto* dict = syntax::is<syntax::Dict>(*given[3]->expr);
    if (!dict)
      fail(given[3]->span,
           "`kwargs` is written as a dict in place, `kwargs={\"alpha\": 2}`, so that its types are known");
    for (size_t i = 0; i < dict->keys.size(); ++i) {
      const auto* key = syntax::is<syntax::String>(*dict->keys[i]);
      if (!key) fail(dict->keys[i]->span, "the keys of `kwargs` are constant strs");
      actual.push_back(Argument{key->value, dict->values[i].get(), nullptr, dict->values[i]->span});
    }
  }
  std::string callee;
  std::vector<Def*> inputs;
  TypePtr result;
  if (!t.operator_name.empty()) {
    for (Argument& a : actual) argument_value(a);
    here(span);
    Plan plan;
    if (!choose(t.operator_name, actual, &plan, nullptr))
      return call_operator(t.operator_name, std::move(actual), t.shown, span);  // says why not
    inputs = materialize(plan, actual);
    callee = plan.op->schema.full_name();
    result = plan.result;
  } else {
    const Schema& schema = session_.signature(t.function, at(span));
    inputs = bind_arguments(schema, t.shown, actual, span);
    callee = t.function.qualified_name;
    result = schema.result_type();
  }
  Def* timeout = given[4] ? coerce(argument_value(*given[4], Type::floating()), Type::floating()) : nullptr;
  if (given[4] && !timeout)
    fail(given[4]->span,
         fmt::format("the timeout is a number of seconds, not {}", given[4]->def->type->str()));
  here(span);
  if (!timeout) timeout = builder_.constant(-1.0);  // the default of the agent
  Def* name = builder_.constant(Value(std::move(callee)));
  Def* packed = builder_.tuple(std::move(inputs));
  // A synchronous call is an asynchronous one that is waited for: the machine suspends, no thread blocks.
  const std::string_view row = form == Form::kRemote ? "rpc::remote" : "rpc::rpc_async";
  const Op* op = session_.ops.find(row);
  if (!op) fail(span, fmt::format("`{}` is not available here: this runtime has no rpc", shown));
  result = form == Form::kRemote ? Type::rref(result) : Type::future(result);
  // Past the bounds of what may be in flight the script is suspended, not the thread.
  if (session_.ops.find("rpc::room"))
    must_operator("aten::wait", {must_operator("rpc::room", {to}, span)}, span);
  // The row's result is Any: what it holds is known from the callee's signature alone.
  Def* started = builder_.cast(builder_.op(*op, {to, name, packed, timeout}, Type::any()), std::move(result));
  return form == Form::kRpcSync ? must_operator("aten::wait", {started}, span) : started;
}

}  // namespace tine::compile
