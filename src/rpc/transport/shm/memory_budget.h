// MemoryBudget: how much memory of others a worker has mapped, and how much it may; or one connection of it.
//
// Any thread may call its members; nothing here blocks but the log's lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace tine::rpc {

class MemoryBudget {
 public:
  // `without`: what becomes of that for which there is no memory, the beginning of a sentence for the operator.
  constexpr explicit MemoryBudget(
      size_t bytes,
      const char* without = "a connection goes over its socket instead of shared memory") noexcept
      : bytes_(bytes), left_(bytes), without_(without) {}
  // Half of `whole`, of which all is taken.
  explicit MemoryBudget(std::shared_ptr<MemoryBudget> whole) noexcept
      : bytes_(whole->bytes_ / 2), left_(bytes_), without_(whole->without_), whole_(std::move(whole)) {}

  // False: that would be too much.
  [[nodiscard]] bool take(size_t bytes) noexcept;
  void give_back(size_t bytes) noexcept;
  [[nodiscard]] size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] size_t left() const noexcept { return left_.load(std::memory_order_relaxed); }
  // Once: that something goes without, and why. For the operator.
  void tell_once(const char* why, int error) noexcept;

 private:
  const size_t bytes_;
  std::atomic<size_t> left_;
  std::atomic<bool> told_{false};
  const char* const without_;
  const std::shared_ptr<MemoryBudget> whole_;
};

}  // namespace tine::rpc
