// What an IoLoop watches, and what it keeps of it.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <future>
#include <utility>
#include <vector>

#include "src/base/testing/eventually.h"
#include "src/rpc/transport/io_loop.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;

class Watched final : public Pollable {
 public:
  void on_events(uint32_t events) noexcept override {
    if (on) on(events);
  }
  std::function<void(uint32_t)> on;
};

class IoLoopWatches : public testing::Test {
 protected:
  ~IoLoopWatches() override {
    loop.stop();
    ::close(fd);
  }
  void ring() {
    const uint64_t one = 1;
    EXPECT_EQ(::write(fd, &one, sizeof one), static_cast<ssize_t>(sizeof one));
  }
  // Until the loop has let go of what it forgot before.
  void turn() {
    for (int i = 0; i < 2; ++i) {
      std::promise<void> done;
      ASSERT_TRUE(loop.post([&] { done.set_value(); }));
      done.get_future().get();
    }
  }
  IoLoop loop;
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const detail::Ref<Watched> one = detail::make_ref<Watched>(), other = detail::make_ref<Watched>();
};

TEST_F(IoLoopWatches, ADescriptorOnceAtATimeAndAnotherWatcherAfterItIsForgotten) {
  std::promise<uint32_t> told;
  one->on = [](uint32_t) { ADD_FAILURE() << "it is forgotten"; };
  other->on = [&](uint32_t events) {
    told.set_value(events);
    loop.forget(fd, *other);
  };
  loop.watch(fd, *one, EPOLLIN);
  EXPECT_THROW(loop.watch(fd, *other, EPOLLIN), SystemError);
  EXPECT_TRUE(other->sole_owner());
  EXPECT_FALSE(one->sole_owner());
  loop.forget(fd, *one);
  loop.forget(fd, *one);
  ring();
  loop.watch(fd, *other, EPOLLIN);
  EXPECT_EQ(told.get_future().get(), uint32_t{EPOLLIN});
  turn();
  EXPECT_TRUE(one->sole_owner());
  EXPECT_TRUE(other->sole_owner());
}

TEST_F(IoLoopWatches, NothingOfADescriptorThatCannotBeWatched) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  try {
    loop.watch(::fileno(file), *one, EPOLLIN);
    ADD_FAILURE() << "a regular file cannot be watched";
  } catch (const SystemError& e) {
    EXPECT_NE(std::string(e.what()).find("cannot be watched: Operation not permitted"), std::string::npos)
        << e.what();
  }
  EXPECT_TRUE(one->sole_owner());
  loop.change(::fileno(file), *one, EPOLLOUT);
  loop.forget(::fileno(file), *one);
  std::fclose(file);
  loop.watch(fd, *one, EPOLLIN);  // it is as good as new
  loop.forget(fd, *one);
}

TEST_F(IoLoopWatches, OtherEventsOnceTheyAreChanged) {
  std::promise<uint32_t> told;
  one->on = [&](uint32_t events) {
    told.set_value(events);
    loop.forget(fd, *one);
  };
  loop.watch(fd, *one, EPOLLIN);
  loop.change(fd, *one, EPOLLOUT);  // an eventfd can always be written to
  EXPECT_EQ(told.get_future().get(), uint32_t{EPOLLOUT});
}

// A copy of it may outlive its thread; what the loop held goes with the thread all the same.
TEST_F(IoLoopWatches, OnceStoppedItKeepsNobodyWhoHasNotBeenForgotten) {
  const Loop copy = loop;
  std::atomic<int> ends{0};
  one->on = [&](uint32_t events) { ends += events == 0; };
  loop.watch(fd, *one, EPOLLIN);
  const auto held = std::make_shared<int>(7);
  const TimerId timer = loop.schedule_at(Clock::now() + 1h, [held] {});
  EXPECT_TRUE(timer);
  EXPECT_TRUE(loop.stop(1ms));
  EXPECT_EQ(ends, 1) << "it is told once";
  EXPECT_TRUE(one->sole_owner());
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_THROW(Loop(copy).watch(fd, *other, EPOLLIN), Cancelled);
  EXPECT_TRUE(other->sole_owner());
  EXPECT_FALSE(Loop(copy).schedule_at(Clock::now(), [held] {}));
  EXPECT_FALSE(Loop(copy).post([held] {}));
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(IoLoopWatches, OneThatIsForgottenWhenItIsToldOfTheEndKeepsNoLoopWaiting) {
  one->on = [&](uint32_t) { loop.forget(fd, *one); };
  loop.watch(fd, *one, EPOLLIN);
  const TimePoint begin = Clock::now();
  EXPECT_TRUE(loop.stop(60s));
  EXPECT_LT(Clock::now() - begin, 30s);
  EXPECT_TRUE(one->sole_owner());
}

// As a channel in shared memory is one whose peer never rests.
class Hot final : public Pollable {
 public:
  explicit Hot(Loop& loop) : loop_(loop) {}
  void on_events(uint32_t events) noexcept override {
    if (events != 0 && !std::exchange(asked_, true)) kept = loop_.keep_looking(*this) ? 1 : 0;
  }
  bool look() noexcept override {
    ++looks;
    return true;
  }
  bool loop_sleeps() noexcept override { return true; }
  std::atomic<int> looks{0};
  std::atomic<int> kept{-1};

 private:
  Loop& loop_;
  bool asked_ = false;
};

TEST_F(IoLoopWatches, ADescriptorBesideOneThatAlwaysHasSomething) {
  const int hot_fd = ::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
  const auto hot = detail::make_ref<Hot>(loop);
  loop.watch(hot_fd, *hot, EPOLLIN | EPOLLET);
  ASSERT_TRUE(eventually([&] { return hot->looks > 1000; }));
  for (int i = 0; i < 20; ++i) {
    std::promise<void> told;
    one->on = [&](uint32_t) {
      loop.forget(fd, *one);
      told.set_value();
    };
    loop.watch(fd, *one, EPOLLIN);
    if (i == 0) ring();
    ASSERT_EQ(told.get_future().wait_for(60s), std::future_status::ready) << "the hot one keeps it waiting";
  }
  // Posted work comes through as well.
  turn();
  loop.forget(hot_fd, *hot);
  turn();
  ::close(hot_fd);
}

TEST_F(IoLoopWatches, NoMoreThanEightByLookingAndTheOthersByTheirEvents) {
  std::vector<detail::Ref<Hot>> all;
  std::vector<int> fds;
  for (int i = 0; i < 10; ++i) {
    fds.push_back(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
    all.push_back(detail::make_ref<Hot>(loop));
    loop.watch(fds.back(), *all.back(), EPOLLIN | EPOLLET);
  }
  const auto count = [&](int what) {
    return std::count_if(all.begin(), all.end(), [&](const auto& h) { return h->kept == what; });
  };
  EXPECT_TRUE(eventually([&] { return count(-1) == 0; })) << "each is told of its event";
  EXPECT_EQ(count(1), 8);
  EXPECT_EQ(count(0), 2);
  for (size_t i = 0; i < all.size(); ++i) loop.forget(fds[i], *all[i]);
  turn();
  for (const int descriptor : fds) ::close(descriptor);
}

}  // namespace
}  // namespace tine::rpc
