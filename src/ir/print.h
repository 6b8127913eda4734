// The text form of a graph.
//
// State      None.
// Threads    Any; the graph must not change meanwhile.
// Ordering   Nodes in order; fork subgraphs follow in a `with` section each, in the order of their forks.
// Ownership  Nothing is kept.
// Errors     exact text of a constant that has no text form (an object, a future, a foreign value): ValueError.
// Cost       Linear in the graph.
// Source     docs/spec/ir.md; PyTorch's str(graph).
#pragma once

#include <string>
#include <string_view>

#include "src/ir/graph.h"

namespace tine::ir {

struct PrintOptions {
  // What parse() gives the identical graph for: operators with their overload, tensors with their elements.
  // Without it the text is what PyTorch would show, and also parses, but for <Tensor> and <object> constants.
  bool exact = false;
  bool places = true;  // `# file.py:3:4` behind each node
};

[[nodiscard]] std::string print(const Graph& graph, const PrintOptions& options = {});
// One node, without its blocks, as an error message quotes it.
[[nodiscard]] std::string print(const Graph& graph, const Node& node);

// The name of a function by its content: the SHA-256 of its exact text without places and name hints, in hex. Equal
// for graphs that do the same in the same order, whatever their variables are called and wherever they were written.
[[nodiscard]] std::string content_hash(const Graph& graph);
// SHA-256 in hex of any text.
[[nodiscard]] std::string hash_of(std::string_view text);

}  // namespace tine::ir
