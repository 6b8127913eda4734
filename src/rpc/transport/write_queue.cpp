#include "src/rpc/transport/write_queue.h"

#include "src/rpc/transport/endpoint.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace tine::rpc {
namespace {

constexpr size_t kPieces = 64;
// A thread that sends flushes for others too, but not for ever: then the loop goes on.
constexpr size_t kRoundsOfASender = 16;
constexpr size_t kRoundsOfALoop = 64;

const std::array<std::byte, kSegmentAlign> kZeros{};

struct Pieces {
  std::array<iovec, kPieces> list;
  size_t count = 0;
  size_t bytes = 0;

  [[nodiscard]] bool full() const noexcept { return count == kPieces; }
  // Adds the part of [from, from + size) of the frame that lies at or behind `offset`.
  void add(const std::byte* data, uint64_t from, uint64_t size, uint64_t offset) noexcept {
    if (from + size <= offset || full()) return;
    const uint64_t skip = offset > from ? offset - from : 0;
    list[count++] = {const_cast<std::byte*>(data + skip), size - skip};
    bytes += size - skip;
  }
};

}  // namespace

std::string OutFrame::seal() {
  if (body.used_ - kHeaderBytes > kMaxBodyBytes) {
    return fmt::format("a message's body has {} bytes, at most {} fit; send large data as tensors or bytes",
                       body.used_ - kHeaderBytes, kMaxBodyBytes);
  }
  FrameHeader header;
  header.kind = kind;
  header.flags = flags;
  header.call_id = call_id;
  header.remaining_us = remaining_us;
  header.body_bytes = static_cast<uint32_t>(body.used_ - kHeaderBytes);
  header.segments = static_cast<uint32_t>(body.segments_.size());
  uint64_t at = body.used_ + 8 * body.segments_.size();
  if (!body.segments_.empty()) {
    std::byte* table = body.grow(8 * body.segments_.size());
    for (const Segment& segment : body.segments_) {
      put_le<uint64_t>(table, segment.bytes.size());
      table += 8;
      at = aligned_segment(at) + segment.bytes.size();
    }
  }
  header.payload_bytes = payload_bytes_ = at - kHeaderBytes;
  encode_header(header, std::span<std::byte, kHeaderBytes>(body.begin(), kHeaderBytes));
  return {};
}

WriteQueue::~WriteQueue() {
  if (!socket_closed_) close_descriptor(fd_);
}

WriteQueue::Wrote WriteQueue::write_out(const Item* const* items, size_t count, size_t* bytes) noexcept {
  Pieces pieces;
  for (size_t i = 0; i < count && !pieces.full(); ++i) {
    OutFrame& frame = const_cast<OutFrame&>(items[i]->frame);
    const auto head = frame.head();
    pieces.add(head.data(), 0, head.size(), items[i]->offset);
    uint64_t at = head.size();
    for (const Segment& segment : frame.segments()) {
      if (pieces.full()) break;
      const uint64_t start = aligned_segment(at);
      if (start != at) pieces.add(kZeros.data(), at, start - at, items[i]->offset);
      pieces.add(segment.bytes.data(), start, segment.bytes.size(), items[i]->offset);
      at = start + segment.bytes.size();
    }
  }
  msghdr message{};
  message.msg_iov = pieces.list.data();
  message.msg_iovlen = pieces.count;
  for (;;) {
    const ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      *bytes = static_cast<size_t>(n);
      return *bytes == pieces.bytes ? Wrote::kAll : Wrote::kSome;
    }
    if (errno == EINTR) continue;
    *bytes = 0;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) return Wrote::kNothing;
    broken_.store(errno, std::memory_order_relaxed);
    return Wrote::kError;
  }
}

WriteQueue::Result WriteQueue::send(OutFrame&& frame, bool hold, bool last) {
  const size_t total = kHeaderBytes + frame.payload_bytes_;
  std::unique_lock lock(mutex_);
  if (closed_ || last_) return broken_.load(std::memory_order_relaxed) ? Result::kBroken : Result::kClosed;
  const size_t queued = queued_.load(std::memory_order_relaxed);
  if (!last && queued != 0 && queued + total > max_bytes_) return Result::kFull;
  last_ = last;
  if (writing_ || hold || !queue_.empty()) {
    queue_.push_back({std::move(frame), total, 0});
    queued_.store(queued + total, std::memory_order_relaxed);
    was_high_ |= queued + total > max_bytes_ / 2;
    return Result::kOk;
  }
  writing_ = true;
  lock.unlock();

  // Straight from the caller's frame: nothing is moved or allocated when the socket takes it all.
  Item item{std::move(frame), total, 0};
  const Item* items[] = {&item};
  size_t bytes = 0;
  const Wrote wrote = write_out(items, 1, &bytes);
  lock.lock();
  if (wrote == Wrote::kError) return break_off(lock);
  item.offset = bytes;
  if (item.offset < total && !closed_) {
    queue_.push_front(std::move(item));
    queued_.fetch_add(total - bytes, std::memory_order_relaxed);
    was_high_ |= queued_.load(std::memory_order_relaxed) > max_bytes_ / 2;
  }
  return flush_as_writer(lock, kRoundsOfASender);
}

WriteQueue::Result WriteQueue::flush() {
  std::unique_lock lock(mutex_);
  if (closed_) return Result::kClosed;
  if (writing_) return Result::kOk;
  if (queue_.empty()) {
    if (wants_writable_) owner_.want_writable(wants_writable_ = false);
    return Result::kOk;
  }
  writing_ = true;
  return flush_as_writer(lock, kRoundsOfALoop);
}

WriteQueue::Result WriteQueue::flush_as_writer(std::unique_lock<std::mutex>& lock, size_t rounds) {
  std::vector<Item> done;
  while (!closed_ && !queue_.empty() && rounds-- > 0) {
    // Others only append while we write: references to what is in the deque stay good.
    std::array<const Item*, kPieces> items;
    const size_t count = std::min(items.size(), queue_.size());
    for (size_t i = 0; i < count; ++i) items[i] = &queue_[i];
    lock.unlock();
    size_t bytes = 0;
    const Wrote wrote = write_out(items.data(), count, &bytes);
    lock.lock();
    if (wrote == Wrote::kError) return break_off(lock);
    if (closed_) break;
    queued_.fetch_sub(bytes, std::memory_order_relaxed);
    while (bytes > 0) {
      Item& front = queue_.front();
      const uint64_t n = std::min<uint64_t>(bytes, front.total - front.offset);
      front.offset += n;
      bytes -= n;
      if (front.offset == front.total) {
        if (!front.frame.segments().empty()) done.push_back(std::move(front));
        queue_.pop_front();
      }
    }
    if (wrote != Wrote::kAll) break;
  }
  if (!closed_) {
    const bool want = !queue_.empty();
    if (want != wants_writable_) owner_.want_writable(wants_writable_ = want);
    if (!want && was_high_) {
      was_high_ = false;
      owner_.drained();
    }
    if (!want && last_) ::shutdown(fd_, SHUT_WR);
  }
  stop_writing(lock);
  return Result::kOk;
}

// The lock is released on return: what is destroyed behind it may be anybody's.
void WriteQueue::stop_writing(std::unique_lock<std::mutex>& lock) noexcept {
  writing_ = false;
  std::deque<Item> drop;
  if (closed_) drop.swap(queue_);
  if (close_socket_ && !socket_closed_) {
    socket_closed_ = true;
    close_descriptor(fd_);
  }
  lock.unlock();
}

WriteQueue::Result WriteQueue::break_off(std::unique_lock<std::mutex>& lock) noexcept {
  closed_ = true;
  queued_.store(0, std::memory_order_relaxed);
  // What the peer said before is still there to be read; behind it the reader now finds the end.
  ::shutdown(fd_, SHUT_RDWR);
  stop_writing(lock);
  return Result::kBroken;
}

void WriteQueue::close() noexcept {
  std::deque<Item> drop;
  std::lock_guard lock(mutex_);
  closed_ = true;
  queued_.store(0, std::memory_order_relaxed);
  if (!writing_) drop.swap(queue_);  // a writer's pieces stay until it is done, then it drops them
}

void WriteQueue::close_socket() noexcept {
  std::lock_guard lock(mutex_);
  close_socket_ = true;
  if (writing_ || socket_closed_) return;
  socket_closed_ = true;
  close_descriptor(fd_);
}

}  // namespace tine::rpc
