// ScriptUnit: the script functions of a Runtime: compiles them, keeps them by qualified name, runs them.
//
// State      The functions that somebody has a ScriptRef of, and what those call. What was compiled at once goes at once:
//            when no ScriptRef shows any of it, nothing that stays calls it, and no script runs (vm/running.h).
// Threads    Every member from any thread. A Resolver is called by the compiling thread alone, and no lock of the unit
//            is held meanwhile. Two threads may compile one function at once; the first result is kept.
// Ordering   A function that is found can be called: what it calls is there, too. A name may come again when its
//            function is gone.
// Ownership  A ScriptRef shares its function; it may outlive the unit. Runs keep the code that they are in. Borrows the
//            operator table, the executor and the operators' context.
// Errors     compile: SyntaxError and what the Resolver throws; nothing is kept then. bind: TypeError in PyTorch's
//            words, naming function, argument, expected and found type. import_code: SyntaxError for text that is no IR,
//            ValueError when its hash is another.
// Cost       compile: below a millisecond for a typical function. find: a hash under a lock. A call: see vm/machine.h.
// Source     DESIGN "Scripts"; torch.jit's CompilationUnit.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/code/function.h"
#include "src/compile/builtins.h"
#include "src/compile/compile.h"
#include "src/ir/graph.h"
#include "src/rpc/call.h"
#include "src/vm/machine.h"

namespace tine {

class ScriptFunction;
using ScriptRef = std::shared_ptr<const ScriptFunction>;

class ScriptFunction {
 public:
  const std::string name;  // qualified
  const Schema schema;
  const std::shared_ptr<const ir::Graph> graph;  // as it was compiled or traced; what runs may be optimised
  const std::string docstring;
  const SourceSpan span;
  const std::shared_ptr<const Source> source;  // null for a traced or received function

  // The graph's text, as PyTorch would show it.
  [[nodiscard]] TINE_API std::string text() const;
  // "foo(Tensor a, int b) -> Tensor"
  [[nodiscard]] TINE_API std::string signature() const;

 private:
  friend class ScriptUnit;
  ScriptFunction(compile::CompiledFunction from, std::shared_ptr<const Source> source);
  const code::Function* code_ = nullptr;
  mutable std::shared_ptr<const rpc::ScriptCode> exported_;  // under the unit's lock
};

class TINE_API ScriptUnit final {
 public:
  ScriptUnit(const OpTable& ops, Executor& executor, const OpContext& context, vm::Limits limits = {});
  ~ScriptUnit();
  ScriptUnit(const ScriptUnit&) = delete;
  ScriptUnit& operator=(const ScriptUnit&) = delete;

  // Compiles it and what it needs, unless a function of its name is there already.
  [[nodiscard]] ScriptRef compile(const compile::FunctionSource& source);
  // Every def of a text; their names are "<prefix>.<def>".
  [[nodiscard]] std::vector<ScriptRef> compile_text(std::shared_ptr<const Source> source,
                                                    std::string_view prefix);
  // A graph from elsewhere (a trace). A name that is taken gets a number behind it.
  [[nodiscard]] ScriptRef define(std::shared_ptr<ir::Graph> graph, Schema schema);
  [[nodiscard]] ScriptRef function(std::string_view name) const;  // null when there is none
  // How many there are, those included that are to go when no script runs.
  [[nodiscard]] size_t size() const;

  // One Value for each parameter: positions, keywords, defaults, what the boundary converts.
  [[nodiscard]] std::vector<Value> bind(const ScriptFunction& f, std::span<const Value> args,
                                        std::span<const Keyword> keywords,
                                        Boundary boundary = Boundary::kPython) const;
  // With bound arguments. start: on this thread until it waits. post: on the executor.
  [[nodiscard]] Future<Value> start(const ScriptFunction& f, std::span<const Value> args,
                                    vm::Poll* poll = nullptr);
  // start for a thread that others wait for: what takes longer than kSlice goes on on the executor.
  [[nodiscard]] Future<Value> start_slice(const ScriptFunction& f, std::span<const Value> args);
  [[nodiscard]] Future<Value> post(const ScriptFunction& f, std::span<const Value> args);
  Value call(const ScriptFunction& f, std::span<const Value> args, vm::Poll* poll = nullptr);

  // The function and all that it calls as text that import_code takes, and the hash of it.
  [[nodiscard]] std::shared_ptr<const rpc::ScriptCode> export_code(const ScriptFunction& f) const;
  [[nodiscard]] std::shared_ptr<const rpc::ScriptCode> export_code(
      std::string_view name) const;  // null: none
  // The function of that hash, defined here under names of its own.
  [[nodiscard]] ScriptRef import_code(std::string_view hash, std::string_view text);

  [[nodiscard]] const OpTable& ops() const noexcept { return ops_; }
  [[nodiscard]] Executor& executor() const noexcept { return machine_.executor(); }

 private:
  struct Batch;
  struct Shelf;
  class Found;

  // To read it, not to run it.
  [[nodiscard]] ScriptRef peek(std::string_view name) const;
  ScriptRef keep(std::vector<compile::CompiledFunction> compiled, std::shared_ptr<const Source> source);
  // What is kept with the function, `fresh` where that was nothing.
  std::shared_ptr<const rpc::ScriptCode> exported(const ScriptFunction& f,
                                                  std::shared_ptr<const rpc::ScriptCode> fresh) const;
  std::unique_ptr<code::Function> code_of(const ir::Graph& graph, const std::string& name) const;

  const OpTable& ops_;
  const std::shared_ptr<Shelf> shelf_;
  vm::Machine machine_;
};

// A traced graph under that name; its inputs are the parameters.
[[nodiscard]] TINE_API ScriptRef define_traced(ScriptUnit& unit, std::shared_ptr<ir::Graph> graph,
                                               std::string name);

// What a binding shows of a graph: its text, its nodes' kinds with those of inner blocks and forks behind the node that
// has them, the hash of its content.
[[nodiscard]] TINE_API std::string graph_text(const ir::Graph& graph);
[[nodiscard]] TINE_API std::vector<std::string> graph_node_kinds(const ir::Graph& graph);
[[nodiscard]] TINE_API std::string graph_content_hash(const ir::Graph& graph);

}  // namespace tine
