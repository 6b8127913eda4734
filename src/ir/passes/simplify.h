// Passes that make a graph smaller without changing what it does. Each takes time linear in the graph. A removed node
// stays allocated in the graph. OpTraits says which rows may be folded, merged and dropped. All passes visit the subgraphs
// of forks too.
#pragma once

#include "src/ir/graph.h"

namespace tine::ir {

inline constexpr int kRounds = 4;

// A pure row that takes at most 10 us and whose arguments are constant numbers, strings or None becomes its result. A row
// that fails while it is folded is left as it is, to fail when it is run. An `if` on a constant becomes the branch that is
// taken. All passes return true when something changed.
bool fold_constants(Graph& graph);
// A pure row whose inputs are the numbers, strings or None of an earlier one uses the earlier result. Tensors, lists and
// other values that can be written to or told apart are never merged.
bool merge_common(Graph& graph);
// Removes nodes that have no effect and whose results are not used, even if they could fail: an error is one of the results
// of a row. Nodes whose purpose is to check stay: raise, unpacking, narrowing casts.
bool drop_dead(Graph& graph);

void simplify(Graph& graph);

}  // namespace tine::ir
