// What a function does to what it is given. Races are in tests/script/test_races.py.
#include "src/ir/passes/effects.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "src/ir/parse.h"
#include "src/value/ops/ops.h"

namespace tine::ir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Effects : public ::testing::Test {
 protected:
  Effects() { add_builtin_operators(ops); }
  std::vector<std::string> summary(std::string_view text) {
    const auto graph = parse(text, ops);
    return summary_of(*graph, graph_named());
  }
  std::vector<Race> races(std::string_view text) {
    const auto graph = parse(text, ops);
    return find_races(*graph, graph_named());
  }
  GraphNamed graph_named() {
    return [this](std::string_view name) -> const Graph* {
      const auto found = functions.find(std::string(name));
      return found == functions.end() ? nullptr : found->second.get();
    };
  }
  OpTable ops;
  std::map<std::string, std::unique_ptr<Graph>> functions;
};

TEST_F(Effects, AFunctionOfNumbersHasNone) {
  EXPECT_THAT(summary("graph(%x : int):\n  %y : int = aten::neg(%x)\n  return (%y)\n"), IsEmpty());
}

TEST_F(Effects, AWriteThroughAViewIsAWriteOfAPart) {
  EXPECT_THAT(summary(R"(graph(%x : Tensor, %y : Tensor):
  %zero : int = prim::Constant[value=0]()
  %row : Tensor = aten::select(%x, %zero, %zero)
  %no : bool = prim::Constant[value=0]()
  %done : Tensor = aten::copy_(%row, %y, %no)
  return (%done)
)"),
              ElementsAre("reads input 1", "writes input 0[...]"));
}

TEST_F(Effects, WhatACalleeDoesIsDone) {
  functions["f"] = parse(R"(graph(%l : List[int]):
  %one : int = prim::Constant[value=1]()
  %n : NoneType = aten::append(%l, %one)
  return (%n)
)",
                         ops, "f");
  EXPECT_THAT(summary(R"(graph(%a : int, %l : List[int]):
  %n : NoneType = prim::CallFunction[name="f"](%l)
  return (%n)
)"),
              ElementsAre("writes input 1"));
}

TEST_F(Effects, WhatIsMadeHereIsNobodysElse) {
  EXPECT_THAT(summary(R"(graph(%a : int):
  %l : List[int] = prim::ListConstruct(%a)
  %n : NoneType = aten::append(%l, %a)
  return (%l)
)"),
              IsEmpty());
}

TEST_F(Effects, AFunctionThatCallsItselfEnds) {
  functions["f"] = parse(R"(graph(%l : List[int]):
  %n : NoneType = prim::CallFunction[name="f"](%l)
  %m : NoneType = aten::clear(%l)
  return (%m)
)",
                         ops, "f");
  EXPECT_THAT(summary_of(*functions["f"], graph_named()), ElementsAre("writes input 0"));
}

TEST_F(Effects, ARaceNamesBothPlaces) {
  const std::vector<Race> found = races(R"(graph(%l : List[int]):
  %f : Future[NoneType] = prim::fork_0(%l) # f.py:1:1
  %n : int = aten::len(%l) # f.py:2:1
  %w : NoneType = aten::wait(%f)
  return (%n)

with prim::fork_0 = graph(%l : List[int]):
  %m : NoneType = aten::clear(%l) # f.py:9:1
  return (%m)
)");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].fork.str(), "f.py:1:1");
  EXPECT_THAT(found[0].message(), HasSubstr("writes at f.py:9:1 to what its forker reads at f.py:2:1"));
}

TEST_F(Effects, RacesBetweenTurnsAreFoundInLoopsHoweverManyAreAroundEachOther) {
  constexpr int kLoops = 60;  // each walked twice in each turn of the one around it would be 2^60 walks
  std::string open, close;
  for (int i = 0; i < kLoops; ++i) {
    open += fmt::format("prim::Loop(%n, %t)\nblock0(%i{} : int):\n", i);
    close += "-> (%t)\n";
  }
  // The read comes before the fork: the task of the turn before is still there, of each of the loops.
  const std::vector<Race> found = races(R"(graph(%l : List[int], %n : int):
  %t : bool = prim::Constant[value=1]()
)" + open + R"(
  %k : int = aten::len(%l) # f.py:2:1
  %f : Future[NoneType] = prim::fork_0(%l) # f.py:3:1
)" + close + R"(
  return (%n)

with prim::fork_0 = graph(%l : List[int]):
  %m : NoneType = aten::clear(%l) # f.py:9:1
  return (%m)
)");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(found[0].message(), HasSubstr("writes at f.py:9:1 to what its forker reads at f.py:2:1"));
  EXPECT_THAT(found[1].message(), HasSubstr("another task"));
}

TEST_F(Effects, ARaceOfTheOuterLoopsTurnsIsFoundInsideTheInnerOne) {
  // The inner loop waits for its own task in each turn, so only the outer one's is left.
  const std::vector<Race> found = races(R"(graph(%l : List[int], %n : int):
  %t : bool = prim::Constant[value=1]()
  prim::Loop(%n, %t)
    block0(%i : int):
      prim::Loop(%n, %t)
        block0(%j : int):
          %k : int = aten::len(%l) # f.py:2:1
          -> (%t)
      %f : Future[NoneType] = prim::fork_0(%l) # f.py:3:1
      -> (%t)
  return (%n)

with prim::fork_0 = graph(%l : List[int]):
  %m : NoneType = aten::clear(%l) # f.py:9:1
  return (%m)
)");
  ASSERT_GE(found.size(), 1u);
  EXPECT_THAT(found[0].message(), HasSubstr("reads at f.py:2:1"));
}

TEST_F(Effects, TheLargestIndexIsAPartAsOthersAre) {
  const auto of_parts = [&](const char* written, const char* read) {
    return races(fmt::format(R"(graph(%x : Tensor, %y : Tensor):
  %d : int = prim::Constant[value=0]()
  %no : bool = prim::Constant[value=0]()
  %most : int = prim::Constant[value=9223372036854775807]()
  %five : int = prim::Constant[value=5]()
  %f : Future[Tensor] = prim::fork_0(%x, %y)
  %r : Tensor = {}
  %s : Tensor = aten::neg(%r)
  %w : Tensor = aten::wait(%f)
  return (%s)

with prim::fork_0 = graph(%x : Tensor, %y : Tensor):
  %d : int = prim::Constant[value=0]()
  %no : bool = prim::Constant[value=0]()
  %most : int = prim::Constant[value=9223372036854775807]()
  %five : int = prim::Constant[value=5]()
  %r : Tensor = {}
  %z : Tensor = aten::copy_(%r, %y, %no)
  return (%z)
)",
                             read, written))
        .size();
  };
  EXPECT_EQ(of_parts("aten::select(%x, %d, %most)", "aten::slice(%x, %d, %d, %five, %d)"), 0u);
  EXPECT_EQ(of_parts("aten::select(%x, %d, %most)", "aten::select(%x, %d, %most)"), 1u);
  EXPECT_EQ(of_parts("aten::narrow(%x, %d, %most, %five)", "aten::slice(%x, %d, %d, %five, %d)"), 0u);
  EXPECT_EQ(of_parts("aten::narrow(%x, %d, %d, %five)", "aten::select(%x, %d, %d)"), 1u);
  EXPECT_EQ(of_parts("aten::narrow(%x, %d, %d, %five)", "aten::select(%x, %d, %five)"), 0u);
}

}  // namespace
}  // namespace tine::ir
