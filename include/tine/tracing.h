// Tracing: a script function made from one run of a C++ function, which calls its operators through a Tracer.
//
//   namespace script = tine::script;
//
//   const script::Function f = script::trace(
//       "scaled",
//       [](script::Tracer& t, const tine::Value& x) {
//         const tine::Value n = t.call("aten::size", x, 0);  // of later inputs, too: a value of the graph
//         const auto halves = t.fork([&] { return t.call("aten::mul", x, 0.5); });
//         return t.call("aten::div", t.wait(halves), n);
//       },
//       example);
//   f(other);  // runs the graph that was written
//
// A trace sees the calls that are made through the Tracer: operators, script functions, forks and waits. It does not see the
// control flow of C++: the graph does what this run did. Tensors from elsewhere, and numbers that do not come out of the
// inputs by such calls, are constants in the graph. Sizes, and what operators compute from them, are values of the graph;
// call() gives them as 0-d tensors that stand for numbers. plain() gives the number itself, which is a constant from there on.
//
// A Tracer belongs to one thread. It keeps every value that it has seen alive until it goes. Its functions throw what the
// called operators and functions throw, ValueError for a value that cannot be in a graph and for forks that do not pair up,
// and Error when the result does not come out of the traced calls, or a value left a fork otherwise than as its result.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "tine/script.h"

namespace tine::script {

class TINE_API Tracer final {
 public:
  // `name` is the qualified name of the function to be made. Null: the operators and scripts of Runtime::instance().
  explicit Tracer(std::string name, Runtime* runtime = nullptr);
  ~Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  // The next parameter: a tensor, a future, or a tuple, list or dict of these. Anything else becomes a parameter, too, but
  // what is computed from it cannot be seen.
  void add_input(const Value& value, std::string_view name);

  // Calls the overload that fits, as OpTable::call() does, and writes the call down. Costs some microseconds beside it.
  template <class... Args>
  Value call(std::string_view op, Args&&... args) {
    const tine::detail::GivenArguments<Args...> given(std::forward<Args>(args)...);
    return call_named(op, given.values, given.keywords);
  }
  // Calls a script function, which nobody records inside: one node, which calls it by its name.
  template <class... Args>
  Value call(const Function& f, Args&&... args) {
    const tine::detail::GivenArguments<Args...> given(std::forward<Args>(args)...);
    return call_function(f, given.values, given.keywords);
  }
  // Runs `f` at once, on this thread, and writes its calls down as a fork. The Future is done.
  template <class F>
  Future<Value> fork(F&& f) {
    begin_fork();
    try {
      const Value result = to_value(std::forward<F>(f)());
      const Future<Value> done = make_ready(result);
      end_fork(result, Value(done));
      return done;
    } catch (...) {
      abort_fork();
      throw;
    }
  }
  Value wait(const Future<Value>& done);

  // The value with its numbers themselves.
  [[nodiscard]] Value plain(const Value& value) const;
  // Defines the function, which returns `result`. A name that is taken gets a number. Afterwards each call throws
  // ValueError.
  [[nodiscard]] Function finish(const Value& result);

  // What the trace may have got wrong: values that came out of tensors and are constants now.
  struct Warning {
    SourceSpan place;
    std::string text;  // one line
  };
  [[nodiscard]] std::vector<Warning> warnings() const;

  // For bindings, which run a program in another language and see its values themselves.

  // Asked for the place of each node. By default nodes have none.
  void set_where(std::function<SourceSpan()> where);
  // The object whose method is traced: the first parameter. Tensors in its slots, and in those of objects in its slots,
  // become attributes that the graph reads.
  void add_self(const Value& object);
  // The same as call() for rows that were looked up before. `chosen` is told the overload.
  Value call_rows(std::span<const Op* const> overloads, std::span<const Value> args,
                  std::span<const Keyword> keywords, const Op** chosen = nullptr);
  // Calls that were made. `given` are the arguments, `written` the same with the stand-ins of numbers. Returns the result
  // with the stand-ins of its numbers.
  Value record(const Op& op, std::span<const Value> given, std::span<const Value> written,
               const Value& result);
  Value record_call(const Function& f, std::span<const Value> written, const Value& result);
  // `other` is a handle of its own on all that `of` shows.
  void same(const Value& other, const Value& of);
  // Whether the tensor stands for a number, and which one.
  [[nodiscard]] bool is_number(const Tensor& tensor) const noexcept;
  [[nodiscard]] static Value number_in(const Tensor& stand_in);
  // The program was given the value, or what is in it, as plain data: from here on it is a constant.
  void warn_fixed(const Value& value, std::string text);
  // Around a forked function, which runs in place: its calls make the subgraph. abort_fork() after an error in it.
  void begin_fork();
  void end_fork(const Value& result, const Value& future);
  void abort_fork() noexcept;

 private:
  struct TINE_LOCAL Parts;
  [[nodiscard]] Parts& open() const;
  Value call_named(std::string_view op, std::span<const Value> args, std::span<const Keyword> keywords);
  Value call_function(const Function& f, std::span<const Value> args, std::span<const Keyword> keywords);

  const std::unique_ptr<Parts> parts_;
};

// Runs f(tracer, example...) once; its parameters are called "input0", "input1", ... Returns the function of that name.
template <class F, class... Examples>
[[nodiscard]] Function trace(std::string name, F&& f, const Examples&... examples) {
  Tracer tracer(std::move(name));
  [[maybe_unused]] auto input = [&, i = 0](const auto& example) mutable {
    Value value = to_value(example);
    tracer.add_input(value, "input" + std::to_string(i++));
    return value;
  };
  // Braces: from left to right.
  const std::array<Value, sizeof...(Examples)> inputs{input(examples)...};
  return tracer.finish(to_value(
      std::apply([&](const auto&... values) { return std::forward<F>(f)(tracer, values...); }, inputs)));
}

}  // namespace tine::script
