#include "src/ir/verify.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>
#include <unordered_set>

#include "src/ir/print.h"
#include "src/value/unify.h"

namespace tine::ir {
namespace {

// The passes and the emitter recurse into blocks too.
constexpr int kDeepestBlock = 400;

class Verifier {
 public:
  Verifier(const Graph& graph, int fork_depth, bool is_function = true)
      : graph_(graph), fork_depth_(fork_depth), is_function_(is_function) {}

  void run() {
    if (fork_depth_ > kDeepestFork) {
      throw SyntaxError(fmt::format("IR: forks are nested more than {} deep in one graph", kDeepestFork));
    }
    if (is_function_ && graph_.returns.size() > 1) {
      throw SyntaxError(
          fmt::format("IR: the graph '{}' returns {} values; a function returns one (a tuple for several)",
                      graph_.name, graph_.returns.size()));
    }
    for (const TypePtr& type : graph_.returns) {
      if (!type) throw SyntaxError(fmt::format("IR: a return of the graph '{}' has no type", graph_.name));
    }
    block(graph_.root(), 0);
    const Block& root = graph_.root();
    if (!root.ends_in_exit()) outputs(nullptr, root.outputs, 0, graph_.returns);
  }

 private:
  [[noreturn]] void fail(const Node* node, const std::string& what) const {
    if (!node) throw SyntaxError(fmt::format("IR: graph '{}': {}", graph_.name, what));
    throw SyntaxError(fmt::format("IR: {}\n  in: {}{}", what, print(graph_, *node),
                                  node->span.known() ? "\n  at: " + node->span.str() : ""));
  }

  // The values that may be used here are those of this block and of the blocks around it, defined before.
  void define(const Node* node, const Def* def) {
    if (!def || !def->type) fail(node, "a result has no type");
    if (!defined_.insert(def).second) fail(node, "a result is defined twice");
    scope_.push_back(def);
  }
  void use(const Node* node, const Def* def) {
    if (!def) fail(node, "an input is missing");
    if (!defined_.contains(def))
      fail(node, "an input is not defined here: it comes later, from another block or from another graph");
  }

  // What the outputs of a block (or the inputs of an exit) must fit, from the `first` on.
  void outputs(const Node* node, const std::vector<Def*>& given, size_t first,
               const std::vector<TypePtr>& wanted) {
    if (given.size() - std::min(first, given.size()) != wanted.size() || given.size() < first) {
      fail(node, fmt::format("expected {} values, got {}", wanted.size(),
                             given.size() - std::min(first, given.size())));
    }
    for (size_t i = first; i < given.size(); ++i) {
      use(node, given[i]);
      fits(node, given[i], wanted[i - first]);
    }
  }
  void fits(const Node* node, const Def* def, const TypePtr& wanted) {
    if (!is_subtype(def->type, wanted))
      fail(node, fmt::format("expected {}, got {}", wanted->str(), def->type->str()));
  }

  // A block comes out in the `with`s in which it began; what leaves the function or a loop has left those inside.
  void left(const Node* node, size_t entered) const {
    if (entered_.size() != entered) fail(node, "a `with` is not left on this path");
  }
  void block(const Block& b, int depth) {
    const std::vector<const Def*> entered = entered_;
    block_inside(b, depth);
    if (b.ends_in_exit()) {
      entered_ = entered;
    } else if (entered_ != entered) {
      fail(b.owner, "a `with` is not left at the end of the block");
    }
  }
  void block_inside(const Block& b, int depth) {
    if (depth > kDeepestBlock) fail(b.owner, "blocks are nested too deeply");
    const size_t before = scope_.size();
    for (const Def* def : b.params) define(b.owner, def);
    for (size_t i = 0; i < b.nodes.size(); ++i) {
      const Node* node = b.nodes[i];
      if (!node) fail(b.owner, "a node is missing");
      this->node(*node, depth);
      // After its check, so that a node cannot use its own results.
      for (const Def* def : node->outputs) define(node, def);
      if (node->is_exit() && i + 1 != b.nodes.size())
        fail(node, "an exit must be the last node of its block");
    }
    if (b.ends_in_exit()) {
      if (!b.outputs.empty()) fail(b.nodes.back(), "a block that ends in an exit has no outputs");
    } else if (b.owner) {
      block_outputs(b);
    } else {
      for (const Def* def : b.outputs) use(nullptr, def);
      if (b.outputs.size() != graph_.returns.size()) {
        fail(nullptr, fmt::format("expected {} results, got {}", graph_.returns.size(), b.outputs.size()));
      }
    }
    // The root's values stay known for the check of its outputs.
    if (!b.owner) return;
    while (scope_.size() > before) {
      defined_.erase(scope_.back());
      scope_.pop_back();
    }
  }

  void block_outputs(const Block& b) {
    const Node& owner = *b.owner;
    std::vector<TypePtr> wanted = types(owner.outputs);
    // An iteration ends with the condition for the next one.
    if (owner.kind == Kind::kLoop) wanted.insert(wanted.begin(), Type::boolean());
    outputs(&owner, b.outputs, 0, wanted);
  }

  static std::vector<TypePtr> types(const std::vector<Def*>& defs) {
    std::vector<TypePtr> out;
    for (const Def* def : defs) out.push_back(def ? def->type : nullptr);
    return out;
  }

  void arity(const Node& node, size_t inputs, size_t outs) {
    if (node.inputs.size() != inputs)
      fail(&node, fmt::format("expected {} inputs, got {}", inputs, node.inputs.size()));
    results(node, outs);
  }
  void results(const Node& node, size_t outs) {
    if (node.outputs.size() != outs)
      fail(&node, fmt::format("expected {} results, got {}", outs, node.outputs.size()));
    for (const Def* def : node.outputs) {
      if (!def || !def->type) fail(&node, "a result has no type");
    }
  }
  void input_kind(const Node& node, size_t i, TypeKind kind, const char* name) {
    if (node.inputs[i]->type->kind != kind) {
      fail(&node, fmt::format("expected {} as input {}, got {}", name, i + 1, node.inputs[i]->type->str()));
    }
  }

  void node(const Node& node, int depth) {
    for (const Def* def : node.inputs) use(&node, def);
    switch (node.kind) {
      case Kind::kOp:
        if (!node.op) fail(&node, "the node names no operator");
        results(node, 1);
        if (auto why = check_op(*node.op, node.inputs, node.output()->type)) fail(&node, *why);
        return;
      case Kind::kConstant:
        arity(node, 0, 1);
        if (!tine::fits(node.constant, node.output()->type))
          fail(&node, fmt::format("the constant is not a {}", node.output()->type->str()));
        if (node.names_function() && !(node.constant.is_string() && node.constant.as_string() == node.name))
          fail(&node, "the constant is not the name of its function");
        return;
      case Kind::kIf: return if_(node, depth);
      case Kind::kLoop: return loop(node, depth);
      case Kind::kReturn:
      case Kind::kBreak:
      case Kind::kContinue:
      case Kind::kRaise: return exit(node);
      case Kind::kFork: return fork(node);
      case Kind::kCallFunction:
        // The function may be defined later or anew, so the machine compares the signatures when it links the call.
        if (node.name.empty()) fail(&node, "the call names no function");
        return results(node, 1);
      case Kind::kCallMethod:
        if (node.inputs.empty() || !object(*node.inputs[0]))
          fail(&node, "expected an object as the first input");
        return results(node, 1);
      case Kind::kGetAttr:
        arity(node, 1, 1);
        if (!equal(slot(node), node.output()->type))
          fail(&node, fmt::format("the attribute is a {}", slot(node)->str()));
        return;
      case Kind::kSetAttr: arity(node, 2, 0); return fits(&node, node.inputs[1], slot(node));
      case Kind::kCreateObject:
        arity(node, 0, 1);
        if (const ObjectType* type = object(*node.output()); !type || !type->is_class())
          fail(&node, fmt::format("{} is not a class of scripts", node.output()->type->str()));
        return;
      case Kind::kEnter:
        arity(node, 1, 0);
        if (!object(*node.inputs[0])) fail(&node, "expected an object as the input");
        entered_.push_back(node.inputs[0]);
        return;
      case Kind::kExit:
        arity(node, 1, 0);
        if (entered_.empty() || entered_.back() != node.inputs[0])
          fail(&node, "this is not the object of the innermost `with`");
        return entered_.pop_back();
      case Kind::kTupleConstruct:
      case Kind::kListConstruct:
      case Kind::kDictConstruct: return construct(node);
      case Kind::kTupleUnpack:
      case Kind::kTupleIndex:
      case Kind::kListUnpack: return take_apart(node);
      case Kind::kIsInstance:
        arity(node, 1, 1);
        if (!node.type) fail(&node, "the check names no type");
        if (node.output()->type->kind != TypeKind::kBool) fail(&node, "the result must be a bool");
        return;
      case Kind::kUncheckedCast: return cast(node);
    }
    fail(&node, "unknown kind of node");
  }

  // An exit: its inputs must fit what the function returns, or what the loop carries.
  void exit(const Node& node) {
    switch (node.kind) {
      case Kind::kReturn:
        results(node, 0);
        left(&node, 0);
        return outputs(&node, node.inputs, 0, graph_.returns);
      case Kind::kBreak:
        results(node, 0);
        if (loops_.empty()) fail(&node, "break outside of a loop");
        left(&node, loops_.back().entered);
        return outputs(&node, node.inputs, 0, types(loops_.back().node->outputs));
      case Kind::kContinue:
        results(node, 0);
        if (loops_.empty()) fail(&node, "continue outside of a loop");
        left(&node, loops_.back().entered);
        if (node.inputs.empty()) fail(&node, "expected the next condition as the first input");
        input_kind(node, 0, TypeKind::kBool, "bool");
        return outputs(&node, node.inputs, 1, types(loops_.back().node->outputs));
      default: break;  // kRaise
    }
    arity(node, 1, 0);
    input_kind(node, 0, TypeKind::kStr, "str");
    ErrorKind kind{};
    if (!kind_named(node.name, &kind)) fail(&node, fmt::format("no error is called '{}'", node.name));
  }

  void if_(const Node& node, int depth) {
    if (node.inputs.size() != 1) fail(&node, "expected one input, the condition");
    input_kind(node, 0, TypeKind::kBool, "bool");
    if (node.blocks.size() != 2) fail(&node, "expected two blocks");
    for (const Block* b : node.blocks) {
      if (!b || b->owner != &node || !b->params.empty())
        fail(&node, "the blocks of an if have no parameters");
    }
    for (const Def* def : node.outputs) {
      if (!def || !def->type) fail(&node, "a result has no type");
    }
    for (const Block* b : node.blocks) block(*b, depth + 1);
    // is_exit looks into the blocks, so only once these are known to be whole.
    if (node.is_exit() && !node.outputs.empty())
      fail(&node, "an if whose branches both leave has no results");
  }

  void fork(const Node& node) {
    if (!node.subgraph) fail(&node, "the fork has no subgraph");
    const Graph& sub = *node.subgraph;
    arity(node, sub.inputs().size(), 1);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!sub.inputs()[i] || !sub.inputs()[i]->type) fail(&node, "an input of the forked graph has no type");
      fits(&node, node.inputs[i], sub.inputs()[i]->type);
    }
    if (sub.returns.size() != 1) fail(&node, "a forked graph returns one value");
    // Verified as a graph of its own: it may use nothing of this graph but its inputs.
    Verifier(sub, fork_depth_ + 1).run();
    if (!equal(node.output()->type, Type::future(sub.returns.front()))) {
      fail(&node, fmt::format("the forked graph returns {}, the result is declared as {}",
                              sub.returns.front()->str(), node.output()->type->str()));
    }
  }

  void construct(const Node& node) {
    results(node, 1);
    const TypePtr& type = node.output()->type;
    switch (node.kind) {
      case Kind::kTupleConstruct:
        if (type->kind != TypeKind::kTuple) fail(&node, "the node makes a tuple");
        // One of a class is made here: of its fields' types.
        if (const TypePtr made = Type::tuple(types(node.inputs)); !is_subtype(made, Type::tuple(type->of)))
          fail(&node, fmt::format("the node makes a {}", made->str()));
        return;
      case Kind::kListConstruct:
        if (type->kind != TypeKind::kList) fail(&node, "the node makes a list");
        for (const Def* def : node.inputs) fits(&node, def, type->of.front());
        return;
      default:  // kDictConstruct: key, value, key, value
        if (type->kind != TypeKind::kDict) fail(&node, "the node makes a dict");
        if (node.inputs.size() % 2 != 0) fail(&node, "expected a value for each key");
        for (size_t i = 0; i < node.inputs.size(); ++i) fits(&node, node.inputs[i], type->of[i % 2]);
    }
  }

  void take_apart(const Node& node) {
    if (node.inputs.size() != 1) fail(&node, "expected one input");
    if (node.kind == Kind::kListUnpack) {
      input_kind(node, 0, TypeKind::kList, "a list");
      results(node, node.outputs.size());
      for (const Def* def : node.outputs) element(node, node.inputs[0]->type->of.front(), def->type);
      return;
    }
    input_kind(node, 0, TypeKind::kTuple, "a tuple");
    const std::vector<TypePtr>& of = node.inputs[0]->type->of;
    if (node.kind == Kind::kTupleUnpack) {
      results(node, of.size());
      for (size_t i = 0; i < of.size(); ++i) element(node, of[i], node.outputs[i]->type);
      return;
    }
    results(node, 1);
    if (node.index < 0 || static_cast<size_t>(node.index) >= of.size())
      fail(&node, fmt::format("the tuple has {} elements", of.size()));
    element(node, of[static_cast<size_t>(node.index)], node.output()->type);
  }

  void cast(const Node& node) {
    arity(node, 1, 1);
    // A cast narrows Any or a wider type, which the machine checks, or widens the type. A cast between unrelated types could
    // never succeed.
    const TypePtr& from = node.inputs[0]->type;
    const TypePtr& to = node.output()->type;
    const bool any = from->kind == TypeKind::kAny ||
                     (from->kind == TypeKind::kOptional && from->of[0]->kind == TypeKind::kAny);
    // What an object is beside its interface shows when it runs.
    const bool interface = from->kind == TypeKind::kObject && to->kind == TypeKind::kObject &&
                           (is_interface(*from) || is_interface(*to));
    if (!any && !interface && !is_subtype(to, from) && !is_subtype(from, to))
      fail(&node, fmt::format("{} cannot be a {}", from->str(), to->str()));
  }

  void element(const Node& node, const TypePtr& from, const TypePtr& to) {
    if (!is_subtype(from, to)) fail(&node, fmt::format("expected {}, got {}", to->str(), from->str()));
    // The types must be equal, not only compatible: an int that is declared as Any on its way out of the tuple would be in a
    // register of the wrong kind.
    if (!equal(from, to))
      fail(&node, fmt::format("the element is a {}, the result is declared as {}", from->str(), to->str()));
  }

  static bool is_interface(const Type& type) {
    const auto* const object = dynamic_cast<const ObjectType*>(&type);
    return object && object->is_interface();
  }
  static const ObjectType* object(const Def& def) { return dynamic_cast<const ObjectType*>(def.type.get()); }
  const TypePtr& slot(const Node& node) {
    const ObjectType* type = object(*node.inputs[0]);
    if (!type) fail(&node, "expected an object as the first input");
    const int index = type->slot_index(node.name);
    if (index < 0) fail(&node, fmt::format("'{}' object has no attribute '{}'", type->name, node.name));
    return type->slots[static_cast<size_t>(index)].type;
  }

  void loop(const Node& node, int depth) {
    if (node.inputs.size() < 2) fail(&node, "expected the trip count, the condition and the carried values");
    input_kind(node, 0, TypeKind::kInt, "int");
    input_kind(node, 1, TypeKind::kBool, "bool");
    if (node.blocks.size() != 1 || !node.blocks[0] || node.blocks[0]->owner != &node)
      fail(&node, "expected one block");
    const Block& body = *node.blocks[0];
    const size_t carried = node.inputs.size() - 2;
    results(node, carried);
    if (body.params.size() != carried + 1)
      fail(&node,
           fmt::format("expected {} parameters of the block, got {}", carried + 1, body.params.size()));
    for (const Def* def : body.params) {
      if (!def || !def->type) fail(&node, "a parameter has no type");
    }
    if (body.params[0]->type->kind != TypeKind::kInt)
      fail(&node, "the first parameter must be the number of the iteration, an int");
    for (size_t i = 0; i < carried; ++i) {
      const TypePtr& type = body.params[i + 1]->type;
      // The first value may be of a narrower type (None for an Optional). Later ones come from the block, whose
      // outputs are checked there.
      fits(&node, node.inputs[i + 2], type);
      if (!equal(type, node.outputs[i]->type))
        fail(&node, "a carried value must have the same type as its parameter and its result");
    }
    loops_.push_back({&node, entered_.size()});
    block(body, depth + 1);
    loops_.pop_back();
  }

  const Graph& graph_;
  const int fork_depth_;
  const bool is_function_;
  std::unordered_set<const Def*> defined_;
  std::vector<const Def*> scope_;
  struct LoopAround {
    const Node* node;
    size_t entered;
  };
  std::vector<LoopAround> loops_;
  std::vector<const Def*> entered_;  // the objects of the `with`s around this point
};

}  // namespace

void verify(const Graph& graph) { Verifier(graph, 0).run(); }
void verify_nodes(const Graph& graph) { Verifier(graph, 0, false).run(); }

std::optional<std::string> check_op(const Op& op, const std::vector<Def*>& inputs, const TypePtr& result) {
  const Schema& schema = op.schema;
  if (inputs.size() != schema.args.size()) {
    return fmt::format("{} takes {} arguments, got {}", schema.full_name(), schema.args.size(),
                       inputs.size());
  }
  TypeBindings bindings;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!match(schema.args[i].type, inputs[i]->type, &bindings)) {
      return fmt::format("{}: the argument '{}' is a {}, got {}", schema.full_name(), schema.args[i].name,
                         schema.args[i].type->str(), inputs[i]->type->str());
    }
  }
  const TypePtr type = substitute(schema.result_type(), bindings);
  if (!type) return fmt::format("{}: its result type does not follow from its arguments", schema.full_name());
  // For a row that can return anything, the node says what type it expects, and the machine checks it.
  // The names of a tuple's elements may be left out.
  const bool same = equal(type, result) || (type->named_tuple() && equal(Type::tuple(type->of), result));
  if (!same && type->kind != TypeKind::kAny)
    return fmt::format("{} returns {}, declared is {}", schema.full_name(), type->str(), result->str());
  return std::nullopt;
}

TypePtr result_of(const Op& op, const std::vector<Def*>& inputs) {
  const Schema& schema = op.schema;
  if (inputs.size() != schema.args.size()) return nullptr;
  TypeBindings bindings;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!match(schema.args[i].type, inputs[i]->type, &bindings)) return nullptr;
  }
  return substitute(schema.result_type(), bindings);
}

const Op* overload_for(const OpTable& ops, std::string_view name, const std::vector<Def*>& inputs,
                       const TypePtr& result) {
  const auto fits = [&](const Op& op) {
    return result ? !check_op(op, inputs, result) : result_of(op, inputs) != nullptr;
  };
  // The first dot after the namespace begins the overload.
  const size_t colons = name.find("::");
  const size_t dot = name.find('.', colons == std::string_view::npos ? 0 : colons);
  const std::span<const Op* const> all = ops.overloads(name.substr(0, dot));
  if (dot != std::string_view::npos) {
    std::string_view overload = name.substr(dot + 1);
    if (overload == "default") overload = {};
    for (const Op* op : all) {
      if (op->schema.overload == overload && fits(*op)) return op;
    }
    return nullptr;
  }
  const Op* first = nullptr;
  for (const Op* op : all) {
    if (!fits(*op)) continue;
    if (!first) first = op;
    bool same = true;
    for (size_t i = 0; i < inputs.size(); ++i) {
      same = same && equal(op->schema.args[i].type, inputs[i]->type);
    }
    if (same) return op;
  }
  return first;
}

}  // namespace tine::ir
