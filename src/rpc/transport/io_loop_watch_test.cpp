// What an IoLoop watches, and what it keeps of it.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <future>

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

}  // namespace
}  // namespace tine::rpc
