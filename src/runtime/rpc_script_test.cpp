// Calls that scripts make between workers of C++ programs, and what code of another worker may not make of their rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "src/runtime/script.h"
#include "src/runtime/script_shelf.h"
#include "src/runtime/workers_for_tests.h"
#include "tine/fork.h"
#include "tine/operators.h"
#include "tine/script.h"

namespace tine::rpc {
namespace {

using ::testing::ElementsAre;
using testing::floats;
using ::testing::HasSubstr;
using testing::numbers;

constexpr const char* kText = R"(
import torch.distributed.rpc as rpc

def scaled(to: str, x: Tensor) -> Tensor:
    y: Tensor = rpc.rpc_sync(to, "scale", (x, 2.0))
    f: Future[Tensor] = rpc.rpc_async(to, "scale", (y, 2.0))
    r: RRef[Tensor] = rpc.remote(to, "scale", (f.wait(), 0.5))
    return r.to_here()

def told(to: str, kwargs: Dict[str, int]) -> str:
    text: str = rpc.rpc_sync(to, "describe", ("a",), kwargs)
    return text

def plus(x: int, y: int = 10, z: int = 100) -> int:
    return x + y + z

def later(x: int) -> Future[int]:
    return torch.jit.fork(plus, x)

def with_dict(to: str, kwargs: Dict[str, int]) -> int:
    return rpc.rpc_sync(to, plus, (1,), kwargs)

def starred(to: str) -> Tuple[int, int, int]:
    t = (2, 30)
    whole = ((4, 50, 600),)
    f: Future[int] = rpc.rpc_async(to, plus, args=(*t, 1))
    return f.wait(), rpc.rpc_sync(to, plus, [1, *t]), rpc.rpc_sync(to, plus, *whole)

def many(to: str, kwargs: Dict[str, int], n: int) -> int:
    for i in range(n):
        assert rpc.rpc_sync(to, plus, (1,), kwargs) == 11
    left: int = rpc.rpc_sync(to, "unused")
    return left

def of_futures(to: str) -> int:
    return rpc.rpc_sync(to, delayed, (1,)) + rpc.remote(to, delayed, (2,)).to_here()
)";

class ScriptCalls : public testing::Workers {
 protected:
  ScriptCalls() {
    callee().serve(
        "scale", [](Tensor x, double by) { return default_operators().call("aten::mul", std::move(x), by); });
    callee().serve("describe", [](const Invocation& call) {
      std::string text = call.caller.name;
      for (const Value& v : call.args) text += " " + v.repr();
      for (const auto& [name, v] : call.kwargs) text += " " + name + "=" + v.repr();
      return text;
    });
    auto names = std::make_shared<script::Globals>();
    names->set("delayed", script::FunctionRef{"m.later", nullptr, true});
    kept_ = store().compile_text(std::make_shared<const Source>("calls.py", kText), "m", names);
  }
  ScriptStore& store() { return runtimes_[0].scripts(); }
  static const OpTable& default_operators() { return Runtime::instance().ops(); }
  Value run(const std::string& name, std::vector<Value> args) {
    const script::Function f = store().function("m." + name);
    return store().start(f, ScriptStore::bind(f, args, {})).get();
  }
  static Value dict(const std::string& key, Value value) {
    auto made = tine::detail::make_ref<Dict>();
    made->set(Value(key), std::move(value));
    return Value(std::move(made));
  }

  std::vector<script::Function> kept_;
};

TEST_F(ScriptCalls, ReachWhatAWorkerServesByItsName) {
  join();
  EXPECT_THAT(numbers(run("scaled", {"w1", floats({1, 3})})), ElementsAre(2, 6));
  EXPECT_EQ(run("told", {"w1", dict("b", 3)}).to_string(), "w0 'a' b=3");
}

TEST_F(ScriptCalls, BindTheKeywordsOfADictWhenTheyAreMade) {
  join();
  for (const char* to : {"w0", "w1"}) {
    EXPECT_EQ(run("with_dict", {to, dict("z", 0)}).to_int(), 11);
    EXPECT_THAT(refusal([&] {
                  run("with_dict", {to, dict("w", 0)});
                }),
                HasSubstr("plus() got an unexpected keyword argument 'w'"));
    EXPECT_THAT(refusal([&] {
                  run("with_dict", {to, dict("x", 0)});
                }),
                HasSubstr("plus() got multiple values for argument 'x'"));
  }
}

TEST_F(ScriptCalls, TakeWhatStarsSpreadAmongTheirArguments) {
  join();
  for (const char* to : {"w0", "w1"}) EXPECT_EQ(run("starred", {to}).repr(), "(33, 33, 654)");
}

TEST_F(ScriptCalls, LeaveNothingBehindWhileTheirScriptRuns) {
  join();
  ScriptShelf& shelf = kept_.at(0).data()->shelf;
  callee().serve("unused", [&shelf] {
    const MutexLock lock(shelf.mutex);
    return static_cast<int64_t>(shelf.unused.size());
  });
  EXPECT_LT(run("many", {"w1", dict("z", 0), Value(1000)}).to_int(), 10);
}

TEST_F(ScriptCalls, OfAnAsyncExecutionFunctionAreAnsweredByTheValueOfItsFuture) {
  join();
  for (const char* to : {"w0", "w1"}) EXPECT_EQ(run("of_futures", {to}).to_int(), 223);
}

TEST_F(ScriptCalls, OfCodeFromElsewhereAreCheckedByTheirRows) {
  join();
  const auto call = [&](const char* row, Value to, Value callee, Value args, Value kwargs, double timeout) {
    return refusal([&] {
      (void)runtimes_[0].ops().call(row, std::move(to), std::move(callee), std::move(args), std::move(kwargs),
                                    timeout);
    });
  };
  auto numbered = tine::detail::make_ref<Dict>();
  numbered->set(Value(1), Value(2));
  const Value none, args(tine::detail::make_ref<Tuple>(std::vector<Value>{Value(1)}));
  for (const char* row : {"rpc::rpc_async", "rpc::remote"}) {
    EXPECT_THAT(call(row, "w1", "m.plus", args, args, -1), HasSubstr("kwargs: expected a dict"));
    EXPECT_THAT(call(row, "w1", "m.plus", args, Value(numbered), -1), HasSubstr("as str, got 1"));
    EXPECT_THAT(call(row, "w1", "m.plus", Value(3), none, -1), HasSubstr("args: expected a tuple"));
    EXPECT_THAT(call(row, Value(2.5), "m.plus", args, none, -1), HasSubstr("to: expected a worker's name"));
    EXPECT_THAT(call(row, "w9", "m.plus", args, none, -1), HasSubstr("could not find destination"));
    EXPECT_THAT(call(row, "w1", "m.plus", args, dict("w", 1), -1),
                HasSubstr("unexpected keyword argument 'w'"));
    EXPECT_THAT(call(row, "w1", "aten::relu", args, dict("w", 1), -1),
                HasSubstr("failed to match any schema"));
    for (const double wrong : {-2.0, -0.5, std::nan(""), -HUGE_VAL})
      EXPECT_THAT(call(row, "w1", "m.plus", args, none, wrong), HasSubstr("timeout: expected seconds"))
          << wrong;
  }
}

}  // namespace
}  // namespace tine::rpc
