// Calls and forks replaced by what they run. For tools: what runs by default keeps its calls, because an error names them.
//
// A function that returns from inside a loop, or from one of two nested branches that goes on otherwise, stays a call, and so
// does one that calls itself. Such returns have no form in a graph that goes on after them.
#pragma once

#include <functional>
#include <string_view>

#include "src/ir/graph.h"

namespace tine::ir {

// The graph of the function or method of that qualified name, which must stay; null when there is none.
using GraphOf = std::function<const Graph*(std::string_view qualified_name)>;

// At most this many nodes come of it; the calls after that stay.
inline constexpr size_t kMostInlined = 100'000;

// Also inside forks. True when something changed.
bool inline_calls(Graph& graph, const GraphOf& graph_of);
// A fork whose Future goes to aten::wait alone runs where it is forked. An error is then raised there.
bool inline_forks(Graph& graph);

// Returns inside branches become results of these. False where that is impossible; the graph is then of no use any more.
bool return_at_end(Graph& graph);

}  // namespace tine::ir
