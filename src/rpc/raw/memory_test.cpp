// What becomes of a call when there is no memory for it: it fails, and the process goes on.
#include <gtest/gtest.h>

#include <future>
#include <utility>

#include "src/base/want_of_memory_for_tests.h"
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

}  // namespace
}  // namespace tine::rpc::testing
