// Nodes that are known by a look at their inputs alone. For tools; the front end writes few of them.
//
// An int wraps, so `x + 0`, `x - x`, `(x + 1) + 2` and the like are what they are in arithmetic. Of floats only what is exact
// for every value, NaN, infinities and -0.0 included: `x * 1.0`, `x / 1.0`, `x - 0.0`, not `x + 0.0` or `x - x`. Nothing
// that could fail becomes something that cannot, so `x // x` and `0 // x` stay.
#pragma once

#include "src/ir/graph.h"

namespace tine::ir {

// * `x + 0`, `x * 1`, `x // 1`, `x * 0`, `x - x`, `x == x` of ints, and sums of two constants in a row
// * `not not b`, and an `if` without nodes whose results are True and False
// * a tuple that is made and taken apart; a list, if nobody else has it
// * a cast to the same type; isinstance() where the static type decides
// True when something changed.
bool peephole(Graph& graph);

}  // namespace tine::ir
