#include "src/compile/deferred_calls.h"

#include <algorithm>
#include <iterator>

#include "src/compile/classes.h"
#include "src/compile/expressions.h"
#include "src/compile/session.h"
#include "src/compile/suggest.h"

namespace tine::compile {

using ir::Def;
using syntax::ExprKind;

namespace {

bool holds_future(const Type& type) {
  return type.kind == TypeKind::kFuture ||
         std::any_of(type.of.begin(), type.of.end(), [](const TypePtr& part) { return holds_future(*part); });
}

// The class of scripts, or the interface, in a type; null where there is none.
const Type* object_in(const Type& type) {
  if (type.kind == TypeKind::kObject) {
    const auto* const object = dynamic_cast<const ObjectType*>(&type);
    return object && (object->is_class() || object->is_interface()) ? &type : nullptr;
  }
  for (const TypePtr& part : type.of) {
    if (const Type* object = object_in(*part)) return object;
  }
  return nullptr;
}

}  // namespace

DeferredCalls::Bound DeferredCalls::bind(const Callee& callee, std::vector<CallArgument> args, Span span) {
  Bound bound;
  if (!callee.operator_name.empty()) {
    ChosenOp chosen = arguments_.choose(callee.operator_name, args, callee.shown, span);
    bound.op = chosen.op;
    bound.schema = &chosen.op->schema;
    bound.inputs = std::move(chosen.inputs);
    bound.result = std::move(chosen.result);
    return bound;
  }
  if (callee.self) args.insert(args.begin(), CallArgument{{}, nullptr, callee.self, span});
  bound.schema = callee.self ? &classes_.signature(callee.self, callee.function, span)
                             : &session_.signature(callee.function, builder_.at(span));
  bound.inputs = arguments_.bind(*bound.schema, callee.shown, args, span);
  bound.result = bound.schema->result_type();
  return bound;
}

Def* DeferredCalls::fork(std::vector<CallArgument> args, Span span) {
  if (args.empty() || !args[0].name.empty())
    builder_.fail(span, "`fork` takes a function or a module first, then its arguments");
  const Callee callee = meanings_.callee(arguments_.meaning(args[0]), args[0].span);
  args.erase(args.begin());
  if (callee.made) return fork_of_class(callee.made, std::move(args), span);
  Bound bound = bind(callee, std::move(args), span);
  builder_.here(span);
  // The arguments are computed here. The forked graph contains only the call.
  auto graph = std::make_shared<ir::Graph>();
  graph->name = bound.op ? bound.schema->full_name() : callee.function.qualified_name;
  ir::Builder inside(*graph);
  inside.span = builder_.span;
  std::vector<Def*> params;
  for (size_t i = 0; i < bound.inputs.size(); ++i)
    params.push_back(graph->add_input(bound.inputs[i]->type, bound.schema->args[i].name));
  Def* result = bound.op ? inside.op(*bound.op, std::move(params), bound.result)
                : !callee.method.empty()
                    ? inside.call_method(callee.method, std::move(params), bound.result)
                    : inside.call(callee.function.qualified_name, std::move(params), bound.result);
  graph->root().outputs = {result};
  graph->returns = {result->type};
  return builder_.fork(std::move(graph), std::move(bound.inputs));
}

// The arguments are computed here; the object is made in the fork.
Def* DeferredCalls::fork_of_class(const TypePtr& type, std::vector<CallArgument> args, Span span) {
  auto graph = std::make_shared<ir::Graph>(type->name);
  ir::Builder inside(*graph);
  inside.span = builder_.at(span);
  Def* object = inside.create_object(type);
  std::vector<Def*> inputs, params{object};
  if (const FunctionRef* const init = classes_.init(type, span)) {
    const Schema& schema = session_.signature(*init, builder_.at(span));
    args.insert(args.begin(), CallArgument{{}, nullptr, object, span});
    inputs = arguments_.bind(schema, type->name, args, span);
    inputs.erase(inputs.begin());
    for (size_t i = 0; i < inputs.size(); ++i)
      params.push_back(graph->add_input(inputs[i]->type, schema.args[i + 1].name));
    inside.call_method("__init__", std::move(params), schema.result_type());
  } else {
    arguments_.expect(args, 0, 0, type->name, span);
  }
  builder_.here(span);
  graph->root().outputs = {object};
  graph->returns = {type};
  return builder_.fork(std::move(graph), std::move(inputs));
}

DeferredCalls::RemoteArguments DeferredCalls::remote_arguments(std::string_view shown,
                                                               std::vector<CallArgument>& args, Span span) {
  constexpr std::string_view kNames[] = {"to", "func", "args", "kwargs", "timeout"};
  CallArgument* given[std::size(kNames)] = {};
  size_t position = 0;
  for (CallArgument& a : args) {
    size_t index = position;
    if (a.name.empty()) {
      ++position;
    } else {
      index =
          static_cast<size_t>(std::find(std::begin(kNames), std::end(kNames), a.name) - std::begin(kNames));
      if (index == std::size(kNames)) {
        const std::vector<std::string> names(std::begin(kNames), std::end(kNames));
        builder_.fail(a.place_of_name(),
                      fmt::format("`{}` has no argument `{}`{}", shown, a.name, did_you_mean(a.name, names)));
      }
    }
    if (index >= std::size(kNames))
      builder_.fail(a.span,
                    fmt::format("`{}` takes at most 5 arguments: to, func, args, kwargs, timeout", shown));
    if (given[index])
      builder_.fail(a.place_of_name(),
                    fmt::format("`{}` gets its argument `{}` twice", shown, kNames[index]));
    given[index] = &a;
  }
  if (!given[0] || !given[1])
    builder_.fail(
        span, fmt::format("`{}` needs a worker and a function: `{}(to, func, args=(...))`", shown, shown));
  return {given[0], given[1], given[2], given[3], given[4]};
}

Def* DeferredCalls::worker(CallArgument& to) {
  Def* worker = arguments_.value(to);
  const TypePtr owner = Type::tuple({Type::string(), Type::integer()});  // of an RRef, its WorkerInfo
  const TypeKind kind = worker->type->kind;
  if (kind == TypeKind::kStr || kind == TypeKind::kInt || kind == TypeKind::kAny ||
      is_subtype(worker->type, owner))
    return worker;
  builder_.fail(to.span, fmt::format("the worker must be named by a str (or by its rank, an int, or by the "
                                     "owner of an RRef), not by {}",
                                     worker->type->str()));
}

DeferredCalls::Actual DeferredCalls::unpacked(const RemoteArguments& given, Span span) {
  Actual actual;
  if (given.args && given.args->expr->kind != ExprKind::kNone) {
    // What is written in place is taken apart at compile time, so that the type of each parameter helps its argument.
    const auto* tuple = syntax::is<syntax::Tuple>(*given.args->expr);
    const auto* list = syntax::is<syntax::List>(*given.args->expr);
    if (!given.args->def && (tuple || list)) {
      arguments_.add(tuple ? tuple->items : list->items, &actual.args);
    } else {
      Def* packed = arguments_.value(*given.args);
      if (packed->type->kind != TypeKind::kTuple) {
        builder_.fail(
            given.args->span,
            fmt::format("`args` must be a tuple, not {}; write one argument as `(x,)`", packed->type->str()));
      }
      builder_.here(span);
      for (Def* d : builder_.unpack_tuple(packed)) actual.args.push_back({{}, nullptr, d, given.args->span});
    }
  }
  if (!given.kwargs) return actual;
  const auto* dict = syntax::is<syntax::Dict>(*given.kwargs->expr);
  if (!given.kwargs->def && dict && std::all_of(dict->keys.begin(), dict->keys.end(), [](const auto& key) {
        return key->kind == ExprKind::kString;
      })) {
    for (size_t i = 0; i < dict->keys.size(); ++i) {
      actual.args.push_back({syntax::as<syntax::String>(*dict->keys[i]).value, dict->values[i].get(), nullptr,
                             dict->values[i]->span});
    }
    return actual;
  }
  actual.rest = keywords(*given.kwargs);
  actual.rest_span = given.kwargs->span;
  return actual;
}

// Null when it is known that there are none.
Def* DeferredCalls::keywords(CallArgument& kwargs) {
  Def* dict = arguments_.value(kwargs);
  const TypePtr type = without_optional(dict->type);
  if (type->kind == TypeKind::kNone) return nullptr;
  if (type->kind != TypeKind::kDict) {
    builder_.fail(
        kwargs.span,
        fmt::format("`kwargs` must be a dict, as in `kwargs={{\"alpha\": 2}}`, or a variable of type "
                    "Dict[str, T], not {}",
                    dict->type->str()));
  }
  if (type->of[0]->kind != TypeKind::kStr) {
    builder_.fail(kwargs.span, fmt::format("the keys of `kwargs` are the names of arguments, so they must be "
                                           "str, not {}: this is a {}",
                                           type->of[0]->str(), type->str()));
  }
  return is_still_empty(dict) ? nullptr : dict;
}

// `kwargs = {}` that nothing has used since, in one sequence of statements: the call is bound as if it had none.
bool DeferredCalls::is_still_empty(const Def* dict) const {
  const ir::Node* made = dict->node;
  if (!made || made->kind != ir::Kind::kDictConstruct || !made->inputs.empty() ||
      made->owner != &builder_.block())
    return false;
  const auto uses = [dict](const auto& self, const ir::Block& block) -> bool {
    return std::any_of(block.nodes.begin(), block.nodes.end(), [&](const ir::Node* node) {
      return std::find(node->inputs.begin(), node->inputs.end(), dict) != node->inputs.end() ||
             std::any_of(node->blocks.begin(), node->blocks.end(),
                         [&](const ir::Block* inner) { return self(self, *inner); });
    });
  };
  return !uses(uses, builder_.block());
}

// A callee that only the other worker knows, or whose name is known when the script runs.
DeferredCalls::Request DeferredCalls::request_by_name(Def* name, Actual actual, const TypePtr& hint,
                                                      Span span) {
  Request request;
  request.name = name;
  request.result = hint ? hint : Type::any();
  std::vector<Def*> keys_and_values;
  for (CallArgument& a : actual.args) {
    Def* value = arguments_.value(a);
    if (a.name.empty()) {
      request.positions.push_back(value);
    } else {
      keys_and_values.push_back(builder_.text(std::string(a.name)));
      keys_and_values.push_back(value);
    }
  }
  builder_.here(span);
  request.kwargs =
      actual.rest ? actual.rest : builder_.dict(std::move(keys_and_values), Type::string(), Type::any());
  return request;
}

// They cannot travel by position.
void DeferredCalls::take_keyword_only(const std::vector<Argument>& parameters, Request* request) {
  std::vector<Def*> keys_and_values;
  for (size_t i = parameters.size(); i > 0 && parameters[i - 1].keyword_only; --i) {
    keys_and_values.push_back(builder_.text(parameters[i - 1].name));
    keys_and_values.push_back(request->positions[i - 1]);
    request->positions.pop_back();
  }
  if (!keys_and_values.empty())
    request->kwargs = builder_.dict(std::move(keys_and_values), Type::string(), Type::any());
}

DeferredCalls::Request DeferredCalls::request(CallArgument& func, Actual actual, const TypePtr& hint,
                                              Span span) {
  const Meaning meaning = arguments_.meaning(func);
  const auto* global = std::get_if<Constant>(&meaning.resolved);
  const bool is_value = meaning.def ? meaning.method.empty() : global && global->value.is_string();
  Callee callee;
  if (Def* name = is_value ? meanings_.value_of(meaning, func.span) : nullptr;
      name && name->type->kind == TypeKind::kStr) {
    const bool known = name->node && name->node->kind == ir::Kind::kConstant;
    const std::string text = known ? name->node->constant.as_string() : std::string();
    callee.shown = text;
    if (!builder_.ops().overloads(text).empty()) {
      callee.operator_name = text;
    } else if (known && session_.knows(text)) {
      callee.function.qualified_name = text;
    } else {
      return request_by_name(name, std::move(actual), hint, span);
    }
  } else {
    callee = meanings_.callee(meaning, func.span);
  }
  if (callee.made)
    builder_.fail(func.span,
                  "an object of a class cannot be made on another worker from a script; call a script "
                  "function that makes it");
  if (callee.self)
    builder_.fail(func.span,
                  "a method cannot be called on another worker from a script; call a script function");
  Request request;
  if (!actual.rest) {
    Bound bound = bind(callee, std::move(actual.args), span);
    builder_.here(span);
    request.name = bound.op ? builder_.text(bound.schema->full_name())
                            : builder_.function_name(callee.function.qualified_name);
    request.positions = std::move(bound.inputs);
    request.result = std::move(bound.result);
    take_keyword_only(bound.schema->args, &request);
  } else if (!callee.operator_name.empty()) {
    builder_.fail(
        actual.rest_span,
        fmt::format("`{}` is an operator, whose keywords decide what it returns: write them in place, "
                    "as in `kwargs={{\"alpha\": 2}}`",
                    callee.shown));
  } else {
    const Schema& schema = session_.signature(callee.function, builder_.at(span));
    request.positions = arguments_.bind_positions(schema, callee.shown, actual.args);
    builder_.here(span);
    request.name = builder_.function_name(callee.function.qualified_name);
    request.kwargs = actual.rest;
    request.result = schema.result_type();
  }
  request.async_execution = callee.function.async_execution;
  if (request.async_execution) {
    if (request.result->kind != TypeKind::kFuture) {
      builder_.fail(func.span, fmt::format("`{}` is an async_execution function, which must return a Future "
                                           "for a call on another worker; it returns {}",
                                           callee.shown, request.result->str()));
    }
    request.result = TypePtr(request.result->of[0]);
  }
  return request;
}

Def* DeferredCalls::timeout(CallArgument* given) {
  if (!given) return builder_.constant(-1.0);  // the default of the agent
  Def* seconds = arguments_.value(*given, Type::floating());
  Def* timeout = builder_.coerce(seconds, Type::floating());
  if (!timeout) {
    builder_.fail(given->span,
                  fmt::format("the timeout must be a number of seconds, not {}", seconds->type->str()));
  }
  return timeout;
}

// rpc_async(to, func, args=(...), kwargs={...}, timeout=...). The callee's signature types the call, and binds what is known
// here: all arguments, unless there is a dict of keywords that the script makes when it runs.
Def* DeferredCalls::remote_call(Form form, std::vector<CallArgument> args, const TypePtr& hint, Span span) {
  const std::string_view shown = form == Form::kRpcAsync  ? "rpc_async"
                                 : form == Form::kRpcSync ? "rpc_sync"
                                                          : "remote";
  const RemoteArguments given = remote_arguments(shown, args, span);
  Def* to = worker(*given.to);
  const TypePtr wanted = without_optional(hint);
  const TypeKind holder = form == Form::kRemote ? TypeKind::kRRef : TypeKind::kFuture;
  Request r = request(*given.func, unpacked(given, span),
                      form == Form::kRpcSync             ? hint
                      : wanted && wanted->kind == holder ? wanted->of[0]
                                                         : nullptr,
                      span);
  const auto refuse_object = [&](const Type& type, Span at, std::string_view what) {
    if (const Type* object = object_in(type)) {
      builder_.fail(
          at, fmt::format("an object of a class cannot be sent to another worker, and {} is a {}; send its "
                          "attributes, in a tuple, say",
                          what, object->name));
    }
  };
  refuse_object(*r.result, given.func->span, "what this returns");
  for (const Def* value : r.positions) {
    refuse_object(*value->type, span, "an argument");
    if (holds_future(*value->type)) {
      builder_.fail(
          span, fmt::format("a Future cannot be sent to another worker, and an argument is a {}; wait for "
                            "it and send its value",
                            value->type->str()));
    }
  }
  if (holds_future(*r.result)) {
    builder_.fail(
        given.func->span,
        fmt::format("a call on another worker cannot give a {}: a Future cannot be sent. Return its value, "
                    "or decorate the callee with @rpc.functions.async_execution",
                    r.result->str()));
  }
  Def* seconds = timeout(given.timeout);
  builder_.here(span);
  Def* packed = builder_.tuple(std::move(r.positions));
  if (!r.kwargs) r.kwargs = builder_.none();
  Def* async_execution = builder_.boolean(r.async_execution);
  // A synchronous call is an asynchronous one that is waited for: the machine suspends, no thread blocks.
  const std::string_view row = form == Form::kRemote ? "rpc::remote" : "rpc::rpc_async";
  const Op* op = builder_.ops().find(row);
  if (!op) builder_.fail(span, fmt::format("`{}` is not available here: this runtime has no rpc", shown));
  // If too much is in flight already, the script is suspended until there is room; the thread is not blocked.
  if (builder_.ops().find("rpc::room"))
    builder_.must_operator("aten::wait", {builder_.must_operator("rpc::room", {to}, span)}, span);
  // The row returns Any; the type of the result follows from the callee.
  TypePtr result = form == Form::kRemote ? Type::rref(r.result) : Type::future(r.result);
  Def* made = builder_.op(*op, {to, r.name, packed, r.kwargs, seconds, async_execution}, Type::any());
  Def* started = builder_.cast(made, std::move(result));
  return form == Form::kRpcSync ? builder_.must_operator("aten::wait", {started}, span) : started;
}

}  // namespace tine::compile
