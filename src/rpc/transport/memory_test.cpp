// What becomes of connections and listeners when there is no memory: they end, those who wait are told, and the process goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <utility>

#include "src/base/testing/kept_tasks.h"
#include "src/base/want_of_memory_for_tests.h"
#include "src/rpc/calls_for_tests.h"
#include "src/rpc/deadlines.h"
#include "src/rpc/inbox.h"
#include "src/rpc/transport/framed_connection.h"
#include "src/rpc/transport/in_process/pipe_channel.h"
#include "src/rpc/transport/test_channel.h"
#include "src/rpc/transport/test_peers.h"
#include "src/rpc/world_for_tests.h"

namespace tine::rpc {
namespace {

// Two ends of a connection, each of a loop of its own.
struct Ends {
  explicit Ends(ConnectionOptions options = {}) {
    auto [a, b] = make_pipe();
    near = detail::make_ref<FramedConnection>(near_loop, std::move(a), PeerInfo{}, options);
    far = detail::make_ref<FramedConnection>(far_loop, std::move(b), PeerInfo{}, options);
  }
  ~Ends() {
    near->close(nullptr);
    far->close(nullptr);
    near_loop.stop();
    far_loop.stop();
  }
  IoLoop near_loop, far_loop;
  detail::Ref<FramedConnection> near, far;
  detail::Ref<Recorder> at_near = detail::make_ref<Recorder>(), at_far = detail::make_ref<Recorder>();
};

// Both are told, whichever allocation of act(near) fails.
template <class Act>
void expect_told(const Act& act) {
  bool failed = true;
  for (int n = 0; failed; ++n) {
    Ends ends;
    ends.near->start(ends.at_near);
    ends.far->start(ends.at_far);
    fail_allocation(n);
    act(*ends.near);
    failed = allocation_failed();
    ends.at_near->wait_closed();
    ends.at_far->wait_closed();
    EXPECT_NE(ends.at_near->error + ends.at_far->error, "");
  }
}

TEST(WantOfMemory, AConnectionThatIsClosedTellsBothSides) {
  expect_told([](Connection& near) { near.close(nullptr); });
}

TEST(WantOfMemory, AConnectionThatIsShutDownTellsBothSides) {
  expect_told([](Connection& near) {
    near.shutdown(GoodbyeReason::kDone, "enough", Clock::now() + std::chrono::seconds(10));
  });
}

// The thread that waits reads, and gives the connection up where it cannot.
TEST(WantOfMemory, AThreadThatReadsGivesTheConnectionUp) {
  int tried = 0;
  for (bool failed = true; failed; ++tried) {
    bool answered = false;
    IoLoop loop{{.poll_budget = std::chrono::seconds(10)}};
    auto owned = std::make_unique<Played>();
    Played& peer = *owned;
    ConnectionOptions options;
    options.heartbeat_interval = std::chrono::milliseconds(0);
    const auto connection = detail::make_ref<FramedConnection>(loop, std::move(owned), PeerInfo{}, options);
    const auto got = detail::make_ref<Recorder>();
    got->on = [&](Connection&, Frame&) { answered = true; };
    got->keep = false;
    connection->start(got);
    // Nothing tells the loop of it: this thread alone reads. A large body needs memory of its own.
    peer.put(request(1, std::string(100'000, 'x')));
    fail_allocation(tried);
    auto done = [&] { return answered || connection->closed(); };
    EXPECT_TRUE(connection->try_poll(Clock::now() + std::chrono::seconds(60), done));
    failed = allocation_failed();
    EXPECT_NE(failed, answered);
    connection->close(nullptr);
    got->wait_closed();
    loop.stop();
  }
  EXPECT_GT(tried, 1);
}

TEST(WantOfMemory, AStartThatFailsLeavesNobodyUntold) {
  bool failed = true;
  for (int n = 0; failed; ++n) {
    Ends ends;
    ends.far->start(ends.at_far);
    fail_allocation(n);
    try {
      ends.near->start(ends.at_near);
    } catch (const std::bad_alloc&) {
    }
    failed = allocation_failed();
    ends.near->close(nullptr);
    ends.at_near->wait_closed();
    ends.at_far->wait_closed();
  }
}

TEST(WantOfMemory, AListenerThatCannotBeginLeavesNobodyListening) {
  const testing::FreeAddress address;
  IoLoop loop;
  const auto transport =
      tcp_transport()->make(loop, {"server", 1, std::make_shared<const Secret>("the shared secret")});
  bool failed = true;
  detail::Ref<Listener> listener;
  for (int n = 0; failed; ++n) {
    ListenOptions options;
    options.on_connection = [](const detail::Ref<Connection>&) {};
    fail_allocation(n);
    try {
      listener = transport->listen(address.text(), std::move(options));
    } catch (const std::bad_alloc&) {
    } catch (const SystemError& e) {
      ADD_FAILURE() << "somebody listens still: " << e.message();
    }
    failed = allocation_failed();
    EXPECT_NE(failed, static_cast<bool>(listener));
  }
  EXPECT_TRUE(listener);
  listener->close();
  loop.stop();
}

// A sweep that cannot be scheduled comes at the loop's next turn.
TEST(WantOfMemory, DeadlinesAreLookedAtWhicheverAllocationFails) {
  struct Owner {
    Owner(Loop& loop, Deadlines::Sweep sweep)
        : deadlines([&loop]() -> Loop& { return loop; }, std::move(sweep)) {}
    Deadlines deadlines;
  };
  int tried = 0;
  for (bool failed = true; failed; ++tried) {
    IoLoop loop;
    int sweeps = 0;
    std::promise<bool> told;
    const auto owner = std::make_shared<Owner>(loop, [&](TimePoint now) {
      if (++sweeps == 1) {
        fail_allocation(tried);
        return now;
      }
      told.set_value(allocation_failed());
      return kNoDeadline;
    });
    owner->deadlines.share(owner);
    owner->deadlines.watch(Clock::now());
    auto done = told.get_future();
    ASSERT_EQ(done.wait_for(std::chrono::seconds(20)), std::future_status::ready);
    failed = done.get();
    loop.stop();
  }
  EXPECT_GT(tried, 1);
}

class CallsWithoutMemory : public CallsToOneself {};

TEST_F(CallsWithoutMemory, OneWhoseDeadlineCannotBeWatchedIsNotMadeAndCostsOthersNothing) {
  int tried = 0;
  for (bool failed = true; failed; ++tried) {
    const TimePoint now = Clock::now();
    Future<Value> made;
    fail_allocation(tried);
    try {
      made = call(now + std::chrono::milliseconds(1));
    } catch (const std::bad_alloc&) {
      EXPECT_EQ(calls.pending(), 0U);
    }
    failed = allocation_failed();
    const Future<Value> next = call(now + std::chrono::milliseconds(10));
    ASSERT_TRUE(next.wait_for(std::chrono::seconds(20)));
    EXPECT_THROW((void)next.get(), DeadlineExceeded);
    EXPECT_TRUE(failed || made.error());
  }
  EXPECT_GT(tried, 3);
}

// The end of a connection waits behind a large body without any memory.
TEST(WantOfMemory, AnInboxTellsTheEnd) {
  KeptTasks pool;
  struct Sink final : Inbox::Sink {
    void handle(Frame&, At) noexcept override { ++frames; }
    void handle_end(const CloseInfo& info) noexcept override { end = describe(info.error); }
    std::shared_ptr<void> alive() override { return std::make_shared<int>(); }
    int frames = 0;
    std::string end;
  };
  bool failed = true;
  for (int n = 0; failed; ++n) {
    Sink sink;
    const auto inbox = detail::make_ref<Inbox>(sink, pool, pool);
    const std::vector<std::byte> body(kReadHere + 1);
    Frame frame;
    frame.header.kind = FrameKind::kRequest;
    frame.body = body;
    inbox->arrived(frame);
    CloseInfo info;
    info.error = make_error(ErrorKind::kPeerDied, "it died");
    info.how = std::string(1000, 'x');
    fail_allocation(n);
    inbox->ended(info);
    failed = allocation_failed();
    pool.run_all();
    EXPECT_EQ(sink.frames, 1);
    EXPECT_EQ(sink.end, "PeerDied: it died");
  }
}

}  // namespace
}  // namespace tine::rpc
