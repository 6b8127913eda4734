#include "src/rpc/transport/in_process/pipe_channel.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "src/base/mutex.h"
#include "src/rpc/transport/channel_watch.h"
#include "src/rpc/transport/held_events.h"
#include "src/rpc/transport/stream/socket.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

// What makes one end's loop look. It rings until it is answered. Both ends know it; the one that watches it closes it.
class Bell {
 public:
  Bell() : fd_(FileDescriptor::made_by([] { return ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); })) {
    if (!fd_) throw SystemError(fmt::format("an eventfd cannot be made: {}", std::strerror(errno)));
  }
  // In a child of fork(2) it has been closed.
  ~Bell() {
    if (birth_.inherited()) static_cast<void>(fd_.release());
  }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  // For its owner, before it closes it.
  [[nodiscard]] int fd() const noexcept TINE_NO_THREAD_SAFETY_ANALYSIS { return fd_.get(); }
  void ring() noexcept {
    const MutexLock lock(mutex_);
    const uint64_t one = 1;
    if (fd_) static_cast<void>(!::write(fd_.get(), &one, sizeof one));
  }
  void answer() noexcept {
    const MutexLock lock(mutex_);
    uint64_t count;
    if (fd_) static_cast<void>(!::read(fd_.get(), &count, sizeof count));
  }
  void close() noexcept {
    const MutexLock lock(mutex_);
    fd_ = FileDescriptor();
  }

 private:
  const Birth birth_;
  Mutex mutex_;
  FileDescriptor fd_ TINE_GUARDED_BY(mutex_);
};

// One direction.
class Pipe {
 public:
  explicit Pipe(size_t capacity) : bytes_(capacity), bound_(capacity) {}

  Channel::Outcome write(std::span<const iovec> pieces, Bell& reader) noexcept {
    const MutexLock lock(mutex_);
    if (reader_gone_ || ended_) {
      wants_writable_ = false;
      return {.what = Channel::What::kEnded, .error = EPIPE};
    }
    size_t room = bound_ > used_ ? bound_ - used_ : 0, moved = 0;
    for (const iovec& piece : pieces) {
      const size_t n = std::min(room, piece.iov_len);
      put(static_cast<const std::byte*>(piece.iov_base), n);
      moved += n;
      room -= n;
      if (n < piece.iov_len) break;
    }
    if (moved == 0) return {.what = Channel::What::kNothingNow};
    wake_reader(reader);
    return {.bytes = moved};
  }

  Channel::Outcome read(std::span<const iovec> pieces, Bell& writer) noexcept {
    const MutexLock lock(mutex_);
    if (used_ == 0) return {.what = ended_ ? Channel::What::kEnded : Channel::What::kNothingNow};
    size_t moved = 0;
    for (const iovec& piece : pieces) {
      const size_t n = std::min(used_, piece.iov_len);
      get(static_cast<std::byte*>(piece.iov_base), n);
      moved += n;
    }
    if (wants_writable_ && used_ < bound_) writer.ring();
    return {.bytes = moved};
  }

  bool arm() noexcept {
    const MutexLock lock(mutex_);
    armed_ = true;
    return used_ != 0 || ended_;
  }
  void disarm() noexcept {
    const MutexLock lock(mutex_);
    armed_ = false;
  }
  // The writer's wish stays until it is taken back.
  void want_writable(bool want, Bell& writer) noexcept {
    const MutexLock lock(mutex_);
    wants_writable_ = want;
    if (want && (used_ < bound_ || reader_gone_)) writer.ring();
  }
  [[nodiscard]] bool is_writable() noexcept {
    const MutexLock lock(mutex_);
    return wants_writable_ && (used_ < bound_ || reader_gone_);
  }
  void bound(size_t bytes) noexcept {
    const MutexLock lock(mutex_);
    bound_ = std::min(bytes, bytes_.size());
  }
  [[nodiscard]] bool has_unread() noexcept {
    const MutexLock lock(mutex_);
    return used_ != 0;
  }
  // By the writer, or by whoever breaks it off.
  void end(Bell& reader) noexcept {
    const MutexLock lock(mutex_);
    ended_ = true;
    wake_reader(reader);
  }
  // By the reader. What lies there may still be read.
  void refuse_more(Bell& writer, Bell& reader) noexcept {
    const MutexLock lock(mutex_);
    reader_gone_ = ended_ = true;
    if (wants_writable_) writer.ring();
    wake_reader(reader);
  }

 private:
  void wake_reader(Bell& reader) noexcept TINE_REQUIRES(mutex_) {
    if (std::exchange(armed_, false)) reader.ring();
  }
  void put(const std::byte* from, size_t n) noexcept TINE_REQUIRES(mutex_) {
    if (n == 0) return;
    const size_t at = (first_ + used_) % bytes_.size(), before_end = std::min(n, bytes_.size() - at);
    std::memcpy(bytes_.data() + at, from, before_end);
    if (n > before_end) std::memcpy(bytes_.data(), from + before_end, n - before_end);
    used_ += n;
  }
  void get(std::byte* to, size_t n) noexcept TINE_REQUIRES(mutex_) {
    if (n == 0) return;
    const size_t before_end = std::min(n, bytes_.size() - first_);
    std::memcpy(to, bytes_.data() + first_, before_end);
    if (n > before_end) std::memcpy(to + before_end, bytes_.data(), n - before_end);
    first_ = (first_ + n) % bytes_.size();
    used_ -= n;
  }

  Mutex mutex_;
  std::vector<std::byte> bytes_ TINE_GUARDED_BY(mutex_);
  size_t first_ TINE_GUARDED_BY(mutex_) = 0;
  size_t used_ TINE_GUARDED_BY(mutex_) = 0;
  size_t bound_ TINE_GUARDED_BY(mutex_);  // of used_
  bool armed_ TINE_GUARDED_BY(mutex_) = false;
  bool wants_writable_ TINE_GUARDED_BY(mutex_) = false;
  bool ended_ TINE_GUARDED_BY(mutex_) = false;        // nothing more is written
  bool reader_gone_ TINE_GUARDED_BY(mutex_) = false;  // nothing more is taken
};

class PipeChannel final : public Channel {
 public:
  PipeChannel(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, std::shared_ptr<Bell> ours,
              std::shared_ptr<Bell> theirs) noexcept
      : in_(std::move(in)), out_(std::move(out)), ours_(std::move(ours)), theirs_(std::move(theirs)) {}
  ~PipeChannel() override {
    if (!birth_.inherited()) break_off();
  }

  bool watch(const Loop& loop, detail::Ref<ChannelEvents> events) override {
    auto watcher = detail::make_ref<Watcher>(ours_, out_, std::move(events));
    const MutexLock lock(mutex_);
    if (!watch_.begin(loop, fd_, std::move(watcher), EPOLLIN)) return false;
    // What has come before is told like what comes later.
    if (in_->arm() || out_->is_writable()) ours_->ring();
    return true;
  }
  void unwatch() noexcept override { stop_watching(false); }
  void retire() noexcept override { stop_watching(true); }

  Outcome try_read(std::span<const iovec> pieces) noexcept override { return in_->read(pieces, *theirs_); }
  bool arm() noexcept override { return in_->arm(); }
  void disarm() noexcept override { in_->disarm(); }
  Outcome try_write(std::span<const iovec> pieces) noexcept override { return out_->write(pieces, *theirs_); }
  void want_writable(bool want) noexcept override { out_->want_writable(want, *ours_); }
  void end_output() noexcept override { out_->end(*theirs_); }
  void bound_unread(size_t bytes) noexcept override { out_->bound(bytes); }
  bool has_unread() const noexcept override { return in_->has_unread(); }
  void break_off() noexcept override {
    out_->end(*theirs_);
    in_->refuse_more(*theirs_, *ours_);
  }
  void close() noexcept override {
    break_off();
    ours_->close();
  }
  void leave() noexcept override {}

 private:
  class Watcher final : public Pollable {
   public:
    Watcher(std::shared_ptr<Bell> bell, std::shared_ptr<Pipe> out, detail::Ref<ChannelEvents> events) noexcept
        : bell_(std::move(bell)), out_(std::move(out)), held_(std::move(events)) {}
    void on_events(uint32_t events) noexcept override {
      const auto told = held_.get();
      if (!told) return;
      if (events == 0) return told->loop_ends();
      bell_->answer();
      if (out_->is_writable()) {
        told->writable();
        if (out_->is_writable()) bell_->ring();  // the writer has left some for its next turn
      }
      told->readable();
    }
    [[nodiscard]] detail::Ref<ChannelEvents> drop() noexcept { return held_.drop(); }

   private:
    const std::shared_ptr<Bell> bell_;
    const std::shared_ptr<Pipe> out_;
    HeldEvents held_;
  };

  void stop_watching(bool for_good) noexcept {
    detail::Ref<ChannelEvents> dropped;  // without the lock
    const MutexLock lock(mutex_);
    dropped = watch_.end(for_good);
  }

  const Birth birth_;
  const std::shared_ptr<Pipe> in_, out_;
  const std::shared_ptr<Bell> ours_, theirs_;
  const int fd_ = ours_->fd();
  Mutex mutex_;
  ChannelWatch<Watcher> watch_ TINE_GUARDED_BY(mutex_);
};

}  // namespace

std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>> make_pipe() {
  const auto there = std::make_shared<Pipe>(kMostUnread), back = std::make_shared<Pipe>(kMostUnread);
  const auto one = std::make_shared<Bell>(), other = std::make_shared<Bell>();
  return {std::make_unique<PipeChannel>(back, there, one, other),
          std::make_unique<PipeChannel>(there, back, other, one)};
}

}  // namespace tine::rpc
