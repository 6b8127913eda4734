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
  bool faulty = false;   // something has happened to somebody
  bool started = false;  // all workers came together
};
[[nodiscard]] Outcome tell(uint64_t seed);

}  // namespace tine::chaos
