// Walks over graphs. None recurses into blocks: these may nest deep.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include "src/ir/graph.h"

namespace tine::ir {

template <class B>
using NodeIn = std::conditional_t<std::is_const_v<B>, const Node, Node>;

enum class Forks : bool { kLeave, kEnter };

// In the order of the text, where a node comes before those of its blocks (and, with kEnter, of its subgraph): whether
// `found(node)` is true of one. The walk ends there.
template <class B, class F>
bool any_node(B& root, F found, Forks forks = Forks::kLeave) {
  std::vector<std::pair<B*, size_t>> open = {{&root, 0}};
  while (!open.empty()) {
    auto& [block, next] = open.back();
    if (next == block->nodes.size()) {
      open.pop_back();
      continue;
    }
    NodeIn<B>& node = *block->nodes[next++];
    if (found(node)) return true;
    if (node.subgraph && forks == Forks::kEnter) open.emplace_back(&node.subgraph->root(), 0);
    for (size_t i = node.blocks.size(); i-- > 0;) open.emplace_back(node.blocks[i], 0);
  }
  return false;
}

template <class B, class F>
void each_node(B& root, F f, Forks forks = Forks::kLeave) {
  (void)any_node(
      root,
      [&](NodeIn<B>& node) {
        f(node);
        return false;
      },
      forks);
}

// The block and those in it, in the order of the text.
template <class B, class F>
void each_block(B& root, F f) {
  std::vector<B*> open = {&root};
  while (!open.empty()) {
    B* const block = open.back();
    open.pop_back();
    f(*block);
    for (size_t i = block->nodes.size(); i-- > 0;) {
      const std::vector<Block*>& inner = block->nodes[i]->blocks;
      open.insert(open.end(), inner.rbegin(), inner.rend());
    }
  }
}

// The graph and the subgraphs of its forks, and theirs.
template <class F>
void each_graph(Graph& graph, F f) {
  f(graph);
  each_node(graph.root(), [&](const Node& node) {
    if (node.subgraph) each_graph(*node.subgraph, f);
  });
}

}  // namespace tine::ir
