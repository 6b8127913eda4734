#include <algorithm>
#include <exception>

#include "tine/scheduler.h"

namespace tine {
namespace {

// One loop. The caller, and a task for each further core, take pieces until none is left. The thread that finishes the last
// piece completes the state. A task that comes late finds no piece and leaves; it may outlive the call, and so owns the Loop.
class Loop final : public detail::State<void> {
 public:
  Loop(int64_t n, int64_t piece, void (*body)(void*, int64_t, int64_t), void* state)
      : n_(n), piece_(piece), pieces_((n + piece - 1) / piece), body_(body), state_(state) {}
  [[nodiscard]] const detail::ContextRef& context() const noexcept { return context_; }

  void work() noexcept {
    for (;;) {
      const int64_t i = next_.fetch_add(1, std::memory_order_relaxed);
      if (i >= pieces_) return;
      if (!failed_.load(std::memory_order_relaxed)) {
        try {
          body_(state_, i * piece_, std::min(n_, (i + 1) * piece_));
        } catch (...) {
          if (!failed_.exchange(true)) error_ = std::current_exception();
        }
      }
      // Acquires what the others did, their error_ too.
      if (finished_.fetch_add(1, std::memory_order_acq_rel) + 1 == pieces_) {
        if (error_) {
          fail(error_);
        } else {
          emplace();
        }
      }
    }
  }

 private:
  const int64_t n_;
  const int64_t piece_;
  const int64_t pieces_;
  void (*const body_)(void*, int64_t, int64_t);
  void* const state_;
  std::atomic<int64_t> next_{0};
  std::atomic<int64_t> finished_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
  const detail::ContextRef context_ = detail::ContextRef::current();
};

class LoopTask final : public Task {
 public:
  explicit LoopTask(detail::Ref<Loop> loop) noexcept : loop_(std::move(loop)) {}
  void run() noexcept override {
    const std::unique_ptr<LoopTask> self(this);
    const detail::ContextSwap swap(loop_->context());
    loop_->work();
  }
  void abandon() noexcept override { delete this; }

 private:
  detail::Ref<Loop> loop_;
};

}  // namespace

void Scheduler::parallel_for(int64_t n, int64_t grain, void (*body)(void*, int64_t, int64_t), void* state) {
  if (n <= 0) return;
  const int64_t cores = num_threads();
  // Four pieces for each core even out differences in their cost.
  const int64_t piece = std::max({int64_t{1}, grain, (n + 4 * cores - 1) / (4 * cores)});
  const int64_t pieces = (n + piece - 1) / piece;
  if (pieces == 1 || cores == 1) {
    body(state, 0, n);
    return;
  }
  const auto loop = detail::make_ref<Loop>(n, piece, body, state);
  for (int64_t i = 1; i < std::min(cores, pieces); ++i) {
    // Without memory this thread does the rest alone. It must not throw and leave, because others run the body already.
    auto* const task = new (std::nothrow) LoopTask(loop);
    if (!task) break;
    post(*task);
  }
  loop->work();
  loop->wait();
  (void)loop->get();
}

}  // namespace tine
