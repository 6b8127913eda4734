#include "src/ir/passes/peephole.h"

#include <cmath>
#include <string_view>
#include <unordered_map>

#include "src/ir/passes/rewrite.h"

namespace tine::ir {
namespace {

class Peephole {
 public:
  explicit Peephole(Graph& graph) : graph_(graph) { count(graph.root()); }

  bool run(Block& block) {
    std::vector<Node*> nodes;
    for (Node* node : block.nodes) {
      replace_all(node->inputs, with_);
      for (Block* inner : node->blocks) run(*inner);
      if (simpler(*node)) {
        changed_ = true;
        Graph::forget(*node);
        continue;
      }
      nodes.insert(nodes.end(), pending_.begin(), pending_.end());
      pending_.clear();
      nodes.push_back(node);
    }
    block.nodes = std::move(nodes);
    replace_all(block.outputs, with_);
    return changed_;
  }

 private:
  void count(const Block& block) {
    for (const Node* node : block.nodes) {
      for (const Def* def : node->inputs) ++uses_[def];
      for (const Block* inner : node->blocks) count(*inner);
    }
    for (const Def* def : block.outputs) ++uses_[def];
  }

  bool stands_for(const Def* def, Def* other) {
    if (!equal(def->type, other->type)) return false;
    with_[def] = other;
    return true;
  }
  // The node becomes that constant.
  void become(Node& node, Value value) {
    node.kind = Kind::kConstant;
    node.op = nullptr;
    node.inputs.clear();
    node.blocks.clear();
    node.type = nullptr;
    node.constant = std::move(value);
    changed_ = true;
  }

  // True when the node can go: its results are others now.
  bool simpler(Node& node) {
    switch (node.kind) {
      case Kind::kOp: return arithmetic(node);
      case Kind::kIf: return choice(node);
      case Kind::kUncheckedCast: return stands_for(node.output(), node.inputs[0]);
      case Kind::kIsInstance: {
        const TypePtr& is = node.inputs[0]->type;
        if (is_subtype(is, node.type)) {
          become(node, Value(true));
        } else if (node.type->kind == TypeKind::kNone && is->kind != TypeKind::kOptional &&
                   is->kind != TypeKind::kAny) {
          become(node, Value(false));
        }
        return false;
      }
      case Kind::kTupleIndex:
      case Kind::kTupleUnpack:
      case Kind::kListUnpack: return taken_apart(node);
      default: return false;
    }
  }

  bool taken_apart(Node& node) {
    const Node* const made = node.inputs[0]->node;
    const bool list = node.kind == Kind::kListUnpack;
    if (!made || made->kind != (list ? Kind::kListConstruct : Kind::kTupleConstruct)) return false;
    // Somebody else could have changed the list. Of another length it must fail.
    if (list && (uses_[node.inputs[0]] != 1 || made->inputs.size() != node.outputs.size())) return false;
    std::vector<Def*> parts = made->inputs;
    if (node.kind == Kind::kTupleIndex) parts = {made->inputs[static_cast<size_t>(node.index)]};
    for (size_t i = 0; i < parts.size(); ++i) {
      parts[i] = replaced(parts[i], with_);
      if (!equal(parts[i]->type, node.outputs[i]->type)) return false;
    }
    for (size_t i = 0; i < parts.size(); ++i) with_[node.outputs[i]] = parts[i];
    return true;
  }

  // `True if c else False`
  bool choice(Node& node) {
    if (node.outputs.size() != 1 || !node.blocks[0]->nodes.empty() || !node.blocks[1]->nodes.empty())
      return false;
    Def* const then = node.blocks[0]->outputs[0];
    Def* const otherwise = node.blocks[1]->outputs[0];
    if (then == otherwise) return stands_for(node.output(), then);
    const Value *const yes = constant_of(then), *const no = constant_of(otherwise);
    if (!yes || !no || !yes->is_bool() || !no->is_bool() || !yes->as_bool() || no->as_bool()) return false;
    return stands_for(node.output(), node.inputs[0]);
  }

  static bool is_int(const Def* def) { return def->type->kind == TypeKind::kInt; }
  static bool is(const Def* def, int64_t number) {
    const Value* const value = constant_of(def);
    return value && value->is_int() && value->to_int() == number;
  }
  static bool is_float(const Def* def, double number) {
    const Value* const value = constant_of(def);
    return value && value->is_float() && value->to_float() == number;
  }

  bool arithmetic(Node& node) {
    const std::string_view name = node.op->schema.name;
    if (!node.op->traits.pure) return false;
    if (name == "aten::__not__" && node.inputs.size() == 1) {
      const Node* const inner = node.inputs[0]->node;
      return inner && inner->kind == Kind::kOp && inner->op == node.op &&
             stands_for(node.output(), replaced(inner->inputs[0], with_));
    }
    if (node.inputs.size() != 2) return false;
    Def *const a = node.inputs[0], *const b = node.inputs[1];
    if (is_int(a) && is_int(b)) return of_ints(node, name, a, b);
    if (a->type->kind != TypeKind::kFloat || b->type->kind != TypeKind::kFloat) return false;
    if (name == "aten::mul") {
      if (is_float(b, 1.0)) return stands_for(node.output(), a);
      if (is_float(a, 1.0)) return stands_for(node.output(), b);
    }
    if (name == "aten::div" && is_float(b, 1.0)) return stands_for(node.output(), a);
    // -0.0 - 0.0 is -0.0, and -0.0 - -0.0 is 0.0: the sign of the constant counts.
    if (name == "aten::sub") {
      const Value* const value = constant_of(b);
      if (value && value->to_float() == 0.0 && !std::signbit(value->to_float()))
        return stands_for(node.output(), a);
    }
    return false;
  }

  bool of_ints(Node& node, std::string_view name, Def* a, Def* b) {
    if (name == "aten::add") {
      if (is(b, 0)) return stands_for(node.output(), a);
      if (is(a, 0)) return stands_for(node.output(), b);
      return sum(node, a, b);
    }
    if (name == "aten::sub") {
      if (is(b, 0)) return stands_for(node.output(), a);
      if (a == b) become(node, Value(int64_t{0}));
      return false;
    }
    if (name == "aten::mul") {
      if (is(b, 1)) return stands_for(node.output(), a);
      if (is(a, 1)) return stands_for(node.output(), b);
      if (is(a, 0) || is(b, 0)) become(node, Value(int64_t{0}));
      return false;
    }
    if (name == "aten::floordiv") return is(b, 1) && stands_for(node.output(), a);
    if (a == b && (name == "aten::eq" || name == "aten::le" || name == "aten::ge")) become(node, Value(true));
    if (a == b && (name == "aten::ne" || name == "aten::lt" || name == "aten::gt"))
      become(node, Value(false));
    return false;
  }

  // (x + 1) + 2: one sum, of x and a new constant in front of it.
  bool sum(Node& node, Def* a, Def* b) {
    const Value* const second = constant_of(b);
    const Node* const inner = a->node;
    if (!second || !inner || inner->kind != Kind::kOp || inner->op != node.op) return false;
    const Value* const first = constant_of(inner->inputs[1]);
    if (!first) return false;
    Node* const constant = graph_.create(Kind::kConstant, {}, node.span);
    constant->constant = Value(static_cast<int64_t>(static_cast<uint64_t>(first->to_int()) +
                                                    static_cast<uint64_t>(second->to_int())));
    constant->owner = node.owner;
    node.inputs = {replaced(inner->inputs[0], with_), graph_.add_output(*constant, Type::integer())};
    pending_.push_back(constant);
    changed_ = true;
    return false;
  }

  Graph& graph_;
  Replacements with_;
  std::unordered_map<const Def*, int> uses_;
  std::vector<Node*> pending_;  // constants that the node at hand needs in front of it
  bool changed_ = false;
};

}  // namespace

bool peephole(Graph& graph) {
  const bool changed = Peephole(graph).run(graph.root());
  return in_subgraphs(graph.root(), [](Graph& sub) { return peephole(sub); }) || changed;
}

}  // namespace tine::ir
