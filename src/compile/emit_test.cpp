// How many functions of the machine a graph becomes.
#include "src/compile/emit.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "src/ir/graph.h"
#include "src/ir/parse.h"
#include "src/ir/verify.h"
#include "src/value/ops/ops.h"

namespace tine::compile {
namespace {

TypePtr point() {
  auto type = ObjectType::open_class("m.Point");
  type->add_slot("x", Type::integer());
  type->close();
  return type;
}

// `depth` forks inside one another, each over the object.
std::unique_ptr<ir::Graph> nested_forks(const TypePtr& type, int depth) {
  auto graph = std::make_unique<ir::Graph>();
  ir::Def* object = graph->add_input(type, "p");
  ir::Builder inside(*graph);
  ir::Def* result = inside.get_attr(object, "x", Type::integer());
  if (depth > 0) {
    ir::Def* fork = inside.fork(nested_forks(type, depth - 1), {object});
    result = inside.cast(fork, fork->type);
  }
  graph->root().outputs = {result};
  graph->returns = {result->type};
  return graph;
}

size_t functions_in(const code::Function& f) {
  size_t n = 1 + (f.borrowing ? functions_in(*f.borrowing) : 0);
  for (const auto& child : f.children) n += functions_in(*child);
  return n;
}

TEST(Emit, MakesEachForkOnceHoweverDeepItIs) {
  const auto graph = nested_forks(point(), 30);
  ir::verify(*graph);
  EXPECT_EQ(functions_in(*emit(*graph, "m.f")), 31u);
  EXPECT_EQ(functions_in(*emit(*graph, "m.Point.f")), 62u);
}

// Its callers keep their locks.
TEST(Emit, OfFewStepsWithoutALoopOrACallIsBrief) {
  const auto brief = [](const std::string& body) {
    OpTable ops;
    add_builtin_operators(ops);
    return emit(*ir::parse(body, ops, "f"))->is_brief();
  };
  const std::string sum = "  %y : int = aten::add(%x, %x)\n";
  EXPECT_TRUE(brief("graph(%x : int):\n" + sum + "  return (%y)\n"));
  EXPECT_TRUE(brief("graph(%x : Tensor, %unused : Tensor):\n  return (%x)\n"));
  EXPECT_TRUE(brief(R"(graph(%x : int):
  %c : bool = aten::lt(%x, %x)
  %y : int = prim::If(%c)
    block0():
      -> (%x)
    block1():
      %z : int = aten::neg(%x)
      -> (%z)
  return (%y)
)"));
  EXPECT_FALSE(brief(R"(graph(%n : int):
  %true : bool = prim::Constant[value=1]()
  %s : int = prim::Loop(%n, %true, %n)
    block0(%i : int, %s.1 : int):
      %s.2 : int = aten::add(%s.1, %i)
      -> (%true, %s.2)
  return (%s)
)"));
  EXPECT_FALSE(brief("graph(%x : Tensor):\n  %y : Tensor = aten::tanh(%x)\n  return (%y)\n"));
  EXPECT_FALSE(brief("graph(%x : int):\n  %y : int = prim::CallFunction[name=\"f\"](%x)\n  return (%y)\n"));
  EXPECT_FALSE(brief("graph(%x : Future[int]):\n  %y : int = aten::wait(%x)\n  return (%y)\n"));
  std::string many;
  for (int i = 0; i < 200; ++i) many += "  %y" + std::to_string(i) + " : int = aten::add(%x, %x)\n";
  EXPECT_FALSE(brief("graph(%x : int):\n" + many + "  return (%y199)\n"));
}

TEST(Emit, BorrowsTheObjectOfAMethodAlone) {
  const auto graph = nested_forks(point(), 0);
  EXPECT_NE(emit(*graph, "m.Point.get")->borrowing, nullptr);
  EXPECT_EQ(emit(*graph, "m.get")->borrowing, nullptr);
  EXPECT_EQ(emit(*graph, "m.Pointer.get")->borrowing, nullptr);
  EXPECT_EQ(emit(*graph, "m.Point.staticmethod.get")->borrowing, nullptr);
}

}  // namespace
}  // namespace tine::compile
