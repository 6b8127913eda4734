// emit: a verified graph becomes code for the register machine, which does what the graph's nodes do in their order.
//
// The function keeps nothing of the graph but shared types, constants and sources; the graph must not change meanwhile.
// Throws Error with the function's name when it needs more registers, constants or operands than an instruction can name
// (16,383 each). Takes time linear in the graph, but for the liveness of deeply nested blocks.
#pragma once

#include <memory>

#include "src/code/function.h"
#include "src/ir/graph.h"

namespace tine::compile {

// The graph must have passed ir::verify. `name` (the graph's when empty) is what calls find it by. A method of a class gets
// code that borrows its object, too.
[[nodiscard]] std::unique_ptr<code::Function> emit(const ir::Graph& graph, std::string name = {});
// The body of a fork, which no call finds.
[[nodiscard]] std::unique_ptr<code::Function> emit_fork(const ir::Graph& graph, const std::string& name);

}  // namespace tine::compile
