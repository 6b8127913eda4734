// A graph as a picture: in Graphviz's language, and as SVG that needs no other program.
//
// Both show a box for each node, with its constants written into it, an arrow for each other value, and blocks and forks as
// boxes around their nodes. The layout is one of layers: a node stands below those whose results it uses, in each layer under
// the middle of these (the barycenter rule of Sugiyama, Tagawa and Toda, 1981). Time and size are linear in the graph, but
// for arrows that cross many layers. The graph must not change meanwhile.
#pragma once

#include <string>

#include "src/ir/graph.h"

namespace tine::ir {

[[nodiscard]] std::string dot(const Graph& graph);
[[nodiscard]] std::string svg(const Graph& graph);

}  // namespace tine::ir
