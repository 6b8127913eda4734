// What the handles of tine/graph.h share, for the bodies of these.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/ir/walk.h"
#include "src/runtime/script.h"
#include "src/runtime/script_shelf.h"
#include "tine/graph.h"
#include "tine/runtime.h"

namespace tine::script {

// What the handles of one graph share. What it finds out about the graph holds until the next edit.
struct Graph::Data {
  Data(std::shared_ptr<const ir::Graph> graph, std::shared_ptr<ScriptShelf> s, std::shared_ptr<const void> o)
      : shown(std::move(graph)), shelf(std::move(s)), owner(std::move(o)) {}
  Data(std::shared_ptr<ir::Graph> graph, std::shared_ptr<ScriptShelf> s, std::shared_ptr<const void> o)
      : shown(graph), shelf(std::move(s)), owner(std::move(o)), own(std::move(graph)) {}

  // For those who read the graph as a whole.
  const std::shared_ptr<const ir::Graph> shown;
  const std::shared_ptr<ScriptShelf> shelf;
  const std::shared_ptr<const void> owner;
  [[nodiscard]] const ir::Graph& read() const noexcept { return own ? *own : *shown; }
  // For those who get hold of its parts. A function's graph is copied first: that one never changes.
  ir::Graph& get() {
    if (!own) own = ir::clone(*shown);
    return *own;
  }
  [[nodiscard]] ScriptStore& store() const {
    // In a child of fork(2) the functions are those of the child's Runtime.
    if (shelf->birth.inherited()) return Runtime::instance().scripts();
    if (!shelf->store) throw Error("the Runtime of this graph is gone");
    return *shelf->store;
  }
  [[nodiscard]] const OpTable& ops() const { return shelf->ops; }

  void edited() { ++get().edits; }
  const std::vector<std::pair<ir::Node*, size_t>>& uses_of(const ir::Def* def);
  const std::vector<ir::Block*>& returns_of(const ir::Def* def);
  const std::string& name_of(const ir::Def* def);
  [[nodiscard]] bool is_used(const ir::Def* def) { return !uses_of(def).empty() || !returns_of(def).empty(); }

  // The types of the results, where they no longer say what the outputs are.
  void settle_returns() {
    ir::Graph& graph = get();
    if (graph.root().ends_in_exit()) return;
    const std::vector<ir::Def*>& outputs = graph.root().outputs;
    graph.returns.resize(outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      TypePtr& type = graph.returns[i];
      if (!type || !is_subtype(outputs[i]->type, type)) type = outputs[i]->type;
    }
  }

  // Where insert_node() puts a node: before it, or at the end of the block.
  ir::Block* insert_block = nullptr;
  ir::Node* insert_before = nullptr;
  // Where what was there is gone, at the end of its block, or of the graph.
  void settle_insert_point() {
    if (insert_before && (insert_before->gone || !insert_before->owner)) insert_before = nullptr;
    if (!insert_block || insert_block->gone) insert_block = &get().root();
  }

  static ir::Def* def(const Def& handle, const std::shared_ptr<Data>& of) {
    ir::Def& known = handle.get();
    if (&handle.graph_->get() != &of->get())
      throw ValueError(fmt::format("the value %{} belongs to another graph", handle.debug_name()));
    return &known;
  }
  static std::vector<ir::Def*> defs(const std::vector<Def>& handles, const std::shared_ptr<Data>& of) {
    std::vector<ir::Def*> out;
    for (const Def& handle : handles) out.push_back(def(handle, of));
    return out;
  }
  static std::vector<Def> shown_defs(const std::vector<ir::Def*>& defs, const std::shared_ptr<Data>& of) {
    std::vector<Def> out;
    for (ir::Def* one : defs) out.emplace_back(of, one);
    return out;
  }
  static ir::Node* node(const Node& handle) { return &handle.get(); }
  static ir::Block* block(const Block& handle) { return &handle.get(); }
  static void place(const std::shared_ptr<Data>& of, ir::Node* node);

 private:
  struct Uses {
    std::vector<std::pair<ir::Node*, size_t>> nodes;
    std::vector<ir::Block*> blocks;  // of which it is an output
  };
  void look();

  std::shared_ptr<ir::Graph> own;
  uint64_t uses_at_ = ~uint64_t{0}, names_at_ = ~uint64_t{0};
  std::unordered_map<const ir::Def*, Uses> uses_;
  std::unordered_map<const ir::Def*, std::string> names_;
};

inline std::string_view kind_of_node(const ir::Node& node) {
  if (node.kind == ir::Kind::kOp) return node.op->schema.name;
  return ir::name_of(node.kind);
}

// The overload that takes the inputs. Without one the node keeps what it has: lint() says what is wrong with it.
void settle_op(const OpTable& ops, ir::Graph& graph, ir::Node& node);

// Throws ValueError where a node may not be put: inside itself, and where blocks would nest deeper than text and passes go.
void check_place(const ir::Block& block, const ir::Node& node);
// What is used cannot go.
void not_used(Graph::Data& data, const ir::Def& def);
void in_range(size_t index, size_t size, std::string_view what);
[[nodiscard]] TypePtr type_of_constant(const Value& value);
[[nodiscard]] std::shared_ptr<Graph::Data> shared(std::shared_ptr<ir::Graph> graph,
                                                  std::shared_ptr<ScriptShelf> shelf,
                                                  std::shared_ptr<const void> owner = nullptr);
// The nodes of the kind in the order of the text.
void collect(const std::shared_ptr<Graph::Data>& data, ir::Block& root, std::string_view kind, bool recurse,
             bool only_first, std::vector<Node>* out);

}  // namespace tine::script
