#include "tine/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "src/ir/draw.h"
#include "src/ir/parse.h"
#include "src/ir/passes/inline.h"
#include "src/ir/passes/loops.h"
#include "src/ir/passes/peephole.h"
#include "src/ir/passes/simplify.h"
#include "src/ir/print.h"
#include "src/ir/verify.h"
#include "src/runtime/graph_data.h"
#include "src/runtime/script.h"
#include "tine/error.h"
#include "tine/runtime.h"
#include "tine/script.h"

namespace tine::script {
namespace {

using Data = Graph::Data;
using Copies = ir::Copies;

const std::shared_ptr<ScriptShelf>& shelf_of(Runtime* runtime) {
  return (runtime ? *runtime : Runtime::instance()).scripts().shelf();
}

// The kind of a node that has this name; an operator's name is the kind of many.
std::optional<ir::Kind> own_kind(std::string_view name) {
  for (int i = 1; i < ir::kKinds; ++i) {
    if (ir::name_of(static_cast<ir::Kind>(i)) == name) return static_cast<ir::Kind>(i);
  }
  return std::nullopt;
}

}  // namespace

void collect(const std::shared_ptr<Data>& data, ir::Block& root, std::string_view kind, bool recurse,
             bool only_first, std::vector<Node>* out) {
  const auto look = [&](ir::Node& node) {
    if (kind_of_node(node) == kind) out->emplace_back(data, &node);
    return only_first && !out->empty();
  };
  if (recurse) {
    (void)ir::any_node(root, look);
  } else {
    (void)std::any_of(root.nodes.begin(), root.nodes.end(), [&](ir::Node* node) { return look(*node); });
  }
}

std::shared_ptr<Data> shared(std::shared_ptr<ir::Graph> graph, std::shared_ptr<ScriptShelf> shelf,
                             std::shared_ptr<const void> owner) {
  return std::make_shared<Data>(std::move(graph), std::move(shelf), std::move(owner));
}

void settle_op(const OpTable& ops, ir::Graph& graph, ir::Node& node) {
  if (node.kind != ir::Kind::kOp) return;
  const Op* const chosen = ir::overload_for(ops, node.op->schema.name, node.inputs, nullptr);
  if (!chosen) return;
  node.op = chosen;
  TypePtr result = ir::result_of(*chosen, node.inputs);
  if (node.outputs.empty()) {
    graph.add_output(node, std::move(result));
  } else if (node.outputs.size() == 1 && result->kind != TypeKind::kAny) {
    node.outputs.front()->type = std::move(result);
  }
}

void check_place(const ir::Block& block, const ir::Node& node) {
  constexpr int kDeepest = 200;
  int depth = 0;
  for (const ir::Block* around = &block; around->owner; around = around->owner->owner, ++depth) {
    if (around->owner == &node) throw ValueError("a node cannot stand inside a block of its own");
    if (!around->owner->owner) break;  // of a node that is in no block
  }
  int height = 0;
  std::vector<std::pair<const ir::Node*, int>> open = {{&node, 0}};
  while (!open.empty()) {
    const auto [one, at] = open.back();
    open.pop_back();
    height = std::max(height, at);
    for (const ir::Block* inner : one->blocks) {
      for (const ir::Node* n : inner->nodes) open.emplace_back(n, at + 1);
    }
  }
  if (depth + height > kDeepest)
    throw ValueError(fmt::format("blocks nest at most {} deep, here {}", kDeepest, depth + height));
}

void not_used(Data& data, const ir::Def& def) {
  if (data.is_used(&def))
    throw ValueError(fmt::format("%{} is still used; replace its uses first", data.name_of(&def)));
}

void in_range(size_t index, size_t size, std::string_view what) {
  if (index >= size) throw IndexError(fmt::format("there is no {} {}: there are {}", what, index, size));
}

TypePtr type_of_constant(const Value& value) {
  switch (value.tag()) {
    case Tag::kNone:
    case Tag::kBool:
    case Tag::kInt:
    case Tag::kFloat:
    case Tag::kString:
    case Tag::kTensor:
    case Tag::kEnum:
    case Tag::kList:
    case Tag::kTuple:
    case Tag::kDict: return type_of(value);
    default:
      throw ValueError(fmt::format("{} cannot be a constant of a graph; pass it as an input", value.repr()));
  }
}

void Graph::Data::look() {
  if (uses_at_ == get().edits) return;
  uses_.clear();
  ir::each_block(get().root(), [&](ir::Block& block) {
    for (ir::Node* node : block.nodes) {
      for (size_t i = 0; i < node->inputs.size(); ++i) uses_[node->inputs[i]].nodes.emplace_back(node, i);
    }
    for (ir::Def* def : block.outputs) uses_[def].blocks.push_back(&block);
  });
  uses_at_ = get().edits;
}
const std::vector<std::pair<ir::Node*, size_t>>& Graph::Data::uses_of(const ir::Def* def) {
  look();
  return uses_[def].nodes;
}
const std::vector<ir::Block*>& Graph::Data::returns_of(const ir::Def* def) {
  look();
  return uses_[def].blocks;
}
const std::string& Graph::Data::name_of(const ir::Def* def) {
  if (names_at_ != get().edits) {
    names_ = ir::names_of(get());
    names_at_ = get().edits;
  }
  std::string& name = names_[def];
  if (name.empty()) name = fmt::format("{}", def->id);  // of a node that is in no block
  return name;
}
void Graph::Data::place(const std::shared_ptr<Data>& of, ir::Node* node) {
  of->settle_insert_point();
  if (of->insert_before) {
    check_place(*of->insert_before->owner, *node);
    of->get().insert_before(of->insert_before, node);
  } else {
    check_place(*of->insert_block, *node);
    of->get().append(*of->insert_block, node);
  }
  of->edited();
}

// --- Graph

Graph::Graph(Runtime* runtime) : data_(shared(std::make_shared<ir::Graph>(), shelf_of(runtime))) {}
Graph::Graph(std::shared_ptr<const ir::Graph> shown, std::shared_ptr<ScriptShelf> functions,
             std::shared_ptr<const void> owner)
    : data_(std::make_shared<Data>(std::move(shown), std::move(functions), std::move(owner))) {}

Graph Graph::parse(std::string_view text, Runtime* runtime) {
  const std::shared_ptr<ScriptShelf>& shelf = shelf_of(runtime);
  ir::ParseOptions options;
  options.pytorch = true;
  return Graph(shared(ir::parse(text, shelf->ops, {}, options), shelf));
}

std::string Graph::str() const { return ir::print(data_->read()); }
std::string Graph::content_hash() const { return ir::content_hash(data_->read()); }
std::string Graph::dot() const { return ir::dot(data_->read()); }
std::string Graph::svg() const { return ir::svg(data_->read()); }

std::vector<std::string> Graph::node_kinds() const {
  std::vector<std::string> kinds;
  ir::each_node(
      data_->read().root(), [&](const ir::Node& node) { kinds.emplace_back(kind_of_node(node)); },
      ir::Forks::kEnter);
  return kinds;
}

Block Graph::block() const { return Block(data_, &data_->get().root()); }
std::vector<Node> Graph::nodes() const { return block().nodes(); }
std::vector<Def> Graph::inputs() const { return block().inputs(); }
std::vector<Def> Graph::outputs() const { return block().outputs(); }
Node Graph::param_node() const { return block().param_node(); }
Node Graph::return_node() const { return block().return_node(); }
std::vector<Node> Graph::find_all_nodes(std::string_view kind, bool recurse) const {
  return block().find_all_nodes(kind, recurse);
}
std::optional<Node> Graph::find_node(std::string_view kind, bool recurse) const {
  std::vector<Node> found;
  collect(data_, data_->get().root(), kind, recurse, true, &found);
  if (found.empty()) return std::nullopt;
  return found.front();
}
Graph Graph::copy() const { return Graph(shared(ir::clone(data_->read()), data_->shelf, data_->owner)); }

void Graph::lint() const {
  data_->settle_returns();
  ir::verify_nodes(data_->get());
}

Def Graph::add_input(std::string name, TypePtr type) const {
  return block().add_input(std::move(name), std::move(type));
}

void Graph::erase_input(size_t index) const {
  const std::vector<ir::Def*>& inputs = data_->get().inputs();
  in_range(index, inputs.size(), "input");
  ir::Def* const def = inputs[index];
  not_used(*data_, *def);
  data_->get().erase(def);
  data_->edited();
}

void Graph::permute_inputs(std::span<const size_t> order) const {
  std::vector<ir::Def*>& inputs = data_->get().root().params;
  std::vector<ir::Def*> fresh;
  std::vector<bool> seen(inputs.size());
  for (const size_t at : order) {
    if (at >= inputs.size() || seen[at]) break;
    seen[at] = true;
    fresh.push_back(inputs[at]);
  }
  if (fresh.size() != inputs.size() || order.size() != inputs.size())
    throw ValueError(fmt::format("expected each of the numbers below {} once", inputs.size()));
  inputs = std::move(fresh);
  data_->edited();
}

size_t Graph::register_output(const Def& value) const { return block().register_output(value); }

void Graph::set_output(size_t index, const Def& value) const {
  std::vector<ir::Def*>& outputs = data_->get().root().outputs;
  in_range(index, outputs.size(), "output");
  outputs[index] = Data::def(value, data_);
  data_->edited();
}

void Graph::erase_output(size_t index) const {
  ir::Graph& graph = data_->get();
  std::vector<ir::Def*>& outputs = graph.root().outputs;
  in_range(index, outputs.size(), "output");
  outputs.erase(outputs.begin() + static_cast<std::ptrdiff_t>(index));
  if (index < graph.returns.size())
    graph.returns.erase(graph.returns.begin() + static_cast<std::ptrdiff_t>(index));
  data_->edited();
}

Node Graph::create(std::string_view kind) const { return create(kind, {}); }

Node Graph::create(std::string_view kind, std::vector<Def> inputs, size_t outputs) const {
  ir::Graph& graph = data_->get();
  const OpTable& ops = data_->ops();
  std::vector<ir::Def*> defs = Data::defs(inputs, data_);
  if (const auto own = own_kind(kind)) {
    ir::Node* const node = graph.create(*own, std::move(defs));
    for (size_t i = 0; i < outputs; ++i) graph.add_output(*node, Type::tensor());
    return Node(data_, node);
  }
  const Op* op = ir::overload_for(ops, kind, defs, nullptr);
  if (!op) {
    const auto all = ops.overloads(kind.substr(0, kind.find('.')));
    if (all.empty()) throw NameError(fmt::format("there is no operator or kind of node named '{}'", kind));
    op = all.front();
  }
  ir::Node* const node = graph.create(ir::Kind::kOp, std::move(defs));
  node->op = op;
  settle_op(ops, graph, *node);
  if (node->outputs.empty()) graph.add_output(*node, Type::tensor());
  return Node(data_, node);
}

Node Graph::create_clone(const Node& node, const std::vector<std::pair<Def, Def>>& mapped) const {
  const ir::Node& from = *Data::node(node);
  Copies copies;
  if (&node.graph_->get() == &data_->get()) {
    // What is not mapped stays what it is.
    for (ir::Def* def : from.inputs) copies.emplace(def, def);
    for (const ir::Block* block : from.blocks) ir::keep_used(*block, &copies);
  }
  for (const auto& [was, is] : mapped) copies.insert_or_assign(&was.get(), Data::def(is, data_));
  try {
    return Node(data_, ir::clone_node(from, data_->get(), &copies));
  } catch (const std::out_of_range&) {
    throw ValueError(
        "the clone uses a value of the other graph: map each of its inputs, and what its blocks use");
  }
}

void Graph::set_insert_point(const Node& before) const {
  if (!before.node_) {
    before.check();
    if (!before.is_return_) throw ValueError("nothing can stand before the prim::Param of a block");
    data_->insert_block = before.block_;
    data_->insert_before = nullptr;
    return;
  }
  ir::Node* const node = Data::node(before);
  if (!node->owner) throw ValueError("the node is in no block: insert it first");
  data_->insert_block = node->owner;
  data_->insert_before = node;
}
void Graph::set_insert_point(const Block& at_end_of) const {
  data_->insert_block = Data::block(at_end_of);
  data_->insert_before = nullptr;
}
Node Graph::insert_point() const {
  data_->settle_insert_point();
  if (data_->insert_before) return Node(data_, data_->insert_before);
  return Node(data_, data_->insert_block, true);
}

Node Graph::insert_node(const Node& node) const {
  ir::Node* const fresh = Data::node(node);
  if (fresh->owner)
    throw ValueError("the node is in a block already: move_before() and move_after() move it");
  Data::place(data_, fresh);
  return node;
}

namespace {

// A constant as the argument takes it: with its own type, where the schema says no more than that it may be of any.
struct Given {
  ir::Def* def = nullptr;  // null: the constant
  Value constant;
  TypePtr type;
};

void fit_constant(Given* given, const Argument& argument) {
  const TypePtr& wanted = argument.type;
  if (given->constant.is_int() && wanted->kind == TypeKind::kFloat)
    given->constant = Value(static_cast<double>(given->constant.to_int()));
  given->type = type_of_constant(given->constant);
  // An empty list is of the type that is asked for.
  if (given->constant.is(Tag::kList) && given->constant.as_list().items.empty() &&
      wanted->kind == TypeKind::kList && wanted->of[0]->kind != TypeKind::kVariable)
    given->type = wanted;
}

}  // namespace

Def Graph::insert_constant(Value value) const {
  ir::Graph& graph = data_->get();
  ir::Node* const node = graph.create(ir::Kind::kConstant, {});
  TypePtr type = type_of_constant(value);
  node->constant = std::move(value);
  ir::Def* const def = graph.add_output(*node, std::move(type));
  Data::place(data_, node);
  return Def(data_, def);
}

Def Graph::insert(std::string_view name, const std::vector<std::variant<Def, Value>>& args) const {
  return insert(name, args, {});
}

Def Graph::insert(std::string_view name, const std::vector<std::variant<Def, Value>>& args,
                  const std::vector<std::pair<std::string, std::variant<Def, Value>>>& keywords) const {
  const auto rows = data_->ops().overloads(name);
  if (rows.empty()) throw NameError(fmt::format("there is no operator named '{}'", name));
  const auto read = [&](const std::variant<Def, Value>& one) {
    Given given;
    if (const Def* def = std::get_if<Def>(&one)) {
      given.def = Data::def(*def, data_);
      given.type = given.def->type;
    } else {
      given.constant = std::get<Value>(one);
    }
    return given;
  };
  for (const Op* row : rows) {
    const std::vector<Argument>& parameters = row->schema.args;
    std::vector<Given> all;
    bool fits = args.size() <= parameters.size();
    size_t named = 0;
    for (size_t i = 0; fits && i < parameters.size(); ++i) {
      const Argument& parameter = parameters[i];
      const auto keyword = std::find_if(keywords.begin(), keywords.end(),
                                        [&](const auto& k) { return k.first == parameter.name; });
      if (i < args.size()) {
        fits = !parameter.keyword_only && keyword == keywords.end();
        all.push_back(read(args[i]));
      } else if (keyword != keywords.end()) {
        ++named;
        all.push_back(read(keyword->second));
      } else if (parameter.default_value) {
        Given given;
        given.constant = *parameter.default_value;
        all.push_back(std::move(given));
      } else {
        fits = false;
      }
      if (fits && !all.back().def) fit_constant(&all.back(), parameter);
    }
    if (!fits || named != keywords.size()) continue;
    std::vector<ir::Def> stand_ins(all.size());
    std::vector<ir::Def*> inputs;
    for (size_t i = 0; i < all.size(); ++i) {
      stand_ins[i].type = all[i].type;
      inputs.push_back(&stand_ins[i]);
    }
    TypePtr result = ir::result_of(*row, inputs);
    if (!result) continue;
    ir::Graph& graph = data_->get();
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i].def) {
        inputs[i] = all[i].def;
        continue;
      }
      ir::Node* const constant = graph.create(ir::Kind::kConstant, {});
      constant->constant = all[i].constant;
      inputs[i] = graph.add_output(*constant, all[i].type);
      Data::place(data_, constant);
    }
    ir::Node* const node = graph.create(ir::Kind::kOp, std::move(inputs));
    node->op = row;
    ir::Def* const def = graph.add_output(*node, std::move(result));
    Data::place(data_, node);
    return Def(data_, def);
  }
  std::string why;
  for (const Op* row : rows) why += "\n  " + row->schema.str();
  throw TypeError(fmt::format("no overload of '{}' takes these arguments. There are:{}", name, why));
}

std::vector<Def> Graph::insert_graph(const Graph& other, const std::vector<Def>& inputs) const {
  // A copy, so that a graph may be inserted into itself.
  const std::unique_ptr<ir::Graph> from = ir::clone(other.data_->read());
  if (from->inputs().size() != inputs.size())
    throw ValueError(
        fmt::format("the graph has {} inputs, {} are given", from->inputs().size(), inputs.size()));
  if (from->root().ends_in_exit())
    throw ValueError("a graph that ends in a prim::Return cannot be inserted into another");
  Copies copies;
  for (size_t i = 0; i < inputs.size(); ++i) copies.emplace(from->inputs()[i], Data::def(inputs[i], data_));
  for (const ir::Node* node : from->root().nodes)
    Data::place(data_, ir::clone_node(*node, data_->get(), &copies));
  std::vector<Def> outputs;
  for (const ir::Def* def : from->root().outputs) outputs.emplace_back(data_, copies.at(def));
  return outputs;
}

void Graph::make_multi_output_into_tuple() const {
  ir::Graph& graph = data_->get();
  if (graph.root().outputs.size() == 1) return;
  ir::Builder at(graph);
  graph.root().outputs = {at.tuple(graph.root().outputs)};
  graph.returns = {graph.root().outputs[0]->type};
  data_->edited();
}

Function Graph::create_function(std::string name) const {
  lint();
  std::shared_ptr<ir::Graph> graph = ir::clone(data_->get());
  if (graph->returns.size() != 1) {
    throw ValueError(
        fmt::format("a function returns one value, this graph has {}; make_multi_output_into_tuple() "
                    "makes one of them",
                    graph->returns.size()));
  }
  // The parameters are called by their names, each of its own.
  std::vector<std::string> taken;
  for (size_t i = 0; i < graph->inputs().size(); ++i) {
    std::string& own = graph->inputs()[i]->name;
    std::string base;
    for (const char c : own)
      base += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
    if (base.empty() || (base[0] >= '0' && base[0] <= '9')) base = fmt::format("argument_{}", i);
    own = base;
    for (int number = 1; std::find(taken.begin(), taken.end(), own) != taken.end(); ++number)
      own = fmt::format("{}_{}", base, number);
    taken.push_back(own);
  }
  return data_->store().define(std::move(graph), std::move(name));
}

bool Graph::run_pass(std::string_view name) const {
  using Pass = bool (*)(ir::Graph&);
  static constexpr std::array<std::pair<std::string_view, Pass>, 7> kPasses = {{
      {"constant_propagation", [](ir::Graph& g) { return ir::fold_constants(g); }},
      {"dce", [](ir::Graph& g) { return ir::drop_dead(g); }},
      {"cse", [](ir::Graph& g) { return ir::merge_common(g); }},
      {"licm", [](ir::Graph& g) { return ir::hoist_invariants(g); }},
      {"peephole", [](ir::Graph& g) { return ir::peephole(g); }},
      {"inline_fork_wait", [](ir::Graph& g) { return ir::inline_forks(g); }},
      {"loop_unrolling", [](ir::Graph& g) { return ir::unroll_loops(g); }},
  }};
  lint();  // the passes rely on it
  bool changed = false;
  if (name == "inline") {
    std::vector<Function> held;
    ScriptStore& store = data_->store();
    changed = ir::inline_calls(data_->get(), [&](std::string_view callee) -> const ir::Graph* {
      const Function f = held.emplace_back(store.peek(callee));
      return f ? f.data()->graph.get() : nullptr;
    });
  } else {
    const auto pass =
        std::find_if(kPasses.begin(), kPasses.end(), [&](const auto& p) { return p.first == name; });
    if (pass == kPasses.end()) throw ValueError(fmt::format("there is no pass named '{}'", name));
    changed = pass->second(data_->get());
  }
  ir::each_graph(data_->get(), [](ir::Graph& graph) { ++graph.edits; });
  return changed;
}

}  // namespace tine::script
