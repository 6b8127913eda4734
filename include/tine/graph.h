// Graphs of script functions, as tools read and change them: blocks of nodes, and the values that run between these.
//
//   #include "tine/graph.h"
//   #include "tine/script.h"
//   namespace script = tine::script;
//
//   script::Function halved(const script::Function& f) {
//     script::Graph graph = f.graph();
//     for (const script::Node& node : graph.find_all_nodes("aten::relu")) node.become("aten::tanh", node.inputs());
//     const script::Def half = graph.insert("aten::mul", {graph.outputs()[0], 0.5});
//     graph.set_output(0, half);
//     return graph.create_function("halved");  // verified and compiled; `f` stays as it is
//   }
//
// What docs/spec/ir.md says of a graph holds here: its kinds of nodes, their blocks, and its text. The names of the
// functions are those of torch._C.Graph, in this project's spelling.
//
// A Graph, a Node, a Block and a Def are handles, cheap to copy; two of them are equal when they show the very same thing.
// Each keeps the whole graph alive. What destroy() or erase_* took away cannot come back: a handle that shows it throws
// ValueError. The graph that a function gives is a copy: what is changed in it does not change the function.
//
// A change checks that what it is given belongs to the graph and is still there, and ValueError says what is wrong. It does
// not check types. lint() and create_function() do, and throw SyntaxError that quotes the node.
//
// One thread at a time uses a graph, its handles and the graphs of its forks, also to read: what is found out about it is kept.
// copy() gives another thread a graph of its own. uses() and debug_name() cost a walk over the graph after each change,
// everything else the length of its result, or of the block where a node comes or goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tine/schema.h"
#include "tine/source.h"
#include "tine/type.h"
#include "tine/value.h"

namespace tine {
class Runtime;
class ScriptShelf;
namespace ir {
class Graph;
struct Block;
struct Def;
struct Node;
}  // namespace ir
}  // namespace tine

namespace tine::script {

class Block;
class Def;
class Function;
class Node;
struct Use;

class TINE_API Graph {
 public:
  struct TINE_LOCAL Data;

  // An empty graph, of the operators of the Runtime; null: Runtime::instance(). It must outlive the graph.
  explicit Graph(Runtime* runtime = nullptr);
  // For the Runtime. It is copied when the first node of it is asked for; `owner`, the function, stays meanwhile, and so does
  // what it calls.
  Graph(std::shared_ptr<const ir::Graph> shown, std::shared_ptr<ScriptShelf> functions,
        std::shared_ptr<const void> owner);
  explicit Graph(std::shared_ptr<Data> data) noexcept : data_(std::move(data)) {}

  // Reads the text of a graph: what str() gives here, and what str(graph) gives in PyTorch (docs/spec/ir.md says how far).
  // SyntaxError with line and column for other text. Classes that nobody knows get the attributes that the graph reads.
  [[nodiscard]] static Graph parse(std::string_view text, Runtime* runtime = nullptr);

  // The text that PyTorch would print (docs/spec/ir.md).
  [[nodiscard]] std::string str() const;
  // "prim::Constant", "aten::add", ... of each node in order. The nodes of inner blocks and of forks come after the node
  // that has them.
  [[nodiscard]] std::vector<std::string> node_kinds() const;
  // SHA-256 of what the graph does: equal for graphs that differ in names and places alone.
  [[nodiscard]] std::string content_hash() const;
  // The graph as boxes and arrows, in the language of Graphviz, and as a picture that needs no other program.
  [[nodiscard]] std::string dot() const;
  [[nodiscard]] std::string svg() const;

  [[nodiscard]] Block block()
      const;  // the outermost one; its nodes, inputs and outputs are those of the graph
  [[nodiscard]] std::vector<Node> nodes() const;
  [[nodiscard]] std::vector<Def> inputs() const;
  [[nodiscard]] std::vector<Def> outputs() const;
  [[nodiscard]] Node param_node() const;   // prim::Param: its outputs are the inputs of the graph
  [[nodiscard]] Node return_node() const;  // prim::Return: its inputs are the outputs of the graph
  // The nodes of a kind in order, and with `recurse` those of inner blocks, behind the node that has the block.
  [[nodiscard]] std::vector<Node> find_all_nodes(std::string_view kind, bool recurse = true) const;
  [[nodiscard]] std::optional<Node> find_node(std::string_view kind, bool recurse = true) const;
  [[nodiscard]] Graph copy() const;
  // Throws SyntaxError for a graph that could not run: a value used before it is there, a type that does not fit.
  void lint() const;

  Def add_input(std::string name = {}, TypePtr type = Type::tensor()) const;
  void erase_input(size_t index) const;
  void permute_inputs(std::span<const size_t> order) const;
  size_t register_output(const Def& value) const;
  void set_output(size_t index, const Def& value) const;
  void erase_output(size_t index) const;

  // A node that is in no block yet. For an operator the overload that takes the inputs is chosen, and its result is the
  // output; other kinds get `outputs` Tensors. NameError for a kind that is not there.
  [[nodiscard]] Node create(std::string_view kind) const;  // without inputs, and with one output
  [[nodiscard]] Node create(std::string_view kind, std::vector<Def> inputs, size_t outputs = 1) const;
  // A node like that one, of this or of another graph, in no block yet; `mapped` gives its inputs, and those of its blocks.
  [[nodiscard]] Node create_clone(const Node& node, const std::vector<std::pair<Def, Def>>& mapped) const;
  // Where insert_node() and the two below put a node: before a node, or at the end of a block. At first, the graph's end.
  void set_insert_point(const Node& before) const;
  void set_insert_point(const Block& at_end_of) const;
  [[nodiscard]] Node insert_point() const;  // return_node() of the block for its end
  Node insert_node(const Node& node) const;
  Def insert_constant(Value value) const;
  // The call of an operator, with what is not a Def as constants, and its defaults. TypeError when nothing fits.
  Def insert(std::string_view op, const std::vector<std::variant<Def, Value>>& args,
             const std::vector<std::pair<std::string, std::variant<Def, Value>>>& keywords) const;
  Def insert(std::string_view op, const std::vector<std::variant<Def, Value>>& args) const;
  // The nodes of the other graph with these as its inputs. Returns what stands for its outputs.
  std::vector<Def> insert_graph(const Graph& other, const std::vector<Def>& inputs) const;
  // Several outputs become the one tuple that a function returns.
  void make_multi_output_into_tuple() const;

  // Compiles it under that name (a number is added to one that is taken). Several outputs are an error.
  [[nodiscard]] Function create_function(std::string name) const;

  // The passes of docs/spec/ir.md, in place: "inline", "constant_propagation", "dce", "cse", "licm", "peephole",
  // "inline_fork_wait", "loop_unrolling". True when something changed. ValueError for another name.
  bool run_pass(std::string_view name) const;

  [[nodiscard]] const std::shared_ptr<Data>& data() const noexcept { return data_; }

 private:
  std::shared_ptr<Data> data_;
};

class TINE_API Block {
 public:
  [[nodiscard]] std::vector<Node> nodes() const;
  [[nodiscard]] std::vector<Def> inputs() const;
  [[nodiscard]] std::vector<Def> outputs() const;
  [[nodiscard]] Node param_node() const;
  [[nodiscard]] Node return_node() const;
  [[nodiscard]] std::optional<Node> owning_node() const;  // none for the outermost one
  [[nodiscard]] std::vector<Node> find_all_nodes(std::string_view kind, bool recurse = true) const;
  [[nodiscard]] Graph graph() const { return Graph(graph_); }

  Def add_input(std::string name = {}, TypePtr type = Type::tensor()) const;
  size_t register_output(const Def& value) const;

  friend bool operator==(const Block& a, const Block& b) noexcept { return a.block_ == b.block_; }
  [[nodiscard]] const void* id() const noexcept { return block_; }
  Block(std::shared_ptr<Graph::Data> graph, ir::Block* block) noexcept
      : graph_(std::move(graph)), block_(block) {}

 private:
  friend class Graph;
  friend class Node;
  friend struct Graph::Data;
  [[nodiscard]] ir::Block& get() const;

  std::shared_ptr<Graph::Data> graph_;
  ir::Block* block_;
};

class TINE_API Node {
 public:
  [[nodiscard]] std::string kind() const;  // "aten::add", "prim::Loop"
  [[nodiscard]] std::string str() const;   // its line of the graph's text
  [[nodiscard]] std::vector<Def> inputs() const;
  [[nodiscard]] std::vector<Def> outputs() const;
  [[nodiscard]] std::vector<Block> blocks() const;
  [[nodiscard]] Def input(size_t index) const;  // IndexError
  [[nodiscard]] Def output(size_t index) const;
  [[nodiscard]] Def named_input(std::string_view name) const;  // as the operator's schema names it; NameError
  [[nodiscard]] std::optional<Schema> schema() const;          // of an operator
  [[nodiscard]] const SourceSpan& place() const;
  [[nodiscard]] Graph graph() const { return Graph(graph_); }
  [[nodiscard]] std::optional<Block> owning_block() const;  // none before it is inserted
  [[nodiscard]] std::optional<Node> next() const;           // in its block; after the last the return_node()
  [[nodiscard]] std::optional<Node> previous() const;       // before the first the param_node()
  [[nodiscard]] bool is_before(const Node& other) const;  // runs before it; also of nodes in different blocks
  [[nodiscard]] bool has_uses() const;

  // "value", "name", "Subgraph", ...; what they hold: "i", "f", "s", "t", "ival" (any other constant), "g", "ty".
  [[nodiscard]] std::vector<std::string> attribute_names() const;
  [[nodiscard]] std::string kind_of(std::string_view attribute) const;
  [[nodiscard]] Value attribute(std::string_view name) const;  // NameError; TypeError for "g" and "ty"
  [[nodiscard]] Graph attribute_graph(std::string_view name) const;
  [[nodiscard]] TypePtr attribute_type(std::string_view name) const;
  void set_attribute(std::string_view name, Value value) const;

  void add_input(const Def& value) const;
  void replace_input(size_t index, const Def& value) const;
  void replace_input_with(const Def& from, const Def& to) const;
  void remove_input(size_t index) const;
  Def add_output(TypePtr type = Type::tensor()) const;
  void erase_output(size_t index) const;  // ValueError while somebody uses it
  Block add_block() const;
  void insert_before(const Node& other) const;  // for a node that is in no block
  void insert_after(const Node& other) const;
  void move_before(const Node& other) const;
  void move_after(const Node& other) const;
  // The outputs of the other, which has as many, in place of its own, everywhere.
  void replace_all_uses_with(const Node& other) const;
  // Another operator on other inputs in its place; its output stays the same Def.
  void become(std::string_view op, std::vector<Def> inputs) const;
  void copy_attributes(const Node& other) const;
  void copy_place(const Node& other) const;
  void destroy() const;  // ValueError while somebody uses its outputs

  friend bool operator==(const Node& a, const Node& b) noexcept {
    return a.node_ == b.node_ && a.block_ == b.block_ && a.is_return_ == b.is_return_;
  }
  [[nodiscard]] const void* id() const noexcept { return node_ ? static_cast<const void*>(node_) : block_; }
  Node(std::shared_ptr<Graph::Data> graph, ir::Node* node) noexcept : graph_(std::move(graph)), node_(node) {}
  // The param_node() or return_node() of a block, which the graph itself does not have.
  Node(std::shared_ptr<Graph::Data> graph, ir::Block* block, bool is_return) noexcept
      : graph_(std::move(graph)), block_(block), is_return_(is_return) {}

 private:
  friend class Block;
  friend class Def;
  friend class Graph;
  friend struct Graph::Data;
  [[nodiscard]] ir::Node& get() const;  // ValueError for a block's own
  void check() const;                   // that it is still there
  void place_in(const Node& other, bool after) const;

  std::shared_ptr<Graph::Data> graph_;
  ir::Node* node_ = nullptr;
  ir::Block* block_ = nullptr;
  bool is_return_ = false;
};

// A value of the program (torch._C.Value).
class TINE_API Def {
 public:
  [[nodiscard]] TypePtr type() const;
  void set_type(TypePtr type) const;
  [[nodiscard]] std::string debug_name() const;  // as the text of the graph calls it, without %
  void set_debug_name(std::string name) const;   // the text adds a number to one that is taken
  [[nodiscard]] Node node() const;               // what computes it; the param_node() for a block's input
  [[nodiscard]] size_t offset() const;           // among the outputs of that node
  [[nodiscard]] int unique() const;              // a number of its own in the graph
  [[nodiscard]] std::optional<Value> constant() const;  // of a prim::Constant
  [[nodiscard]] std::vector<Use> uses() const;
  void replace_all_uses_with(const Def& other) const;
  void replace_all_uses_after_node_with(const Node& node, const Def& other) const;
  [[nodiscard]] Graph graph() const { return Graph(graph_); }

  friend bool operator==(const Def& a, const Def& b) noexcept { return a.def_ == b.def_; }
  [[nodiscard]] const void* id() const noexcept { return def_; }
  Def(std::shared_ptr<Graph::Data> graph, ir::Def* def) noexcept : graph_(std::move(graph)), def_(def) {}

 private:
  friend class Block;
  friend class Graph;
  friend class Node;
  friend struct Graph::Data;
  [[nodiscard]] ir::Def& get() const;

  std::shared_ptr<Graph::Data> graph_;
  ir::Def* def_;
};

// The input `offset` of `user` is the value.
struct Use {
  Node user;
  size_t offset;
};

}  // namespace tine::script
