// What PyTorch writes otherwise than tine (docs/spec/ir.md): nodes that are another node, or several, here. For parse().
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/ir/graph.h"

namespace tine::ir {

struct ForeignNode {
  std::string_view name;                                    // "aten::format", "prim::TupleSlice"
  std::vector<std::pair<std::string, Value>> numbers = {};  // attributes
  std::vector<TypePtr> types = {};                          // of `types=[...]`
  std::vector<Def*> inputs;
  std::vector<TypePtr> outputs;  // as they are declared
};

// The node's results, one for each output, from nodes at the end of the builder's block. Throws SyntaxError without a place:
// no operator takes these.
[[nodiscard]] std::vector<Def*> write_foreign(Builder& at, const OpTable& ops, const ForeignNode& node);

// "Float(2, 3, strides=[3, 1], requires_grad=0, device=cpu)" is a Tensor of that dtype: what PyTorch knows more of it has no
// place in a type here.
[[nodiscard]] bool is_tensor_of(std::string_view type, DType* dtype);

// A value of the type that nobody reads, where one must stand (prim::Uninitialized). SyntaxError where there is none.
[[nodiscard]] Value unread_value(const TypePtr& type);

// Classes that are known by name alone get the attributes that the graph reads and assigns. SyntaxError for a class that
// contains itself.
void infer_classes(Graph& graph);

}  // namespace tine::ir
