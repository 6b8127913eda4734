#include "src/compile/liveness.h"

#include <algorithm>

namespace tine::compile {

using ir::Block;
using ir::Def;
using ir::Node;

bool contains(const DefList& defs, const Def* def) {
  return std::find(defs.begin(), defs.end(), def) != defs.end();
}

void Liveness::count_uses(const Block& block) {
  for (const Node* node : block.nodes) {
    for (const Def* def : node->inputs) ++uses_[def];
    for (const Block* inner : node->blocks) count_uses(*inner);
  }
  for (const Def* def : block.outputs) ++uses_[def];
}

int Liveness::uses(const Def* def) const {
  const auto found = uses_.find(def);
  return found == uses_.end() ? 0 : found->second;
}

const DefSet& Liveness::used_in(const Block& block) {
  auto [it, fresh] = used_.try_emplace(&block);
  if (!fresh) return it->second;
  DefSet set;
  for (const Node* node : block.nodes) {
    set.insert(node->inputs.begin(), node->inputs.end());
    for (const Block* inner : node->blocks) {
      const DefSet& nested = used_in(*inner);
      set.insert(nested.begin(), nested.end());
    }
  }
  set.insert(block.outputs.begin(), block.outputs.end());
  return used_[&block] = std::move(set);  // not through `it`: the inner blocks may have made the table grow
}

Deaths Liveness::deaths_in(const Block& block, const DefList& dying) {
  std::unordered_map<const Def*, const Node*> last;  // null: the outputs
  for (const Node* node : block.nodes) {
    for (const Def* def : node->inputs) last[def] = node;
    for (const Block* inner : node->blocks) {
      for (const Def* def : used_in(*inner)) last[def] = node;
    }
  }
  for (const Def* def : block.outputs) last[def] = nullptr;

  Deaths deaths;
  const auto dies = [&](const Def* def, DefList* if_unused) {
    if (def == kept_) return;
    const auto found = last.find(def);
    if (found != last.end()) {
      (found->second ? deaths.after[found->second] : deaths.at_end).push_back(def);
    } else if (if_unused) {
      if_unused->push_back(def);
    }
  };
  for (const Def* def : block.params) dies(def, &deaths.at_start);
  for (const Def* def : dying) dies(def, &deaths.at_start);
  // A result that is not used does not die at the start: the emitter kills it after the node that makes it.
  for (const Node* node : block.nodes) {
    for (const Def* def : node->outputs) dies(def, nullptr);
  }
  for (const auto& [def, node] : last) deaths.used.insert(def);
  return deaths;
}

}  // namespace tine::compile
