// The end of scripts: with the call that they run for, and with their Runtime.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/runtime/rpc.h"
#include "src/runtime/script.h"
#include "src/runtime/workers_for_tests.h"
#include "src/vm/running.h"
#include "tine/context.h"
#include "tine/foreign.h"
#include "tine/rpc.h"
#include "tine/runtime.h"
#include "tine/timer.h"

namespace tine::rpc {
namespace {

using ::testing::HasSubstr;

// None of them ends by itself. They count in a tensor, so that a test sees that they run.
constexpr std::string_view kEndless = R"(
def computes(x: Tensor) -> int:
    n = 0
    while n >= 0:
        n = (n + 1) % 1000
        x.fill_(1)
    return n

def calls(x: Tensor) -> int:
    return computes(x) + 1

def waits(x: Tensor) -> int:
    return torch.jit.wait(torch.jit.fork(computes, x))

def waits_for_two(x: Tensor) -> int:
    a = torch.jit.fork(computes, x)
    b = torch.jit.fork(waits, x)
    return torch.jit.wait(a) + torch.jit.wait(b)

def through(x: Tensor) -> int:
    return torch.distributed.rpc.rpc_async("w0", computes, (x,)).wait()

def later(x: Tensor) -> Future[int]:
    return torch.jit.fork(waits, x)
)";

class EndsOfScripts : public testing::Workers {
 protected:
  EndsOfScripts() {
    auto source = std::make_shared<const Source>("endless.py", std::string(kEndless));
    kept_ = runtimes_[0].scripts().compile_text(std::move(source), "endless");
  }

  // To worker `to`. The script runs when this returns, unless it has timed out.
  Future<Value> call(const std::string& name, int to = 1, Seconds timeout = kNoTimeout, bool async = false) {
    const Destination there = destination(caller(), Value(int64_t{to}), timeout);
    CallRequest request = request_for(caller(), "endless." + name, {Value(testing::floats({0}))});
    request.async_execution = async;
    const Future<Value> result = there.call(std::move(request));
    const bool runs = eventually([&] { return !vm::RunningCount::nothing_runs() || result.ready(); });
    EXPECT_TRUE(runs && (timeout != kNoTimeout || !result.ready()));
    return result;
  }
  // No script function runs or is suspended in this process.
  static bool all_ended() {
    return eventually([] { return vm::RunningCount::nothing_runs(); });
  }

  std::vector<script::Function> kept_;
};

constexpr const char* kAll[] = {"computes", "calls", "waits", "waits_for_two", "through"};

TEST_F(EndsOfScripts, ACancelledCallEndsTheScriptAndAllThatItForked) {
  join();
  for (const int to : {1, 0}) {
    for (const char* const name : kAll) {
      const Future<Value> result = call(name, to);
      EXPECT_TRUE(result.cancel());
      EXPECT_TRUE(all_ended()) << name;
    }
  }
}

TEST_F(EndsOfScripts, ACallPastItsDeadlineEndsThem) {
  join();
  for (const char* const name : kAll) {
    EXPECT_THROW((void)call(name, 1, Seconds(0.1)).get(), DeadlineExceeded);
    EXPECT_TRUE(all_ended()) << name;
  }
}

TEST_F(EndsOfScripts, TheCallersDepartureEndsThem) {
  join();
  std::vector<Future<Value>> results;
  for (const char* const name : kAll) results.push_back(call(name));
  caller().leave_now();
  EXPECT_TRUE(all_ended());
}

TEST_F(EndsOfScripts, TheCalleesDepartureEndsThem) {
  join();
  std::vector<Future<Value>> results;
  for (const char* const name : kAll) results.push_back(call(name));
  callee().leave_now();
  EXPECT_TRUE(all_ended());
  for (const auto& result : results) EXPECT_THROW((void)result.get(), PeerDied);
}

TEST_F(EndsOfScripts, ACallThatAnswersByAFutureEndsWhatIsToCompleteIt) {
  join();
  const Future<Value> result = call("later", 1, kNoTimeout, true);
  result.cancel();
  EXPECT_TRUE(all_ended());
  EXPECT_THROW((void)call("later", 1, Seconds(0.1), true).get(), DeadlineExceeded);
  EXPECT_TRUE(all_ended());
}

TEST_F(EndsOfScripts, ACreationThatIsGivenUpEndsThem) {
  join();
  const RRef there = caller().remote(
      {.to = "w1", .name = "endless.waits", .args = {Value(testing::floats({0}))}, .timeout = Seconds(0.1)});
  EXPECT_THROW((void)there.to_here().get(), DeadlineExceeded);
  EXPECT_TRUE(all_ended());
  const RRef here = caller().remote(
      {.to = "w1", .name = "endless.waits", .args = {Value(testing::floats({0}))}, .timeout = kNoTimeout});
  EXPECT_TRUE(eventually([] { return !vm::RunningCount::nothing_runs(); }));
  caller().leave_now();
  EXPECT_TRUE(all_ended());
}

TEST_F(EndsOfScripts, AServedFunctionThatRunsAScriptEndsIt) {
  const script::Function computes = kept_.at(0);
  ASSERT_EQ(computes.name(), "computes");
  caller().serve("runs", [computes] { return computes(testing::floats({0})); });
  join();
  const Future<Value> result = callee().call({.to = "w0", .name = "runs", .timeout = kNoTimeout});
  EXPECT_TRUE(eventually([] { return !vm::RunningCount::nothing_runs(); }));
  EXPECT_TRUE(result.cancel());
  EXPECT_TRUE(all_ended());
}

TEST(EndOfARuntime, EndsTheScriptsThatRunThere) {
  auto runtime = std::make_unique<Runtime>(RuntimeOptions{.num_threads = 2});
  auto source = std::make_shared<const Source>("endless.py", std::string(kEndless));
  const auto functions = runtime->scripts().compile_text(std::move(source), "endless");
  const std::vector<Value> args = {Value(testing::floats({0}))};
  std::vector<Future<Value>> results;
  for (const auto& f : functions) {
    if (f.name() == "computes" || f.name() == "calls") results.push_back(runtime->scripts().post(f, args));
  }
  EXPECT_TRUE(eventually([&] { return testing::numbers(args[0])[0] == 1; }));
  runtime = nullptr;
  ASSERT_EQ(results.size(), 2U);
  for (const auto& result : results) EXPECT_THAT(describe(result.error()), HasSubstr("Abandoned"));
  EXPECT_TRUE(vm::RunningCount::nothing_runs());
}

TEST(EndOfARuntime, EndsTheScriptsThatRunThereForOthers) {
  testing::FreeAddress address;
  Runtime mine;
  auto source = std::make_shared<const Source>("endless.py", std::string(kEndless));
  const auto functions = mine.scripts().compile_text(std::move(source), "endless");
  auto theirs = std::make_unique<Runtime>();
  std::thread other([&] { theirs->rpc().join(testing::options(address, 1, 2)); });
  mine.rpc().join(testing::options(address, 0, 2));
  other.join();
  std::vector<Future<Value>> results;
  for (const char* const name : kAll) {
    results.push_back(mine.rpc().call({.to = "w1",
                                       .name = std::string("endless.") + name,
                                       .args = {Value(testing::floats({0}))},
                                       .timeout = kNoTimeout}));
  }
  EXPECT_TRUE(eventually([&] { return theirs->rpc().counts().calls_running == std::size(kAll); }));
  theirs = nullptr;
  for (const auto& result : results) EXPECT_THAT(describe(result.error()), HasSubstr("PeerDied"));
  EXPECT_TRUE(vm::RunningCount::nothing_runs());
}

}  // namespace
}  // namespace tine::rpc
