// Reads the text form of a graph.
//
// State      None.
// Threads    Any.
// Ordering   None.
// Ownership  The graph is the caller's. Operator rows are borrowed from the table.
// Errors     SyntaxError with line and column for any text that is no graph; never anything worse, whatever the
//            text. A graph that was parsed has been verified, too.
// Cost       Linear in the text.
// Source     docs/spec/ir.md.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "src/ir/graph.h"

namespace tine::ir {

struct ParseOptions {
  // The type of objects with that qualified name, null for unknown names. Without it, text that names an
  // object type is refused.
  std::function<std::shared_ptr<const ObjectType>(std::string_view)> object_type;
};

// `name` becomes the graph's name; it is not part of the text.
[[nodiscard]] std::unique_ptr<Graph> parse(std::string_view text, const OpTable& ops, std::string name = {},
                                           const ParseOptions& options = {});

}  // namespace tine::ir
