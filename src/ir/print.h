// The text form of a graph (docs/spec/ir.md), close to PyTorch's str(graph): nodes in order, then each forked graph in a
// `with` section, in the order of the forks. The graph must not change meanwhile.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "src/ir/graph.h"

namespace tine::ir {

struct PrintOptions {
  // What parse() gives the identical graph for: operators with their overload, tensors with their elements.
  // Without it the text is what PyTorch would show, and also parses, but for <Tensor> and <object> constants.
  bool exact = false;
  bool places = true;  // `# file.py:3:4` after each node
};

[[nodiscard]] std::string print(const Graph& graph, const PrintOptions& options = {});
// One node, without its blocks, as an error message quotes it.
[[nodiscard]] std::string print(const Graph& graph, const Node& node);

// What that text calls each value, without the %.
[[nodiscard]] std::unordered_map<const Def*, std::string> names_of(const Graph& graph);

// The name of a function by its content: the SHA-256 of its exact text without places and name hints, in hex. Equal
// for graphs that do the same in the same order, whatever their variables are called and wherever they were written.
[[nodiscard]] std::string content_hash(const Graph& graph);
// SHA-256 in hex of any text.
[[nodiscard]] std::string hash_of(std::string_view text);

}  // namespace tine::ir
