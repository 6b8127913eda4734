// What the tests of the script pipeline's back end share: functions written as IR text, run by a machine.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/code/function.h"
#include "src/compile/emit.h"
#include "src/ir/parse.h"
#include "src/ir/print.h"
#include "src/ir/verify.h"
#include "src/value/op_context.h"
#include "src/value/ops/ops.h"
#include "src/vm/machine.h"
#include "tine/scheduler.h"

namespace tine::test {

// The error of `f`, which must throw one of ours.
template <class F>
Error error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "expected an error";
  return Error("none");
}

class Script : public ::testing::Test {
 protected:
  Script() { add_builtin_operators(ops); }

  const code::Function& define(const std::string& name, std::string_view text) {
    const std::unique_ptr<ir::Graph> graph = ir::parse(text, ops, name, options);
    return library.define(compile::emit(*graph));
  }
  template <class... Args>
  Value run(const std::string& name, Args&&... args) {
    const std::vector<Value> values{Value(std::forward<Args>(args))...};
    return machine.call(*library.find(name), values);
  }
  template <class... Args>
  Future<Value> start(const std::string& name, Args&&... args) {
    const std::vector<Value> values{Value(std::forward<Args>(args))...};
    return machine.start(*library.find(name), values);
  }

  OpTable ops;
  ir::ParseOptions options;
  code::Library library;
  Scheduler scheduler{2};
  vm::Machine machine{scheduler, OpContext{}};
};

inline constexpr std::string_view kFib = R"(
graph(%n : int):
  %2 : int = prim::Constant[value=2]()
  %1 : int = prim::Constant[value=1]()
  %c : bool = aten::lt(%n, %2) # fib.py:2:4
  %r : int = prim::If(%c) # fib.py:2:1
    block0():
      -> (%n)
    block1():
      %m : int = aten::sub(%n, %1) # fib.py:4:9
      %a : int = prim::CallFunction[name="fib"](%m) # fib.py:4:9
      %k : int = aten::sub(%n, %2) # fib.py:4:20
      %b : int = prim::CallFunction[name="fib"](%k) # fib.py:4:20
      %s : int = aten::add(%a, %b) # fib.py:4:15
      -> (%s)
  return (%r)
)";

}  // namespace tine::test
