// Loops: what does not change is computed before them, and short ones of a known length are written out. For tools; the
// machine's loops gain nothing from either, because their rows of numbers take a nanosecond.
#pragma once

#include "src/ir/graph.h"

namespace tine::ir {

// A row of numbers that cannot fail, whose inputs come from outside the loop, moves in front of it, and so does an attribute
// that is read in a loop that calls nothing and assigns to none. True when something changed.
bool hoist_invariants(Graph& graph);

inline constexpr int64_t kMostTurns = 8;
inline constexpr size_t kMostUnrolled = 32;  // nodes of a body

// A loop of at most kMostTurns turns, which are known and which nothing leaves early, becomes its body, once for each turn.
bool unroll_loops(Graph& graph);

}  // namespace tine::ir
