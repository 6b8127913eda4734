#include "src/ir/passes/loops.h"

#include <array>
#include <string_view>
#include <unordered_set>

#include "src/ir/passes/rewrite.h"

namespace tine::ir {
namespace {

bool is_number(const Def* def) {
  const TypeKind kind = def->type->kind;
  return kind == TypeKind::kInt || kind == TypeKind::kFloat || kind == TypeKind::kBool;
}

// Of ints, floats and bools these return for every input.
constexpr std::array<std::string_view, 18> kNeverFail = {
    "aten::add",     "aten::sub",     "aten::mul", "aten::neg", "aten::lt",      "aten::le",
    "aten::gt",      "aten::ge",      "aten::eq",  "aten::ne",  "aten::__and__", "aten::__or__",
    "aten::__xor__", "aten::__not__", "prim::min", "prim::max", "prim::abs",     "aten::Float"};

bool never_fails(const Node& node) {
  return node.kind == Kind::kOp && node.op->traits.pure && is_number(node.output()) &&
         std::all_of(node.inputs.begin(), node.inputs.end(), is_number) &&
         std::find(kNeverFail.begin(), kNeverFail.end(), node.op->schema.name) != kNeverFail.end();
}

// Objects of classes may lack the value of an attribute, and other tasks may give them one.
bool reads_module(const Node& node) {
  if (node.kind != Kind::kGetAttr) return false;
  const auto& type = static_cast<const ObjectType&>(*node.inputs[0]->type);
  return !type.is_class() && !type.is_interface();
}

// Whether something in the block, or that it runs or waits for, may assign to an attribute.
bool may_assign(const Block& block) {
  return std::any_of(block.nodes.begin(), block.nodes.end(), [](const Node* node) {
    switch (node->kind) {
      case Kind::kSetAttr:
      case Kind::kCallFunction:
      case Kind::kCallMethod:
      case Kind::kFork: return true;
      case Kind::kOp:
        if (!node->op->traits.pure || node->op->traits.suspends) return true;
        break;
      default: break;
    }
    return std::any_of(node->blocks.begin(), node->blocks.end(),
                       [](const Block* b) { return may_assign(*b); });
  });
}

bool hoist(Block& block) {
  bool changed = false;
  std::vector<Node*> nodes;
  for (Node* node : block.nodes) {
    for (Block* inner : node->blocks)
      changed |= hoist(*inner);  // the innermost first: what leaves it may go on
    if (node->kind == Kind::kLoop) {
      Block& body = *node->blocks[0];
      std::unordered_set<const Def*> inside(body.params.begin(), body.params.end());
      const bool attributes_stay = !may_assign(body);
      std::vector<Node*> kept;
      for (Node* one : body.nodes) {
        const bool still = one->kind == Kind::kConstant
                               ? is_number(one->output())
                               : never_fails(*one) || (attributes_stay && reads_module(*one));
        if (still && std::none_of(one->inputs.begin(), one->inputs.end(),
                                  [&](const Def* d) { return inside.contains(d); })) {
          one->owner = &block;
          nodes.push_back(one);
          changed |= one->kind != Kind::kConstant;
          continue;
        }
        inside.insert(one->outputs.begin(), one->outputs.end());
        kept.push_back(one);
      }
      body.nodes = std::move(kept);
    }
    nodes.push_back(node);
  }
  block.nodes = std::move(nodes);
  return changed;
}

// A `break` or `continue` of this loop, not of one inside it.
bool leaves_early(const Block& body) {
  return std::any_of(body.nodes.begin(), body.nodes.end(), [](const Node* node) {
    if (node->kind == Kind::kBreak || node->kind == Kind::kContinue) return true;
    return node->kind != Kind::kLoop && std::any_of(node->blocks.begin(), node->blocks.end(),
                                                    [](const Block* b) { return leaves_early(*b); });
  });
}

bool is_true(const Def* def) {
  const Value* const value = constant_of(def);
  return value && value->is_bool() && value->as_bool();
}

class Unroller {
 public:
  explicit Unroller(Graph& graph) : graph_(graph) {}

  bool run(Block& block) {
    bool changed = false;
    std::vector<Node*> nodes;
    for (Node* node : block.nodes) {
      replace_all(node->inputs, with_);
      for (Block* inner : node->blocks) changed |= run(*inner);
      if (node->kind == Kind::kLoop && unroll(*node, block, &nodes)) {
        changed = true;
        continue;
      }
      nodes.push_back(node);
    }
    block.nodes = std::move(nodes);
    replace_all(block.outputs, with_);
    return changed;
  }

 private:
  bool unroll(Node& loop, Block& block, std::vector<Node*>* nodes) {
    const Block& body = *loop.blocks[0];
    const Value* const turns = constant_of(loop.inputs[0]);
    if (!turns || turns->to_int() > kMostTurns || !is_true(loop.inputs[1]) || body.ends_in_exit() ||
        !is_true(body.outputs[0]) || leaves_early(body) || count_nodes(body) > kMostUnrolled)
      return false;
    std::vector<Def*> carried(loop.inputs.begin() + 2, loop.inputs.end());
    for (int64_t turn = 0; turn < turns->to_int(); ++turn) {
      Copies copies = outside(body);
      Node* const number = graph_.create(Kind::kConstant, {}, loop.span);
      number->constant = Value(turn);
      number->owner = &block;
      nodes->push_back(number);
      copies[body.params[0]] = graph_.add_output(*number, Type::integer(), body.params[0]->name);
      for (size_t i = 0; i < carried.size(); ++i)
        copies[body.params[i + 1]] = as_type(graph_, carried[i], body.params[i + 1]->type, nodes, &block);
      for (const Node* node : body.nodes) {
        Node* const fresh = clone_node(*node, graph_, &copies);
        fresh->owner = &block;
        nodes->push_back(fresh);
      }
      for (size_t i = 0; i < carried.size(); ++i) carried[i] = copies.at(body.outputs[i + 1]);
    }
    for (size_t i = 0; i < carried.size(); ++i) {
      with_[loop.outputs[i]] = as_type(graph_, carried[i], loop.outputs[i]->type, nodes, &block);
      loop.outputs[i]->gone = true;
    }
    loop.gone = true;
    loop.owner = nullptr;
    return true;
  }

  // What the body uses of the blocks around it stays what it is.
  static Copies outside(const Block& body) {
    Copies copies;
    std::vector<const Block*> open = {&body};
    while (!open.empty()) {
      const Block* const one = open.back();
      open.pop_back();
      for (Def* def : one->outputs) copies.emplace(def, def);
      for (const Node* node : one->nodes) {
        for (Def* def : node->inputs) copies.emplace(def, def);
        open.insert(open.end(), node->blocks.begin(), node->blocks.end());
      }
    }
    return copies;
  }

  Graph& graph_;
  Replacements with_;
};

}  // namespace

bool hoist_invariants(Graph& graph) {
  const bool changed = hoist(graph.root());
  return in_subgraphs(graph.root(), [](Graph& sub) { return hoist_invariants(sub); }) || changed;
}

bool unroll_loops(Graph& graph) {
  const bool changed = Unroller(graph).run(graph.root());
  return in_subgraphs(graph.root(), [](Graph& sub) { return unroll_loops(sub); }) || changed;
}

}  // namespace tine::ir
