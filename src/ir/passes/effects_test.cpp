// What a function does to what it is given. Races are in tests/script/test_races.py.
#include "src/ir/passes/effects.h"

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

}  // namespace
}  // namespace tine::ir
