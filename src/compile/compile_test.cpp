#include "src/compile/compile.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/compile/builtins.h"
#include "src/compile/test_rows.h"
#include "src/ir/print.h"
#include "src/ir/verify.h"

namespace tine::compile {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<CompiledFunction> compiled(const std::string& text) {
  auto functions = compile_text(test_rows(), std::make_shared<Source>("f.py", text));
  for (const CompiledFunction& f : functions) ir::verify(*f.graph);
  return functions;
}

std::string graph(const std::string& text, size_t which = 0) {
  return ir::print(*compiled(text).at(which).graph, {.exact = false, .places = false});
}

std::string result_type(const std::string& text) { return compiled(text).at(0).schema.result_type()->str(); }

std::string refusal(const std::string& text) {
  try {
    compiled(text);
  } catch (const SyntaxError& e) {
    return e.message();
  }
  return "no error";
}

TEST(Compile, TheExampleOfForkCompilesToAForkOfTheFunctionItself) {
  const auto functions = compiled(
      "def foo(a: Tensor, b: int) -> Tensor:\n"
      "    return a + b\n"
      "def bar(a):\n"
      "    fut: torch.jit.Future[Tensor] = torch.jit.fork(foo, a, b=2)\n"
      "    return torch.jit.wait(fut)\n");
  ASSERT_EQ(functions.size(), 2u);
  EXPECT_EQ(functions[1].schema.str(), "__main__.bar(Tensor a) -> Tensor");
  const std::string text = ir::print(*functions[1].graph);
  EXPECT_THAT(text, HasSubstr("prim::fork"));
  EXPECT_THAT(text, HasSubstr("aten::wait"));
  const ir::Node* fork = nullptr;
  for (const ir::Node* n : functions[1].graph->root().nodes) {
    if (n->kind == ir::Kind::kFork) fork = n;
  }
  ASSERT_NE(fork, nullptr);
  ASSERT_EQ(fork->subgraph->root().nodes.size(), 1u);
  EXPECT_EQ(fork->subgraph->root().nodes[0]->kind, ir::Kind::kCallFunction);
  EXPECT_EQ(fork->subgraph->root().nodes[0]->name, "__main__.foo");
  EXPECT_EQ(fork->output()->type->str(), "Future[Tensor]");
}

TEST(Compile, AnUnannotatedParameterIsATensorAndTheResultIsInferred) {
  EXPECT_EQ(compiled("def f(x, n: int, *, s: str = 'a', b: Optional[float] = 1):\n    return x * n\n")[0]
                .schema.str(),
            "__main__.f(Tensor x, int n, *, str s='a', float? b=1.0) -> Tensor");
  EXPECT_EQ(result_type("def f(x: int):\n    return x / 2\n"), "float");
  EXPECT_EQ(result_type("def f(x: int):\n    print(x)\n"), "None");
  EXPECT_EQ(result_type("def f(x: int):\n    if x > 1:\n        return None\n    return x\n"),
            "Optional[int]");
}

TEST(Compile, MixedArithmeticConvertsTheInt) {
  const std::string text = graph("def f(x: int, y: float):\n    return x + y\n");
  EXPECT_THAT(text, HasSubstr("aten::Float"));
  EXPECT_THAT(text, HasSubstr("float = aten::add"));
}

TEST(Compile, ANumberOnTheLeftOfATensorIsTheTensorsOperation) {
  EXPECT_THAT(graph("def f(x):\n    return 2 * x\n"), HasSubstr("aten::mul"));
  EXPECT_THAT(graph("def f(x):\n    return 2 - x\n"), HasSubstr("aten::rsub"));
  EXPECT_THAT(graph("def f(x):\n    return 2 < x\n"), HasSubstr("aten::gt"));
  EXPECT_THAT(graph("def f(x):\n    return 1.0 / x\n"), HasSubstr("aten::pow"));
}

TEST(Compile, VariablesOfBranchesBecomeTheIfsOutputs) {
  const std::string text =
      graph("def f(a: int, b: int):\n    if a > b:\n        c = a\n    else:\n        c = b\n    return c\n");
  EXPECT_THAT(text, HasSubstr("int = prim::If"));
  EXPECT_THAT(text, HasSubstr("return (%c"));
}

TEST(Compile, ABranchThatReturnsIsAnExitAndTheOtherGoesOn) {
  const auto f =
      compiled("def f(a: int) -> int:\n    if a > 1:\n        return 1\n    b = 2\n    return a + b\n");
  const ir::Node* branch = nullptr;
  for (const ir::Node* n : f[0].graph->root().nodes) {
    if (n->kind == ir::Kind::kIf) branch = n;
  }
  ASSERT_NE(branch, nullptr);
  EXPECT_TRUE(branch->blocks[0]->ends_in_exit());
  EXPECT_FALSE(branch->blocks[1]->ends_in_exit());
  compiled("def f(a: int) -> int:\n    if a > 1:\n        return 1\n    else:\n        return 2\n");
  compiled(
      "def f(a: int) -> int:\n    if a > 1:\n        b = 1\n    elif a > 2:\n        raise "
      "ValueError('no')\n    else:\n        b = 3\n    return b\n");
}

TEST(Compile, LoopsCarryWhatTheyChange) {
  const std::string text = graph(
      "def f(n: int) -> int:\n    s = 0\n    k = 5\n    for i in range(n):\n        s += i % k\n    return "
      "s\n");
  EXPECT_THAT(text, HasSubstr("prim::Loop(%n"));
  EXPECT_THAT(text, HasSubstr("return (%s"));
  const auto f = compiled(
      "def f(n: int) -> int:\n    s = 0\n    k = 5\n    for i in range(n):\n        s += i % k\n    return "
      "s\n");
  for (const ir::Node* n : f[0].graph->root().nodes) {
    if (n->kind == ir::Kind::kLoop) {
      EXPECT_EQ(n->outputs.size(), 1u);
    }
  }
}

TEST(Compile, BreakAndContinueLeaveLoopsFromAnyDepth) {
  const std::string text = graph(
      "def f(n: int) -> int:\n"
      "    s = 0\n"
      "    while True:\n"
      "        s += 1\n"
      "        for i in range(2, n, 3):\n"
      "            if i == 3:\n"
      "                continue\n"
      "            if i > 7:\n"
      "                if s > 9:\n"
      "                    return s\n"
      "                break\n"
      "            s += i\n"
      "        if s > 100:\n"
      "            break\n"
      "    return s\n");
  EXPECT_THAT(text, HasSubstr("prim::Break"));
  EXPECT_THAT(text, HasSubstr("prim::Continue"));
  EXPECT_THAT(text, HasSubstr("prim::Return"));
  EXPECT_THAT(text, HasSubstr("aten::__range_length"));
}

TEST(Compile, AnEndlessLoopWithoutBreakNeedsNoResultBehindIt) {
  EXPECT_EQ(result_type(
                "def f(n: int):\n    while True:\n        n += 1\n        if n > 5:\n            return n\n"),
            "int");
}

TEST(Compile, AVariableThatIsNoneBeforeALoopBecomesOptional) {
  const std::string text = graph(
      "def f(xs: List[Tensor]) -> Tensor:\n"
      "    best = None\n"
      "    for x in xs:\n"
      "        if best is None:\n"
      "            best = x\n"
      "        else:\n"
      "            best = best + x\n"
      "    assert best is not None, 'empty'\n"
      "    return best\n");
  EXPECT_THAT(text, HasSubstr("Optional[Tensor] = prim::Loop"));
}

TEST(Compile, NestedLoopsThatWidenAreCompiledInBoundedTime) {
  std::string text = "def f(n: int, t: Tensor):\n";
  std::string indent = "    ";
  for (int i = 0; i < 30; ++i) {
    text += fmt::format("{0}x{1} = None\n{0}for i{1} in range(n):\n", indent, i);
    indent += " ";
  }
  for (int i = 0; i < 30; ++i) text += fmt::format("{}x{} = t\n", indent, i);
  compiled(text);
}

TEST(Compile, TestsForNoneRefineTheVariable) {
  compiled("def f(x: Optional[int]) -> int:\n    if x is None:\n        return 0\n    return x + 1\n");
  compiled(
      "def f(x: Optional[int]) -> int:\n    if x is not None and x > 1:\n        return x\n    return 0\n");
  compiled("def f(x: Optional[int]) -> int:\n    if x is None or x < 1:\n        return 0\n    return x\n");
  compiled("def f(x: Optional[int]) -> int:\n    return x if x is not None else 0\n");
  compiled(
      "def f(x: Optional[int]) -> int:\n    if not (x is None):\n        y = x\n    else:\n        y = 2\n   "
      " return y\n");
  compiled("def f(x: Optional[int]) -> int:\n    if x is None:\n        x = 3\n    return x\n");
  compiled(
      "def f(x: Optional[int]) -> int:\n    while x is None:\n        x = 3\n    assert x is not None\n    "
      "return x\n");
  compiled("def f(x: Optional[int]) -> int:\n    if isinstance(x, int):\n        return x\n    return 0\n");
  compiled(
      "def f(n: int) -> int:\n    x: Optional[int] = n\n    while x is not None:\n        x = x - 1 if x > 0 "
      "else None\n    return n\n");
  compiled(
      "def f(n: int) -> int:\n    x: Optional[int] = n\n    while x is not None and x > 1:\n        y = x - "
      "1\n        x = None\n    return n\n");
  EXPECT_THAT(refusal("def f(x: Optional[int]) -> int:\n    return x + 1\n"),
              HasSubstr("`+` does not take Optional[int] and int; test `is not None` first"));
}

TEST(Compile, WhatTheTypesDecideIsDecidedHere) {
  const std::string text =
      graph("def f(x: int):\n    if x is None:\n        return undefined_name\n    return x\n");
  EXPECT_THAT(text, Not(HasSubstr("prim::If")));
}

TEST(Compile, WhetherItIsAScriptIsKnownHere) {
  EXPECT_EQ(
      result_type(
          "def f(x: int):\n    if torch.jit.is_scripting():\n        return x\n    return python_only(x)\n"),
      "int");
  EXPECT_EQ(result_type("def f(x: int):\n    if not torch.jit.is_tracing() and x > 1:\n        x = 2\n    "
                        "while 1:\n        if x > 0: return x\n"),
            "int");
}

TEST(Compile, AKnownOperandDecidesAlsoBehindAnUnknownOne) {
  for (const char* condition :
       {"x > 1 and not torch.jit.is_scripting()", "x > 1 and torch._C._get_tracing_state()",
        "not (x > 1 or torch.jit.is_scripting())", "x > 1 and (x > 2 and False)"}) {
    EXPECT_EQ(result_type(fmt::format(
                  "def f(x: int):\n    if {}:\n        return python_only(x)\n    return x\n", condition)),
              "int")
        << condition;
  }
}

TEST(Compile, AnEmptyListIsOfTheOtherBranchsTypeUnlessItWasFilled) {
  EXPECT_EQ(result_type("def f(xs: List[int], b: bool):\n    return [] if b else xs\n"), "List[int]");
  EXPECT_EQ(result_type("def f(xs: List[int], b: bool):\n    if b:\n        ys = []\n    else:\n        ys = "
                        "xs\n    return ys\n"),
            "List[int]");
  EXPECT_THAT(refusal("def f(xs: List[int], b: bool, t: Tensor):\n    if b:\n        ys = []\n        "
                      "ys.append(t)\n    else:\n        ys = xs\n    return ys\n"),
              HasSubstr("`ys` is List[Tensor] after one branch"));
}

TEST(Compile, ListsTuplesAndDicts) {
  EXPECT_EQ(result_type("def f(n: int):\n    xs: List[int] = []\n    for i in range(n):\n        "
                        "xs.append(i)\n    return xs\n"),
            "List[int]");
  EXPECT_EQ(result_type("def f(n: int):\n    return [i * 2.5 for i in range(n) if i % 2 == 0]\n"),
            "List[float]");
  EXPECT_EQ(result_type("def f(a: int, b: str):\n    x, (y, z) = a, (b, 1.5)\n    return z, y, x\n"),
            "Tuple[float, str, int]");
  EXPECT_EQ(result_type("def f(t: Tuple[int, str]):\n    return t[-1]\n"), "str");
  EXPECT_EQ(result_type("def f(d: Dict[str, int]):\n    d['a'] += 1\n    return d.get('b', 2)\n"), "int");
  EXPECT_EQ(result_type("def f(d: Dict[str, int]):\n    s = 0\n    for k, v in d.items():\n        s += v\n  "
                        "  return {'s': s}\n"),
            "Dict[str, int]");
  EXPECT_EQ(result_type("def f(xs: List[int]):\n    xs[0], xs[1] = xs[1], xs[0]\n    return xs[1:]\n"),
            "List[int]");
  EXPECT_EQ(result_type("def f(xs: List[int], ys: List[str]):\n    for i, (x, y) in enumerate(zip(xs, "
                        "ys)):\n        print(i, x, y)\n    return list(range(3))\n"),
            "List[int]");
  EXPECT_EQ(result_type("def f():\n    return [[1, 2.5], [-3, 4]]\n"), "List[List[float]]");
  EXPECT_EQ(result_type("def f(xs: List[float]):\n    xs.extend([1, 2])\n    xs.append(3)\n    return xs\n"),
            "List[float]");
  EXPECT_EQ(result_type("def f():\n    return torch.jit.annotate(List[float], [1, 2])\n"), "List[float]");
  EXPECT_EQ(result_type("def f():\n    return torch.jit.annotate(Optional[int], None)\n"), "Optional[int]");
}

TEST(Compile, ElementsAreOfTheTypeThatAnAnnotationGives) {
  EXPECT_EQ(result_type("def f(x):\n    d: Dict[str, Any] = {'a': x, 'b': 's', 'c': 3}\n    return d\n"),
            "Dict[str, Any]");
  EXPECT_EQ(result_type("def f(x):\n    d: List[Any] = [x, 's', 3]\n    return d\n"), "List[Any]");
  EXPECT_EQ(result_type("def f():\n    d: List[Optional[float]] = [1, None, 2.5]\n    return d\n"),
            "List[Optional[float]]");
  EXPECT_EQ(result_type("def f(x) -> Dict[str, Any]:\n    return {'a': x, 'b': [1]}\n"), "Dict[str, Any]");
  EXPECT_THAT(refusal("def f(x):\n    return [x, 's']\n"),
              HasSubstr("the elements of a list must have one type"));
}

TEST(Compile, AnElementOfALoopInBracketsIsOfTheTypeThatAnAnnotationGives) {
  compiled(
      "def f(n: int):\n    xs: List[Optional[int]] = [i for i in range(n)]\n    xs.append(None)\n    return "
      "xs\n");
  compiled(
      "def f(n: int):\n    xs: List[float] = [i for i in range(n)]\n    xs.append(0.5)\n    return xs\n");
  EXPECT_THAT(refusal("def f(n: int):\n    xs = [i for i in range(n)]\n    xs.append(None)\n    return xs\n"),
              Not(HasSubstr("no error")));
}

TEST(Compile, AUnionWithNoneIsAnOptional) {
  for (const char* type :
       {"Optional[int]", "Union[int, None]", "Union[None, int]", "Union[Optional[int], int]",
        "Union[Optional[int], None]", "Union[int, Optional[int]]", "Optional[Union[int, None]]"}) {
    EXPECT_EQ(
        compiled(fmt::format("def f(x: {}) -> int:\n    return 0\n", type))[0].schema.args[0].type->str(),
        "Optional[int]")
        << type;
  }
  EXPECT_EQ(
      compiled("def f(x: Union[Optional[int], str]) -> int:\n    return 0\n")[0].schema.args[0].type->str(),
      "Optional[Union[int, str]]");
}

TEST(Compile, DictsAreMadeOfPairsAndLoops) {
  for (const char* made :
       {"{k: i for i, k in enumerate(ks)}", "{k: 1 for k in ks if len(k) > 1}", "dict([(k, 1) for k in ks])",
        "dict(zip(ks, [1, 2]))", "dict(a=1, b=2)", "dict({'a': 1}, b=2)", "dict({'a': 1})"}) {
    EXPECT_EQ(result_type(fmt::format("def f(ks: List[str]):\n    return {}\n", made)), "Dict[str, int]")
        << made;
  }
  EXPECT_EQ(result_type("def f(ks: List[str]) -> Dict[str, float]:\n    return {k: 1 for k in ks}\n"),
            "Dict[str, float]");
  EXPECT_THAT(refusal("def f(ks: List[str]):\n    return dict(ks)\n"),
              HasSubstr("`dict` takes a dict or pairs of key and value; the elements here are str"));
  EXPECT_THAT(refusal("def f(ks: List[str]):\n    return {[1]: k for k in ks}\n"),
              HasSubstr("the keys of a dict must be"));
}

TEST(Compile, TensorsAreIndexedAndCalledAsInPython) {
  EXPECT_EQ(
      result_type("def f(x):\n    return x[0, :, 1:2, ..., -1][None].view(2, -1).sum(0).max(dim=1)[0]\n"),
      "Tensor");
  EXPECT_THAT(graph("def f(x):\n    return x[0]\n"), HasSubstr("aten::select"));
  EXPECT_THAT(graph("def f(x, i):\n    return x[i, ..., 0]\n"), HasSubstr("aten::__getitem__"));
  EXPECT_THAT(graph("def f(x, i):\n    x[i] += 1\n"), HasSubstr("aten::_set_item"));
  compiled(
      "def f(x, y):\n    x[0] = y\n    x[1] = 2.5\n    x[2] += y\n    a, b = x\n    return x.shape, "
      "x.size(0), x.T, a\n");
  compiled(
      "def f(x, m):\n    return x[m], torch.zeros(2, 3), torch.zeros((2, 3)), torch.zeros([2, 3], "
      "dtype=torch.float64)\n");
  EXPECT_EQ(result_type("def f(x):\n    return float(x.item())\n"), "float");
  EXPECT_EQ(result_type("def f(x):\n    return int(x.sum())\n"), "int");
  EXPECT_EQ(result_type("import torch.nn.functional as F\nfrom torch import Tensor\ndef f(x: Tensor) -> "
                        "Tensor:\n    return F.softmax(F.relu(x), dim=-1)\n"),
            "Tensor");
}

TEST(Compile, StringsAreFormatted) {
  EXPECT_THAT(graph("def f(x: int):\n    return f'{{x}} = {x}'\n"), HasSubstr("aten::format"));
  EXPECT_EQ(result_type("def f(x: int):\n    return 'a {}'.format(x) + str(x).upper()\n"), "str");
}

TEST(Compile, RecursionNeedsTheResultsType) {
  compiled("def fib(n: int) -> int:\n    if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)\n");
  compiled(
      "def even(n: int) -> bool:\n    return n == 0 or odd(n - 1)\ndef odd(n: int) -> bool:\n    return n != "
      "0 and even(n - 1)\n");
  EXPECT_THAT(refusal("def fib(n: int):\n    if n < 2:\n        return n\n    return fib(n - 1)\n"),
              HasSubstr("`fib` calls itself before its result type is known"));
}

TEST(Compile, CallsBindPositionsKeywordsAndDefaults) {
  EXPECT_EQ(result_type("def g(a: int, b: float = 2, *, c: str = 'x'):\n    return b\ndef f():\n    return "
                        "g(1) + g(1, 3) + g(b=2.5, a=1, c='y')\n"),
            "float");
}

TEST(Compile, ForksOfOperatorsAndNestedForksAreTyped) {
  EXPECT_EQ(result_type("def f(x):\n    fs = [torch.jit.fork(torch.relu, x) for i in range(3)]\n    return "
                        "[torch.jit.wait(g) for g in fs]\n"),
            "List[Tensor]");
  EXPECT_EQ(result_type("def f(x):\n    a = torch.jit._fork(g, x)\n    return a\ndef g(x):\n    return "
                        "torch.jit.fork(torch.relu, x)\n"),
            "Future[Future[Tensor]]");
  EXPECT_EQ(result_type("def f(fs: List[Future[int]]):\n    return torch.futures.wait_all(fs)\n"),
            "List[int]");
  EXPECT_EQ(result_type("def f(x: Future[int]):\n    return x.wait() + 1\n"), "int");
}

TEST(Compile, RemoteCallsAreBoundAndTypedByTheirCallee) {
  const std::string text =
      "import torch.distributed.rpc as rpc\n"
      "from torch import Tensor\n"
      "from torch.futures import Future\n"
      "def script_add(x: Tensor, y: Tensor) -> Tensor:\n"
      "    return x + y\n"
      "def async_add(to: str, x: Tensor, y: Tensor) -> Future[Tensor]:\n"
      "    return rpc.rpc_async(to, script_add, (x, y))\n"
      "def more(to: str, x: Tensor):\n"
      "    a = rpc.rpc_sync(to, torch.add, args=(x, x), kwargs={'alpha': 2}, timeout=3)\n"
      "    return rpc.remote(to, script_add, args=(a,), kwargs={'y': x}).to_here()\n";
  const auto functions = compiled(text);
  EXPECT_THAT(ir::print(*functions[1].graph), HasSubstr("rpc::rpc_async"));
  // Past what may be in flight a script is suspended before the call.
  EXPECT_THAT(ir::print(*functions[1].graph), HasSubstr("rpc::room"));
  EXPECT_THAT(ir::print(*functions[1].graph), HasSubstr("__main__.script_add"));
  EXPECT_EQ(functions[2].schema.result_type()->str(), "Tensor");
  EXPECT_THAT(ir::print(*functions[2].graph), HasSubstr("aten::add.Tensor"));
}

TEST(Compile, ARemoteCallWithADictVariableIsBoundWhenItIsMade) {
  const std::string text =
      "import torch.distributed.rpc as rpc\n"
      "def f(to: str, x: Tensor, d: Dict[str, Tensor]) -> Tensor:\n"
      "    return rpc.rpc_sync(to, g, (x,), d)\n"
      "def g(x: Tensor, y: Tensor, *, n: int = 1) -> Tensor:\n"
      "    return x + y * n\n";
  const std::string shown = graph(text);
  EXPECT_THAT(shown, HasSubstr("Tuple[Tensor] = prim::TupleConstruct(%x)"));
  EXPECT_THAT(shown, HasSubstr("str = prim::Constant[name=\"__main__.g\"]"));
  EXPECT_THAT(shown, testing::ContainsRegex("rpc::rpc_async\\(%to, %[0-9]+, %[0-9]+, %d, "));
}

TEST(Compile, ARemoteCallByNameIsOfTheTypeThatIsAsked) {
  const auto result = [](const std::string& body) {
    return result_type("import torch.distributed.rpc as rpc\ndef f(to: str, name: str, x: Tensor):\n" + body);
  };
  EXPECT_EQ(result("    y: List[int] = rpc.rpc_sync(to, name, (x,))\n    return y\n"), "List[int]");
  EXPECT_EQ(result("    y: Future[int] = rpc.rpc_async(to, name)\n    return y.wait()\n"), "int");
  EXPECT_EQ(result("    y: RRef[str] = rpc.remote(to, name)\n    return y.to_here()\n"), "str");
  EXPECT_EQ(result("    return rpc.rpc_sync(to, 'served')\n"), "Any");
  EXPECT_EQ(result("    return rpc.rpc_async(to, 'served')\n"), "Future[Any]");
  EXPECT_EQ(result("    return rpc.rpc_async(to, 'aten::relu', (x,))\n"), "Future[Tensor]");
}

TEST(Compile, WhatAnRRefStartsIsWaitedForByTheMachine) {
  const std::string text =
      graph("def f(r: RRef[Tensor], s: RRef[int]):\n    return r.to_here(2) + s.to_here()\n");
  EXPECT_THAT(text, HasSubstr("Future[Tensor] = rpc::to_here"));
  EXPECT_THAT(text, HasSubstr("int = aten::wait"));
  EXPECT_EQ(result_type("def f(r: RRef[int]):\n    return r.owner()\n"), "NamedTuple(name : str, id : int)");
  EXPECT_EQ(result_type("import torch.distributed.rpc as rpc\ndef f(r: RRef[int], x):\n    return "
                        "rpc.rpc_async(r.owner(), torch.relu, (x,)).wait() if r.is_owner() else x\n"),
            "Tensor");
}

TEST(Compile, ExceptionsAreRaisedByKind) {
  const std::string text = graph(
      "def f(x: int):\n    if x > 1:\n        raise ValueError(f'bad {x}')\n    assert x == 0, 'msg'\n    "
      "raise RuntimeError\n");
  EXPECT_THAT(text, HasSubstr("ValueError"));
  EXPECT_THAT(text, HasSubstr("AssertionError"));
}

TEST(Compile, AFieldOfAClassMayBeNone) {
  const auto f = compiled("class A:\n    x = None\ndef f() -> bool:\n    return A.x is None\n");
  EXPECT_EQ(f[0].schema.result_type()->kind, TypeKind::kBool);
}

TEST(Compile, NodesKnowTheirPlace) {
  const auto f = compiled("def f(x, y):\n    z = x + y\n    return z\n");
  for (const ir::Node* n : f[0].graph->root().nodes) {
    EXPECT_EQ(n->span.line, 2);
    EXPECT_EQ(n->span.source->name, "f.py");
  }
}

// A module as the Python side describes it.
class Modules : public Resolver {
 public:
  explicit Modules(std::string text) : source(std::make_shared<Source>("m.py", std::move(text))) {}
  Resolved resolve(std::string_view dotted) override { return resolve_builtin(test_rows(), dotted); }
  Resolved method(const ObjectType& type, std::string_view name) override {
    const auto self = types.find(type.name);
    const size_t dot = type.name.rfind('.');
    const std::string def = fmt::format("{}.{}", type.name.substr(dot + 1), name);
    if (self == types.end() || source->text.find(fmt::format("def {}(", name)) == std::string::npos)
      return Missing{};
    auto f = std::make_shared<FunctionSource>(
        FunctionSource{fmt::format("{}.{}", type.name, name), source, def, me.lock(), self->second});
    return FunctionRef{f->qualified_name, f};
  }
  std::optional<Submodules> submodules(const ObjectType& type) override {
    if (type.name != "m.Layers") return std::nullopt;
    Submodules all;
    for (const auto& slot : type.slots) {
      if (slot.type->kind == TypeKind::kObject) all.names.push_back(slot.name);
    }
    return all;
  }
  std::shared_ptr<const Source> source;
  std::unordered_map<std::string, std::shared_ptr<const ObjectType>> types;
  std::weak_ptr<Resolver> me;
};

std::vector<CompiledFunction> compiled_module(const std::string& text,
                                              const std::string& method = "Mod.forward") {
  auto resolver = std::make_shared<Modules>(text);
  resolver->me = resolver;
  auto add =
      std::make_shared<ObjectType>("m.AddMod", std::vector<ObjectType::Slot>{{"scale", Type::floating()}});
  auto layers = std::make_shared<ObjectType>(
      "m.Layers", std::vector<ObjectType::Slot>{{"training", Type::boolean()}, {"0", add}, {"1", add}});
  auto mod = std::make_shared<ObjectType>(
      "m.Mod", std::vector<ObjectType::Slot>{{"mod", add}, {"count", Type::integer()}, {"layers", layers}});
  resolver->types = {{"m.AddMod", add}, {"m.Mod", mod}, {"m.Layers", layers}};
  const FunctionSource f{"m." + method, resolver->source, method, resolver, mod};
  auto functions = compile(test_rows(), std::span(&f, 1));
  for (const CompiledFunction& g : functions) ir::verify(*g.graph);
  return functions;
}

constexpr const char* kAddMod =
    "class AddMod:\n    def forward(self, a: Tensor, b: int):\n        return a * self.scale + b\n";

TEST(Compile, ModulesAreForkedByTheirForward) {
  const auto f = compiled_module(
      std::string(kAddMod) +
      "class Mod:\n    def forward(self, input):\n        fut = torch.jit.fork(self.mod, input, b=2)\n"
      "        return torch.jit.wait(fut)\n");
  ASSERT_EQ(f.size(), 2u);
  EXPECT_EQ(f[0].schema.str().substr(0, 14), "m.Mod.forward(");
  EXPECT_EQ(f[0].schema.result_type()->str(), "Tensor");
  EXPECT_THAT(ir::print(*f[0].graph), HasSubstr("prim::CallMethod[name=\"forward\"]"));
}

TEST(Compile, MethodsCallOneAnotherAndChangeAttributes) {
  const auto f = compiled_module(
      std::string(kAddMod) +
      "class Mod:\n    def forward(self, x):\n        self.count += 1\n        y = self.helper(x, "
      "n=self.count)\n"
      "        f = torch.jit.fork(self.helper, y, 3)\n        return self.mod(f.wait(), b=1)\n"
      "    def helper(self, x, n: int) -> Tensor:\n        return x + n\n");
  EXPECT_EQ(f.size(), 3u);
  EXPECT_THAT(ir::print(*f[0].graph), HasSubstr("prim::SetAttr"));
}

TEST(Compile, LoopsOverModulesAreUnrolled) {
  const auto f = compiled_module(std::string(kAddMod) +
                                 "class Mod:\n    def forward(self, x):\n        for i, layer in "
                                 "enumerate(self.layers):\n            x = layer(x, i)\n"
                                 "        ys = [m(x, 1) for m in self.layers]\n        return "
                                 "self.layers[1](ys[0], len(self.layers))\n");
  const std::string text = ir::print(*f[0].graph);
  EXPECT_THAT(text, Not(HasSubstr("prim::Loop")));
  EXPECT_THAT(text, HasSubstr("prim::GetAttr[name=\"0\"]"));
}

TEST(Compile, AttributesThatAreMissingAreNamed) {
  const auto refused = [](const std::string& body) {
    try {
      compiled_module(std::string(kAddMod) + "class Mod:\n    def forward(self, x):\n        " + body + "\n");
    } catch (const SyntaxError& e) {
      return e.message();
    }
    return std::string("no error");
  };
  EXPECT_THAT(refused("return self.cuont"),
              HasSubstr("`m.Mod` has no attribute or method `cuont`; did you mean `count`?"));
  EXPECT_THAT(refused("self.other = 1"), HasSubstr("`m.Mod` has no attribute `other`"));
  EXPECT_THAT(refused("self.count = x"),
              HasSubstr("the attribute `count` is int and cannot be given a value of type Tensor"));
  EXPECT_THAT(refused("return self.mod(x)"),
              HasSubstr("`forward` needs a value for `b`: it takes 2 arguments, got 1"));
  EXPECT_THAT(refused("for m in self.layers: break"), HasSubstr("in a loop over modules"));
}

TEST(Compile, FunctionsThatAreCompiledAlreadyAreFoundInTheLibrary) {
  struct Known : Library {
    Schema schema = Schema::parse("lib.g(Tensor x, int n=2) -> (int, Tensor)");
    const Schema* find(std::string_view name) const override { return name == "lib.g" ? &schema : nullptr; }
  } library;
  struct Names : Resolver {
    Resolved resolve(std::string_view name) override {
      if (name == "g") return FunctionRef{"lib.g", nullptr};
      if (name == "N") return Constant{Value(int64_t{7})};
      if (name == "cfg") return Refused{"`cfg` is an object of Python; pass what you need of it"};
      return Missing{};
    }
  };
  const auto source = std::make_shared<Source>(
      "f.py", "def f(x, k: int = N):\n    return g(x, n=N + k)[0]\ndef h():\n    return cfg\n");
  const FunctionSource f{"f", source, "f", std::make_shared<Names>(), nullptr};
  const auto functions = compile(test_rows(), std::span(&f, 1), &library);
  ASSERT_EQ(functions.size(), 1u);
  EXPECT_EQ(functions[0].schema.str(), "f(Tensor x, int k=7) -> int");
  const FunctionSource h{"h", source, "h", std::make_shared<Names>(), nullptr};
  try {
    (void)compile(test_rows(), std::span(&h, 1), &library);
    FAIL();
  } catch (const SyntaxError& e) {
    EXPECT_THAT(e.what(), HasSubstr("object of Python"));
  }
}

}  // namespace
}  // namespace tine::compile
