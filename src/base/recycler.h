// Recycler: memory of large objects, used again: elements of tensors, received frames.
//
// A fresh page costs 1 us, where tanh of the floats in it costs 0.1 us, and malloc gives large blocks fresh pages or used ones
// by what was freed before. A Recycler keeps free blocks: by size, and by how long they have lain. The block given back last
// is taken first, because it is in the processor's cache. How much is kept is bounded: the block that has lain longest makes
// room. While a Keeper trims it (each Runtime has one), blocks that nobody takes go back to the system.
//
// A block may come back on another thread than took it. What was written to it is visible to the thread that takes it next.
// take() is a lock, without page faults or allocation. At most a fifth of a block is not used, because sizes are a quarter of
// a power of two apart. It works in a child of fork(2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "src/base/forks.h"
#include "src/base/mutex.h"

namespace tine {

class Recycler {
 public:
  static constexpr size_t kDefaultMost = size_t{256} << 20;
  static constexpr size_t kAlign = 64;

  // Sees to it that trim() is called after a while, and again and again until it returns false.
  class Keeper {
   public:
    // Called when blocks are kept and nobody trims them yet, by any thread, under the Recycler's lock. False: this Keeper
    // cannot have trim() called, and the Recycler asks another one.
    virtual bool wanted() noexcept = 0;

   protected:
    Keeper() noexcept = default;
    ~Keeper() = default;

   private:
    friend class Recycler;
    const Birth birth_;
    Keeper* next_ = nullptr;
  };

  explicit constexpr Recycler(size_t most_kept = kDefaultMost) noexcept : most_(most_kept) {}
  ~Recycler();
  Recycler(const Recycler&) = delete;
  Recycler& operator=(const Recycler&) = delete;

  // The one that tensors and connections share. It is never destroyed. Under a sanitizer it keeps nothing, so that each use
  // after the end is seen.
  [[nodiscard]] static Recycler& of_process() noexcept;

  // A block of at least `bytes`, aligned to kAlign, with whatever was in it. The caller owns it. Null: the system has no
  // memory.
  [[nodiscard]] void* take(size_t bytes) noexcept;
  // `bytes` as they were given to take().
  void give_back(void* block, size_t bytes) noexcept;
  // Gives to the system what has lain free since the last call. False: nothing is kept any more.
  bool trim() noexcept;
  [[nodiscard]] size_t kept() const noexcept;  // bytes
  // The size of the block for so many bytes: at least 256.
  [[nodiscard]] static size_t capacity_for(size_t bytes) noexcept;

  // The Keeper must stay until remove() has returned. When the last one is removed, all that is kept goes to the system.
  void add(Keeper& keeper) noexcept;
  void remove(Keeper& keeper) noexcept;

 private:
  struct Free;
  static constexpr size_t kClasses = size_t{4} * 40;

  void push(Free* block) noexcept TINE_REQUIRES(mutex_);
  void unlink(Free* block) noexcept TINE_REQUIRES(mutex_);
  Free* unlink_oldest(Free* dropped) noexcept TINE_REQUIRES(mutex_);
  [[nodiscard]] bool has_keeper() const noexcept TINE_REQUIRES(mutex_);
  void tell() noexcept TINE_REQUIRES(mutex_);
  static void let_go_all(Free* dropped) noexcept;
  static const int held_by_forks;

  const size_t most_;
  mutable Mutex mutex_;
  size_t kept_ TINE_GUARDED_BY(mutex_) = 0;
  Free* oldest_ TINE_GUARDED_BY(mutex_) = nullptr;
  Free* newest_ TINE_GUARDED_BY(mutex_) = nullptr;
  std::array<Free*, kClasses> tops_ TINE_GUARDED_BY(mutex_){};
  uint64_t trims_ TINE_GUARDED_BY(mutex_) = 0;
  Keeper* keepers_ TINE_GUARDED_BY(mutex_) = nullptr;
  const Keeper* told_ TINE_GUARDED_BY(mutex_) = nullptr;  // trims while it is one of keepers_
};

}  // namespace tine
