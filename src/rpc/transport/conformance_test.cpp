// The rules that every transport keeps, run over each of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "src/rpc/transport/test_peers.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

INSTANTIATE_TEST_SUITE_P(Over, Conformance,
                         testing::Values("tcp", "tcp6", "tls", "unix", "abstract", "shm", "shm_without",
                                         "inproc"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(Conformance, EachSideKnowsTheOthersProvenName) {
  connect();
  EXPECT_EQ(client->peer().name, "server");
  EXPECT_EQ(client->peer().incarnation, 22u);
  EXPECT_TRUE(client->peer().we_connected);
  EXPECT_EQ(server->peer().name, "client");
  EXPECT_EQ(server->peer().incarnation, 11u);
  EXPECT_FALSE(server->peer().we_connected);
}

TEST_P(Conformance, FramesArriveWholeAndInOrderWithAllTheirFields) {
  connect();
  for (uint64_t i = 1; i <= 1000; ++i) {
    OutFrame f = request(i, std::string(i % 300, 'x'));
    f.remaining_us = 1000 * i;
    ASSERT_EQ(client->send(std::move(f)), nullptr);
  }
  at_server->wait_for(1000);
  for (uint64_t i = 1; i <= 1000; ++i) {
    const Received& r = at_server->frames[i - 1];
    EXPECT_EQ(r.header.kind, FrameKind::kRequest);
    EXPECT_EQ(r.header.call_id, i);
    EXPECT_EQ(r.header.remaining_us, 1000 * i);
    EXPECT_EQ(r.text, std::string(i % 300, 'x'));
  }
}

TEST_P(Conformance, SegmentsArriveInAlignedBuffersOfTheirOwn) {
  connect();
  std::mt19937_64 random(4);
  for (uint64_t i = 1; i <= 60; ++i) {
    OutFrame f = request(i, "segments");
    const size_t count = 1 + random() % 40;
    std::vector<std::vector<std::byte>> sent(count);
    for (auto& s : sent) {
      s.resize(1 + random() % (i % 10 == 0 ? 300'000 : 900));
      for (auto& b : s) b = static_cast<std::byte>(random());
      f.body.segment(owned(s));
    }
    ASSERT_EQ(client->send(std::move(f)), nullptr);
    at_server->wait_for(i);
    const Received& r = at_server->frames[i - 1];
    ASSERT_EQ(r.segments.size(), count);
    for (size_t k = 0; k < count; ++k) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(r.segments[k]->data()) % 64, 0u);
      ASSERT_EQ(r.segments[k]->size(), sent[k].size());
      EXPECT_EQ(std::memcmp(r.segments[k]->data(), sent[k].data(), sent[k].size()), 0);
    }
  }
}

TEST_P(Conformance, LargeTensorsAndLargeBodiesGoBothWaysAtOnce) {
  connect();
  std::vector<std::byte> big(24 << 20);
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<std::byte>(i * 7 >> 3);
  for (auto* side : {&client, &server}) {
    OutFrame f = request(1, std::string(3 << 20, 'b'));
    f.body.segment(owned(big));
    f.body.segment(owned({big.begin(), big.begin() + 5}));
    ASSERT_EQ((*side)->send(std::move(f)), nullptr);
  }
  for (auto* at : {at_server.get(), at_client.get()}) {
    at->wait_for(1);
    EXPECT_EQ(at->frames[0].text.size(), size_t{3} << 20);
    ASSERT_EQ(at->frames[0].segments.size(), 2u);
    EXPECT_EQ(std::memcmp(at->frames[0].segments[0]->data(), big.data(), big.size()), 0);
  }
}

TEST_P(Conformance, AnOwnerIsLetGoOnceItsSegmentIsWritten) {
  connect();
  std::vector<std::byte> data(8 << 20);
  auto owner = detail::make_ref<Owner>();
  OutFrame f = request(1, "x");
  f.body.segment({data, owner});
  ASSERT_EQ(client->send(std::move(f)), nullptr);
  at_server->wait_for(1);
  EXPECT_TRUE(eventually([&] { return owner->sole_owner(); }));
}

TEST_P(Conformance, ThreadsMayAllSendAtOnceAndNothingIsMixed) {
  connect();
  constexpr int kThreads = 4, kEach = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        OutFrame f = request(static_cast<uint64_t>(t * kEach + i + 1),
                             std::string(static_cast<size_t>(i), static_cast<char>('a' + t)));
        ASSERT_EQ(client->send(std::move(f)), nullptr);
      }
    });
  }
  for (auto& t : threads) t.join();
  at_server->wait_for(kThreads * kEach);
  std::map<int, uint64_t> last;
  for (const Received& r : at_server->frames) {
    const int t = static_cast<int>((r.header.call_id - 1) / kEach);
    EXPECT_GT(r.header.call_id, last[t]);
    last[t] = r.header.call_id;
    EXPECT_EQ(r.text, std::string((r.header.call_id - 1) % kEach, static_cast<char>('a' + t)));
  }
}

TEST_P(Conformance, ACloseHereIsSeenThereOnceAfterAllThatWasSent) {
  connect();
  for (uint64_t i = 1; i <= 100; ++i) ASSERT_EQ(client->send(request(i, "before")), nullptr);
  client->shutdown(GoodbyeReason::kShutdown, "enough", Clock::now() + 10s);
  at_server->wait_closed();
  EXPECT_EQ(at_server->frames.size(), 100u);
  EXPECT_EQ(at_server->why, CloseInfo::Why::kGoodbye);
  EXPECT_EQ(at_server->reason, GoodbyeReason::kShutdown);
  EXPECT_THAT(at_server->error, AllOf(HasSubstr("PeerDied"), HasSubstr("client"), HasSubstr("enough")));
  at_client->wait_closed();
  EXPECT_EQ(at_client->why, CloseInfo::Why::kLocal);
  EXPECT_NE(client->send(request(1, "late")), nullptr);
  EXPECT_EQ(at_server->closes, 1);
  EXPECT_EQ(at_client->closes, 1);
}

TEST_P(Conformance, AShutdownOfAPeerThatDoesNotReadEndsAtItsDeadline) {
  connect(false);  // the server never starts its connection
  std::vector<std::byte> data(32 << 20);
  OutFrame f = request(1, "x");
  f.body.segment(owned(data));
  ASSERT_EQ(client->send(std::move(f)), nullptr);
  const TimePoint start = Clock::now();
  client->shutdown(GoodbyeReason::kDone, "", start + 50ms);
  at_client->wait_closed();
  EXPECT_GE(Clock::now() - start, 50ms);
  EXPECT_LT(Clock::now() - start, 10s);
}

TEST_P(Conformance, CloseEndsBothSidesAtOnceWithTheGivenError) {
  connect();
  client->close(make_error(ErrorKind::kValue, "because"));
  at_client->wait_closed();
  EXPECT_THAT(at_client->error, HasSubstr("because"));
  EXPECT_THAT(describe(client->send(request(1, "x"))), HasSubstr("because"));
  at_server->wait_closed();
  EXPECT_EQ(at_server->why, CloseInfo::Why::kPeerDied);
  EXPECT_THAT(at_server->error, AllOf(HasSubstr("client"), HasSubstr("died")));
}

TEST_P(Conformance, WhoStartsAClosedConnectionIsStillTold) {
  connect(false);
  server->close(nullptr);
  EXPECT_TRUE(eventually([&] { return server->closed(); }));
  server->start(at_server);
  at_server->wait_closed();
  EXPECT_EQ(at_server->closes, 1);
}

TEST_P(Conformance, FramesThatCameBeforeStartAreDelivered) {
  connect(false);
  for (uint64_t i = 1; i <= 10; ++i) ASSERT_EQ(client->send(request(i, "early")), nullptr);
  server->start(at_server);
  at_server->wait_for(10);
}

TEST_P(Conformance, AWaitingThreadReadsItsReplyItself) {
  connect();
  at_server->on = [](Connection& c, Frame& f) {
    OutFrame reply(FrameKind::kReply, f.header.call_id);
    reply.body.str("ok");
    EXPECT_EQ(c.send(std::move(reply)), nullptr);
  };
  // The loop's thread stands still, so that nobody else does it.
  Stuck standing;
  client_loop->post([&] { standing.wait(); });
  standing.wait_until_inside();
  for (uint64_t i = 1; i <= 100; ++i) {
    ASSERT_EQ(client->send(request(i, "ping")), nullptr);
    auto done = [&] { return at_client->count() >= i; };
    // One poll may be over before the answer is there.
    ASSERT_TRUE(eventually([&] { return client->try_poll(Clock::now() + 10s, done); }));
    const std::lock_guard lock(at_client->mutex);
    ASSERT_EQ(at_client->last_thread, std::this_thread::get_id());
  }
  standing.release();
}

TEST_P(Conformance, ManyWaitersAndTheLoopHandTheReaderRoleToEachOther) {
  connect();
  at_server->keep = at_client->keep = false;
  at_server->on = [](Connection& c, Frame& f) {
    OutFrame reply(FrameKind::kReply, f.header.call_id);
    EXPECT_EQ(c.send(std::move(reply)), nullptr);
  };
  constexpr uint64_t kThreads = 4, kEach = 1500;
  std::vector<std::atomic<int>> answered(kThreads * kEach + 1);
  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<int> inside{0};
  at_client->on = [&](Connection&, Frame& f) {
    EXPECT_EQ(inside.fetch_add(1), 0) << "two threads read at once";
    {
      std::lock_guard lock(mutex);
      answered[f.header.call_id] += 1;
    }
    changed.notify_all();
    inside.fetch_sub(1);
  };
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 1; i <= kEach; ++i) {
        const uint64_t id = t * kEach + i;
        ASSERT_EQ(client->send(request(id, "x")), nullptr);
        auto done = [&] { return answered[id] != 0; };
        if (client->try_poll(Clock::now() + 10s, done)) continue;
        std::unique_lock lock(mutex);
        ASSERT_TRUE(changed.wait_for(lock, 20s, done)) << "a reply was lost";
      }
    });
  }
  for (auto& t : threads) t.join();
  client_loop->stop();  // the handler must not outlive what it refers to
  for (size_t i = 1; i < answered.size(); ++i) ASSERT_EQ(answered[i], 1);
}

// --- large frames

OutFrame large_request(uint64_t id, std::span<const std::byte> data, bool copied = false) {
  OutFrame f = request(id, "large");
  f.body.segment({data, nullptr, copied});
  return f;
}

TEST_P(Conformance, AnyNumberOfLargeTensorsMayBeInFlight) {
  at_server->keep = at_client->keep = false;
  at_server->on = [](Connection& c, Frame& f) {
    OutFrame reply(FrameKind::kReply, f.header.call_id);
    reply.body.segment({f.segments.at(0)->bytes(), f.segments.at(0)});
    EXPECT_EQ(c.send(std::move(reply)), nullptr);
  };
  connect();
  const std::vector<std::byte> data(100'000'000);
  for (uint64_t id = 1; id <= 8; ++id) {
    EXPECT_TRUE(client->has_room()) << "nothing was copied";
    ASSERT_EQ(client->send(large_request(id, data)), nullptr);
  }
  at_client->wait_for(8);
  EXPECT_FALSE(client->closed());
}

TEST_P(Conformance, SmallFramesOvertakeLargeOnesThatWereSentBefore) {
  connect(false);  // nobody reads yet: what is queued goes by the rule alone
  const std::vector<std::byte> data(100 << 20);
  for (uint64_t id = 1; id <= 4; ++id) ASSERT_EQ(client->send(large_request(id, data)), nullptr);
  for (uint64_t id = 1001; id <= 1300; ++id) ASSERT_EQ(client->send(request(id, "control")), nullptr);
  at_server->on = [](Connection&, Frame& f) {
    EXPECT_TRUE(f.segments.empty() || f.segments[0]->size() == 100 << 20);
  };
  server->start(at_server);
  at_server->wait_for(304);
  std::vector<uint64_t> order;
  for (const Received& r : at_server->frames) order.push_back(r.header.call_id);
  for (uint64_t i = 0; i < 300; ++i) EXPECT_EQ(order[i], 1001 + i);
  EXPECT_EQ(std::vector<uint64_t>(order.end() - 4, order.end()), (std::vector<uint64_t>{1, 2, 3, 4}));
}

TEST_P(Conformance, ALargeFrameOvertakesNothing) {
  connect(false);
  const std::vector<std::byte> data(1 << 20);
  for (uint64_t id = 1; id <= 2000; ++id)
    ASSERT_EQ(client->send(request(id, std::string(1000, 's'))), nullptr);
  ASSERT_EQ(client->send(large_request(2001, data)), nullptr);
  server->start(at_server);
  at_server->wait_for(2001);
  EXPECT_EQ(at_server->frames.back().header.call_id, 2001u);
}

TEST_P(Conformance, ACancelArrivesBehindItsLargeRequestAndAheadOfOtherLargeOnes) {
  std::mutex order_mutex;
  std::vector<std::pair<FrameKind, uint64_t>> order;
  at_server->keep = false;
  at_server->on = [&](Connection&, Frame& f) {
    const std::lock_guard lock(order_mutex);
    order.emplace_back(f.header.kind, f.header.call_id);
  };
  connect(false);
  const std::vector<std::byte> data(8 << 20);
  for (uint64_t id = 1; id <= 3; ++id) ASSERT_EQ(client->send(large_request(id, data)), nullptr);
  ASSERT_EQ(client->send(OutFrame(FrameKind::kCancel, 2)), nullptr);
  server->start(at_server);
  at_server->wait_for(4);
  server_loop->stop();
  using K = FrameKind;
  EXPECT_THAT(order, testing::ElementsAre(std::pair(K::kRequest, 1), std::pair(K::kRequest, 2),
                                          std::pair(K::kCancel, 2), std::pair(K::kRequest, 3)));
}

TEST_P(Conformance, RoomIsThereAgainOnceHalfOfTheBoundHasLeft) {
  options.max_copied_bytes = 8 << 20;
  at_server->keep = false;
  connect(false);
  EXPECT_TRUE(client->room().ready());
  const std::vector<std::byte> data(1 << 20);
  uint64_t sent = 0;
  while (client->has_room()) ASSERT_EQ(client->send(large_request(++sent, data, true)), nullptr);
  EXPECT_GE(sent, 8u);
  const Future<void> room = client->room();
  EXPECT_FALSE(room.ready());
  // A sender that cannot wait is not refused.
  ASSERT_EQ(client->send(request(++sent, "control")), nullptr);
  server->start(at_server);
  EXPECT_TRUE(room.wait_for(std::chrono::seconds(60)));
  EXPECT_EQ(room.error(), nullptr);
  EXPECT_TRUE(client->has_room());
  at_server->wait_for(sent);
}

TEST_P(Conformance, WhoWaitsForRoomIsWokenByTheEnd) {
  options.max_copied_bytes = 1 << 20;
  connect(false);
  const std::vector<std::byte> data(1 << 20);
  for (uint64_t id = 1; client->has_room(); ++id)
    ASSERT_EQ(client->send(large_request(id, data, true)), nullptr);
  const Future<void> room = client->room();
  client->close(nullptr);
  EXPECT_TRUE(room.wait_for(std::chrono::seconds(60)));
  EXPECT_TRUE(client->room().ready());
}

TEST_P(Conformance, AnyFrameIsLargeFromItsFirstByteAboveTheBound) {
  connect();
  const OutFrame empty = request(1, "");
  for (const int beyond : {-1, 0, 1}) {
    OutFrame f = request(static_cast<uint64_t>(beyond + 2), "");
    const std::vector<std::byte> data(kChunkBytes - aligned_segment(empty.wire_bytes() + 8) +
                                      static_cast<size_t>(beyond));
    f.body.segment(owned(data));
    EXPECT_EQ(f.wire_bytes(), kChunkBytes + static_cast<uint64_t>(beyond));
    EXPECT_EQ(f.is_large(), beyond > 0);
    ASSERT_EQ(client->send(std::move(f)), nullptr);
    at_server->wait_for(static_cast<size_t>(beyond + 2));
  }
}

// Runs what it is given on a thread of its own.
class OneThread final : public Executor {
 public:
  ~OneThread() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  void post(Task& task) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(&task);
    }
    changed_.notify_all();
  }
  [[nodiscard]] std::thread::id thread() const { return thread_.get_id(); }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      Task* const task = tasks_.front();
      tasks_.erase(tasks_.begin());
      lock.unlock();
      task->run();
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Task*> tasks_;
  bool ending_ = false;
  std::thread thread_{[this] { run(); }};
};

struct Release final : detail::RefCounted {
  explicit Release(std::function<void()> f) : then(std::move(f)) {}
  ~Release() override { then(); }
  std::function<void()> then;
};

struct ConformanceOfRelease : Conformance {
  // Sends a large frame that holds something, calls `go_on`, and looks at the thread that lets go of it.
  template <class F>
  void expect_let_go_of_elsewhere(const F& go_on) {
    OneThread others;
    options.callbacks = &others;
    connect(false);
    const std::vector<std::byte> data(32 << 20);
    std::promise<std::thread::id> released;
    OutFrame f = request(1, "large");
    f.body.segment(
        {data, detail::make_ref<Release>([&] { released.set_value(std::this_thread::get_id()); })});
    ASSERT_EQ(client->send(std::move(f)), nullptr);
    go_on(others);
    EXPECT_EQ(released.get_future().get(), others.thread());
    client_loop->stop();
    server_loop->stop();
  }
};
INSTANTIATE_TEST_SUITE_P(Over, ConformanceOfRelease,
                         testing::Values("tcp", "tcp6", "tls", "unix", "abstract", "shm", "shm_without",
                                         "inproc"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(ConformanceOfRelease, WhatASentFrameHeldIsNotLetGoOfByAThreadThatReads) {
  // The rest is written by the loop, as the socket takes it.
  expect_let_go_of_elsewhere([&](OneThread&) { server->start(at_server); });
}

TEST_P(ConformanceOfRelease, WhatAFrameHeldIsNotLetGoOfByAThreadThatReadsAnotherConnection) {
  expect_let_go_of_elsewhere([&](OneThread& others) {
    const detail::CallbackGate reads(others);
    client->close(nullptr);
  });
}

// --- the end

TEST_P(Conformance, AShutdownDeliversWhatIsSmallAndDropsWhatIsLargeAndNotComplete) {
  connect(false);
  const std::vector<std::byte> data(64 << 20);
  auto kept = detail::make_ref<Owner>();
  for (uint64_t id = 1; id <= 3; ++id) {
    OutFrame f = large_request(id, data);
    f.keep(kept);
    ASSERT_EQ(client->send(std::move(f)), nullptr);
  }
  for (uint64_t id = 11; id <= 60; ++id) ASSERT_EQ(client->send(request(id, "before")), nullptr);
  client->shutdown(GoodbyeReason::kDone, "enough", Clock::now() + 30s);
  server->start(at_server);
  at_server->wait_closed();
  EXPECT_EQ(at_server->why, CloseInfo::Why::kGoodbye);
  EXPECT_THAT(at_server->error, HasSubstr("enough"));
  EXPECT_EQ(at_server->frames.size(), 50u);
  at_client->wait_closed();
  EXPECT_TRUE(eventually([&] { return kept->sole_owner(); }));
}

TEST_P(Conformance, TheLoopStopsInTimeThoughAHandlerOnItsThreadNeverReturns) {
  connect();
  Stuck stuck;
  at_client->on = [&](Connection&, Frame&) { stuck.wait(); };
  ASSERT_EQ(server->send(request(1, "x")), nullptr);
  stuck.wait_until_inside();
  const TimePoint start = Clock::now();
  client->shutdown(GoodbyeReason::kDone, "", start + 20ms);
  client->close(make_error(ErrorKind::kValue, "because"));
  EXPECT_TRUE(client->closed());
  EXPECT_THAT(describe(client->error()), HasSubstr("because"));
  EXPECT_FALSE(client_loop->stop(50ms));
  EXPECT_LT(Clock::now() - start, 20s);
  EXPECT_EQ(at_client->closes, 0) << "on_close never runs beside on_frame";
  at_server->wait_closed();
  stuck.release();
  at_client->wait_closed();
  EXPECT_EQ(at_client->closes, 1);
}

TEST_P(Conformance, AShutdownEndsAtItsDeadlineThoughAHandlerOnAWaitingThreadNeverReturns) {
  connect();
  Stuck stuck;
  std::atomic<std::thread::id> waiting{};
  at_client->on = [&](Connection&, Frame&) {
    if (std::this_thread::get_id() == waiting && !stuck.is_inside()) stuck.wait();
  };
  auto inside = [&] { return stuck.is_inside(); };
  std::thread waits([&] {
    waiting = std::this_thread::get_id();
    ASSERT_EQ(client->send(request(1, "begin")), nullptr);
    while (!inside()) static_cast<void>(client->try_poll(Clock::now() + 10ms, inside));
  });
  at_server->wait_for(1);
  // Until it is faster than the loop's thread.
  for (uint64_t id = 1; !inside(); ++id) {
    ASSERT_EQ(server->send(request(id, "x")), nullptr);
    ASSERT_TRUE(eventually([&] { return inside() || at_client->count() >= id; }));
  }
  const std::vector<std::byte> data(16 << 20);
  ASSERT_EQ(client->send(large_request(1, data)), nullptr);
  const TimePoint start = Clock::now();
  client->shutdown(GoodbyeReason::kDone, "", start + 50ms);
  EXPECT_TRUE(eventually([&] { return client->closed(); }));
  EXPECT_TRUE(client_loop->stop(50ms)) << "the loop's own thread is free";
  EXPECT_EQ(at_client->closes, 0) << "on_close never runs beside on_frame";
  stuck.release();
  waits.join();
  at_client->wait_closed();
  EXPECT_EQ(at_client->closes, 1);
}

TEST_P(Conformance, APeerThatWasStoppedIsToldWhoGaveItUp) {
  client_options.emplace();
  client_options->heartbeat_interval = 20ms;
  client_options->heartbeat_timeout =
      1000ms;  // it is not to be given up before it stops, however busy the machine is
  options.heartbeat_interval = 0ms;
  connect();
  // As if the server's process were stopped: nothing of it runs, then it goes on by writing first.
  Stuck stopped;
  server_loop->post([&] { stopped.wait(); });
  stopped.wait_until_inside();
  at_client->wait_closed();
  EXPECT_EQ(at_client->why, CloseInfo::Why::kSilent);
  for (uint64_t id = 1; id <= 20; ++id)
    EXPECT_EQ(server->send(request(id, "does it still hear us?")), nullptr);
  stopped.release();
  at_server->wait_closed();
  EXPECT_EQ(at_server->why, CloseInfo::Why::kGoodbye);
  EXPECT_EQ(at_server->reason, GoodbyeReason::kSilent);
  EXPECT_THAT(at_server->error, AllOf(HasSubstr("client"), HasSubstr("heard nothing for too long")));
  EXPECT_THAT(at_server->error, testing::Not(HasSubstr("Broken pipe")));
}

TEST_P(Conformance, APollGivesUpAtItsDeadline) {
  connect();
  auto never = [] { return false; };
  const TimePoint start = Clock::now();
  EXPECT_FALSE(client->try_poll(start + 100us, never));
  EXPECT_LT(Clock::now() - start, 5s);
}

TEST_P(Conformance, APeerThatDoesNotAnswerPingsIsClosedAsSilent) {
  options.heartbeat_interval = 20ms;
  options.heartbeat_timeout = 100ms;
  connect(false);  // the server never reads
  at_client->wait_closed();
  EXPECT_EQ(at_client->why, CloseInfo::Why::kSilent);
  EXPECT_THAT(at_client->error, AllOf(HasSubstr("server"), HasSubstr("silent for 100 ms")));
}

TEST_P(Conformance, TheEndOfTheLoopIsTheEndOfItsConnections) {
  connect();
  client_loop->stop();
  at_client->wait_closed();
  EXPECT_EQ(at_client->why, CloseInfo::Why::kLoopEnd);
  at_server->wait_closed();
  EXPECT_NE(client->send(request(1, "x")), nullptr);
}

TEST_P(Conformance, AWrongSecretIsReportedByBothSides) {
  client_secret = "another secret than theirs";
  const std::string error = connect_error();
  EXPECT_THAT(error, AllOf(HasSubstr("AuthError"), HasSubstr(address), HasSubstr("initiator 'client'"),
                           HasSubstr("wrong secret")));
  EXPECT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return !refused.empty();
  }));
  EXPECT_THAT(refused.front(),
              AllOf(HasSubstr("AuthError"), HasSubstr("'client'"), HasSubstr("wrong secret")));
}

TEST_P(Conformance, AnotherNameThanExpectedIsRefused) {
  expected_name = "somebody";
  EXPECT_THAT(connect_error(), AllOf(HasSubstr("'server'"), HasSubstr("expected 'somebody'")));
}

TEST_P(Conformance, ConnectingToNobodySaysWhere) {
  start_loops();
  ConnectOptions o;
  auto f = client_transport->connect(nobody(), o);
  EXPECT_THAT(error_of(f), AllOf(HasSubstr(nobody()), HasSubstr("Connection refused")));
}

TEST_P(Conformance, ConnectingWithRetryWaitsForTheListenerAndGivesUpAtTheDeadline) {
  start_loops();
  ConnectOptions o;
  o.retry = true;
  o.deadline = Clock::now() + 60ms;
  auto f = client_transport->connect(nobody(), o);
  EXPECT_THAT(error_of(f), AllOf(HasSubstr("DeadlineExceeded"), HasSubstr(nobody())));
}

TEST_P(Conformance, AnAddressInUseIsRefusedByName) {
  start_listening();
  ListenOptions o;
  o.on_connection = [](auto) {};
  try {
    static_cast<void>(server_transport->listen(address, o));
    FAIL() << "listened twice";
  } catch (const SystemError& e) {
    EXPECT_THAT(e.message(), AllOf(HasSubstr(address), HasSubstr("in use")));
  }
}

TEST_P(Conformance, AClosedListenerFreesItsAddress) {
  start_listening();
  listener->close();
  ListenOptions o;
  o.on_connection = [](auto) {};
  auto again = server_transport->listen(address, o);
  EXPECT_EQ(again->address(), address);
}

}  // namespace
}  // namespace tine::rpc
