#include "src/rpc/transport/shm/memory_budget.h"

#include <fmt/format.h>

#include <cstring>
#include <new>

#include "src/base/log.h"

namespace tine::rpc {

bool MemoryBudget::take(size_t bytes) noexcept {
  if (whole_ && !whole_->take(bytes)) return false;
  size_t left = left_.load(std::memory_order_relaxed);
  while (left >= bytes) {
    if (left_.compare_exchange_weak(left, left - bytes, std::memory_order_relaxed)) return true;
  }
  if (whole_) whole_->give_back(bytes);
  return false;
}

void MemoryBudget::give_back(size_t bytes) noexcept {
  left_.fetch_add(bytes, std::memory_order_relaxed);
  if (whole_) whole_->give_back(bytes);
}

void MemoryBudget::tell_once(const char* why, int error) noexcept {
  if (whole_) return whole_->tell_once(why, error);
  if (told_.exchange(true, std::memory_order_relaxed)) return;
  try {
    log_line(fmt::format("{}: {}{}{}", without_, why, error ? ": " : "", error ? std::strerror(error) : ""));
  } catch (const std::bad_alloc&) {
    // It is only slower.
  }
}

}  // namespace tine::rpc
