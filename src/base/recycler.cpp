#include "src/base/recycler.h"

#include <pthread.h>
#include <sys/mman.h>

#include <bit>
#include <new>

#include "src/base/let_go.h"
#include "src/base/sanitized.h"

namespace tine {

// The head of a free block, inside the block itself.
struct Recycler::Free {
  size_t capacity;
  uint64_t trims;  // how many there had been when it came back
  Free* older;
  Free* newer;
  Free* below;  // of the same size, given back before it; in a list of dropped ones, the next
  Free* above;
};

namespace {

constexpr size_t kSmallest = 256;
constexpr int kSmallestLog = 8;
constexpr size_t kAddressable = size_t{1} << 47;  // what a process can have at most
// Blocks of this size and more are mapped one by one. In malloc's heap, what is freed in the middle stays resident.
constexpr size_t kMapped = size_t{256} << 10;

// Sizes are 4/4, 5/4, 6/4 and 7/4 of each power of two.
size_t class_of(size_t capacity) noexcept {
  const int log = std::bit_width(capacity) - 1;
  const size_t quarter = (capacity >> (log - 2)) & 3;
  return 4 * static_cast<size_t>(log - kSmallestLog) + quarter;
}

bool is_mapped(size_t capacity) noexcept { return !kSanitized && capacity >= kMapped; }

void* get(size_t capacity) noexcept {
  if (capacity > kAddressable) return nullptr;
  if (!is_mapped(capacity))
    return ::operator new (capacity, std::align_val_t{Recycler::kAlign}, std::nothrow);
  void* const block = ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return block == MAP_FAILED ? nullptr : block;
}

void free(void* block, size_t capacity) noexcept {
  if (is_mapped(capacity)) {
    ::munmap(block, capacity);
  } else {
    ::operator delete (block, std::align_val_t{Recycler::kAlign});
  }
}

}  // namespace

size_t Recycler::capacity_for(size_t bytes) noexcept {
  if (bytes <= kSmallest) return kSmallest;
  const int log = std::bit_width(bytes - 1) - 1;
  const size_t quarter = size_t{1} << (log - 2);
  return (bytes + quarter - 1) / quarter * quarter;
}

namespace {

// Made before the program runs, because one made on first use could be half made in a child of fork(2). Never destroyed.
struct OfProcess {
  constexpr OfProcess() noexcept : recycler(kSanitized ? 0 : Recycler::kDefaultMost) {}
  ~OfProcess() {}
  union {
    Recycler recycler;
  };
};
constinit OfProcess of_process;

}  // namespace

Recycler& Recycler::of_process() noexcept { return tine::of_process.recycler; }

// fork(2) happens while the lock is held: a child finds it free and the lists whole. One function locks and another unlocks,
// so the analysis cannot follow.
[[maybe_unused]] const int Recycler::held_by_forks =
    ::pthread_atfork([]() TINE_NO_THREAD_SAFETY_ANALYSIS { of_process().mutex_.lock(); },
                     []() TINE_NO_THREAD_SAFETY_ANALYSIS { of_process().mutex_.unlock(); },
                     []() TINE_NO_THREAD_SAFETY_ANALYSIS { of_process().mutex_.unlock(); });

Recycler::~Recycler() {
  Free* dropped = nullptr;
  while (oldest_) dropped = unlink_oldest(dropped);
  let_go_all(dropped);
}

void Recycler::push(Free* block) noexcept {
  Free*& top = tops_[class_of(block->capacity)];
  block->trims = trims_;
  block->above = nullptr;
  block->below = top;
  if (top) top->above = block;
  top = block;
  block->newer = nullptr;
  block->older = newest_;
  (newest_ ? newest_->newer : oldest_) = block;
  newest_ = block;
  kept_ += block->capacity;
}

void Recycler::unlink(Free* block) noexcept {
  (block->older ? block->older->newer : oldest_) = block->newer;
  (block->newer ? block->newer->older : newest_) = block->older;
  (block->above ? block->above->below : tops_[class_of(block->capacity)]) = block->below;
  if (block->below) block->below->above = block->above;
  kept_ -= block->capacity;
}

// Puts it in front of the list `dropped`, which it returns.
Recycler::Free* Recycler::unlink_oldest(Free* dropped) noexcept {
  Free* const oldest = oldest_;
  unlink(oldest);
  oldest->below = dropped;
  return oldest;
}

// Without the lock, because to give a gigabyte to the system takes 0.2 s.
void Recycler::let_go_all(Free* dropped) noexcept {
  while (dropped) {
    Free* const block = dropped;
    dropped = block->below;
    detail::let_go(block, block->capacity, &free);
  }
}

void* Recycler::take(size_t bytes) noexcept {
  const size_t capacity = capacity_for(bytes);
  if (const size_t index = class_of(capacity); index < kClasses) {
    const MutexLock lock(mutex_);
    if (Free* const block = tops_[index]) {
      unlink(block);
      return block;
    }
  }
  return get(capacity);
}

void Recycler::give_back(void* memory, size_t bytes) noexcept {
  const size_t capacity = capacity_for(bytes);
  Free* dropped = nullptr;
  {
    const MutexLock lock(mutex_);
    // A block larger than half of what may be kept would push out all others.
    if (capacity <= most_ / 2 && class_of(capacity) < kClasses) {
      while (kept_ + capacity > most_) dropped = unlink_oldest(dropped);
      auto* const block = new (memory) Free;
      block->capacity = capacity;
      push(block);
      tell();
      memory = nullptr;
    }
  }
  let_go_all(dropped);
  if (memory) detail::let_go(memory, capacity, &free);
}

bool Recycler::trim() noexcept {
  Free* dropped = nullptr;
  bool more = false;
  {
    const MutexLock lock(mutex_);
    while (oldest_ && oldest_->trims < trims_) dropped = unlink_oldest(dropped);
    ++trims_;
    more = oldest_ != nullptr;
    if (!more) told_ = nullptr;
  }
  let_go_all(dropped);
  return more;
}

size_t Recycler::kept() const noexcept {
  const MutexLock lock(mutex_);
  return kept_;
}

// The Keepers of a parent of fork(2) have no thread here and do not count.
bool Recycler::has_keeper() const noexcept {
  for (const Keeper* k = keepers_; k; k = k->next_) {
    if (!k->birth_.inherited()) return true;
  }
  return false;
}

void Recycler::tell() noexcept {
  if (told_ && !told_->birth_.inherited()) return;
  told_ = nullptr;
  for (Keeper* k = keepers_; k && !told_; k = k->next_) {
    if (!k->birth_.inherited() && k->wanted()) told_ = k;
  }
}

void Recycler::add(Keeper& keeper) noexcept {
  detail::watch_forks();
  const MutexLock lock(mutex_);
  keeper.next_ = keepers_;
  keepers_ = &keeper;
  if (oldest_) tell();
}

void Recycler::remove(Keeper& keeper) noexcept {
  Free* dropped = nullptr;
  {
    const MutexLock lock(mutex_);
    Keeper** at = &keepers_;
    while (*at != &keeper) at = &(*at)->next_;
    *at = keeper.next_;
    if (told_ == &keeper) told_ = nullptr;
    if (!has_keeper()) {
      while (oldest_) dropped = unlink_oldest(dropped);
    } else if (oldest_) {
      tell();
    }
  }
  let_go_all(dropped);
}

}  // namespace tine
