#include "src/ir/passes/simplify.h"
#include "src/ir/passes/rewrite.h"
#include "src/value/op_context.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace tine::ir {
namespace {

// Types whose values cannot be changed and cannot be told apart when they are equal: one may stand for another.
bool is_plain(const Type& type) {
  switch (type.kind) {
    case TypeKind::kNone:
    case TypeKind::kBool:
    case TypeKind::kInt:
    case TypeKind::kFloat:
    case TypeKind::kNumber:
    case TypeKind::kStr: return true;
    case TypeKind::kOptional: return is_plain(*type.of.front());
    default: return false;
  }
}

// In ns. More expensive operators on constants are left to the run: 'a' * 1000000 must stay a short program.
constexpr int64_t kWorthFolding = 10'000;

bool is_plain_row(const Node& node) {
  return node.kind == Kind::kOp && node.op->traits.pure && !node.op->traits.suspends &&
         is_plain(*node.output()->type) &&
         std::all_of(node.inputs.begin(), node.inputs.end(),
                     [](const Def* def) { return is_plain(*def->type); });
}

// Computes operators on constants, and replaces an `if` on a constant by its branch. One walk in the order of the nodes
// is enough: the inputs of a node have been folded when the walk comes to it.
class Folder {
 public:
  bool run(Block& block) {
    std::vector<Node*> nodes;
    for (Node* node : block.nodes) {
      replace_all(node->inputs, with_);
      for (Block* inner : node->blocks) run(*inner);
      if (node->kind == Kind::kIf && splice(*node, block, &nodes)) continue;
      fold(*node);
      nodes.push_back(node);
    }
    block.nodes = std::move(nodes);
    replace_all(block.outputs, with_);
    return changed_;
  }

 private:
  void fold(Node& node) {
    if (!is_plain_row(node)) return;
    std::vector<Value> args;
    for (const Def* def : node.inputs) {
      const Value* value = constant_of(def);
      if (!value) return;
      args.push_back(*value);
    }
    if (nanoseconds(*node.op, args.data()) > kWorthFolding) return;
    Value result;
    try {
      OpContext context;
      result = node.op->kernel(context, args.data());
    } catch (const std::exception&) {
      return;  // left to fail when the script runs: it may never come there
    }
    // Of a row that may return anything the node declares a type. The machine reports a result that is not of it.
    if (!fits(result, node.output()->type)) return;
    node.kind = Kind::kConstant;
    node.op = nullptr;
    node.inputs.clear();
    node.constant = std::move(result);
    changed_ = true;
  }

  // The nodes of the branch that is always taken, in place of the `if`.
  bool splice(Node& node, Block& block, std::vector<Node*>* nodes) {
    const Value* condition = constant_of(node.inputs.front());
    if (!condition || !condition->is_bool()) return false;
    Block& taken = *node.blocks[condition->as_bool() ? 0 : 1];
    // An exit must be the last node of its block, so the nodes after the `if` would have to go too. The emitter handles
    // this case: it emits a jump on a constant without a test.
    if (taken.ends_in_exit()) return false;
    // A result may be declared wider (Optional[int]) than the branch's value (int). Its uses were typed with the wider
    // one, so the `if` stays.
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (!equal(node.outputs[i]->type, taken.outputs[i]->type)) return false;
    }
    for (Node* inner : taken.nodes) {
      inner->owner = &block;
      nodes->push_back(inner);
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) with_[node.outputs[i]] = taken.outputs[i];
    taken.nodes.clear();
    Graph::forget(node);
    changed_ = true;
    return true;
  }

  Replacements with_;
  bool changed_ = false;
};

// Of two nodes that compute the same, keeps the first and uses its result for both. The first must run whenever the
// second does: it is in the same block or in a block around it, so `known_` holds the nodes of these blocks only.
class Merger {
 public:
  bool run(Block& block) {
    std::vector<Key> added;
    std::vector<Node*> nodes;
    for (Node* node : block.nodes) {
      replace_all(node->inputs, with_);
      for (Block* inner : node->blocks) run(*inner);
      if (is_plain_row(*node) || (node->kind == Kind::kConstant && is_plain(*node->output()->type))) {
        Key key = key_of(*node);
        const auto [found, fresh] = known_.emplace(key, node->output());
        if (!fresh) {
          with_[node->output()] = found->second;
          Graph::forget(*node);
          changed_ = true;
          continue;
        }
        added.push_back(std::move(key));
      }
      nodes.push_back(node);
    }
    block.nodes = std::move(nodes);
    replace_all(block.outputs, with_);
    // The nodes of this block do not run when control takes a block beside it.
    for (const Key& key : added) known_.erase(key);
    return changed_;
  }

 private:
  // The row, or the constant's tag and bits; the inputs; the declared type. Bits tell 0.0 from -0.0 and find a NaN
  // equal to itself. Constants of different declared types are not merged, because their uses were typed by them.
  using Key = std::tuple<const Op*, int, int64_t, std::string, std::vector<Def*>, std::string>;

  static Key key_of(const Node& node) {
    const Value& v = node.constant;
    const bool constant = node.kind == Kind::kConstant;
    return {node.op,
            constant ? static_cast<int>(v.tag()) : -1,
            constant && v.tag() < Tag::kTensor && !v.is_none() ? v.as_int() : 0,
            constant && v.is_string() ? v.as_string() : std::string(),
            node.inputs,
            node.output()->type->str()};
  }

  std::map<Key, Def*> known_;
  Replacements with_;
  bool changed_ = false;
};

// Removes nodes without an effect whose results are not used.
class Dropper {
 public:
  bool run(Graph& graph) {
    uses_.insert(graph.root().outputs.begin(), graph.root().outputs.end());
    block(graph.root());
    return changed_;
  }

 private:
  // A `while` may run for ever, and then the nodes after it do not run: that is an effect. A `for` ends.
  static bool may_be_endless(const Node& loop) {
    const Node* const limit = loop.inputs[0]->node;
    return limit && limit->kind == Kind::kConstant && limit->constant.is_int() &&
           limit->constant.as_int() == kNoTripLimit;
  }

  static bool has_effect(const Node& node) {
    switch (node.kind) {
      case Kind::kOp: return !node.op->traits.pure || node.op->traits.suspends;
      case Kind::kLoop:
        if (may_be_endless(node)) return true;
        [[fallthrough]];
      case Kind::kIf:
        return std::any_of(node.blocks.begin(), node.blocks.end(), [](const Block* b) {
          return std::any_of(b->nodes.begin(), b->nodes.end(), [](const Node* n) { return has_effect(*n); });
        });
      case Kind::kReturn:
      case Kind::kBreak:
      case Kind::kContinue:
      case Kind::kRaise:
      case Kind::kFork:
      case Kind::kCallFunction:
      case Kind::kCallMethod:
      case Kind::kSetAttr:
      case Kind::kEnter:
      case Kind::kExit:
      case Kind::kListUnpack:  // this and the next one check something, the length or the type, and may fail
      case Kind::kUncheckedCast: return true;
      default: return false;
    }
  }

  // The walk is backwards, so that all uses of a node have been seen when it comes to the node. A value that an iteration
  // of a loop hands to the next one is an output of the loop's block, so it counts as used.
  void block(Block& b) {
    std::vector<Node*> kept;
    for (size_t i = b.nodes.size(); i-- > 0;) {
      Node* const node = b.nodes[i];
      const bool used = std::any_of(node->outputs.begin(), node->outputs.end(),
                                    [&](const Def* d) { return uses_.contains(d); });
      if (!used && !has_effect(*node)) {
        Graph::forget(*node);
        changed_ = true;
        continue;
      }
      for (Block* inner : node->blocks) {
        uses_.insert(inner->outputs.begin(), inner->outputs.end());
        block(*inner);
      }
      uses_.insert(node->inputs.begin(), node->inputs.end());
      kept.push_back(node);
    }
    std::reverse(kept.begin(), kept.end());
    b.nodes = std::move(kept);
  }

  std::unordered_set<const Def*> uses_;
  bool changed_ = false;
};

}  // namespace

bool fold_constants(Graph& graph) {
  const bool changed = Folder().run(graph.root());
  return in_subgraphs(graph.root(), [](Graph& sub) { return fold_constants(sub); }) || changed;
}

bool merge_common(Graph& graph) {
  const bool changed = Merger().run(graph.root());
  return in_subgraphs(graph.root(), [](Graph& sub) { return merge_common(sub); }) || changed;
}

bool drop_dead(Graph& graph) {
  const bool changed = Dropper().run(graph);
  return in_subgraphs(graph.root(), [](Graph& sub) { return drop_dead(sub); }) || changed;
}

void simplify(Graph& graph) {
  // One round finds nearly everything, because each pass walks in the order that lets it see its own results. The bound keeps
  // the time linear.
  for (int round = 0; round < kRounds; ++round) {
    const bool folded = fold_constants(graph);
    const bool merged = merge_common(graph);
    const bool dropped = drop_dead(graph);
    if (!folded && !merged && !dropped) return;
  }
}

}  // namespace tine::ir
