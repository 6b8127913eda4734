// Handler threads that linger (src/rpc/lingering.h), in whole agents: what a call that runs there does to the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "src/rpc/peer.h"
#include "src/rpc/world_for_tests.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::Over;

class LingeringAgents : public ::testing::TestWithParam<Over> {
 protected:
  LingeringAgents()
      : world(2, [](int, AgentOptions& o) {
          testing::talk(o, GetParam());
          o.polling = 10s;  // however busy the machine is, its threads linger
        }) {}
  Future<Value> call(const std::string& name, std::vector<Value> args = {}) {
    return world[0].call(*world[0].find(1), CallRequest::served(name, std::move(args)), kNoDeadline);
  }
  // Enough of them that the function counts as short, and a thread lingers.
  void warm_up(const std::string& name) {
    for (int i = 0; i < 50; ++i) EXPECT_EQ(call(name, {i}).get().to_int(), i);
  }

  testing::World world;
};
INSTANTIATE_TEST_SUITE_P(Over, LingeringAgents, ::testing::Values(Over::kShm, Over::kUnix, Over::kInProcess),
                         [](const auto& info) { return testing::name_of(info.param); });

TEST_P(LingeringAgents, AHandlerThatThrowsWhileItsThreadLingersFailsItsCallAlone) {
  world.handlers(1).on["f"] = [](IncomingCall c) {
    const int64_t number = c.args().at(0).to_int();
    if (number < 0) throw ValueError("as asked");
    c.reply(number);
  };
  warm_up("f");
  for (int i = 1; i <= 100; ++i) {
    const Future<Value> fails = call("f", {-i}), next = call("f", {i});
    EXPECT_THAT(describe(fails.error()), HasSubstr("as asked"));
    EXPECT_EQ(next.get().to_int(), i);
  }
}

TEST_P(LingeringAgents, ACallThatIsCancelledWhileALingeringThreadRunsItEndsAndTheThreadGoesOn) {
  std::atomic<int> seen{0}, stopped{0};
  world.handlers(1).on["f"] = [&](IncomingCall c) {
    const int64_t number = c.args().at(0).to_int();
    if (number >= 0) return c.reply(number);
    ++seen;
    // This thread waits for the cancel frame, so another one has to take the role and read it.
    if (eventually([&] { return c.cancelled(); })) ++stopped;
  };
  warm_up("f");
  for (int i = 1; i <= 5; ++i) {
    Future<Value> given_up = call("f", {-1});
    ASSERT_TRUE(eventually([&] { return seen == i; }));
    EXPECT_TRUE(given_up.cancel());
    EXPECT_TRUE(eventually([&] { return stopped == i; })) << "it was not told";
    EXPECT_EQ(call("f", {i}).get().to_int(), i);
  }
}

TEST_P(LingeringAgents, WhileAThreadLingersHotEitherWorkerShutsDownInTime) {
  world.handlers(1).on["f"] = [](IncomingCall c) { c.reply(c.args().at(0).to_int()); };
  warm_up("f");
  std::atomic<int64_t> answered{0};
  std::atomic<bool> stop{false};
  std::thread caller([&] {
    for (int64_t i = 0; !stop; ++i) {
      try {
        const Future<Value> answer = call("f", {i});
        if (!answer.error()) ++answered;
        if (answer.error()) return;
      } catch (const Error&) {
        return;  // this agent has closed
      }
    }
  });
  ASSERT_TRUE(eventually([&] { return answered > 100; }));
  const TimePoint began = Clock::now();
  world[1].shutdown(false);
  EXPECT_LT(Clock::now() - began, 5s);
  caller.join();
  EXPECT_NE(call("f", {1}).error(), nullptr);
}

TEST_P(LingeringAgents, AGracefulShutdownOfBothEndsWhateverTheirThreadsLingerOver) {
  world.handlers(1).on["f"] = [](IncomingCall c) { c.reply(c.args().at(0).to_int()); };
  warm_up("f");
  for (const auto& error : world.shutdown()) EXPECT_EQ(error, nullptr) << describe(error);
}

}  // namespace
}  // namespace tine::rpc
