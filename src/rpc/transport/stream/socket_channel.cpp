#include "src/rpc/transport/stream/socket_channel.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "src/rpc/transport/held_events.h"

namespace tine::rpc {
namespace {

constexpr uint32_t kReadable = uint32_t{EPOLLIN} | uint32_t{EPOLLRDHUP};

bool means_later(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS; }

Channel::Outcome moved(size_t bytes) noexcept { return {.bytes = bytes}; }
Channel::Outcome nothing_now() noexcept { return {.what = Channel::What::kNothingNow}; }
Channel::Outcome ended(int error) noexcept { return {.what = Channel::What::kEnded, .error = error}; }

}  // namespace

class SocketChannel::Watcher final : public Pollable {
 public:
  explicit Watcher(detail::Ref<ChannelEvents> events) noexcept : held_(std::move(events)) {}
  void on_events(uint32_t events) noexcept override {
    const auto told = held_.get();
    if (!told) return;
    if (events == 0) return told->loop_ends();
    if (events & EPOLLOUT) told->writable();
    if (events & ~static_cast<uint32_t>(EPOLLOUT)) told->readable();
  }
  [[nodiscard]] detail::Ref<ChannelEvents> drop() noexcept { return held_.drop(); }

 private:
  HeldEvents held_;
};

SocketChannel::SocketChannel(FileDescriptor socket) noexcept
    : socket_(std::move(socket)), fd_(socket_.get()) {}
SocketChannel::~SocketChannel() = default;

SocketChannelMaker plain_sockets() {
  return [](FileDescriptor socket) { return std::make_unique<SocketChannel>(std::move(socket)); };
}

bool SocketChannel::watch(const Loop& loop, detail::Ref<ChannelEvents> events) {
  auto watcher = detail::make_ref<Watcher>(std::move(events));
  const MutexLock lock(mutex_);
  armed_ = true;  // before the loop can read
  return watch_.begin(loop, fd_, std::move(watcher), wanted());
}

void SocketChannel::unwatch() noexcept { stop_watching(false); }
void SocketChannel::retire() noexcept { stop_watching(true); }

void SocketChannel::stop_watching(bool for_good) noexcept {
  detail::Ref<ChannelEvents> dropped;  // without the lock
  const MutexLock lock(mutex_);
  dropped = watch_.end(for_good);
}

Channel::Outcome SocketChannel::try_read(std::span<const iovec> pieces) noexcept {
  for (;;) {
    const ssize_t n = pieces.size() == 1 ? ::recv(fd_, pieces[0].iov_base, pieces[0].iov_len, MSG_DONTWAIT)
                                         : ::readv(fd_, pieces.data(), static_cast<int>(pieces.size()));
    if (n > 0) return moved(static_cast<size_t>(n));
    if (n == 0) return ended(0);
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? nothing_now() : ended(errno);
  }
}

Channel::Outcome SocketChannel::try_write(std::span<const iovec> pieces) noexcept {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  for (;;) {
    const ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) return moved(static_cast<size_t>(n));
    if (errno == EINTR) continue;
    return means_later(errno) ? nothing_now() : ended(errno);
  }
}

bool SocketChannel::arm() noexcept {
  if (armed_) return false;
  const MutexLock lock(mutex_);
  armed_ = true;
  watch_.change(wanted());
  return false;
}

void SocketChannel::disarm() noexcept {
  const MutexLock lock(mutex_);
  armed_ = false;
  watch_.change(wanted());
}

void SocketChannel::want_writable(bool want) noexcept {
  const MutexLock lock(mutex_);
  wants_writable_ = want;
  watch_.change(wanted());
}

uint32_t SocketChannel::wanted() const noexcept {
  return (armed_ ? kReadable : 0U) | (wants_writable_ ? uint32_t{EPOLLOUT} : 0U);
}

void SocketChannel::end_output() noexcept { ::shutdown(fd_, SHUT_WR); }
void SocketChannel::break_off() noexcept { ::shutdown(fd_, SHUT_RDWR); }
void SocketChannel::bound_unread(size_t bytes) noexcept { bound_unsent(fd_, bytes); }
void SocketChannel::close() noexcept { socket_.reset(); }
void SocketChannel::leave() noexcept { static_cast<void>(socket_.release()); }

bool SocketChannel::has_unread() const noexcept {
  char byte;
  return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

}  // namespace tine::rpc
