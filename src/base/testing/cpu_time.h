// For tests that compare how long something takes.
#pragma once

#include <gtest/gtest.h>
#include <time.h>

namespace tine {

// Seconds of processor time that this thread has had: what else the machine does counts for little.
[[nodiscard]] inline double cpu_seconds() {
  timespec t{};
  EXPECT_EQ(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

}  // namespace tine
