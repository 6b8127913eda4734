// What becomes of a call when there is no memory for it: it fails, and the process goes on.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <utility>

#include "src/base/want_of_memory_for_tests.h"
#include "src/rpc/connection_for_tests.h"
#include "src/rpc/raw/nodes_for_tests.h"

namespace tine::rpc::testing {
namespace {

// Makes a call again and again, each time with another of this thread's allocations failing, until none is left to fail.
std::vector<std::shared_ptr<Result>> call_without_memory(RawOne& from, int to) {
  std::vector<std::shared_ptr<Result>> sinks;
  for (bool failed = true; failed;) {
    auto sink = std::make_shared<Result>();
    RawMessage message{1, RawBytes::copy("hello"), {}};
    sinks.push_back(sink);
    fail_allocation(static_cast<int>(sinks.size()) - 1);
    from->call(to, std::move(message), in(60s), std::move(sink));
    failed = allocation_failed();
  }
  return sinks;
}

// Each ends, once: Result sees to that. Some fail, and the last has its answer.
void expect_ends(const std::vector<std::shared_ptr<Result>>& sinks) {
  EXPECT_GT(sinks.size(), 2u);
  for (const auto& sink : sinks) {
    EXPECT_NE(sink->get().text(), "");
  }
  EXPECT_FALSE(sinks.front()->get().ok);
  EXPECT_EQ(sinks.back()->get().text(), "hello");
}

TEST(RawMemoryTest, ACallToOneselfEndsWhicheverAllocationFails) {
  RawOne one(0);
  one->open();
  expect_ends(call_without_memory(one, 0));
}

TEST(RawMemoryTest, ACallToAnotherEndsWhicheverAllocationFails) {
  RawNodes nodes{Over::kUnix};
  nodes.make(2);
  expect_ends(call_without_memory(nodes[0], 1));
}

TEST(RawMemoryTest, ACallThatThereIsNoMemoryToKeepUntilTheStartFails) {
  RawOne one(0);
  const auto sinks = call_without_memory(one, 0);
  one->open();
  expect_ends(sinks);
}

// Where not even a failure can be told the connection ends, which tells it.
TEST(RawMemoryTest, AnAnswerEndsTheCallWhicheverAllocationFails) {
  for (const bool fails : {false, true}) {
    int tried = 0;
    for (bool failed = true; failed; ++tried) {
      RawNodes nodes{Over::kUnix};
      nodes.make(2);
      std::promise<bool> told;
      nodes[1].handler.on_call = [&](RawCall call) {
        std::string why(5'000, 'x');  // more than a frame has room for at first
        fail_allocation(tried);
        if (fails) {
          call.fail(std::move(why));
        } else {
          call.reply(std::move(call.message()));
        }
        told.set_value(allocation_failed());
      };
      const auto sink = std::make_shared<Result>();
      nodes[0]->call(1, RawMessage{1, RawBytes::copy(std::string(5'000, 'a')), {}}, in(60s), sink);
      const Ended& ended = sink->get();
      EXPECT_NE(ended.text(), "");
      failed = told.get_future().get();
      EXPECT_TRUE(failed || ended.ok != fails);
    }
    EXPECT_GT(tried, 1);
  }
}

TEST(RawMemoryTest, ACancellationThatThereIsNoMemoryToSendEndsTheConnection) {
  RawOne one(0);
  const auto connection = detail::make_ref<MuteConnection>("w1");
  const auto peer = detail::make_ref<RawPeer>(*one.parts, RawWorker{"w1", 1}, connection, size_t{16});
  peer->cancel(1);
  EXPECT_FALSE(connection->closed());
  connection->out_of_memory = true;
  peer->cancel(2);
  ASSERT_TRUE(connection->closed());
  EXPECT_EQ(message_of(connection->error()), "no memory for a message to worker 'w1' (id 1)");
}

// Nobody else would tell the calls that wait for the other worker.
TEST(RawMemoryTest, AMessageThatThereIsNoMemoryToReadEndsTheConnection) {
  int tried = 0;
  for (bool failed = true; failed; ++tried) {
    RawNodes nodes{Over::kUnix};
    Kept kept;
    nodes.make(2);
    nodes[1].handler.on_call = kept.handler();
    const auto waiting = nodes[0].call(1, "hello", in(60s));
    RawCall pending = kept.take();
    OutFrame out(FrameKind::kRawRequest);
    write_message(out, RawMessage{1, RawBytes::copy("as if it had come"), {}}, nodes[0].callbacks);
    Frame frame;
    frame.header.kind = FrameKind::kRawRequest;
    frame.header.call_id = 77;
    frame.header.remaining_us = kNoTimeLimit;
    frame.received = Clock::now();
    frame.body = out.body.body();
    const auto peer = nodes[0].parts->members.find(1);
    fail_allocation(tried);
    peer->on_frame(peer->connection(), frame);
    failed = allocation_failed();
    if (failed) {
      EXPECT_FALSE(waiting->get().ok) << tried;
    }
    pending.reply(RawMessage{1, RawBytes::copy("an answer"), {}});
    EXPECT_NE(waiting->get().text(), "");
  }
  EXPECT_GT(tried, 1);
}

// Where the ends of calls are posted. The thread that ends the first call has no memory for the n-th thing that follows.
struct EndsOfCalls final : Executor {
  explicit EndsOfCalls(int n) : until_failure(n) {}
  void post(Task& task) noexcept override {
    threads.post(task);
    if (armed.exchange(false)) fail_allocation(until_failure);
  }
  const int until_failure;
  std::atomic<bool> armed{false};
  Threads threads{1};
};

// Three calls end, the first by the node's first look at its deadlines, the others by that or a later one. Returns whether an
// allocation failed between the end of the first and that of the last.
bool all_expire(int until_failure, const std::array<std::chrono::milliseconds, 3>& deadlines) {
  EndsOfCalls ends(until_failure);
  Threads blocking(2);
  RawHandlers handler;
  Kept kept;
  handler.on_call = kept.handler();
  std::promise<void> joined;
  handler.on_join = [&](const RawWorker&) { joined.set_value(); };
  RawOne other(1);
  other.handler.on_call = kept.handler();
  RawNodeOptions o;
  o.name = "w0";
  o.id = 0;
  o.handler = &handler;
  o.secret = secret_text();
  TransportList transports = transports_named(o.transports, {o.host, o.plaintext_beyond_loopback});
  const auto parts = RawNode::Parts::make({blocking, ends, std::move(transports)}, std::move(o));
  RawNode node(parts);
  node.connect(other->card(), in(10s));
  other->expect("w0", in(10s));
  joined.get_future().wait();  // nothing but ends is posted from here on
  node.open();
  other->open();
  std::vector<std::shared_ptr<Result>> sinks;
  const int failed = allocations_failed();
  ends.armed = true;
  const TimePoint now = Clock::now();
  for (const auto& deadline : deadlines) {
    const int to = sinks.empty() ? 0 : 1;
    sinks.push_back(std::make_shared<Result>());
    node.call(to, RawMessage{1, RawBytes::copy("hello"), {}}, now + deadline, sinks.back());
  }
  for (const auto& sink : sinks) {
    const Ended& ended = sink->get();
    EXPECT_FALSE(ended.ok);
    EXPECT_NE(ended.text(), "");
  }
  const bool failed_since = allocations_failed() != failed;
  node.close();
  return failed_since;
}

TEST(RawMemoryTest, CallsThatAreOverTogetherEndWhicheverAllocationFails) {
  int tried = 0;
  while (all_expire(tried, {50ms, 50ms, 50ms})) ++tried;
  EXPECT_GT(tried, 1);
}

TEST(RawMemoryTest, CallsThatAreOverLaterEndWhicheverAllocationFails) {
  int tried = 0;
  while (all_expire(tried, {50ms, 100ms, 100ms})) ++tried;
  EXPECT_GT(tried, 4);
}

}  // namespace
}  // namespace tine::rpc::testing
