#include "src/base/forks.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>

#include "tine/detail/forks.h"
#include "tine/detail/waiting.h"

namespace tine {
namespace {

constexpr int kMostFollowed = 65536;
constinit std::array<std::atomic<uint64_t>, kMostFollowed / 64> followed{};

std::atomic<uint64_t>& word_of(int fd) noexcept { return followed[static_cast<size_t>(fd) / 64]; }
uint64_t bit_of(int fd) noexcept { return uint64_t{1} << (fd % 64); }

// Invariant: fork(2) copies descriptors (between its two hooks) only while forks > 0 and scopes = 0, unless one of the two has
// waited for its longest.
//
//   scope:  1. scopes <- scopes + 1   2. reads forks; if forks > 0, takes 1 back and tries again
//   fork:   1. forks <- forks + 1     2. reads scopes, until scopes = 0
//
// All of these are seq_cst, so at least one of the two sees the other in its step 2.
constinit std::atomic<uint32_t> scopes{0};
constinit std::atomic<uint32_t> forks{0};
// This thread's own scopes, for which its fork does not wait: a signal handler may fork inside one.
constinit thread_local uint32_t own_scopes = 0;
constexpr std::chrono::seconds kLongestScope{1};
constexpr std::chrono::seconds kLongestFork{1};

void enter_fork() noexcept {
  forks.fetch_add(1);
  const auto end = std::chrono::steady_clock::now() + kLongestScope;
  while (scopes.load() > own_scopes && std::chrono::steady_clock::now() < end) ::sched_yield();
}
void leave_fork() noexcept { forks.fetch_sub(1); }

// Runs in the child before fork() returns. Threads of the parent may have held any lock: atomics and system calls only.
void enter_child() noexcept {
  scopes.store(0, std::memory_order_relaxed);
  forks.store(0, std::memory_order_relaxed);
  detail::fork_count.fetch_add(1, std::memory_order_relaxed);
  detail::set_thread_helper(nullptr);
  for (size_t i = 0; i < followed.size(); ++i) {
    uint64_t left = followed[i].load(std::memory_order_relaxed);
    if (!left) continue;
    followed[i].store(0, std::memory_order_relaxed);
    for (; left; left &= left - 1) ::close(static_cast<int>(i * 64) + std::countr_zero(left));
  }
}

}  // namespace

constinit std::atomic<uint8_t> detail::fork_count{0};

void detail::watch_forks() {
  [[maybe_unused]] static const int once = pthread_atfork(&enter_fork, &leave_fork, &enter_child);
}

UnforkedScope::UnforkedScope() noexcept {
  detail::watch_forks();
  ++own_scopes;
  const auto end = std::chrono::steady_clock::now() + kLongestFork;
  for (;;) {
    scopes.fetch_add(1);
    if (forks.load() == 0 || std::chrono::steady_clock::now() >= end) return;
    scopes.fetch_sub(1);
    ::sched_yield();
  }
}

UnforkedScope::~UnforkedScope() {
  --own_scopes;
  if (!birth_.inherited()) scopes.fetch_sub(1);
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

void close_followed(int fd) noexcept {
  const UnforkedScope scope;
  keep_in_children(fd);  // first: the number may be another's a moment later
  ::close(fd);
}

}  // namespace tine
