// Generator: the random numbers of rand, randn, randint and randperm.
//
// State      A seed and a counter: Philox4x32-10. Draw number n depends on the seed and n alone.
// Threads    Any. A call claims as many counter steps as it needs with one atomic addition and then
//            draws without a lock; the numbers of one call are therefore never mixed with another's.
// Ordering   The calls of one thread draw in order; manual_seed starts the sequence anew.
// Ownership  A Runtime owns its default generator; nothing is global.
// Errors     None.
// Cost       One atomic addition a call. The numbers do not depend on the
//            processor or on how many cores took part.
// Source     Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011; Box and Muller 1958.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "tine/detail/export.h"

namespace tine {

class TINE_API Generator {
 public:
  static constexpr uint64_t kDefaultSeed = 67280421310721;  // PyTorch's
  explicit Generator(uint64_t seed = kDefaultSeed) noexcept : seed_(seed) {}
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  void manual_seed(uint64_t seed) noexcept;
  uint64_t seed() noexcept;  // a fresh one from the system, set and returned
  [[nodiscard]] uint64_t initial_seed() const noexcept { return seed_.load(std::memory_order_relaxed); }

  // Sixteen random bytes a block. claim() reserves `blocks` of them; block() computes one.
  struct Claim {
    uint64_t seed;
    uint64_t first;
  };
  [[nodiscard]] Claim claim(uint64_t blocks) noexcept {
    return {seed_.load(std::memory_order_relaxed), next_.fetch_add(blocks, std::memory_order_relaxed)};
  }
  [[nodiscard]] static std::array<uint32_t, 4> block(Claim claim, uint64_t index) noexcept;

 private:
  std::atomic<uint64_t> seed_;
  std::atomic<uint64_t> next_{0};
};

}  // namespace tine
