#include "src/rpc/peer.h"

#include <fmt/format.h>

#include "src/rpc/agent_core.h"

namespace tine::rpc {

Peer::Peer(AgentCore& core, WorkerInfo who, uint64_t number, bool self)
    : info(std::move(who)), incarnation(number), is_self(self), core_(core) {}

Peer::~Peer() = default;

void Peer::die(std::exception_ptr cause) noexcept {
  {
    const std::lock_guard lock(death_mutex_);
    if (dead_.load(std::memory_order_relaxed)) return;
    death_ = std::move(cause);
    dead_.store(true, std::memory_order_release);
  }
  for (const auto& call : calls.close()) call->fail(death_);
}

std::exception_ptr Peer::send(OutFrame frame) {
  if (dead()) return death_;
  if (!connection_) return make_error(ErrorKind::kRuntime, "a worker has no connection to itself");
  return connection_->send(std::move(frame));
}

void Peer::send_cancel(uint64_t id) noexcept {
  if (is_self) return cancel_incoming(id);
  // Refused only where the connection ends: then there is nothing to cancel.
  if (!dead()) static_cast<void>(connection_->send(OutFrame(FrameKind::kCancel, id)));
}

void Peer::cancel_incoming(uint64_t id) noexcept {
  detail::Ref<detail::State<Value>> source;
  {
    const std::lock_guard lock(incoming_mutex);
    const auto at = incoming.find(id);
    if (at != incoming.end()) source = at->second->mark_cancelled();
  }
  if (source) source->cancel();
}

void Peer::cancel_all_incoming() noexcept {
  std::vector<detail::Ref<detail::State<Value>>> sources;
  {
    const std::lock_guard lock(incoming_mutex);
    for (const auto& [id, call] : incoming) sources.push_back(call->mark_cancelled());
  }
  for (const auto& source : sources) {
    if (source) source->cancel();
  }
}

void Peer::send_error(uint64_t id, const ErrorBody& error) noexcept {
  try {
    OutFrame frame(FrameKind::kError, id);
    write_error(frame.body, error);
    static_cast<void>(send(std::move(frame)));  // refused only where the connection ends: its death tells
  } catch (const std::bad_alloc&) {
    // The caller's deadline tells.
  }
}

void Peer::on_frame(Connection&, Frame& frame) noexcept { core_.on_frame(*this, frame); }
void Peer::on_close(Connection&, const CloseInfo& info) noexcept { core_.on_death(*this, info); }

void Peer::help(detail::StateBase& state, TimePoint deadline) noexcept {
  if (!connection_ || dead()) return;
  auto done = [&state] { return state.done(); };
  (void)connection_->try_poll(deadline, DoneCheck(done));
}

}  // namespace tine::rpc
