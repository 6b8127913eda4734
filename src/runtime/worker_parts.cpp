#include "src/runtime/worker_parts.h"

#include <fmt/format.h>

#include "src/rpc/served_stream.h"
#include "src/rpc/transport/named_transports.h"
#include "src/rpc/transport/tls/tls_context.h"
#include "src/value/text.h"
#include "tine/context.h"
#include "tine/operators.h"

namespace tine::rpc {
namespace {

std::vector<Value> items_of(const Value& args) {
  if (args.is(Tag::kTuple)) return args.as_tuple().items.copy();
  if (args.is(Tag::kList)) return args.as_list().items;
  throw TypeError(
      fmt::format("rpc: args: expected a tuple of the callee's arguments, got {}", name_of(args.tag())));
}

std::vector<std::pair<std::string, Value>> keywords_of(const Value& kwargs) {
  std::vector<std::pair<std::string, Value>> keywords;
  if (!kwargs.is(Tag::kDict))
    throw TypeError(fmt::format("rpc: kwargs: expected a dict of the callee's arguments by name, got {}",
                                name_of(kwargs.tag())));
  for (const auto& [name, value] : kwargs.as_dict().items()) {
    if (!name.is_string())
      throw TypeError(fmt::format("rpc: kwargs: expected the names of the callee's arguments as str, got {}",
                                  name.repr()));
    keywords.emplace_back(name.as_string(), value);
  }
  return keywords;
}

// As from Python: of negative ones -1 alone, the default, means something.
Seconds call_timeout(double seconds) {
  if (!(seconds >= 0) && seconds != kDefaultTimeout.count())
    throw ValueError(fmt::format("timeout: expected seconds (0 for none), got {}", float_repr(seconds)));
  return Seconds(seconds);
}

// A served function's future, as the answer of its call. `refused`: of a call that wants no stream, that function's name.
void settle(Promise<Value> answer, const Future<Value>& result, const std::string& refused) {
  if (const std::exception_ptr error = result.error()) {
    (void)answer.set_error(error);
  } else if (!refused.empty() && is_stream(result.get())) {
    (void)answer.set_error(TypeError(
        fmt::format("{} returns a stream: call it by Worker::stream(), in Python by rpc.stream()", refused)));
  } else {
    (void)answer.set_value(result.get());
  }
}

}  // namespace

void Worker::Parts::join(JoinOptions given) {
  AgentOptions options;
  options.name = std::move(given.name);
  options.rank = given.rank;
  options.world_size = given.world_size;
  options.address = std::move(given.address);
  if (!given.secret.empty()) options.secret = std::make_shared<const Secret>(given.secret);
  options.rpc_timeout = given.rpc_timeout;
  options.init_timeout = given.init_timeout;
  options.max_calls_in_flight = given.max_calls_in_flight;
  options.max_send_buffer_bytes = given.max_send_buffer_bytes;
  options.transports =
      transports_named(given.transports,
                       {.plaintext_beyond_loopback = given.plaintext_beyond_loopback,
                        .tls = tls_options(std::move(given.tls))},
                       // What an operator has checked must not be changed by those who may run nothing here.
                       {.mapped_bytes = given.allow == Allow::kRegistered ? 0 : given.max_mapped_bytes});
  options.heartbeat_interval = given.heartbeat_interval;
  options.heartbeat_timeout = given.heartbeat_timeout;
  options.polling = given.polling;
  options.interrupted = given.interrupted;
  options.on_worker_joined = std::move(given.on_worker_joined);
  options.on_worker_lost = std::move(given.on_worker_lost);
  options.log = std::move(given.log);
  options.ops = &runtime_.ops();
  options.op_context = [this] { return runtime_.ops().context(); };
  options.handler = this;
  options.allow = given.allow;
  // A call may come, and call back, before Agent::start() has returned here.
  options.hold_calls = true;
  options.executor = &runtime_.scheduler();
  options.blocking = &runtime_.blocking();
  options.callbacks = &runtime_.callbacks();
  options.timer = &runtime_.scheduler().timer();
  {
    const MutexLock lock(mutex_);
    if (agent_) {
      throw Error(fmt::format("RPC is already initialized, as worker \"{}\"; call shutdown first",
                              agent_->self().name));
    }
    language_ = std::make_shared<const Language>(given.language ? *given.language : Language());
    interrupted_ = std::move(given.interrupted);
    allow_ = given.allow;
    options.codec = language_->codec;
  }
  std::shared_ptr<Agent> agent = Agent::start(std::move(options));
  {
    const MutexLock lock(mutex_);
    agent_ = agent;
    seen_by_child_.store(agent.get(), std::memory_order_release);
  }
  agent->open();
}

void Worker::Parts::leave(bool graceful, Seconds timeout, std::string_view failure) {
  std::shared_ptr<Agent> agent;
  {
    const MutexLock lock(mutex_);
    if (!agent_) return;
    agent = agent_;
  }
  // Callbacks that come in during a graceful shutdown still find the agent.
  const auto forget = [&] {
    const MutexLock lock(mutex_);
    if (agent_ != agent) return;
    seen_by_child_.store(nullptr, std::memory_order_release);
    agent_ = nullptr;
    has_left_ = true;
  };
  try {
    agent->shutdown(graceful, timeout, failure);
  } catch (...) {
    if (agent->closed()) forget();
    throw;
  }
  forget();
}

std::shared_ptr<Agent> Worker::Parts::agent() const {
  const MutexLock lock(mutex_);
  if (agent_) return agent_;
  if (has_left_) {
    throw Error(
        "RPC has been shut down in this process; call init_rpc again before making calls (in C++: "
        "rpc::Worker::join)");
  }
  if (is_in_child_) {
    throw Error(
        "RPC has not been initialized in this process: it is a fork of a worker, whose connections are its "
        "parent's. Call tine.distributed.rpc.init_rpc here to make it a worker of its own. (In C++: "
        "rpc::Worker::join.)");
  }
  throw Error(
      "RPC has not been initialized. Call tine.distributed.rpc.init_rpc first. (In C++: rpc::Worker::join.)");
}

bool Worker::Parts::joined() const noexcept {
  const MutexLock lock(mutex_);
  return agent_ != nullptr;
}

bool Worker::Parts::leave_in_child() noexcept {
  Agent* const agent = seen_by_child_.load(std::memory_order_relaxed);
  if (agent) agent->abandon_in_child();
  return agent != nullptr;
}

void Worker::Parts::wait_for_room(const Destination& to) const {
  if (to.is_self() || to.has_room()) return;
  std::function<bool()> interrupted;
  {
    const MutexLock lock(mutex_);
    interrupted = interrupted_;
  }
  to.wait_for_room(interrupted);
}

CallRequest Worker::Parts::checked_request_for(Call call) const {
  CallRequest request = request_for(call.name, std::move(call.args), std::move(call.kwargs));
  check(request);
  return request;
}

void Worker::Parts::serve(std::string name, Served f) {
  serve(std::move(name), std::make_shared<const Serving>(Serving{std::move(f), {}}));
}

void Worker::Parts::serve_calls(std::string name, std::function<void(IncomingCall)> run) {
  serve(std::move(name), std::make_shared<const Serving>(Serving{{}, std::move(run)}));
}

void Worker::Parts::serve(std::string name, Function function) {
  if (name.empty()) throw ValueError("serve: expected the name of the function, got an empty text");
  if (runtime_.ops().find(name) || (scripts_ && scripts_->exported_code(name))) {
    throw ValueError(fmt::format(
        "serve: \"{}\" is an operator or a script function of this worker: calls of that name reach that, "
        "so choose another",
        name));
  }
  const MutexLock lock(mutex_);
  if (!served_.emplace(name, std::move(function)).second)
    throw ValueError(
        fmt::format("serve: \"{}\" is served already; stop_serving(\"{}\") takes it back", name, name));
}

void Worker::Parts::stop_serving(std::string_view name) noexcept {
  Function old;  // dropped outside of the lock: it is a user's
  const MutexLock lock(mutex_);
  const auto at = served_.find(name);
  if (at == served_.end()) return;
  old = std::move(at->second);
  served_.erase(at);
}

CallRequest Worker::Parts::request_for(const RemoteCall& call) const {
  const bool bound = call.kwargs.is_none();
  CallRequest request =
      request_for(call.callee, items_of(call.args),
                  bound ? std::vector<std::pair<std::string, Value>>() : keywords_of(call.kwargs));
  request.async_execution = call.async_execution;
  if (!bound) check(request);
  return request;
}

Future<Value> Worker::Parts::rpc_async(const RemoteCall& call) {
  const Destination d = destination(call.to, call_timeout(call.timeout));
  return d.call(request_for(call));
}

Value Worker::Parts::remote(const RemoteCall& call) {
  const Destination d = destination(call.to, call_timeout(call.timeout));
  return d.remote(request_for(call));
}

Future<Value> Worker::Parts::to_here(const Value& rref, double timeout) {
  return Reference::from(rref)->to_here(agent()->deadline_after(call_timeout(timeout)));
}

Future<Value> Worker::Parts::room(const Value& to) {
  // Shared by all calls, so that a call that finds room allocates nothing.
  static const Future<Value>& at_once = *new Future<Value>(make_ready(Value()));
  const Destination d = destination(to, kNoTimeout);
  if (d.has_room()) return at_once;
  // Another call may have taken the room: then this one waits again.
  return d.room().and_then([this, to] { return room(to); });
}

void Worker::Parts::handle(IncomingCall call) {
  switch (call.target()) {
    case Target::kForeign: return run_foreign(std::move(call));
    case Target::kServed: return run_served(std::move(call));
    default: return run_script(std::move(call));
  }
}

void Worker::Parts::run_foreign(IncomingCall call) {
  std::shared_ptr<const Language> language;
  {
    const MutexLock lock(mutex_);
    language = language_;
  }
  if (!language->handle) {
    throw TypeError(fmt::format(
        "this worker is a C++ program, which cannot run the Python function {}; it runs operators, script "
        "functions and the functions that it serves: pass their name in place of a function, as in "
        "rpc_sync(to, \"name\", args=...). It serves {}",
        call.name(), known_to()));
  }
  language->handle(std::move(call));
}

void Worker::Parts::run_script(IncomingCall call) {
  if (!scripts_)
    throw Error(fmt::format("this worker runs no scripts, so it cannot run \"{}\"", call.name()));
  scripts_->run(std::move(call));
}

// Behind words like "it serves".
std::string Worker::Parts::known_to() const {
  constexpr size_t kMost = 20;
  const MutexLock lock(mutex_);
  if (served_.empty()) return "nothing";
  std::string names;
  size_t n = 0;
  for (const auto& [name, f] : served_) {
    if (n++ == kMost) return names + fmt::format(" and {} more", served_.size() - kMost);
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", name);
  }
  return names;
}

// "module:qualname".
static bool names_a_foreign_function(const std::string& name) noexcept {
  const size_t colon = name.find(':');
  return colon != std::string::npos && colon > 0 && colon + 1 < name.size() && colon == name.rfind(':');
}

void Worker::Parts::run_served(IncomingCall call) {
  Function f;
  bool allows_all;
  std::shared_ptr<const Language> language;
  {
    const MutexLock lock(mutex_);
    if (const auto at = served_.find(call.name()); at != served_.end()) f = at->second;
    language = language_;
    allows_all = allow_ == Allow::kAll || (agent_ && agent_->self().id == call.caller().id);
  }
  if (!f) {
    if (!allows_all) {
      throw AuthError(
          fmt::format("this worker was started with allow=\"registered\" and has registered no function "
                      "\"{}\": it has {}",
                      call.name(), known_to()));
    }
    if (scripts_ && scripts_->exported_code(call.name())) return run_script(std::move(call));
    if (language->handle_named && names_a_foreign_function(call.name()))
      return language->handle_named(std::move(call));
    const std::string full = "aten::" + call.name();
    const bool is_operator = runtime_.ops().find(full) != nullptr;
    throw NameError(fmt::format(
        "this worker has no function \"{}\": it serves {}. {}An operator is called by its full name, such as "
        "\"aten::add\"; a Python function by \"module:name\", by the name that @rpc.register gave it, or "
        "from "
        "Python by itself",
        call.name(), known_to(), is_operator ? fmt::format("Did you mean the operator \"{}\"? ", full) : ""));
  }
  if (f->run) return f->run(std::move(call));
  // The answer is a promise of its own, which a caller that gives up cancels while the function still runs.
  const Context context = call.context(runtime_.scheduler().timer());
  Promise<Value> answer;
  Invocation invocation{call.name(), std::move(call.args()), std::move(call.kwargs()), call.caller()};
  std::string refused = call.wants_stream() ? "" : call.name();
  call.reply_with(answer.future());
  try {
    Future<Value> result;
    {
      const ContextScope scope(context);
      result = f->served(std::move(invocation));
    }
    if (!result.valid())
      throw TypeError(fmt::format("{} returned a Future or Stream of nothing", call.name()));
    if (result.ready()) return settle(std::move(answer), result, refused);
    (void)result.then([answer = std::move(answer), refused = std::move(refused)](
                          const Future<Value>& end) mutable { settle(std::move(answer), end, refused); });
  } catch (...) {
    (void)answer.set_error(std::current_exception());
  }
}

}  // namespace tine::rpc
