// Reads the text form of a graph (docs/spec/ir.md), which may come from anywhere.
//
// A text that is not a graph is a SyntaxError with line and column; no text does anything worse. A parsed graph has been
// verified too. The time is linear in the text.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string_view>

#include "src/ir/graph.h"

namespace tine::ir {

struct ParseOptions {
  // The type of objects with that qualified name, null for unknown names. Without it, text that names an
  // object type is refused.
  std::function<std::shared_ptr<const ObjectType>(std::string_view)> object_type;
  // Also what PyTorch prints: its forms of nodes, types and constants, and classes that nobody knows, which get the
  // attributes that the graph reads. Not for code that travels, which has one form.
  bool pytorch = false;
  // Nodes, values and uses of values, together: what is done with a graph later takes time by them. Text from elsewhere
  // is given a bound.
  size_t most_terms = std::numeric_limits<size_t>::max();
};

// `name` becomes the graph's name; it is not part of the text.
// `terms`, if given, gets how many there were.
[[nodiscard]] std::unique_ptr<Graph> parse(std::string_view text, const OpTable& ops, std::string name = {},
                                           const ParseOptions& options = {}, size_t* terms = nullptr);

}  // namespace tine::ir
