// Seeded disorder: nodes come, call each other with anything, leave, are removed and die; every call ends once, and nothing
// of what was sent is kept.
#include <gmock/gmock.h>

#include <cstdlib>
#include <random>

#include "src/rpc/raw/nodes_for_tests.h"

namespace tine::rpc::testing {
namespace {

using Kind = RawFailure::Kind;

struct Tally {
  std::atomic<int> made{0}, done{0}, failed{0}, twice{0}, unnamed{0};
  std::atomic<int> owners{0};  // alive
};

class Counted final : public RawSink {
 public:
  explicit Counted(Tally& tally) : tally_(tally) { ++tally.made; }
  void done(RawMessage) noexcept override {
    ++tally_.done;
    tally_.twice += ended_.exchange(true);
  }
  void failed(RawFailure failure) noexcept override {
    ++tally_.failed;
    tally_.twice += ended_.exchange(true);
    // The handler's own words need not name anybody.
    tally_.unnamed += failure.kind != Kind::kFailed && failure.text.find('\'') == std::string::npos;
  }

 private:
  Tally& tally_;
  std::atomic<bool> ended_{false};
};

RawBytes owned(Tally& tally, size_t size) {
  auto bytes = std::make_shared<std::vector<std::byte>>(size);
  const std::span<const std::byte> view = *bytes;
  ++tally.owners;
  return {view, std::shared_ptr<const void>(nullptr, [bytes, &tally](const void*) mutable {
            bytes = nullptr;
            --tally.owners;
          })};
}

class Chaos {
 public:
  Chaos(uint32_t seed, Over over) : random_(seed), nodes_(over) {}

  void run(int steps) {
    for (int id = 0; id < kNodes; ++id) come(id);
    for (int i = 0; i < steps; ++i) step();
    nodes_.all.clear();
    late_.clear();
    EXPECT_EQ(tally.made, tally.done + tally.failed);
    EXPECT_EQ(tally.twice, 0);
    EXPECT_EQ(tally.unnamed, 0);
    EXPECT_EQ(tally.owners, 0) << "what was sent is still held";
    EXPECT_GT(tally.done, 0);
  }
  Tally tally;

 private:
  static constexpr int kNodes = 4;

  void come(int id) {
    RawOne& one = nodes_.add(id, [](int, RawNodeOptions& o) {
      o.heartbeat_interval = 50ms;
      o.max_send_buffer_bytes = 1 << 20;
    });
    one.handler.here = [](const RawMessage& m) { return m.tag % 4 == 0; };
    one.handler.on_call = [this](RawCall call) { handle(std::move(call)); };
    one->open();
    for (auto& [to, other] : nodes_.all) {
      if (to == id) continue;
      const bool both = pick(3) == 0;
      std::thread back;
      if (both) back = std::thread([&] { connect(*other->node, one->card()); });
      connect(*one.node, (*other)->card());
      if (both) back.join();
    }
  }
  static void connect(RawNode& node, const std::string& card) {
    try {
      node.connect(card, in(20s));
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    }
  }

  void handle(RawCall call) {
    switch (call.message().tag % 8) {
      case 0:
      case 1:
      case 2: return call.reply(std::move(call.message()));
      case 3: return call.fail("as asked");
      case 4: return call.reply({0, RawBytes::copy("ok"), {owned(tally, 3000)}});
      case 5: return;  // dropped
      default: {
        const std::lock_guard lock(mutex_);
        late_.push_back(std::move(call));
      }
    }
  }

  void step() {
    const uint32_t what = pick(100);
    const int from = static_cast<int>(pick(kNodes)), to = static_cast<int>(pick(kNodes));
    if (what < 90) {
      for (uint32_t burst = pick(8); burst > 0; --burst) call(from, to);
    } else if (what < 94) {
      answer_late();
    } else if (what < 96) {
      nodes_[from]->remove(to, "chaos");
      if (from != to) connect(*nodes_[to].node, nodes_[from]->card());
    } else if (what < 99) {
      nodes_[from]->close(std::chrono::milliseconds(pick(2) * 200));
      nodes_.all.erase(from);
      come(from);
    } else {
      (void)nodes_[from]->wait_for_room(to, in(50ms));
    }
  }

  void call(int from, int to) {
    RawMessage message{pick(1000), {}, {}};
    constexpr std::array<size_t, 8> kSizes{0, 1, 100, 5000, 16 << 10, 100'000, 300'000, 2'000'000};
    if (pick(2) == 0) message.body = owned(tally, kSizes[pick(6)]);
    for (uint32_t n = pick(5); n > 0; --n)
      message.segments.push_back(owned(tally, kSizes[pick(pick(10) == 0 ? 8 : 5)]));
    const TimePoint deadline = pick(3) == 0 ? in(std::chrono::milliseconds(pick(30))) : kNoDeadline;
    nodes_[from]->call(to, std::move(message), deadline, std::make_shared<Counted>(tally));
  }

  void answer_late() {
    std::vector<RawCall> late;
    {
      const std::lock_guard lock(mutex_);
      late.swap(late_);
    }
    for (RawCall& call : late) {
      if (pick(2) == 0) call.reply(std::move(call.message()));
    }
  }

  uint32_t pick(size_t n) { return static_cast<uint32_t>(random_() % n); }

  std::mt19937 random_;
  RawNodes nodes_;
  std::mutex mutex_;
  std::vector<RawCall> late_;
};

// More with TINE_CHAOS_SEEDS.
TEST(RawChaosTest, EveryCallEndsOnceAndNothingIsKept) {
  const char* const asked = std::getenv("TINE_CHAOS_SEEDS");
  const uint32_t seeds = asked ? static_cast<uint32_t>(std::atoi(asked)) : 6;
  for (uint32_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    constexpr Over kWays[] = {Over::kShm, Over::kUnix, Over::kTcp, Over::kInProcess};
    Chaos chaos(seed, kWays[seed % 3]);
    chaos.run(300);
    if (HasFailure()) break;
  }
}

TEST(RawChaosTest, WorkersThatAreKilledAtAnyMomentFailTheirCallsAndNoOther) {
  std::mt19937 random(7);
  for (int round = 0; round < 10; ++round) {
    ChildNode child(1), other(2);
    Tally tally;
    {
      RawNodes nodes(round % 2 == 0 ? Over::kUnix : Over::kTcp);
      nodes.add(0)->open();
      nodes[0]->connect(child.card, in(10s));
      nodes[0]->connect(other.card, in(10s));
      const uint32_t at = random() % 200;
      for (uint32_t i = 0; i < 200; ++i) {
        if (i == at) child.kill(SIGKILL);
        RawMessage message{i, {}, {owned(tally, random() % 3 == 0 ? 400'000 : 100)}};
        nodes[0]->call(1, std::move(message), kNoDeadline, std::make_shared<Counted>(tally));
      }
      EXPECT_EQ(nodes[0].call(2, "others go on")->get().text(), "others go on");
      wait_until("all have ended", [&] { return nodes[0]->counts().calls_pending == 0; });
      EXPECT_EQ(tally.made, tally.done + tally.failed);
      EXPECT_GT(tally.failed, 0);
    }
    EXPECT_EQ(tally.twice, 0);
    EXPECT_EQ(tally.unnamed, 0);
    EXPECT_EQ(tally.owners, 0);
  }
}

}  // namespace
}  // namespace tine::rpc::testing
