// Operators: the table of everything that can be called by name, in eager programs, in scripts and on other workers.
//
//   const tine::OpTable& ops = tine::Runtime::instance().ops();
//   const auto x = ops.call<tine::Tensor>("aten::ones", std::vector{2, 3});
//   const auto y = ops.call<tine::Tensor>("aten::add", x, 1.5, tine::Keyword("alpha", 2));  // 4 everywhere
//   const tine::Value both = ops.call("aten::max", y, 0, tine::Keyword("keepdim", true));   // a tuple: values, indices
//   const int64_t index = ops.call<int64_t>("aten::numel", both.to_tuple().items[0]);       // 3
//
//   for (const tine::Op* op : ops.overloads("aten::add")) std::puts(op->schema.str().c_str());
//
// The operators and their names are PyTorch's. tine/functions.h has one C++ function for each that works on tensors
// (`tine::add(x, y)`), which the compiler checks and which costs 5 ns beside the operator.
//
// Rows are added while a Runtime is built. From then on the table never changes: pointers to rows stay valid for as long as
// the Runtime lives, and every const function may be called from any thread. An operator runs on the thread that calls it;
// large tensors are split over the pool of the Runtime. Nothing locks the elements of a tensor: a program that writes into
// one (`aten::add_`) lets no other thread use it meanwhile.
//
// Operators compute values only. There are no gradients, so there is no mode that turns their recording off, and calls from
// C++ are not seen by a trace of torch.jit.trace.
//
// What operators throw: TypeError for arguments that fit no overload, ShapeError and IndexError for sizes and indices,
// ValueError for a bad number or text, std::bad_alloc. A failed call has no effect, unless it writes into an argument.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tine/convert.h"
#include "tine/detail/cost.h"
#include "tine/detail/given_arguments.h"
#include "tine/schema.h"

namespace tine {

struct OpContext;

// How an operator is run: `args` holds exactly one Value for each argument of the schema, defaults included, and stays the
// caller's. It is called on any thread.
using Kernel = Value (*)(OpContext& context, const Value* args);

struct OpTraits {
  bool pure = true;            // no side effect, same inputs same result: may be folded, merged, dropped
  bool suspends = false;       // in a script an instruction that may suspend (aten::wait)
  bool aliases_input = false;  // the result may share storage with an input (views)
  Cost cost = {};              // what nanoseconds() tells from; undeclared: no bound
};

// One row: an operator, or one overload of it.
struct Op {
  Schema schema;
  Kernel kernel = nullptr;
  OpTraits traits;
};

// What is converted where an argument does not fit as it is.
enum class Boundary : uint8_t {
  kScript,  // an int to a float, nothing else
  // For callers in Python, in C++ and on other workers also: a number to a 0-d Tensor and back, a bool to an int, a tuple to
  // a list, an int to an int[], trailing ints to an int[] (`x.view(2, 3)`), `input` for `self`, `axis` for `dim`.
  kPython,
  // The same, but a 0-d Tensor stays what it is where a number is asked for: what a trace writes down.
  kRecorded,
};

class TINE_API OpTable {
 public:
  // Operators are run in this context: what a Runtime provides (its pool, its generator, its RPC). Without one they run on
  // one core, and those that draw numbers or call other workers fail.
  explicit OpTable(OpContext* context = nullptr);
  ~OpTable();
  OpTable(const OpTable&) = delete;
  OpTable& operator=(const OpTable&) = delete;

  // Calls the overload of `name` ("aten::add"), or the one overload ("aten::add.Tensor"), that takes these arguments, and
  // returns its result as an R: whatever to_value() and from_value() of tine/convert.h convert. A Keyword may stand anywhere
  // among the arguments. Throws NameError for an unknown name, with the nearest one, TypeError where nothing fits, with every
  // overload and why it does not, and what the operator throws. Costs about 60 ns beside the operator itself, 25 more with a
  // Keyword.
  template <class R = Value, class... Args>
  R call(std::string_view name, Args&&... args) const;
  // The same with the arguments in arrays.
  Value apply(std::string_view name, std::span<const Value> args,
              std::span<const Keyword> keywords = {}) const;

  // The row of a full name ("aten::add.Tensor"); for a name alone the only or the first of its rows. Null when there is none.
  // One hash.
  [[nodiscard]] const Op* find(std::string_view full_name) const noexcept;
  // All rows of that name, in the order of choice; none for an unknown name. One hash.
  [[nodiscard]] std::span<const Op* const> overloads(std::string_view name) const noexcept;
  // Every row, in the order in which they were added.
  [[nodiscard]] std::vector<const Op*> all() const;

  // For bindings, which keep rows and run them by themselves.
  //
  // Chooses the overload as call() does, the first that the values fit as they are or else the first that they fit with the
  // conversions of `boundary`, and writes its complete list of arguments to `bound`. Throws as call() does.
  [[nodiscard]] const Op& resolve(std::string_view name, std::span<const Value> args,
                                  std::span<const Keyword> keywords, Boundary boundary,
                                  std::vector<Value>* bound) const;
  // The same among rows that overloads() has found before.
  [[nodiscard]] static const Op& resolve(std::span<const Op* const> overloads, std::span<const Value> args,
                                         std::span<const Keyword> keywords, Boundary boundary,
                                         std::vector<Value>* bound);
  // What to pass to a kernel.
  [[nodiscard]] OpContext& context() const noexcept;

  // Adds a row. By the one thread that builds the Runtime, before anything is called. Throws SyntaxError for the schema, and
  // ValueError when the name and overload are there already.
  const Op& add(std::string_view schema, Kernel kernel, OpTraits traits = {});

 private:
  struct TINE_LOCAL Rows;
  std::unique_ptr<Rows> rows_;
};

// Runs a row with its complete list of arguments.
[[nodiscard]] inline Value call(const Op& op, OpContext& context, const Value* args) {
  return op.kernel(context, args);
}

// How many nanoseconds a call with these arguments takes at most; kUnbounded when nobody can tell. Takes 2 to 10 ns.
[[nodiscard]] inline int64_t nanoseconds(const Op& op, const Value* args) noexcept {
  return nanoseconds(op.traits.cost, args, op.schema.args.size());
}

template <class R, class... Args>
R OpTable::call(std::string_view name, Args&&... args) const {
  const detail::GivenArguments<Args...> given(std::forward<Args>(args)...);
  return from_value<R>(apply(name, given.values, given.keywords));
}

}  // namespace tine
