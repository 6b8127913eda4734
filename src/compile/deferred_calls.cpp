#include "src/compile/deferred_calls.h"

#include <algorithm>
#include <iterator>

#include "src/compile/session.h"
#include "src/compile/suggest.h"

namespace tine::compile {

using ir::Def;
using syntax::ExprKind;

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
  bound.schema = &session_.signature(callee.function, builder_.at(span));
  bound.inputs = arguments_.bind(*bound.schema, callee.shown, args, span);
  bound.result = bound.schema->result_type();
  return bound;
}

Def* DeferredCalls::fork(std::vector<CallArgument> args, Span span) {
  if (args.empty() || !args[0].name.empty())
    builder_.fail(span, "`fork` takes a function or a module first, then its arguments");
  const Callee callee = meanings_.callee(meanings_.of(*args[0].expr), args[0].span);
  args.erase(args.begin());
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
        builder_.fail(a.span,
                      fmt::format("`{}` has no argument `{}`{}", shown, a.name, did_you_mean(a.name, names)));
      }
    }
    if (index >= std::size(kNames))
      builder_.fail(a.span,
                    fmt::format("`{}` takes at most 5 arguments: to, func, args, kwargs, timeout", shown));
    if (given[index])
      builder_.fail(a.span, fmt::format("`{}` gets its argument `{}` twice", shown, kNames[index]));
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
      equal(worker->type, owner))
    return worker;
  builder_.fail(to.span, fmt::format("the worker must be named by a str (or by its rank, an int, or by the "
                                     "owner of an RRef), not by {}",
                                     worker->type->str()));
}

// The arguments of the function itself, out of the tuple `args` and the dict `kwargs`.
std::vector<CallArgument> DeferredCalls::unpacked(const RemoteArguments& given, Span span) {
  std::vector<CallArgument> actual;
  if (given.args) {
    // A tuple that is written in place is taken apart at compile time, so that the type of each parameter helps its argument.
    if (const auto* tuple = syntax::is<syntax::Tuple>(*given.args->expr)) {
      for (const auto& item : tuple->items) actual.push_back({{}, item.get(), nullptr, item->span});
    } else {
      Def* packed = arguments_.value(*given.args);
      if (packed->type->kind != TypeKind::kTuple) {
        builder_.fail(
            given.args->span,
            fmt::format("`args` must be a tuple, not {}; write one argument as `(x,)`", packed->type->str()));
      }
      builder_.here(span);
      for (Def* d : builder_.unpack_tuple(packed)) actual.push_back({{}, nullptr, d, given.args->span});
    }
  }
  if (given.kwargs && given.kwargs->expr->kind != ExprKind::kNone) {
    const auto* dict = syntax::is<syntax::Dict>(*given.kwargs->expr);
    if (!dict)
      builder_.fail(given.kwargs->span,
                    "`kwargs` must be written as a dict in place, `kwargs={\"alpha\": 2}`, so that its types "
                    "are known");
    for (size_t i = 0; i < dict->keys.size(); ++i) {
      const auto* key = syntax::is<syntax::String>(*dict->keys[i]);
      if (!key) builder_.fail(dict->keys[i]->span, "the keys of `kwargs` must be constant strs");
      actual.push_back({key->value, dict->values[i].get(), nullptr, dict->values[i]->span});
    }
  }
  return actual;
}

// rpc_async(to, func, args=(...), kwargs={...}, timeout=...): the callee's signature binds and types the call here,
// so the machine sends one complete tuple.
Def* DeferredCalls::remote_call(Form form, std::vector<CallArgument> args, Span span) {
  const std::string_view shown = form == Form::kRpcAsync  ? "rpc_async"
                                 : form == Form::kRpcSync ? "rpc_sync"
                                                          : "remote";
  const RemoteArguments given = remote_arguments(shown, args, span);
  Def* to = worker(*given.to);
  const Callee callee = meanings_.callee(meanings_.of(*given.func->expr), given.func->span);
  if (callee.self)
    builder_.fail(given.func->span,
                  "a method cannot be called on another worker from a script; call a script function");
  Bound bound = bind(callee, unpacked(given, span), span);
  Def* timeout = nullptr;
  if (given.timeout) {
    Def* seconds = arguments_.value(*given.timeout, Type::floating());
    timeout = builder_.coerce(seconds, Type::floating());
    if (!timeout)
      builder_.fail(given.timeout->span,
                    fmt::format("the timeout must be a number of seconds, not {}", seconds->type->str()));
  }
  builder_.here(span);
  if (!timeout) timeout = builder_.constant(-1.0);  // the default of the agent
  Def* name = builder_.text(bound.op ? bound.schema->full_name() : callee.function.qualified_name);
  Def* packed = builder_.tuple(std::move(bound.inputs));
  // A synchronous call is an asynchronous one that is waited for: the machine suspends, no thread blocks.
  const std::string_view row = form == Form::kRemote ? "rpc::remote" : "rpc::rpc_async";
  const Op* op = builder_.ops().find(row);
  if (!op) builder_.fail(span, fmt::format("`{}` is not available here: this runtime has no rpc", shown));
  // If too much is in flight already, the script is suspended until there is room; the thread is not blocked.
  if (builder_.ops().find("rpc::room"))
    builder_.must_operator("aten::wait", {builder_.must_operator("rpc::room", {to}, span)}, span);
  // The row returns Any; the type of the result follows from the signature of the callee.
  TypePtr result = form == Form::kRemote ? Type::rref(bound.result) : Type::future(bound.result);
  Def* started = builder_.cast(builder_.op(*op, {to, name, packed, timeout}, Type::any()), std::move(result));
  return form == Form::kRpcSync ? builder_.must_operator("aten::wait", {started}, span) : started;
}

}  // namespace tine::compile
