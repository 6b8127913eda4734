// Running: how many script tasks have frames, so that code can be freed when none is in it.
//
// Each thread counts the tasks that it begins and the tasks that it ends, in a place of its own, with plain stores. No task
// runs at a moment T if the sum of all ends, read before T, equals the sum of all beginnings, read after T:
//   1. Neither sum ever falls, so ends(read) <= ends(T) <= begins(T) <= begins(read), and all four are equal.
//   2. The end of a task is a release after its beginning, so a thread that reads the end also sees the beginning.
//
// A child of fork(2) inherits the tasks that its parent's other threads had begun. They never end there, so the child frees
// no code.
#pragma once

#include <atomic>
#include <cstdint>

namespace tine::vm {

class RunningCount {
 public:
  void begin() noexcept { add(begun_); }
  void end() noexcept { add(ended_); }

  // Of the calling thread: taken at its first use, given on to another thread at its end.
  [[nodiscard]] static RunningCount* claim();
  // True: at some moment during this call no script function was running or suspended in this process.
  [[nodiscard]] static bool nothing_runs() noexcept;

 private:
  static void add(std::atomic<uint64_t>& count) noexcept {
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  struct Claim;
  struct List;

  alignas(64) std::atomic<uint64_t> begun_{0};
  std::atomic<uint64_t> ended_{0};
  RunningCount* next_ = nullptr;
  bool taken_ = true;
};

}  // namespace tine::vm
