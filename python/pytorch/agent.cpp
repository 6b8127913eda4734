#include "agent.h"

#include <ATen/ThreadLocalState.h>
#include <pybind11/pybind11.h>
#include <torch/csrc/distributed/rpc/utils.h>

#include <algorithm>
#include <future>
#include <map>
#include <utility>
#include <variant>

#include "interpreter.h"
#include "message_types.h"
#include "python_lock.h"
#include "seconds.h"
#include "tine/error.h"

namespace tine::pytorch {
namespace {

using namespace std::chrono_literals;

constexpr auto kCloseBound = 1000ms;
constexpr auto kGoodbyeTime = 100ms;  // of it, for what is on its way by then
constexpr auto kSignalSlice = 50ms;
constexpr auto kNamesBound = 500ms;

// The agent whose pool this thread belongs to: it can't join itself.
thread_local const void* pool_of = nullptr;
// The replies whose callbacks this thread is running. Their calls count until the callbacks have returned, so a join inside
// one must not wait for them.
thread_local int replies_here = 0;
// How many requests this thread is in.
thread_local int serving = 0;

TimePoint deadline_in(std::chrono::milliseconds timeout) {
  return timeout.count() == 0 ? kNoDeadline : Clock::now() + timeout;
}

// Throws what the handler of a signal raises, if a signal has come and Python runs handlers on this thread.
void raise_signals() {
  if (!interpreter_open() || !PyGILState_GetThisThreadState()) return;
  const pybind11::gil_scoped_acquire lock;
  if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
}

std::string with(std::string_view pattern, const std::string& value) {
  std::string text(pattern);
  if (const size_t at = text.find("{}"); at != std::string::npos) text.replace(at, 2, value);
  return text;
}

std::string described(const trpc::WorkerInfo& worker) {
  return "worker \"" + worker.name_ + "\" (id " + std::to_string(worker.id_) + ")";
}

// Messages by which a worker keeps account of RRefs and autograd contexts on other workers. If the owner is gone there is
// nothing left to keep, so these messages count as done. If they failed, PyTorch would send each of them five more times,
// over 13 s, with Python functions waiting, and would then throw on its thread of retries, where nothing catches it.
bool is_bookkeeping(trpc::MessageType type) {
  switch (type) {
    case trpc::MessageType::RREF_FORK_REQUEST:
    case trpc::MessageType::RREF_CHILD_ACCEPT:
    case trpc::MessageType::RREF_USER_DELETE:
    case trpc::MessageType::CLEANUP_AUTOGRAD_CONTEXT_REQ: return true;
    default: return false;
  }
}

std::exception_ptr error(const std::string& text) {
  return std::make_exception_ptr(std::runtime_error(text));
}

}  // namespace

std::string timeout_words(std::chrono::milliseconds timeout, const std::string& call) {
  return trpc::makeRPCError(with(trpc::kRpcTimeoutErrorStr, std::to_string(timeout.count())) + ": " + call,
                            trpc::RPCErrorType::TIMEOUT);
}

// ---- counts

void Counts::begin(Which which) { counts_[which].fetch_add(1, std::memory_order_seq_cst); }

void Counts::end(Which which) {
  // seq_cst with wait_for(): either it sees the count or we see it wait.
  counts_[which].fetch_sub(1, std::memory_order_seq_cst);
  if (waiting_.load(std::memory_order_seq_cst) == 0) return;
  const std::lock_guard lock(mutex_);
  ended_.notify_all();
}

bool Counts::wait_for(Which which, int64_t most, TimePoint deadline) {
  waiting_.fetch_add(1, std::memory_order_seq_cst);
  std::unique_lock lock(mutex_);
  const auto few = [&] { return counts_[which].load(std::memory_order_seq_cst) <= most; };
  bool done = true;
  if (deadline == kNoDeadline) {
    ended_.wait(lock, few);
  } else {
    done = ended_.wait_until(lock, deadline, few);
  }
  waiting_.fetch_sub(1, std::memory_order_seq_cst);
  return done;
}

// ---- what comes in

class Agent::Door final : public rpc::RawHandler {
 public:
  explicit Door(std::weak_ptr<Agent> agent) : agent_(std::move(agent)) {}

  void handle(rpc::RawCall call) noexcept override {
    const Busy busy;
    prepare_thread();
    const std::shared_ptr<Agent> agent = agent_.lock();
    if (!agent) return call.fail("RPC is no longer running there");
    pool_of = agent.get();
    if (agent->keep_late(call)) return;
    switch (call.message().tag) {
      case Join::kTag:
      case Join::kWhoTag: {
        std::shared_ptr<Join> join;
        {
          const std::lock_guard lock(agent->join_mutex_);
          join = agent->join_;
        }
        if (!join) return call.fail("this worker keeps no barrier");
        return call.message().tag == Join::kTag ? join->came(std::move(call)) : join->asked(std::move(call));
      }
      default: return agent->serve(std::move(call));
    }
  }

  // As with PyTorch's own agent, a timeout ends only the caller's wait: a value that was to be made remotely is made.
  bool late_ok(const rpc::RawMessage& message) noexcept override {
    return message.tag != Join::kTag && message.tag != Join::kWhoTag;
  }

  void died(const rpc::RawWorker& worker, const std::string& why, bool left) noexcept override {
    const Busy busy;
    prepare_thread();
    const std::shared_ptr<Agent> agent = agent_.lock();
    if (!agent) return;
    pool_of = agent.get();
    agent->gone(worker, why, left);
  }

 private:
  const std::weak_ptr<Agent> agent_;
};

// A request whose answer may come later, from any thread.
class Agent::Answer {
 public:
  Answer(std::shared_ptr<Agent> agent, rpc::RawCall call) : agent_(std::move(agent)), call_(std::move(call)) {
    agent_->counts_->begin(Counts::kServer);
  }
  ~Answer() { end(); }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  [[nodiscard]] rpc::RawMessage take_request() { return std::move(call_.message()); }
  void comes_later() {
    later_ = true;
    agent_->counts_->begin(Counts::kServerAsync);
  }
  // The count drops after that: shutdown() waits for everything that is still to be sent.
  void give(trpc::JitFuture& future) {
    agent_->answer(call_, future);
    end();
  }

 private:
  void end() {
    if (std::exchange(ended_, true)) return;
    if (later_) agent_->counts_->end(Counts::kServerAsync);
    agent_->counts_->end(Counts::kServer);
  }
  const std::shared_ptr<Agent> agent_;
  rpc::RawCall call_;
  bool later_ = false;
  bool ended_ = false;
};

bool Agent::keep_late(rpc::RawCall& call) {
  if (!ending_.load(std::memory_order_acquire)) return false;
  try {
    const std::lock_guard lock(late_mutex_);
    late_.push_back(std::move(call));
  } catch (const std::bad_alloc&) {
    call.fail("RPC is ending there");
  }
  return true;
}

void Agent::serve(rpc::RawCall call) {
  struct Serving {
    Serving() { ++serving; }
    ~Serving() { --serving; }
  } const here;
  auto answer = std::make_shared<Answer>(shared_from_this(), std::move(call));
  c10::intrusive_ptr<trpc::JitFuture> future;
  try {
    const c10::intrusive_ptr<Message> message = decode(answer->take_request());
    // The legacy profiler stays enabled on the thread that ran it once, where it then can't be enabled again.
    std::optional<at::ThreadLocalStateGuard> clean;
    if (message->type() == trpc::MessageType::RUN_WITH_PROFILING_REQ) clean.emplace(at::ThreadLocalState());
    future = parked_when_killed([&] { return (*cb_)(*message, {}); });
  } catch (const std::exception&) {
    future = c10::make_intrusive<trpc::JitFuture>(at::AnyClassType::get());
    future->setError(std::current_exception());
  }
  if (future->completed()) return answer->give(*future);
  answer->comes_later();
  future->addCallback([answer = std::move(answer)](trpc::JitFuture& done) { answer->give(done); });
}

void Agent::answer(rpc::RawCall& call, trpc::JitFuture& future) const {
  c10::intrusive_ptr<Message> reply;
  rpc::RawMessage raw;
  const Memory memory = call.caller().id == options_.id ? Memory::kCopied : Memory::kShared;
  try {
    reply = future.hasError() ? trpc::createExceptionResponse(future.tryRetrieveErrorMessage(), 0)
                              : future.constValue().toCustomClass<Message>();
    raw = encode(reply, memory);
  } catch (const c10::Error& e) {
    raw = encode(trpc::createExceptionResponse(e.what_without_backtrace(), 0), memory);
  } catch (const std::exception& e) {
    raw = encode(trpc::createExceptionResponse(e.what(), 0), memory);
  }
  reply = nullptr;  // what it holds has been copied, or is held by the raw message
  before_reply(static_cast<trpc::MessageType>(raw.tag));
  call.reply(std::move(raw));
}

void Agent::gone(const rpc::RawWorker& worker, const std::string& why, bool left) {
  std::shared_ptr<Join> join;
  {
    const std::lock_guard lock(join_mutex_);
    join = join_;
    if (!join && is_static()) gone_before_known_.push_back(why);
  }
  if (join) join->gone(why);
  // A worker that has left and has joined again by now is there.
  const std::vector<rpc::RawWorker> there = node_->workers();
  const bool back =
      std::any_of(there.begin(), there.end(), [&](const auto& w) { return w.name == worker.name; });
  if (on_gone_ && !back) on_gone_(worker.name, why, left);
}

// ---- what goes out

class Agent::Reply final : public rpc::RawSink {
 public:
  Reply(const Agent& agent, c10::intrusive_ptr<trpc::JitFuture> future, trpc::MessageType type,
        const trpc::WorkerInfo& to, std::chrono::milliseconds timeout)
      : agent_(&agent),
        counts_(agent.counts_),
        future_(std::move(future)),
        to_(to),
        type_(type),
        timeout_(timeout) {}

  void done(rpc::RawMessage raw) noexcept override {
    finish([&] {
      c10::intrusive_ptr<Message> message;
      try {
        message = decode(std::move(raw));
      } catch (const c10::Error& e) {
        return future_->setError(error(e.what_without_backtrace()));
      } catch (const std::exception& e) {
        return future_->setError(error(e.what()));
      }
      if (message->type() == trpc::MessageType::EXCEPTION) {
        return future_->setError(error(std::string(message->payload().begin(), message->payload().end())));
      }
      std::vector<c10::weak_intrusive_ptr<c10::StorageImpl>> storages = message->getStorages();
      future_->markCompleted(std::move(message), std::move(storages));
    });
  }

  void failed(rpc::RawFailure failure) noexcept override {
    finish([&] {
      if (failure.kind == rpc::RawFailure::Kind::kDied && is_bookkeeping(type_)) {
        return future_->markCompleted(c10::make_intrusive<Message>(
            std::vector<char>{}, std::vector<at::Tensor>{}, trpc::MessageType::RREF_ACK));
      }
      future_->setError(error(words_of(failure)));
    });
  }

 private:
  template <class Complete>
  void finish(Complete complete) noexcept {
    const Busy busy;
    prepare_thread();
    pool_of = agent_;
    ++replies_here;
    try {
      parked_when_killed(complete);
    } catch (const std::exception& e) {
      // A callback's, as PyTorch's own agent tells it.
      TORCH_WARN("Exception in thread pool task: ", e.what());
    }
    --replies_here;
    counts_->end(Counts::kClient);
  }

  std::string words_of(const rpc::RawFailure& failure) const {
    using Kind = rpc::RawFailure::Kind;
    const std::string call = name_of(type_) + " to " + described(to_);
    switch (failure.kind) {
      case Kind::kTimedOut: return timeout_words(timeout_, call);
      // They name the worker. The words in brackets are those that PyTorch's programs look for.
      case Kind::kDied: return name_of(type_) + " failed: " + failure.text + " (Connection closed by peer)";
      case Kind::kAbandoned: return name_of(type_) + " failed: " + failure.text;
      case Kind::kClosed:
        return call +
               " failed: RPC is no longer running on this node, it was shut down before the reply came";
      case Kind::kFailed:
      case Kind::kRefused: break;
    }
    return call + " failed: " + failure.text;
  }

  const void* const agent_;  // may be gone
  const std::shared_ptr<Counts> counts_;
  const c10::intrusive_ptr<trpc::JitFuture> future_;
  const trpc::WorkerInfo to_;
  const trpc::MessageType type_;
  const std::chrono::milliseconds timeout_;
};

std::chrono::milliseconds Agent::timeout_of(float seconds) const {
  if (seconds != trpc::kUnsetRpcTimeout) return milliseconds_of(seconds, "timeout");
  const std::chrono::milliseconds timeout = getRpcTimeout();
  TORCH_CHECK_VALUE(timeout.count() >= 0, "the timeout of RPC is ", timeout.count(),
                    " ms: set one of 0 (none) or more");
  return std::min(timeout, kCentury);
}

void Agent::wait_for_room(int to, TimePoint deadline) {
  // Threads of the pool never wait for room, because the reply that makes room may need them.
  if (pool_of || node_->wait_for_room(to, Clock::now())) return;
  const LockReleased released;
  while (!node_->closed() && Clock::now() < deadline &&
         !node_->wait_for_room(to, std::min(deadline, Clock::now() + kSignalSlice))) {
    raise_signals();
  }
}

c10::intrusive_ptr<trpc::JitFuture> Agent::send(const trpc::WorkerInfo& to,
                                                c10::intrusive_ptr<Message> message, float rpcTimeoutSeconds,
                                                const trpc::DeviceMap& deviceMap) {
  TORCH_CHECK(message->isRequest(), "send(..) is only for sending requests, not ", name_of(message->type()));
  TORCH_CHECK(rpcAgentRunning_.load(), "Node ", trpc::RpcAgent::getWorkerInfo().id_,
              " tried to send() a message of type ", name_of(message->type()),
              " but RPC is no longer running on this node.");
  TORCH_CHECK(deviceMap.empty(),
              "tine has no device maps yet: send tensor.cpu() and move it to a device there");
  const trpc::WorkerInfo& worker = getWorkerInfo(to.name_);

  const std::chrono::milliseconds timeout = timeout_of(rpcTimeoutSeconds);
  const TimePoint deadline = deadline_in(timeout);
  const trpc::MessageType type = message->type();
  rpc::RawMessage raw = encode(message, worker.id_ == options_.id ? Memory::kCopied : Memory::kShared);

  message = nullptr;  // what it holds has been copied, or is held by the raw message

  auto future = c10::make_intrusive<trpc::JitFuture>(at::AnyClassType::get());
  auto sink = std::make_shared<Reply>(*this, future, type, worker, timeout);
  counts_->begin(Counts::kClient);
  try {
    wait_for_room(worker.id_, deadline);
  } catch (...) {
    counts_->end(Counts::kClient);
    throw;
  }
  node_->call(worker.id_, std::move(raw), deadline, std::move(sink));
  return future;
}

// ---- the world

Agent::Agent(AgentOptions options, std::unique_ptr<trpc::RequestCallback> callback, OnGone on_gone)
    : RpcAgent(trpc::WorkerInfo(options.name, static_cast<int64_t>(options.id)), std::move(callback),
               milliseconds_of(options.rpc_timeout, "rpc_timeout")),
      options_(std::move(options)),
      on_gone_(std::move(on_gone)),
      runtime_(std::make_unique<Runtime>(
          RuntimeOptions{.num_threads = 1, .handler_threads = options_.num_worker_threads})) {}

void Agent::listen() {
  door_ = std::make_unique<Door>(weak_from_this());
  rpc::RawNodeOptions node = options_.node;
  node.name = options_.name;
  node.id = options_.id;
  node.handler = door_.get();
  node_ = rpc::RawNode::start(*runtime_, std::move(node));
}

Agent::~Agent() {
  // The lock is released, because the threads that are waited for may need it to end.
  const LockReleased released;
  if (rpcAgentRunning_.load()) {
    RpcAgent::shutdown();
  } else {
    Agent::shutdownImpl();
  }
  node_.reset();
  // A thread of the pool that shut the agent down has left the others to this.
  end_threads();
  // A handler may have added a call to this list after the node's end. The calls are dropped before the runtime ends, because
  // dropping one may need its threads.
  drop_late();
  runtime_.reset();
}

void Agent::end_threads() {
  if (!runtime_) return;
  if (pool_of != this) {
    const int left = runtime_->close_blocking(Clock::now() + kCloseBound);
    if (left == 0) return;
    TORCH_WARN("torch.distributed.rpc over tine was shut down, but ", left,
               " of its handlers did not return within ", kCloseBound.count(),
               " ms; their threads are abandoned");
  }
  // The threads are left alone: a thread cannot join itself, and those that did not return still use these objects.
  (void)runtime_.release();
  (void)door_.release();
}

void Agent::connect(const std::string& card, double seconds, const std::function<bool()>& interrupted) {
  node_->connect(card, deadline_in(milliseconds_of(seconds, "the time to connect")), interrupted);
}

bool Agent::lives(const std::string& card, double seconds, const std::function<bool()>& interrupted) {
  return node_->lives(card, deadline_in(milliseconds_of(seconds, "the time to look")), interrupted);
}

void Agent::expect(const std::string& name, int id, double seconds,
                   const std::function<bool()>& interrupted) {
  // A worker that came and has left again has come.
  const auto was_there = [&] {
    try {
      return !node_->death_of(id).empty();
    } catch (const ValueError&) {
      return false;
    }
  };
  try {
    node_->expect(name, deadline_in(milliseconds_of(seconds, "the time to wait")),
                  [&] { return was_there() || interrupted(); });
  } catch (const Cancelled&) {
    if (!was_there()) throw;
  }
}

void Agent::known(const std::vector<rpc::RawWorker>& workers) {
  {
    const std::unique_lock lock(workers_mutex_);
    for (const rpc::RawWorker& worker : workers) {
      infos_.push_back(std::make_unique<trpc::WorkerInfo>(worker.name, static_cast<int64_t>(worker.id)));
      by_name_[worker.name] = infos_.back().get();
      by_id_[worker.id] = infos_.back().get();
    }
  }
  if (!is_static()) return;
  int keeper = options_.id;
  for (const rpc::RawWorker& worker : workers) keeper = std::min(keeper, worker.id);
  keeper_ = keeper;
  if (keeper != options_.id) return;
  const std::lock_guard lock(join_mutex_);
  join_ = std::make_shared<Join>(options_.id, workers);
  for (const std::string& why : gone_before_known_) join_->gone(why);
  gone_before_known_.clear();
}

void Agent::forget(const std::string& name) {
  int id = -1;
  {
    const std::unique_lock lock(workers_mutex_);
    const auto at = by_name_.find(name);
    if (at == by_name_.end()) return;
    id = at->second->id_;
    by_name_.erase(at);
    by_id_.erase(id);
  }
}

const trpc::WorkerInfo& Agent::getWorkerInfo(const std::string& name) const {
  const std::shared_lock lock(workers_mutex_);
  const auto at = by_name_.find(name);
  TORCH_CHECK(at != by_name_.end(), "could not find destination worker \"", name, "\"; there are ",
              list_known());
  return *at->second;
}

const trpc::WorkerInfo& Agent::getWorkerInfo(trpc::worker_id_t id) const {
  const std::shared_lock lock(workers_mutex_);
  const auto at = by_id_.find(id);
  TORCH_CHECK(at != by_id_.end(), "could not find destination worker with id ", id, "; there are ",
              list_known());
  return *at->second;
}

// With workers_mutex_ held.
std::string Agent::list_known() const {
  const std::map<int, const trpc::WorkerInfo*> sorted(by_id_.begin(), by_id_.end());
  std::string text;
  for (const auto& [id, info] : sorted) text += (text.empty() ? "" : ", ") + described(*info);
  return text;
}

std::vector<trpc::WorkerInfo> Agent::getWorkerInfos() const {
  const std::shared_lock lock(workers_mutex_);
  std::vector<trpc::WorkerInfo> all;
  all.reserve(by_id_.size());
  for (const auto& [id, info] : by_id_) all.push_back(*info);
  return all;
}

// ---- start, join, shutdown

void Agent::startImpl() {
  const LockReleased released;
  node_->open();
}

// A call of the barrier's own, waited for.
struct Agent::Asked final : rpc::RawSink {
  std::promise<std::variant<rpc::RawMessage, rpc::RawFailure>> end;
  void done(rpc::RawMessage reply) noexcept override { end.set_value(std::move(reply)); }
  void failed(rpc::RawFailure failure) noexcept override { end.set_value(std::move(failure)); }
};

std::variant<rpc::RawMessage, rpc::RawFailure> Agent::ask_keeper(rpc::RawMessage message,
                                                                 TimePoint deadline) {
  auto asked = std::make_shared<Asked>();
  node_->call(keeper_, std::move(message), deadline, asked);
  return asked->end.get_future().get();
}

uint64_t Agent::come_to(uint64_t round, uint64_t active_calls, TimePoint deadline, float timeout) {
  const auto end = ask_keeper(Join::come(round, active_calls), deadline);
  if (const auto* reply = std::get_if<rpc::RawMessage>(&end)) return Join::active_calls_in(*reply);
  const auto& failure = std::get<rpc::RawFailure>(end);
  if (failure.kind != rpc::RawFailure::Kind::kTimedOut) {
    throw std::runtime_error("waiting for all workers failed: " + failure.text);
  }
  const auto names = ask_keeper(Join::who(round), Clock::now() + kNamesBound);
  const auto* missing = std::get_if<rpc::RawMessage>(&names);
  throw std::runtime_error(
      "waiting for all workers ran for more than set timeout (" + std::to_string(timeout) + " s): " +
      (missing ? "these have not come: " + std::string(missing->body.text())
               : "the worker that counts them, id " + std::to_string(keeper_) + ", does not answer"));
}

void Agent::join(bool shutdown, float timeout) {
  (void)shutdown;
  if (!rpcAgentRunning_.load()) return;
  const LockReleased released;
  // PyTorch's shutdown() passes its mark for "no timeout given".
  const bool unset = timeout == trpc::kUnsetRpcTimeout;
  const TimePoint deadline =
      deadline_in(unset ? std::chrono::milliseconds(0) : milliseconds_of(timeout, "timeout"));
  const auto wait_for_own = [&] {
    if (counts_->wait_for(Counts::kClient, replies_here, deadline)) return;
    throw std::runtime_error("waiting for this worker's own calls ran for more than set timeout (" +
                             std::to_string(timeout) +
                             " s): " + std::to_string(counts_->of(Counts::kClient)) + " have no reply yet");
  };
  wait_for_own();
  if (!is_static()) return;
  // All come first. Then nobody has calls left when nobody has in the same round: a handler that runs is a call of
  // somebody's.
  (void)come_to(round_ + 1, 0, deadline, timeout);
  ++round_;  // not after an exception: the next attempt must join the same round
  uint64_t active = 0;
  do {
    wait_for_own();
    const uint64_t round = ++round_;
    active =
        come_to(round, static_cast<uint64_t>(counts_->of(Counts::kClient) - replies_here), deadline, timeout);
  } while (active > 0);
}

void Agent::shutdown_once() {
  const LockReleased released;
  std::call_once(shut_down_, [this] { RpcAgent::shutdown(); });
}

void Agent::drop_late() {
  std::vector<rpc::RawCall> late;  // dropped after the lock is
  const std::lock_guard lock(late_mutex_);
  late.swap(late_);
}

void Agent::shutdownImpl() {
  std::call_once(closed_, [&] {
    const LockReleased released;
    if (!node_) return;
    const TimePoint deadline = Clock::now() + kCloseBound;
    ending_.store(true, std::memory_order_release);
    // But for those that this thread is in.
    (void)counts_->wait_for(Counts::kServer, pool_of == this ? serving : 0, deadline - kGoodbyeTime);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    node_->close(std::max<std::chrono::milliseconds>(left, kGoodbyeTime));
    drop_late();
    if (pool_of != this) end_threads();
  });
}

// ---- metrics

void Agent::addGilWaitTime(std::chrono::microseconds time) {
  const std::lock_guard lock(gil_mutex_);
  ++gil_waits_;
  gil_microseconds_ += static_cast<uint64_t>(time.count());
}

std::unordered_map<std::string, std::string> Agent::getMetrics() {
  std::unordered_map<std::string, std::string> metrics;
  // Of as many threads as the program asked for; more are started when all of them block.
  const auto busy = std::min<int64_t>(counts_->of(Counts::kServer), options_.num_worker_threads);
  metrics["agent.thread_pool_size"] = std::to_string(options_.num_worker_threads);
  metrics["agent.num_idle_threads"] = std::to_string(options_.num_worker_threads - busy);
  metrics["agent.client_active_calls"] = std::to_string(counts_->of(Counts::kClient));
  metrics["agent.server_active_calls"] = std::to_string(counts_->of(Counts::kServer));
  metrics["agent.server_active_async_calls"] = std::to_string(counts_->of(Counts::kServerAsync));
  if (isGILProfilingEnabled()) {
    const std::lock_guard lock(gil_mutex_);
    metrics["agent.gil_average_wait_time_us"] = std::to_string(
        gil_waits_ ? static_cast<double>(gil_microseconds_) / static_cast<double>(gil_waits_) : 0.0);
  }
  return metrics;
}

}  // namespace tine::pytorch
