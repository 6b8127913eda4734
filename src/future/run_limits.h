// RunLimits: what the work in a Context may use up, together. A Context has at most one; scripts ask it (src/vm).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>

#include "tine/context.h"

namespace tine::detail {

class RunLimits {
 public:
  static constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

  // `outer`: those of the context in which these were set, which count as well; may be null.
  RunLimits(int64_t steps, uint32_t depth, std::shared_ptr<RunLimits> outer) noexcept
      : steps_(steps),
        depth_(outer ? std::min(depth, outer->depth_) : depth),
        left_(steps),
        outer_(std::move(outer)) {}

  // False when there were not so many left.
  bool take(int64_t steps) noexcept {
    bool enough = true;
    for (RunLimits* l = this; l; l = l->outer_.get()) {
      if (l->steps_ != kNoLimit && l->left_.fetch_sub(steps, std::memory_order_relaxed) < steps)
        enough = false;
    }
    return enough;
  }
  [[nodiscard]] int64_t left() const noexcept {
    int64_t least = kNoLimit;
    for (const RunLimits* l = this; l; l = l->outer_.get())
      least = std::min(least, l->left_.load(std::memory_order_relaxed));
    return std::max<int64_t>(least, 0);
  }
  // The smallest of all, for an error's text.
  [[nodiscard]] int64_t steps() const noexcept { return outer_ ? std::min(steps_, outer_->steps()) : steps_; }
  [[nodiscard]] uint32_t depth() const noexcept { return depth_; }

 private:
  const int64_t steps_;
  const uint32_t depth_;
  std::atomic<int64_t> left_;
  const std::shared_ptr<RunLimits> outer_;
};

[[nodiscard]] Context with_run_limits(const Context& context, int64_t steps, uint32_t depth);
// Null: none.
[[nodiscard]] RunLimits* run_limits(const ContextData& context) noexcept;

}  // namespace tine::detail
