// What a test waits for that has no future of its own.
#pragma once

#include <chrono>
#include <thread>

#include "tine/executor.h"

namespace tine {

// Until it holds; false when half a minute has passed first.
template <class F>
[[nodiscard]] bool comes_true(F condition) {
  const TimePoint end = Clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (Clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace tine
