// Makes one of a thread's allocations fail. It defines the operators new and delete: one file of an executable includes it.
//
//   for (int n = 0;; ++n) {
//     fail_allocation(n);
//     act();
//     if (!allocation_failed()) break;  // act() makes no more than n of them
//   }
#pragma once

#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>

namespace {

// Allocations of this thread until one fails; negative: none does.
thread_local int until_failure = -1;

std::atomic<int> failures{0};

bool fails() noexcept {
  if (until_failure < 0 || until_failure-- != 0) return false;
  ++failures;
  return true;
}

void* allocate(size_t size) {
  if (fails()) throw std::bad_alloc();
  if (void* const p = std::malloc(size ? size : 1)) return p;
  throw std::bad_alloc();
}

// The allocation after the next `n` of this thread fails.
[[maybe_unused]] void fail_allocation(int n) noexcept { until_failure = n; }
// Whether it has, or is still to come no more.
[[maybe_unused]] bool allocation_failed() noexcept { return std::exchange(until_failure, -1) < 0; }
// How many have failed so far, on whichever thread.
[[maybe_unused]] int allocations_failed() noexcept { return failures; }

}  // namespace

// Not inlined: GCC takes the free() of one for a mismatch with the other.
[[gnu::noinline]] void* operator new(size_t size) { return allocate(size); }
[[gnu::noinline]] void* operator new[](size_t size) { return allocate(size); }
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return fails() ? nullptr : std::malloc(size ? size : 1);
}
[[gnu::noinline]] void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return fails() ? nullptr : std::malloc(size ? size : 1);
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, size_t) noexcept { std::free(p); }
