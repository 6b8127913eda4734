#include "src/base/forks.h"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

#include "tine/executor.h"

namespace tine {
namespace {

constexpr int kMostFollowed = 65536;
constinit std::array<std::atomic<uint64_t>, kMostFollowed / 64> followed{};

std::atomic<uint64_t>& word_of(int fd) noexcept { return followed[static_cast<size_t>(fd) / 64]; }
uint64_t bit_of(int fd) noexcept { return uint64_t{1} << (fd % 64); }

// Between fork() and its return, while other threads may have held any lock: atomics and system calls alone.
void enter_child() noexcept {
  detail::forks_behind.fetch_add(1, std::memory_order_relaxed);
  detail::set_thread_helper(nullptr);
  for (size_t i = 0; i < followed.size(); ++i) {
    uint64_t left = followed[i].load(std::memory_order_relaxed);
    if (!left) continue;
    followed[i].store(0, std::memory_order_relaxed);
    for (; left; left &= left - 1) ::close(static_cast<int>(i * 64) + std::countr_zero(left));
  }
}

}  // namespace

constinit std::atomic<uint8_t> detail::forks_behind{0};

void detail::watch_forks() {
  [[maybe_unused]] static const int once = pthread_atfork(nullptr, nullptr, &enter_child);
}

void close_in_children(int fd) noexcept {
  if (fd < 0 || fd >= kMostFollowed) return;
  detail::watch_forks();
  word_of(fd).fetch_or(bit_of(fd), std::memory_order_relaxed);
}

void keep_in_children(int fd) noexcept {
  if (fd < 0 || fd >= kMostFollowed) return;
  word_of(fd).fetch_and(~bit_of(fd), std::memory_order_relaxed);
}

}  // namespace tine
