#include "src/ir/graph.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "src/ir/verify.h"
#include "src/ir/walk.h"
#include "tine/error.h"

namespace tine::ir {
namespace {

constexpr std::array<std::string_view, kKinds> kNames = {
    "",
    "prim::Constant",
    "prim::If",
    "prim::Loop",
    "prim::Return",
    "prim::Break",
    "prim::Continue",
    "prim::RaiseException",
    "prim::fork",
    "prim::CallFunction",
    "prim::CallMethod",
    "prim::GetAttr",
    "prim::SetAttr",
    "prim::CreateObject",
    "prim::Enter",
    "prim::Exit",
    "prim::TupleConstruct",
    "prim::TupleUnpack",
    "prim::TupleIndex",
    "prim::ListConstruct",
    "prim::ListUnpack",
    "prim::DictConstruct",
    "prim::isinstance",
    "prim::unchecked_cast",
};

std::vector<Def*> copied(const std::vector<Def*>& defs, const Copies& copies) {
  std::vector<Def*> out;
  out.reserve(defs.size());
  for (const Def* def : defs) out.push_back(copies.at(def));
  return out;
}

void copy_block(const Block& from, Block& to, Graph& graph, Copies* copies) {
  for (const Def* def : from.params) copies->insert_or_assign(def, graph.add_param(to, def->type, def->name));
  for (const Node* node : from.nodes) graph.append(to, clone_node(*node, graph, copies));
  to.outputs = copied(from.outputs, *copies);
}

}  // namespace

std::vector<std::string> called_functions(const Graph& graph) {
  std::vector<std::string> names;
  const auto look = [&](const Node& node) {
    if (node.names_function()) names.push_back(node.name);
    if (node.kind == Kind::kCallMethod) names.push_back(node.callee());
    // The methods of an object behind its interface are found when they are called.
    if (node.kind == Kind::kUncheckedCast) {
      const TypePtr& to = node.outputs.front()->type;
      if (const auto* const interface = dynamic_cast<const ObjectType*>(to.get());
          interface && interface->is_interface()) {
        for (const ObjectType::Method& method : interface->methods())
          names.push_back(node.inputs.front()->type->name + "." + method.name);
      }
    }
    if (node.kind == Kind::kEnter) names.push_back(node.inputs.front()->type->name + ".__exit__");
  };
  each_node(graph.root(), look, Forks::kEnter);
  // Sorted, so that the answer does not depend on the order of this walk.
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::unique_ptr<Graph> clone(const Graph& graph) {
  auto out = std::make_unique<Graph>(graph.name);
  out->returns = graph.returns;
  Copies copies;
  try {
    copy_block(graph.root(), out->root(), *out, &copies);
  } catch (const std::out_of_range&) {
    throw ValueError("the graph uses a value that is in no block of it; lint() says which");
  }
  return out;
}

void keep_used(const Block& block, Copies* copies) {
  each_block(block, [&](const Block& b) {
    for (Def* def : b.outputs) copies->emplace(def, def);
    for (const Node* node : b.nodes) {
      for (Def* def : node->inputs) copies->emplace(def, def);
    }
  });
}

Node* clone_node(const Node& node, Graph& graph, Copies* copies) {
  Node* const fresh = graph.create(node.kind, copied(node.inputs, *copies), node.span);
  fresh->op = node.op;
  fresh->name = node.name;
  fresh->constant = node.constant;
  fresh->index = node.index;
  fresh->type = node.type;
  if (node.subgraph) fresh->subgraph = clone(*node.subgraph);
  // The results come last: the node's blocks cannot use them, and the nodes after it can.
  for (const Block* inner : node.blocks) copy_block(*inner, *graph.add_block(*fresh), graph, copies);
  for (const Def* def : node.outputs)
    copies->insert_or_assign(def, graph.add_output(*fresh, def->type, def->name));
  return fresh;
}

std::string_view name_of(Kind kind) noexcept { return kNames[static_cast<size_t>(kind)]; }

bool Node::is_exit() const noexcept {
  switch (kind) {
    case Kind::kReturn:
    case Kind::kBreak:
    case Kind::kContinue:
    case Kind::kRaise: return true;
    case Kind::kIf: return blocks.size() == 2 && blocks[0]->ends_in_exit() && blocks[1]->ends_in_exit();
    default: return false;
  }
}

std::string Node::callee() const {
  if (kind == Kind::kCallFunction) return name;
  return kind == Kind::kCallMethod ? inputs.front()->type->name + "." + name : std::string();
}

// Nodes, blocks and values are in deques, so they never move. Removed ones stay allocated until the graph is destroyed.
Graph::Graph(std::string n) : name(std::move(n)) { root_ = &blocks_.emplace_back(); }

Def* Graph::add_param(Block& block, TypePtr type, std::string hint) {
  Def* def = &defs_.emplace_back(Def{std::move(type), std::move(hint), nullptr, &block, next_id_++});
  block.params.push_back(def);
  return def;
}

Node* Graph::create(Kind kind, std::vector<Def*> inputs, SourceSpan span) {
  Node* node = &nodes_.emplace_back();
  node->kind = kind;
  node->inputs = std::move(inputs);
  node->span = std::move(span);
  return node;
}

Def* Graph::add_output(Node& node, TypePtr type, std::string hint) {
  Def* def = &defs_.emplace_back(Def{std::move(type), std::move(hint), &node, nullptr, next_id_++});
  node.outputs.push_back(def);
  return def;
}

Block* Graph::add_block(Node& node) {
  Block* block = &blocks_.emplace_back();
  block->owner = &node;
  node.blocks.push_back(block);
  return block;
}

void Graph::append(Block& block, Node* node) {
  node->owner = &block;
  block.nodes.push_back(node);
}

void Graph::insert_before(Node* place, Node* node) {
  std::vector<Node*>& nodes = place->owner->nodes;
  nodes.insert(std::find(nodes.begin(), nodes.end(), place), node);
  node->owner = place->owner;
}

void Graph::remove(Node* node) {
  std::erase(node->owner->nodes, node);
  node->owner = nullptr;
}

void Graph::destroy(Node* node) {
  if (node->owner) remove(node);
  forget(*node);
}

void Graph::forget(Node& node) {
  node.owner = nullptr;
  node.gone = true;
  for (Def* def : node.outputs) def->gone = true;
  for (Block* block : node.blocks) forget(*block);
}

void Graph::forget(Block& block) {
  each_block(block, [](Block& lost) {
    lost.gone = true;
    for (Def* def : lost.params) def->gone = true;
    for (Node* node : lost.nodes) {
      node->gone = true;
      for (Def* def : node->outputs) def->gone = true;
    }
  });
}

void Graph::erase(Def* def) {
  std::erase(def->node ? def->node->outputs : def->block->params, def);
  def->gone = true;
}

Node* Builder::add(Kind kind, std::vector<Def*> inputs) {
  Node* node = graph_->create(kind, std::move(inputs), span);
  graph_->append(*block_, node);
  return node;
}

Def* Builder::constant(Value value) {
  TypePtr type = type_of(value);
  return constant(std::move(value), std::move(type));
}

Def* Builder::constant(Value value, TypePtr type) {
  Node* node = add(Kind::kConstant, {});
  node->constant = std::move(value);
  return graph_->add_output(*node, std::move(type));
}

Def* Builder::function_name(std::string qualified_name) {
  Def* name = constant(Value(qualified_name), Type::string());
  name->node->name = std::move(qualified_name);
  return name;
}

Def* Builder::op(const Op& op, std::vector<Def*> inputs) {
  TypePtr result = result_of(op, inputs);
  if (!result) return nullptr;
  return this->op(op, std::move(inputs), std::move(result));
}

Def* Builder::op(const Op& op, std::vector<Def*> inputs, TypePtr result) {
  Node* node = add(Kind::kOp, std::move(inputs));
  node->op = &op;
  return graph_->add_output(*node, std::move(result));
}

Node* Builder::if_(Def* condition) {
  Node* node = add(Kind::kIf, {condition});
  graph_->add_block(*node);
  graph_->add_block(*node);
  return node;
}

Node* Builder::loop(Def* max_trip, Def* condition, std::vector<Def*> carried) {
  std::vector<Def*> inputs{max_trip, condition};
  inputs.insert(inputs.end(), carried.begin(), carried.end());
  Node* node = add(Kind::kLoop, std::move(inputs));
  Block* body = graph_->add_block(*node);
  graph_->add_param(*body, Type::integer());  // the number of the iteration
  for (Def* def : carried) {
    graph_->add_param(*body, def->type, def->name);
    graph_->add_output(*node, def->type, def->name);
  }
  return node;
}

Def* Builder::call(std::string qualified_name, std::vector<Def*> args, TypePtr result) {
  Node* node = add(Kind::kCallFunction, std::move(args));
  node->name = std::move(qualified_name);
  return graph_->add_output(*node, std::move(result));
}

Def* Builder::call_method(std::string method, std::vector<Def*> self_and_args, TypePtr result) {
  Node* node = add(Kind::kCallMethod, std::move(self_and_args));
  node->name = std::move(method);
  return graph_->add_output(*node, std::move(result));
}

Def* Builder::fork(std::shared_ptr<Graph> subgraph, std::vector<Def*> args) {
  Node* node = add(Kind::kFork, std::move(args));
  TypePtr result = Type::future(subgraph->returns.empty() ? Type::none() : subgraph->returns.front());
  node->subgraph = std::move(subgraph);
  return graph_->add_output(*node, std::move(result));
}

Def* Builder::get_attr(Def* object, std::string attribute, TypePtr type) {
  Node* node = add(Kind::kGetAttr, {object});
  node->name = attribute;
  // A value that is read from an attribute is named after it.
  return graph_->add_output(*node, std::move(type), std::move(attribute));
}

void Builder::set_attr(Def* object, std::string attribute, Def* value) {
  add(Kind::kSetAttr, {object, value})->name = std::move(attribute);
}
Def* Builder::create_object(TypePtr type) {
  return graph_->add_output(*add(Kind::kCreateObject, {}), std::move(type));
}
void Builder::enter(Def* object) { add(Kind::kEnter, {object}); }
void Builder::exit(Def* object) { add(Kind::kExit, {object}); }

Def* Builder::tuple(std::vector<Def*> elements) {
  std::vector<TypePtr> types;
  for (Def* def : elements) types.push_back(def->type);
  return graph_->add_output(*add(Kind::kTupleConstruct, std::move(elements)), Type::tuple(std::move(types)));
}

Def* Builder::tuple(std::vector<Def*> elements, TypePtr type) {
  return graph_->add_output(*add(Kind::kTupleConstruct, std::move(elements)), std::move(type));
}

Def* Builder::list(std::vector<Def*> elements, TypePtr element_type) {
  return graph_->add_output(*add(Kind::kListConstruct, std::move(elements)),
                            Type::list(std::move(element_type)));
}

Def* Builder::dict(std::vector<Def*> keys_and_values, TypePtr key, TypePtr value) {
  return graph_->add_output(*add(Kind::kDictConstruct, std::move(keys_and_values)),
                            Type::dict(std::move(key), std::move(value)));
}

std::vector<Def*> Builder::unpack_tuple(Def* tuple) {
  Node* node = add(Kind::kTupleUnpack, {tuple});
  for (const TypePtr& type : tuple->type->of) graph_->add_output(*node, type);
  return node->outputs;
}

std::vector<Def*> Builder::unpack_list(Def* list, int count) {
  Node* node = add(Kind::kListUnpack, {list});
  for (int i = 0; i < count; ++i) graph_->add_output(*node, list->type->of.front());
  return node->outputs;
}

Def* Builder::tuple_index(Def* tuple, int index) {
  Node* node = add(Kind::kTupleIndex, {tuple});
  node->index = index;
  return graph_->add_output(*node, tuple->type->of.at(static_cast<size_t>(index)));
}

Def* Builder::is_instance(Def* value, TypePtr type) {
  Node* node = add(Kind::kIsInstance, {value});
  node->type = std::move(type);
  return graph_->add_output(*node, Type::boolean());
}

Def* Builder::cast(Def* value, TypePtr narrower) {
  // It is still the same variable, so it keeps its name.
  return graph_->add_output(*add(Kind::kUncheckedCast, {value}), std::move(narrower), value->name);
}

void Builder::raise(std::string kind, Def* message) { add(Kind::kRaise, {message})->name = std::move(kind); }
void Builder::return_(std::vector<Def*> values) { add(Kind::kReturn, std::move(values)); }
void Builder::break_(std::vector<Def*> carried) { add(Kind::kBreak, std::move(carried)); }
void Builder::continue_(Def* condition, std::vector<Def*> carried) {
  carried.insert(carried.begin(), condition);
  add(Kind::kContinue, std::move(carried));
}

}  // namespace tine::ir
