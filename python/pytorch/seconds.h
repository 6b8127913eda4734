// Seconds that a program gave, as a time: the one place that converts them.
#pragma once

#include <c10/util/Exception.h>

#include <algorithm>
#include <chrono>
#include <string_view>

namespace tine::pytorch {

// The clock ends after 292 years: a century is as long as it takes.
inline constexpr std::chrono::milliseconds kCentury = std::chrono::hours(24 * 365 * 100);

// c10::ValueError, which names `what` and the value: negative, or not a number. PyTorch counts whole milliseconds; less than
// one is not none.
[[nodiscard]] inline std::chrono::milliseconds milliseconds_of(double seconds, std::string_view what) {
  TORCH_CHECK_VALUE(seconds >= 0, what, ": expected seconds, 0 (none) or more, got ", seconds);
  if (seconds == 0) return std::chrono::milliseconds(0);
  const double most = static_cast<double>(kCentury.count());
  return std::chrono::milliseconds(
      std::max<int64_t>(1, static_cast<int64_t>(std::min(seconds * 1000, most))));
}

}  // namespace tine::pytorch
