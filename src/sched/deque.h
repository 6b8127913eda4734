// Deque: a work-stealing queue of pointers with one owner and any number of thieves. (Chase and Lev, SPAA 2005; Le, Pop, Cohen
// and Nardelli, PPoPP 2013.)
//
// It is the part [top, bottom) of a ring that grows. The owner pushes and pops at bottom; thieves take at top. push() and
// pop() are the owner's; steal(), size() and pushes() are for any thread. A push is plain stores, a pop one xchg, a steal one
// compare-and-swap.
//
// Every operation that decides who gets an element is seq_cst, in place of the paper's fences: ThreadSanitizer understands
// that, and on x86-64 it costs the same. A push is a release; sleep_counts.h takes care of the rest of waking others. Elements
// are not owned. Rings that were outgrown live as long as the deque, since a thief may still read one. Their sizes double, so
// all of them are smaller than the live one.
//
// Why an element is given out once. Let b and t be bottom and top.
//
//   1. pop() of index i first stores bottom = i, then reads top. steal() of i first reads top = i, then bottom. In the single
//      order of seq_cst operations, either the thief reads bottom after the owner's store, sees bottom <= i and leaves i alone;
//      or the owner reads top after the thief did. Then both can want i only if t = i, the last element. Both try to move top
//      from i to i + 1, and one compare-and-swap fails.
//   2. For i > t the owner needs no compare-and-swap. To reach i a thief must first move top past every smaller index, and
//      before each of those it reads bottom again, which is at i or below.
//   3. A thief reads the element before its compare-and-swap. Its slot can be overwritten only by a push of index i + capacity.
//      That needs t > i; then the compare-and-swap fails and the value that was read is dropped.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace tine::sched {

template <class T, template <class> class Atomic = std::atomic>
class Deque {
 public:
  // Both are rounded up to powers of two. At `limit` elements push() fails.
  explicit Deque(size_t capacity = 256, size_t limit = size_t{1} << 20) : limit_(std::bit_ceil(limit)) {
    rings_.push_back(std::make_unique<Ring>(std::bit_ceil(capacity)));
    ring_.store(rings_.back().get(), std::memory_order_relaxed);
  }
  Deque(const Deque&) = delete;
  Deque& operator=(const Deque&) = delete;

  // False at the limit, or without memory to grow.
  [[nodiscard]] bool push(T* item) {
    const int64_t b = bottom_.load(std::memory_order_relaxed);
    const int64_t t = top_.load(std::memory_order_acquire);
    Ring* ring = ring_.load(std::memory_order_relaxed);
    if (b - t >= static_cast<int64_t>(ring->capacity())) {
      if (ring->capacity() >= limit_) return false;
      ring = grow(*ring, t, b);
      if (!ring) return false;
    }
    ring->slot(b).store(item, std::memory_order_relaxed);
    pushes_.store(pushes_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    bottom_.store(b + 1, std::memory_order_release);
    return true;
  }

  [[nodiscard]] T* pop() noexcept {
    const int64_t b = bottom_.load(std::memory_order_relaxed) - 1;
    if (top_.load(std::memory_order_relaxed) > b) return nullptr;  // empty; top never goes back
    bottom_.store(b, std::memory_order_seq_cst);
    int64_t t = top_.load(std::memory_order_seq_cst);
    T* item = nullptr;
    if (t <= b) {
      item = ring_.load(std::memory_order_relaxed)->slot(b).load(std::memory_order_relaxed);
      if (t < b) return item;
      if (!top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed)) {
        item = nullptr;
      }
    }
    // Release: a thief that reads this value must see what push() published.
    bottom_.store(b + 1, std::memory_order_release);
    return item;
  }

  // For the owner: pop(), if that would return `wanted`, which must be alive.
  [[nodiscard]] bool pop_if(const T* wanted) noexcept {
    const int64_t b = bottom_.load(std::memory_order_relaxed) - 1;
    // A slot that a thief has emptied still holds the pointer. Then pop() returns null.
    if (ring_.load(std::memory_order_relaxed)->slot(b).load(std::memory_order_relaxed) != wanted)
      return false;
    return pop() != nullptr;
  }

  // Null if it is empty or another thread was faster.
  [[nodiscard]] T* steal() noexcept {
    int64_t t = top_.load(std::memory_order_seq_cst);
    const int64_t b = bottom_.load(std::memory_order_seq_cst);
    if (t >= b) return nullptr;
    T* item = ring_.load(std::memory_order_acquire)->slot(t).load(std::memory_order_relaxed);
    if (!top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst, std::memory_order_relaxed)) {
      return nullptr;
    }
    return item;
  }

  // Exact for the owner while no thief is at it; for others it may be out of date.
  [[nodiscard]] int64_t size() const noexcept {
    const int64_t t = top_.load(std::memory_order_seq_cst);
    const int64_t b = bottom_.load(std::memory_order_seq_cst);
    return b > t ? b - t : 0;
  }
  // How many were pushed in all: by this a thief knows whether an entry is the one that it saw before.
  [[nodiscard]] uint64_t pushes() const noexcept { return pushes_.load(std::memory_order_relaxed); }

 private:
  class Ring {
   public:
    explicit Ring(size_t capacity) : mask_(capacity - 1), slots_(new Atomic<T*>[capacity]) {}
    [[nodiscard]] size_t capacity() const noexcept { return mask_ + 1; }
    Atomic<T*>& slot(int64_t i) noexcept { return slots_[static_cast<size_t>(i) & mask_]; }

   private:
    size_t mask_;
    std::unique_ptr<Atomic<T*>[]> slots_;
  };

  // Null if there is no memory.
  [[gnu::cold, gnu::noinline]] Ring* grow(Ring& old, int64_t t, int64_t b) noexcept try {
    auto bigger = std::make_unique<Ring>(2 * old.capacity());
    for (int64_t i = t; i < b; ++i) {
      bigger->slot(i).store(old.slot(i).load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    rings_.push_back(std::move(bigger));
    ring_.store(rings_.back().get(), std::memory_order_release);
    return rings_.back().get();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }

  alignas(64) Atomic<int64_t> top_{0};
  alignas(64) Atomic<int64_t> bottom_{0};
  Atomic<uint64_t> pushes_{0};  // written by the owner only
  Atomic<Ring*> ring_;
  const size_t limit_;
  std::vector<std::unique_ptr<Ring>> rings_;
};

}  // namespace tine::sched
