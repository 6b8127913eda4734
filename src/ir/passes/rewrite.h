// What the passes share: values that stand for others, and nodes put in front of a node.
#pragma once

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/ir/walk.h"

namespace tine::ir {

using Replacements = std::unordered_map<const Def*, Def*>;

// Follows the chain: a replacement may itself have been replaced since.
inline Def* replaced(Def* def, const Replacements& with) {
  for (auto found = with.find(def); found != with.end(); found = with.find(def)) def = found->second;
  return def;
}
inline void replace_all(std::vector<Def*>& defs, const Replacements& with) {
  for (Def*& def : defs) def = replaced(def, with);
}
// In the block and all inside it; forks have values of their own.
inline void replace_all(Block& block, const Replacements& with) {
  each_block(block, [&](Block& one) {
    replace_all(one.outputs, with);
    for (Node* node : one.nodes) replace_all(node->inputs, with);
  });
}

template <class Pass>
bool in_subgraphs(Block& block, Pass pass) {
  bool changed = false;
  each_node(block, [&](Node& node) {
    if (node.subgraph) changed |= pass(*node.subgraph);
  });
  return changed;
}

[[nodiscard]] inline const Value* constant_of(const Def* def) {
  return def->node && def->node->kind == Kind::kConstant ? &def->node->constant : nullptr;
}

// The value with that type. Uses were typed by the value that this one replaces, so a narrower one is cast: an int is kept
// otherwise than an Optional[int].
[[nodiscard]] inline Def* as_type(Graph& graph, Def* def, const TypePtr& type, std::vector<Node*>* nodes,
                                  Block* owner) {
  if (equal(def->type, type)) return def;
  Node* const cast = graph.create(Kind::kUncheckedCast, {def}, def->node ? def->node->span : SourceSpan());
  cast->owner = owner;
  nodes->push_back(cast);
  return graph.add_output(*cast, type, def->name);
}

// How many nodes the block has, with those inside it.
[[nodiscard]] inline size_t count_nodes(const Block& block) {
  size_t count = 0;
  each_block(block, [&](const Block& one) { count += one.nodes.size(); });
  return count;
}

}  // namespace tine::ir
