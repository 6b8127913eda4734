#include "src/rpc/peer.h"

#include <fmt/format.h>

#include "src/rpc/agent_core.h"

namespace tine::rpc {

Peer::Peer(AgentCore& core, WorkerInfo who, uint64_t number, bool self)
    : info(std::move(who)), incarnation(number), is_self(self), core_(core) {}

Peer::~Peer() = default;

void Peer::attach(detail::Ref<Connection> connection, std::shared_ptr<IoLoop> loop,
                  std::shared_ptr<AgentCore> core) {
  helper_ = &ReplyHelper::take();
  helper_->serve(connection, std::move(core));
  loop_ = std::move(loop);
  connection_ = std::move(connection);
}

void Peer::detach() noexcept {
  if (helper_) helper_->retire();
}

void Peer::die(std::exception_ptr cause) noexcept {
  {
    const std::lock_guard lock(death_mutex_);
    if (dead_.load(std::memory_order_relaxed)) return;
    death_ = std::move(cause);
    dead_.store(true, std::memory_order_release);
  }
  for (const auto& call : calls.close()) call->fail(death_);
}

std::exception_ptr Peer::death() const {
  if (of_parent())
    return make_error(ErrorKind::kAbandoned,
                      "this process is a fork: the RPC connections belong to its parent");
  return dead() ? death_ : nullptr;
}

std::exception_ptr Peer::send(OutFrame frame) {
  if (dead()) return death();
  if (!connection_) return make_error(ErrorKind::kRuntime, "a worker has no connection to itself");
  return connection_->send(std::move(frame));
}

void Peer::send_cancel(uint64_t id) noexcept {
  if (is_self) return cancel_incoming(id);
  // A lost cancellation costs the callee some work, nothing else.
  if (!dead()) (void)connection_->send(OutFrame(FrameKind::kCancel, id));
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
    if (send(std::move(frame)) && !dead()) {
      const std::lock_guard lock(refused_mutex_);
      refused_.push_back(id);
    }
  } catch (const std::bad_alloc&) {
    // The caller's deadline tells.
  }
}

void Peer::on_drained(Connection&) noexcept {
  std::vector<uint64_t> refused;
  {
    const std::lock_guard lock(refused_mutex_);
    refused.swap(refused_);
  }
  ErrorBody error;
  error.kind = "Error";
  error.message = fmt::format(
      "worker '{}' had an answer, but its queue of unsent bytes to this worker was full", core_.self().name);
  for (const uint64_t id : refused) send_error(id, error);
}

void Peer::on_frame(Connection&, Frame& frame, ReaderRole&) noexcept { core_.on_frame(*this, frame); }
void Peer::on_close(Connection&, const CloseInfo& info) noexcept { core_.on_death(*this, info); }

}  // namespace tine::rpc
