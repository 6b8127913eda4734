// Passes that make a graph smaller without changing what it does. Each takes time linear in the graph; nodes that go stay
// allocated in it. OpTraits says which rows may be folded, merged and dropped. A row that fails while it is folded is left
// as it is, to fail when it is run.
//
// A pass that inlines small functions, and one that finds writes which race with a fork, belong here, too: both need
// nothing but the graph and its rows' traits.
#pragma once

#include "src/ir/graph.h"

namespace tine::ir {

inline constexpr int kRounds = 4;

// Rows whose arguments are constant numbers, strings or None, and that are pure and take no more than 10 us, become
// their result; an `if` on a constant gives way to the branch taken. True when something changed. All passes visit fork subgraphs, too.
bool fold_constants(Graph& graph);
// Pure rows that see the same numbers, strings or None again give what they gave before. Tensors, lists and other
// things that can be written to or told apart are never merged.
bool merge_common(Graph& graph);
// What has no effect and is used by nobody goes, also where it could fail: an error is one of the results of a row, and
// results that nobody uses are not computed. Nodes that are there to check stay: raise, unpacking, narrowing casts.
bool drop_dead(Graph& graph);

void simplify(Graph& graph);

}  // namespace tine::ir
