// Generator: the random numbers of rand, randn, randint and randperm. It is Philox4x32-10 (Salmon et al., "Parallel
// random numbers: as easy as 1, 2, 3", SC 2011), so draw number n depends on the seed and on n alone; normal numbers are
// made by Box and Muller's method.
//
// Any thread may draw. A call claims all its counter steps with one atomic addition and then draws without a lock, so the
// numbers of two calls are never mixed. The calls of one thread draw in order, and manual_seed() starts the sequence
// anew. The numbers depend neither on the processor nor on the number of cores that took part.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace tine {

class Generator {
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
