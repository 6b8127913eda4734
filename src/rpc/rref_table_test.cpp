// The table of references alone, between workers that a game moves: whatever overtakes whatever, as far as
// docs/spec/wire.md and src/rpc/inbox.h let it, no value is lost that somebody refers to, and none is kept.

#include "src/rpc/rref_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>

namespace tine::rpc {
namespace {

using ::testing::HasSubstr;

using Bytes = std::vector<std::byte>;

struct Message {
  enum class What : uint8_t { kFrame, kCreate, kPass, kFetch };
  What what = What::kFrame;
  bool large = false;  // travels in chunks
  bool slow = false;   // its body is decoded in the pool
  uint64_t sent = 0;
  FrameKind kind = FrameKind::kRequest;
  Bytes body;                                   // kFrame
  RRefId id;                                    // kCreate
  Bytes reference;                              // kPass, kFetch: ext 6
  std::vector<detail::Ref<Reference>> carried;  // kept until the last byte is written
};

class Game;

class Worker final : public Workers, public Fetcher {
 public:
  Worker(Game& game, int rank, int size) : table(*this), game_(game), rank_(rank) {
    for (int i = 0; i < size; ++i) infos_.push_back({"w" + std::to_string(i), i});
    dead.resize(static_cast<size_t>(size));
    behind.resize(static_cast<size_t>(size));
    table.share(life, *this);
  }
  int rank() const noexcept override { return rank_; }
  uint64_t incarnation() const noexcept override { return incarnation_of(rank_); }
  const WorkerInfo& self() const noexcept override { return infos_[static_cast<size_t>(rank_)]; }
  bool is_rank(int rank) const noexcept override {
    return rank >= 0 && static_cast<size_t>(rank) < infos_.size();
  }
  WorkerInfo info_of_life(int rank, uint64_t incarnation) const override {
    if (incarnation != incarnation_of(rank)) throw ValueError("an earlier life");
    return infos_[static_cast<size_t>(rank)];
  }
  std::string name_of_life(uint64_t incarnation) const override {
    return infos_[static_cast<size_t>(incarnation - 1000)].name;
  }
  bool lives(uint64_t incarnation) const noexcept override {
    const auto rank = static_cast<int>(incarnation - 1000);
    return rank != rank_ && !is_dead(rank);
  }
  void tell(int rank, uint64_t incarnation, OutFrame frame) noexcept override;
  static uint64_t incarnation_of(int rank) noexcept { return 1000 + static_cast<uint64_t>(rank); }
  bool is_dead(int rank) const noexcept { return dead[static_cast<size_t>(rank)]; }
  RRefId next_id(int owner) {
    return {owner, incarnation_of(owner), incarnation(), ++last_[static_cast<size_t>(owner)]};
  }
  Future<Value> fetch(const Reference&, TimePoint) override { return {}; }
  Future<Value> next_items(const Reference&, std::string, int64_t, TimePoint) override { return {}; }
  TimePoint deadline_after(Seconds) const override { return kNoDeadline; }

  std::shared_ptr<void> life = std::make_shared<int>();
  RRefTable table;
  std::vector<bool> dead;                    // as this worker has seen it
  std::vector<std::deque<Message>> behind;   // by sender: waits for the pool
  std::vector<detail::Ref<Reference>> held;  // by its program

 private:
  Game& game_;
  const int rank_;
  std::vector<WorkerInfo> infos_;
  std::map<size_t, uint64_t> last_;
};

class Game {
 public:
  Game(int size, uint32_t seed) : random(seed) {
    for (int i = 0; i < size; ++i) workers.push_back(std::make_unique<Worker>(*this, i, size));
  }
  ~Game() {
    for (auto& w : workers) w->held.clear();
    links.clear();
    for (auto& w : workers) {
      w->behind.clear();
      w->table.clear(make_error(ErrorKind::kAbandoned, "the end"));
    }
  }

  struct Link {
    std::deque<Message> small, large;
  };

  size_t pick(size_t n) { return random() % n; }
  bool chance() { return random() % 2 == 0; }
  Worker& at(int rank) { return *workers[static_cast<size_t>(rank)]; }

  bool send(int from, int to, Message m) {
    if (at(from).is_dead(to) || gone.contains(from)) return false;
    if (cut.contains({from, to})) return true;  // and is lost
    m.sent = ++clock;
    Link& link = links[{from, to}];
    (m.large ? link.large : link.small).push_back(std::move(m));
    return true;
  }

  // --- what programs do
  detail::Ref<Reference> create(int creator, int owner, bool large, bool slow) {
    Message m;
    m.what = Message::What::kCreate;
    m.large = large;
    m.slow = slow;
    m.id = at(creator).next_id(owner);
    const auto made = at(creator).table.created(m.id, {"w" + std::to_string(owner), owner});
    m.carried.push_back(made);
    if (!send(creator, owner, std::move(m))) made->forget_lease();
    return made;
  }
  void pass(int from, int to, const detail::Ref<Reference>& r, Message::What what, bool large, bool slow) {
    Message m;
    m.what = what;
    m.large = large;
    m.slow = slow;
    BodyWriter out;
    const auto done = at(from).table.write(out, *r, to);
    const auto ext = BodyReader(out.body()).ext();
    m.reference.assign(ext.bytes.begin(), ext.bytes.end());
    m.carried.push_back(r);
    if (!send(from, to, std::move(m))) at(from).table.undo(done);
  }
  void lend(int from, const Reference& r) { lent.push_back({at(from).table.lend(r)}); }
  void take(int to) {
    for (Lent& one : lent) {
      if (one.taker >= 0) continue;
      one.taker = to;
      return at(to).held.push_back(at(to).table.take(one.passed));
    }
  }
  // Nobody has taken it, as far as its lender may know: it is for the lender itself.
  void take_what_is_left() {
    for (const Lent& one : lent) {
      const int lender = one.passed.parent;
      if (!gone.contains(lender) && (one.taker < 0 || at(lender).is_dead(one.taker)))
        at(lender).held.push_back(at(lender).table.take(one.passed));
    }
  }
  void fetch(int from, const detail::Ref<Reference>& r) {
    if (!r->is_owner()) pass(from, r->owner().id, r, Message::What::kFetch, false, false);
  }

  // --- what the connections do
  void arrive(int from, int to, Message m) {
    m.carried.clear();  // what was kept is given up as soon as it may be
    auto& behind = at(to).behind[static_cast<size_t>(from)];
    const bool takes_away = m.what == Message::What::kFrame && m.kind == FrameKind::kRelease;
    if (m.slow || (takes_away && !behind.empty())) return behind.push_back(std::move(m));
    handle(from, to, m);
  }
  bool step() {
    std::vector<std::function<void()>> moves;
    for (auto& [ends, link] : links) {
      const auto [from, to] = ends;
      const auto take = [this, from, to](std::deque<Message>& queue) {
        Message m = std::move(queue.front());
        queue.pop_front();
        arrive(from, to, std::move(m));
      };
      if (!link.small.empty()) moves.emplace_back([take, &link] { take(link.small); });
      if (!link.large.empty() && (link.small.empty() || link.small.front().sent > link.large.front().sent))
        moves.emplace_back([take, &link] { take(link.large); });
    }
    for (const int dead : gone) {
      for (int other = 0; other < size(); ++other) {
        if (!gone.contains(other) && !at(other).is_dead(dead))
          moves.emplace_back([this, dead, other] { see_death(dead, other); });
      }
    }
    for (const auto& [one, other] : cut) {
      if (!at(other).is_dead(one) && !gone.contains(other))
        moves.emplace_back([this, one = one, other = other] { see_death(one, other); });
    }
    for (int to = 0; to < size(); ++to) {
      for (int from = 0; from < size(); ++from) {
        auto& behind = at(to).behind[static_cast<size_t>(from)];
        if (behind.empty()) continue;
        moves.emplace_back([this, from, to, &behind] {
          const Message m = std::move(behind.front());
          behind.pop_front();
          handle(from, to, m);
        });
      }
    }
    if (moves.empty()) return false;
    moves[pick(moves.size())]();
    return true;
  }
  void settle() {
    while (step()) {
    }
  }
  void handle(int from, int to, const Message& m) {
    if (gone.contains(to)) return;
    Worker& w = at(to);
    switch (m.what) {
      case Message::What::kFrame: {
        Frame frame;
        frame.header.kind = m.kind;
        frame.body = m.body;
        EXPECT_TRUE(w.table.on_frame(from, frame));
        return;
      }
      case Message::What::kCreate:
        w.table.create(m.id, from)->complete(Value(static_cast<int64_t>(m.id.number)));
        return;
      case Message::What::kPass: w.held.push_back(w.table.read(m.reference, from)); return;
      case Message::What::kFetch: {
        const auto r = w.table.read(m.reference, from);
        fetched.push_back({r->local_value(), static_cast<int64_t>(r->id().number), to});
      }
    }
  }

  // Its connections end; each of the others sees it for itself, some time later.
  void die(int rank) {
    gone.insert(rank);
    at(rank).held.clear();
  }
  // Two that live lose each other, and what is under way between them.
  void part(int one, int other) {
    for (const auto& ends : {std::pair(one, other), std::pair(other, one)}) {
      links.erase(ends);
      cut.insert(ends);
    }
  }
  // What has not arrived by then never does.
  void see_death(int rank, int other) {
    links.erase({rank, other});
    links.erase({other, rank});
    auto& behind = at(other).behind[static_cast<size_t>(rank)];
    while (!behind.empty()) {
      const Message m = std::move(behind.front());
      behind.pop_front();
      handle(rank, other, m);
    }
    at(other).dead[static_cast<size_t>(rank)] = true;
    at(other).table.worker_died(rank, Worker::incarnation_of(rank), make_error(ErrorKind::kPeerDied, "dead"));
  }
  int size() const { return static_cast<int>(workers.size()); }
  size_t entries() {
    size_t n = 0;
    for (int i = 0; i < size(); ++i) n += gone.contains(i) ? 0 : at(i).table.entries();
    return n;
  }

  std::mt19937 random;
  uint64_t clock = 0;
  std::vector<std::unique_ptr<Worker>> workers;
  std::map<std::pair<int, int>, Link> links;
  std::set<int> gone;
  std::set<std::pair<int, int>> cut;
  struct Fetched {
    Future<Value> value;
    int64_t number;
    int owner;
  };
  std::vector<Fetched> fetched;
  struct Lent {
    PassedRRef passed;
    int taker = -1;
  };
  std::vector<Lent> lent;
};

void Worker::tell(int rank, uint64_t, OutFrame frame) noexcept {
  Message m;
  m.kind = frame.kind;
  m.body.assign(frame.body.body().begin(), frame.body.body().end());
  (void)game_.send(rank_, rank, std::move(m));
}

enum class Ends : uint8_t { kNone, kADeath, kAParting };
void play(Game& game, int turns, Ends ends) {
  for (int turn = 0; turn < turns; ++turn) {
    const int me = static_cast<int>(game.pick(game.workers.size()));
    if (game.gone.contains(me)) continue;
    Worker& w = game.at(me);
    const int other = static_cast<int>(game.pick(game.workers.size()));
    const bool large = game.chance(), slow = game.chance();
    switch (game.pick(9)) {
      case 0:
        if (other != me && !game.gone.contains(other)) w.held.push_back(game.create(me, other, large, slow));
        break;
      case 1:
        if (!w.held.empty() && other != me)
          game.pass(me, other, w.held[game.pick(w.held.size())], Message::What::kPass, large, slow);
        break;
      case 2:
        if (!w.held.empty()) game.fetch(me, w.held[game.pick(w.held.size())]);
        break;
      case 3:
        if (!w.held.empty()) w.held.erase(w.held.begin() + static_cast<ptrdiff_t>(game.pick(w.held.size())));
        break;
      case 4:
        if (!w.held.empty()) game.lend(me, *w.held[game.pick(w.held.size())]);
        break;
      case 5: game.take(me); break;
      default: (void)game.step();
    }
    if (ends == Ends::kNone || !game.gone.empty() || !game.cut.empty() || turn < turns / 2 ||
        game.pick(50) != 0)
      continue;
    if (ends == Ends::kADeath) {
      game.die(other);
    } else if (other != me) {
      game.part(me, other);
    }
  }
}

TEST(RRefTable, WhateverOvertakesWhateverNoValueIsLostAndNoneIsKept) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    Game game(3 + static_cast<int>(seed % 2), seed);
    play(game, 300, Ends::kNone);
    game.settle();
    game.take_what_is_left();
    game.settle();
    for (auto& w : game.workers) w->held.clear();
    game.settle();
    EXPECT_EQ(game.entries(), 0U) << "seed " << seed;
    for (const auto& [value, number, owner] : game.fetched) {
      ASSERT_TRUE(value.ready()) << "seed " << seed;
      ASSERT_FALSE(value.error()) << "seed " << seed << ": " << describe(value.error());
      EXPECT_EQ(value.get().to_int(), number) << "seed " << seed;
    }
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

TEST(RRefTable, WhenAWorkerDiesNothingOfItIsKeptAndNobodyWaitsForEver) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    Game game(4, seed);
    play(game, 400, Ends::kADeath);
    game.settle();
    game.take_what_is_left();
    game.settle();
    for (auto& w : game.workers) w->held.clear();
    game.settle();
    EXPECT_EQ(game.entries(), 0U) << "seed " << seed;
    for (const auto& [value, number, owner] : game.fetched) {
      if (game.gone.contains(owner)) continue;
      ASSERT_TRUE(value.ready()) << "seed " << seed;
      EXPECT_TRUE(value.error() || value.get().to_int() == number) << "seed " << seed;
    }
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

TEST(RRefTable, WhenTwoThatLiveLoseEachOtherNothingIsKept) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    Game game(4, seed);
    play(game, 400, Ends::kAParting);
    game.settle();
    game.take_what_is_left();
    game.settle();
    for (auto& w : game.workers) w->held.clear();
    game.settle();
    EXPECT_EQ(game.entries(), 0U) << "seed " << seed;
    for (const auto& w : game.workers) EXPECT_EQ(w->table.pinned(), 0U) << "seed " << seed;
    for (const auto& [value, number, owner] : game.fetched) {
      ASSERT_TRUE(value.ready()) << "seed " << seed;
      EXPECT_TRUE(value.error() || value.get().to_int() == number) << "seed " << seed;
    }
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

TEST(RRefTable, AReferenceThatComesFromAThirdAfterItsOwnerWasLostIsGivenBackToIt) {
  Game game(3, 1);
  const auto r = game.create(0, 1, false, false);
  game.settle();
  game.part(1, 2);
  game.see_death(1, 2);
  game.pass(0, 2, r, Message::What::kPass, false, false);
  EXPECT_EQ(game.at(0).table.pinned(), 1U);
  game.settle();
  EXPECT_EQ(game.at(0).table.pinned(), 0U);
}

TEST(RRefTable, WhoRefusesAReferenceToAnUnknownOwnerTellsItsParent) {
  Game game(3, 1);
  auto r = game.create(0, 1, false, false);
  game.settle();
  BodyWriter out;
  const auto done = game.at(0).table.write(out, *r, 2);
  RRefId id = r->id();
  id.owner_incarnation = 77;  // as the third worker sees it
  BodyWriter other;
  write_rref(other, {id, 0, done.fork});
  EXPECT_THROW((void)game.at(2).table.read(BodyReader(other.body()).ext().bytes, 0), ValueError);
  game.settle();
  EXPECT_EQ(game.at(0).table.pinned(), 0U);
  r = {};
  game.settle();
  EXPECT_EQ(game.entries(), 0U);
}

TEST(RRefTable, TheDeathOfAWorkerThatHasNothingToDoWithAReferenceTakesNothingFromIt) {
  Game game(4, 1);
  auto r = game.create(0, 1, false, false);
  game.settle();
  game.pass(0, 2, r, Message::What::kPass, false, false);
  r = {};
  auto& passed = game.links[{0, 2}].small;
  ASSERT_EQ(passed.size(), 1U);
  game.arrive(0, 2, std::exchange(passed.front(), {}));
  passed.clear();
  // The owner has not heard of the new holder: until then the old one keeps its lease.
  game.die(3);
  game.see_death(3, 0);
  EXPECT_TRUE((game.links[{0, 1}].small.empty())) << "it has given up its lease";
  game.settle();
  ASSERT_EQ(game.at(2).held.size(), 1U);
  game.fetch(2, game.at(2).held[0]);
  game.settle();
  ASSERT_EQ(game.fetched.size(), 1U);
  EXPECT_EQ(game.fetched[0].value.get().to_int(), game.fetched[0].number);
  game.at(2).held.clear();
  game.settle();
  EXPECT_EQ(game.entries(), 0U);
}

TEST(RRefTable, AReferenceThatIsPassedOnAfterItsOwnersDeathIsNotPinned) {
  Game game(3, 1);
  const auto r = game.create(0, 1, false, false);
  game.settle();
  game.pass(0, 2, r, Message::What::kPass, false, false);
  EXPECT_EQ(game.at(0).table.pinned(), 1U);
  game.die(1);
  game.see_death(1, 0);
  EXPECT_EQ(game.at(0).table.pinned(), 0U);
  game.pass(0, 2, r, Message::What::kPass, false, false);
  EXPECT_EQ(game.at(0).table.pinned(), 0U) << "nobody would confirm it";
  game.see_death(1, 2);
  game.settle();
}

TEST(RRefTable, AReferenceThatIsLentIsPinnedUntilItsOwnerDiesAndNotAfterThat) {
  Game game(3, 1);
  const auto r = game.create(0, 1, false, false);
  game.settle();
  const PassedRRef before = game.at(0).table.lend(*r);
  EXPECT_EQ(game.at(0).table.pinned(), 1U);
  game.die(1);
  game.see_death(1, 0);
  EXPECT_EQ(game.at(0).table.pinned(), 0U);
  const PassedRRef after = game.at(0).table.lend(*r);
  EXPECT_EQ(game.at(0).table.pinned(), 0U) << "nobody would confirm it";
  EXPECT_EQ(after.id, before.id);
  // A worker that takes one knows what it refers to, and hears of the death when it asks for the value.
  game.see_death(1, 2);
  for (const PassedRRef& lent : {before, after}) {
    const auto taken = game.at(2).table.take(lent);
    EXPECT_EQ(taken->owner().name, "w1");
  }
  game.settle();
  EXPECT_EQ(game.entries(), 0U);
}

TEST(RRefTable, AReferenceThatIsLentIsNotPinnedForWhoHasTakenItAndLostItsOwner) {
  Game game(3, 1);
  auto r = game.create(0, 1, false, false);
  game.settle();
  game.lend(0, *r);
  r = {};
  game.take(2);
  game.part(1, 2);  // its lease is lost
  EXPECT_EQ(game.at(0).table.pinned(), 1U);
  game.settle();
  EXPECT_EQ(game.at(0).table.pinned(), 0U);
  EXPECT_EQ(game.entries(), 0U);
}

TEST(RRefTable, AReferenceThatIsLentIsPinnedForTheFirstWhoTakesIt) {
  Game game(4, 1);
  const auto r = game.create(0, 1, false, false);
  game.settle();
  const PassedRRef lent = game.at(0).table.lend(*r);
  const auto deliver = [&game](int from) {
    auto& queue = game.links[{from, 0}].small;
    for (; !queue.empty(); queue.pop_front()) game.handle(from, 0, queue.front());
  };
  for (const int taker : {2, 3}) {
    game.at(taker).held.push_back(game.at(taker).table.take(lent));
    deliver(taker);
  }
  game.part(1, 3);
  game.see_death(1, 3);
  deliver(3);
  EXPECT_EQ(game.at(0).table.pinned(), 1U) << "the first one's lease is under way";
  game.settle();
  EXPECT_EQ(game.at(0).table.pinned(), 0U);
}

TEST(RRefTable, AFetchThatOvertakesItsLargeCreationWaitsForIt) {
  Game game(2, 1);
  const auto r = game.create(0, 1, true, true);
  game.fetch(0, r);
  game.arrive(0, 1, std::move(game.links[{0, 1}].small.front()));
  game.links[{0, 1}].small.pop_front();
  ASSERT_EQ(game.fetched.size(), 1U);
  EXPECT_FALSE(game.fetched[0].value.ready());
  game.settle();
  EXPECT_EQ(game.fetched[0].value.get().to_int(), game.fetched[0].number);
}

TEST(RRefTable, AReferenceGivenUpWhileItsLargeCreationIsUnderWayIsForgottenAfterIt) {
  Game game(2, 1);
  (void)game.create(0, 1, true, true);
  EXPECT_TRUE((game.links[{0, 1}].small.empty()));  // no release yet: the creation keeps its reference
  game.settle();
  EXPECT_EQ(game.entries(), 0U);
}

TEST(RRefTable, WhatWaitsForACreationOutlivesTheLeaseItCameWith) {
  Game game(3, 1);
  auto r = game.create(0, 1, true, false);
  game.pass(0, 2, r, Message::What::kPass, false, false);
  // All but the creation arrives; the third worker asks, and gives its reference up.
  const auto without_the_creation = [&] {
    bool moved = true;
    while (std::exchange(moved, false)) {
      for (auto& [ends, link] : game.links) {
        while (!link.small.empty()) {
          Message m = std::move(link.small.front());
          link.small.pop_front();
          moved = true;
          game.arrive(ends.first, ends.second, std::move(m));
        }
      }
    }
  };
  without_the_creation();
  ASSERT_EQ(game.at(2).held.size(), 1U);
  game.fetch(2, game.at(2).held[0]);
  game.at(2).held.clear();
  without_the_creation();
  ASSERT_EQ(game.fetched.size(), 1U);
  EXPECT_FALSE(game.fetched[0].value.ready());
  r = {};
  game.settle();
  EXPECT_EQ(game.fetched[0].value.get().to_int(), game.fetched[0].number);
  EXPECT_EQ(game.entries(), 0U);
}

TEST(RRefTable, AnIdWhoseCreationHasComeAndWasGivenUpIsGoneForWhomeverSpeaksOfIt) {
  Game game(3, 1);
  const RRefId id = game.create(0, 1, false, false)->id();
  game.settle();
  ASSERT_EQ(game.entries(), 0U);
  BodyWriter out;
  write_rref(out, {id, 2, 0});
  const auto r = game.at(1).table.read(BodyReader(out.body()).ext().bytes, 2);
  EXPECT_THAT(describe(r->local_value().error()), HasSubstr("is gone"));
  EXPECT_EQ(game.entries(), 0U);
}

TEST(RRefTable, AReferenceToAnEarlierLifeOrAnUnknownOwnerIsRefused) {
  Game game(2, 1);
  for (const RRefId& id : {RRefId{1, 77, 1000, 1}, RRefId{9, 1001, 1000, 1}, RRefId{-1, 1001, 1000, 1}}) {
    BodyWriter out;
    write_rref(out, {id, 1, 0});
    EXPECT_THROW((void)game.at(0).table.read(BodyReader(out.body()).ext().bytes, 1), ValueError);
  }
}

}  // namespace
}  // namespace tine::rpc
