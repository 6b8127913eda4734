// Verifies a graph. The emitter and the machine rely on it and do not check again (docs/spec/ir.md).
//
// Throws SyntaxError that quotes the node and says what is wrong with it. The graph must not change meanwhile.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/ir/graph.h"

namespace tine::ir {

// The passes and the emitter recurse into forks.
constexpr int kDeepestFork = 64;

// Definitions before uses and only in scope, types, arities, exits at the ends of blocks, known attributes; fork
// subgraphs, too.
void verify(const Graph& graph);
// The same of a graph that need not be a function: it may have several outputs.
void verify_nodes(const Graph& graph);

// Why the row does not take these inputs or does not return that type; nothing when all fits.
[[nodiscard]] std::optional<std::string> check_op(const Op& op, const std::vector<Def*>& inputs,
                                                  const TypePtr& result);

// The type of its result for these inputs, null when they do not fit.
[[nodiscard]] TypePtr result_of(const Op& op, const std::vector<Def*>& inputs);

// The row of that name ("aten::add", "aten::add.Tensor", "aten::lt.default") for these inputs and, unless it is null, that
// result: the first one whose types are those of the inputs, else the first that fits, else null.
[[nodiscard]] const Op* overload_for(const OpTable& ops, std::string_view name,
                                     const std::vector<Def*>& inputs, const TypePtr& result);

}  // namespace tine::ir
