// Whole agents, in a world whose threads, time and network are a seed's: what docs/spec/agent.md and docs/spec/rref.md
// promise holds at whatever message a connection is cut, a worker dies or is stopped, or nothing gets through.
//
//   TINE_CHAOS_SEEDS=10000 build/release/cmake/tests/chaos_tests        so many seeds
//   TINE_CHAOS_SEED=4711 build/release/cmake/tests/chaos_tests          this one, and what happened by it
#include <gtest/gtest.h>
#include <malloc.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "tests/chaos/simulation.h"
#include "tests/chaos/story.h"

namespace tine::chaos {
namespace {

uint64_t asked(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

void print(const Outcome& outcome) {
  for (const std::string& line : outcome.trace) std::cout << line << "\n";
}

// One thread at a time runs anyway. A turn that stays on its processor costs a fifth, and one heap whose memory stays a third less than
// one for each thread.
void stay_on_one_processor() {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 256 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(sched_getcpu()), &one);
  (void)sched_setaffinity(0, sizeof one, &one);
}

double processor_seconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

TEST(Chaos, EachPromiseHoldsWhateverHappensAtWhicheverMessage) {
  stay_on_one_processor();
  if (const uint64_t seed = asked("TINE_CHAOS_SEED", 0)) {
    const Outcome outcome = tell(seed);
    print(outcome);
    for (const std::string& what : outcome.wrong) ADD_FAILURE() << "seed " << seed << ": " << what;
    return;
  }
  const uint64_t seeds = asked("TINE_CHAOS_SEEDS", 1000), first = asked("TINE_CHAOS_FIRST", 1);
  Outcome all;
  uint64_t faulty = 0, started = 0, failed = 0, change = 0;
  const double before = processor_seconds();
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    const Outcome outcome = tell(seed);
    all.turns += outcome.turns;
    all.calls += outcome.calls;
    all.values += outcome.values;
    all.references += outcome.references;
    all.fetched += outcome.fetched;
    faulty += outcome.faulty;
    started += outcome.started;
    change += outcome.changes;
    all.joined += outcome.joined;
    all.left += outcome.left;
    if (outcome.wrong.empty()) continue;
    print(outcome);
    for (const std::string& what : outcome.wrong) ADD_FAILURE() << "seed " << seed << ": " << what;
    std::cout << "replay it: TINE_CHAOS_SEED=" << seed << " " << ::program_invocation_name << "\n";
    if (++failed == 3) break;
  }
  std::cout << seeds << " seeds, " << faulty << " with a fault, " << started
            << " whose workers came together: " << all.calls << " calls with " << all.values << " values, "
            << all.references << " references, " << all.fetched << " values fetched, " << all.turns
            << " turns; in " << change << " worlds that change " << all.joined << " have joined and "
            << all.left << " left meanwhile; " << processor_seconds() - before << " s of one processor\n";
  // It is about something.
  EXPECT_GT(started, seeds / 2);
  EXPECT_GT(faulty, seeds / 4);
  EXPECT_GT(all.values, seeds * 5);
  EXPECT_GT(all.fetched, seeds / 4);
  EXPECT_GT(all.joined, change * 2);
  EXPECT_GT(all.left, change / 2);
}

TEST(Chaos, ASeedTellsTheSameStoryEachTime) {
  stay_on_one_processor();
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const Outcome once = tell(seed), again = tell(seed);
    for (size_t i = 0; i < std::min(once.trace.size(), again.trace.size()); ++i)
      ASSERT_EQ(once.trace[i], again.trace[i]) << "seed " << seed << ", line " << i;
    ASSERT_EQ(once.hash, again.hash) << "seed " << seed;
  }
}

}  // namespace
}  // namespace tine::chaos
