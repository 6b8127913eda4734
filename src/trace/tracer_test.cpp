#include "src/trace/tracer.h"

#include <gtest/gtest.h>

#include "src/ir/print.h"
#include "src/ir/verify.h"
#include "src/value/op_table.h"
#include "tine/future.h"

namespace tine::trace {
namespace {

Value first(OpContext&, const Value* args) { return args[0]; }
Value fresh(OpContext&, const Value*) { return Value(Tensor::scalar(1.0, DType::kFloat32)); }
Value number(OpContext&, const Value*) { return Value(3); }
Value waited(OpContext&, const Value* args) { return args[0].to_future().get(); }

struct Fixture : testing::Test {
  Fixture() {
    table.add("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", fresh);
    table.add("aten::dim(Tensor self) -> int", number);
    table.add("aten::stack(Tensor[] tensors, int dim=0) -> Tensor", fresh);
    table.add("aten::relu_(Tensor(a!) self) -> Tensor(a!)", first, {.pure = false});
    table.add("aten::wait(Future(t) self) -> t", waited, {.pure = false, .bounded = false, .suspends = true});
    context.recorder = &tracer;
  }
  Value run(std::string_view op, std::vector<Value> args) {
    return call(*table.find(op), context, args.data());
  }
  static Value tensor() { return Value(Tensor::scalar(2.0, DType::kFloat32)); }
  std::string finish(const Value& out) {
    auto graph = tracer.finish(out);
    ir::verify(*graph);
    return ir::print(*graph, {.places = false});
  }

  OpTable table;
  OpContext context;
  Tracer tracer{"f"};
};

TEST_F(Fixture, OperatorsOnInputsBecomeNodes) {
  const Value x = tensor();
  tracer.add_input(x, "x");
  const Value y = run("aten::add.Tensor", {x, x, Value(1)});
  const std::string text = finish(y);
  EXPECT_NE(text.find("graph(%x : Tensor)"), std::string::npos) << text;
  EXPECT_NE(text.find("aten::add(%x, %x, "), std::string::npos) << text;
}

TEST_F(Fixture, TensorsFromElsewhereBecomeConstants) {
  const Value x = tensor(), weight = tensor();
  tracer.add_input(x, "x");
  EXPECT_NE(finish(run("aten::add.Tensor", {x, weight, Value(1)})).find("<Tensor>"), std::string::npos);
}

TEST_F(Fixture, NumbersAreNotFollowed) {
  const Value x = tensor();
  tracer.add_input(x, "x");
  const Value n = run("aten::dim", {x});
  const std::string text =
      finish(run("aten::stack", {Value(detail::make_ref<List>(std::vector<Value>{x, x})), n}));
  EXPECT_EQ(text.find("aten::dim"), std::string::npos) << text;
  EXPECT_NE(text.find("prim::ListConstruct(%x, %x)"), std::string::npos) << text;
}

TEST_F(Fixture, AnInPlaceResultStandsForItsInputFromThenOn) {
  const Value x = tensor();
  tracer.add_input(x, "x");
  run("aten::relu_", {x});
  const std::string text = finish(run("aten::add.Tensor", {x, x, Value(1)}));
  EXPECT_EQ(text.find("aten::add(%x, %x"), std::string::npos) << text;
}

TEST_F(Fixture, AForkIsASubgraphThatTakesWhatItUsesFromAround) {
  const Value x = tensor();
  tracer.add_input(x, "x");
  tracer.begin_fork("g");
  const Value inner = run("aten::add.Tensor", {x, x, Value(1)});
  const Value future(make_ready(Value(inner)));
  tracer.end_fork(inner, future);
  const std::string text = finish(run("aten::wait", {future}));
  EXPECT_NE(text.find("prim::fork"), std::string::npos) << text;
  EXPECT_NE(text.find("aten::wait"), std::string::npos) << text;
  EXPECT_LT(text.find("aten::wait"), text.find("aten::add")) << "the subgraph follows its graph:\n" << text;
}

TEST_F(Fixture, ATupleInputIsUnpacked) {
  const Value a = tensor(), b = tensor();
  tracer.add_input(Value(detail::make_ref<Tuple>(std::vector<Value>{a, b})), "pair");
  const std::string text = finish(run("aten::add.Tensor", {a, b, Value(1)}));
  EXPECT_NE(text.find("prim::TupleUnpack(%pair)"), std::string::npos) << text;
}

TEST_F(Fixture, AttributesOfSelfAreReadOnce) {
  auto inner =
      std::make_shared<const ObjectType>("Inner", std::vector<ObjectType::Slot>{{"weight", Type::tensor()}});
  auto outer = std::make_shared<const ObjectType>("Outer", std::vector<ObjectType::Slot>{{"first", inner}});
  const Value x = tensor(), weight = tensor();
  tracer.add_self(outer, "self");
  tracer.add_input(x, "x");
  tracer.add_attribute(weight.as_tensor(), {"first", "weight"});
  run("aten::add.Tensor", {x, weight, Value(1)});
  tracer.begin_fork("g");
  const Value in_fork = run("aten::add.Tensor", {x, weight, Value(1)});
  const Value future(make_ready(Value(in_fork)));
  tracer.end_fork(in_fork, future);
  const std::string text = finish(run("aten::wait", {future}));
  EXPECT_EQ(text.find("GetAttr[name=\"weight\"]"), text.rfind("GetAttr[name=\"weight\"]")) << text;
}

TEST_F(Fixture, AFutureFromOutsideIsRefused) {
  const Value outside(make_ready(tensor()));
  EXPECT_THROW(run("aten::wait", {outside}), ValueError);
}

TEST_F(Fixture, AForkLeftOpenIsAnError) {
  tracer.begin_fork("g");
  EXPECT_THROW((void)tracer.finish(Value()), ValueError);
  tracer.drop_fork();
  EXPECT_NO_THROW((void)tracer.finish(Value(Tensor::scalar(true))));
}

}  // namespace
}  // namespace tine::trace
