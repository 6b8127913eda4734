// IncomingState: a call of another worker, or to oneself, from its arrival to its answer. CallServices: what such a call needs.
//
// A call runs; then it may be promised, once the future is known that the answer comes from; then it is answered, once.
// `cancelled` may come at any time. Any thread may use it. The handler's IncomingCall, the executor's task and the future it
// waits for hold the call, and it holds the services, and so the agent's parts. What cannot be sent is answered with the reason.
// docs/spec/agent.md, "Calls".
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "src/rpc/call.h"
#include "src/rpc/incoming_table.h"
#include "src/rpc/lingering.h"
#include "src/rpc/peer.h"
#include "src/rpc/placement.h"
#include "src/rpc/rref_table.h"
#include "src/value/op_context.h"
#include "tine/context.h"
#include "tine/operators.h"

namespace tine::rpc {

class IncomingState;

class CallServices {
 public:
  // Has it run, at the place that src/rpc/placement.h says for a call that is there.
  virtual void place(detail::Ref<IncomingState> call, At at) noexcept = 0;

  Handler* handler = nullptr;
  ForeignCodec* codec = nullptr;
  Executor* executor = nullptr;
  Executor* blocking = nullptr;
  Executor* callbacks = nullptr;
  std::function<OpContext()> op_context;
  std::string worker;  // this one's name
  RRefTable* references = nullptr;
  Durations durations;

  // Posts to where that place is.
  [[nodiscard]] Executor& executor_at(Place place) const noexcept {
    return place == Place::kHandler ? *blocking : place == Place::kCallbacks ? *callbacks : *executor;
  }
  [[nodiscard]] Value run(const Op& op, const Value* bound) const;

 protected:
  ~CallServices() = default;
};

class IncomingState final : public detail::RefCounted, private detail::Node, private Task {
 public:
  IncomingState(std::shared_ptr<CallServices> services, IncomingTable<IncomingState>& table,
                detail::Ref<Peer> caller, uint64_t id, Target target, TimePoint deadline);
  ~IncomingState() override;

  // What to do with it; each hands it on and returns.
  void run_operator(const Op& op, std::vector<Value> bound, Place place);
  void run_handler(Place place);
  // On a thread where that may run.
  void call_handler() noexcept;
  // Places it once the value is there; a value that is an error is the answer.
  void place_after(Future<Value> value);

  void answer(Value value) noexcept;
  void answer_error(std::exception_ptr error) noexcept;
  void answer_with(Future<Value> future, bool may_cancel) noexcept;
  // Waits until this answer may be sent, if it is a copy; no longer than its caller would.
  void wait_for_room(const Value& answer);
  // The Context for the work of this call: IncomingCall::context().
  [[nodiscard]] Context context(Timer& timer);
  // What ends with the call: the work that was started in its context, and the future that its answer was to come from.
  struct Stop {
    std::optional<CancelSource> work;
    detail::Ref<detail::State<Value>> source;
    explicit operator bool() const noexcept { return work || source; }
    void cancel() const noexcept;
  };
  // The caller is gone or has given up. Under the table's lock; what to cancel once that is released.
  [[nodiscard]] Stop mark_cancelled() noexcept;
  [[nodiscard]] bool counts() const noexcept { return target != Target::kControl; }

  const std::shared_ptr<CallServices> services;
  IncomingTable<IncomingState>& table;
  const detail::Ref<Peer> caller;
  const uint64_t id;
  const Target target;
  const TimePoint deadline;
  TimePoint origin = kNoDeadline;  // src/future/origin.h
  std::string name;
  std::vector<Value> args;
  std::vector<std::pair<std::string, Value>> kwargs;
  std::string code_hash, code_text;
  bool async_execution = false;
  size_t stream_credit = 0;         // the result is to be a stream
  std::optional<Value> after;       // an RRef: begin when the value behind it is there
  detail::Ref<OwnerEntry> creates;  // the value stays here, the caller gets None
  detail::Ref<CallState> local;     // a call to oneself: its answer goes here
  std::atomic<bool> cancelled{false};

 private:
  enum class Step : uint8_t { kHandle, kOperator, kEncode, kEncodeError, kSend };
  enum class Source : uint8_t { kNone, kTarget, kAnswer, kRoom };

  [[nodiscard]] bool claim() noexcept;  // true for the one answer
  [[nodiscard]] bool is_for_all() const;
  void post(Step step, Executor& executor) noexcept;
  void run_here(const Op& op, const std::vector<Value>& bound) noexcept;
  [[nodiscard]] bool is_over() noexcept;
  void wait_for(Source source, detail::StateBase& state) noexcept;
  void deliver(Value value) noexcept;
  void deliver_error(std::exception_ptr error) noexcept;
  void send_value(Value value) noexcept;
  void send_failure(const std::exception_ptr& error) noexcept;
  void send_error(const ErrorBody& body) noexcept;

  void run() noexcept override;                                  // Task
  void abandon() noexcept override;                              // Task
  void refuse(const std::exception_ptr& why) noexcept override;  // Task: no thread for its handler
  void not_run(const std::exception_ptr& error) noexcept;
  static void source_done(detail::Node* node, detail::StateBase& done) noexcept;
  static constexpr detail::NodeOps kSourceDone{&IncomingState::source_done, false};

  std::atomic<bool> answered_{false};
  Step step_ = Step::kHandle;
  Source waits_for_ = Source::kNone;
  const Op* op_ = nullptr;
  bool may_cancel_source_ = false;
  bool is_encoded_ = false;                   // by the codec, which is asked once
  detail::Ref<detail::State<Value>> source_;  // guarded by the table's lock, as is the next
  std::optional<CancelSource> work_;
  Value result_;  // to be encoded or sent
  std::exception_ptr failure_;
};

}  // namespace tine::rpc
