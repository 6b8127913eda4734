#include "src/rpc/transport/shm/ring_channel.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "src/rpc/transport/held_events.h"
#include "src/rpc/transport/shm/attendance.h"
#include "src/rpc/transport/shm/descriptors.h"
#include "src/rpc/wire/frame.h"

namespace tine::rpc {
namespace {

constexpr std::array<char, 8> kMagic{'t', 'i', 'n', 'e', '-', 's', 'h', 'm'};
constexpr uint32_t kVersion = 2;
constexpr uint32_t kBellEvents = uint32_t{EPOLLIN} | uint32_t{EPOLLRDHUP} | uint32_t{EPOLLET};

constexpr Channel::Outcome kAgreed{};
constexpr Channel::Outcome kLater{.what = Channel::What::kNothingNow};
constexpr Channel::Outcome ended(int error) noexcept {
  return {.what = Channel::What::kEnded, .error = error};
}

}  // namespace

// --- the offer

void RingOffer::write_record(uint64_t ring_bytes) noexcept {
  record_ = {};
  std::memcpy(record_.data(), kMagic.data(), kMagic.size());
  put_le<uint32_t>(record_.data() + 8, kVersion);
  put_le<uint64_t>(record_.data() + 16, ring_bytes);
  done_ = 0;
}

bool RingOffer::read_record(uint64_t* ring_bytes) const noexcept {
  *ring_bytes = get_le<uint64_t>(record_.data() + 16);
  return std::memcmp(record_.data(), kMagic.data(), kMagic.size()) == 0 &&
         get_le<uint32_t>(record_.data() + 8) == kVersion && get_le<uint32_t>(record_.data() + 12) == 0;
}

Channel::Outcome RingOffer::send_record() noexcept {
  while (done_ < kRecordBytes) {
    const ssize_t n = send_with_descriptor(fd(), {record_.data() + done_, kRecordBytes - done_},
                                           done_ == 0 ? memory_.get() : -1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      want_writable(true);
      return kLater;
    }
    if (n < 0) return ended(errno);
    done_ += static_cast<size_t>(n);
  }
  want_writable(false);
  return kAgreed;
}

Channel::Outcome RingOffer::receive_record() noexcept {
  while (done_ < kRecordBytes) {
    Received got = receive_with_descriptor(fd(), {record_.data() + done_, kRecordBytes - done_});
    if (got.bytes < 0 && errno == EINTR) continue;
    if (got.bytes < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? kLater : ended(errno);
    if (got.bytes == 0) return ended(0);
    if (got.descriptors > 1 || (got.first && memory_) || got.truncated) return ended(EBADMSG);
    if (got.first) memory_ = std::move(got.first);
    done_ += static_cast<size_t>(got.bytes);
  }
  return kAgreed;
}

bool RingOffer::accept_answer(uint64_t ring_bytes) noexcept {
  if (memory_ || (ring_bytes != 0 && (!rings_ || ring_bytes != ring_bytes_))) return false;
  if (ring_bytes == 0) rings_ = nullptr;
  return true;
}

bool RingOffer::accept_offer(uint64_t ring_bytes) noexcept {
  int error = 0;
  if (ring_bytes == 0) {
    write_record(0);
    return !memory_;
  }
  rings_ = SharedRings::map(budget_, ring_bytes, ring_bytes_, std::move(memory_), &error);
  write_record(rings_ ? ring_bytes : 0);
  return error == 0;
}

void RingOffer::offer() noexcept {
  rings_ = SharedRings::make(budget_, ring_bytes_, &memory_);
  if (!rings_) memory_.reset();
  write_record(rings_ ? ring_bytes_ : 0);
}

// The steps of one side; a step that has to wait is begun again.
Channel::Outcome RingOffer::agree(Side side, std::unique_ptr<Channel>* instead) noexcept {
  const bool initiator = side == Side::kInitiator;
  if (step_ == Step::kBegin) {
    if (initiator) offer();
    step_ = initiator ? Step::kSend : Step::kReceive;
  }
  if (initiator && step_ == Step::kSend) {
    if (const Outcome sent = send_record(); sent.what != What::kMoved) return sent;
    memory_.reset();
    done_ = 0;
    step_ = Step::kReceive;
  }
  if (step_ == Step::kReceive) {
    if (const Outcome got = receive_record(); got.what != What::kMoved) return got;
    uint64_t theirs = 0;
    if (!read_record(&theirs) || !(initiator ? accept_answer(theirs) : accept_offer(theirs)))
      return ended(EBADMSG);
    step_ = Step::kSend;
  }
  if (!initiator) {
    if (const Outcome sent = send_record(); sent.what != What::kMoved) return sent;
  }
  if (!rings_) return kAgreed;
  try {
    auto channel = std::make_unique<RingChannel>(std::move(rings_), std::make_shared<LentSegments>(mapped_));
    channel->own(give_socket());
    *instead = std::move(channel);
  } catch (const std::bad_alloc&) {
    return ended(ENOMEM);
  }
  return kAgreed;
}

// --- the channel

struct RingChannel::Shared {
  Shared(std::shared_ptr<SharedRings> r, std::shared_ptr<LentSegments> l) noexcept
      : rings(std::move(r)), lent(std::move(l)) {}

  const std::shared_ptr<SharedRings> rings;
  Attendance<StdAtomic> attendance{rings->out()};
  const std::shared_ptr<LentSegments> lent;
  std::atomic<bool> peer_ended{false};  // the socket says so
};

class RingChannel::Watcher final : public Pollable {
 public:
  Watcher(const Loop& loop, std::shared_ptr<Shared> shared, detail::Ref<ChannelEvents> events) noexcept
      : loop_(loop), shared_(std::move(shared)), held_(std::move(events)) {}

  void on_events(uint32_t events) noexcept override {
    const auto told = held_.get();
    if (!told) return;
    if (events == 0) return told->loop_ends();
    if (events & EPOLLIN) static_cast<void>(shared_->lent->look());  // the end is told below
    if (events & (uint32_t{EPOLLRDHUP} | uint32_t{EPOLLHUP} | uint32_t{EPOLLERR}))
      shared_->peer_ended.store(true, std::memory_order_release);
    // From here on the loop looks by itself, so nobody has to ring.
    attend();
    tell(*told);
  }
  bool look() noexcept override {
    const bool readable = shared_->rings->in().has_bytes();
    if (!readable && !shared_->attendance.may_write()) return false;
    const auto told = held_.get();
    if (!told) return false;
    tell(*told);
    return true;
  }
  int looks_in_a_row() const noexcept override {
    return shared_->rings->in().shares_processor() ? 1 : kLooksInARow;
  }
  bool loop_sleeps() noexcept override {
    const auto told = held_.get();
    if (!told) return false;
    shared_->attendance.stop_looking();
    // Where another thread has the reader's role, that one arms the channel when it gives the role back. It may have looked
    // already whether anybody waits for room.
    if (!told->loop_sleeps() && !shared_->attendance.room_for_nobody()) return false;
    shared_->attendance.look();
    tell(*told);
    return true;
  }
  [[nodiscard]] detail::Ref<ChannelEvents> drop() noexcept { return held_.drop(); }

 private:
  void attend() noexcept {
    if (shared_->attendance.look() && !loop_.keep_looking(*this)) shared_->attendance.stop_looking();
  }
  void tell(ChannelEvents& told) noexcept {
    if (shared_->attendance.may_write()) told.writable();
    told.readable();
  }

  Loop loop_;
  const std::shared_ptr<Shared> shared_;
  HeldEvents held_;
};

RingChannel::RingChannel(std::shared_ptr<SharedRings> rings, std::shared_ptr<LentSegments> lent)
    : shared_(std::make_shared<Shared>(std::move(rings), std::move(lent))) {}

void RingChannel::own(FileDescriptor socket) noexcept {
  socket_ = std::move(socket);
  fd_ = socket_.get();
  shared_->lent->own(fd_);
}

SharedMemory* RingChannel::shared_memory() noexcept { return shared_->lent.get(); }

RingChannel::~RingChannel() = default;

bool RingChannel::watch(const Loop& loop, detail::Ref<ChannelEvents> events) {
  auto watcher = detail::make_ref<Watcher>(loop, shared_, events);
  const MutexLock lock(mutex_);
  if (!watch_.begin(loop, fd_, std::move(watcher), kBellEvents)) return false;
  shared_->lent->watch(std::move(events));
  // What has come before is told like what comes later.
  if (shared_->rings->in().await_bytes() || shared_->attendance.wants_writable())
    watch_.change(kBellEvents | uint32_t{EPOLLOUT});
  return true;
}

void RingChannel::stop_watching(bool for_good) noexcept {
  detail::Ref<ChannelEvents> dropped, others;  // without the lock
  const MutexLock lock(mutex_);
  dropped = watch_.end(for_good);
  if (!dropped) return;
  shared_->attendance.stop_looking();
  others = shared_->lent->unwatch();
}

void RingChannel::ring_bell() noexcept {
  const char bell = 0;
  // Where the socket is full the other side has bells enough, and where it is closed its end tells.
  static_cast<void>(!::send(fd_, &bell, 1, MSG_NOSIGNAL | MSG_DONTWAIT));
}

Channel::Outcome RingChannel::try_read(std::span<const iovec> pieces) noexcept {
  // Before the ring: what the peer wrote before its end is there then.
  const bool last = shared_->peer_ended.load(std::memory_order_acquire) || shared_->rings->in().ended();
  const RingMoved moved = shared_->rings->in().read(pieces);
  if (moved.bytes != 0) {
    if (moved.ring_bell) ring_bell();
    return {.bytes = moved.bytes};
  }
  if (moved.broken) return ended(EBADMSG);
  return last ? ended(0) : kLater;
}

Channel::Outcome RingChannel::try_write(std::span<const iovec> pieces) noexcept {
  if (shared_->rings->out().refused()) return ended(EPIPE);
  const RingMoved moved = shared_->rings->out().write(pieces);
  if (moved.bytes != 0) {
    if (moved.ring_bell) ring_bell();
    return {.bytes = moved.bytes};
  }
  return moved.broken ? ended(EBADMSG) : kLater;
}

bool RingChannel::arm() noexcept {
  if (shared_->attendance.is_looked_at()) {
    const MutexLock lock(mutex_);
    if (watch_.on_loop_thread()) return false;
  }
  if (shared_->attendance.stop_polling()) make_loop_look();
  return shared_->rings->in().await_bytes() || shared_->peer_ended.load(std::memory_order_acquire) ||
         shared_->rings->in().ended();
}

void RingChannel::disarm() noexcept {
  shared_->attendance.poll();
  shared_->rings->in().forget_bytes();
}

void RingChannel::want_writable(bool want) noexcept {
  if (shared_->attendance.want_writable(want)) make_loop_look();
}

void RingChannel::make_loop_look() noexcept {
  const MutexLock lock(mutex_);
  // The socket is writable, so this is an event at once.
  watch_.change(kBellEvents | uint32_t{EPOLLOUT});
}

void RingChannel::end_output() noexcept {
  shared_->rings->out().end();
  ::shutdown(fd_, SHUT_WR);
}
void RingChannel::bound_unread(size_t bytes) noexcept { shared_->rings->out().bound(bytes); }
int RingChannel::looks_in_a_row() const noexcept {
  return shared_->rings->in().shares_processor() ? 1 : kLooksInARow;
}
bool RingChannel::has_unread() const noexcept { return shared_->rings->in().has_bytes(); }

void RingChannel::break_off() noexcept {
  shared_->rings->out().end();
  shared_->rings->in().refuse();
  ::shutdown(fd_, SHUT_RDWR);
}

void RingChannel::close() noexcept {
  shared_->lent->close();
  socket_.reset();
}
void RingChannel::leave() noexcept { static_cast<void>(socket_.release()); }

}  // namespace tine::rpc
