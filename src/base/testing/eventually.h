// eventually: what other threads do a moment later, and no future tells of.
#pragma once

#include <chrono>
#include <thread>
#include <utility>

#include "tine/executor.h"

namespace tine {

// Waits until it holds; false when a minute has passed first, which is for ever, also on a machine that is busy.
template <class F>
[[nodiscard]] bool eventually(F&& holds) {
  const TimePoint until = Clock::now() + std::chrono::seconds(60);
  while (!holds()) {
    if (Clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return true;
}

}  // namespace tine
