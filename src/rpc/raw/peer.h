// RawPeer: another worker (or this one, for calls to oneself) as a node knows it: the way to it, its calls, its end
// (docs/spec/agent.md, "Raw calls"; docs/spec/wire.md, section 6).
//
// It introduces itself, is taken in, and is dead for good; oneself is taken in from the start. Frames are handled as they come;
// a malformed frame ends the connection, with words on both sides. The node's members own the peer while it is taken in; its
// connection and its calls share it. It does not keep the node, which outlives its loop. A call costs a slot and a system call.
// docs/spec/agent.md, "Raw calls"; docs/spec/wire.md, section 6.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <utility>

#include "src/base/mutex.h"
#include "src/rpc/call_table.h"
#include "src/rpc/raw/incoming.h"
#include "src/rpc/transport/connection.h"
#include "tine/raw.h"

namespace tine::rpc {

// Tells the handler that a worker has joined, and that it has died once nothing holds this any more: the telling of the
// first, and the failures of the calls to it.
class RawPresence final : public detail::RefCounted {
 public:
  RawPresence(std::weak_ptr<RawNode::Parts> node, RawWorker who)
      : node_(std::move(node)), who_(std::move(who)) {}
  ~RawPresence() override;
  void tell_joined() const noexcept;
  // Before the last reference goes, once.
  void set_death(std::string why, bool left) { death_ = {std::move(why), left}; }

 private:
  const std::weak_ptr<RawNode::Parts> node_;  // which owns the peer that owns this
  const RawWorker who_;
  std::optional<std::pair<std::string, bool>> death_;  // none: this node itself has closed
};

class RawPeer final : public FrameHandler {
 public:
  // One whose connection is to be started: `who` is what its card says; empty when it has connected to us.
  RawPeer(RawNode::Parts& node, RawWorker who, detail::Ref<Connection> connection, size_t max_calls);
  // Oneself.
  RawPeer(RawNode::Parts& node, RawWorker self, size_t max_calls);

  [[nodiscard]] bool is_self() const noexcept { return !connection_; }
  [[nodiscard]] uint64_t incarnation() const noexcept { return connection_->peer().incarnation; }
  [[nodiscard]] bool we_connected() const noexcept { return connection_->peer().we_connected; }
  [[nodiscard]] Connection& connection() const noexcept { return *connection_; }
  // Constant once it is taken in.
  RawWorker who;

  void start() { connection_->start(detail::Ref<RawPeer>::share(this)); }
  void introduce(const std::string& protocol, int id);
  // What tells the user of this worker's coming and going. The node's, while it takes the peer in and loses it.
  detail::Ref<RawPresence> presence;
  void taken_in() noexcept { taken_in_.store(true, std::memory_order_release); }
  [[nodiscard]] bool is_taken_in() const noexcept { return taken_in_.load(std::memory_order_acquire); }

  // Ends the connection with a goodbye: the other side learns why. What comes from there is ignored from now on.
  void refuse(GoodbyeReason reason, const std::string& why) noexcept;

  // The end of what is pending there and here; the first cause stays. False: it is dead already.
  bool die(RawFailure cause, detail::Ref<detail::RefCounted> behind = {}) noexcept;
  [[nodiscard]] bool dead() const noexcept { return dead_.load(std::memory_order_acquire); }
  [[nodiscard]] RawFailure death() const;
  // The words that the transport had for the end of its connection.
  void set_end(const CloseInfo& info) noexcept;
  [[nodiscard]] CloseInfo end() const;  // no error while it is open

  // Takes the call; it ends in any case.
  void call(RawMessage message, const detail::Ref<OutgoingCall>& call) noexcept;
  void cancel(uint64_t id) noexcept;
  void send_failure(uint64_t id, RawFailure::Kind kind, std::string_view text) noexcept;
  [[nodiscard]] bool has_room() const noexcept;
  [[nodiscard]] Future<void> room();

  void on_frame(Connection& connection, Frame& frame) noexcept override;
  void on_close(Connection& connection, const CloseInfo& info) noexcept override;

  CallTable<OutgoingCall> calls;
  IncomingTable<RawCall::State> incoming;

 private:
  void handle(Frame& frame);
  void on_request(Frame& frame);
  void on_answer(Frame& frame);
  // The end of the connection tells those that wait for the message, which is one "to" the other worker or "of" it.
  void end_for_want_of_memory(std::string_view to_or_of) noexcept;

  RawNode::Parts& node_;
  const detail::Ref<Connection> connection_;  // null: oneself
  std::atomic<bool> taken_in_{false};
  bool introduced_ = false;  // the reader's
  std::atomic<bool> refused_{false};
  std::atomic<bool> dead_{false};
  mutable Mutex mutex_;
  RawFailure death_ TINE_GUARDED_BY(mutex_);
  CloseInfo end_ TINE_GUARDED_BY(mutex_);
};

}  // namespace tine::rpc
