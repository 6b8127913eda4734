// The reader's role under every order of its operations: one thread reads at a time, all that comes is read, and what is closed is
// finished (the invariants R1 to R4 of reader_role.h).
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "src/base/testing/interleave.h"
#include "src/rpc/transport/reader_role.h"

namespace tine::rpc {
namespace {

using interleave::Explorer;
using interleave::Report;
using interleave::require;
using interleave::Scenario;

using Role = ReaderRole<interleave::Atomic, 2>;

// What a thread leaves out, to see that it is noticed.
enum class Without : uint8_t { kNothing, kMissed, kClosed, kGuard };

// A channel that tells of what comes while it is armed, a loop, and a connection as FramedConnection is one.
struct Connection {
  explicit Connection(Without w) : without(w) {}

  const Without without;
  Role role;
  interleave::Atomic<int> unread{0};
  interleave::Atomic<bool> armed{true};
  int events = 0, reads_asked = 0, finishes_asked = 0;  // of the loop, under its lock: no step inside
  int guards = 0;
  int readers = 0, got = 0, running = 0;
  bool finished = false;

  void arrive() {
    unread.fetch_add(1);
    if (armed.load() && armed.exchange(false)) ++events;
  }
  void read() {
    require(readers++ == 0, "R1: two threads read");
    require(!finished, "R1: it was read after its end");
    got += unread.exchange(0);
    --readers;
  }
  void disarm() { armed.store(false); }
  bool arm() {
    armed.store(true);
    if (unread.load() == 0) return false;
    armed.store(false);
    return true;
  }
  void ask(Role::Then then, bool left) {
    if (then == Role::Then::kFinish && without != Without::kClosed) {
      ++finishes_asked;
    } else if (left || (then == Role::Then::kRead && without != Without::kMissed)) {
      ++reads_asked;
    }
  }
  void leave() {
    role.leave();
    const bool left = !role.closed() && arm();
    ask(role.free(), left);
  }
  void lend() {
    ask(role.lend([this] { return start_guard(); }), false);
  }
  bool start_guard() {
    if (without == Without::kGuard) return true;
    require(++guards <= 2, "R4: more guards than the one that goes and the next");
    return true;
  }
  void read_on_loop() {
    if (role.closed() || !role.take_for_event()) return;
    read();
    leave();
  }
  void close() {
    role.close();
    ++finishes_asked;
  }
  void finish() {
    if (finished || !role.take()) return;
    require(readers == 0, "R1: it ends while a thread reads");
    finished = true;
  }
  // The loop's thread, until nothing can come any more.
  void loop(int expected) {
    const auto is_over = [this, expected] {
      return running == 0 && (finished || (got == expected && guards == 0));
    };
    for (;;) {
      Explorer::block_until([&] { return events || reads_asked || finishes_asked || guards || is_over(); });
      if (events > 0) {
        --events;
        read_on_loop();
      } else if (reads_asked > 0) {
        --reads_asked;
        read_on_loop();
      } else if (finishes_asked > 0) {
        --finishes_asked;
        finish();
      } else if (guards > 0) {
        if (role.closed() || !role.look_after([this] { read_on_loop(); })) --guards;
      } else {
        return;
      }
    }
  }
  // Waits for an answer, and reads meanwhile.
  void poll() {
    if (role.closed() || !role.take()) return;
    disarm();
    read();
    leave();
  }
  // Lingers: lends the role while it runs what has come, and comes back or not.
  void linger(bool comes_back) {
    if (role.closed() || !role.take()) return;
    disarm();
    read();
    lend();
    if (comes_back) poll();
  }
  // Says that it will wait, and does not.
  void expect_wait() {
    if (!role.has_guard([this] { return start_guard(); }) || !role.take_if_free()) return;
    disarm();
    lend();
  }
};

using Work = std::function<void(Connection&)>;

std::function<Scenario()> connection(std::vector<Work> work, int expected,
                                     Without without = Without::kNothing) {
  return [work = std::move(work), expected, without] {
    const auto c = std::make_shared<Connection>(without);
    Scenario s;
    c->running = static_cast<int>(work.size());
    for (const Work& w : work) {
      s.threads.push_back([c, w] {
        w(*c);
        --c->running;
      });
    }
    s.threads.push_back([c, expected] { c->loop(expected); });
    s.check = [c, expected] { require(c->finished || c->got == expected, "R2: something is unread"); };
    return s;
  };
}

const Work arrives_twice = [](Connection& c) {
  c.arrive();
  c.arrive();
};
const Work polls = [](Connection& c) { c.poll(); };
const Work polls_twice = [](Connection& c) {
  c.poll();
  c.poll();
};
const Work lingers = [](Connection& c) { c.linger(true); };
const Work lingers_and_goes = [](Connection& c) { c.linger(false); };
const Work says_it_will_wait = [](Connection& c) { c.expect_wait(); };
const Work closes = [](Connection& c) { c.close(); };

void expect_none_fails(const char* what, const std::function<Scenario()>& make) {
  const Report deep = Explorer::exhaustive(make, 40'000, 4);
  EXPECT_EQ(deep.failure, "") << what;
  const Report wide = Explorer::random(make, 20'000, 20261129);
  EXPECT_EQ(wide.failure, "") << what;
  interleave::tell(what, deep, wide);
}

TEST(ReaderRoleInterleavings, OfTheLoopAndOneWhoPollsLeaveNothingUnread) {
  expect_none_fails("a poller", connection({arrives_twice, polls_twice}, 2));
}
TEST(ReaderRoleInterleavings, OfTheLoopAndTwoWhoPollLeaveNothingUnread) {
  expect_none_fails("two pollers", connection({arrives_twice, polls, polls}, 2));
}
TEST(ReaderRoleInterleavings, OfARoleThatIsLentLeaveNothingUnread) {
  expect_none_fails("one who lingers", connection({arrives_twice, lingers}, 2));
  expect_none_fails("one who lingers and goes", connection({arrives_twice, lingers_and_goes}, 2));
  expect_none_fails("one who lingers beside one who polls", connection({arrives_twice, lingers, polls}, 2));
  expect_none_fails("one who will wait", connection({arrives_twice, says_it_will_wait, polls}, 2));
}
TEST(ReaderRoleInterleavings, OfAGuardThatGoesAndARoleThatIsLentAgainLeaveNothingUnread) {
  const Work lends_often = [](Connection& c) {
    for (int i = 0; i < 3; ++i) c.expect_wait();
  };
  const Work arrives_once = [](Connection& c) { c.arrive(); };
  expect_none_fails("one who lends again and again", connection({arrives_once, lends_often}, 1));
}
TEST(ReaderRoleInterleavings, OfAnEndFinishWhateverItsReadersDo) {
  expect_none_fails("an end beside a poller", connection({closes, polls_twice}, -1));
  expect_none_fails("an end beside one who lingers", connection({closes, lingers, polls}, -1));
  expect_none_fails("an end beside one who goes", connection({closes, lingers_and_goes, arrives_twice}, -1));
}

TEST(ReaderRoleInterleavings, OfWhoDoesNotLookAfterwardsAreCaught) {
  EXPECT_NE(
      Explorer::exhaustive(connection({arrives_twice, polls_twice}, 2, Without::kMissed), 200'000, 4).failure,
      "");
  EXPECT_NE(Explorer::exhaustive(connection({closes, polls_twice}, -1, Without::kClosed), 200'000, 4).failure,
            "");
  EXPECT_NE(
      Explorer::exhaustive(connection({arrives_twice, lingers_and_goes}, 2, Without::kGuard), 200'000, 4)
          .failure,
      "");
}

// As the loop runs it: the guard of a role that is not lent any more is let go of, and the next one who lends gets another.
TEST(ReaderRole, AGuardGoesAfterFiftyQuietTurnsAndComesAgainWithTheNextLoan) {
  ReaderRole<std::atomic> role;
  int started = 0, reads = 0;
  const auto start = [&] { return ++started > 0; };
  const auto read = [&] {
    ++reads;
    ASSERT_TRUE(role.take_for_event());
    role.leave();
    EXPECT_EQ(role.free(), ReaderRole<std::atomic>::Then::kNothing);
  };
  for (int round = 1; round <= 3; ++round) {
    ASSERT_TRUE(role.take());
    EXPECT_EQ(role.lend(start), ReaderRole<std::atomic>::Then::kNothing);
    EXPECT_EQ(started, round);
    int turns = 1;
    while (role.look_after(read)) ++turns;
    EXPECT_EQ(turns, 51) << "the one that sees the loan, and fifty";
    EXPECT_EQ(reads, round) << "the role was lent once";
  }
}

TEST(ReaderRole, ARoleThatIsLentInEachTurnKeepsItsGuardAndIsNotTaken) {
  ReaderRole<std::atomic> role;
  int started = 0;
  for (int turn = 0; turn < 200; ++turn) {
    ASSERT_TRUE(role.take());
    (void)role.lend([&] { return ++started > 0; });
    EXPECT_TRUE(role.look_after([] { ADD_FAILURE() << "its holder came back in time"; }));
  }
  EXPECT_EQ(started, 1);
}

TEST(ReaderRole, ALoanThatTheLoopCannotLookAfterIsReadAtOnce) {
  ReaderRole<std::atomic> role;
  ASSERT_TRUE(role.take());
  EXPECT_EQ(role.lend([] { return false; }), ReaderRole<std::atomic>::Then::kRead);
}

}  // namespace
}  // namespace tine::rpc
