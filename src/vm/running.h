// Running: how many script tasks have frames, so that code can be freed when none is in it.
//
// Each thread counts the tasks that it begins and those that it ends, in a place of its own: two plain stores. Nobody
// runs anywhere at some moment T if the sum of all ends, read before T, equals the sum of all beginnings, read after T:
// neither ever falls, so ends(read) <= ends(T) <= begins(T) <= begins(read), and all are equal. A beginning is seen by
// whoever sees the end of its task: that is a release after it.
//
// After fork(2) the child keeps what its parent's other threads had begun; then it frees no code.
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
