// Worlds whose workers come and go (docs/spec/agent.md, "Worlds that change").

#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <latch>
#include <limits>
#include <list>
#include <mutex>
#include <optional>

#include "src/base/random.h"
#include "src/rpc/rendezvous.h"
#include "src/rpc/rref_table.h"
#include "src/rpc/world_for_tests.h"

namespace tine::rpc {
namespace {

using std::chrono::milliseconds;
using testing::add;
using ::testing::ElementsAre;
using testing::foreign;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::numbers;
using testing::Over;

// The message of the E that f throws.
template <class E, class F>
std::string thrown(F f) {
  try {
    f();
  } catch (const E& e) {
    return e.message();
  }
  return "nothing was thrown";
}

// Workers that come and go, by their names.
class Changing : public ::testing::TestWithParam<Over> {
 protected:
  struct One : testing::Worker {
    std::mutex mutex;
    std::vector<std::string> told;  // by its hooks
    std::vector<std::string> seen() {
      const std::lock_guard lock(mutex);
      return told;
    }
  };
  ~Changing() override {
    for (auto& [name, one] : all_) {
      if (one->agent) one->agent->shutdown(false);
    }
  }

  AgentOptions options(One& one, const std::string& name, int rank) {
    AgentOptions o = one.options(rank, 0, address_);
    o.name = name;
    testing::talk(o, GetParam());
    o.on_worker_joined = [&one](const WorkerInfo& w) {
      const std::lock_guard lock(one.mutex);
      one.told.push_back("+" + w.name);
    };
    o.on_worker_lost = [&one](const WorkerInfo& w, const std::exception_ptr& cause) {
      const std::lock_guard lock(one.mutex);
      one.told.push_back("-" + w.name +
                         (describe(cause).find("has left") != std::string::npos ? " left" : " died"));
    };
    return o;
  }
  One& make(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return *(all_[name] = std::make_unique<One>());
  }
  Agent& join(const std::string& name, int rank, const std::function<void(AgentOptions&)>& change = {}) {
    One& one = make(name);
    AgentOptions o = options(one, name, rank);
    if (change) change(o);
    one.agent = Agent::start(std::move(o));
    return *one.agent;
  }
  One& operator[](const std::string& name) {
    const std::lock_guard lock(mutex_);
    return *all_.at(name);
  }
  static std::vector<std::string> names(Agent& agent) {
    std::vector<std::string> names;
    for (const WorkerInfo& w : agent.workers()) names.push_back(w.name);
    return names;
  }
  static void check_call(Agent& from, Agent& to) {
    EXPECT_EQ(numbers(from.call(to.self().id, add({1}, {2})).get()), std::vector<float>{3});
  }

  // A handler may still be on its way out of one when the test's body has ended.
  std::latch& latch(ptrdiff_t count) { return latches_.emplace_back(count); }

  testing::FreeAddress address_;

 private:
  std::list<std::latch> latches_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<One>> all_;
};

TEST_P(Changing, WorkersJoinOneAfterTheOtherAndCallEachOther) {
  Agent& a = join("a", 0);
  EXPECT_THAT(names(a), ElementsAre("a"));
  Agent& b = join("b", 5);
  Agent& c = join("c", 3);
  for (Agent* const x : {&a, &b, &c}) {
    EXPECT_THAT(names(*x), ElementsAre("a", "c", "b"));
    for (Agent* const y : {&a, &b, &c}) check_call(*x, *y);
  }
  EXPECT_EQ(a.worker_info("b").id, 5);
  EXPECT_TRUE(eventually([&] { return (*this)["a"].seen() == std::vector<std::string>{"+b", "+c"}; }));
  EXPECT_TRUE(eventually([&] { return (*this)["b"].seen() == std::vector<std::string>{"+c"}; }));
  // Those who were there are in the list, and not told of.
  EXPECT_THAT((*this)["c"].seen(), IsEmpty());
}

TEST_P(Changing, TheRegisterGivesTheNextFreeRank) {
  join("a", 0);
  EXPECT_EQ(join("b", -1).self().id, 1);
  join("c", 3);
  EXPECT_EQ(join("d", -1).self().id, 2);
  EXPECT_EQ(join("e", -1).self().id, 4);
  (*this)["b"].agent->shutdown();
  EXPECT_EQ(join("f", -1).self().id, 1);
}

TEST_P(Changing, ANameOrRankThatIsTakenIsRefusedAndTheOthersGoOn) {
  std::atomic<int> logged{0};
  Agent& a = join("a", 0, [&](AgentOptions& o) {
    o.log = [&](const std::string& line) { logged += line.find("is not unique") != std::string::npos; };
  });
  join("b", 1);
  EXPECT_THAT(thrown<ValueError>([&] { join("b2", 1); }), HasSubstr("rank 1 is not unique: 'b' (rank 1"));
  EXPECT_THAT(thrown<ValueError>([&] { join("x", 2, [](AgentOptions& o) { o.name = "b"; }); }),
              HasSubstr("the worker name 'b' is not unique"));
  EXPECT_EQ(logged.load(), 2);  // rank 0 says so, too
  EXPECT_THAT(names(a), ElementsAre("a", "b"));
  check_call(a, join("d", 2));
}

TEST_P(Changing, OfTwoWithTheSameNameAtOnceOneJoins) {
  Agent& a = join("a", 0);
  for (int round = 0; round < 3; ++round) {
    std::atomic<int> in{0}, refused{0};
    std::vector<std::thread> threads;
    for (const char* const who : {"x", "y"}) {
      threads.emplace_back([&, who] {
        try {
          join(who, -1, [](AgentOptions& o) { o.name = "same"; });
          ++in;
        } catch (const ValueError&) {
          ++refused;
        }
      });
    }
    for (auto& t : threads) t.join();
    EXPECT_EQ(in.load(), 1);
    EXPECT_EQ(refused.load(), 1);
    EXPECT_THAT(names(a), ElementsAre("a", "same"));
    for (const char* const who : {"x", "y"}) {
      if (auto& agent = (*this)[who].agent) agent->shutdown();
    }
  }
}

TEST_P(Changing, WhoLeavesIsToldToEverybodyAndItsPlaceCanBeTakenAgain) {
  Agent& a = join("a", 0);
  Agent& b = join("b", 1);
  join("c", 2);
  (*this)["c"].agent->shutdown();
  for (Agent* const x : {&a, &b}) {
    EXPECT_TRUE(eventually([&] { return x->workers().size() == 2; }));
    EXPECT_THAT(thrown<PeerDied>([&] { (void)x->call(2, add({1}, {2})).get(); }),
                HasSubstr("'c' (rank 2) has left"));
    EXPECT_THAT(thrown<ValueError>([&] { (void)x->worker_info("c"); }),
                HasSubstr("the workers are 'a', 'b'"));
  }
  EXPECT_TRUE(eventually([&] { return (*this)["b"].seen() == std::vector<std::string>{"+c", "-c left"}; }));
  Agent& next = join("next", 2);
  for (Agent* const x : {&a, &b}) check_call(*x, next);
}

TEST_P(Changing, ReferencesToAnEarlierLifeAreRefusedByName) {
  Agent& a = join("a", 0);
  Agent& b = join("b", 1);
  join("c", 2);
  const auto there = a.remote(2, add({1}, {2}), kNoDeadline);
  EXPECT_EQ(numbers(there->to_here(kNoDeadline).get()), std::vector<float>{3});
  (*this)["c"].agent->shutdown();
  EXPECT_TRUE(eventually([&] { return a.workers().size() == 2 && b.workers().size() == 2; }));
  EXPECT_THAT(thrown<PeerDied>([&] { (void)there->to_here(kNoDeadline).get(); }),
              HasSubstr("'c' (rank 2) has left"));
  join("d", 2);
  EXPECT_THAT(thrown<PeerDied>([&] { (void)there->to_here(kNoDeadline).get(); }),
              HasSubstr("'c' (rank 2) has left; its rank is now that of another: worker 'd'"));
  // One that is passed on.
  const Value rref{detail::Ref<RRefObject>(there)};
  EXPECT_THAT(thrown<ValueError>([&] { (void)a.call(1, CallRequest::builtin("test::any", {rref})).get(); }),
              HasSubstr("an earlier life"));
  check_call(a, b);
}

TEST_P(Changing, ANewcomersReferencesAreUnderstoodByAll) {
  join("a", 0);
  join("b", 1);
  for (int i = 0; i < 5; ++i) {
    Agent& c = join("c" + std::to_string(i), -1);
    // From a to b, of a value of c's, as soon as a can have it.
    Agent& a = *(*this)["a"].agent;
    const auto there = a.remote(c.self().id, add({1}, {float(i)}), kNoDeadline);
    const Value back =
        a.call(1, CallRequest::builtin("test::any", {Value(detail::Ref<RRefObject>(there))})).get();
    EXPECT_EQ(Reference::from(back)->owner(), c.self());
    EXPECT_EQ(numbers(there->to_here(kNoDeadline).get()), std::vector<float>{float(1 + i)});
  }
}

TEST_P(Changing, WorkersComeAndGoWhileCallsRun) {
  Agent& a = join("a", 0);
  Agent& b = join("b", 1);
  std::atomic<bool> over{false};
  std::atomic<int> calls{0};
  std::thread caller([&] {
    while (!over.load()) {
      check_call(a, b);
      ++calls;
      for (const WorkerInfo& w : a.workers()) {
        const Future<Value> sum = [&] {
          try {
            return a.call(w.id, add({1}, {2}));
          } catch (const ValueError& e) {  // it has gone, and another has its name or rank
            return make_failed<Value>(make_error(ErrorKind::kPeerDied, e.message()));
          }
        }();
        try {
          EXPECT_EQ(numbers(sum.get()), std::vector<float>{3});
        } catch (const PeerDied&) {
          EXPECT_GT(w.id, 1) << w.name;  // only those who leave
        }
      }
    }
  });
  std::vector<std::thread> comers;
  for (int t = 0; t < 2; ++t) {
    comers.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const std::string name = "c" + std::to_string(t) + std::to_string(i);
        Agent& c = join(name, -1);
        check_call(c, a);
        check_call(c, b);
        c.shutdown(i % 2 == 0);
      }
    });
  }
  for (auto& t : comers) t.join();
  over.store(true);
  caller.join();
  EXPECT_GT(calls.load(), 0);
  EXPECT_TRUE(eventually([&] {
    return names(a) == std::vector<std::string>({"a", "b"}) && names(b) == names(a);
  }));
}

TEST_P(Changing, ManyJoinAtOnce) {
  Agent& a = join("a", 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] { join("w" + std::to_string(i), i % 2 ? -1 : 10 + i); });
  for (auto& t : threads) t.join();
  EXPECT_EQ(a.workers().size(), 9U);
  for (int i = 0; i < 8; ++i) {
    Agent& w = *(*this)["w" + std::to_string(i)].agent;
    EXPECT_TRUE(eventually([&] { return w.workers().size() == 9; })) << i;
    check_call(w, a);
  }
}

TEST_P(Changing, ALargeCallThatIsOnItsWayToAWorkerThatLeavesIsAnswered) {
  Agent& a = join("a", 0);
  Agent& b = join("b", 1);
  (*this)["b"].handlers.on["size"] = [](IncomingCall call) {
    call.reply(Value(static_cast<int64_t>(call.args().at(0).to_string().size())));
  };
  // The word that b leaves, and a's answer to it, are small: they overtake what is large.
  const size_t size = size_t{24} << 20;
  const Future<Value> call = a.call(1, CallRequest::served("size", {std::string(size, 'x')}));
  b.shutdown();
  EXPECT_EQ(call.get().to_int(), static_cast<int64_t>(size));
}

TEST_P(Changing, AWorkerThatLeavesWaitsForItsOwnCallsOrNamesThem) {
  join("a", 0);
  Agent& b = join("b", 1);
  std::latch& begun = latch(1);
  std::latch& go = latch(1);
  (*this)["a"].handlers.on["slow"] = [&](IncomingCall call) {
    begun.count_down();
    go.wait();
    call.reply(Value(7));
  };
  const Future<Value> call = b.call(0, foreign("slow"));
  begun.wait();
  std::thread leaving([&] { b.shutdown(); });
  Agent& c = join("c", 2);
  const Future<Value> hopeless = c.call(0, foreign("slow"));
  EXPECT_THAT(thrown<DeadlineExceeded>([&] { c.shutdown(true, Seconds(0.05)); }),
              HasSubstr("calls of worker 'c' are still running: 1 to and 0 of 'a'"));
  EXPECT_THROW((void)hopeless.get(), Error);
  EXPECT_FALSE(call.ready());
  go.count_down();
  EXPECT_EQ(call.get().to_int(), 7);
  leaving.join();
}

TEST_P(Changing, AWorkerThatLeavesFinishesWhatOthersHaveAskedOfIt) {
  join("a", 0);
  Agent& b = join("b", 1);
  std::latch& begun = latch(1);
  std::latch& go = latch(1);
  (*this)["b"].handlers.on["slow"] = [&](IncomingCall call) {
    begun.count_down();
    go.wait();
    call.reply(Value(7));
  };
  Agent& a = *(*this)["a"].agent;
  const Future<Value> running = a.call(1, foreign("slow"));
  begun.wait();
  std::thread leaving([&] { b.shutdown(); });
  // Once it has said so, it takes no more calls; those that run go on.
  std::string refused;
  EXPECT_TRUE(eventually([&] {
    try {
      (void)a.call(1, add({1}, {2})).get();
      return false;
    } catch (const PeerDied& e) {
      refused = e.message();
      return true;
    }
  }));
  EXPECT_THAT(refused, HasSubstr("'b' (rank 1) is leaving"));
  EXPECT_FALSE(running.ready());
  go.count_down();
  EXPECT_EQ(running.get().to_int(), 7);
  leaving.join();
}

TEST_P(Changing, Rank0LeavesLastOrSaysWhoIsStillThere) {
  Agent& a = join("a", 0);
  Agent& b = join("b", 1);
  std::thread first([&] { a.shutdown(); });
  // It waits, and goes on serving and taking in who comes.
  Agent& late = join("late", 2);
  EXPECT_EQ(numbers(late.call(0, add({1}, {2})).get()), std::vector<float>{3});
  late.shutdown();
  b.shutdown();
  first.join();
  testing::FreeAddress other;
  One x, y;
  AgentOptions o = options(x, "x", 0);
  o.address = other.text();
  testing::talk(o, GetParam());
  x.agent = Agent::start(o);
  o = options(y, "y", 1);
  o.address = other.text();
  testing::talk(o, GetParam());
  y.agent = Agent::start(o);
  EXPECT_THAT(thrown<DeadlineExceeded>([&] { x.agent->shutdown(true, Seconds(0.05)); }),
              HasSubstr("leaves it last; there are still 'y' (rank 1)"));
  y.agent->shutdown(false);
}

TEST_P(Changing, WithoutRank0TheOthersGoOnAndNobodyJoins) {
  join("a", 0);
  Agent& b = join("b", 1);
  Agent& c = join("c", 2);
  (*this)["a"].agent->shutdown(false);
  EXPECT_TRUE(eventually([&] {
    return names(b) == std::vector<std::string>({"b", "c"}) && names(c) == names(b);
  }));
  check_call(b, c);
  EXPECT_THROW(join("d", 3, [](AgentOptions& o) { o.init_timeout = Seconds(0.3); }), Error);
  c.shutdown();
  b.shutdown();
}

TEST_P(Changing, AFixedWorldAndOneThatChangesRefuseEachOther) {
  join("a", 0);
  EXPECT_THAT(thrown<ValueError>([&] { join("b", 1, [](AgentOptions& o) { o.world_size = 2; }); }),
              HasSubstr("its world changes, and whoever joins it gives none"));
  check_call(*(*this)["a"].agent, join("c", 1));
}

TEST_P(Changing, RanksAndTimeoutsThatCannotBeAreRefusedAtOnce) {
  for (const int rank : {-2, kMostRanks})
    EXPECT_THAT(thrown<ValueError>([&] { join("w", rank); }),
                HasSubstr("expected a rank from 0 to 65535, or -1"));
  for (const double timeout : {std::numeric_limits<double>::quiet_NaN(), -1.0, 0.0})
    EXPECT_THROW(join("w", 0, [&](AgentOptions& o) { o.init_timeout = Seconds(timeout); }), ValueError);
  Agent& a = join("a", 0, [](AgentOptions& o) { o.init_timeout = Seconds(1e300); });
  for (const double timeout : {std::numeric_limits<double>::quiet_NaN(), -1.0})
    EXPECT_THROW(a.shutdown(true, Seconds(timeout)), ValueError);
  a.shutdown(true, Seconds(1e300));
}

// Somebody who registers, and no more.
struct Halfway {
  Halfway(const std::string& name, int rank, const std::string& address, Over over)
      : Halfway({name, random_incarnation(), testing::test_secret()}, rank, address, over) {}
  Halfway(const Identity& identity, int rank, const std::string& address, Over over)
      : ways(testing::transports_over(over), loop, identity) {
    RendezvousOptions o;
    o.address = (over == Over::kInProcess ? "inproc:" : "") + address;
    o.self = {identity.name, rank, identity.incarnation, {{"tcp://127.0.0.1:1", ""}}};
    o.world_size = 0;
    o.deadline = Clock::now() + std::chrono::seconds(30);
    o.timeout_s = 30;
    rendezvous = std::make_unique<Rendezvous>(ways.for_address(o.address), o);
    members = rendezvous->enter();
  }
  ~Halfway() {
    rendezvous = nullptr;
    loop.stop();
  }
  IoLoop loop;
  Ways ways;
  std::unique_ptr<Rendezvous> rendezvous;
  std::vector<Member> members;
};

TEST_P(Changing, WhoDiesWhileItJoinsIsForgottenAndTheNextOneHasItsPlace) {
  Agent& a = join("a", 0);
  Agent& b = join("b", 1);
  std::optional<Halfway> halfway;
  halfway.emplace("c", 2, address_.text(), GetParam());
  EXPECT_EQ(halfway->members.size(), 3U);
  // It has its turn: others wait for it.
  std::thread next([&] { join("c", 2); });
  EXPECT_TRUE(eventually([&] { return (*this)["a"].agent->workers().size() == 2; }));
  halfway.reset();
  next.join();
  for (Agent* const x : {&a, &b}) check_call(*x, *(*this)["c"].agent);
  EXPECT_TRUE(eventually([&] { return (*this)["b"].seen() == std::vector<std::string>{"+c"}; }));
}

TEST_P(Changing, AJoinThatIsInterruptedLeavesNothingBehind) {
  Agent& a = join("a", 0);
  std::optional<Halfway> halfway;
  halfway.emplace("x", 9, address_.text(), GetParam());
  EXPECT_THROW(join("b", 1, [](AgentOptions& o) { o.interrupted = [] { return true; }; }), Cancelled);
  EXPECT_THROW(join("b", 1, [](AgentOptions& o) { o.init_timeout = Seconds(0.2); }), DeadlineExceeded);
  halfway.reset();
  check_call(a, join("b", 1));
}

TEST_P(Changing, AWorkerThatStopsWhileItJoinsHoldsUpNobodyForLong) {
  IoLoop loop;
  const Identity identity{"a", random_incarnation(), testing::test_secret(), 0};
  Ways ways(testing::transports_over(GetParam()), loop, identity);
  RendezvousOptions o;
  o.address = (GetParam() == Over::kInProcess ? "inproc:" : "") + address_.text();
  o.self = {"a", 0, identity.incarnation, {}};
  o.world_size = 0;
  std::atomic<int> expected{0}, forgotten{0};
  o.open = {
      o.self,
      [&](const Member&) { ++expected; },
      [&](uint64_t) { ++forgotten; },
      [&](TimePoint when, std::function<void()> work) { (void)loop.schedule_at(when, std::move(work)); },
      {},
      milliseconds(50)};
  {
    Rendezvous rank0(ways.for_address(o.address), o);
    rank0.open_register()->open();
    Halfway stopped("stopped", -1, address_.text(), GetParam());
    // Nobody waits: it may take its time.
    Halfway next("next", -1, address_.text(), GetParam());
    EXPECT_EQ(next.members.size(), 2U);
    EXPECT_EQ(next.members.back().rank, 1);
    EXPECT_THAT(thrown<Error>([&] { stopped.rendezvous->wait_ready(); }),
                HasSubstr("others wait for their turn"));
    next.rendezvous->wait_ready();
    EXPECT_EQ(expected.load(), 2);
    EXPECT_EQ(forgotten.load(), 1);
    EXPECT_EQ(rank0.open_register()->others(), "'next' (rank 1)");
    rank0.fail("the test is over");
  }
  loop.stop();
}

int open_descriptors() {
  int n = 0;
  DIR* const folder = ::opendir("/proc/self/fd");
  while (::readdir(folder)) ++n;
  ::closedir(folder);
  return n;
}
int threads() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Threads:")) return std::stoi(line.substr(8));
  }
  return -1;
}

int rings() {
  std::ifstream maps("/proc/self/maps");
  int n = 0;
  for (std::string line; std::getline(maps, line);) n += line.find("memfd:tine-rings") != std::string::npos;
  return n;
}

TEST_P(Changing, OfWhoHasLeftNoConnectionIsKept) {
  Agent& a = join("a", 0);
  for (int rank = 1; rank <= 40; ++rank) {
    const std::string name = "b" + std::to_string(rank);
    Agent& b = join(name, rank);
    check_call(a, b);
    check_call(b, a);
    EXPECT_GE(rings(), GetParam() == Over::kShm ? 2 : 0);
    b.shutdown();
    (*this)[name].agent.reset();
    EXPECT_TRUE(eventually([&] { return a.workers().size() == 1; }));
    EXPECT_THAT(thrown<PeerDied>([&] { (void)a.call(rank, add({1}, {2})).get(); }), HasSubstr("has left"));
  }
  // A thread keeps the last list of workers that it saw until it asks again.
  EXPECT_LT(rings(), 20);
}

TEST_P(Changing, NothingIsLeftOfWorkersThatCameAndWent) {
  Agent& a = join("a", 0);
  One& one = make("b");
  int descriptors = 0, running = 0;
  for (int i = 0; i < 60; ++i) {
    one.agent = Agent::start(options(one, "b", i % 3 ? 1 : -1));
    check_call(*one.agent, a);
    one.agent->shutdown(i % 2 == 0);
    one.agent = nullptr;
    EXPECT_TRUE(eventually([&] { return a.workers().size() == 1; }));
    if (i != 20) continue;
    descriptors = open_descriptors();
    running = threads();
  }
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= descriptors; }))
      << open_descriptors() << " " << descriptors;
  EXPECT_TRUE(eventually([&] { return threads() <= running; })) << threads() << " " << running;
  EXPECT_EQ(a.counts().references_owned, 0U);
}

INSTANTIATE_TEST_SUITE_P(Over, Changing,
                         ::testing::Values(Over::kShm, Over::kUnix, Over::kTcp, Over::kInProcess),
                         [](const auto& i) { return name_of(i.param); });

}  // namespace
}  // namespace tine::rpc
