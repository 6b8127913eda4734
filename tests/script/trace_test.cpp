#include "src/trace/tracer.h"
#include "tests/script/fixture.h"

namespace tine::test {
namespace {

class Trace : public Script {
 protected:
  // Eager calls, seen by the tracer.
  Value call(const std::string& op, std::vector<Value> args) {
    OpContext context;
    return tracer.call(ops.overloads(op), context, args, {});
  }
  // The number behind what the tracer gave for one; -1 when it is a constant.
  int64_t known_number(const Value& v) {
    return v.is_tensor() && tracer.is_number(v.as_tensor()) ? trace::number_in(v.as_tensor()).as_int() : -1;
  }
  Value replay(const ir::Graph& graph, std::vector<Value> args) {
    ir::verify(graph);
    // By way of the text, as it would travel.
    const std::string text = ir::print(graph, {.exact = true});
    const std::unique_ptr<ir::Graph> again = ir::parse(text, ops, graph.name, options);
    const code::Function& f = library.define(compile::emit(*again));
    return machine.call(f, args);
  }
  // The same call, seen by nobody.
  Value eager(const std::string& op, std::vector<Value> args) {
    std::vector<Value> bound;
    const Op& row = ops.resolve(op, args, {}, Boundary::kPython, &bound);
    OpContext context;
    return tine::call(row, context, bound.data());
  }
  static Tensor ones(double v) { return Tensor::scalar(v, DType::kFloat32); }
  static Value list(std::vector<Value> items) { return Value(detail::make_ref<List>(std::move(items))); }
  Value sized(std::vector<Value> sizes) { return eager("aten::ones", {list(std::move(sizes))}); }
  double at(Value tensor, const std::vector<int64_t>& index) {
    for (const int64_t i : index) tensor = eager("aten::select", {tensor, 0, i});
    return tensor.as_tensor().item_as_double();
  }
  static std::vector<int64_t> sizes(const Value& v) {
    const auto s = v.as_tensor().sizes();
    return {s.begin(), s.end()};
  }

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

TEST_F(Trace, ASizeAndWhatIsComputedFromItAreValuesOfTheGraph) {
  const Value x = sized({2, 3});
  tracer.add_input(x, "x");
  const Value rows = call("aten::size", {x, 0});
  EXPECT_EQ(known_number(rows), 2);
  const Value twice = call("aten::mul", {rows, 2});
  const auto graph = tracer.finish(call("aten::zeros", {list({twice, Value(1)})}));
  EXPECT_EQ(sizes(replay(*graph, {sized({5, 7})})), (std::vector<int64_t>{10, 1}));
}

TEST_F(Trace, ASizeIsConvertedWhereTheCallConvertedIt) {
  const Value x = sized({2, 3});
  tracer.add_input(x, "x");
  const Value rows = call("aten::size", {x, 0});
  // A float is asked for; then a tensor.
  const Value root = call("aten::pow", {rows, 0.5});
  const Value where = call("aten::where", {call("aten::gt", {x, 0}), x, rows});
  const auto graph = tracer.finish(call("aten::mul", {where, root}));
  EXPECT_EQ(at(replay(*graph, {sized({9, 1})}), {0, 0}), 3);
}

TEST_F(Trace, ATensorThatBecameANumberIsOneOfTheGraph) {
  const Value x = sized({4});
  tracer.add_input(x, "x");
  const Value sum = call("aten::sum", {x});
  const Value count = call("aten::sum", {call("aten::gt", {x, 0})});
  const auto graph = tracer.finish(call("aten::full", {list({count, Value(1)}), sum}));
  const Value result = replay(*graph, {sized({7})});
  EXPECT_EQ(sizes(result), (std::vector<int64_t>{7, 1}));
  EXPECT_EQ(at(result, {6, 0}), 7);
}

TEST_F(Trace, ASizeFromAroundAForkComesInAsAnInput) {
  const Value x = sized({2, 3});
  tracer.add_input(x, "x");
  const Value rows = call("aten::size", {x, 0});
  tracer.begin_fork();
  const Value inner = call("aten::mul", {x, rows});
  const Value count = call("aten::add", {rows, call("aten::size", {x, 1})});
  const Value both(detail::make_ref<Tuple>(std::vector<Value>{inner, count}));
  const Value future(make_ready(tracer.plain(both)));
  tracer.end_fork(both, future);
  EXPECT_THROW((void)call("aten::add", {x, count}), Error) << "outside of the fork it is what wait gives";
  const Value waited = call("aten::wait", {future});
  const Value& known = waited.as_tuple().items[1];
  EXPECT_EQ(known_number(known), 5);
  const auto graph = tracer.finish(call("aten::add", {waited.as_tuple().items[0], known}));
  EXPECT_EQ(at(replay(*graph, {sized({4, 1})}), {0, 0}), 4 + 4 + 1);
}

TEST_F(Trace, ASizeOfAConstantIsANumberLikeAnyOther) {
  tracer.add_input(sized({2}), "x");
  EXPECT_EQ(call("aten::size", {sized({3}), 0}).as_int(), 3);
  EXPECT_EQ(call("aten::add", {Value(1), Value(2)}).as_int(), 3);
}

TEST_F(Trace, ANumberOfAnotherTraceIsNoneOfThis) {
  const Value y = sized({2});
  trace::Tracer other("other", ops);
  other.add_input(y, "y");
  OpContext context;
  const Value size = other.call(ops.overloads("aten::numel"), context, std::vector{y}, {});
  EXPECT_TRUE(other.is_number(size.as_tensor()));
  EXPECT_FALSE(tracer.is_number(size.as_tensor()));
}

TEST_F(Trace, NumbersInTheResultBecomeTensors) {
  const Value x = sized({2, 3});
  tracer.add_input(x, "x");
  const Value rows = call("aten::size", {x, 0});
  const Value half = call("aten::div", {rows, 2});
  const Value many = call("aten::gt", {rows, 3});
  const auto graph = tracer.finish(Value(detail::make_ref<Tuple>(std::vector<Value>{rows, half, many})));
  const Value result = replay(*graph, {sized({5, 1})});
  const auto& items = result.as_tuple().items;
  EXPECT_EQ(items[0].as_tensor().item_as_int(), 5);
  EXPECT_EQ(items[0].as_tensor().dtype(), DType::kInt64);
  EXPECT_EQ(items[1].as_tensor().item_as_double(), 2.5);
  EXPECT_EQ(items[2].as_tensor().dtype(), DType::kBool);
}

TEST_F(Trace, AResultFromOutsideIsRefused) {
  const Value x = sized({2}), w = sized({2});
  tracer.add_input(x, "x");
  const Value sum = call("aten::add", {x, w});
  const Error error = error_of([&] {
    (void)tracer.finish(Value(detail::make_ref<Tuple>(std::vector<Value>{sum, w})));
  });
  EXPECT_THAT(error.message(),
              ::testing::StartsWith("output 2 (tensor([1., 1.])) of traced region did not have observable "
                                    "data dependence with trace inputs;"));
}

TEST_F(Trace, WhatLeftAForkByAnotherWayThanItsResultIsRefused) {
  const Value x = sized({2});
  tracer.add_input(x, "x");
  tracer.begin_fork();
  const Value left = call("aten::neg", {x});
  const Value constant = call("aten::zeros", {list({Value(2)})});
  const Value written = call("aten::zeros", {list({Value(2)})});
  (void)call("aten::copy_", {call("aten::select", {written, 0, 0}), call("aten::sum", {x})});
  const Value future(make_ready(x));
  tracer.end_fork(x, future);
  EXPECT_THAT(error_of([&] {
                (void)call("aten::add", {x, left});
              }).message(),
              ::testing::HasSubstr("left the fork other than by its result"));
  EXPECT_THROW((void)call("aten::add", {x, written}), Error) << "a view of it was written to";
  EXPECT_NO_THROW((void)call("aten::add", {x, constant}));
}

TEST_F(Trace, ADictIsReadByItsKeysAndMadeOfThem) {
  auto in = detail::make_ref<Dict>();
  in->set(Value("a"), sized({2}));
  in->set(Value("b"), sized({2}));
  const Value given(std::move(in));
  tracer.add_input(given, "d");
  auto out = detail::make_ref<Dict>();
  out->set(Value("sum"),
           call("aten::add", {*given.as_dict().find(Value("a")), *given.as_dict().find(Value("b"))}));
  const auto graph = tracer.finish(Value(std::move(out)));
  auto again = detail::make_ref<Dict>();
  again->set(Value("b"), Value(ones(3)));
  again->set(Value("a"), Value(ones(4)));
  const Value result = replay(*graph, {Value(std::move(again))});
  EXPECT_EQ(result.as_dict().find(Value("sum"))->as_tensor().item_as_double(), 7);
}

TEST_F(Trace, ADictThatAForkGivesIsMadeOfItsKeysAndValues) {
  const Value x = sized({2});
  tracer.add_input(x, "x");
  tracer.begin_fork();
  auto made = detail::make_ref<Dict>();
  made->set(Value("twice"), call("aten::mul", {x, 2}));
  made->set(Value("less"), call("aten::sub", {x, 1}));
  const Value both(std::move(made));
  const Value future(make_ready(both));
  tracer.end_fork(both, future);
  const Value waited = call("aten::wait", {future});
  const auto graph = tracer.finish(
      call("aten::div", {*waited.as_dict().find(Value("twice")), *waited.as_dict().find(Value("less"))}));
  EXPECT_EQ(replay(*graph, {Value(ones(5))}).as_tensor().item_as_double(), 2.5);
}

TEST_F(Trace, IndicesAreAListOfTensorsOrNone) {
  const Value x = sized({3, 3});
  tracer.add_input(x, "x");
  const Value rows = call("aten::tensor", {list({Value(0), Value(2)})});
  const Value taken = call("aten::index", {x, list({rows})});
  (void)call("aten::index_put_", {taken, list({Value(), rows}), call("aten::tensor", {7.0})});
  const auto graph = tracer.finish(taken);
  const Value result = replay(*graph, {sized({4, 5})});
  EXPECT_EQ(sizes(result), (std::vector<int64_t>{2, 5}));
  EXPECT_EQ(at(result, {1, 2}), 7);
  EXPECT_EQ(at(result, {1, 1}), 1);
}

}  // namespace
}  // namespace tine::test
