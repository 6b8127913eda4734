// Peer: another worker (or this one, for calls to oneself) as the agent knows it.
//
// State      Made at rendezvous, connected, dead for good once its connection is closed.
// Threads    Any, as each member says.
// Ordering   on_frame in the order of the frames, then on_close, once.
// Ownership  The agent's core owns its peers; pending calls share them. `core` is alive while frames come.
// Errors     death() says why a dead peer is dead.
// Cost       No lock but the call table's on the way of a call.
// Source     docs/spec/agent.md.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "src/rpc/call_table.h"
#include "src/rpc/reply_helper.h"
#include "src/rpc/transport/connection.h"
#include "src/rpc/transport/io_loop.h"

namespace tine::rpc {

class AgentCore;

class Peer final : public FrameHandler {
 public:
  Peer(AgentCore& core, WorkerInfo who, uint64_t incarnation, bool is_self);
  ~Peer() override;

  // Before the connection is started; never for oneself.
  void attach(detail::Ref<Connection> connection, std::shared_ptr<IoLoop> loop,
              std::shared_ptr<AgentCore> core);
  // For the futures of calls; of oneself: the pool completes them.
  [[nodiscard]] detail::WaitHelper* helper() const noexcept {
    return helper_ ? helper_ : detail::task_helper();
  }
  // The end: waiting threads let go of the core. Calls of it must have failed.
  void detach() noexcept;
  [[nodiscard]] Connection* connection() const noexcept { return connection_.get(); }
  [[nodiscard]] bool connected() const noexcept { return connection_ && !dead(); }

  // In a child of fork(2) each is: its connection is the parent's.
  [[nodiscard]] bool dead() const noexcept { return dead_.load(std::memory_order_acquire) || of_parent(); }
  [[nodiscard]] std::exception_ptr death() const;  // null while it lives
  // Fails what is pending; the first cause stays.
  void die(std::exception_ptr cause) noexcept;

  // Null on success.
  [[nodiscard]] std::exception_ptr send(OutFrame frame);
  void send_cancel(uint64_t id) noexcept;
  // This worker has given up one of its calls that run here, or all.
  void cancel_incoming(uint64_t id) noexcept;
  void cancel_all_incoming() noexcept;
  void send_error(uint64_t id, const ErrorBody& error) noexcept;

  void on_frame(Connection& connection, Frame& frame, ReaderRole& role) noexcept override;
  void on_close(Connection& connection, const CloseInfo& info) noexcept override;
  void on_drained(Connection& connection) noexcept override;

  const WorkerInfo info;
  const uint64_t incarnation;
  const bool is_self;
  CallTable calls;
  std::atomic<bool> left{false};  // with a goodbye

  // Script code that has been sent to this worker; held while the first call with a code is sent.
  std::mutex code_mutex;
  std::unordered_set<std::string> code_sent;

  // Calls of this worker that are running here.
  std::mutex incoming_mutex;
  std::unordered_map<uint64_t, IncomingState*> incoming;

 private:
  [[nodiscard]] bool of_parent() const noexcept { return generation_ != detail::fork_generation(); }

  AgentCore& core_;
  const uint8_t generation_ = detail::fork_generation();
  std::shared_ptr<IoLoop> loop_;  // a pending call's cancellation may still come to its connection
  detail::Ref<Connection> connection_;
  ReplyHelper* helper_ = nullptr;
  std::mutex death_mutex_;
  std::exception_ptr death_;
  std::atomic<bool> dead_{false};
  // Answers that the full queue refused: their callers are told so once it has drained.
  std::mutex refused_mutex_;
  std::vector<uint64_t> refused_;
};

}  // namespace tine::rpc
