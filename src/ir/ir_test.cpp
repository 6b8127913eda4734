#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "src/base/testing/cpu_time.h"
#include "src/ir/parse.h"
#include "src/ir/print.h"
#include "src/ir/verify.h"
#include "src/value/ops/ops.h"

namespace tine::ir {
namespace {

using ::testing::HasSubstr;

class Ir : public ::testing::Test {
 protected:
  Ir() { add_builtin_operators(ops); }
  std::string refusal(std::string_view text) {
    try {
      (void)parse(text, ops);
    } catch (const SyntaxError& error) {
      return error.message();
    }
    return "accepted";
  }
  std::string verdict(const Graph& graph) {
    try {
      verify(graph);
    } catch (const SyntaxError& error) {
      return error.message();
    }
    return "accepted";
  }
  OpTable ops;
};

constexpr std::string_view kEverything = R"(graph(%a : Tensor, %b : int, %o : Optional[int]):
  %3 : int = prim::Constant[value=1]() # file.py:1:2
  %4 : str = prim::Constant[value="two\n\"quoted\" \x01"]()
  %5 : bool = prim::Constant[value=1]()
  %6 : float = prim::Constant[value=-0.0]()
  %7 : NoneType = prim::Constant()
  %8 : List[int] = prim::Constant[value=[1, 2]]()
  %9 : Tuple[int, float, bool] = prim::Constant[value=(1, 2.5e+20, True)]()
  %10 : Tensor = aten::add.Tensor(%a, %a, %3) # file.py:3:4
  %11 : Tensor, %12 : int = prim::Loop(%b, %5, %10, %3)
    block0(%i : int, %14 : Tensor, %15 : int):
      %16 : bool = aten::lt.int(%i, %3)
      prim::If(%16)
        block0():
          prim::Break(%14, %15)
          -> ()
        block1():
          -> ()
      -> (%5, %14, %i)
  %17 : bool = prim::isinstance[type=NoneType](%o)
  %18 : int = prim::If(%17)
    block0():
      prim::RaiseException[kind="ValueError"](%4)
      -> ()
    block1():
      %19 : int = prim::unchecked_cast(%o)
      -> (%19)
  %fut : Future[Tensor] = prim::fork_0(%11, %18) # file.py:9:1
  %21 : Tensor = aten::wait.default(%fut)
  %22 : Tuple[Tensor, int] = prim::TupleConstruct(%21, %12)
  %23 : Tensor, %24 : int = prim::TupleUnpack(%22)
  %25 : int = prim::TupleIndex[index=1](%22)
  %26 : List[int] = prim::ListConstruct(%24, %25)
  %27 : int, %28 : int = prim::ListUnpack(%26)
  %29 : Dict[str, int] = prim::DictConstruct(%4, %27)
  %30 : int = prim::CallFunction[name="__tine__.g"](%29, %28)
  return (%30)

with prim::fork_0 = graph(%x : Tensor, %n : int):
  %f : Future[Tensor] = prim::fork_1(%x)
  %3 : Tensor = aten::wait.default(%f)
  return (%3)

with prim::fork_1 = graph(%x : Tensor):
  return (%x)
)";

TEST_F(Ir, TextThatWasPrintedExactlyParsesToTheSameText) {
  const auto graph = parse(kEverything, ops, "f");
  const std::string text = print(*graph, {.exact = true});
  EXPECT_EQ(text, kEverything);
  EXPECT_EQ(print(*parse(text, ops), {.exact = true}), text);
}

TEST_F(Ir, TextAsPyTorchShowsItFindsTheOverloadsAgain) {
  const auto graph = parse(kEverything, ops);
  const std::string shown = print(*graph);
  EXPECT_THAT(shown, HasSubstr("aten::add(%a, %a, %3) # file.py:3:4"));
  EXPECT_EQ(print(*parse(shown, ops), {.exact = true}), kEverything);
}

TEST_F(Ir, ACloneIsTheSameGraphAndSharesNothingThatCanChange) {
  const auto graph = parse(kEverything, ops);
  const auto copy = clone(*graph);
  graph->root().nodes.clear();
  verify(*copy);
  EXPECT_EQ(print(*copy, {.exact = true}), kEverything);
}

TEST_F(Ir, TensorConstantsTravelWithTheirElements) {
  Graph graph("f");
  Builder b(graph);
  const int64_t sizes[] = {2};
  Tensor t = Tensor::empty(sizes, DType::kFloat32);
  t.data_as<float>()[0] = 1.5F;
  t.data_as<float>()[1] = -2;
  graph.root().outputs = {b.constant(Value(t))};
  graph.returns = {Type::tensor()};
  const std::string text = print(graph, {.exact = true});
  EXPECT_THAT(text, HasSubstr("tensor(\"float32\", [2], \"0000c03f000000c0\")"));
  const auto again = parse(text, ops);
  EXPECT_EQ(print(*again, {.exact = true}), text);
  EXPECT_THAT(print(*again), HasSubstr("value=<Tensor>"));
}

TEST_F(Ir, TheContentHashDoesNotDependOnNamesAndPlaces) {
  const auto a = parse("graph(%x : int):\n  %y : int = aten::neg(%x) # a.py:1:2\n  return (%y)\n", ops);
  const auto b = parse("graph(%other : int):\n  %z : int = aten::neg(%other)\n  return (%z)\n", ops);
  const auto c = parse("graph(%x : int):\n  %y : int = aten::bitwise_not(%x)\n  return (%y)\n", ops);
  EXPECT_EQ(content_hash(*a), content_hash(*b));
  EXPECT_NE(content_hash(*a), content_hash(*c));
  EXPECT_EQ(content_hash(*a).size(), 64u);
}

TEST_F(Ir, BadTextIsRefusedWithLineAndColumn) {
  EXPECT_THAT(refusal("graph(%x : int):\n  return (%y)\n"),
              HasSubstr("line 2, column 11: %y is used before"));
  EXPECT_THAT(refusal("graph(%x : int, %x : int):\n  return (%x)\n"), HasSubstr("%x is defined twice"));
  EXPECT_THAT(refusal("graph(%x : nonsense):\n  return (%x)\n"), HasSubstr("nonsense"));
  EXPECT_THAT(refusal("graph(%x : str):\n  %y : int = aten::neg(%x)\n  return (%y)\n"),
              HasSubstr("no operator aten::neg"));
  EXPECT_THAT(refusal("graph(%x : str):\n  return (%x)\nmore"), HasSubstr("expected the end"));
  EXPECT_THAT(refusal(""), HasSubstr("expected 'graph'"));
}

TEST_F(Ir, NoTextWhateverItIsDoesMoreThanFail) {
  std::mt19937 random(1);
  const std::string text(kEverything);
  for (int i = 0; i < 20'000; ++i) {
    std::string broken = text;
    const int edits = 1 + static_cast<int>(random() % 3);
    for (int e = 0; e < edits && !broken.empty(); ++e) {
      const size_t at = random() % broken.size();
      switch (random() % 4) {
        case 0: broken.erase(at, 1 + random() % 20); break;
        case 1: broken[at] = static_cast<char>(random()); break;
        case 2: broken.insert(at, broken.substr(random() % broken.size(), random() % 30)); break;
        default: broken.resize(at + 1);
      }
    }
    try {
      (void)parse(broken, ops);
    } catch (const Error&) {
    }
  }
}

TEST_F(Ir, DeepNestingIsRefusedNotOverflowed) {
  std::string types(100'000, '[');
  EXPECT_THAT(refusal("graph(%x : List" + types), HasSubstr("nested too deeply"));
  EXPECT_THAT(refusal("graph():\n  %x : Any = prim::Constant[value=" + types),
              HasSubstr("nested too deeply"));
  std::string blocks = "graph(%c : bool):\n";
  for (int i = 0; i < 10'000; ++i) blocks += "prim::If(%c)\n block0():\n";
  EXPECT_THAT(refusal(blocks), HasSubstr("nested too deeply"));
}

TEST_F(Ir, AValueIsNotVisibleOutsideItsBlock) {
  EXPECT_THAT(refusal(R"(graph(%c : bool):
  prim::If(%c)
    block0():
      %x : int = prim::Constant[value=1]()
      -> ()
    block1():
      -> ()
  return (%x)
)"),
              HasSubstr("not defined here"));
}

TEST_F(Ir, BranchesMustAgreeWithTheResult) {
  EXPECT_THAT(refusal(R"(graph(%c : bool, %s : str):
  %r : int = prim::If(%c)
    block0():
      -> (%s)
    block1():
      prim::Return(%s)
      -> ()
  return (%s)
)"),
              HasSubstr("expected int, got str"));
}

TEST_F(Ir, AnExitMustBeTheLastNode) {
  EXPECT_THAT(refusal(R"(graph(%x : int) -> (int):
  prim::Return(%x)
  %y : int = aten::neg(%x)
  return (%y)
)"),
              HasSubstr("last node"));
}

TEST_F(Ir, BreakOutsideOfALoopIsRefused) {
  EXPECT_THAT(refusal("graph(%x : int) -> (int):\n  prim::Break(%x)\n  return ()\n"),
              HasSubstr("outside of a loop"));
}

TEST_F(Ir, AForkSeesOnlyItsInputs) {
  EXPECT_THAT(refusal(R"(graph(%x : int):
  %f : Future[int] = prim::fork_0()
  %y : int = aten::wait.default(%f)
  return (%y)

with prim::fork_0 = graph():
  return (%x)
)"),
              HasSubstr("%x is used before"));
}

TEST_F(Ir, ACastCannotClaimWhatCannotBe) {
  EXPECT_THAT(refusal("graph(%x : str):\n  %y : int = prim::unchecked_cast(%x)\n  return (%y)\n"),
              HasSubstr("str cannot be a int"));
}

TEST_F(Ir, AGraphThatWasBuiltWrongIsRefusedWithTheNode) {
  Graph graph("f");
  Def* const x = graph.add_input(Type::integer(), "x");
  Builder b(graph);
  Node* const node = b.if_(x);
  graph.root().outputs = {x};
  graph.returns = {Type::integer()};
  EXPECT_THAT(verdict(graph), HasSubstr("expected bool"));
  EXPECT_THAT(verdict(graph), HasSubstr("prim::If(%x)"));
  graph.remove(node);
  EXPECT_EQ(verdict(graph), "accepted");
}

// A graph of n constants, and what else there is of n of.
std::string constants(int n) {
  std::string text = "graph(%n : int):\n";
  for (int i = 0; i < n; ++i)
    text += "  %c" + std::to_string(i) + " : int = prim::Constant[value=" + std::to_string(i) + "]()\n";
  return text + "  return (%n)\n";
}

TEST_F(Ir, TextFromElsewhereIsReadUpToABound) {
  ParseOptions options;
  options.most_terms = 302;  // the parameter and its use, 100 nodes and their values
  size_t terms = 0;
  (void)parse(constants(100), ops, "f", options, &terms);
  EXPECT_EQ(terms, 202u);
  try {
    (void)parse(constants(200), ops, "f", options);
    FAIL() << "expected a SyntaxError";
  } catch (const SyntaxError& e) {
    EXPECT_THAT(e.message(), HasSubstr("more than 302 nodes, values and uses of values"));
  }
  std::string uses = "graph(%n : int):\n  %l : List[int] = prim::ListConstruct(%n";
  for (int i = 0; i < 400; ++i) uses += ", %n";
  EXPECT_THROW((void)parse(uses + ")\n  return (%n)\n", ops, "f", options), SyntaxError);
}

TEST_F(Ir, SizesOfATensorThatCannotBeAreRefused) {
  EXPECT_THROW((void)parse("graph(%n : int):\n  %t : Tensor = prim::Constant[value=tensor(float32, [0, "
                           "4611686018427387904, 8], \"\")]()\n  return (%t)\n",
                           ops),
               SyntaxError);
}

TEST_F(Ir, ATypeHasALength) {
  std::string type = "Tuple[int";
  for (int i = 0; i < 2000; ++i) type += ", int";
  try {
    (void)parse("graph(%n : " + type + "]):\n  return (%n)\n", ops);
    FAIL() << "expected a SyntaxError";
  } catch (const SyntaxError& e) {
    EXPECT_THAT(e.message(), HasSubstr("the type has 10010 characters, at most 4096 are read"));
  }
}

TEST_F(Ir, TimeIsInProportionToTheText) {
  const auto seconds = [this](const std::string& text) {
    double best = 1e9;
    for (int turn = 0; turn < 2; ++turn) {
      const double begin = cpu_seconds();
      const auto graph = parse(text, ops);
      (void)content_hash(*graph);
      best = std::min(best, cpu_seconds() - begin);
    }
    return best;
  };
  // Eight times the text, both beyond the caches: quadratic it would be 64 times.
  EXPECT_LT(seconds(constants(256'000)), 32 * seconds(constants(32'000)));
}

}  // namespace
}  // namespace tine::ir
