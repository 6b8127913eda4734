// Story: what happens to a world of agents by one seed, and what must hold of it.
//
// Each worker has a program of its own: it starts, makes calls of all kinds, makes references, passes them on, fetches and
// drops them, cancels, waits, and shuts down. Meanwhile the network does what the plan says. Then is checked:
//
//  - A call ends, with the value that belongs to it or with an error that names the worker, in its time.
//  - No call runs twice, and one that gave its value ran.
//  - A reference that a living worker holds leads to its value. Only if its owner, or a worker through which it came, was part
//    of a fault may it lead to an error, which names a worker.
//  - When all have let go, no living worker keeps a value, a call that is pending or one that runs.
//  - Starting and shutting down end within their bounds; without a fault they succeed.
//
// Of each third seed the world changes: workers join while others make calls, leave in order or at once, and others come in
// their places. Then is checked, too:
//
//  - Who has joined knows all who had joined before and are there, and they know it, as soon as its start returns.
//  - A call that has begun on a worker that leaves in order is answered. Leaving in order succeeds; rank 0 leaves last.
//  - Nobody's list of the workers has a name or a rank twice. In the end it has all who live, and none of those who have left or died.
//  - Whoever appears in it and disappears is told by the hooks, once each, in that order.
//  - Nothing hangs (Simulation sees to that).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tine::chaos {

struct Outcome {
  std::vector<std::string> wrong;  // what did not hold; empty: all did
  std::vector<std::string> trace;
  uint64_t hash = 0;  // of the trace
  uint64_t turns = 0;
  uint32_t calls = 0, values = 0, references = 0, fetched = 0;
  bool faulty = false;            // something has happened to somebody
  bool started = false;           // all workers came together
  bool changes = false;           // a world that changes
  uint32_t joined = 0, left = 0;  // there
};
[[nodiscard]] Outcome tell(uint64_t seed);

}  // namespace tine::chaos
