// Each pass by a graph before and after it. Functions that run before and after one are in tests/script/test_graphs.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "src/ir/parse.h"
#include "src/ir/passes/inline.h"
#include "src/ir/passes/loops.h"
#include "src/ir/passes/peephole.h"
#include "src/ir/print.h"
#include "src/ir/verify.h"
#include "src/value/ops/ops.h"

namespace tine::ir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Passes : public ::testing::Test {
 protected:
  Passes() { add_builtin_operators(ops); }

  template <class Pass>
  std::string after(Pass pass, std::string_view text) {
    const auto graph = parse(text, ops, {}, options);
    changed = pass(*graph);
    verify(*graph);
    return print(*graph, {.exact = false, .places = false});
  }
  std::string inlined(std::string_view text) {
    return after(
        [&](Graph& g) {
          return inline_calls(g, [&](std::string_view name) -> const Graph* {
            const auto found = functions.find(std::string(name));
            return found == functions.end() ? nullptr : found->second.get();
          });
        },
        text);
  }
  void function(std::string name, std::string_view text) { functions[name] = parse(text, ops, name); }

  OpTable ops;
  ParseOptions options;
  std::map<std::string, std::unique_ptr<Graph>> functions;
  bool changed = false;
};

TEST_F(Passes, ACallBecomesWhatItRuns) {
  function("f", R"(graph(%a : int):
  %b : int = aten::neg(%a)
  return (%b)
)");
  EXPECT_EQ(inlined(R"(graph(%x : int):
  %y : int = prim::CallFunction[name="f"](%x)
  %z : int = prim::CallFunction[name="f"](%y)
  return (%z)
)"),
            R"(graph(%x : int):
  %b : int = aten::neg(%x)
  %b.1 : int = aten::neg(%b)
  return (%b.1)
)");
}

TEST_F(Passes, AReturnInABranchBecomesItsResult) {
  function("f", R"(graph(%a : int):
  %zero : int = prim::Constant[value=0]()
  %c : bool = aten::lt(%a, %zero)
  prim::If(%c)
    block0():
      prim::Return(%zero)
      -> ()
    block1():
      -> ()
  %b : int = aten::neg(%a)
  return (%b)
)");
  EXPECT_EQ(inlined(R"(graph(%x : int):
  %y : int = prim::CallFunction[name="f"](%x)
  return (%y)
)"),
            R"(graph(%x : int):
  %zero : int = prim::Constant[value=0]()
  %c : bool = aten::lt(%x, %zero)
  %3 : int = prim::If(%c)
    block0():
      -> (%zero)
    block1():
      %b : int = aten::neg(%x)
      -> (%b)
  return (%3)
)");
}

TEST_F(Passes, ACallWhoseReturnsHaveNoOtherFormStays) {
  function("loops", R"(graph(%a : int):
  %t : bool = prim::Constant[value=1]()
  prim::Loop(%a, %t)
    block0(%i : int):
      prim::Return(%i)
      -> ()
  return (%a)
)");
  function("recursive", R"(graph(%a : int):
  %b : int = prim::CallFunction[name="recursive"](%a)
  return (%b)
)");
  const std::string text = inlined(R"(graph(%x : int):
  %y : int = prim::CallFunction[name="loops"](%x)
  %z : int = prim::CallFunction[name="unknown"](%y)
  %w : int = prim::CallFunction[name="recursive"](%z)
  return (%w)
)");
  EXPECT_THAT(text, HasSubstr("prim::CallFunction[name=\"loops\"]"));
  EXPECT_THAT(text, HasSubstr("prim::CallFunction[name=\"unknown\"]"));
  EXPECT_THAT(text, HasSubstr("%b : int = prim::CallFunction[name=\"recursive\"](%z)"));
}

TEST_F(Passes, WhatIsPassedToAWiderTypeIsCast) {
  function("f", R"(graph(%a : Optional[int]):
  %b : bool = prim::isinstance[type=NoneType](%a)
  return (%b)
)");
  EXPECT_THAT(inlined(R"(graph(%x : int):
  %y : bool = prim::CallFunction[name="f"](%x)
  return (%y)
)"),
              HasSubstr("Optional[int] = prim::unchecked_cast(%x)"));
}

TEST_F(Passes, AForkThatIsOnlyWaitedForRunsInPlace) {
  EXPECT_EQ(after(inline_forks, R"(graph(%x : int):
  %f : Future[int] = prim::fork_0(%x)
  %y : int = aten::wait(%f)
  return (%y)

with prim::fork_0 = graph(%a : int):
  %b : int = aten::neg(%a)
  return (%b)
)"),
            R"(graph(%x : int):
  %b : int = aten::neg(%x)
  return (%b)
)");
}

TEST_F(Passes, AForkWhoseFutureGoesElsewhereStays) {
  EXPECT_THAT(after(inline_forks, R"(graph(%x : int):
  %f : Future[int] = prim::fork_0(%x)
  return (%f)

with prim::fork_0 = graph(%a : int):
  return (%a)
)"),
              HasSubstr("prim::fork_0"));
  EXPECT_FALSE(changed);
}

TEST_F(Passes, WhatALoopDoesNotChangeIsComputedBeforeIt) {
  EXPECT_EQ(after(hoist_invariants, R"(graph(%n : int, %k : int):
  %t : bool = prim::Constant[value=1]()
  %s : int = prim::Loop(%n, %t, %k)
    block0(%i : int, %c : int):
      %two : int = prim::Constant[value=2]()
      %m : int = aten::mul(%k, %two)
      %d : int = aten::add(%c, %m)
      -> (%t, %d)
  return (%s)
)"),
            R"(graph(%n : int, %k : int):
  %t : bool = prim::Constant[value=1]()
  %two : int = prim::Constant[value=2]()
  %m : int = aten::mul(%k, %two)
  %s : int = prim::Loop(%n, %t, %k)
    block0(%i : int, %c : int):
      %d : int = aten::add(%c, %m)
      -> (%t, %d)
  return (%s)
)");
}

TEST_F(Passes, WhatMayFailOrChangeStaysInTheLoop) {
  const std::string text = after(hoist_invariants, R"(graph(%n : int, %k : int, %x : Tensor):
  %t : bool = prim::Constant[value=1]()
  %s : int = prim::Loop(%n, %t, %k)
    block0(%i : int, %c : int):
      %m : int = aten::floordiv(%k, %n)
      %y : Tensor = aten::neg(%x)
      -> (%t, %m)
  return (%s)
)");
  EXPECT_FALSE(changed);
  EXPECT_LT(text.find("prim::Loop"), text.find("aten::floordiv"));
  EXPECT_LT(text.find("prim::Loop"), text.find("aten::neg"));
}

// A loop may have no turn, and an attribute of an object may have no value yet.
TEST_F(Passes, AttributesOfModulesAloneMoveInFrontOfALoop) {
  const auto hoisted = [&](const std::shared_ptr<const ObjectType>& type) {
    options.object_type = [&](std::string_view name) { return name == "m.A" ? type : nullptr; };
    const std::string text = after(hoist_invariants, R"(graph(%self : m.A, %n : int):
  %t : bool = prim::Constant[value=1]()
  %s : int = prim::Loop(%n, %t, %n)
    block0(%i : int, %c : int):
      %a : int = prim::GetAttr[name="a"](%self)
      -> (%t, %a)
  return (%s)
)");
    return text.find("prim::GetAttr") < text.find("prim::Loop");
  };
  const ObjectType::Slot slot{"a", Type::integer()};
  EXPECT_TRUE(hoisted(std::make_shared<ObjectType>("m.A", std::vector{slot})));
  const auto cls = ObjectType::open_class("m.A");
  cls->add_slot(slot.name, slot.type);
  cls->close();
  EXPECT_FALSE(hoisted(cls));
  EXPECT_FALSE(changed);
}

TEST_F(Passes, AShortLoopOfAKnownLengthIsWrittenOut) {
  EXPECT_EQ(after(unroll_loops, R"(graph(%x : int):
  %n : int = prim::Constant[value=2]()
  %t : bool = prim::Constant[value=1]()
  %s : int = prim::Loop(%n, %t, %x)
    block0(%i : int, %c : int):
      %d : int = aten::mul(%c, %i)
      -> (%t, %d)
  return (%s)
)"),
            R"(graph(%x : int):
  %n : int = prim::Constant[value=2]()
  %t : bool = prim::Constant[value=1]()
  %i : int = prim::Constant[value=0]()
  %d : int = aten::mul(%x, %i)
  %i.1 : int = prim::Constant[value=1]()
  %d.1 : int = aten::mul(%d, %i.1)
  return (%d.1)
)");
}

TEST_F(Passes, OtherLoopsStay) {
  const std::string_view rest = R"(  %t : bool = prim::Constant[value=1]()
  %s : int = prim::Loop(%n, %t, %x)
    block0(%i : int, %c : int):
      %d : int = aten::mul(%c, %i)
      -> (%t, %d)
  return (%s)
)";
  EXPECT_THAT(
      after(unroll_loops, "graph(%x : int):\n  %n : int = prim::Constant[value=9]()\n" + std::string(rest)),
      HasSubstr("prim::Loop"));
  EXPECT_THAT(after(unroll_loops, "graph(%x : int, %n : int):\n" + std::string(rest)),
              HasSubstr("prim::Loop"));
  EXPECT_THAT(after(unroll_loops, R"(graph(%x : int):
  %n : int = prim::Constant[value=2]()
  %t : bool = prim::Constant[value=1]()
  %s : int = prim::Loop(%n, %t, %x)
    block0(%i : int, %c : int):
      prim::Break(%i)
      -> ()
  return (%s)
)"),
              HasSubstr("prim::Loop"));
}

struct Row {
  const char* types;
  const char* body;
  const char* result;  // "%x": the value itself; "op": the node stays; else the constant
};

class PeepholeRows : public Passes, public ::testing::WithParamInterface<Row> {};

TEST_P(PeepholeRows, AreWhatTheyAreForEveryValue) {
  const Row& row = GetParam();
  const std::string type = row.types;
  const std::string text = after(peephole, "graph(%x : " + type + "):\n" + row.body + "  return (%r)\n");
  const std::string result = row.result;
  if (result == "%x") {
    EXPECT_THAT(text, HasSubstr("return (%x)"));
  } else if (result == "op") {
    EXPECT_THAT(text, HasSubstr("return (%r)"));
    EXPECT_FALSE(changed) << text;
  } else {
    EXPECT_THAT(text, HasSubstr(result));
  }
}

#define CONSTANT(type, value) "  %c : " type " = prim::Constant[value=" value "]()\n"
INSTANTIATE_TEST_SUITE_P(
    All, PeepholeRows,
    ::testing::Values(
        Row{"int", CONSTANT("int", "0") "  %r : int = aten::add(%x, %c)\n", "%x"},
        Row{"int", CONSTANT("int", "0") "  %r : int = aten::sub(%x, %c)\n", "%x"},
        Row{"int", CONSTANT("int", "0") "  %r : int = aten::sub(%c, %x)\n", "op"},
        Row{"int", CONSTANT("int", "1") "  %r : int = aten::mul(%c, %x)\n", "%x"},
        Row{"int", CONSTANT("int", "0") "  %r : int = aten::mul(%x, %c)\n",
            "%r : int = prim::Constant[value=0]()"},
        Row{"int", CONSTANT("int", "1") "  %r : int = aten::floordiv(%x, %c)\n", "%x"},
        Row{"int", "  %r : int = aten::floordiv(%x, %x)\n", "op"},  // x may be 0
        Row{"int", "  %r : int = aten::sub(%x, %x)\n", "%r : int = prim::Constant[value=0]()"},
        Row{"int", "  %r : bool = aten::eq(%x, %x)\n", "%r : bool = prim::Constant[value=1]()"},
        Row{"int",
            CONSTANT(
                "int",
                "9223372036854775807") "  %a : int = aten::add(%x, %c)\n  %r : int = aten::add(%a, %c)\n",
            "= prim::Constant[value=-2]()"},  // sums wrap, whatever their order
        Row{"float", CONSTANT("float", "0.0") "  %r : float = aten::add(%x, %c)\n",
            "op"},  // -0.0 + 0.0 is 0.0
        Row{"float", CONSTANT("float", "0.0") "  %r : float = aten::sub(%x, %c)\n",
            "%x"},  // -0.0 - 0.0 is -0.0
        Row{"float", CONSTANT("float", "-0.0") "  %r : float = aten::sub(%x, %c)\n",
            "op"},  // -0.0 - -0.0 is 0.0
        Row{"float", CONSTANT("float", "1.0") "  %r : float = aten::mul(%x, %c)\n", "%x"},
        Row{"float", CONSTANT("float", "1.0") "  %r : float = aten::div(%x, %c)\n", "%x"},
        Row{"float", CONSTANT("float", "0.0") "  %r : float = aten::mul(%x, %c)\n",
            "op"},                                                 // NaN, infinities, -1
        Row{"float", "  %r : float = aten::sub(%x, %x)\n", "op"},  // of infinities it is NaN
        Row{"float", "  %r : bool = aten::eq(%x, %x)\n", "op"},    // NaN is not equal to itself
        Row{"bool", "  %a : bool = aten::__not__(%x)\n  %r : bool = aten::__not__(%a)\n", "%x"},
        Row{"bool",
            "  %t : bool = prim::Constant[value=1]()\n  %f : bool = prim::Constant[value=0]()\n  %r : bool = "
            "prim::If(%x)\n"
            "    block0():\n      -> (%t)\n    block1():\n      -> (%f)\n",
            "%x"},
        Row{"Tensor",
            "  %t : Tuple[Tensor, Tensor] = prim::TupleConstruct(%x, %x)\n  %r : Tensor = "
            "prim::TupleIndex[index=1](%t)\n",
            "%x"},
        Row{"Tensor", "  %l : List[Tensor] = prim::ListConstruct(%x)\n  %r : Tensor = prim::ListUnpack(%l)\n",
            "%x"},
        Row{"Tensor",
            "  %l : List[Tensor] = prim::ListConstruct(%x)\n  %n : NoneType = aten::append(%l, %x)\n"
            "  %r : Tensor = prim::ListUnpack(%l)\n",
            "op"},  // it must fail
        Row{"Tensor", "  %r : bool = prim::isinstance[type=NoneType](%x)\n",
            "%r : bool = prim::Constant[value=0]()"},
        Row{"Optional[int]", "  %r : bool = prim::isinstance[type=NoneType](%x)\n", "op"},
        Row{"int", "  %r : int = prim::unchecked_cast(%x)\n", "%x"}));

}  // namespace
}  // namespace tine::ir
