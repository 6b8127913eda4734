// Liveness: where each value of a graph dies. A value dies at the last node of its block that uses it. A value whose last
// use is in one branch of an `if` dies there, and at the start of the other branch.
#pragma once

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "src/ir/graph.h"

namespace tine::compile {

using DefSet = std::unordered_set<const ir::Def*>;
using DefList = std::vector<const ir::Def*>;

[[nodiscard]] bool contains(const DefList& defs, const ir::Def* def);

// What dies in one block.
struct Deaths {
  DefList at_start;                                    // nothing here uses it
  std::unordered_map<const ir::Node*, DefList> after;  // the node is the last to use it
  DefList at_end;                                      // the block's outputs are the last
  DefSet used;                                         // by anything in the block
};

class Liveness {
 public:
  explicit Liveness(const ir::Graph& graph) { count_uses(graph.root()); }

  // It never dies: the register that it is in belongs to somebody else.
  void keep(const ir::Def* def) { kept_ = def; }
  // How many inputs and outputs in the whole graph it is.
  [[nodiscard]] int uses(const ir::Def* def) const;
  // All that the block and those inside it use.
  [[nodiscard]] const DefSet& used_in(const ir::Block& block);
  // `dying`: the values from outside whose last use, on this path, is in this block.
  [[nodiscard]] Deaths deaths_in(const ir::Block& block, const DefList& dying);

 private:
  void count_uses(const ir::Block& block);

  const ir::Def* kept_ = nullptr;
  std::unordered_map<const ir::Def*, int> uses_;
  std::unordered_map<const ir::Block*, DefSet> used_;
};

}  // namespace tine::compile
