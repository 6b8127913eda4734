#include "src/ir/passes/simplify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/ir/parse.h"
#include "src/ir/print.h"
#include "src/ir/verify.h"
#include "src/value/ops/ops.h"

namespace tine::ir {
namespace {

class Simplify : public ::testing::Test {
 protected:
  Simplify() { add_builtin_operators(ops); }
  std::string simplified(std::string_view text) {
    const auto graph = parse(text, ops);
    simplify(*graph);
    verify(*graph);
    return print(*graph, {.exact = false, .places = false});
  }
  OpTable ops;
};

TEST_F(Simplify, ConstantsAreFoldedAndWhatNobodyUsesGoes) {
  EXPECT_EQ(simplified(R"(graph(%x : int):
  %a : int = prim::Constant[value=6]()
  %b : int = prim::Constant[value=7]()
  %c : int = aten::mul(%a, %b)
  %d : int = aten::add(%x, %c)
  return (%d)
)"),
            R"(graph(%x : int):
  %c : int = prim::Constant[value=42]()
  %d : int = aten::add(%x, %c)
  return (%d)
)");
}

TEST_F(Simplify, ARowThatFailsIsLeftToFailWhenItRuns) {
  EXPECT_THAT(simplified(R"(graph():
  %a : int = prim::Constant[value=6]()
  %b : int = prim::Constant[value=0]()
  %c : int = aten::floordiv(%a, %b)
  return (%c)
)"),
              ::testing::HasSubstr("aten::floordiv"));
}

TEST_F(Simplify, TheBranchThatIsAlwaysTakenStays) {
  EXPECT_EQ(simplified(R"(graph(%x : int):
  %t : bool = prim::Constant[value=1]()
  %r : int = prim::If(%t)
    block0():
      %n : int = aten::neg(%x)
      -> (%n)
    block1():
      -> (%x)
  return (%r)
)"),
            R"(graph(%x : int):
  %n : int = aten::neg(%x)
  return (%n)
)");
}

TEST_F(Simplify, TheSameNumberIsNotComputedTwice) {
  EXPECT_EQ(simplified(R"(graph(%x : int):
  %a : int = aten::neg(%x)
  %b : int = aten::neg(%x)
  %c : int = aten::add(%a, %b)
  return (%c)
)"),
            R"(graph(%x : int):
  %a : int = aten::neg(%x)
  %c : int = aten::add(%a, %a)
  return (%c)
)");
}

TEST_F(Simplify, TwoTensorsAreTwoTensorsEvenWhenTheyAreEqual) {
  const std::string text = R"(graph(%x : Tensor):
  %a : Tensor = aten::neg(%x)
  %b : Tensor = aten::neg(%x)
  %c : Tuple[Tensor, Tensor] = prim::TupleConstruct(%a, %b)
  return (%c)
)";
  EXPECT_EQ(simplified(text), text);
}

TEST_F(Simplify, EffectsStay) {
  const std::string text = R"(graph(%l : List[int], %x : int):
  %a : NoneType = aten::append(%l, %x)
  %b : int = prim::CallFunction[name="f"](%x)
  return (%x)
)";
  EXPECT_EQ(simplified(text), text);
}

TEST_F(Simplify, WhatNobodyUsesGoesAlsoWhereItCouldFail) {
  EXPECT_EQ(simplified(R"(graph(%x : Tensor, %l : List[int], %n : int):
  %a : int = prim::Constant[value=6]()
  %b : int = prim::Constant[value=0]()
  %c : int = aten::floordiv(%a, %b)
  %d : int = aten::floordiv(%a, %n)
  %e : int = aten::__getitem__(%l, %a)
  %f : Tensor = aten::select(%x, %b, %a)
  %g : Tensor = aten::matmul(%x, %f)
  %h : int = aten::size(%x, %n)
  return (%n)
)"),
            R"(graph(%x : Tensor, %l : List[int], %n : int):
  return (%n)
)");
}

TEST_F(Simplify, WhatIsThereToCheckStaysThoughNobodyUsesItsResult) {
  const std::string text = R"(graph(%x : Tensor, %o : Optional[int], %n : int):
  %two : int = prim::Constant[value=2]()
  %rows : List[Tensor] = aten::__unpack(%x, %two)
  %a : Tensor, %b : Tensor = prim::ListUnpack(%rows)
  %i : int = prim::unchecked_cast(%o)
  return (%n)
)";
  EXPECT_EQ(simplified(text), text);
}

TEST_F(Simplify, WhatABranchComputedIsNotKnownBehindIt) {
  const std::string text = R"(graph(%x : int, %c : bool):
  %r : int = prim::If(%c)
    block0():
      %a : int = aten::neg(%x)
      -> (%a)
    block1():
      -> (%x)
  %b : int = aten::neg(%x)
  %s : int = aten::add(%r, %b)
  return (%s)
)";
  EXPECT_EQ(simplified(text), text);
}

TEST_F(Simplify, ForkedGraphsAreSimplifiedToo) {
  EXPECT_THAT(simplified(R"(graph():
  %f : Future[int] = prim::fork_0()
  %r : int = aten::wait(%f)
  return (%r)

with prim::fork_0 = graph():
  %a : int = prim::Constant[value=6]()
  %b : int = aten::neg(%a)
  return (%b)
)"),
              ::testing::HasSubstr("prim::Constant[value=-6]"));
}

}  // namespace
}  // namespace tine::ir
