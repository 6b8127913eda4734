// Scripts: functions in the script language (a typed part of Python, docs/spec/language.md), compiled and run without Python.
//
//   #include "tine/script.h"
//   namespace script = tine::script;
//
//   double losses() {
//     const auto names = std::make_shared<script::Globals>();
//     names->set("rate", script::Constant{0.5});
//     const script::CompilationUnit unit = script::compile(R"(
//   def part(x: Tensor) -> Tensor:
//       return torch.tanh(x * rate).sum()
//
//   def loss(x: Tensor, y: Tensor, n: int = 2) -> Tensor:
//       first = torch.jit.fork(part, x)
//       return part(y) * n + torch.jit.wait(first)
//   )", {.names = names});
//
//     const script::Function loss = unit.function("loss");
//     const auto zeros = tine::Tensor::scalar(0.0, tine::DType::kFloat32);
//     const tine::Value now = loss(zeros, zeros);                    // on this thread, until it waits
//     const tine::Future<tine::Value> later = loss.fork(zeros, 0.0, tine::Keyword("n", 3));  // on the pool
//     return now.to_tensor().item_as_double() + later.get().to_tensor().item_as_double();
//   }
//
// A script that waits holds no thread: it is suspended, and goes on in the pool when what it waits for is there. So scripts
// may fork and wait a hundred thousand levels deep. Neither Python nor a lock is involved in a call.
//
// A script, and all that it forks, belong to the Context (tine/context.h) in which it was started. When that is cancelled or
// its deadline passes, scripts that wait end at once and scripts that run end within 50 ms, with Cancelled or
// DeadlineExceeded. That also bounds a script that never ends by itself. with_limits() bounds steps and depth.
//
// Arguments and results are Values. What is passed is converted as to_value() of tine/convert.h does, and then bound as
// Python binds arguments: positions, keywords, defaults, and the conversions of Boundary::kPython.
//
// A CompilationUnit and a Function are handles, cheap to copy; any number of threads may use one Function at once. The code
// of a function stays as long as a handle shows it, a function calls it, or a run is in it.
//
// What the functions of this header throw: SyntaxError for text that is not a script, with file, line, marker, and what was
// expected; TypeError for arguments that do not fit, in PyTorch's words; NameError for a function that is not there; and
// Error for an empty Function, and for one whose Runtime is gone. What a script raises is thrown as the error class of that
// name, with the lines of the script in its trail().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tine/context.h"
#include "tine/convert.h"
#include "tine/detail/given_arguments.h"
#include "tine/future.h"
#include "tine/graph.h"
#include "tine/operators.h"
#include "tine/resolver.h"
#include "tine/schema.h"
#include "tine/source.h"

namespace tine {
class Runtime;
}  // namespace tine

namespace tine::script {

// A function and all that it calls, as text that load() takes in another process.
struct Exported {
  std::string hash;  // of the content: two functions of one hash do the same
  std::string text;
};

// A task that was forked and not waited for yet writes what its forker or another task reads or writes meanwhile, or reads what
// one of these writes (docs/spec/language.md).
struct Race {
  SourceSpan fork, write,
      other;            // where the task is forked, where it or the other writes, and the other access
  std::string message;  // in one sentence, with these places and what to do
};

// A compiled function.
class TINE_API Function {
 public:
  struct TINE_LOCAL Data;

  // Empty: the members below throw Error.
  Function() noexcept = default;
  explicit Function(std::shared_ptr<const Data> data) noexcept : data_(std::move(data)) {}
  [[nodiscard]] explicit operator bool() const noexcept { return data_ != nullptr; }
  // Whether both are the very same function.
  friend bool operator==(const Function&, const Function&) = default;

  // "unit.loss": the name by which the Runtime, and scripts that call it, know the function.
  [[nodiscard]] const std::string& qualified_name() const;
  // The last part of it.
  [[nodiscard]] std::string_view name() const;
  // Its parameters, with defaults, and its result. The schema's name is the qualified one.
  [[nodiscard]] const Schema& schema() const;
  // "loss(Tensor x, Tensor y, int n=2) -> Tensor"
  [[nodiscard]] std::string signature() const;
  [[nodiscard]] const std::string& docstring() const;
  // Where its `def` is. No place for a function that was traced or loaded.
  [[nodiscard]] const SourceSpan& place() const;
  // The text that it was compiled from; null for a function that was traced or loaded.
  [[nodiscard]] const std::shared_ptr<const Source>& source() const;
  // A copy, which may be changed.
  [[nodiscard]] Graph graph() const;
  // The same with each call of a script function replaced by what that one does, as far as it can be.
  [[nodiscard]] Graph inlined_graph() const;
  // The races in it and in what it calls, as far as they can be seen. Nearly every report is a race, but not every race is
  // reported. Looked for anew in each call.
  [[nodiscard]] std::vector<Race> races() const;
  // The code that runs: one instruction a line.
  [[nodiscard]] std::string instructions() const;

  // Runs the function and returns its result. It begins on this thread. When it waits, the rest runs in the pool and this
  // thread waits as Future::get() does: it runs forked work meanwhile. A Keyword may stand anywhere among the arguments.
  // An empty call costs about 45 ns.
  template <class... Args>
  Value operator()(Args&&... args) const {
    return call<Value>(std::forward<Args>(args)...);
  }
  // The same with the result as an R, by from_value(): call<Tensor>(x).
  template <class R = Value, class... Args>
  R call(Args&&... args) const;
  // The same with the arguments in arrays.
  Value apply(std::span<const Value> args, std::span<const Keyword> keywords = {}) const;

  // Starts the function on the pool of its Runtime and returns at once. Arguments that do not fit are thrown here; what
  // the script raises is the error of the Future. Cancelling the Future ends the run as its context would.
  template <class... Args>
  [[nodiscard]] Future<Value> fork(Args&&... args) const;
  [[nodiscard]] Future<Value> fork_apply(std::span<const Value> args,
                                         std::span<const Keyword> keywords = {}) const;

  // The function and all that it calls. Throws ValueError for one that takes a module or calls its methods. The text is
  // made once, by the first call.
  [[nodiscard]] Exported exported() const;

  // For the Runtime: what the handle shows. Null when it is empty.
  [[nodiscard]] const Data* data() const noexcept { return data_.get(); }

 private:
  [[nodiscard]] const Data& get() const;

  std::shared_ptr<const Data> data_;
};

// A Resolver for names that are known beforehand.
class TINE_API Globals final : public Resolver {
 public:
  // Says what a name means from now on: set("math2.half", f) makes `math2` a namespace. A meaning that was there is replaced.
  // Not while somebody compiles with it.
  Globals& set(std::string dotted, Resolved meaning);
  // A function, which stays as long as the Globals do. It must be of the Runtime that compiles with them.
  Globals& set(std::string dotted, Function function);

  [[nodiscard]] Resolved resolve(std::string_view dotted) override;
  [[nodiscard]] std::vector<std::string> candidates(std::string_view dotted) override;

 private:
  std::map<std::string, Resolved, std::less<>> meanings_;
  std::vector<Function> functions_;
};

struct Options {
  std::string file = "<script>";  // what errors call the text
  int first_line = 1;             // its number in that file
  // Before the dot in the functions' qualified names; empty: one of the unit's own. A chosen one lets other workers of the
  // same program find the function by its name, without its code.
  std::string prefix{};
  // What the names mean that the text does not define; asked after the text's own and `torch`, `tine`, `math` and `typing`.
  std::shared_ptr<Resolver> names{};
  bool strict = false;         // a race (Function::races) is a SyntaxError
  Runtime* runtime = nullptr;  // null: Runtime::instance(). It must outlive the runs.
};

// The functions of one or more texts, as torch::jit::CompilationUnit.
class TINE_API CompilationUnit {
 public:
  explicit CompilationUnit(Options options = {});

  // Compiles every `def` and `class` of the text, and returns the functions in their order. They see each other, those of
  // earlier texts of the unit, and what the options' resolver has. Throws SyntaxError, and ValueError for a name that the unit, or another unit
  // of the same prefix, has already; then nothing is kept. Takes less than a millisecond for a typical function.
  std::vector<Function> define(std::string_view text);

  // The function of that name in the unit. function() throws NameError, with the names that are there; find_function()
  // returns an empty one.
  [[nodiscard]] Function function(std::string_view name) const;
  [[nodiscard]] Function find_function(std::string_view name) const noexcept;
  [[nodiscard]] const std::vector<Function>& functions() const noexcept { return functions_; }

  // function(name)(args...)
  template <class... Args>
  Value run_method(std::string_view name, Args&&... args) const {
    return function(name)(std::forward<Args>(args)...);
  }

 private:
  Options options_;
  std::vector<Function> functions_;
  std::shared_ptr<Resolver> names_;  // what knows the classes of its texts, and then what the options have
};

// A unit of one text; throws what define() throws.
[[nodiscard]] TINE_API CompilationUnit compile(std::string_view text, Options options = {});

// What all scripts that run in a Context may use together, in whatever thread.
struct Limits {
  // Turns of loops, calls and forks count 1, operators 8. A script that begins one more fails with Error. The count is exact
  // for a run on one thread; each further thread may do 1,024 more.
  int64_t steps = std::numeric_limits<int64_t>::max();
  // Calls and forks within each other. A script that nests deeper fails with Error.
  uint32_t depth = 1'000'000;
};

// A Context for a ContextScope: what is started in it, and what that starts, keeps to the limits, and to those of `context`.
// They do not travel to other workers. Throws ValueError for a limit below 1. A limited script takes about 2 % longer.
[[nodiscard]] TINE_API Context with_limits(const Context& context, const Limits& limits);

// The function that exported() gave, here or in another process. It is checked as text from a stranger is: SyntaxError for
// what is not such a text, ValueError when it is not what the hash says or is beyond the bounds (16 MiB, 400,000 nodes).
// A function that is loaded already is not loaded again.
[[nodiscard]] TINE_API Function load(const Exported& exported, Runtime* runtime = nullptr);

template <class R, class... Args>
R Function::call(Args&&... args) const {
  const tine::detail::GivenArguments<Args...> given(std::forward<Args>(args)...);
  return from_value<R>(apply(given.values, given.keywords));
}

template <class... Args>
Future<Value> Function::fork(Args&&... args) const {
  const tine::detail::GivenArguments<Args...> given(std::forward<Args>(args)...);
  return fork_apply(given.values, given.keywords);
}

}  // namespace tine::script
