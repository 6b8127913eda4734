// Node, Block and Def of tine/graph.h.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/ir/print.h"
#include "src/ir/verify.h"
#include "src/runtime/graph_data.h"
#include "tine/error.h"
#include "tine/script.h"

namespace tine::script {
namespace {

using Data = Graph::Data;

}  // namespace

// --- Block

ir::Block& Block::get() const {
  if (block_->gone) throw ValueError("the node of this block was destroyed");
  return *block_;
}
std::vector<Node> Block::nodes() const {
  std::vector<Node> out;
  for (ir::Node* node : get().nodes) out.emplace_back(graph_, node);
  return out;
}
std::vector<Def> Block::inputs() const { return Data::shown_defs(get().params, graph_); }
std::vector<Def> Block::outputs() const { return Data::shown_defs(get().outputs, graph_); }
Node Block::param_node() const { return Node(graph_, &get(), false); }
Node Block::return_node() const { return Node(graph_, &get(), true); }
std::optional<Node> Block::owning_node() const {
  if (!get().owner) return std::nullopt;
  return Node(graph_, block_->owner);
}
std::vector<Node> Block::find_all_nodes(std::string_view kind, bool recurse) const {
  std::vector<Node> found;
  collect(graph_, get(), kind, recurse, false, &found);
  return found;
}
Def Block::add_input(std::string name, TypePtr type) const {
  Def made(graph_, graph_->get().add_param(get(), std::move(type), std::move(name)));
  graph_->edited();
  return made;
}
size_t Block::register_output(const Def& value) const {
  get().outputs.push_back(Data::def(value, graph_));
  graph_->edited();
  return block_->outputs.size() - 1;
}

// --- Node

void Node::check() const {
  if (node_ ? node_->gone : block_->gone)
    throw ValueError("this node was destroyed: its graph no longer has it");
}
ir::Node& Node::get() const {
  check();
  if (!node_)
    throw ValueError(fmt::format("this is not possible with the {} of a block",
                                 is_return_ ? "prim::Return" : "prim::Param"));
  return *node_;
}

std::string Node::kind() const {
  check();
  if (!node_) return is_return_ ? "prim::Return" : "prim::Param";
  return std::string(kind_of_node(*node_));
}

std::string Node::str() const {
  check();
  if (node_) return ir::print(graph_->get(), *node_);
  std::string text;
  for (const Def& def : is_return_ ? inputs() : outputs()) {
    if (!text.empty()) text += ", ";
    text += "%" + def.debug_name();
    if (!is_return_) text += " : " + def.type()->str();
  }
  return is_return_ ? fmt::format("return ({})", text) : fmt::format("{} = prim::Param()", text);
}

std::vector<Def> Node::inputs() const {
  check();
  if (node_) return Data::shown_defs(node_->inputs, graph_);
  return is_return_ ? Data::shown_defs(block_->outputs, graph_) : std::vector<Def>();
}
std::vector<Def> Node::outputs() const {
  check();
  if (node_) return Data::shown_defs(node_->outputs, graph_);
  return is_return_ ? std::vector<Def>() : Data::shown_defs(block_->params, graph_);
}
std::vector<Block> Node::blocks() const {
  check();
  std::vector<Block> out;
  if (!node_) return out;
  for (ir::Block* block : node_->blocks) out.emplace_back(graph_, block);
  return out;
}
Def Node::input(size_t index) const {
  const std::vector<Def> all = inputs();
  in_range(index, all.size(), "input");
  return all[index];
}
Def Node::output(size_t index) const {
  const std::vector<Def> all = outputs();
  in_range(index, all.size(), "output");
  return all[index];
}
Def Node::named_input(std::string_view name) const {
  const ir::Node& node = get();
  if (node.op) {
    const int index = node.op->schema.index_of(name);
    if (index >= 0 && static_cast<size_t>(index) < node.inputs.size())
      return input(static_cast<size_t>(index));
  }
  throw NameError(fmt::format("{} has no input named '{}'", kind(), name));
}
std::optional<Schema> Node::schema() const {
  check();
  if (!node_ || !node_->op) return std::nullopt;
  return node_->op->schema;
}
const SourceSpan& Node::place() const {
  static const SourceSpan nowhere;
  check();
  return node_ ? node_->span : nowhere;
}
std::optional<Block> Node::owning_block() const {
  check();
  ir::Block* const block = node_ ? node_->owner : block_;
  if (!block) return std::nullopt;
  return Block(graph_, block);
}

namespace {

size_t place_in_block(const ir::Node& node) {
  const std::vector<ir::Node*>& nodes = node.owner->nodes;
  return static_cast<size_t>(std::find(nodes.begin(), nodes.end(), &node) - nodes.begin());
}

}  // namespace

std::optional<Node> Node::next() const {
  check();
  if (!node_) {
    if (is_return_) return std::nullopt;
    return block_->nodes.empty() ? Node(graph_, block_, true) : Node(graph_, block_->nodes.front());
  }
  if (!node_->owner) return std::nullopt;
  const size_t at = place_in_block(*node_) + 1;
  if (at == node_->owner->nodes.size()) return Node(graph_, node_->owner, true);
  return Node(graph_, node_->owner->nodes[at]);
}
std::optional<Node> Node::previous() const {
  check();
  if (!node_) {
    if (!is_return_) return std::nullopt;
    return block_->nodes.empty() ? Node(graph_, block_, false) : Node(graph_, block_->nodes.back());
  }
  if (!node_->owner) return std::nullopt;
  const size_t at = place_in_block(*node_);
  if (at == 0) return Node(graph_, node_->owner, false);
  return Node(graph_, node_->owner->nodes[at - 1]);
}

bool Node::is_before(const Node& other) const {
  // The node of the walk that comes first: blocks come behind the node that has them.
  const ir::Node *const a = &get(), *const b = &other.get();
  if (a == b) return false;
  const ir::Node* first = nullptr;
  (void)ir::any_node(graph_->get().root(), [&](const ir::Node& node) {
    if (&node == a || &node == b) first = &node;
    return first != nullptr;
  });
  return first == a;
}

bool Node::has_uses() const {
  check();
  const std::vector<Def> all = outputs();
  return std::any_of(all.begin(), all.end(), [&](const Def& def) { return graph_->is_used(&def.get()); });
}

std::vector<std::string> Node::attribute_names() const {
  check();
  if (!node_) return {};
  switch (node_->kind) {
    case ir::Kind::kConstant:
      if (node_->names_function()) return {"name"};
      return node_->constant.is_none() ? std::vector<std::string>() : std::vector<std::string>{"value"};
    case ir::Kind::kCallFunction:
    case ir::Kind::kCallMethod:
    case ir::Kind::kGetAttr:
    case ir::Kind::kSetAttr: return {"name"};
    case ir::Kind::kRaise: return {"kind"};
    case ir::Kind::kTupleIndex: return {"index"};
    case ir::Kind::kIsInstance: return {"type"};
    case ir::Kind::kFork: return {"Subgraph"};
    default: return {};
  }
}

namespace {

[[noreturn]] void no_attribute(const Node& node, std::string_view name) {
  std::string there;
  for (const std::string& one : node.attribute_names()) there += (there.empty() ? "" : ", ") + one;
  throw NameError(
      fmt::format("{} has no attribute '{}'; it has {}", node.kind(), name, there.empty() ? "none" : there));
}

void must_have(const Node& node, std::string_view name) {
  const std::vector<std::string> names = node.attribute_names();
  if (std::find(names.begin(), names.end(), name) == names.end()) no_attribute(node, name);
}

}  // namespace

std::string Node::kind_of(std::string_view name) const {
  must_have(*this, name);
  if (name == "Subgraph") return "g";
  if (name == "type") return "ty";
  switch (attribute(name).tag()) {
    case Tag::kBool:
    case Tag::kInt: return "i";
    case Tag::kFloat: return "f";
    case Tag::kString: return "s";
    case Tag::kTensor: return "t";
    default: return "ival";
  }
}

Value Node::attribute(std::string_view name) const {
  must_have(*this, name);
  if (name == "value") return node_->constant;
  if (name == "name" || name == "kind") return Value(node_->name);
  if (name == "index") return Value(static_cast<int64_t>(node_->index));
  throw TypeError(fmt::format("the attribute '{}' of {} is a {}", name, kind(),
                              name == "type" ? "type; ask for `ty`" : "graph; ask for `g`"));
}
Graph Node::attribute_graph(std::string_view name) const {
  must_have(*this, name);
  if (!node_->subgraph) throw TypeError(fmt::format("the attribute '{}' of {} is not a graph", name, kind()));
  return Graph(shared(node_->subgraph, graph_->shelf, graph_->owner));
}
TypePtr Node::attribute_type(std::string_view name) const {
  must_have(*this, name);
  if (!node_->type) throw TypeError(fmt::format("the attribute '{}' of {} is not a type", name, kind()));
  return node_->type;
}

void Node::set_attribute(std::string_view name, Value value) const {
  ir::Node& node = get();
  const auto wrong = [&](std::string_view expected) {
    throw TypeError(fmt::format("the attribute '{}' of {}: expected {}, got {}", name, kind(), expected,
                                type_of(value)->str()));
  };
  if (node.kind == ir::Kind::kConstant && name == "value") {
    TypePtr type = type_of_constant(value);
    // Of an output that has room for it, the type stays: an Optional[int] may be an int.
    if (!node.outputs.empty() && !fits(value, node.outputs[0]->type)) node.outputs[0]->type = std::move(type);
    node.constant = std::move(value);
    node.name.clear();
  } else if (name == "index" && node.kind == ir::Kind::kTupleIndex) {
    if (!value.is_int() || value.to_int() < 0 || value.to_int() > 0x3fff) wrong("an int from 0");
    node.index = static_cast<int>(value.to_int());
  } else if (name == "name" && node.kind == ir::Kind::kConstant) {
    if (!value.is_string()) wrong("a str");
    node.rename_function(value.as_string());
    if (!node.outputs.empty()) node.outputs[0]->type = Type::string();
  } else if ((name == "name" && (node.kind == ir::Kind::kCallFunction || node.kind == ir::Kind::kCallMethod ||
                                 node.kind == ir::Kind::kGetAttr || node.kind == ir::Kind::kSetAttr)) ||
             (name == "kind" && node.kind == ir::Kind::kRaise)) {
    if (!value.is_string()) wrong("a str");
    node.name = value.as_string();
  } else {
    no_attribute(*this, name);
  }
  graph_->edited();
}

void Node::add_input(const Def& value) const {
  get().inputs.push_back(Data::def(value, graph_));
  settle_op(graph_->ops(), graph_->get(), *node_);
  graph_->edited();
}
void Node::replace_input(size_t index, const Def& value) const {
  in_range(index, get().inputs.size(), "input");
  node_->inputs[index] = Data::def(value, graph_);
  graph_->edited();
}
void Node::replace_input_with(const Def& from, const Def& to) const {
  ir::Def* const with = Data::def(to, graph_);
  std::replace(get().inputs.begin(), get().inputs.end(), Data::def(from, graph_), with);
  graph_->edited();
}
void Node::remove_input(size_t index) const {
  in_range(index, get().inputs.size(), "input");
  node_->inputs.erase(node_->inputs.begin() + static_cast<std::ptrdiff_t>(index));
  graph_->edited();
}
Def Node::add_output(TypePtr type) const {
  Def made(graph_, graph_->get().add_output(get(), std::move(type)));
  graph_->edited();
  return made;
}
void Node::erase_output(size_t index) const {
  in_range(index, get().outputs.size(), "output");
  ir::Def* const def = node_->outputs[index];
  not_used(*graph_, *def);
  graph_->get().erase(def);
  graph_->edited();
}
Block Node::add_block() const {
  Block made(graph_, graph_->get().add_block(get()));
  graph_->edited();
  return made;
}

// `other` may be the prim::Param or prim::Return of a block.
void Node::place_in(const Node& other, bool after) const {
  ir::Node& node = get();
  other.check();
  if (&graph_->get() != &other.graph_->get()) throw ValueError("the nodes are of different graphs");
  if (!other.node_ && other.is_return_ == after)
    throw ValueError(after ? "nothing can stand behind the prim::Return of a block"
                           : "nothing can stand before the prim::Param of a block");
  ir::Block* const block = other.node_ ? other.node_->owner : other.block_;
  if (!block) throw ValueError("the other node is in no block: insert it first");
  if (other.node_ == &node) return;
  check_place(*block, node);
  if (node.owner) graph_->get().remove(&node);
  std::vector<ir::Node*>& nodes = block->nodes;
  auto at = other.node_ ? std::find(nodes.begin(), nodes.end(), other.node_) + (after ? 1 : 0)
                        : (after ? nodes.begin() : nodes.end());
  nodes.insert(at, &node);
  node.owner = block;
  graph_->edited();
}

void Node::insert_before(const Node& other) const {
  if (get().owner) throw ValueError("the node is in a block already: move_before() and move_after() move it");
  place_in(other, false);
}
void Node::insert_after(const Node& other) const {
  if (get().owner) throw ValueError("the node is in a block already: move_before() and move_after() move it");
  place_in(other, true);
}
void Node::move_before(const Node& other) const { place_in(other, false); }
void Node::move_after(const Node& other) const { place_in(other, true); }

void Node::replace_all_uses_with(const Node& other) const {
  const std::vector<Def> from = outputs(), to = other.outputs();
  if (from.size() != to.size())
    throw ValueError(fmt::format("the node has {} outputs, the other {}", from.size(), to.size()));
  for (size_t i = 0; i < from.size(); ++i) from[i].replace_all_uses_with(to[i]);
}

void Node::become(std::string_view op, std::vector<Def> inputs) const {
  ir::Node& node = get();
  std::vector<ir::Def*> defs = Data::defs(inputs, graph_);
  const Op* const row = ir::overload_for(graph_->ops(), op, defs, nullptr);
  if (!row || node.outputs.size() != 1)
    throw TypeError(fmt::format("no operator '{}' takes these inputs and has as many outputs", op));
  node.kind = ir::Kind::kOp;
  node.op = row;
  for (ir::Block* block : std::exchange(node.blocks, {})) ir::Graph::forget(*block);
  node.inputs = std::move(defs);
  node.outputs[0]->type = ir::result_of(*row, node.inputs);
  graph_->edited();
}

void Node::copy_attributes(const Node& other) const {
  ir::Node& to = get();
  const ir::Node& from = other.get();
  if (to.kind != from.kind)
    throw ValueError(fmt::format("a {} has not the attributes of a {}", kind(), other.kind()));
  to.name = from.name;
  to.constant = from.constant;
  to.index = from.index;
  to.type = from.type;
  if (from.subgraph) to.subgraph = ir::clone(*from.subgraph);
  graph_->edited();
}
void Node::copy_place(const Node& other) const { get().span = other.get().span; }

void Node::destroy() const {
  for (const ir::Def* def : get().outputs) not_used(*graph_, *def);
  graph_->get().destroy(node_);
  graph_->edited();
}

// --- Def

ir::Def& Def::get() const {
  if (def_->gone) throw ValueError("this value is gone: its node was destroyed, or it was erased");
  return *def_;
}
TypePtr Def::type() const { return get().type; }
void Def::set_type(TypePtr type) const {
  get().type = std::move(type);
  graph_->edited();
}
std::string Def::debug_name() const { return graph_->name_of(&get()); }
void Def::set_debug_name(std::string name) const {
  get().name = std::move(name);
  graph_->edited();
}
Node Def::node() const {
  const ir::Def& def = get();
  return def.node ? Node(graph_, def.node) : Node(graph_, def.block, false);
}
size_t Def::offset() const {
  const ir::Def& def = get();
  const std::vector<ir::Def*>& all = def.node ? def.node->outputs : def.block->params;
  return static_cast<size_t>(std::find(all.begin(), all.end(), &def) - all.begin());
}
int Def::unique() const { return get().id; }
std::optional<Value> Def::constant() const {
  const ir::Def& def = get();
  if (!def.node || def.node->kind != ir::Kind::kConstant) return std::nullopt;
  return def.node->constant;
}
std::vector<Use> Def::uses() const {
  std::vector<Use> out;
  for (const auto& [node, at] : graph_->uses_of(&get())) out.push_back({Node(graph_, node), at});
  for (ir::Block* block : graph_->returns_of(def_)) {
    for (size_t i = 0; i < block->outputs.size(); ++i) {
      const bool seen = std::any_of(out.begin(), out.end(), [&](const Use& use) {
        return use.user == Node(graph_, block, true) && use.offset == i;
      });
      if (block->outputs[i] == def_ && !seen) out.push_back({Node(graph_, block, true), i});
    }
  }
  return out;
}
void Def::replace_all_uses_with(const Def& other) const {
  ir::Def* const with = Data::def(other, graph_);
  for (const auto& [node, at] : graph_->uses_of(&get())) node->inputs[at] = with;
  for (ir::Block* block : graph_->returns_of(def_))
    std::replace(block->outputs.begin(), block->outputs.end(), def_, with);
  graph_->edited();
}
void Def::replace_all_uses_after_node_with(const Node& node, const Def& other) const {
  ir::Def* const with = Data::def(other, graph_);
  const ir::Node& first = node.get();
  if (!first.owner) throw ValueError("the node is in no block: insert it first");
  // What comes after it in its block, and after each node around it in that one's.
  for (const ir::Node* around = &first; around && around->owner; around = around->owner->owner) {
    ir::Block& block = *around->owner;
    const size_t begin = place_in_block(*around) + 1;
    for (size_t i = begin; i < block.nodes.size(); ++i) {
      ir::Node& later = *block.nodes[i];
      std::replace(later.inputs.begin(), later.inputs.end(), def_, with);
      for (ir::Block* inner : later.blocks) {
        ir::each_block(*inner, [&](ir::Block& b) {
          std::replace(b.outputs.begin(), b.outputs.end(), def_, with);
          for (ir::Node* n : b.nodes) std::replace(n->inputs.begin(), n->inputs.end(), def_, with);
        });
      }
    }
    std::replace(block.outputs.begin(), block.outputs.end(), def_, with);
  }
  graph_->edited();
}

}  // namespace tine::script
