// IncomingState: a call of another worker, or to oneself, from its arrival to its answer.
//
// State      Running, then answered, once. `cancelled` may come at any time.
// Threads    Any; see IncomingCall.
// Ordering   None.
// Ownership  Counted: the handler's IncomingCall, the executor's task and the future it waits for hold it. It
//            holds the agent's core.
// Errors     What cannot be sent is answered with the reason.
// Cost       One allocation.
// Source     docs/spec/agent.md.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "src/rpc/call.h"
#include "src/rpc/peer.h"
#include "src/rpc/rref_table.h"
#include "src/value/op_table.h"

namespace tine::rpc {

class IncomingState final : public detail::RefCounted, private detail::Node, private Task {
 public:
  IncomingState(std::shared_ptr<AgentCore> core, detail::Ref<Peer> caller, uint64_t id, Target target,
                TimePoint deadline);
  ~IncomingState() override;

  // What to do with it; each hands it on and returns.
  void run_operator(const Op& op, std::vector<Value> bound);  // on the executor
  void run_handler(Executor* executor);                       // null: in place
  void run_handler_after(Future<Value> value, Executor* executor);

  void answer(Value value) noexcept;
  void answer_error(std::exception_ptr error) noexcept;
  void answer_with(Future<Value> future, bool may_cancel) noexcept;
  // The caller is gone or has given up. Under the peer's incoming_mutex; what to cancel once that is released.
  [[nodiscard]] detail::Ref<detail::State<Value>> mark_cancelled() noexcept;

  const std::shared_ptr<AgentCore> core;
  const detail::Ref<Peer> caller;
  const uint64_t id;
  const Target target;
  const TimePoint deadline;
  std::string name;
  std::vector<Value> args;
  std::vector<std::pair<std::string, Value>> kwargs;
  std::string code_hash, code_text;
  bool async_execution = false;
  detail::Ref<OwnerEntry> creates;  // the value stays here, the caller gets None
  detail::Ref<CallState> local;     // a call to oneself: its answer goes here
  std::atomic<bool> cancelled{false};

 private:
  enum class Step : uint8_t { kHandle, kOperator, kEncode, kEncodeError };

  [[nodiscard]] bool claim() noexcept;  // true for the one answer
  void post(Step step, Executor* executor) noexcept;
  void call_handler() noexcept;
  void deliver(Value value) noexcept;
  void deliver_error(std::exception_ptr error) noexcept;
  void send_value(const Value& value) noexcept;
  void send_failure(const std::exception_ptr& error) noexcept;
  void unregister() noexcept;

  void run() noexcept override;                                  // Task
  void abandon() noexcept override;                              // Task
  void refuse(const std::exception_ptr& why) noexcept override;  // Task: no thread for its handler
  static void source_done(detail::Node* node, detail::StateBase& done) noexcept;
  static constexpr detail::NodeOps kSourceDone{&IncomingState::source_done, false};

  std::atomic<bool> answered_{false};
  Step step_ = Step::kHandle;
  const Op* op_ = nullptr;
  Executor* handler_executor_ = nullptr;
  bool waits_for_target_ = false;
  bool may_cancel_source_ = false;
  detail::Ref<detail::State<Value>> source_;  // guarded by the peer's incoming_mutex
  Value result_;                              // to be encoded
  std::exception_ptr failure_;
};

}  // namespace tine::rpc
