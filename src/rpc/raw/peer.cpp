#include "src/rpc/raw/peer.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/error_or_want.h"
#include "src/rpc/raw/card.h"
#include "src/rpc/raw/node.h"

namespace tine::rpc {
namespace {

constexpr std::chrono::seconds kGoodbyeTime{1};

uint64_t remaining_us(TimePoint deadline) {
  if (deadline == kNoDeadline) return kNoTimeLimit;
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(deadline - Clock::now()).count();
  return static_cast<uint64_t>(std::max<int64_t>(left, 0));
}

}  // namespace

RawPeer::RawPeer(RawNode::Parts& node, RawWorker name, detail::Ref<Connection> connection, size_t max_calls)
    : who(std::move(name)), calls(max_calls), node_(node), connection_(std::move(connection)) {
  if (who.name.empty()) who.name = connection_->peer().name;
}

RawPeer::RawPeer(RawNode::Parts& node, RawWorker self, size_t max_calls)
    : who(std::move(self)), calls(max_calls), node_(node), taken_in_(true) {}

void RawPeer::introduce(const std::string& protocol, int id) {
  OutFrame frame(FrameKind::kIntroduction);
  write_introduction(frame, {id, protocol});
  // Where it cannot be sent the connection is at its end, and that tells.
  (void)connection_->send(std::move(frame));
}

void RawPeer::refuse(GoodbyeReason reason, const std::string& why) noexcept {
  refused_.store(true, std::memory_order_release);
  connection_->shutdown(reason, why, Clock::now() + kGoodbyeTime);
}

bool RawPeer::die(RawFailure cause, detail::Ref<detail::RefCounted> behind) noexcept {
  {
    const MutexLock lock(mutex_);
    if (dead_.load(std::memory_order_relaxed)) return false;
    death_ = copy_of(cause);
    dead_.store(true, std::memory_order_release);
  }
  calls.close_and_end([&](OutgoingCall& call) { call.end(copy_of(cause), behind); });
  incoming.cancel_all();
  return true;
}

RawFailure RawPeer::death() const {
  const MutexLock lock(mutex_);
  return death_;
}

void RawPeer::set_end(const CloseInfo& info) noexcept {
  const MutexLock lock(mutex_);
  end_.why = info.why;
  end_.reason = info.reason;
  end_.error = info.error;
  try {
    end_.how = info.how;
  } catch (const std::bad_alloc&) {
    end_.how.clear();
  }
}

CloseInfo RawPeer::end() const {
  const MutexLock lock(mutex_);
  return end_;
}

void RawPeer::call(RawMessage message, const detail::Ref<OutgoingCall>& call) noexcept {
  RawFailure failure{RawFailure::Kind::kRefused, {}, {{}, who.id}};
  bool added = false;
  try {
    added = calls.add(call);
    if (!added) return call->end(death());
    node_.deadlines.watch(call->deadline);
    if (is_self()) {
      bool fresh = false;
      auto here =
          detail::make_ref<RawCall::State>(node_.shared_from_this(), detail::Ref<RawPeer>::share(this),
                                           call->id, call->deadline, std::move(message), &fresh);
      node_.begun.fetch_add(1, std::memory_order_relaxed);
      return node_.deliver(std::move(here), At::kElsewhere);
    }
    OutFrame frame(FrameKind::kRawRequest, call->id, remaining_us(call->deadline));
    write_message(frame, std::move(message), node_.means.callbacks);
    const auto error = connection_->send(std::move(frame));
    if (!error) return;
    if (!connection_->closed()) {
      failure.text = message_of(error);
    } else if (node_.closing()) {
      failure = node_.closed_failure();
    } else {
      failure = {RawFailure::Kind::kDied, fmt::format("{} died: {}", describe(who), message_of(error)), who};
    }
  } catch (const std::exception& e) {
    failure = failure_of(RawFailure::Kind::kRefused, who, [&] { return e.what(); });
  }
  if (failure.kind == RawFailure::Kind::kRefused) {
    failure = failure_of(failure.kind, who, [&] {
      return fmt::format("a call of {} cannot be sent: {}", describe(who), failure.text);
    });
  }
  if (!added || calls.take(call->id)) call->end(std::move(failure));
}

void RawPeer::cancel(uint64_t id) noexcept {
  if (is_self()) return incoming.cancel(id);
  try {
    // Where it cannot be sent the connection is at its end, which cancels all.
    (void)connection_->send(OutFrame(FrameKind::kCancel, id));
  } catch (const std::bad_alloc&) {
    end_for_want_of_memory("to");
  }
}

void RawPeer::send_failure(uint64_t id, RawFailure::Kind kind, std::string_view text) noexcept {
  try {
    OutFrame frame(FrameKind::kRawFailure, id);
    write_failure(frame, kind, text);
    (void)connection_->send(std::move(frame));
  } catch (const std::bad_alloc&) {
    // Then the caller cannot know, and must not wait for ever.
    end_for_want_of_memory("to");
  }
}

void RawPeer::end_for_want_of_memory(std::string_view to_or_of) noexcept {
  connection_->close(error_or_want([&] {
    return make_error(ErrorKind::kMemory,
                      fmt::format("no memory for a message {} {}", to_or_of, describe(who)));
  }));
}

bool RawPeer::has_room() const noexcept {
  return dead() || (calls.has_room() && (is_self() || connection_->has_room()));
}

Future<void> RawPeer::room() {
  if (has_room()) return make_ready();
  return calls.has_room() ? connection_->room() : calls.room();
}

void RawPeer::on_frame(Connection&, Frame& frame) noexcept {
  if (dead() || refused_.load(std::memory_order_acquire)) return;
  try {
    handle(frame);
  } catch (const std::bad_alloc&) {
    end_for_want_of_memory("of");
  } catch (const std::exception& e) {
    node_.malformed(*this, frame.header.kind, e.what());
  }
}

void RawPeer::handle(Frame& frame) {
  if (!is_taken_in()) {
    if (frame.header.kind != FrameKind::kIntroduction) throw ValueError("expected an introduction first");
    if (std::exchange(introduced_, true)) throw ValueError("it has introduced itself already");
    return node_.introduced(*this, read_introduction(frame));
  }
  switch (frame.header.kind) {
    case FrameKind::kRawRequest: return on_request(frame);
    case FrameKind::kRawReply:
    case FrameKind::kRawFailure: return on_answer(frame);
    case FrameKind::kCancel: return incoming.cancel(frame.header.call_id);
    case FrameKind::kIntroduction: throw ValueError("it has introduced itself already");
    default: throw ValueError("nodes of raw calls do not send any");
  }
}

void RawPeer::on_request(Frame& frame) {
  RawMessage message = read_message(frame);
  bool fresh = false;
  auto call =
      detail::make_ref<RawCall::State>(node_.shared_from_this(), detail::Ref<RawPeer>::share(this),
                                       frame.header.call_id, frame.deadline(), std::move(message), &fresh);
  if (!fresh)
    throw ValueError(
        fmt::format("its call id {} belongs to a call that is still running", frame.header.call_id));
  node_.begun.fetch_add(1, std::memory_order_relaxed);
  node_.deliver(std::move(call), At::kReader);
}

void RawPeer::on_answer(Frame& frame) {
  if (frame.header.kind == FrameKind::kRawReply) {
    RawMessage reply = read_message(frame);
    if (const auto call = calls.take(frame.header.call_id)) call->end(std::move(reply));
    return;
  }
  RawFailure failure = read_failure(frame);
  failure.worker = who;
  if (const auto call = calls.take(frame.header.call_id)) call->end(std::move(failure));
}

void RawPeer::on_close(Connection&, const CloseInfo& info) noexcept { node_.ended(*this, info); }

}  // namespace tine::rpc
