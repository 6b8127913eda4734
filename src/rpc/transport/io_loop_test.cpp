#include "src/rpc/transport/io_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <ctime>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "tine/error.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;

TEST(IoLoop, RunsWhatIsPostedInOrderOnItsOwnThread) {
  IoLoop loop;
  std::vector<int> order;
  std::promise<void> done;
  for (int i = 0; i < 1000; ++i) {
    loop.post([&, i] {
      EXPECT_TRUE(loop.on_loop_thread());
      order.push_back(i);
      if (i == 999) done.set_value();
    });
  }
  done.get_future().get();
  EXPECT_FALSE(loop.on_loop_thread());
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(IoLoop, ThatHasNothingToDoUsesNoProcessor) {
  IoLoop loop;
  std::promise<clockid_t> clock;
  loop.post([&] {
    clockid_t id{};
    EXPECT_EQ(::pthread_getcpuclockid(::pthread_self(), &id), 0);
    clock.set_value(id);
  });
  const clockid_t id = clock.get_future().get();
  const auto used = [id] {
    timespec time{};
    ::clock_gettime(id, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  // It looks on for a moment after work; later not once in 200 ms.
  std::chrono::nanoseconds least = 1h;
  for (int i = 0; i < 5 && least > 1ms; ++i) {
    const auto before = used();
    std::this_thread::sleep_for(200ms);
    least = std::min<std::chrono::nanoseconds>(least, used() - before);
  }
  EXPECT_LE(least, 1ms);
}

TEST(IoLoop, WhatOnePostedTaskHeldIsGoneBeforeTheNextRuns) {
  IoLoop loop;
  std::latch both(1);
  loop.post([&] { both.wait(); });  // until then the two that follow are queued together
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> seen = held;
  std::promise<bool> gone;
  loop.post([held = std::move(held)] {});
  loop.post([&] { gone.set_value(seen.expired()); });
  both.count_down();
  EXPECT_TRUE(gone.get_future().get());
}

TEST(IoLoop, BuffersOfNoUseGoBackToTheSystemWhileItSleeps) {
  Recycler recycler;
  IoLoop loop(Loop::Options{.recycler = &recycler, .trim_interval = 10ms});
  (void)Buffer::make(loop.recycler(), 1 << 20);
  const TimePoint end = Clock::now() + 20s;
  while (recycler.kept() != 0 && Clock::now() < end) std::this_thread::yield();
  EXPECT_EQ(recycler.kept(), 0U);
}

TEST(IoLoop, OnceStoppedItKeepsNoBuffers) {
  Recycler recycler;
  IoLoop loop(Loop::Options{.recycler = &recycler, .trim_interval = 1h});
  const auto lent = Buffer::make(loop.recycler(), 1000);
  (void)Buffer::make(loop.recycler(), 1 << 20);
  EXPECT_GT(recycler.kept(), 0U);
  EXPECT_TRUE(loop.stop());
  EXPECT_EQ(recycler.kept(), 0U);
}

TEST(IoLoop, ThatIsHandedATimerLeavesTheTrimmingToItsOwner) {
  Recycler recycler;
  InlineExecutor here;
  Timer timer(here);
  IoLoop loop(Loop::Options{.timer = &timer, .recycler = &recycler});
  (void)Buffer::make(loop.recycler(), 1 << 20);
  EXPECT_GT(recycler.kept(), 0U);
  EXPECT_EQ(timer.size(), 0U);
  const Trimming trimming(recycler, timer);
  EXPECT_EQ(timer.size(), 1U);
}

TEST(IoLoop, WakesForAPostHoweverDeepItSleeps) {
  IoLoop loop;
  for (int i = 0; i < 500; ++i) {
    std::promise<void> done;
    loop.post([&] { done.set_value(); });
    ASSERT_EQ(done.get_future().wait_for(10s), std::future_status::ready);
  }
}

TEST(IoLoop, RunsTimersInTheOrderOfTheirTimesAndNotBefore) {
  IoLoop loop;
  std::mutex mutex;
  std::vector<int> order;
  std::promise<void> done;
  const TimePoint start = Clock::now();
  for (int ms : {30, 10, 20, 5, 40}) {
    loop.schedule_at(start + std::chrono::milliseconds(ms), [&, ms] {
      EXPECT_GE(Clock::now(), start + std::chrono::milliseconds(ms));
      std::lock_guard lock(mutex);
      order.push_back(ms);
      if (ms == 40) done.set_value();
    });
  }
  done.get_future().get();
  EXPECT_EQ(order, (std::vector<int>{5, 10, 20, 30, 40}));
}

TEST(IoLoop, ACancelledTimerDoesNotRun) {
  IoLoop loop;
  std::atomic<bool> ran{false};
  std::latch standing(1), go(1);
  loop.post([&] {  // it runs no timer before that one is cancelled
    standing.count_down();
    go.wait();
  });
  standing.wait();
  const TimerId id = loop.schedule_at(Clock::now() + 1ms, [&] { ran = true; });
  EXPECT_TRUE(loop.cancel(id));
  EXPECT_FALSE(loop.cancel(id));
  std::promise<void> later;
  loop.schedule_at(Clock::now() + 2ms, [&] { later.set_value(); });
  go.count_down();
  later.get_future().get();
  EXPECT_FALSE(ran);
}

TEST(IoLoop, EachTimerEitherRunsOrIsCancelledNeverBoth) {
  IoLoop loop;
  std::mt19937 random(1);
  std::atomic<int> ran{0};
  int cancelled = 0;
  for (int i = 0; i < 20'000; ++i) {
    const TimerId id =
        loop.schedule_at(Clock::now() + std::chrono::microseconds(random() % 50), [&] { ++ran; });
    if (random() % 2 && loop.cancel(id)) ++cancelled;
  }
  std::promise<void> last;
  loop.schedule_at(Clock::now() + 5ms, [&] { last.set_value(); });
  last.get_future().get();
  EXPECT_EQ(ran + cancelled, 20'000);
}

TEST(IoLoop, ItsTimersLieInTheTimerThatItIsHandedUntilTheyRunOrAreCancelledOrItStops) {
  InlineExecutor here;
  Timer timer(here);
  IoLoop loop(Loop::Options{.timer = &timer});
  const auto later = [&](const std::shared_ptr<int>& held) {
    return loop.schedule_at(Clock::now() + 1h, [held] {});
  };
  const auto cancelled = std::make_shared<int>(0), dropped = std::make_shared<int>(0);
  const TimerId id = later(cancelled);
  EXPECT_EQ(timer.size(), 1U);
  EXPECT_EQ(cancelled.use_count(), 2);
  EXPECT_TRUE(loop.cancel(id));
  EXPECT_EQ(timer.size(), 0U);
  EXPECT_EQ(cancelled.use_count(), 1);  // although the id is still there
  std::promise<void> ran;
  (void)loop.schedule_at(Clock::now() + 1ms, [&] { ran.set_value(); });
  ran.get_future().get();
  EXPECT_EQ(timer.size(), 0U);
  const TimerId left = later(dropped);
  EXPECT_TRUE(loop.stop());
  EXPECT_EQ(timer.size(), 0U);
  EXPECT_EQ(dropped.use_count(), 1);
  EXPECT_FALSE(loop.cancel(left));
}

TEST(IoLoop, ItsThreadHasItsNameAndTakesNoSignalsOfTheProgram) {
  IoLoop loop;
  std::array<char, 16> name{};
  sigset_t blocked;
  sigemptyset(&blocked);
  std::promise<void> looked;
  loop.post([&] {
    pthread_getname_np(pthread_self(), name.data(), name.size());
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    looked.set_value();
  });
  looked.get_future().get();
  EXPECT_STREQ(name.data(), "tine-io");
  EXPECT_EQ(sigismember(&blocked, SIGINT), 1);
  EXPECT_EQ(sigismember(&blocked, SIGUSR1), 1);
  EXPECT_EQ(sigismember(&blocked, SIGSEGV), 0);
}

TEST(IoLoop, TakesNoWorkOnceStopped) {
  IoLoop loop;
  loop.stop();
  EXPECT_FALSE(loop.post([] {}));
  EXPECT_FALSE(loop.schedule_at(Clock::now(), [] {}));
  loop.stop();
}

TEST(IoLoop, InAForkedChildNothingRunsAndDestructionIsHarmless) {
  auto loop = std::make_unique<IoLoop>();
  std::promise<void> up;
  loop->post([&] { up.set_value(); });
  up.get_future().get();
  const pid_t child = ::fork();
  if (child == 0) {
    const bool ok = loop->forked() && !loop->post([] {}) && !loop->schedule_at(Clock::now(), [] {});
    loop.reset();
    ::_exit(ok ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(loop->forked());
  std::promise<void> still;
  loop->post([&] { still.set_value(); });
  still.get_future().get();
}

TEST(IoLoop, WithoutAThreadItSaysSo) {
  pthread_attr_t usual, enormous;  // a stack that no address space has room for
  ASSERT_EQ(pthread_getattr_default_np(&usual), 0);
  ASSERT_EQ(pthread_getattr_default_np(&enormous), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&enormous, size_t{1} << 50), 0);
  ASSERT_EQ(pthread_setattr_default_np(&enormous), 0);
  try {
    IoLoop loop;
    ADD_FAILURE() << "there was a thread";
  } catch (const SystemError& e) {
    EXPECT_THAT(e.message(), ::testing::HasSubstr("the thread tine-io cannot be started: "));
  } catch (...) {
    ADD_FAILURE() << describe(std::current_exception());
  }
  pthread_setattr_default_np(&usual);
  pthread_attr_destroy(&usual);
  pthread_attr_destroy(&enormous);
}

}  // namespace
}  // namespace tine::rpc
