// Deaths, the end of a node, and forks.
#include <gmock/gmock.h>

#include <latch>

#include "src/rpc/raw/nodes_for_tests.h"

namespace tine::rpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using Kind = RawFailure::Kind;

class RawEndTest : public ::testing::TestWithParam<Over> {
 protected:
  RawNodes nodes{GetParam()};
  std::function<void(RawNodeOptions&)> way = [](RawNodeOptions& o) { talk(o, GetParam()); };
};

INSTANTIATE_TEST_SUITE_P(Over, RawEndTest, ::testing::Values(Over::kShm, Over::kUnix, Over::kTcp),
                         [](const auto& info) { return name_of(info.param); });

double ms_since(TimePoint t) { return std::chrono::duration<double, std::milli>(Clock::now() - t).count(); }

void keep_all(RawOne& one) {
  one.handler.on_call = [kept = std::make_shared<Kept>()](RawCall call) { kept->handler()(std::move(call)); };
}

TEST_P(RawEndTest, AKilledWorkerFailsAllCallsToItAtOnce) {
  ChildNode child(1, way, keep_all);
  nodes.add(0)->open();
  nodes[0]->connect(child.card, in(10s));
  std::vector<std::shared_ptr<Result>> sinks;
  for (int i = 0; i < 100; ++i) sinks.push_back(nodes[0].call(1, "x", i % 2 ? kNoDeadline : in(60s)));
  const TimePoint killed = Clock::now();
  child.kill(SIGKILL);
  for (const auto& sink : sinks) {
    EXPECT_EQ(sink->get().failure.kind, Kind::kDied);
    EXPECT_THAT(sink->get().failure.text,
                AllOf(HasSubstr("worker 'w1' (id 1) died"),
                      AnyOf(HasSubstr("without a goodbye"), HasSubstr("reset by peer"))));
  }
  EXPECT_LT(ms_since(killed), 10000) << "at once, and not by a deadline or heartbeat, which come later";
  const auto deaths = nodes[0].handler.wait_for_deaths(1);
  EXPECT_EQ(deaths[0].worker, (RawWorker{"w1", 1}));
  EXPECT_FALSE(deaths[0].left);
  EXPECT_EQ(nodes[0]->death_of(1), deaths[0].why);
  EXPECT_EQ(nodes[0].call(1, "later")->get().failure.text, deaths[0].why);
  nodes[0].wait_for_line("worker 'w1' (id 1) died");
}

TEST_P(RawEndTest, AWorkerThatStopsIsFoundByTheHeartbeat) {
  ChildNode child(1, way, keep_all);
  nodes
      .add(0,
           [](int, RawNodeOptions& o) {
             o.heartbeat_interval = 20ms;
             o.heartbeat_timeout = 1000ms;  // a child on a busy machine is not silent for so long
           })
      ->open();
  nodes[0]->connect(child.card, in(10s));
  const auto sink = nodes[0].call(1, "x");
  child.kill(SIGSTOP);
  EXPECT_EQ(sink->get().failure.kind, Kind::kDied);
  EXPECT_THAT(sink->get().failure.text, HasSubstr("has been silent for 1000 ms"));
  const TimePoint begin = Clock::now();
  nodes[0]->close();
  EXPECT_LT(ms_since(begin), 10000);
}

TEST_P(RawEndTest, CloseIsBoundedWhenAWorkerHasStopped) {
  ChildNode child(1, way, keep_all);
  nodes.add(0)->open();
  nodes[0]->connect(child.card, in(10s));
  const auto sink = nodes[0].call(1, "x");
  child.kill(SIGSTOP);
  const TimePoint begin = Clock::now();
  nodes[0]->close(100ms);
  EXPECT_LT(ms_since(begin), 10000) << "the heartbeat takes 30 s";
  EXPECT_EQ(sink->get().failure.kind, Kind::kClosed);
}

TEST_P(RawEndTest, CallsOfADeadCallerAreMarkedCancelledAndAnsweringThemDoesNothing) {
  Kept kept;
  // It calls us when it is called.
  ChildNode caller(2, way, [](RawOne& one) {
    one.handler.on_call = [&one](RawCall call) {
      one.node->call(0, {9, {}, {}}, kNoDeadline, std::make_shared<Ignored>());
      call.reply({});
    };
  });
  nodes.add(0).handler.on_call = kept.handler();
  nodes[0]->open();
  nodes[0]->connect(caller.card, in(10s));
  EXPECT_TRUE(nodes[0].call(2, "call me")->get().ok);
  RawCall call = kept.take();
  EXPECT_FALSE(call.cancelled());
  EXPECT_EQ(nodes[0]->counts().calls_running, 1u);
  caller.kill(SIGKILL);
  nodes[0].handler.wait_for_deaths(1);
  EXPECT_TRUE(call.cancelled());
  EXPECT_EQ(nodes[0]->counts().calls_running, 0u);
  call.reply({});
}

TEST_P(RawEndTest, AWorkerThatClosesHasLeftAndFailsTheCallsToIt) {
  nodes.make(2);
  Kept kept;
  nodes[1].handler.on_call = kept.handler();
  const auto sink = nodes[0].call(1, "x");
  kept.wait_for(1);
  nodes[1]->close();
  EXPECT_EQ(sink->get().failure.kind, Kind::kDied);
  EXPECT_THAT(sink->get().failure.text, HasSubstr("worker 'w1' (id 1) has left"));
  const auto deaths = nodes[0].handler.wait_for_deaths(1);
  EXPECT_TRUE(deaths[0].left);
  nodes[0]->close();
  EXPECT_THAT(nodes[0].lines, ::testing::IsEmpty()) << "who leaves in good order is not news";
}

TEST_P(RawEndTest, ByWhatAProgramFailedIsToldToTheOthers) {
  nodes.make(2);
  nodes[1]->close(1s, "ValueError: no such file");
  const auto deaths = nodes[0].handler.wait_for_deaths(1);
  EXPECT_FALSE(deaths[0].left);
  EXPECT_THAT(deaths[0].why, AllOf(HasSubstr("worker 'w1' (id 1) died"),
                                   HasSubstr("its program failed: ValueError: no such file")));
}

TEST_P(RawEndTest, ADeathIsToldBehindTheFailuresOfItsCalls) {
  nodes.make(2);
  Kept kept;
  nodes[1].handler.on_call = kept.handler();
  struct Counter final : RawSink {
    explicit Counter(std::atomic<int>& n) : ended(n) {}
    void done(RawMessage) noexcept override {}
    void failed(RawFailure) noexcept override {
      std::this_thread::sleep_for(1ms);
      ++ended;
    }
    std::atomic<int>& ended;
  };
  std::atomic<int> ended{0};
  std::promise<int> at_death;
  nodes[0].handler.on_death = [&](const RawWorker&, const std::string&, bool) { at_death.set_value(ended); };
  for (int i = 0; i < 50; ++i) nodes[0]->call(1, {}, kNoDeadline, std::make_shared<Counter>(ended));
  kept.wait_for(50);
  nodes[1]->close();
  EXPECT_EQ(at_death.get_future().get(), 50);
}

TEST_P(RawEndTest, CloseFailsWhatIsPendingAndWhatComesLater) {
  nodes.make(2);
  Kept kept;
  nodes[1].handler.on_call = kept.handler();
  nodes[0].handler.on_call = kept.handler();
  const auto sink = nodes[0].call(1, "x"), own = nodes[0].call(0, "x");
  kept.wait_for(2);
  nodes[0]->close();
  EXPECT_TRUE(nodes[0]->closed());
  for (const auto& s :
       {sink, own, nodes[0].call(1, "later"), nodes[0].call(0, "later"), nodes[0].call(5, "later")}) {
    EXPECT_EQ(s->get().failure.kind, Kind::kClosed);
    EXPECT_THAT(s->get().failure.text, HasSubstr("worker 'w0' (id 0) was closed"));
  }
  EXPECT_TRUE(nodes[0].handler.deaths().empty()) << "its own end is not reported to it";
  nodes[0]->close();
  nodes[0]->remove(1, "late");
  nodes[0]->open();
}

TEST_P(RawEndTest, WhatIsQueuedIsWrittenBeforeTheGoodbye) {
  nodes.make(2);
  std::vector<std::shared_ptr<Result>> sinks;
  for (int i = 0; i < 1000; ++i) sinks.push_back(nodes[0].call(1, std::string(1000, 'x')));
  EXPECT_TRUE(nodes[0]->close(20s));
  nodes[1].handler.wait_for_deaths(1);
  wait_until("all have come", [&] { return nodes[1]->counts().calls_begun == 1000; });
}

TEST_P(RawEndTest, NoHandlerAndNoSinkRunsWhenCloseHasReturned) {
  for (int round = 0; round < 20; ++round) {
    RawNodes two(GetParam());
    two.make(2);
    std::atomic<bool> closed{false};
    std::atomic<int> late{0};
    struct Sink final : RawSink {
      Sink(std::atomic<bool>& c, std::atomic<int>& l) : closed(c), late(l) {}
      void done(RawMessage) noexcept override { late += closed; }
      void failed(RawFailure) noexcept override { late += closed; }
      std::atomic<bool>& closed;
      std::atomic<int>& late;
    };
    two[0].handler.here = [](const RawMessage& m) { return m.tag % 2 == 0; };
    two[0].handler.on_call = [&](RawCall call) {
      late += closed;
      call.reply({});
    };
    std::atomic<bool> stop{false};
    std::thread caller([&] {
      for (uint32_t i = 0; !stop; ++i) {
        two[1]->call(0, {i, {}, {}}, kNoDeadline, std::make_shared<Ignored>());
        (void)two[1]->wait_for_room(0, in(1s));
      }
    });
    for (int i = 0; i < 200; ++i) two[0]->call(i % 2, {}, kNoDeadline, std::make_shared<Sink>(closed, late));
    EXPECT_TRUE(two[0]->close(20s));
    closed = true;
    stop = true;
    caller.join();
    two.all.clear();
    EXPECT_EQ(late, 0);
  }
}

TEST_P(RawEndTest, AHandlerThatDoesNotReturnHoldsCloseNoLongerThanTheBound) {
  nodes.make(2);
  std::latch inside(1);
  const auto go = std::make_shared<std::latch>(1);  // the handler returns from it some time
  nodes[1].handler.on_call = [&, go](RawCall call) {
    inside.count_down();
    go->wait();
    call.reply({});
  };
  const auto sink = nodes[0].call(1, "x");
  inside.wait();
  const TimePoint begin = Clock::now();
  EXPECT_FALSE(nodes[1]->close(50ms)) << "the handler must stay";
  EXPECT_LT(ms_since(begin), 10000);
  go->count_down();
  EXPECT_TRUE(nodes[1]->close(20s)) << "it has returned";
  EXPECT_EQ(sink->get().failure.kind, Kind::kDied);
}

TEST_P(RawEndTest, AHandlerASinkAndADeathMayCloseTheirOwnNode) {
  nodes.make(3);
  std::promise<void> third;
  nodes[2].handler.on_death = [&](const RawWorker& w, const std::string&, bool) {
    if (w.id != 0) return;
    nodes[2]->close(10s);
    third.set_value();
  };
  nodes[1].handler.on_call = [&](RawCall) { nodes[1]->close(10s); };
  const TimePoint begin = Clock::now();
  EXPECT_EQ(nodes[0].call(1, "x")->get().failure.kind, Kind::kDied);
  std::promise<void> closed;
  struct Closer final : RawSink {
    Closer(RawNode& n, std::promise<void>& c) : node(n), closed(c) {}
    void done(RawMessage) noexcept override {
      node.close(10s);
      closed.set_value();
    }
    void failed(RawFailure) noexcept override { ADD_FAILURE(); }
    RawNode& node;
    std::promise<void>& closed;
  };
  nodes[0]->call(0, {}, kNoDeadline, std::make_shared<Closer>(*nodes[0].node, closed));
  closed.get_future().get();
  third.get_future().get();
  EXPECT_LT(ms_since(begin), 9000);
}

TEST_P(RawEndTest, ACallMayOutliveItsNode) {
  Kept kept;
  {
    RawNodes two(GetParam());
    two.make(2);
    two[1].handler.on_call = kept.handler();
    const auto sink =
        two[0].call(1, RawMessage{1, RawBytes::copy("abc"), {RawBytes::copy(std::string(5000, 'y'))}});
    kept.wait_for(1);
    two.all.erase(1);
    (void)sink->get();
    RawCall call = kept.take();
    EXPECT_TRUE(call.cancelled());
    EXPECT_EQ(call.message().body.text(), "abc");
    EXPECT_EQ(call.message().segments[0].text(), std::string(5000, 'y'));
    call.reply({});
  }
}

TEST_P(RawEndTest, ANodeMayEndBeforeItWasOpenedOrConnected) {
  RawOne alone(0, way);
  nodes.add(1);
  const auto held = nodes[1].call(1, "never begun");
  nodes.all.erase(1);
  EXPECT_EQ(held->get().failure.kind, Kind::kClosed);
}

TEST_P(RawEndTest, InAChildOfForkTheNodeIsDeadAndNothingHangs) {
  nodes.make(2);
  Kept kept;
  nodes[1].handler.on_call = kept.handler();
  const auto pending = nodes[0].call(1, "x");
  kept.wait_for(1);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    struct Sink final : RawSink {
      void done(RawMessage) noexcept override { how = 1; }
      void failed(RawFailure f) noexcept override {
        how = f.kind == Kind::kClosed && f.text.find("fork") != std::string::npos ? 2 : 3;
      }
      int how = 0;
    };
    RawNode& node = *nodes[0].node;
    const auto sink = std::make_shared<Sink>();
    node.call(1, {}, kNoDeadline, sink);
    bool good =
        sink->how == 2 && node.closed() && node.wait_for_room(1, kNoDeadline) && node.workers().size() == 1;
    good = good && !node.death_of(1).empty() && node.counts().calls_pending == 0;
    try {
      node.connect(node.card(), kNoDeadline);
      good = false;
    } catch (const Error&) {
    }
    node.open();
    node.remove(1, "");
    node.close();
    nodes[0].node = nullptr;  // leaves what there is
    ::_exit(good ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  kept.take().reply({3, {}, {}});
  EXPECT_EQ(pending->get().reply.tag, 3u) << "the parent's goes on";
}

}  // namespace
}  // namespace tine::rpc::testing
