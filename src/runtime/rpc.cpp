#include "src/runtime/rpc.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "src/runtime/script.h"
#include "src/value/cost.h"

namespace tine {
namespace {

std::vector<Value> items_of(const Value& args) {
  if (args.is(Tag::kTuple)) return args.as_tuple().items;
  if (args.is(Tag::kList)) return args.as_list().items;
  throw TypeError(
      fmt::format("rpc: args: expected a tuple of the callee's arguments, got {}", name_of(args.tag())));
}

RemoteCaller& caller_in(OpContext& context) {
  if (!context.remote) throw Error("RPC is not available here: this operator context has no remote caller");
  return *context.remote;
}

}  // namespace

RpcService::RpcService(Runtime& runtime) : runtime_(runtime) {}

RpcService::~RpcService() { stop(false, rpc::Seconds(0)); }

void RpcService::start(rpc::AgentOptions options, ForeignSide foreign) {
  {
    const std::lock_guard lock(mutex_);
    if (agent_) {
      throw Error(fmt::format("RPC is already initialized, as worker \"{}\"; call shutdown first",
                              agent_->self().name));
    }
    foreign_ = std::move(foreign);
  }
  options.ops = &runtime_.ops();
  options.op_context = [this] { return runtime_.context(); };
  options.handler = this;
  // A call may come, and call back, before start() has returned here.
  options.hold_calls = true;
  options.codec = foreign_.codec;
  options.executor = &runtime_.scheduler();
  options.blocking = &runtime_.blocking();
  options.callbacks = &runtime_.callbacks();
  options.timer = &runtime_.scheduler().timer();
  std::shared_ptr<rpc::Agent> agent = rpc::Agent::start(std::move(options));
  {
    const std::lock_guard lock(mutex_);
    agent_ = agent;
    seen_by_child_.store(agent.get(), std::memory_order_release);
  }
  agent->open();
}

void RpcService::stop(bool graceful, rpc::Seconds timeout, std::string_view failure) {
  std::shared_ptr<rpc::Agent> agent;
  {
    const std::lock_guard lock(mutex_);
    if (!agent_) return;
    agent = agent_;
  }
  // Callbacks that come in during a graceful shutdown still find the agent.
  const auto forget = [&] {
    const std::lock_guard lock(mutex_);
    if (agent_ != agent) return;
    seen_by_child_.store(nullptr, std::memory_order_release);
    agent_ = nullptr;
    was_stopped_ = true;
  };
  try {
    agent->shutdown(graceful, timeout, failure);
  } catch (...) {
    forget();
    throw;
  }
  forget();
}

std::shared_ptr<rpc::Agent> RpcService::agent() const {
  const std::lock_guard lock(mutex_);
  if (agent_) return agent_;
  if (was_stopped_) {
    throw Error("RPC has been shut down in this process; call init_rpc again before making calls");
  }
  throw Error("RPC has not been initialized. Call tine.distributed.rpc.init_rpc first.");
}

bool RpcService::initialised() const noexcept {
  const std::lock_guard lock(mutex_);
  return agent_ != nullptr;
}

void RpcService::leave_in_child() noexcept {
  if (rpc::Agent* const agent = seen_by_child_.load(std::memory_order_relaxed)) agent->abandon_in_child();
}

namespace {

int rank_of(const rpc::Agent& agent, const Value& to) {
  if (to.is_string()) return agent.worker_info(to.as_string()).id;
  if (to.is_int()) {
    const int64_t rank = to.as_int();
    // Only an int is a rank.
    return agent.worker_info(static_cast<int>(std::clamp<int64_t>(rank, -1, INT32_MAX))).id;
  }
  if (to.is(Tag::kTuple) && !to.as_tuple().items.empty()) return rank_of(agent, to.as_tuple().items.front());
  throw TypeError(fmt::format("to: expected a worker's name, rank or WorkerInfo, got {}", name_of(to.tag())));
}

}  // namespace

Destination RpcService::destination(const Value& to, double timeout) const {
  Destination d{agent(), 0, {}};
  try {
    d.rank = rank_of(*d.agent, to);
  } catch (const ValueError& e) {
    throw ValueError("could not find destination: " + e.message());
  }
  d.deadline = deadline_after(*d.agent, timeout);
  return d;
}

TimePoint RpcService::deadline_after(const rpc::Agent& agent, double timeout) {
  if (std::isnan(timeout)) throw ValueError("timeout: expected seconds (0 for none), got nan");
  return agent.deadline_after(rpc::Seconds(timeout));
}

rpc::CallRequest RpcService::request_for(const std::string& callee, std::vector<Value> args,
                                         std::vector<std::pair<std::string, Value>> kwargs) const {
  if (runtime_.ops().find(callee))
    return rpc::CallRequest::builtin(callee, std::move(args), std::move(kwargs));
  if (scripts_) {
    if (auto code = scripts_->code_of(callee)) {
      return rpc::CallRequest::script(callee, std::move(code), std::move(args), std::move(kwargs));
    }
  }
  throw ValueError(
      fmt::format("rpc: \"{}\" is neither an operator nor a script function of this process", callee));
}

void RpcService::check(const rpc::CallRequest& request) const {
  rpc::refuse_futures(request);
  const std::vector<Keyword> keywords(request.kwargs.begin(), request.kwargs.end());
  if (request.target == rpc::Target::kBuiltin) {
    std::vector<Value> bound;
    try {
      (void)runtime_.ops().resolve(request.name, request.args, keywords, Boundary::kPython, &bound);
    } catch (const TypeError& e) {
      throw TypeError("Overloaded torch operator invoked from Python failed to match any schema: " +
                      e.message());
    }
  } else if (const ScriptRef f = runtime_.scripts().function(request.name)) {
    (void)runtime_.scripts().bind(*f, request.args, keywords);
  }
}

Future<Value> RpcService::rpc_async(const Value& to, const std::string& callee, const Value& args,
                                    double timeout) {
  const Destination d = destination(to, timeout);
  return d.call(request_for(callee, items_of(args)));
}

Value RpcService::remote(const Value& to, const std::string& callee, const Value& args, double timeout) {
  const Destination d = destination(to, timeout);
  return Value(detail::Ref<RRefObject>(d.remote(request_for(callee, items_of(args)))));
}

Future<Value> RpcService::to_here(const Value& rref, double timeout) {
  return rpc::RRef::from(rref)->to_here(deadline_after(*agent(), timeout));
}

Future<Value> RpcService::room(const Value& to) {
  // Shared by all calls, so that a call that finds room allocates nothing.
  static const Future<Value>& at_once = *new Future<Value>(make_ready(Value()));
  const Destination d = destination(to, 0);
  if (d.agent->has_room(d.rank)) return at_once;
  // Another call may have taken the room: then this one waits again.
  return d.agent->room(d.rank).and_then([this, to] { return room(to); });
}

void RpcService::handle(rpc::IncomingCall call) {
  if (call.target() == rpc::Target::kForeign) {
    if (!foreign_.handle) throw Error("this worker runs no Python functions: it was started without Python");
    foreign_.handle(std::move(call));
    return;
  }
  if (!scripts_)
    throw Error(fmt::format("this worker runs no scripts, so it cannot run \"{}\"", call.name()));
  Future<Value> result = scripts_->run(call.name(), {call.code_hash(), call.code_text()},
                                       std::move(call.args()), std::move(call.kwargs()));
  if (!call.async_execution()) {
    call.reply_with(std::move(result));
    return;
  }
  // The script's result is itself the future whose value is the reply.
  const std::string name = call.name();
  call.reply_with(result.and_then([name](const Value& inner) {
    if (!inner.is_future()) {
      throw TypeError(
          fmt::format("Functions decorated with @rpc.functions.async_execution must return a "
                      "torch.futures.Future object, but got {} from {}",
                      name_of(inner.tag()), name));
    }
    return inner.to_future();
  }));
}

void add_rpc_operators(OpTable& table) {
  // A script waits for this before a call. If there is no room, the wait suspends the script, as any wait does.
  table.add("rpc::room(Any to) -> Future(NoneType)",
            [](OpContext& context, const Value* a) { return Value(caller_in(context).room(a[0])); },
            {.pure = false, .cost = cost::kFixed});
  constexpr OpTraits kRemote{.pure = false, .cost = cost::kNoBound};
  table.add(
      "rpc::rpc_async(Any to, str callee, Any args, float timeout=-1.0) -> Any",
      [](OpContext& context, const Value* a) {
        return Value(caller_in(context).rpc_async(a[0], a[1].to_string(), a[2], a[3].to_float()));
      },
      kRemote);
  table.add(
      "rpc::remote(Any to, str callee, Any args, float timeout=-1.0) -> Any",
      [](OpContext& context, const Value* a) {
        return caller_in(context).remote(a[0], a[1].to_string(), a[2], a[3].to_float());
      },
      kRemote);
  // The methods of an RRef. Those that wait return a Future, and the compiler adds an aten::wait: an operator that blocked
  // would hold the thread that runs the script, which may be the one that must read the answer.
  table.add(
      "rpc::to_here(RRef(t) self, float timeout=-1.0) -> Future(t)",
      [](OpContext& context, const Value* a) {
        return Value(caller_in(context).to_here(a[0], a[1].to_float()));
      },
      kRemote);
  table.add(
      "rpc::local_value(RRef(t) self) -> Future(t)",
      [](OpContext&, const Value* a) { return Value(rpc::RRef::from(a[0])->local_value()); }, kRemote);
  constexpr OpTraits kAsks{.pure = false, .cost = cost::kFixed};
  table.add(
      "rpc::is_owner(RRef(t) self) -> bool",
      [](OpContext&, const Value* a) { return Value(rpc::RRef::from(a[0])->is_owner()); }, kAsks);
  table.add(
      "rpc::owner(RRef(t) self) -> (str name, int id)",
      [](OpContext&, const Value* a) {
        const rpc::WorkerInfo& owner = rpc::RRef::from(a[0])->owner();
        return Value(
            detail::make_ref<Tuple>(std::vector<Value>{Value(owner.name), Value(int64_t{owner.id})}));
      },
      kAsks);
  table.add(
      "rpc::owner_name(RRef(t) self) -> str",
      [](OpContext&, const Value* a) { return Value(rpc::RRef::from(a[0])->owner().name); }, kAsks);
  table.add(
      "rpc::confirmed_by_owner(RRef(t) self) -> bool",
      [](OpContext&, const Value* a) {
        const Future<Value> confirmed = rpc::RRef::from(a[0])->confirmed();
        return Value(confirmed.ready() && !confirmed.error());
      },
      kAsks);
}

}  // namespace tine
