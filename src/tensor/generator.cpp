#include "src/tensor/generator.h"

#include <random>

namespace tine {

void Generator::manual_seed(uint64_t seed) noexcept {
  seed_.store(seed, std::memory_order_relaxed);
  next_.store(0, std::memory_order_relaxed);
}

uint64_t Generator::seed() noexcept {
  std::random_device device;
  const uint64_t fresh = (static_cast<uint64_t>(device()) << 32) | device();
  manual_seed(fresh);
  return fresh;
}

// Ten rounds of Philox4x32; the counter is the block's number, the key is the seed.
std::array<uint32_t, 4> Generator::block(Claim claim, uint64_t index) noexcept {
  const uint64_t counter = claim.first + index;
  std::array<uint32_t, 4> x{static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0};
  uint32_t k0 = static_cast<uint32_t>(claim.seed);
  uint32_t k1 = static_cast<uint32_t>(claim.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * x[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57} * x[2];
    x = {static_cast<uint32_t>(p1 >> 32) ^ x[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ x[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return x;
}

}  // namespace tine
