// Tracer: records the operators that one run calls, as a graph. As in torch.jit.trace, calls are recorded and control
// flow is not.
//
// Sizes, and numbers that operators compute from sizes, are values of the graph: the program holds a 0-d tensor for each,
// which the tracer recognizes by its object. Every other number is a constant, as it was in this run. Tensors from
// outside are constants too, unless they are attributes of `self`.
//
// Only the thread that runs the traced function may use a Tracer. It keeps every value that it has seen alive, so that an
// address means one tensor for as long as the trace lasts.
//
// A value that cannot be part of a graph and an end_fork() without begin_fork() are ValueErrors. A result that does not
// come out of the traced calls is an Error, and so is a value that left a fork other than by its result.
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
[[nodiscard]] Value number_in(const Tensor& stand_in);

class Tracer final {
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
  // A call of a script function. The inside of the function is not recorded: the call is one node with its name.
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
  // The program got the value, or a part of it, as plain data: from here on it is a constant.
  void warn_fixed(const Value& value, std::string text);

  // Around a forked function, which runs in place: its calls make the subgraph.
  void begin_fork();
  void end_fork(const Value& result, const Value& future);
  // After an error inside a fork.
  void abort_fork() noexcept;

  [[nodiscard]] std::unique_ptr<ir::Graph> finish(const Value& result);

  // What the trace may have got wrong, for the user's warnings: values that came out of tensors and are now constants.
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
