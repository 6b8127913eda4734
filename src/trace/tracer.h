// Tracer: writes down what one run does, as a graph.
//
// State      The graph so far, and which of its values each tensor and future of the run is.
// Threads    One thread: the one that runs the traced function.
// Ordering   Nodes in the order of the calls.
// Ownership  Keeps every value it has seen alive until it goes, so that an address means one tensor. The graph is
//            handed over by finish().
// Errors     ValueError when a value cannot be part of a graph or a fork is ended that was not begun, Error when the
//            result does not come out of the traced calls, or a value left a fork by another way than its result.
// Cost       A hash for each tensor argument; tracing is no hot path.
// Source     torch.jit.trace for what is captured: calls, not control flow. Sizes, and numbers that operators compute
//            from them, are values of the graph: 0-d tensors stand for them, each known by its object. Other numbers
//            are constants, as they were in this run; tensors from outside are constants, too, unless they are
//            attributes of `self`.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "src/ir/graph.h"
#include "tine/operators.h"

namespace tine::trace {

// The number that such a tensor stands for.
[[nodiscard]] TINE_API Value number_in(const Tensor& stand_in);

class TINE_API Tracer final {
 public:
  Tracer(std::string name, const OpTable& ops);
  ~Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  // Where the traced program is now, for the places of the nodes.
  std::function<SourceSpan()> where;

  // The object whose method is traced: the first input. Tensors in its slots, and in those of objects in its slots,
  // become prim::GetAttr.
  void add_self(const Value& object);
  // The next input: a tensor, a future, or a tuple, list or dict of these. Anything else becomes an input, too, but
  // what is computed from it cannot be seen.
  void add_input(const Value& value, std::string_view name);

  // Calls the overload that fits, as Python does, and writes it down. In the arguments and in the result 0-d tensors
  // stand for the numbers that follow from the inputs. `chosen` is told the overload.
  Value call(std::span<const Op* const> overloads, OpContext& context, std::span<const Value> args,
             std::span<const Keyword> keywords, const Op** chosen = nullptr);
  // A call that was made: `given` are its arguments, `written` the same with numbers stood for. Returns the result
  // with its numbers stood for.
  Value record(const Op& op, std::span<const Value> given, std::span<const Value> written,
               const Value& result);
  // A call of a script function, which nobody records inside: one node that calls it by its name.
  Value record_call(const std::string& qualified_name, const Schema& schema, std::span<const Value> written,
                    const Value& result);
  // `other` is a handle of its own on all that `of` shows.
  void same(const Value& other, const Value& of);
  // Whether the tensor stands for a number.
  [[nodiscard]] bool is_number(const Tensor& tensor) const noexcept;
  // The value with its numbers themselves.
  [[nodiscard]] Value plain(const Value& value) const;
  // Whether the value may be another one for other inputs.
  [[nodiscard]] bool varies(const Value& value) const;
  // The program was given it, or what is in it, as plain data: from here on a constant.
  void warn_fixed(const Value& value, std::string text);

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
  using Id = const void*;  // tells one value of the run from all others
  // One graph being written: the function's own, or a fork's subgraph.
  struct Scope {
    std::unique_ptr<ir::Graph> graph;
    std::unordered_map<Id, ir::Def*> defs;
    std::vector<ir::Def*> captured;  // the outer values that became this graph's inputs
  };
  struct Attribute {
    std::vector<std::string> path;
  };

  [[nodiscard]] SourceSpan place() const { return where ? where() : SourceSpan{}; }
  [[nodiscard]] ir::Builder builder(size_t scope) const;
  [[nodiscard]] const ir::Def* lookup(Id id) const noexcept;
  [[nodiscard]] bool varies(Id id) const noexcept;
  [[nodiscard]] ir::Def* known(Id id, size_t scope);
  // `given` is what the call took the value as.
  [[nodiscard]] ir::Def* def_of(const Value& value, size_t scope, const TypePtr& wanted = nullptr,
                                const Value& given = {});
  [[nodiscard]] ir::Def* made_of_parts(const Value& value, size_t scope, const TypePtr& wanted);
  [[nodiscard]] ir::Def* coerced(ir::Def* def, const Value& given, const TypePtr& wanted, size_t scope);
  [[nodiscard]] ir::Def* output_of(const Value& value, int* number);
  ir::Def* node(std::string_view op, std::vector<ir::Def*> inputs, size_t scope);
  Value bind(const Value& value, ir::Def* def, size_t scope);
  Value bind_parts(const Value& value, ir::Def* def, size_t scope);
  ir::Def* follows(ir::Def* def, std::span<ir::Def* const> inputs, bool anyway = false);
  void written_to(const Tensor& tensor);
  void find_attributes(const Value& object, std::vector<std::string>* path, int depth);
  [[nodiscard]] Scope close_scope();

  const OpTable& ops_;
  std::vector<Scope> scopes_;
  std::unordered_map<Id, Attribute> attributes_;
  std::unordered_set<const ir::Def*> varying_;
  std::unordered_set<Id> numbers_;  // tensors that stand for one
  std::unordered_set<Id> left_;     // made in forks that have ended, and varying
  ir::Def* self_ = nullptr;
  std::vector<Value> alive_;
  std::vector<Warning> warnings_;
};

}  // namespace tine::trace
