// WriteQueue: frames on their way into a stream socket. Never blocks.
//
// State      Idle, or one thread writes; a queue behind it; closed.
// Threads    Any. One thread at a time writes, without the lock: others queue behind it.
// Ordering   Frames leave in the order in which send() took them.
// Ownership  Owns the socket, and each frame (so the owners of its segments) until its last byte is written or
//            the queue is closed. Owners are dropped outside the lock.
// Errors     send() says kFull, kClosed; a write that fails says kBroken and shuts the socket down, so that the
//            reader finds what the peer still said and then the end.
// Cost       Idle: a lock, one system call, no allocation. Busy: one node. Queued frames leave up to 64 pieces a call.
// Source     sendmsg(2); docs/spec/wire.md.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "src/rpc/transport/connection.h"

namespace tine::rpc {

class WriteQueue {
 public:
  enum class Result : uint8_t { kOk, kFull, kClosed, kBroken };
  // Both are called with the queue's lock held: must be short.
  class Owner {
   public:
    virtual void want_writable(bool want) noexcept = 0;
    virtual void drained() noexcept = 0;

   protected:
    ~Owner() = default;
  };

  WriteQueue(int fd, size_t max_bytes, Owner& owner) noexcept
      : fd_(fd), max_bytes_(max_bytes), owner_(owner) {}
  ~WriteQueue();
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;

  // Empty, or the limit of the wire that the frame exceeds.
  [[nodiscard]] static std::string seal(OutFrame& frame) { return frame.seal(); }
  // `hold`: only queue it, flush() follows soon. `last`: nothing may follow, and the bound does not count.
  [[nodiscard]] Result send(OutFrame&& frame, bool hold, bool last = false);
  Result flush();
  [[nodiscard]] bool empty() const noexcept { return queued_.load(std::memory_order_relaxed) == 0; }
  [[nodiscard]] size_t queued_bytes() const noexcept { return queued_.load(std::memory_order_relaxed); }
  [[nodiscard]] int broken_errno() const noexcept { return broken_.load(std::memory_order_relaxed); }

  // Drops what is queued; nothing is sent any more.
  void close() noexcept;
  // Closes the socket as soon as nobody writes.
  void close_socket() noexcept;

 private:
  struct Item {
    OutFrame frame;
    uint64_t total;
    uint64_t offset;
  };
  enum class Wrote : uint8_t { kAll, kSome, kNothing, kError };

  Wrote write_out(const Item* const* items, size_t count, size_t* bytes) noexcept;
  Result flush_as_writer(std::unique_lock<std::mutex>& lock, size_t rounds);
  void stop_writing(std::unique_lock<std::mutex>& lock) noexcept;
  Result break_off(std::unique_lock<std::mutex>& lock) noexcept;

  const int fd_;
  const size_t max_bytes_;
  Owner& owner_;
  std::atomic<size_t> queued_{0};
  std::atomic<int> broken_{0};

  std::mutex mutex_;
  std::deque<Item> queue_;
  bool writing_ = false;
  bool closed_ = false;
  bool last_ = false;
  bool was_high_ = false;
  bool wants_writable_ = false;
  bool close_socket_ = false;
  bool socket_closed_ = false;
};

}  // namespace tine::rpc
