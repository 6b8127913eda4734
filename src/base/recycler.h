// Recycler: memory of large objects, used again: elements of tensors, received frames.
//
// State      Free blocks, by size and by how long they have lain. They go back to the system while a Keeper trims them, as each
//            Runtime has one; without one only the bound takes them there.
// Threads    Any. A block may come back on another thread than took it. Works in a child of fork(2).
// Ordering   What was written to a block before it was given back is visible to the thread that takes it next. The block
//            given back last is taken first: what is in the processor's cache is used again.
// Ownership  A taken block is the caller's. Keepers belong to whoever added them.
// Errors     None: take() returns null when the system has no memory left.
// Cost       One lock, no page faults, no allocation. At most a fifth of a block is not used: sizes are a quarter of a power
//            of two apart. What is kept is bounded in bytes: the block that has lain longest makes room for the new one.
//            To the system a block goes by detail::let_go.
// Source     A fresh page costs 1 us where tanh of the floats in it costs 0.1 us: malloc gives each large block fresh pages or
//            used ones, by what was freed before. LRU lists over size classes, as in jemalloc's dirty extents.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "src/base/forks.h"

namespace tine {

class Recycler {
 public:
  static constexpr size_t kDefaultMost = size_t{256} << 20;
  static constexpr size_t kAlign = 64;

  // Has trim() called a while later, again and again until it returns false.
  class Keeper {
   public:
    // Blocks are kept, and nobody trims them yet. Called under the Recycler's lock, by any thread.
    // False: trim() will not be called; then another Keeper is asked.
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

  // The one that tensors and connections share. Never destroyed. Keeps nothing in builds under a sanitizer, which is to
  // see each use after the end.
  [[nodiscard]] static Recycler& of_process() noexcept;

  // At least `bytes`, aligned to kAlign, with whatever was in it.
  [[nodiscard]] void* take(size_t bytes) noexcept;
  // `bytes` as they were asked for.
  void give_back(void* block, size_t bytes) noexcept;
  // Gives to the system what has lain free since the last time. False: nothing is kept any more.
  bool trim() noexcept;
  [[nodiscard]] size_t kept() const noexcept;  // bytes
  // How large the block for so many bytes is. At least 256.
  [[nodiscard]] static size_t capacity_for(size_t bytes) noexcept;

  void add(Keeper& keeper) noexcept;
  // Behind this call nothing of the keeper is used. With the last one all that is kept goes back to the system.
  void remove(Keeper& keeper) noexcept;

 private:
  struct Free;
  static constexpr size_t kClasses = size_t{4} * 40;

  void push(Free* block) noexcept;
  void unlink(Free* block) noexcept;
  Free* unlink_oldest(Free* dropped) noexcept;
  [[nodiscard]] bool has_keeper() const noexcept;
  void tell() noexcept;
  static void let_go_all(Free* dropped) noexcept;
  static const int held_by_forks;

  const size_t most_;
  mutable std::mutex mutex_;
  // All below: guarded by mutex_.
  size_t kept_ = 0;
  Free* oldest_ = nullptr;
  Free* newest_ = nullptr;
  std::array<Free*, kClasses> tops_{};
  uint64_t trims_ = 0;
  Keeper* keepers_ = nullptr;
  const Keeper* told_ = nullptr;  // trims while it is one of keepers_
};

}  // namespace tine
