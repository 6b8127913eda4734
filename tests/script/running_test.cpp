#include "src/vm/running.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace tine::vm {
namespace {

// Tasks that are begun on one thread and end on another, as those that are stolen.
class Moving {
 public:
  void put() {
    RunningCount::claim()->begin();
    const std::lock_guard lock(mutex_);
    ++tasks_;
  }
  bool take() {
    {
      const std::lock_guard lock(mutex_);
      if (tasks_ == 0) return false;
      --tasks_;
    }
    RunningCount::claim()->end();
    return true;
  }

 private:
  std::mutex mutex_;
  int tasks_ = 0;
};

TEST(Running, OneTaskThatHasNotEndedIsAlwaysSeen) {
  ASSERT_TRUE(RunningCount::nothing_runs());
  RunningCount::claim()->begin();
  std::atomic<bool> stop{false};
  Moving moving;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        moving.put();
        moving.take();
      }
    });
  }
  for (int i = 0; i < 20'000; ++i) ASSERT_FALSE(RunningCount::nothing_runs());
  stop = true;
  for (std::thread& t : threads) t.join();
  while (moving.take()) continue;
  EXPECT_FALSE(RunningCount::nothing_runs());
  RunningCount::claim()->end();
  EXPECT_TRUE(RunningCount::nothing_runs());
}

TEST(Running, WhatAThreadBeganIsKnownAfterItsEnd) {
  std::thread([] { RunningCount::claim()->begin(); }).join();
  EXPECT_FALSE(RunningCount::nothing_runs());
  RunningCount* first = nullptr;
  std::thread([&] { (first = RunningCount::claim())->end(); }).join();
  EXPECT_TRUE(RunningCount::nothing_runs());
  // Places are used again: threads that come and go leave no more of them.
  for (int i = 0; i < 100; ++i) std::thread([&] { EXPECT_EQ(RunningCount::claim(), first); }).join();
}

}  // namespace
}  // namespace tine::vm
