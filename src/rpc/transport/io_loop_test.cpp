#include "src/rpc/transport/io_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <latch>
#include <mutex>
#include <random>

#include "src/rpc/transport/poll_policy.h"
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

TEST(IoLoop, BuffersOfNoUseGoBackToTheSystemWhileItSleeps) {
  IoLoop loop(Loop::Options{.trim_interval = 10ms});
  auto buffer = loop.pool().acquire(1 << 20);
  std::latch looked(1), go(1);
  loop.post([&] {  // it sees that a large one is lent, and gives nothing back meanwhile
    looked.count_down();
    go.wait();
  });
  looked.wait();
  buffer = nullptr;
  EXPECT_GT(loop.pool().retained_bytes(), 0u);
  go.count_down();
  const TimePoint end = Clock::now() + 20s;
  while (loop.pool().retained_bytes() != 0 && Clock::now() < end) std::this_thread::yield();
  EXPECT_EQ(loop.pool().retained_bytes(), 0u);
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

TEST(PollPolicy, TriesEverMoreRarelyWhatDoesNotPay) {
  PollPolicy policy;
  EXPECT_TRUE(policy.should_poll());
  uint32_t expected = 1;
  for (int i = 0; i < 15; ++i) {
    policy.miss();
    EXPECT_EQ(policy.skip(), expected);
    for (uint32_t k = 0; k < expected; ++k) EXPECT_FALSE(policy.should_poll());
    EXPECT_TRUE(policy.should_poll());
    expected = std::min(2 * expected, PollPolicy::kMaxSkip);
  }
  policy.hit();
  EXPECT_EQ(policy.skip(), PollPolicy::kMaxSkip / 2);
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
    EXPECT_THAT(e.message(),
                ::testing::HasSubstr("the input and output thread cannot be set up: pthread_create: "));
  } catch (...) {
    ADD_FAILURE() << describe(std::current_exception());
  }
  pthread_setattr_default_np(&usual);
  pthread_attr_destroy(&usual);
  pthread_attr_destroy(&enormous);
}

}  // namespace
}  // namespace tine::rpc
