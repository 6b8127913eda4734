// tine/script.h: what a C++ program sees of scripts, each error with them.
#include "tine/script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "src/base/sanitized.h"
#include "tine/context.h"
#include "tine/runtime.h"

namespace tine::script {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kText = R"(
def half(x: int) -> int:
    """Half of it."""
    return x // 2

def forks(n: int, by: int = 10) -> int:
    futures = [torch.jit.fork(half, i * by) for i in range(n)]
    total = 0
    for f in futures:
        total += torch.jit.wait(f)
    return total

def waits(f: Future[int]) -> int:
    return f.wait() + 1

def endless(n: int) -> int:
    while n > 0:
        n += 1
    return n

def fails(x: int) -> int:
    if x > 0:
        raise ValueError("no " + str(x))
    return x
)";

class ScriptApi : public testing::Test {
 protected:
  Options options(std::shared_ptr<Resolver> names = nullptr) {
    return {.file = "api.py", .names = std::move(names), .runtime = &runtime};
  }
  // The message of the error that `f` throws, which is an E.
  template <class E = Error, class F>
  static std::string message_of(F&& f) {
    try {
      std::forward<F>(f)();
    } catch (const E& error) {
      return error.message();
    }
    return "nothing was thrown";
  }
  std::string refusal(std::string_view text, std::shared_ptr<Resolver> names = nullptr) {
    return message_of<SyntaxError>([&] { (void)compile(text, options(std::move(names))); });
  }

  Runtime runtime{{.num_threads = 2}};
  CompilationUnit unit = compile(kText, options());
};

TEST_F(ScriptApi, FunctionsAreFoundByTheNamesOfTheText) {
  const Function half = unit.function("half");
  EXPECT_EQ(half.name(), "half");
  EXPECT_EQ(half.signature(), "half(int x) -> int");
  EXPECT_EQ(half.docstring(), "Half of it.");
  EXPECT_EQ(half.place().str(), "api.py:2:1");
  EXPECT_EQ(half.source()->text, kText);
  EXPECT_EQ(unit.functions().size(), 5u);
  EXPECT_EQ(unit.find_function("half"), half);
  EXPECT_FALSE(unit.find_function("whole"));
  EXPECT_EQ(message_of<NameError>([&] { (void)unit.function("whole"); }),
            "this unit has no function `whole`; it has half, forks, waits, endless, fails");
  EXPECT_EQ(message_of<NameError>([&] { (void)CompilationUnit(options()).function("f"); }),
            "this unit has no function `f`; it has none");
}

TEST_F(ScriptApi, TheSchemaSaysWhatAFunctionTakesAndGives) {
  const Schema& schema = unit.function("forks").schema();
  ASSERT_EQ(schema.args.size(), 2u);
  EXPECT_EQ(schema.args[1].name, "by");
  EXPECT_EQ(schema.args[1].default_value->to_int(), 10);
  EXPECT_EQ(schema.result_type()->str(), "int");
}

TEST_F(ScriptApi, ACallTakesPositionsKeywordsAndDefaults) {
  const Function forks = unit.function("forks");
  EXPECT_EQ(forks(4).to_int(), 30);
  EXPECT_EQ(forks(4, 2).to_int(), 6);
  EXPECT_EQ(forks.call<int64_t>(Keyword("by", 2), 4), 6);
  EXPECT_EQ(unit.run_method("forks", 4).to_int(), 30);
  const std::array<Value, 1> args{Value(4)};
  const std::array<Keyword, 1> keywords{Keyword("by", Value(2))};
  EXPECT_EQ(forks.apply(args, keywords).to_int(), 6);
}

TEST_F(ScriptApi, ArgumentsThatDoNotFitAreATypeErrorOfTheCall) {
  const Function forks = unit.function("forks");
  EXPECT_THAT(message_of<TypeError>([&] { (void)forks("four"); }),
              testing::AllOf(HasSubstr("forks()"), HasSubstr("'n'"), HasSubstr("int"), HasSubstr("str"),
                             HasSubstr("Declaration: forks(int n, int by=10) -> int")));
  EXPECT_THAT(message_of<TypeError>([&] { (void)forks(); }), HasSubstr("'n'"));
  EXPECT_THAT(message_of<TypeError>([&] { (void)forks(1, 2, 3); }), HasSubstr("at most 2 argument(s)"));
  EXPECT_THAT(message_of<TypeError>([&] { (void)forks(1, Keyword("to", 3)); }), HasSubstr("to"));
  EXPECT_THAT(message_of<TypeError>([&] { (void)forks.fork("four"); }), HasSubstr("'n'"));
}

TEST_F(ScriptApi, AForkRunsInThePoolAndWaitsWithoutAThread) {
  std::vector<Future<Value>> pending;
  std::vector<Promise<Value>> promises(100);
  for (const auto& promise : promises) pending.push_back(unit.function("waits").fork(promise.future()));
  // Both threads of the pool are free, though a hundred scripts wait.
  EXPECT_EQ(unit.function("forks").fork(4).get().to_int(), 30);
  for (auto& promise : promises) promise.set_value(Value(1));
  for (const auto& future : pending) EXPECT_EQ(future.get().to_int(), 2);
}

TEST_F(ScriptApi, WhatAScriptRaisesIsThrownWithItsLines) {
  const Function fails = unit.function("fails");
  for (const bool forked : {false, true}) {
    try {
      (void)(forked ? fails.fork(3).get() : fails(3));
      FAIL() << "expected a ValueError";
    } catch (const ValueError& error) {
      EXPECT_EQ(error.message(), "no 3");
      EXPECT_THAT(describe(std::current_exception()), HasSubstr("api.py:23"));
    }
  }
}

TEST_F(ScriptApi, AForkBelongsToTheContextInWhichItWasMade) {
  const CancelSource source;
  Promise<Value> never;
  Future<Value> waiting, running;
  {
    const ContextScope scope(Context::current().with_token(source.token()));
    waiting = unit.function("waits").fork(never.future());
    running = unit.function("endless").fork(1);
  }
  EXPECT_FALSE(waiting.ready());
  source.cancel();
  EXPECT_THROW((void)waiting.get(), Cancelled);
  EXPECT_THROW((void)running.get(), Cancelled);
  const ContextScope scope(
      Context::current().with_timeout(runtime.scheduler().timer(), std::chrono::milliseconds(20)));
  EXPECT_THROW((void)unit.function("endless").fork(1).get(), DeadlineExceeded);
}

TEST_F(ScriptApi, AForkThatIsCancelledEnds) {
  Future<Value> running = unit.function("endless").fork(1);
  running.cancel();
  EXPECT_THROW((void)running.get(), Cancelled);
}

TEST_F(ScriptApi, ATreeOfForksIsStoppedByItsContext) {
  const Function tree = unit.define(
                                "def tree(n: int) -> int:\n    if n == 0:\n        return 1\n"
                                "    a = torch.jit.fork(tree, n - 1)\n    b = torch.jit.fork(tree, n - 1)\n"
                                "    return torch.jit.wait(a) + torch.jit.wait(b)\n")
                            .at(0);
  const ContextScope scope(
      Context::current().with_timeout(runtime.scheduler().timer(), std::chrono::milliseconds(20)));
  EXPECT_THROW((void)tree(60), DeadlineExceeded);
}

TEST_F(ScriptApi, LimitsEndAScriptThatGoesBeyondThem) {
  const Function count = unit.define(
                                 "def count(n: int) -> int:\n    total = 0\n    for i in range(n):\n"
                                 "        total += i\n    return total\n")
                             .at(0);
  const Function deep = unit.define(
                                "def deep(n: int) -> int:\n    if n == 0:\n        return 0\n"
                                "    return deep(n - 1) + 1\n")
                            .at(0);
  const auto limited = [](const Limits& limits) {
    return ContextScope(with_limits(Context::current(), limits));
  };
  // The same number of turns passes or fails by one step, whatever has run before.
  int64_t least = 1;
  for (int64_t most = 5000; least < most;) {
    const int64_t middle = (least + most) / 2;
    const auto scope = limited({.steps = middle});
    try {
      EXPECT_EQ(count(3000).to_int(), 4498500);
      most = middle;
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), HasSubstr("was ended after " + std::to_string(middle) + " steps"));
      least = middle + 1;
    }
  }
  EXPECT_NEAR(static_cast<double>(least), 3000, 8);
  {
    const auto scope = limited({.steps = least});
    EXPECT_NO_THROW((void)count(3000));
    EXPECT_THAT(message_of([&] { (void)count.fork(3000).get(); }), HasSubstr("steps"));  // one budget
    const auto inner = limited({.steps = 1'000'000});
    EXPECT_THAT(message_of([&] { (void)count(3000); }), HasSubstr("steps"));  // the outer one counts, too
  }
  EXPECT_NO_THROW((void)count(3000));
  const auto scope = limited({.depth = 100});
  EXPECT_EQ(deep(99).to_int(), 99);
  EXPECT_THAT(message_of([&] { (void)deep(100); }),
              HasSubstr("maximum recursion depth exceeded: 100 nested calls"));
}

TEST_F(ScriptApi, LimitsHoldForAllThatAScriptForks) {
  const auto scope = ContextScope(with_limits(Context::current(), {.steps = 10'000}));
  EXPECT_THAT(message_of([&] { (void)unit.function("forks").fork(1'000'000).get(); }), HasSubstr("steps"));
  EXPECT_THAT(message_of([&] { (void)unit.function("endless").fork(1).get(); }), HasSubstr("steps"));
}

TEST(ScriptLimits, BelowOneTheyAreRefused) {
  EXPECT_THROW((void)with_limits({}, {.steps = 0}), ValueError);
  EXPECT_THROW((void)with_limits({}, {.depth = 0}), ValueError);
}

TEST_F(ScriptApi, AnEmptyFunctionIsRefusedByEachMember) {
  const Function none;
  EXPECT_FALSE(none);
  const auto refused = [](auto&& f) {
    EXPECT_EQ(message_of(f), "this script::Function is empty: it shows no function");
  };
  refused([&] { (void)none(); });
  refused([&] { (void)none.fork(); });
  refused([&] { (void)none.schema(); });
  refused([&] { (void)none.name(); });
  refused([&] { (void)none.graph(); });
  refused([&] { (void)none.exported(); });
  refused([&] { Globals().set("f", none); });
}

TEST_F(ScriptApi, AFunctionWhoseRuntimeIsGoneIsRefused) {
  Function left;
  {
    Runtime other{{.num_threads = 1}};
    left =
        compile("def f(x: int) -> int:\n    return x\n", {.prefix = "left", .runtime = &other}).function("f");
  }
  EXPECT_EQ(left.signature(), "f(int x) -> int");
  EXPECT_EQ(message_of([&] { (void)left(1); }),
            "script function left.f cannot be called: its Runtime is gone");
  EXPECT_THAT(message_of([&] { (void)left.fork(1); }), HasSubstr("its Runtime is gone"));
  EXPECT_EQ(message_of([&] { (void)left.exported(); }),
            "script function left.f cannot be exported: its Runtime is gone");
}

TEST_F(ScriptApi, TextThatIsNotAScriptIsRefusedWithItsPlace) {
  EXPECT_THAT(refusal("def f(x: int) -> int:\n    return x +\n"), HasSubstr("api.py:2:"));
  EXPECT_THAT(refusal("def f(x: int) -> int:\n    return 'a'\n"), HasSubstr("api.py:2:"));
  EXPECT_THAT(refusal("x = 1\n"), HasSubstr("api.py:1:1"));
  EXPECT_THAT(refusal("class A(B):\n    def f(self):\n        return 1\n"),
              HasSubstr("classes of scripts have no base classes"));
  Options cut = options();
  cut.first_line = 100;
  EXPECT_THAT(message_of<SyntaxError>([&] { (void)compile("def f():\n    return y\n", cut); }),
              HasSubstr("api.py:101:12"));
}

TEST_F(ScriptApi, NothingIsKeptOfATextThatIsRefused) {
  EXPECT_THROW((void)unit.define("def fine() -> int:\n    return 1\ndef wrong() -> int:\n    return y\n"),
               SyntaxError);
  EXPECT_FALSE(unit.find_function("fine"));
  EXPECT_EQ(unit.define("def fine() -> int:\n    return 2\n").at(0)().to_int(), 2);
}

TEST_F(ScriptApi, LaterTextsOfAUnitSeeTheEarlierOnes) {
  EXPECT_EQ(unit.define("def twice(x: int) -> int:\n    return half(x) + half(x)\n").at(0)(4).to_int(), 4);
  EXPECT_THAT(message_of<SyntaxError>([&] { (void)unit.define("def g():\n    return twise(1)\n"); }),
              HasSubstr("twice"));
}

TEST_F(ScriptApi, ANameThatIsTakenIsRefused) {
  EXPECT_THAT(message_of<ValueError>([&] { (void)unit.define("def half(x: int) -> int:\n    return x\n"); }),
              HasSubstr("half` already; choose another name"));
  const Options named{.prefix = "m", .runtime = &runtime};
  const CompilationUnit first = compile("def f() -> int:\n    return 1\n", named);
  EXPECT_THAT(message_of<ValueError>([&] { (void)compile("def f() -> int:\n    return 2\n", named); }),
              HasSubstr("there is a script function `m.f` already"));
  EXPECT_EQ(first.function("f").qualified_name(), "m.f");
  // Two units without a prefix never meet.
  EXPECT_EQ(compile("def f() -> int:\n    return 3\n", options()).function("f")().to_int(), 3);
  EXPECT_EQ(first.function("f")().to_int(), 1);
}

std::shared_ptr<Globals> globals() { return std::make_shared<Globals>(); }

TEST_F(ScriptApi, AResolverGivesConstantsOperatorsFunctionsAndTypes) {
  const auto names = globals();
  names->set("scale", Constant{3})
      .set("ops.absolute", Operator{"aten::abs"})
      .set("lib.inner.half", unit.function("half"))
      .set("Number", TypeName{Type::integer()})
      .set("Missed", ExceptionName{"IndexError"})
      .set("size", Builtin{Form::kLen});
  const CompilationUnit made = compile(R"(
def f(x: Number, t: Tensor, items: List[int]) -> Tensor:
    if size(items) == 0:
        raise Missed("none")
    return ops.absolute(t) * scale + lib.inner.half(x)
)",
                                       options(names));
  const auto list = to_value(std::vector<int64_t>{1});
  EXPECT_EQ(made.function("f")(4, Tensor::scalar(int64_t{-5}), list).to_tensor().item_as_int(), 17);
  EXPECT_THROW(
      (void)made.function("f")(4, Tensor::scalar(int64_t{-5}), Value(tine::detail::make_ref<List>())),
      IndexError);
}

TEST_F(ScriptApi, AFunctionOfAnotherRuntimeIsRefusedWithWhatToDo) {
  Runtime other{{.num_threads = 1}};
  const CompilationUnit theirs =
      compile("def half(x: int) -> int:\n    return x // 2\n", {.prefix = "theirs", .runtime = &other});
  const auto names = globals();
  names->set("half", theirs.function("half"));
  EXPECT_THAT(
      refusal("def f() -> int:\n    return half(4)\n", names),
      ::testing::AllOf(HasSubstr("api.py:2:12"), HasSubstr("the function `theirs.half` has no source here"),
                       HasSubstr("script::load()")));
  names->set("half", load(theirs.function("half").exported(), &runtime));
  EXPECT_EQ(compile("def f() -> int:\n    return half(4)\n", options(names)).function("f")().to_int(), 2);
}

TEST_F(ScriptApi, TheTextsOwnNamesComeBeforeTheResolver) {
  const auto names = globals();
  names->set("half", Constant{1}).set("math.pi", Constant{3}).set("numbers.two", Constant{2});
  const auto made = compile(
      "import numbers as n\ndef half() -> int:\n    return 7\n"
      "def f() -> float:\n    return half() + math.pi + n.two\n",
      options(names));
  EXPECT_NEAR(made.function("f").call<double>(), 12.14159, 1e-5);
}

TEST_F(ScriptApi, ANameThatIsMissingIsNamedWithTheNearestOne) {
  const auto names = globals();
  names->set("learning.rate", Constant{0.5}).set("learning.steps", Constant{5}).set("scale", Constant{1});
  EXPECT_THAT(refusal("def f() -> int:\n    return scal\n", names),
              testing::AllOf(HasSubstr("undefined name `scal`"), HasSubstr("scale")));
  EXPECT_THAT(refusal("def f() -> float:\n    return learning.rat\n", names),
              testing::AllOf(HasSubstr("`learning` has no `rat`"), HasSubstr("rate")));
  EXPECT_THAT(refusal("def f() -> float:\n    return lerning.rate\n", names), HasSubstr("learning"));
}

TEST_F(ScriptApi, WhatAResolverRefusesIsAnErrorInItsWords) {
  const auto names = globals();
  names->set("path", Refused{"a script cannot use a path; pass it in as a str"});
  EXPECT_THAT(refusal("def f() -> int:\n    return path\n", names),
              testing::AllOf(HasSubstr("api.py:2:12"), HasSubstr("a script cannot use a path")));
}

TEST_F(ScriptApi, MeaningsThatCannotBeUsedAreRefused) {
  const auto names = globals();
  names->set("no_operator", Operator{"aten::no_such"})
      .set("no_function", FunctionRef{"nowhere.f", nullptr})
      .set("mixed", Constant{to_value(std::vector<Value>{Value(1), Value("a")})})
      .set("place.name", Constant{1});
  EXPECT_THAT(refusal("def f() -> int:\n    return no_operator(1)\n", names),
              HasSubstr("`no_operator` is not among the operators of scripts"));
  EXPECT_THAT(refusal("def f() -> int:\n    return no_function(1)\n", names),
              HasSubstr("the function `nowhere.f` has no source here"));
  EXPECT_THAT(refusal("def f() -> int:\n    return mixed[0]\n", names), HasSubstr("different types"));
  EXPECT_THAT(refusal("def f() -> int:\n    return place\n", names), HasSubstr("`place`"));
}

TEST_F(ScriptApi, WhatAResolverThrowsLeavesCompileUnchanged) {
  class Broken final : public Resolver {
    Resolved resolve(std::string_view) override { throw PermissionProblem(); }

   public:
    struct PermissionProblem {};
  };
  EXPECT_THROW((void)compile("def f() -> int:\n    return x\n", options(std::make_shared<Broken>())),
               Broken::PermissionProblem);
}

TEST_F(ScriptApi, AFunctionTravelsAsTextWithAllThatItCalls) {
  const Exported code = unit.function("forks").exported();
  Runtime other{{.num_threads = 1}};
  const Function loaded = load(code, &other);
  EXPECT_EQ(loaded.signature(), "forks(int n, int by=10) -> int");
  EXPECT_EQ(loaded(4).to_int(), 30);
  EXPECT_FALSE(loaded.place().known());
  EXPECT_EQ(loaded.source(), nullptr);
  EXPECT_EQ(load(code, &other), loaded);
  EXPECT_EQ(loaded.exported().hash, code.hash);
}

TEST_F(ScriptApi, TextFromElsewhereIsChecked) {
  Exported code = unit.function("half").exported();
  EXPECT_THROW((void)load({code.hash, "rubbish"}, &runtime), SyntaxError);
  EXPECT_THROW((void)load({code.hash, ""}, &runtime), SyntaxError);
  EXPECT_THROW((void)load({"00", code.text}, &runtime), ValueError);
  const size_t two = code.text.find("value=2");
  ASSERT_NE(two, std::string::npos);
  code.text[two + 6] = '3';
  EXPECT_THAT(message_of<ValueError>([&] { (void)load(code, &runtime); }), HasSubstr("it is refused"));
}

TEST_F(ScriptApi, TheGraphAndTheCodeCanBePrinted) {
  const Function half = unit.function("half");
  EXPECT_THAT(half.graph().str(), testing::AllOf(HasSubstr("graph(%x : int)"), HasSubstr("aten::floordiv")));
  EXPECT_THAT(half.graph().node_kinds(), ElementsAre("prim::Constant", "aten::floordiv"));
  // Blocks come after their node, in their order, and a subgraph where its fork is.
  const auto nested = compile(
      "def f(x: int) -> int:\n    if x > 0:\n        x = x + 1\n    else:\n        x = x * 2\n    return x "
      "// 3\n",
      options());
  EXPECT_THAT(nested.function("f").graph().node_kinds(),
              ElementsAre("prim::Constant", "aten::gt", "prim::If", "prim::Constant", "aten::add",
                          "prim::Constant", "aten::mul", "prim::Constant", "aten::floordiv"));
  EXPECT_EQ(half.graph().content_hash().size(), 64u);
  EXPECT_THAT(half.instructions(), HasSubstr("FLOORDIV_INT"));
  const auto same = compile("def other(y: int) -> int:\n    z = y // 2\n    return z\n", options());
  EXPECT_EQ(same.function("other").graph().content_hash(), half.graph().content_hash());
}

TEST_F(ScriptApi, AFunctionStaysAsLongAsAHandleOrACallerShowsIt) {
  Function caller;
  {
    const auto names = globals();
    names->set("inner", compile("def inner() -> int:\n    return 5\n", options()).function("inner"));
    caller = compile("def outer() -> int:\n    return inner()\n", options(names)).function("outer");
  }
  EXPECT_EQ(caller().to_int(), 5);
}

TEST(ScriptApiFork, AChildOfForkRunsTheFunctionsOfTheDefaultRuntime) {
  const Function f = compile(
                         "def f(x: int) -> int:\n    return torch.jit.wait(torch.jit.fork(g, x))\n"
                         "def g(x: int) -> int:\n    return x + 1\n")
                         .function("f");
  ASSERT_EQ(f(1).to_int(), 2);
  if (!kThreadsInChild) GTEST_SKIP() << "ThreadSanitizer allows a forked child no threads";
  const pid_t child = ::fork();
  if (child == 0) ::_exit(f(41).to_int() == 42 && f.fork(1).get().to_int() == 2 ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tine::script
