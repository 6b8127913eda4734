// Graph: a function in SSA form with structured control flow (docs/spec/ir.md). The compiler and the tracer write it, it
// travels to other workers as text, and src/compile/emit turns it into code.
//
// Nodes are in blocks, and the nodes of a block run in order. A Def is written once: by a node, as a block's parameter,
// or as the graph's input. The graph owns its nodes, blocks and defs and frees them together, so a removed node stays
// allocated until then. The subgraphs of forks are shared. A Graph cannot be moved, because defs point into it.
//
// One thread may write a graph. Once it is finished, any number of threads may read it. Building checks nothing: verify()
// (verify.h) does, and says which node is wrong and why. The text form and the names of the node kinds follow PyTorch's
// IR.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "src/base/source.h"
#include "tine/operators.h"
#include "tine/type.h"
#include "tine/value.h"

namespace tine::ir {

class Graph;
struct Node;
struct Block;

// One value of the program: its static type and where it comes from.
struct Def {
  TypePtr type;
  std::string name;        // a hint for the printer, usually the variable's; may be empty, need not be unique
  Node* node = nullptr;    // what computes it; null for a block's parameter
  Block* block = nullptr;  // the block it is a parameter of, else null
  int id = 0;              // unique in its graph
  bool gone = false;       // taken away by forget() or erase() of Graph; tools may still hold it
};

// What a node does. The text name is in the first column; `in` and `out` are Node::inputs and outputs.
enum class Kind : uint8_t {
  // aten::add.Tensor and every other row of the operator table: `op` names it. in: one for each schema argument,
  // with defaults filled in, and implicit conversions made explicit (aten::Float.int, ...), by the code that builds the node.
  // out: one, of the schema's result type with type variables replaced (also when that type is None). Where the
  // schema says Any, any type: the machine checks that the result fits.
  // `aten::wait` is such a node: the machine suspends there.
  kOp,
  // prim::Constant[value=1](): `constant`. in: none. out: one. None, bool, int, float, str, Tensor, and lists and
  // tuples of these. A list constant is copied each time it is executed.
  // prim::Constant[name="m.f"](): `constant` is `name`, the qualified name of a script function, as a str: for a call on another
  // worker. It goes where the function goes: code that is sent brings that function, and names it anew.
  kConstant,
  // prim::If(%cond): in: one bool. Two blocks without parameters: then, else. out: one for each output of the blocks;
  // both blocks have as many outputs, of the same or a sub-type. A block that ends in an exit (below) has
  // no outputs; then the other block's are taken. When both exit, the If has no outputs and is itself an exit.
  kIf,
  // prim::Loop(%max_trip, %cond, %carried...): in: int, bool, initial carried values. One block: parameters are the
  // number of the iteration (int, from 0) and the carried values; outputs are the next condition (bool) and the next
  // carried values. out: the carried values after the last iteration. `for i in range(n)`: max_trip n, conditions constant
  // true. `while c`: max_trip constant kNoTripLimit, the first condition is c evaluated before the loop.
  kLoop,
  // Exits: each may only be the last node of a block and have no out.
  // prim::Return(%value): in: one for each output of the graph. Leaves the function (the graph, of a fork the subgraph).
  kReturn,
  // prim::Break(%carried...): leaves the innermost loop; in: the carried values that become its outputs.
  kBreak,
  // prim::Continue(%cond, %carried...): ends this iteration of the innermost loop; in: as the outputs of its block.
  kContinue,
  // prim::RaiseException[kind="ValueError"](%message): `name` is the kind (name_of(ErrorKind)). in: one str.
  kRaise,
  // %f : Future[T] = prim::fork(%args...): `subgraph` runs as a task of its own. in: one for each input of the subgraph, which
  // sees nothing else. out: one Future of the subgraph's only output. For `fork(foo, x)` the subgraph is one
  // CallFunction: emit forks foo itself, without a frame in between.
  kFork,
  // prim::CallFunction[name="__tine__.foo"](%args...): a direct call by the qualified name. in: all arguments. out: one.
  kCallFunction,
  // prim::CallMethod[name="forward"](%self, %args...): calls "<name of self's ObjectType>.forward". out: one.
  kCallMethod,
  // prim::GetAttr[name="weight"](%object): in: one of ObjectType. out: one, the slot's type.
  kGetAttr,
  // prim::SetAttr[name="weight"](%object, %value): no out.
  kSetAttr,
  // prim::CreateObject(): out: one, of a class of scripts. Its slots are unset: GetAttr fails with AttributeError until they are
  // set, but one that may hold None is None.
  kCreateObject,
  // prim::Enter(%object): what follows, up to the prim::Exit of the same object, is in a `with`. When an error leaves it, the
  // machine calls "<type of object>.__exit__" with the object and None three times. No out.
  kEnter,
  // prim::Exit(%object): ends the innermost `with`, whose object it names. No out; the call of `__exit__` is a node after it.
  kExit,
  // prim::TupleConstruct(%a, %b): out: one Tuple.
  kTupleConstruct,
  // prim::TupleUnpack(%tuple): out: one for each element; in: a Tuple type that has as many.
  kTupleUnpack,
  // prim::TupleIndex[index=1](%tuple): `index` >= 0, below the number of elements. out: one.
  kTupleIndex,
  // prim::ListConstruct(%a, %b): out: one, `List[T]`; the type also tells an empty list's element type.
  kListConstruct,
  // prim::ListUnpack(%list): out: n; a list of another length is a ValueError in Python's words.
  kListUnpack,
  // prim::DictConstruct(%k0, %v0, %k1, %v1): out: one Dict.
  kDictConstruct,
  // prim::isinstance[type=T](%x): out: one bool: does the value fit T. `x is None` is T = NoneType.
  kIsInstance,
  // prim::unchecked_cast(%x): the same value with a narrower static type (after `is not None`). out: one.
  kUncheckedCast,
};
inline constexpr int kKinds = static_cast<int>(Kind::kUncheckedCast) + 1;
inline constexpr int64_t kNoTripLimit = std::numeric_limits<int64_t>::max();

[[nodiscard]] std::string_view name_of(Kind kind) noexcept;  // "prim::Loop"; "" for kOp

struct Node {
  Kind kind = Kind::kConstant;
  std::vector<Def*> inputs;
  std::vector<Def*> outputs;
  std::vector<Block*> blocks;       // kIf: then, else. kLoop: the body
  const Op* op = nullptr;           // kOp
  std::string name;                 // kCallFunction, kCallMethod, kGetAttr, kSetAttr, kRaise, kConstant
  Value constant;                   // kConstant
  int index = 0;                    // kTupleIndex
  TypePtr type;                     // kIsInstance
  std::shared_ptr<Graph> subgraph;  // kFork
  SourceSpan span;
  Block* owner = nullptr;  // null while it is in no block
  bool gone = false;       // destroyed, as Def::gone

  [[nodiscard]] Def* output() const { return outputs.front(); }
  // Leaves the block: return, break, continue, raise, or an `if` both of whose branches do.
  [[nodiscard]] bool is_exit() const noexcept;
  // The qualified name of the function or method that it calls; empty where it calls none.
  [[nodiscard]] std::string callee() const;
  // A call of a script function, or the name of one.
  [[nodiscard]] bool names_function() const noexcept {
    return kind == Kind::kCallFunction || (kind == Kind::kConstant && !name.empty());
  }
  void rename_function(std::string qualified_name) {
    if (kind == Kind::kConstant) constant = Value(qualified_name);
    name = std::move(qualified_name);
  }
};

struct Block {
  std::vector<Def*>
      params;  // a loop body's iteration number and carried values; the graph's inputs for its root
  std::vector<Node*> nodes;
  std::vector<Def*> outputs;  // empty when the block ends in an exit
  Node* owner = nullptr;      // the If or Loop; null for the root
  bool gone = false;          // its node lost it, as Node::gone
  [[nodiscard]] bool ends_in_exit() const noexcept { return !nodes.empty() && nodes.back()->is_exit(); }
};

class Graph {
 public:
  explicit Graph(std::string name = {});
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  std::string name;              // the qualified name of the function; a hint for subgraphs
  std::vector<TypePtr> returns;  // types of the outputs. Functions have exactly one (None: Type::none()).
  [[nodiscard]] Block& root() noexcept { return *root_; }
  [[nodiscard]] const Block& root() const noexcept { return *root_; }
  [[nodiscard]] const std::vector<Def*>& inputs() const noexcept { return root_->params; }

  Def* add_input(TypePtr type, std::string hint = {}) {
    return add_param(*root_, std::move(type), std::move(hint));
  }
  Def* add_param(Block& block, TypePtr type, std::string hint = {});
  // A node in no block yet.
  Node* create(Kind kind, std::vector<Def*> inputs, SourceSpan span = {});
  Def* add_output(Node& node, TypePtr type, std::string hint = {});
  Block* add_block(Node& node);
  void append(Block& block, Node* node);
  void insert_before(Node* place, Node* node);  // in the place's block
  // The inverse of append; the node's outputs must be unused.
  void remove(Node* node);
  // The same for good: forget().
  void destroy(Node* node);
  // Marks as gone a node that is in no block any more, with all that is in its blocks. For a pass, which makes lists of nodes
  // anew.
  static void forget(Node& node);
  static void forget(Block& block);
  // An input, a result or a parameter that nobody uses.
  void erase(Def* def);

  // For those who keep what they found out about the graph: counts what was changed by tools.
  uint64_t edits = 0;

 private:
  std::deque<Node> nodes_;
  std::deque<Block> blocks_;
  std::deque<Def> defs_;
  Block* root_;
  int next_id_ = 0;
};

// The same nodes in a graph of their own (fork subgraphs too), for a pass to change. ValueError where one uses a value that is in
// no block before it, which no verified graph does.
[[nodiscard]] std::unique_ptr<Graph> clone(const Graph& graph);
// Which Def of a copy stands for one of the original.
using Copies = std::unordered_map<const Def*, Def*>;
// A copy of the node in `graph`, in no block yet. `copies` has what its inputs and its blocks use, and gets its results.
// std::out_of_range where it lacks one.
[[nodiscard]] Node* clone_node(const Node& node, Graph& graph, Copies* copies);
// For a copy in the same graph: what the block and those in it use is itself, where `copies` does not say otherwise.
void keep_used(const Block& block, Copies* copies);
// The qualified names of the functions and methods that it calls, forks or names, in its blocks and subgraphs.
[[nodiscard]] std::vector<std::string> called_functions(const Graph& graph);

// Appends nodes to the end of one block: what the front end and the tests write graphs with.
class Builder {
 public:
  explicit Builder(Graph& g) : graph_(&g), block_(&g.root()) {}
  Builder(Graph& g, Block& at) : graph_(&g), block_(&at) {}
  [[nodiscard]] Graph& graph() const noexcept { return *graph_; }
  [[nodiscard]] Block& block() const noexcept { return *block_; }
  [[nodiscard]] Builder in(Block& other) const { return Builder(*graph_, other, span); }

  SourceSpan span;  // of the nodes to come

  Def* constant(Value value);  // type_of(value)
  Def* constant(Value value, TypePtr type);
  Def* function_name(std::string qualified_name);
  // The result type follows from the schema and the inputs' types; null when the inputs do not fit.
  Def* op(const Op& op, std::vector<Def*> inputs);
  Def* op(const Op& op, std::vector<Def*> inputs, TypePtr result);
  Node* if_(Def* condition);  // with two empty blocks
  // With an empty body whose parameters are made from the carried values' types; outputs are added, too.
  Node* loop(Def* max_trip, Def* condition, std::vector<Def*> carried);
  Def* call(std::string qualified_name, std::vector<Def*> args, TypePtr result);
  Def* call_method(std::string method, std::vector<Def*> self_and_args, TypePtr result);
  Def* fork(std::shared_ptr<Graph> subgraph, std::vector<Def*> args);  // Future of its output
  Def* get_attr(Def* object, std::string attribute, TypePtr type);
  void set_attr(Def* object, std::string attribute, Def* value);
  Def* create_object(TypePtr type);
  void enter(Def* object);
  void exit(Def* object);
  Def* tuple(std::vector<Def*> elements);
  Def* tuple(std::vector<Def*> elements, TypePtr type);  // of named elements
  Def* list(std::vector<Def*> elements, TypePtr element_type);
  Def* dict(std::vector<Def*> keys_and_values, TypePtr key, TypePtr value);
  std::vector<Def*> unpack_tuple(Def* tuple);
  std::vector<Def*> unpack_list(Def* list, int count);
  Def* tuple_index(Def* tuple, int index);
  Def* is_instance(Def* value, TypePtr type);
  Def* cast(Def* value, TypePtr narrower);
  void raise(std::string kind, Def* message);
  void return_(std::vector<Def*> values);
  void break_(std::vector<Def*> carried);
  void continue_(Def* condition, std::vector<Def*> carried);

 private:
  Builder(Graph& g, Block& at, SourceSpan s) : span(std::move(s)), graph_(&g), block_(&at) {}
  Node* add(Kind kind, std::vector<Def*> inputs);
  Graph* graph_;
  Block* block_;
};

}  // namespace tine::ir
