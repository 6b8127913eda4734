#include "tests/chaos/story.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "src/base/recycler.h"
#include "tests/chaos/cast.h"
#include "tests/chaos/changing_story.h"
#include "tests/chaos/network.h"
#include "tests/chaos/simulation.h"

namespace tine::chaos {
namespace {

using namespace std::chrono_literals;

struct Kind {
  const char* name;  // begins with that; "": any
  uint32_t most;
};
constexpr std::array<Kind, 14> kFixed{{{"handshake", 12},
                                       {"control", 12},
                                       {"request", 16},
                                       {"reply", 16},
                                       {"error", 3},
                                       {"fetch", 5},
                                       {"lease", 3},
                                       {"fork done", 3},
                                       {"release", 6},
                                       {"cancel", 2},
                                       {"goodbye", 3},
                                       {"ping", 2},
                                       {"chunk", 6},
                                       {"", 120}}};
constexpr std::array<Kind, 16> kChanging{{{"handshake", 24},
                                          {"control register", 6},
                                          {"control expect", 10},
                                          {"control forget", 3},
                                          {"control has", 2},
                                          {"control here", 10},
                                          {"control joined", 10},
                                          {"control ready", 6},
                                          {"control leaving", 8},
                                          {"control", 40},
                                          {"reply", 40},
                                          {"goodbye", 8},
                                          {"lease", 3},
                                          {"fork done", 3},
                                          {"request", 16},
                                          {"", 200}}};

Plan plan_of(uint64_t seed, std::span<const Kind> kinds) {
  Simulation chance({.seed = seed ^ 0x5EED});  // only for its numbers
  const auto pick = [&](uint32_t n) { return chance.pick(n); };
  Plan plan;
  const std::array<uint32_t, 4> late{0, 0, 3, 20}, read{0, 0, 64, 5000};
  plan.late_one_in = late[pick(4)];
  plan.latest = std::chrono::microseconds(1 + pick(3000));
  plan.most_read_at_once = read[pick(4)];
  const uint32_t faults = pick(8) == 0 ? 0 : pick(4) == 0 ? 2 : 1;
  constexpr std::array<Clock::duration, 5> kTimes{5ms, 500ms, 3s, 10s, Clock::duration::max()};
  for (uint32_t i = 0; i < faults; ++i) {
    const Kind& kind = kinds[pick(static_cast<uint32_t>(kinds.size()))];
    Plan::Step step;
    step.fault = static_cast<Fault>(pick(7));
    step.message = kind.name;
    step.count = 1 + pick(kind.most);
    step.bytes = pick(3) == 0 ? 0 : chance.random() >> 8;
    const bool stops = step.fault == Fault::kSenderStops || step.fault == Fault::kReceiverStops;
    step.time = kTimes[pick(stops ? 4 : 5)];
    plan.steps.push_back(step);
  }
  return plan;
}

// All are there from the start; they end together.
class FixedStory final : public Cast {
 public:
  FixedStory(Simulation& simulation, Plan plan, Outcome& outcome)
      : Cast(simulation, std::move(plan), outcome, false) {
    hurries_ = simulation_.one_in(5);
    const int size = 2 + static_cast<int>(simulation_.pick(3));
    for (int rank = 0; rank < size; ++rank) ones_.push_back(std::make_unique<One>(*this, rank));
  }

 private:
  Callee anybody(One& one) override {
    const int rank = static_cast<int>(simulation_.pick(static_cast<uint32_t>(ones_.size())));
    return {one.agent->find(rank), rank};
  }

  void live(One& one) override {
    if (simulation_.one_in(4)) simulation_.sleep(std::chrono::microseconds(simulation_.pick(3000)));
    within(one, "the start", kStart, [&] { start(one); });
    if (one.agent) {
      const uint32_t steps = 4 + simulation_.pick(12);
      const uint32_t leaves_at = simulation_.one_in(24) ? simulation_.pick(steps) : steps;
      for (uint32_t i = 0; i < steps && !one.leaves; ++i) {
        if (i == leaves_at) {
          simulation_.trace(fmt::format("** w{} leaves", one.index));
          left_.insert(one.index);
          one.leaves = true;
          within(one, "leaving", 0s, [&] { one.agent->shutdown(false); });
        } else {
          step(one);
        }
      }
      if (!hurries_) settle(one, 0);
    }
    if (hurries_) return end_in_a_hurry(one);
    meet(one, settled_);
    answer_late(one);
    let_go(one);
    meet(one, let_go_);
    if (one.agent && !one.agent->closed()) see_that_nothing_is_left(one);
    meet(one, looked_);
    // All workers are here and nothing runs: whoever has died is known.
    const auto bound = network_->parted() ? Clock::duration(kEnd) : 0s;
    if (one.agent && !one.leaves) within(one, "shutdown", bound, [&] { one.agent->shutdown(true, kEnd); });
  }

  // While calls run everywhere: the barrier is there to let them end.
  void end_in_a_hurry(One& one) {
    if (one.agent && !one.leaves) within(one, "shutdown", kEnd, [&] { one.agent->shutdown(true, kEnd); });
    meet(one, settled_);
    settle(one, 0);
    let_go(one);
  }

  size_t settled_ = 0, let_go_ = 0, looked_ = 0;
};

}  // namespace

Outcome tell(uint64_t seed) {
  // What earlier stories have left there would be seen: whoever first keeps memory is asked to see to it.
  while (Recycler::of_process().trim()) {
  }
  Outcome outcome;
  outcome.changes = seed % 3 == 0;
  constexpr std::array<uint32_t, 4> kTurns{0, 8, 64, 512};
  Simulation simulation({.seed = seed, .turn_at_one_in = kTurns[seed % 4]});
  const Plan plan = outcome.changes ? plan_of(seed, std::span(kChanging)) : plan_of(seed, std::span(kFixed));
  simulation.run([&] {
    if (outcome.changes) return tell_of_changes(simulation, plan, outcome);
    FixedStory(simulation, plan, outcome).run();
  });
  outcome.trace = simulation.traced();
  outcome.hash = simulation.hash();
  outcome.turns = simulation.turns();
  return outcome;
}

}  // namespace tine::chaos
