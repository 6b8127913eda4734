#include "src/rpc/peer.h"

#include "src/base/error_or_want.h"
#include "src/rpc/incoming.h"

namespace tine::rpc {
namespace {

bool is_abandoned(const std::exception_ptr& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const Abandoned&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

Peer::Peer(WorkerInfo who, uint64_t number, bool self, const Options& options, Events& events)
    : Callee(options.max_calls),
      info(std::move(who)),
      incarnation(number),
      is_self(self),
      incoming(std::make_unique<IncomingTable<IncomingState>>()),
      events_(events),
      inbox_(detail::make_ref<Inbox>(static_cast<Inbox::Sink&>(*this), *options.pool, *options.callbacks)) {}

Peer::~Peer() = default;

void Peer::attach(detail::Ref<Connection> connection) {
  helper_ = &ReplyHelper::take();
  helper_->serve(connection, events_.alive());
  connection_ = std::move(connection);
}

void Peer::detach() noexcept {
  if (helper_) helper_->retire();
}

void Peer::die(std::exception_ptr cause) noexcept {
  {
    const MutexLock lock(death_mutex_);
    if (dead_.load(std::memory_order_relaxed)) return;
    death_ = std::move(cause);
    dead_.store(true, std::memory_order_release);
  }
  // Calls that this worker's own shutdown gives up are not reported.
  const bool given_up = is_abandoned(death_);
  calls.close_and_end([&](CallState& call) {
    if (given_up) call.observe();
    call.fail(given_up ? death_ : call.with_own_hop(death_));
  });
}

void Peer::refuse_calls(std::exception_ptr why) noexcept {
  {
    const MutexLock lock(death_mutex_);
    leaving_ = std::move(why);
  }
  calls.refuse();
}

std::exception_ptr Peer::refusal() const {
  if (auto cause = death()) return cause;
  const MutexLock lock(death_mutex_);
  return leaving_;
}

std::exception_ptr Peer::death() const {
  if (of_parent())
    return make_error(ErrorKind::kAbandoned,
                      "this process is a fork: the RPC connections belong to its parent");
  return dead() ? death_ : nullptr;
}

std::exception_ptr Peer::send(OutFrame&& frame) {
  if (dead()) return death();
  if (!connection_) return make_error(ErrorKind::kRuntime, "a worker has no connection to itself");
  traffic_.frames_sent.fetch_add(1, std::memory_order_relaxed);
  traffic_.bytes_sent.fetch_add(frame.wire_bytes(), std::memory_order_relaxed);
  return connection_->send(std::move(frame));
}

void Peer::tell(OutFrame frame) noexcept {
  try {
    static_cast<void>(send(std::move(frame)));
  } catch (const std::bad_alloc&) {
    end_for_want_of_memory();
  }
}

void Peer::end_for_want_of_memory() noexcept {
  if (!connection_) return;
  connection_->close(error_or_want(
      [this] { return make_error(ErrorKind::kMemory, "no memory for a message to " + info.name); }));
}

bool Peer::has_room() const noexcept {
  return is_self || dead() || (calls.has_room() && connection_->has_room());
}

bool Peer::has_room_for_answers() const noexcept { return is_self || dead() || connection_->has_room(); }

Future<void> Peer::room_for_answers() { return has_room_for_answers() ? make_ready() : connection_->room(); }

Future<void> Peer::room() {
  if (has_room()) return make_ready();
  return calls.has_room() ? connection_->room() : calls.room();
}

void Peer::send_cancel(uint64_t id) noexcept {
  if (!is_self) return tell(OutFrame(FrameKind::kCancel, id));
  Frame frame;
  frame.header.kind = FrameKind::kCancel;
  frame.header.call_id = id;
  events_.on_frame(*this, frame, At::kElsewhere);
}

void Peer::on_frame(Connection&, Frame& frame) {
  // By the thread that reads, which is one at a time.
  const auto add = [](std::atomic<uint64_t>& to, uint64_t more) {
    to.store(to.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  };
  uint64_t bytes = kHeaderBytes + frame.body.size();
  for (const auto& segment : frame.segments) bytes += segment->bytes().size();
  add(traffic_.frames_received, 1);
  add(traffic_.bytes_received, bytes);
  inbox_->arrived(frame);
}
void Peer::on_close(Connection&, const CloseInfo& info) noexcept { inbox_->ended(info); }

}  // namespace tine::rpc
