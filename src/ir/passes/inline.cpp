#include "src/ir/passes/inline.h"

#include <string>
#include <unordered_set>

#include "src/ir/passes/rewrite.h"

namespace tine::ir {
namespace {

bool holds_return(const Node& node) {
  const auto is = [](const Node& one) { return one.kind == Kind::kReturn; };
  return is(node) || std::any_of(node.blocks.begin(), node.blocks.end(),
                                 [&](const Block* block) { return any_node(*block, is); });
}

// After `block` the function is at its end. What it returned, or its outputs so far, become its outputs.
bool end_with_result(Graph& graph, Block& block) {
  for (size_t i = 0; i < block.nodes.size(); ++i) {
    Node& node = *block.nodes[i];
    if (node.kind == Kind::kReturn) {
      block.outputs = node.inputs;
      graph.destroy(&node);
      return true;
    }
    if (!holds_return(node)) continue;
    if (node.kind != Kind::kIf) return false;
    const bool leaves[2] = {node.blocks[0]->ends_in_exit(), node.blocks[1]->ends_in_exit()};
    if (!leaves[0] && !leaves[1]) return false;
    if (!(leaves[0] && leaves[1])) {
      // What comes after the `if` runs only where the other branch does: it goes to the end of that one.
      Block& other = *node.blocks[leaves[0] ? 1 : 0];
      std::vector<Node*> rest(block.nodes.begin() + static_cast<std::ptrdiff_t>(i) + 1, block.nodes.end());
      block.nodes.resize(i + 1);
      std::vector<Def*> results = std::move(block.outputs);
      Replacements with;
      for (size_t k = 0; k < node.outputs.size(); ++k) {
        with[node.outputs[k]] = as_type(graph, other.outputs[k], node.outputs[k]->type, &other.nodes, &other);
        node.outputs[k]->gone = true;
      }
      for (Node* later : rest) {
        later->owner = &other;
        other.nodes.push_back(later);
      }
      other.outputs = std::move(results);
      replace_all(other, with);
      node.outputs.clear();
    }
    if (!end_with_result(graph, *node.blocks[0]) || !end_with_result(graph, *node.blocks[1])) return false;
    block.outputs.clear();
    if (node.is_exit()) return true;
    for (const TypePtr& type : graph.returns) block.outputs.push_back(graph.add_output(node, type));
    return true;
  }
  return true;
}

// The nodes of `from`, a graph of its own, at the end of `nodes` in the block. Null where it never returns.
Def* splice(const Graph& from, const std::vector<Def*>& inputs, Graph& graph, Block& block,
            std::vector<Node*>* nodes) {
  if (from.root().ends_in_exit() || from.root().outputs.size() != 1) return nullptr;
  Copies copies;
  for (size_t i = 0; i < inputs.size(); ++i)
    copies[from.inputs()[i]] = as_type(graph, inputs[i], from.inputs()[i]->type, nodes, &block);
  for (const Node* node : from.root().nodes) {
    Node* const fresh = clone_node(*node, graph, &copies);
    fresh->owner = &block;
    nodes->push_back(fresh);
  }
  return as_type(graph, copies.at(from.root().outputs[0]), from.returns[0], nodes, &block);
}

class Inliner {
 public:
  explicit Inliner(const GraphOf& graph_of) : graph_of_(graph_of) {}

  bool run(Graph& graph) {
    Replacements with;
    const bool changed = block(graph, graph.root(), &with);
    if (!with.empty()) replace_all(graph.root(), with);
    return changed;
  }

 private:
  bool block(Graph& graph, Block& b, Replacements* with) {
    bool changed = false;
    std::vector<Node*> nodes;
    for (Node* node : b.nodes) {
      replace_all(node->inputs, *with);
      for (Block* inner : node->blocks) changed |= block(graph, *inner, with);
      if (node->subgraph) changed |= run(*node->subgraph);
      const std::string callee = node->callee();
      Def* result = nullptr;
      if (!callee.empty() && inlined_ < kMostInlined && !open_.contains(callee)) {
        if (const Graph* const body = graph_of_(callee))
          result = inlined(callee, *body, *node, graph, b, &nodes);
      }
      if (!result) {
        nodes.push_back(node);
        continue;
      }
      changed = true;
      (*with)[node->output()] = as_type(graph, result, node->output()->type, &nodes, &b);
      Graph::forget(*node);
    }
    b.nodes = std::move(nodes);
    replace_all(b.outputs, *with);
    return changed;
  }

  // The name may mean another function than the one that the call was compiled for. It fails when it is linked.
  static bool fits(const Node& call, const Graph& callee) {
    if (callee.inputs().size() != call.inputs.size() || callee.returns.size() != 1) return false;
    for (size_t i = 0; i < call.inputs.size(); ++i) {
      if (!is_subtype(call.inputs[i]->type, callee.inputs()[i]->type)) return false;
    }
    return is_subtype(callee.returns[0], call.output()->type);
  }

  Def* inlined(const std::string& name, const Graph& callee, const Node& call, Graph& graph, Block& b,
               std::vector<Node*>* nodes) {
    if (!fits(call, callee)) return nullptr;
    const std::unique_ptr<Graph> body = clone(callee);
    if (!return_at_end(*body) || body->root().ends_in_exit()) return nullptr;
    open_.insert(name);
    run(*body);
    open_.erase(name);
    inlined_ += count_nodes(body->root());
    return splice(*body, call.inputs, graph, b, nodes);
  }

  const GraphOf& graph_of_;
  std::unordered_set<std::string> open_;  // what is being inlined, so that recursion ends
  size_t inlined_ = 0;
};

class ForkInliner {
 public:
  bool run(Graph& graph) {
    count(graph.root());
    Replacements with;
    bool changed = block(graph, graph.root(), &with);
    if (!with.empty()) replace_all(graph.root(), with);
    return in_subgraphs(graph.root(), [](Graph& sub) { return inline_forks(sub); }) || changed;
  }

 private:
  static bool is_wait(const Node& node) {
    return node.kind == Kind::kOp && node.op->traits.suspends && node.inputs.size() == 1 &&
           node.inputs[0]->type->kind == TypeKind::kFuture;
  }
  // Futures that are used otherwise than by waiting for them.
  void count(const Block& b) {
    for (const Node* node : b.nodes) {
      if (!is_wait(*node)) kept_.insert(node->inputs.begin(), node->inputs.end());
      for (const Block* inner : node->blocks) count(*inner);
    }
    kept_.insert(b.outputs.begin(), b.outputs.end());
  }
  bool block(Graph& graph, Block& b, Replacements* with) {
    bool changed = false;
    std::vector<Node*> nodes;
    for (Node* node : b.nodes) {
      replace_all(node->inputs, *with);
      for (Block* inner : node->blocks) changed |= block(graph, *inner, with);
      if (node->kind == Kind::kFork && !kept_.contains(node->output())) {
        const std::unique_ptr<Graph> body = clone(*node->subgraph);
        Def* const result = return_at_end(*body) ? splice(*body, node->inputs, graph, b, &nodes) : nullptr;
        if (result) {
          results_[node->output()] = result;
          Graph::forget(*node);
          changed = true;
          continue;
        }
      }
      if (is_wait(*node)) {
        if (const auto found = results_.find(node->inputs[0]); found != results_.end()) {
          (*with)[node->output()] = as_type(graph, found->second, node->output()->type, &nodes, &b);
          Graph::forget(*node);
          continue;
        }
      }
      nodes.push_back(node);
    }
    b.nodes = std::move(nodes);
    replace_all(b.outputs, *with);
    return changed;
  }

  std::unordered_set<const Def*> kept_;
  Replacements results_;
};

}  // namespace

bool return_at_end(Graph& graph) { return end_with_result(graph, graph.root()); }
bool inline_calls(Graph& graph, const GraphOf& graph_of) { return Inliner(graph_of).run(graph); }
bool inline_forks(Graph& graph) { return ForkInliner().run(graph); }

}  // namespace tine::ir
