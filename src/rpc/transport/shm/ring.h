// Ring: one direction of a connection in memory that two processes share. RingWriter and RingReader are its two ends.
//
// The layout and the protocol are those of docs/spec/shm.md. Invariant, of an honest peer:
//   head - ring bytes <= tail <= head.
// One thread at a time uses a RingWriter, and one a RingReader; both may be in use at once. has_bytes() and has_room() may come
// from any thread. Nothing here blocks or allocates.
//
// What it costs is the cache lines that change hands. So the writer looks at the tail only when the room that it knows of does
// not suffice, and what each side writes for every message lies apart from what it writes when it sleeps or ends. Then three
// lines change hands for a small message: the head's, and those of its bytes.
//
// The bell (Dekker): a side stores its own number and then looks whether the other one waits; the other one says that it waits
// and then looks at the number. All four are sequentially consistent, so one of the two sees the other's store. Atomic is
// std::atomic, or that of the interleaving tester.
#pragma once

#include <sched.h>
#include <sys/uio.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace tine::rpc {

template <class T>
using StdAtomic = std::atomic<T>;

template <template <class> class Atomic>
struct RingControl {
  alignas(128) Atomic<uint64_t> head{0};
  Atomic<uint32_t> writer_processor{~uint32_t{0}};
  alignas(128) Atomic<uint64_t> tail{0};
  alignas(128) Atomic<uint32_t> writer_waits{0};
  Atomic<uint32_t> writer_ended{0};
  alignas(128) Atomic<uint32_t> reader_waits{0};
  Atomic<uint32_t> reader_gone{0};
};

// What one operation did.
struct RingMoved {
  size_t bytes = 0;
  bool ring_bell = false;  // the other side waits for that: it is the caller's to ring
  bool broken = false;     // the other side's number is out of bounds: the stream cannot be used any more
};

// Takes a wish back that the other side has set. True: it was set, and no other thread has taken it.
template <class Word>
[[nodiscard]] bool take_wish(Word& waits) noexcept {
  return waits.load(std::memory_order_seq_cst) == 1 && waits.exchange(0, std::memory_order_seq_cst) == 1;
}

template <template <class> class Atomic>
class RingWriter {
 public:
  // `capacity` is a power of two.
  RingWriter(RingControl<Atomic>& control, std::byte* bytes, size_t capacity) noexcept
      : control_(control), bytes_(bytes), capacity_(capacity), bound_(capacity) {}

  [[nodiscard]] RingMoved write(std::span<const iovec> pieces) noexcept {
    const uint64_t head = head_.load(std::memory_order_relaxed);
    const size_t bound = bound_.load(std::memory_order_relaxed);
    size_t wanted = 0, moved = 0;
    for (const iovec& piece : pieces) wanted += piece.iov_len;
    if (head - tail_ + wanted > bound) tail_ = control_.tail.load(std::memory_order_acquire);
    const uint64_t used = head - tail_;
    if (used > capacity_) return {.broken = true};
    size_t room = used < bound ? bound - used : 0;
    for (const iovec& piece : pieces) {
      const size_t n = std::min(room, piece.iov_len);
      put(head + moved, static_cast<const std::byte*>(piece.iov_base), n);
      moved += n;
      room -= n;
      if (n < piece.iov_len) break;
    }
    if (moved == 0) return {};
    head_.store(head + moved, std::memory_order_relaxed);
    control_.writer_processor.store(static_cast<uint32_t>(::sched_getcpu()), std::memory_order_relaxed);
    control_.head.store(head + moved, std::memory_order_seq_cst);
    return {.bytes = moved, .ring_bell = take_wish(control_.reader_waits)};
  }

  // No more than that may lie there unread. Any thread.
  void bound(size_t bytes) noexcept { bound_.store(std::min(bytes, capacity_), std::memory_order_relaxed); }
  // Also when the other side's number is out of bounds: the next write() that needs the room tells.
  [[nodiscard]] bool has_room() const noexcept {
    const uint64_t used =
        head_.load(std::memory_order_relaxed) - control_.tail.load(std::memory_order_seq_cst);
    return used < bound_.load(std::memory_order_relaxed) || used > capacity_;
  }
  // Asks for the bell. True: there is room already, and the wish is taken back.
  [[nodiscard]] bool await_room() noexcept {
    control_.writer_waits.store(1, std::memory_order_seq_cst);
    if (!has_room()) return false;
    control_.writer_waits.store(0, std::memory_order_relaxed);
    return true;
  }
  // Nothing follows. The caller sees to it that the other side looks.
  void end() noexcept {
    control_.writer_ended.store(1, std::memory_order_release);
    ended_.store(true, std::memory_order_relaxed);
  }
  // Nobody will read what is written.
  [[nodiscard]] bool refused() const noexcept {
    return ended_.load(std::memory_order_relaxed) ||
           control_.reader_gone.load(std::memory_order_relaxed) == 1;
  }
  void forget_room() noexcept { control_.writer_waits.store(0, std::memory_order_relaxed); }

 private:
  void put(uint64_t at, const std::byte* from, size_t n) noexcept {
    if (n == 0) return;
    const size_t begin = static_cast<size_t>(at & (capacity_ - 1)),
                 before_end = std::min(n, capacity_ - begin);
    std::memcpy(bytes_ + begin, from, before_end);
    if (n > before_end) std::memcpy(bytes_, from + before_end, n - before_end);
  }

  RingControl<Atomic>& control_;
  std::byte* const bytes_;
  const size_t capacity_;
  // Ours, and never read back from where the other side could change it. Other threads only ask has_room().
  std::atomic<uint64_t> head_{0};
  uint64_t tail_ = 0;  // as last seen: there may be more room, and never less
  std::atomic<size_t> bound_;
  std::atomic<bool> ended_{false};
};

template <template <class> class Atomic>
class RingReader {
 public:
  RingReader(RingControl<Atomic>& control, const std::byte* bytes, size_t capacity) noexcept
      : control_(control), bytes_(bytes), capacity_(capacity) {}

  [[nodiscard]] RingMoved read(std::span<const iovec> pieces) noexcept {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    const uint64_t used = control_.head.load(std::memory_order_acquire) - tail;
    if (used == 0) return {};
    if (used > capacity_) return {.broken = true};
    size_t left = static_cast<size_t>(used), moved = 0;
    for (const iovec& piece : pieces) {
      const size_t n = std::min(left, piece.iov_len);
      get(tail + moved, static_cast<std::byte*>(piece.iov_base), n);
      moved += n;
      left -= n;
      if (left == 0) break;
    }
    tail_.store(tail + moved, std::memory_order_relaxed);
    control_.tail.store(tail + moved, std::memory_order_seq_cst);
    return {.bytes = moved, .ring_bell = take_wish(control_.writer_waits)};
  }

  // Whether the other side was last seen to write on the processor that this thread is on: then it cannot write while this
  // thread looks.
  [[nodiscard]] bool shares_processor() const noexcept {
    return control_.writer_processor.load(std::memory_order_relaxed) ==
           static_cast<uint32_t>(::sched_getcpu());
  }
  // Nothing follows what is there. To be asked before read(): what was written before the end is there then.
  [[nodiscard]] bool ended() const noexcept {
    return gone_.load(std::memory_order_relaxed) ||
           control_.writer_ended.load(std::memory_order_acquire) == 1;
  }
  // Nothing more will be read than what is there.
  void refuse() noexcept {
    control_.reader_gone.store(1, std::memory_order_release);
    gone_.store(true, std::memory_order_relaxed);
  }
  [[nodiscard]] bool has_bytes() const noexcept {
    return control_.head.load(std::memory_order_seq_cst) != tail_.load(std::memory_order_relaxed);
  }
  // Asks for the bell. True: there are bytes already, and the wish is taken back.
  [[nodiscard]] bool await_bytes() noexcept {
    control_.reader_waits.store(1, std::memory_order_seq_cst);
    if (!has_bytes()) return false;
    control_.reader_waits.store(0, std::memory_order_relaxed);
    return true;
  }
  void forget_bytes() noexcept { control_.reader_waits.store(0, std::memory_order_relaxed); }

 private:
  void get(uint64_t at, std::byte* to, size_t n) noexcept {
    if (n == 0) return;
    const size_t begin = static_cast<size_t>(at & (capacity_ - 1)),
                 before_end = std::min(n, capacity_ - begin);
    std::memcpy(to, bytes_ + begin, before_end);
    if (n > before_end) std::memcpy(to + before_end, bytes_, n - before_end);
  }

  RingControl<Atomic>& control_;
  const std::byte* const bytes_;
  const size_t capacity_;
  std::atomic<uint64_t> tail_{0};
  std::atomic<bool> gone_{false};
};

}  // namespace tine::rpc
