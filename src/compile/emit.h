// emit: a verified graph becomes code for the register machine.
//
// State      None.
// Threads    Any; the graph must not change meanwhile.
// Ordering   The code does what the graph's nodes do in their order.
// Ownership  The function keeps nothing of the graph but shared types, constants and sources.
// Errors     Error when the function needs more registers, constants or operands than an instruction can name
//            (16,383 each), with the function's name.
// Cost       Linear in the graph but for the liveness of deeply nested blocks.
// Source     Structured liveness: a value dies at the last node of its block that uses it, in a branch at the
//            last use there or at the branch's start.
#pragma once

#include <memory>

#include "src/code/function.h"
#include "src/ir/graph.h"

namespace tine::compile {

// The graph must have passed ir::verify. `name` (the graph's when empty) is what calls find it by.
[[nodiscard]] std::unique_ptr<code::Function> emit(const ir::Graph& graph, std::string name = {});

}  // namespace tine::compile
