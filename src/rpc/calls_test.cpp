#include "src/rpc/calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace tine::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::SizeIs;

class Nobody final : public Peer::Events, public ControlHandler {
 public:
  void on_frame(Peer&, Frame&, At) noexcept override {}
  void on_death(Peer&, const CloseInfo&) noexcept override {}
  std::shared_ptr<void> alive() override { return {}; }
  void serve_control(const detail::Ref<IncomingState>&) override {}
};

// A worker alone, whose calls to itself wait for ever.
class CallsToOneself : public ::testing::Test {
 protected:
  CallsToOneself() {
    Peer::Options options;
    options.max_calls = 100;
    options.pool = options.callbacks = &here_;
    world_.fill({detail::make_ref<Peer>(WorkerInfo{"w0", 0}, 100, true, options, nobody_)});
    references_.share(owner_, calls);
    server_.ready(owner_, nobody_);
    calls.share(owner_);
  }
  ~CallsToOneself() override {
    world_.peer(0).die(make_error(ErrorKind::kAbandoned, "the test is over"));
    server_.close();
  }
  Server::Options server_options() {
    Server::Options o;
    o.executor = o.blocking = o.callbacks = &here_;
    o.hold = true;
    return o;
  }
  Future<Value> call(TimePoint deadline) {
    return calls.call(0, CallRequest::script("f", nullptr, {}), deadline);
  }
  void run_scheduled() {
    for (const auto& work : std::exchange(scheduled, {})) work();
  }

  bool fails = false;
  std::vector<std::function<void()>> scheduled;

 private:
  InlineExecutor here_;
  Nobody nobody_;
  const std::shared_ptr<void> owner_ = std::make_shared<int>(0);
  World world_{"w0", 0, 100};
  RRefTable references_{world_};
  Server server_{world_, references_, server_options()};

 protected:
  Calls calls{
      world_, references_, server_, Seconds(60), here_, [this](TimePoint, std::function<void()> work) {
        if (fails) throw std::bad_alloc();
        scheduled.push_back(std::move(work));
      }};
};

TEST_F(CallsToOneself, OneWhoseDeadlineCannotBeWatchedIsNotMadeAndCostsOthersNothing) {
  const TimePoint soon = Clock::now() + seconds(2);
  fails = true;
  EXPECT_THROW((void)call(soon), std::bad_alloc);
  EXPECT_EQ(calls.pending(), 0U);
  fails = false;
  const TimePoint later = soon + milliseconds(100);
  const Future<Value> next = call(later);
  EXPECT_THAT(scheduled, SizeIs(1));
  std::this_thread::sleep_until(later);
  run_scheduled();
  ASSERT_TRUE(next.ready());
  EXPECT_THROW((void)next.get(), DeadlineExceeded);
}

TEST_F(CallsToOneself, OneWhoseDeadlineHasPassedIsNotMade) {
  const Future<Value> late = call(Clock::now() - seconds(1));
  ASSERT_TRUE(late.ready());
  EXPECT_THROW((void)late.get(), DeadlineExceeded);
  EXPECT_EQ(calls.pending(), 0U);
  EXPECT_THAT(scheduled, SizeIs(0));
}

}  // namespace
}  // namespace tine::rpc
