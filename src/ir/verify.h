// Verifies a graph. The emitter and the machine rely on it and do not check again (docs/spec/ir.md).
//
// Throws SyntaxError that quotes the node and says what is wrong with it. The graph must not change meanwhile.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/ir/graph.h"

namespace tine::ir {

// Definitions before uses and only in scope, types, arities, exits at the ends of blocks, known attributes; fork
// subgraphs, too.
void verify(const Graph& graph);

// Why the row does not take these inputs or does not return that type; nothing when all fits.
[[nodiscard]] std::optional<std::string> check_op(const Op& op, const std::vector<Def*>& inputs,
                                                  const TypePtr& result);

}  // namespace tine::ir
