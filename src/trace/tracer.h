// Tracer: writes down what one run does, as a graph.
//
// State      The graph so far, and which of its values each tensor and future of the run is.
// Threads    One thread: the one that runs the traced function.
// Ordering   Nodes in the order of the calls.
// Ownership  Keeps every value it has seen alive until it goes, so that an address means one tensor. The graph is
//            handed over by finish().
// Errors     ValueError when a value cannot be part of a graph, a fork is ended that was not begun, or the result
//            does not come out of the traced calls in a form that can be returned.
// Cost       A hash for each tensor argument; tracing is no hot path.
// Source     torch.jit.trace for what is captured: calls, not control flow. What is no tensor or future is a constant,
//            as it was in this run; tensors from outside are constants, too, unless they are attributes of `self`.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/ir/graph.h"
#include "src/value/op_context.h"

namespace tine::trace {

class TINE_API Tracer final : public Recorder {
 public:
  explicit Tracer(std::string name);
  ~Tracer();

  // Where the traced program is now, for the places of the nodes.
  std::function<SourceSpan()> where;

  // The object whose method is traced: the first input. Tensors in its slots, and in those of objects in its slots,
  // become prim::GetAttr.
  void add_self(const Value& object);
  // The next input: a tensor, a future, or a tuple or list of these. Anything else becomes an input, too, but what is
  // computed from it cannot be seen.
  void add_input(const Value& value, std::string_view name);

  // Every call of an operator row (OpContext::recorder).
  void record(const Op& op, const Value* args, const Value& result) override;
  // A call of a script function, which nobody records inside: one node that calls it by its name.
  void record_call(const std::string& qualified_name, std::span<const Value> args, const Value& result,
                   const TypePtr& result_type);
  // Around a forked function, which runs in place: its calls make the subgraph.
  void begin_fork();
  void end_fork(const Value& result, const Value& future);
  // After an error inside a fork.
  void abort_fork() noexcept;

  [[nodiscard]] std::unique_ptr<ir::Graph> finish(const Value& result);

  // What the trace may have got wrong, for whoever asked for it: values that came out of tensors and are
  // now constants.
  struct Warning {
    SourceSpan place;
    std::string text;  // one line
  };
  [[nodiscard]] const std::vector<Warning>& warnings() const noexcept { return warnings_; }

 private:
  // One graph being written: the function's own, or a fork's subgraph.
  struct Scope {
    std::unique_ptr<ir::Graph> graph;
    std::unordered_map<const void*, ir::Def*> defs;
    std::vector<ir::Def*> captured;  // the outer values that became this graph's inputs
  };
  struct Attribute {
    std::vector<std::string> path;
  };

  [[nodiscard]] SourceSpan place() const { return where ? where() : SourceSpan{}; }
  [[nodiscard]] ir::Def* def_of(const Value& value, size_t scope);
  [[nodiscard]] ir::Def* known(const void* identity, size_t scope);
  void bind(const Value& value, ir::Def* def, Scope& scope);
  void find_attributes(const Value& object, std::vector<std::string>* path, int depth);
  ir::Builder builder(Scope& scope) const;

  std::vector<Scope> scopes_;
  std::unordered_map<const void*, Attribute> attributes_;
  ir::Def* self_ = nullptr;
  std::vector<Value> alive_;
  std::vector<Warning> warnings_;
};

// Runs the traced graph again and compares: `run` executes it on `inputs` (trace never sees the machine), `equal` says
// whether two results are the same within tolerance. Empty when they are, else what differs.
[[nodiscard]] TINE_API std::string check(const std::function<Value(std::span<const Value>)>& run,
                                         std::span<const Value> inputs, const Value& expected,
                                         const std::function<bool(const Value&, const Value&)>& equal);

}  // namespace tine::trace
