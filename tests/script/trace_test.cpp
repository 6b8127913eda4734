#include "src/trace/tracer.h"
#include "tests/script/fixture.h"

namespace tine::test {
namespace {

class Trace : public Script {
 protected:
  // Eager calls, seen by the tracer.
  Value call(const std::string& op, std::vector<Value> args) {
    std::vector<Value> bound;
    const Op& row = ops.resolve(op, args, {}, Boundary::kPython, &bound);
    OpContext context;
    context.recorder = &tracer;
    return tine::call(row, context, bound.data());
  }
  Value replay(const ir::Graph& graph, std::vector<Value> args) {
    ir::verify(graph);
    // By way of the text, as it would travel.
    const std::string text = ir::print(graph, {.exact = true});
    const std::unique_ptr<ir::Graph> again = ir::parse(text, ops, graph.name, options);
    const code::Function& f = library.define(compile::emit(*again));
    return machine.call(f, args);
  }
  static Tensor ones(double v) { return Tensor::scalar(v, DType::kFloat32); }

  trace::Tracer tracer{"traced", ops};
};

TEST_F(Trace, CallsBecomeNodesAndNumbersConstants) {
  const Tensor x = ones(2);
  tracer.add_input(Value(x), "x");
  const Value y = call("aten::mul", {Value(x), Value(3)});
  const Value z = call("aten::add", {y, Value(x)});
  const auto graph = tracer.finish(z);
  EXPECT_NE(ir::print(*graph).find("aten::mul(%x"), std::string::npos);
  EXPECT_EQ(replay(*graph, {Value(ones(5))}).as_tensor().item_as_double(), 20);
}

TEST_F(Trace, AForkBecomesASubgraphThatSeesOuterValuesAsInputs) {
  const Tensor x = ones(2);
  tracer.add_input(Value(x), "x");
  const Value outer = call("aten::mul", {Value(x), Value(10)});
  tracer.begin_fork();
  const Value inner = call("aten::add", {Value(x), outer});
  const Value future(make_ready(inner));
  tracer.end_fork(inner, future);
  const Value waited = call("aten::wait", {future});
  const Value result = call("aten::neg", {waited});
  const auto graph = tracer.finish(result);
  const std::string text = ir::print(*graph);
  EXPECT_NE(text.find("prim::fork_0(%x, "), std::string::npos) << text;
  EXPECT_NE(text.find("with prim::fork_0 = graph("), std::string::npos) << text;
  EXPECT_NE(text.find("aten::wait("), std::string::npos) << text;
  EXPECT_EQ(replay(*graph, {Value(ones(3))}).as_tensor().item_as_double(), -33);
}

TEST_F(Trace, ATensorFromOutsideIsAConstant) {
  const Tensor x = ones(2);
  const Tensor w = ones(7);
  tracer.add_input(Value(x), "x");
  const auto graph = tracer.finish(call("aten::mul", {Value(x), Value(w)}));
  EXPECT_EQ(replay(*graph, {Value(ones(2))}).as_tensor().item_as_double(), 14);
}

TEST_F(Trace, ATensorOfSelfIsAnAttribute) {
  const auto inner_type =
      std::make_shared<const ObjectType>("Inner", std::vector<ObjectType::Slot>{{"w", Type::tensor()}});
  const auto type =
      std::make_shared<const ObjectType>("Outer", std::vector<ObjectType::Slot>{{"inner", inner_type}});
  options.object_type = [&](std::string_view name) -> std::shared_ptr<const ObjectType> {
    return name == "Outer" ? type : name == "Inner" ? inner_type : nullptr;
  };
  const auto make = [&](double w) {
    return Value(detail::make_ref<Object>(type, std::vector<Value>{Value(detail::make_ref<Object>(
                                                    inner_type, std::vector<Value>{Value(ones(w))}))}));
  };
  const Value self = make(3);
  const Tensor x = ones(2);
  tracer.add_self(self);
  tracer.add_input(Value(x), "x");
  const Value w = self.as_object().slots[0].as_object().slots[0];
  const auto graph = tracer.finish(call("aten::mul", {Value(x), w}));
  EXPECT_NE(ir::print(*graph).find("prim::GetAttr[name=\"w\"]"), std::string::npos);
  EXPECT_EQ(replay(*graph, {make(5), Value(ones(4))}).as_tensor().item_as_double(), 20);
}

TEST_F(Trace, SeveralResultsAreATuple) {
  const Tensor x = ones(2);
  tracer.add_input(Value(x), "x");
  const Value y = call("aten::neg", {Value(x)});
  const auto graph = tracer.finish(Value(detail::make_ref<Tuple>(std::vector<Value>{y, Value(x)})));
  EXPECT_EQ(replay(*graph, {Value(ones(4))}).as_tuple().items[0].as_tensor().item_as_double(), -4);
}

TEST_F(Trace, ANumberTakenOutOfATensorIsWarnedAbout) {
  const Tensor x = ones(2);
  tracer.add_input(Value(x), "x");
  const Value n = call("aten::item", {Value(x)});
  const auto graph = tracer.finish(call("aten::mul", {Value(x), n}));
  ASSERT_EQ(tracer.warnings().size(), 1u);
  EXPECT_NE(tracer.warnings()[0].text.find("aten::item"), std::string::npos);
}

TEST_F(Trace, AFutureFromOutsideIsRefused) {
  Promise<Value> promise;
  const Value future(promise.future());
  promise.set_value(Value(ones(1)));
  EXPECT_THROW(call("aten::wait", {future}), ValueError);
}

}  // namespace
}  // namespace tine::test
