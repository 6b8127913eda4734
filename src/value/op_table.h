// OpTable: every operator, once. Eager Python, C++, scripts, the tracer and remote builtin calls
// all look here; none has a list of its own.
//
// State      Rows are added while the Runtime is built, then it is frozen; pointers to rows stay valid.
// Threads    add() by the one thread that builds the Runtime; everything else any thread.
// Ordering   Overloads keep the order in which they were added: resolve() takes the first that fits
//            without conversion, else the first that fits with the boundary's conversions.
// Ownership  The Runtime owns the table; rows live as long.
// Errors     add() of a name and overload that exist: ValueError. find() of an unknown one: null.
//            resolve(): TypeError that lists every overload and why it does not fit, NameError for an
//            unknown name.
// Cost       find is one hash; a call through a row is one indirect call and no allocation of its own.
// Source     DESIGN "Values, operators"; PyTorch's dispatcher for the names.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/value/cost.h"
#include "src/value/op_context.h"
#include "src/value/schema.h"

namespace tine {

// `args` holds exactly one Value for each schema argument, defaults filled in, borrowed from the
// caller. Runs on any thread, without the GIL. Throws tine errors.
using Kernel = Value (*)(OpContext& context, const Value* args);

struct OpTraits {
  bool pure = true;            // no side effect, same inputs same result: may be folded, merged, dropped
  bool suspends = false;       // in a script an instruction that may suspend (aten::wait)
  bool aliases_input = false;  // the result may share storage with an input (views)
  Cost cost = {};              // undeclared: no bound
};

struct Op {
  Schema schema;
  Kernel kernel = nullptr;
  OpTraits traits;
};

// What to convert implicitly where arguments come from outside a script.
enum class Boundary : uint8_t {
  kScript,  // nothing but int -> float
  // Also number -> 0-d Tensor, 0-d Tensor -> number, bool -> int, tuple -> list, int -> int[], trailing
  // ints -> int[] (`x.view(2, 3)`), `input` for `self`, `axis` for `dim`: Python and RPC callers.
  kPython,
};

using Keyword = std::pair<std::string_view, Value>;

class TINE_API OpTable {
 public:
  OpTable();
  ~OpTable();
  OpTable(const OpTable&) = delete;
  OpTable& operator=(const OpTable&) = delete;

  const Op& add(std::string_view schema, Kernel kernel, OpTraits traits = {});
  // "aten::add.Tensor"; a name without overload finds the only or the first one.
  [[nodiscard]] const Op* find(std::string_view full_name) const noexcept;
  [[nodiscard]] std::span<const Op* const> overloads(std::string_view name) const noexcept;
  [[nodiscard]] std::vector<const Op*> all() const;

  // Chooses the overload that the values fit and writes its complete argument list to `bound`.
  [[nodiscard]] const Op& resolve(std::string_view name, std::span<const Value> args,
                                  std::span<const Keyword> keywords, Boundary boundary,
                                  std::vector<Value>* bound) const;
  // The same with overloads() looked up before: what a binding keeps for each of its functions.
  [[nodiscard]] static const Op& resolve(std::span<const Op* const> overloads, std::span<const Value> args,
                                         std::span<const Keyword> keywords, Boundary boundary,
                                         std::vector<Value>* bound);

 private:
  struct Rows;
  std::unique_ptr<Rows> rows_;
};

// Fills `bound` for this one schema: positions, keywords, defaults, implicit conversions. False with
// the reason in `why` when it does not fit.
[[nodiscard]] TINE_API bool bind(const Schema& schema, std::span<const Value> args,
                                 std::span<const Keyword> keywords, Boundary boundary,
                                 std::vector<Value>* bound, std::string* why);

// How long call() takes at most.
[[nodiscard]] inline int64_t nanoseconds(const Op& op, const Value* args) noexcept {
  return nanoseconds(op.traits.cost, args, op.schema.args.size());
}

// Calls the row and tells the recorder, if the context has one.
[[nodiscard]] inline Value call(const Op& op, OpContext& context, const Value* args) {
  Value result = op.kernel(context, args);
  if (context.recorder) [[unlikely]]
    context.recorder->record(op, args, result);
  return result;
}

}  // namespace tine
