// What outlives an agent or its process: a child of fork(2), and futures of an agent that is gone.

#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <set>

#include "src/rpc/world_for_tests.h"

namespace tine::rpc {
namespace {

using ::testing::HasSubstr;
using testing::name_of;
using testing::Over;
using testing::talk;
using testing::World;
using namespace std::chrono_literals;

std::set<std::string> open_sockets() {
  std::set<std::string> sockets;
  DIR* const folder = ::opendir("/proc/self/fd");
  while (const dirent* const entry = ::readdir(folder)) {
    std::array<char, 256> target{};
    const std::string path = std::string("/proc/self/fd/") + entry->d_name;
    if (::readlink(path.c_str(), target.data(), target.size() - 1) <= 0) continue;
    const std::string name = target.data();
    if (name.starts_with("socket:") || name.find("eventpoll") != std::string::npos) sockets.insert(name);
  }
  ::closedir(folder);
  return sockets;
}

class Forks : public ::testing::TestWithParam<Over> {
 protected:
  World::Change change() {
    return [over = GetParam()](int, AgentOptions& o) { talk(o, over); };
  }
};
INSTANTIATE_TEST_SUITE_P(Agent, Forks,
                         ::testing::Values(Over::kShm, Over::kUnix, Over::kTcp, Over::kInProcess),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(Forks, AChildHoldsNoSocketRunsNoCallbackAndFailsWhatSomebodyLooksAtWithoutALock) {
  const std::set<std::string> before = open_sockets();
  std::atomic<bool> stop{false};
  World world(2, change());
  Promise<void> gate;
  world.handlers(1).on["waits"] = [f = gate.future()](IncomingCall call) {
    f.wait();
    call.reply(Value(1));
  };
  if (GetParam() != Over::kInProcess) {
    ASSERT_GT(open_sockets().size(), before.size());
  }
  static std::atomic<int> ran;
  ran = 0;
  const Future<Value> pending = world[0].call(1, testing::foreign("waits"));
  const Future<void> then = pending.then([](const Future<Value>&) { ++ran; });
  auto rref = world[0].remote(1, testing::foreign("waits"), kNoDeadline);
  // Calls all the time, so that some child is forked while a lock of the agent's is held.
  std::thread busy([&] {
    while (!stop.load()) (void)world[0].call(1, testing::add({1}, {1})).get();
  });
  for (int i = 0; i < 10; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      alarm(60);
      int wrong = 0;
      // What others have left behind is closed, too.
      if (!std::ranges::includes(before, open_sockets())) wrong |= 1;
      if (!pending.ready() || !describe(pending.error()).starts_with("Abandoned")) wrong |= 2;
      if (!then.error() || ran != 0) wrong |= 4;
      try {
        (void)world[0].call(1, testing::add({1}, {1}));
        wrong |= 8;
      } catch (const Error& e) {
        if (std::string(e.what()).find("fork") == std::string::npos) wrong |= 8;
      }
      rref = {};
      world[0].shutdown(true, Seconds(0));
      _exit(wrong);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "as bits: " << (status >> 8);
    if (HasFailure()) break;  // the thread has to be joined in any case
  }
  stop = true;
  busy.join();
  gate.set_value();
  EXPECT_EQ(pending.get().to_int(), 1);
  EXPECT_EQ(testing::numbers(world[0].call(1, testing::add({1}, {1})).get()), std::vector<float>{2});
}

TEST(Agent, WhatAFutureBecameMayBeWaitedForWhenTheAgentIsGone) {
  Promise<Value> late;
  Future<Value> derived;
  Future<Value> done;
  {
    World world(2);
    done = world[0].call(1, testing::add({1}, {1}));
    derived = done.and_then([f = late.future()](const Value&) { return f; });
    done.wait();
  }
  EXPECT_FALSE(derived.wait_for(10ms));
  // Its helper serves another world by now.
  World world(2);
  EXPECT_FALSE(derived.wait_for(10ms));
  EXPECT_EQ(testing::numbers(world[0].call(1, testing::add({1}, {1})).get()), std::vector<float>{2});
  late.set_value(Value(7));
  EXPECT_EQ(derived.get().to_int(), 7);
  EXPECT_EQ(testing::numbers(done.get()), std::vector<float>{2});
}

TEST(Agent, AnRRefAndARunningHandlerMayOutliveTheAgent) {
  Promise<void> gate;
  const Future<void> opened = gate.future();
  detail::Ref<Reference> rref;
  Promise<void> entered;
  const Future<void> inside = entered.future();
  std::thread handler;
  {
    World world(2);
    world.handlers(1).on["waits"] = [&](IncomingCall call) {
      handler = std::thread([&, kept = std::make_shared<IncomingCall>(std::move(call))] {
        opened.wait();
        kept->reply(Value(1));
      });
      entered.set_value();
    };
    rref = world[0].remote(1, testing::foreign("waits"), kNoDeadline);
    inside.wait();
    world[0].shutdown(false);
    world[1].shutdown(false);
  }
  gate.set_value();
  handler.join();
  EXPECT_THROW((void)rref->to_here(kNoDeadline).get(), Error);
}

// Has nobody to run anything.
class Full final : public Executor {
 public:
  void post(Task& task) noexcept override {
    task.refuse(make_error(ErrorKind::kRuntime, "8 handler threads blocked (max_handler_threads=8)"));
  }
};

TEST(Agent, ACallThatNoThreadIsLeftForFailsNamingTheWorkerTheCallAndTheLimit) {
  Full full;
  World world(2, [&](int rank, AgentOptions& o) {
    if (rank == 1) o.blocking = &full;
  });
  const Future<Value> refused = world[0].call(1, testing::foreign("f"));
  EXPECT_THAT(describe(refused.error()),
              HasSubstr("RuntimeError: worker 'w1' did not run f: it has 8 handler threads blocked "
                        "(max_handler_threads=8)"));
}

}  // namespace
}  // namespace tine::rpc
