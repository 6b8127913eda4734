// How many functions of the machine a graph becomes.
#include "src/compile/emit.h"

#include <gtest/gtest.h>

#include <functional>

#include "src/ir/graph.h"
#include "src/ir/verify.h"

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

TEST(Emit, BorrowsTheObjectOfAMethodAlone) {
  const auto graph = nested_forks(point(), 0);
  EXPECT_NE(emit(*graph, "m.Point.get")->borrowing, nullptr);
  EXPECT_EQ(emit(*graph, "m.get")->borrowing, nullptr);
  EXPECT_EQ(emit(*graph, "m.Pointer.get")->borrowing, nullptr);
  EXPECT_EQ(emit(*graph, "m.Point.staticmethod.get")->borrowing, nullptr);
}

}  // namespace
}  // namespace tine::compile
