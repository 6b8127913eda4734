#include "tine/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tine/error.h"
#include "tine/runtime.h"
#include "tine/script.h"

namespace tine::script {
namespace {

using testing::HasSubstr;

Function scaled() {
  return compile(R"(
def scaled(x: Tensor, n: int) -> Tensor:
    y = torch.relu(x)
    for i in range(n):
        y = y + i
    return y * 2.0
)")
      .function("scaled");
}

double run(const Function& f, double x) {
  return f(Tensor::scalar(x, DType::kFloat64), 2).to_tensor().item_as_double();
}

template <class E, class F>
void refused(F f, const char* words) {
  try {
    f();
    ADD_FAILURE() << "nothing was thrown, expected: " << words;
  } catch (const E& error) {
    EXPECT_THAT(error.what(), HasSubstr(words));
  }
}

TEST(GraphOfFunction, AChangeOfTheCopyIsAFunctionOfItsOwn) {
  const Function f = scaled();
  const Graph graph = f.graph();
  for (const Node& node : graph.find_all_nodes("aten::relu")) node.become("aten::neg", node.inputs());
  graph.set_output(0, graph.insert("aten::mul", {graph.outputs()[0], Value(0.5)}));
  const Function changed = graph.create_function("changed");
  EXPECT_EQ(run(changed, 3), -2);
  EXPECT_EQ(run(f, 3), 8);
  EXPECT_EQ(changed.signature(), "changed(Tensor x, int n) -> Tensor");
  EXPECT_TRUE(f.graph().find_node("aten::relu").has_value());
}

TEST(GraphOfFunction, HandlesOfOneThingAreEqualAndKeepTheGraph) {
  std::optional<Node> add;
  {
    const Graph graph = scaled().graph();
    add = graph.find_node("aten::add");
    EXPECT_TRUE(*add == graph.find_all_nodes("aten::add")[0]);
    EXPECT_TRUE(add->outputs()[0].node() == *add);
    EXPECT_FALSE(*add == *graph.find_node("aten::mul"));
    EXPECT_TRUE(graph.inputs()[0].node() == graph.param_node());
  }
  EXPECT_EQ(add->kind(), "aten::add");
  EXPECT_EQ(add->owning_block()->owning_node()->kind(), "prim::Loop");
  EXPECT_EQ(add->place().line, 5);
}

TEST(GraphOfFunction, WhatWasDestroyedIsAnError) {
  const Graph graph = scaled().graph();
  const Node loop = *graph.find_node("prim::Loop");
  const Block body = loop.blocks()[0];
  const Node add = *graph.find_node("aten::add");
  const Def counter = body.inputs()[0];
  loop.replace_all_uses_with(*graph.find_node("aten::relu"));
  loop.destroy();
  refused<Error>([&] { (void)loop.kind(); }, "destroyed");
  refused<Error>([&] { (void)add.inputs(); }, "destroyed");
  refused<Error>([&] { (void)body.nodes(); }, "destroyed");
  refused<Error>([&] { (void)counter.uses(); }, "gone");
  refused<Error>([&] { (void)graph.register_output(counter); }, "gone");
  EXPECT_EQ(run(graph.create_function("without"), 3), 6);
}

TEST(GraphOfFunction, ANodeIsNotPutInsideItself) {
  const Graph graph;
  const Node outer = graph.create("prim::If", {}, 0);
  const Node inner = graph.create("prim::If", {}, 0);
  const Block of_outer = outer.add_block(), of_inner = inner.add_block();
  graph.set_insert_point(of_outer);
  refused<ValueError>([&] { (void)graph.insert_node(outer); }, "inside a block of its own");
  (void)graph.insert_node(inner);
  graph.set_insert_point(of_inner);
  refused<ValueError>([&] { (void)graph.insert_node(outer); }, "inside a block of its own");
  const Def in_inner = graph.insert_constant(Value(1));
  graph.set_insert_point(in_inner.node());
  refused<ValueError>([&] { (void)graph.insert_node(outer); }, "inside a block of its own");
  refused<ValueError>([&] { outer.move_before(in_inner.node()); }, "inside a block of its own");
  graph.set_insert_point(graph.block());
  (void)graph.insert_node(outer);
  EXPECT_EQ(graph.nodes().size(), 1u);
}

TEST(GraphOfFunction, WhatAPassTakesAwayIsGoneWithAllThatIsInIt) {
  const Graph graph = Graph::parse(R"(graph(%x : int):
  %t : bool = prim::Constant[value=1]()
  %two : int = prim::Constant[value=2]()
  %dead : int = aten::floordiv(%x, %two)
  %same : int = aten::sub(%x, %two)
  %again : int = aten::sub(%x, %two)
  %r : int = prim::If(%t)
    block0():
      %a : int = aten::mul(%same, %again)
      -> (%a)
    block1():
      %n : int, %b : int = prim::Loop(%two, %t, %x, %x)
        block0(%i : int, %p : int, %q : int):
          %next : int = aten::add(%p, %q)
          -> (%t, %q, %next)
      -> (%b)
  %m : int, %o : int = prim::Loop(%two, %t, %r, %x)
    block0(%j : int, %u : int, %v : int):
      %w : int = aten::neg(%v)
      -> (%t, %w, %u)
  return (%m)
)");
  const auto gone = [](auto f) { refused<ValueError>([&] { (void)f(); }, "destroyed"); };
  const Node choice = *graph.find_node("prim::If"), add = *graph.find_node("aten::add");
  const std::vector<Block> branches = choice.blocks();
  const Def counter = add.owning_block()->inputs()[0];
  graph.set_insert_point(branches[1]);
  EXPECT_TRUE(graph.run_pass("constant_propagation"));
  gone([&] { return choice.kind(); });
  gone([&] { return add.kind(); });
  gone([&] { return branches[0].nodes(); });
  gone([&] { return branches[1].add_input(); });
  gone([&] { return counter.type(); });
  EXPECT_EQ(graph.find_node("aten::mul")->owning_block(), graph.block());
  EXPECT_TRUE(graph.insert_point() == graph.return_node());

  const Node dead = *graph.find_node("aten::floordiv"), again = graph.find_all_nodes("aten::sub")[1];
  EXPECT_TRUE(graph.run_pass("cse"));
  gone([&] { return again.outputs(); });
  EXPECT_TRUE(graph.run_pass("dce"));
  gone([&] { return dead.kind(); });

  const Node loop = *graph.find_node("prim::Loop"), neg = *graph.find_node("aten::neg");
  EXPECT_TRUE(graph.run_pass("loop_unrolling"));
  gone([&] { return loop.kind(); });
  gone([&] { return neg.kind(); });
  EXPECT_EQ(graph.find_all_nodes("aten::neg").size(), 2u);
  EXPECT_EQ(graph.create_function("lean")(5).to_int(), -9);
}

TEST(GraphOfFunction, BlocksOfANodeThatBecomesAnOperatorAreGone) {
  const Graph graph = scaled().graph();
  const Node loop = *graph.find_node("prim::Loop"), relu = *graph.find_node("aten::relu");
  const Block body = loop.blocks()[0];
  loop.become("aten::neg", {relu.output(0)});
  refused<ValueError>([&] { (void)body.nodes(); }, "destroyed");
  refused<ValueError>([&] { (void)body.add_input(); }, "destroyed");
  EXPECT_EQ(run(graph.create_function("negated"), 3), -6);
}

Graph with_a_fork() {
  return Graph::parse(R"(graph(%x : int):
  %f : Future[int] = prim::fork_0(%x)
  %r : int = aten::wait(%f)
  return (%r)

with prim::fork_0 = graph(%x : int):
  %two : int = prim::Constant[value=2]()
  %a : int = aten::add(%x, %two)
  %dead : int = aten::mul(%a, %two)
  return (%a)
)");
}

TEST(GraphOfFunction, APassIsSeenInTheGraphsOfForks) {
  const Graph graph = with_a_fork();
  const Graph fork = graph.find_node("prim::fork")->attribute_graph("Subgraph");
  const Def sum = fork.find_node("aten::add")->output(0);
  EXPECT_EQ(sum.uses().size(), 2u);
  EXPECT_TRUE(graph.run_pass("dce"));
  EXPECT_EQ(sum.uses().size(), 1u);
}

TEST(GraphOfFunction, WhatUsesAValueOfNoBlockIsNotCopied) {
  const Graph graph = with_a_fork(), other = with_a_fork();
  const Node fork = *graph.find_node("prim::fork");
  const Graph sub = fork.attribute_graph("Subgraph");
  sub.set_output(0, sub.create("aten::neg", sub.inputs()).output(0));
  const char* const words = "a value that is in no block of it";
  refused<ValueError>([&] { (void)graph.copy(); }, words);
  refused<ValueError>([&] { (void)graph.create_clone(fork, {}); }, words);
  refused<ValueError>([&] { other.find_node("prim::fork")->copy_attributes(fork); }, words);
  refused<ValueError>([&] { (void)other.insert_graph(sub, other.inputs()); }, words);
}

TEST(GraphOfFunction, AMemberOfAnEnumIsAConstant) {
  const auto color = std::make_shared<const EnumType>(
      "app.Color", Type::integer(), std::vector<EnumType::Member>{{"RED", Value(1)}, {"BLUE", Value(2)}});
  const Graph graph;
  const Def blue = graph.insert_constant(enum_member(color, 1));
  EXPECT_TRUE(equal(blue.type(), color));
  EXPECT_EQ(blue.node().kind_of("value"), "ival");
  EXPECT_THAT(graph.str(), HasSubstr("app.Color.BLUE"));
  (void)graph.register_output(blue);
  EXPECT_EQ(graph.create_function("blue")().repr(), enum_member(color, 1).repr());
}

TEST(GraphOfFunction, ItIsReadFromText) {
  const Graph graph = Graph::parse(R"(graph(%x.1 : Float(2, strides=[1], requires_grad=0, device=cpu),
      %n : int):
  %k : bool = prim::Constant[value=0]()
  %y : Tensor, %i : Tensor = aten::max(%x.1, %n, %k), scope: __module.fc # file.py:3:4
  return (%y, %i))");
  EXPECT_EQ(graph.outputs().size(), 2u);
  EXPECT_EQ(graph.find_node("aten::max")->place().line, 3);
  refused<Error>([&] { (void)graph.create_function("two"); }, "make_multi_output_into_tuple");
  graph.make_multi_output_into_tuple();
  const Function f = graph.create_function("two");
  EXPECT_EQ(f(Runtime::instance().ops().call("aten::tensor", std::vector<double>{3, 5}), 0)
                .to_tuple()
                .items[1]
                .to_tensor()
                .item_as_double(),
            1);
  refused<Error>([] { (void)Graph::parse("graph("); }, "IR text, line 1");
}

TEST(GraphOfFunction, AnotherRuntimesGraphIsOfItsOwnFunctions) {
  Runtime other(RuntimeOptions{});
  const Function f =
      compile("def one(x: int) -> int:\n    return x + 1\n", {.runtime = &other}).function("one");
  const Function made = f.graph().create_function("made");
  EXPECT_EQ(made(1).to_int(), 2);
  EXPECT_TRUE(Graph(&other).nodes().empty());
}

}  // namespace
}  // namespace tine::script
