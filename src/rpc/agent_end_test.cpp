// How worlds begin and end: rendezvous, death, shutdown.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <latch>

#include "src/rpc/world_for_tests.h"
#include "tine/unobserved.h"

namespace tine::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::foreign;
using testing::Handlers;
using ::testing::HasSubstr;
using testing::name_of;
using testing::Over;
using testing::talk;
using testing::Worker;
using testing::World;

// Starts agents with these changed options at the same time; what each of them threw, "" for none.
std::vector<std::string> starts(int size, const World::Change& change,
                                const std::function<void(int rank)>& failed = {}) {
  const testing::FreeAddress address;
  std::vector<std::string> errors(static_cast<size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      Worker worker;
      AgentOptions o = worker.options(rank, size, address);
      o.init_timeout = Seconds(1.5);
      change(rank, o);
      try {
        worker.agent = Agent::start(std::move(o));
        worker.agent->shutdown(true, Seconds(10));
      } catch (...) {
        errors[static_cast<size_t>(rank)] = describe(std::current_exception());
        if (failed) failed(rank);
      }
    });
  }
  for (auto& t : threads) t.join();
  return errors;
}

// Rank 1 of two fails; rank 0 waits for it until then.
std::vector<std::string> starts_with_a_bad_second(const World::Change& change) {
  std::atomic<bool> failed{false};
  return starts(
      2,
      [&](int rank, AgentOptions& o) {
        o.init_timeout = Seconds(60);
        if (rank == 0) o.interrupted = [&] { return failed.load(); };
        change(rank, o);
      },
      [&](int rank) {
        if (rank == 1) failed = true;
      });
}

// Nobody waits for init_timeout, which is long.
std::vector<std::string> starts_that_fail_at_once(int size, const World::Change& change) {
  const TimePoint begun = Clock::now();
  const auto errors = starts(size, [&](int rank, AgentOptions& o) {
    o.init_timeout = Seconds(60);
    change(rank, o);
  });
  EXPECT_LT(Clock::now() - begun, seconds(20));
  return errors;
}

// The time that others get to read why it failed is over when they have left.
TEST(Rendezvous, ThatFailsWaitsForNobodyWhoHasLeft) {
  double least = 60;
  for (int i = 0; i < 20 && least > 0.5; ++i) {  // a busy machine may take long once
    const TimePoint begun = Clock::now();
    (void)starts_that_fail_at_once(2, [](int, AgentOptions& o) { o.name = "twin"; });
    least = std::min(least, Seconds(Clock::now() - begun).count());
  }
  EXPECT_LT(least, 0.5);
}

TEST(Rendezvous, ANameThatIsNotUniqueFailsAllAtOnceNamingBoth) {
  const auto errors = starts_that_fail_at_once(3, [](int rank, AgentOptions& o) {
    if (rank > 0) o.name = "twin";
  });
  for (const std::string& e : errors) {
    EXPECT_THAT(e, HasSubstr("the worker name 'twin' is not unique"));
    EXPECT_THAT(e, HasSubstr("(rank 1"));
    EXPECT_THAT(e, HasSubstr("(rank 2"));
  }
}

TEST(Rendezvous, ARankThatIsNotUniqueFailsAllAtOnce) {
  const auto errors = starts_that_fail_at_once(3, [](int rank, AgentOptions& o) {
    if (rank == 2) o.rank = 1;
  });
  for (const std::string& e : errors) EXPECT_THAT(e, HasSubstr("rank 1 is not unique"));
}

TEST(Shutdown, ThatWaitsForCallsOfThisWorkerAloneCanBeInterrupted) {
  std::atomic<bool> interrupt{false};
  std::latch began(1), go(1);
  World world(1, [&](int, AgentOptions& o) { o.interrupted = [&] { return interrupt.load(); }; });
  world.handlers(0).on["block"] = [&](IncomingCall call) {
    began.count_down();
    go.wait();
    call.reply(Value());
  };
  const Future<Value> blocked = world[0].call(0, foreign("block"));
  began.wait();
  interrupt.store(true);
  const auto errors = world.shutdown();
  EXPECT_THAT(describe(errors[0]), HasSubstr("shutdown was interrupted"));
  go.count_down();
  EXPECT_TRUE(blocked.error());
}

TEST(Rendezvous, ThatFailsIsToldByItsErrorAlone) {
  static std::atomic<int> unobserved{0};
  const auto before = set_unobserved_error_hook(
      [](const std::exception_ptr&, const std::source_location&) noexcept { ++unobserved; });
  (void)starts(2, [](int, AgentOptions& o) { o.name = "twin"; });
  (void)starts(2, [](int, AgentOptions& o) { o.world_size = 3; });
  set_unobserved_error_hook(before);
  EXPECT_EQ(unobserved.load(), 0);
}

TEST(Rendezvous, AnotherWorldSizeIsRefused) {
  const auto errors = starts_with_a_bad_second([](int rank, AgentOptions& o) {
    if (rank == 1) o.world_size = 3;
  });
  EXPECT_THAT(errors[1], HasSubstr("the world has 3 workers, rank 0 says 2"));
}

TEST(Rendezvous, WhoIsMissingIsNamed) {
  std::vector<std::string> errors(2);
  // On a busy machine the second may come too late.
  for (double time = 0.5; errors[0].find("'w1' (rank 1") == std::string::npos && time < 60; time *= 2) {
    errors = starts(2, [time](int, AgentOptions& o) {
      o.world_size = 4;
      o.init_timeout = Seconds(time);
    });
  }
  EXPECT_THAT(errors[0], HasSubstr("rank 2, 3 of 4 did not connect"));
  EXPECT_THAT(errors[0], HasSubstr("'w1' (rank 1"));
  EXPECT_FALSE(errors[1].empty());
}

TEST(Rendezvous, AWrongSecretIsToldToBothSides) {
  std::mutex mutex;
  std::string log;
  const auto errors = starts_with_a_bad_second([&](int rank, AgentOptions& o) {
    if (rank == 1) o.secret = std::make_shared<const Secret>("another secret");
    o.log = [&](const std::string& text) {
      const std::lock_guard lock(mutex);
      log += text;
    };
  });
  EXPECT_THAT(errors[1], HasSubstr("AuthError"));
  EXPECT_THAT(errors[1], HasSubstr("secret"));
  EXPECT_THAT(log, HasSubstr("secret"));
}

TEST(Rendezvous, AnAddressThatNobodyListensAtIsNamed) {
  const testing::FreeAddress nobody;
  Worker worker;
  AgentOptions o = worker.options(1, 2, nobody);
  o.init_timeout = Seconds(0.3);
  try {
    worker.agent = Agent::start(std::move(o));
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.message(), HasSubstr(nobody.text().substr(6)));
    EXPECT_THAT(e.message(), HasSubstr("0.3 s"));
  }
}

TEST(Rendezvous, AnAddressInUseIsNamed) {
  const testing::FreeAddress address;
  address.listen();
  Worker worker;
  try {
    worker.agent = Agent::start(worker.options(0, 2, address));
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.message(), HasSubstr(address.text().substr(6)));
  }
}

TEST(Rendezvous, AnInterruptEndsTheWait) {
  Worker worker;
  const testing::FreeAddress address;
  AgentOptions o = worker.options(0, 2, address);
  const TimePoint until = Clock::now() + milliseconds(150);
  o.interrupted = [until] { return Clock::now() > until; };
  EXPECT_THROW((void)Agent::start(std::move(o)), Cancelled);
  EXPECT_LT(Clock::now(), until + seconds(20));
}

// Unix sockets, and TCP.
class Shutdown : public ::testing::TestWithParam<Over> {
 protected:
  World::Change change() {
    return [over = GetParam()](int, AgentOptions& o) { talk(o, over); };
  }
};
INSTANTIATE_TEST_SUITE_P(Agent, Shutdown,
                         ::testing::Values(Over::kShm, Over::kUnix, Over::kTcp, Over::kInProcess),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(Shutdown, WaitsForCallsThatRun) {
  std::latch running(1), go(1);
  World world(3, change());
  world.handlers(1).on["chain"] = [&](IncomingCall call) {
    running.count_down();
    go.wait();
    // Work that begins others' work while everybody has already called shutdown.
    call.reply_with(world[1].call(2, CallRequest::builtin("test::plus", {1})));
  };
  const auto answer = world[0].call(1, foreign("chain"));
  running.wait();
  std::thread later([&] {
    std::this_thread::yield();
    go.count_down();
  });
  for (const auto& e : world.shutdown()) EXPECT_FALSE(e) << describe(e);
  later.join();
  EXPECT_TRUE(answer.ready());
  EXPECT_EQ(answer.get().to_int(), 2);
}

TEST_P(Shutdown, NamesTheWorkerThatDidNotCallIt) {
  World world(3, change());
  std::string zero, one;
  std::thread other([&] {
    try {
      world[1].shutdown(true, Seconds(0.3));
    } catch (...) {
      one = describe(std::current_exception());
    }
  });
  try {
    world[0].shutdown(true, Seconds(0.3));
  } catch (...) {
    zero = describe(std::current_exception());
  }
  other.join();
  EXPECT_THAT(zero, HasSubstr("'w2' (rank 2) did not call shutdown"));
  EXPECT_THAT(one, HasSubstr("shutdown"));
  EXPECT_TRUE(world[0].closed());
  EXPECT_TRUE(world[1].closed());
}

TEST_P(Shutdown, NamesTheWorkerThatIsStillBusy) {
  std::latch running(1), go(1);
  World world(2, change());
  world.handlers(1).on["busy"] = [&](IncomingCall call) {
    running.count_down();
    go.wait();
    call.reply(1);
  };
  const auto answer = world[0].call(1, foreign("busy"), kNoDeadline);
  running.wait();
  const auto errors = world.shutdown(Seconds(2));
  EXPECT_THAT(describe(errors[0]), HasSubstr("'w1' has 1 calls running"));
  EXPECT_TRUE(errors[1]);
  // Not left pending.
  EXPECT_TRUE(answer.error());
  go.count_down();
}

// What a reader must never do: it does not come back.
TEST_P(Shutdown, EndsInTimeWhateverTheReaderDoes) {
  std::latch running(1), go(1), ended(1);
  World world(2, change());
  world.handlers(1).on["stuck"] = [&](IncomingCall call) {
    running.count_down();
    go.wait();
    call.reply(1);
    ended.count_down();
  };
  const auto stuck = world[0].call(1, CallRequest::script("stuck", nullptr, {}), kNoDeadline);
  running.wait();
  const TimePoint begun = Clock::now();
  const auto errors = world.shutdown(Seconds(0.5));
  EXPECT_LT(Clock::now() - begun, seconds(6));
  EXPECT_THAT(describe(errors[0]), HasSubstr("'w1'"));
  EXPECT_TRUE(errors[1]);
  EXPECT_TRUE(stuck.error());
  go.count_down();
  ended.wait();
}

TEST_P(Shutdown, DoesNotWaitForHandlersWhoseCallerIsDead) {
  std::latch go(1);
  World world(3, change());
  world.handlers(2).on["slow"] = [&](IncomingCall call) {
    go.wait();
    call.reply(1);
  };
  std::vector<Future<Value>> slow;
  for (int i = 0; i < 3; ++i) slow.push_back(world[1].call(2, foreign("slow"), kNoDeadline));
  // Two run, the third waits for a thread: all of them count until their caller is gone.
  EXPECT_TRUE(eventually([&] { return world[2].counts().calls_running == 3; }));
  world[1].shutdown(false);
  std::vector<std::thread> others;
  for (const int rank : {0, 2})
    others.emplace_back([&world, rank] { world[rank].shutdown(true, Seconds(20)); });
  for (auto& t : others) t.join();
  go.count_down();
}

TEST_P(Shutdown, NamesTheWorkerWhoseProgramFailedToAll) {
  World world(3, change());
  world.workers[1]->agent->shutdown(false, Seconds(0), "ZeroDivisionError: division by zero");
  std::vector<std::string> errors(3);
  std::vector<std::thread> others;
  for (const int rank : {0, 2}) {
    others.emplace_back([&, rank] {
      try {
        world[rank].shutdown(true, Seconds(20));
      } catch (const PeerDied& e) {
        errors[static_cast<size_t>(rank)] = e.message();
      }
    });
  }
  for (auto& t : others) t.join();
  for (const int rank : {0, 2}) {
    EXPECT_THAT(errors[static_cast<size_t>(rank)], HasSubstr("'w1'"));
    EXPECT_THAT(errors[static_cast<size_t>(rank)], HasSubstr("ZeroDivisionError: division by zero"));
  }
}

TEST_P(Shutdown, ThatIsOrdinaryTellsNothing) {
  std::mutex mutex;
  std::string log;
  {
    World world(4, [&](int, AgentOptions& o) {
      talk(o, GetParam());
      o.log = [&](const std::string& text) {
        const std::lock_guard lock(mutex);
        log += text + "\n";
      };
    });
    for (int rank = 0; rank < 4; ++rank) world[rank].shutdown(false);
  }
  EXPECT_EQ(log, "");
}

TEST_P(Shutdown, IsIdempotentAndEndsCalls) {
  World world(2, change());
  for (const auto& e : world.shutdown()) EXPECT_FALSE(e) << describe(e);
  world[0].shutdown();
  world[0].shutdown(false);
  try {
    (void)world[0].call(1, CallRequest::builtin("test::plus", {1}));
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.message(), HasSubstr("shut down"));
  }
}

TEST_P(Shutdown, AtOnceFailsWhatIsPendingOnBothSides) {
  std::latch go(1), running(2);
  World world(2, change());
  for (const int w : {0, 1}) {
    world.handlers(w).on["block"] = [&](IncomingCall call) {
      running.count_down();
      go.wait();
      call.reply(1);
    };
  }
  const auto mine = world[0].call(1, foreign("block"), kNoDeadline);
  const auto theirs = world[1].call(0, foreign("block"), kNoDeadline);
  running.wait();
  world[0].shutdown(false);
  EXPECT_TRUE(mine.error());
  EXPECT_THAT(describe(theirs.error()), HasSubstr("PeerDied"));
  EXPECT_THAT(describe(theirs.error()), HasSubstr("'w0'"));
  EXPECT_THAT(describe(world[1].call(0, foreign("block")).error()), HasSubstr("PeerDied"));
  go.count_down();
}

TEST_P(Shutdown, OfAManyWorkerWorldIsClean) {
  World world(6, change());
  std::vector<Future<Value>> answers;
  for (int from = 0; from < 6; ++from) {
    for (int to = 0; to < 6; ++to)
      answers.push_back(world[from].call(to, CallRequest::builtin("test::plus", {from})));
  }
  for (const auto& e : world.shutdown()) EXPECT_FALSE(e) << describe(e);
  for (auto& a : answers) EXPECT_FALSE(a.error());
}

// A worker in a process of its own, which serves until the end of its world. The fork comes before this process
// has threads.
class Process {
 public:
  Process(int rank, int size, const std::string& address,
          const std::function<void(Handlers&)>& add_handlers) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    try {
      Worker worker;
      add_handlers(worker.handlers);
      worker.agent = Agent::start(worker.options(rank, size, address));
      worker.agent->shutdown(true, Seconds(60));
      ::_exit(0);
    } catch (const std::exception&) {
      ::_exit(1);
    }
  }
  ~Process() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    (void)::waitpid(pid_, nullptr, 0);
  }
  void kill() const { ::kill(pid_, SIGKILL); }
  int wait() {
    int status = 0;
    (void)::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
};

// An answer that never comes.
void add_never(Handlers& handlers) {
  handlers.on["never"] = [never = std::make_shared<Promise<Value>>()](IncomingCall call) {
    call.reply_with(never->future());
  };
}

TEST(Death, OfAKilledWorkerFailsItsCallsAtOnce) {
  const testing::FreeAddress address;
  Process one(1, 3, address, add_never), two(2, 3, address, add_never);
  Worker zero;
  zero.agent = Agent::start(zero.options(0, 3, address));
  Agent& agent = *zero.agent;
  EXPECT_EQ(agent.call(1, CallRequest::builtin("test::plus", {1})).get().to_int(), 2);
  std::vector<Future<Value>> pending;
  for (int i = 0; i < 10; ++i) pending.push_back(agent.call(1, foreign("never"), kNoDeadline));
  const auto lost = agent.remote(1, foreign("never"), kNoDeadline);
  one.kill();
  const TimePoint killed = Clock::now();
  for (auto& p : pending) {
    EXPECT_THAT(describe(p.error()), HasSubstr("PeerDied"));
    EXPECT_THAT(describe(p.error()), HasSubstr("'w1'"));
  }
  EXPECT_LT(Clock::now() - killed, seconds(5));
  EXPECT_THAT(describe(agent.call(1, CallRequest::builtin("test::plus", {1})).error()),
              HasSubstr("PeerDied"));
  EXPECT_THAT(describe(lost->to_here(kNoDeadline).error()), HasSubstr("PeerDied"));
  // The others go on, and the end names the dead.
  EXPECT_EQ(agent.call(2, CallRequest::builtin("test::plus", {1})).get().to_int(), 2);
  try {
    agent.shutdown(true, Seconds(20));
    ADD_FAILURE();
  } catch (const PeerDied& e) {
    EXPECT_THAT(e.message(), HasSubstr("'w1' died"));
  }
  EXPECT_EQ(two.wait(), 1);  // told as well
}

TEST(Death, OfAHolderGivesItsLeasesBack) {
  const testing::FreeAddress address;
  Process one(1, 2, address, [](Handlers& handlers) {
    handlers.on["keep"] = [kept = std::vector<Value>()](IncomingCall call) mutable {
      kept.push_back(ForeignPayload::in(call.args()[0])->leaves().at(0));
      call.reply(Value());
    };
  });
  Worker zero;
  zero.agent = Agent::start(zero.options(0, 2, address));
  EXPECT_FALSE(zero.agent->call(1, foreign("keep", {detail::Ref<RRefObject>(zero.agent->own(5))})).error());
  EXPECT_EQ(zero.agent->counts().references_owned, 1U);
  one.kill();
  EXPECT_TRUE(eventually([&] { return zero.agent->counts().references_owned == 0; }));
}

TEST(Death, OfRank0EndsTheShutdownOfTheOthers) {
  const testing::FreeAddress address;
  Process zero(0, 2, address,
               [](Handlers& handlers) { handlers.on["die"] = [](IncomingCall) { ::_exit(3); }; });
  Worker one;
  one.agent = Agent::start(one.options(1, 2, address));
  const auto last = one.agent->call(0, foreign("die"));
  try {
    one.agent->shutdown(true, Seconds(30));
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_THAT(e.message(), HasSubstr("'w0'"));
  }
  EXPECT_THAT(describe(last.error()), HasSubstr("PeerDied"));
}

}  // namespace
}  // namespace tine::rpc
