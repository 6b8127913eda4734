#include "src/value/cost.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "src/base/testing/cpu_time.h"
#include "src/tensor/generator.h"
#include "src/tensor/kernels/create.h"
#include "src/tensor/kernels/linear.h"
#include "src/tensor/kernels/pointwise.h"
#include "src/tensor/kernels/shape.h"
#include "src/value/op_context.h"
#include "src/value/ops/ops.h"
#include "tine/future.h"

namespace tine::value {
namespace {

const OpTable& builtins() {
  static const OpTable& table = *[] {
    auto* t = new OpTable;
    add_builtin_operators(*t);
    return t;
  }();
  return table;
}

int64_t estimate(std::string_view name, std::vector<Value> args, std::vector<Keyword> keywords = {}) {
  std::vector<Value> bound;
  const Op& op = builtins().resolve(name, args, keywords, Boundary::kPython, &bound);
  return nanoseconds(op, bound.data());
}

Tensor ones(std::vector<int64_t> sizes, DType dtype = DType::kFloat32) { return tensor::ones(sizes, dtype); }
Value list(std::vector<Value> items) { return detail::make_ref<List>(std::move(items)); }

// ---- the table against the clock

// What a call's tensors look like.
enum class Layout : uint8_t {
  kVectors,
  kMatrices,
  kBroadcast,
  kTransposed,
  kMixed,
  kIntegers,
  kBools,
  kColumns,
  kCubes
};

Tensor made(Layout layout, bool first, int64_t n) {
  const auto side = static_cast<int64_t>(std::sqrt(static_cast<double>(n))) + 1;
  switch (layout) {
    case Layout::kVectors: return ones({n});
    case Layout::kMatrices: return ones({side, side});
    case Layout::kBroadcast: return first ? ones({side, 1}) : ones({1, side});
    case Layout::kTransposed: return tensor::t(ones({side, side}));
    case Layout::kMixed: return ones({n}, first ? DType::kFloat32 : DType::kFloat64);
    case Layout::kIntegers: return ones({n}, DType::kInt64);
    case Layout::kBools: return ones({n}, DType::kBool);
    case Layout::kColumns: return ones({n, 3});
    case Layout::kCubes: {
      const auto edge = static_cast<int64_t>(std::cbrt(static_cast<double>(n))) + 1;
      return ones({edge, edge, edge});
    }
  }
  return {};
}

// Arguments by the type and the name that the schema gives them.
class Arguments {
 public:
  Arguments(const Op& op, Layout layout, int64_t n) : op_(op), layout_(layout), n_(n) {}
  std::vector<Value> make() {
    std::vector<Value> out;
    for (const Argument& arg : op_.schema.args) out.push_back(one(arg));
    return out;
  }

 private:
  Value one(const Argument& arg) {
    const std::string& name = arg.name;
    if (name == "num_classes") return 10;
    if (arg.default_value && name != "dim" && name != "min") return *arg.default_value;
    return of(*arg.type, name);
  }

  Value of(const Type& type, const std::string& name) {
    switch (type.kind) {
      case TypeKind::kOptional: {
        const TypeKind kind = type.of[0]->kind;
        const bool given = kind == TypeKind::kTensor || kind == TypeKind::kNumber || name == "dim";
        return given ? of(*type.of[0], name) : Value();
      }
      case TypeKind::kTensor: return tensor(name);
      case TypeKind::kBool: return true;
      case TypeKind::kFloat: return 0.5;
      case TypeKind::kNumber: return name == "end" ? n_ : 1;
      case TypeKind::kInt: return integer(name);
      case TypeKind::kStr: return text(name);
      case TypeKind::kList: return list_of(*type.of[0], name);
      case TypeKind::kDict: return dict();
      case TypeKind::kFuture: return Value(make_ready<Value>(1));
      case TypeKind::kEnum:
        return enum_member(std::static_pointer_cast<const EnumType>(parse_type("Enum(E, int, A = 1)")), 0);
      case TypeKind::kAny:
      case TypeKind::kVariable:
        return name == "elem" || name == "data" ? numbers() : name == "value" ? Value(1) : Value(n_ / 2);
      default: return {};
    }
  }

  Value tensor(const std::string& name) {
    const bool first = std::exchange(first_, false);
    if (name == "target" && layout_ == Layout::kColumns)
      return tensor::zeros(std::vector<int64_t>{n_}, DType::kInt64);
    if (name == "vec") return ones({side()});
    if (name == "index") return tensor::zeros(std::vector<int64_t>{n_}, DType::kInt64);
    const Tensor t = made(layout_, first, n_);
    OpContext context;
    return name == "mask" || name == "condition" ? tensor::to(context, t, DType::kBool) : t;
  }
  Value integer(const std::string& name) const {
    if (name == "dtype") return static_cast<int64_t>(DType::kFloat64);
    if (op_.schema.name == "prim::tolist") return layout_ == Layout::kMatrices ? 2 : 1;
    if (name.starts_with("dim") || name == "idx" || name == "start" || name == "index" || name == "low") {
      return 0;
    }
    if (name == "n" && op_.schema.args.size() == 2) return 3;  // list * n
    if (name == "n" || name == "m") return op_.schema.name == "aten::eye" ? side() : n_;
    if (name == "steps" || name == "chunks" || name == "width" || name == "high") return n_;
    return 1;
  }
  Value text(const std::string& name) {
    const bool first = std::exchange(first_, false);
    if (name == "device" || op_.schema.name == "aten::device") return "cpu";
    if (name == "element") return "float";
    if (op_.schema.name == "aten::percentFormat") return "%s %s %s";
    if (name == "rounding_mode") return "floor";
    if (name == "reduction") return "mean";
    if (name == "fillchar") return "x";
    if (op_.schema.full_name().starts_with("aten::Int") ||
        op_.schema.full_name().starts_with("aten::Float")) {
      return std::string(static_cast<size_t>(std::min<int64_t>(n_, 18)), '1');
    }
    if (name == "string" && op_.schema.name == "aten::ord") return "x";
    // Found at the last place only, after long comparisons everywhere else.
    return std::string(static_cast<size_t>(first ? n_ : side() / 4), 'a') + "b";
  }
  Value list_of(const Type& type, const std::string& name) {
    if (type.kind == TypeKind::kTensor || type.kind == TypeKind::kOptional) {
      if (name == "indices") return list({tensor::zeros(std::vector<int64_t>{n_}, DType::kInt64)});
      return list({made(layout_, true, n_), made(layout_, true, n_), made(layout_, true, n_)});
    }
    if (name == "size" || name == "shape")
      return layout_ == Layout::kMatrices ? list({side(), side()}) : list({n_});
    if (name == "dims") return list({1, 0});
    if (name == "dim") return list({0});
    if (name == "indices") return list({tensor::zeros(std::vector<int64_t>{n_}, DType::kInt64)});
    if (type.kind == TypeKind::kFuture) {
      return list(std::vector<Value>(static_cast<size_t>(n_), Value(make_ready<Value>(1))));
    }
    if (type.kind == TypeKind::kAny) return list({"x", n_, 2.5});
    std::vector<Value> items;
    for (int64_t i = 0; i < n_; ++i) {
      switch (type.kind) {
        case TypeKind::kFloat: items.emplace_back(0.0); break;
        case TypeKind::kBool: items.emplace_back(false); break;
        case TypeKind::kStr: items.emplace_back("part"); break;
        default: items.emplace_back(i * 7919 % n_);
      }
    }
    return list(std::move(items));
  }
  [[nodiscard]] Value numbers() const {
    std::vector<Value> items;
    for (int64_t i = 0; i < n_; ++i) items.emplace_back(static_cast<double>(i) / 7);
    return list(std::move(items));
  }
  [[nodiscard]] Value dict() const {
    auto out = detail::make_ref<Dict>();
    for (int64_t i = 0; i < n_; ++i) out->set(i, i);
    return out;
  }
  [[nodiscard]] int64_t side() const { return static_cast<int64_t>(std::sqrt(static_cast<double>(n_))) + 1; }

  const Op& op_;
  const Layout layout_;
  const int64_t n_;
  bool first_ = true;
};

struct Measured {
  int64_t estimate = 0;
  double time = 0;
};

// What is estimated beyond this is believed.
constexpr int64_t kLongest = 20'000'000;

// None: the kernel refuses such arguments.
std::optional<Measured> measured(const Op& op, Layout layout, int64_t n) {
  Generator generator(1);
  OpContext context;
  context.generator = &generator;
  Measured best;
  for (int turn = 0; turn < 3; ++turn) {
    std::vector<Value> args = Arguments(op, layout, n).make();
    best.estimate = nanoseconds(op, args.data());
    if (best.estimate > kLongest) return best;
    try {
      const double begin = cpu_seconds();
      const Value result = op.kernel(context, args.data());
      const double time = (cpu_seconds() - begin) * 1e9;
      best.time = turn == 0 ? time : std::min(best.time, time);
    } catch (const Error&) {
      return {};
    }
  }
  return best;
}

TEST(Cost, EveryRowDeclaresWhatItCosts) {
  for (const Op* op : builtins().all()) {
    EXPECT_NE(op->traits.cost.rule, Cost::Rule::kUndeclared) << op->schema.str();
  }
  EXPECT_EQ(builtins().find("aten::wait")->traits.cost.rule, Cost::Rule::kUnbounded);
  EXPECT_EQ(builtins().find("prim::Print")->traits.cost.rule, Cost::Rule::kUnbounded);
  OpTable table;
  const Op& undeclared = table.add("test::f(int a) -> int", [](OpContext&, const Value* a) { return a[0]; });
  const Value one = 1;
  EXPECT_EQ(nanoseconds(undeclared, &one), kUnbounded);
}

TEST(Cost, NoRowTakesTenTimesWhatIsEstimated) {
  // Instrumented kernels take many times as long.
#if !defined(NDEBUG) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "measures kernels as they are released";
#endif
  tensor::use_one_blas_thread();
  for (const Op* op : builtins().all()) {
    if (op->traits.cost.rule == Cost::Rule::kUnbounded) continue;
    bool ran = false;
    for (const Layout layout :
         {Layout::kVectors, Layout::kMatrices, Layout::kBroadcast, Layout::kTransposed, Layout::kMixed,
          Layout::kIntegers, Layout::kBools, Layout::kColumns, Layout::kCubes}) {
      for (const int64_t n : {1, 10, 3'000, 150'000}) {
        const auto found = measured(*op, layout, n);
        if (!found) break;
        ran = true;
        // A microsecond is less than a thread's interruption.
        EXPECT_LE(found->time, 10.0 * static_cast<double>(std::max<int64_t>(found->estimate, 1'000)))
            << op->schema.str() << "\n  layout " << static_cast<int>(layout) << ", n " << n << ", estimate "
            << found->estimate << " ns, measured " << found->time << " ns";
        if (found->time > 2e6) break;
      }
      // Only tensors have a layout.
      const auto& args = op->schema.args;
      if (std::none_of(args.begin(), args.end(),
                       [](const Argument& a) { return a.type->str().find("Tensor") != std::string::npos; }))
        break;
    }
    EXPECT_TRUE(ran) << op->schema.str() << ": none of the test's arguments fit";
  }
}

TEST(Cost, OrdinaryKernelsAreNotOverestimated) {
#if !defined(NDEBUG) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "measures kernels as they are released";
#endif
  for (const char* name :
       {"aten::add.Tensor", "aten::mul.Scalar", "aten::exp", "aten::relu", "aten::sum", "aten::max",
        "aten::mm", "aten::zeros", "aten::rand", "aten::cat", "aten::clone", "aten::copy.t"}) {
    const Op& op = *builtins().find(name);
    const auto found =
        measured(op, std::string_view(name) == "aten::mm" ? Layout::kMatrices : Layout::kVectors, 100'000);
    ASSERT_TRUE(found) << name;
    EXPECT_GE(found->time * 50, static_cast<double>(found->estimate)) << name;
  }
}

// ---- what is counted

TEST(Cost, ABroadcastCostsWhatItsResultDoes) {
  const int64_t small = estimate("aten::add", {ones({6000, 1}), ones({6000, 1})});
  const int64_t large = estimate("aten::add", {ones({6000, 1}), ones({1, 6000})});
  EXPECT_LT(small, kShort);
  EXPECT_GT(large, 36'000'000 / 2);
  EXPECT_GT(estimate("aten::where", {tensor::ones(std::vector<int64_t>{300, 1, 1}, DType::kBool),
                                     ones({300, 1}), ones({300})}),
            27'000'000);
  EXPECT_LT(estimate("aten::add", {ones({2}), ones({2})}), 1'000);
  EXPECT_LT(estimate("aten::add", {ones({6000, 0, 1}), ones({6000})}), 1'000);
}

TEST(Cost, AProductCostsItsMultiplications) {
  const int64_t square = estimate("aten::mm", {ones({1000, 1000}), ones({1000, 1000})});
  EXPECT_GT(square, 20'000'000);
  EXPECT_LT(square, 500'000'000);
  const int64_t outer = estimate("aten::mm", {ones({5000, 1}), ones({1, 5000})});
  EXPECT_GT(outer, 1'000'000);
  EXPECT_GT(estimate("aten::matmul", {ones({50, 1, 100, 100}), ones({50, 100, 100})}), 50 * 50 * 16'000);
  EXPECT_GT(estimate("aten::linear", {ones({1000, 1000}), ones({1000, 1000}), Value()}), 20'000'000);
  EXPECT_GT(estimate("aten::addmm", {ones({1}), ones({1000, 1000}), ones({1000, 1000})}), 20'000'000);
  EXPECT_LT(estimate("aten::mm", {ones({4, 4}), ones({4, 4})}), kShort);
  EXPECT_LT(estimate("aten::dot", {ones({100}), ones({100})}), kShort);
}

TEST(Cost, ACreationCostsWhatWasAskedFor) {
  EXPECT_GT(estimate("aten::zeros", {list({10'000, 10'000})}), 50'000'000);
  EXPECT_GT(estimate("aten::arange", {1'000'000'000}), 500'000'000);
  EXPECT_GT(estimate("aten::arange", {0.0, 1.0, 1e-9}), 500'000'000);
  EXPECT_GT(estimate("aten::eye", {10'000}), 50'000'000);
  EXPECT_GT(estimate("aten::linspace", {0, 1, 100'000'000}), 50'000'000);
  EXPECT_LT(estimate("aten::zeros", {list({2, 3})}), 1'000);
  EXPECT_LT(estimate("aten::eye", {3}), 1'000);
}

TEST(Cost, ChoosingElementsCostsWhatIsChosen) {
  const Tensor wide = ones({10, 1'000});
  const auto places = [](int64_t n) { return Value(tensor::zeros(std::vector<int64_t>{n}, DType::kInt64)); };
  EXPECT_LT(estimate("aten::index", {ones({6'000, 60}), list({places(2)})}), kShort);
  EXPECT_GT(estimate("aten::index", {wide, list({places(100'000)})}), 1'000'000'000);
  EXPECT_GT(estimate("aten::index_select", {wide, 0, places(100'000)}), 1'000'000'000);
  EXPECT_GT(estimate("aten::one_hot", {places(1'000), 1'000'000}), 1'000'000'000);
  EXPECT_EQ(estimate("aten::one_hot", {places(1)}), kUnbounded);
}

TEST(Cost, OfARuleIsSoManyUnitsOfItsRate) {
  const auto units = [](Cost::Rule rule, const std::vector<Value>& args) {
    return nanoseconds(Cost{rule, 1'000}, args.data(), args.size()) - 200;
  };
  using Rule = Cost::Rule;
  const Tensor x = ones({6, 10});
  EXPECT_EQ(units(Rule::kCount, {9}), 9);
  EXPECT_EQ(units(Rule::kCount, {-9}), 0);
  EXPECT_EQ(units(Rule::kSteps, {0, 1, 12}), 12);
  EXPECT_EQ(units(Rule::kIdentity, {5, Value(), Value()}), 25);
  EXPECT_EQ(units(Rule::kIdentity, {5, 7, Value(), Value()}), 35);
  EXPECT_EQ(units(Rule::kRows, {x}), 6);
  EXPECT_EQ(units(Rule::kUnbind, {x, 1}), 10);
  EXPECT_EQ(units(Rule::kUnbind, {x, -2}), 6);
  EXPECT_EQ(units(Rule::kSplit, {x, 3, 1}), 10 / 3 + 1);
  EXPECT_EQ(units(Rule::kSplit, {x, 0, 1}), 10 + 1);
  EXPECT_EQ(units(Rule::kChunk, {x, 3, 1}), 3);
  EXPECT_EQ(units(Rule::kChunk, {x, 30, 1}), 10);
}

TEST(Cost, AnIndexByTensorsKeepsTheDimensionsThatHaveNone) {
  const Value places = Value(tensor::zeros(std::vector<int64_t>{7}, DType::kInt64));
  const auto elements = [&](std::vector<Value> indices) {
    const Value args[] = {ones({20, 3'000, 50}), list(std::move(indices))};
    return (nanoseconds(Cost{Cost::Rule::kIndex, 1'000'000}, args, 2) - 200) / 1'000;
  };
  EXPECT_EQ(elements({places}), 7 * 3'000 * 50 + 7);
  EXPECT_EQ(elements({Value(), places}), 20 * 7 * 50 + 7);
  EXPECT_EQ(elements({Value(), Value(), places}), 20 * 3'000 * 7 + 7);
}

TEST(Cost, ASubscriptCostsWhatItsTensorsChooseAndAViewNothing) {
  const Tensor x = ones({20, 3'000, 50});
  const Value places = Value(tensor::zeros(std::vector<int64_t>{7}, DType::kInt64));
  const auto elements = [&](std::vector<Value> indices, bool stores = false) {
    const Value args[] = {x, list(std::move(indices)), 1};
    return (nanoseconds(Cost{Cost::Rule::kSubscript, 1'000'000}, args, stores ? 3 : 2) - 200) / 1'000;
  };
  const auto slice = [](Value from, Value to) { return std::vector<Value>{":", from, to, Value()}; };
  const auto with = [](std::vector<Value> a, const std::vector<Value>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  };
  EXPECT_EQ(elements({1}), 0);
  EXPECT_EQ(elements(slice(1, Value())), 0);
  EXPECT_EQ(elements({"...", 3}), 0);
  EXPECT_EQ(elements({Value(), true, 2}), 3'000 * 50);
  EXPECT_EQ(elements({places}), 7 * 3'000 * 50 + 7);
  EXPECT_EQ(elements({"...", places}), 20 * 3'000 * 7 + 7);
  EXPECT_EQ(elements({Value(), places}), 7 * 3'000 * 50 + 7);
  EXPECT_EQ(elements(with(slice(Value(), Value()), {places})), 20 * 7 * 50 + 7);
  EXPECT_EQ(elements({3, places, 4}), 7 + 7);
  EXPECT_EQ(elements({list({1, 2, 3}), 5}), 4 * 50 + 4);
  EXPECT_EQ(elements({1}, true), 3'000 * 50);
  EXPECT_EQ(elements({"...", 3}, true), 20 * 3'000);
  const Value mask = Value(tensor::ones(std::vector<int64_t>{20, 3'000}, DType::kBool));
  EXPECT_GE(elements({mask}), 20 * 3'000 * 50);
}

TEST(Cost, IndicesThatAreBroadcastChooseTheProductOfTheirLengths) {
  const Tensor x = ones({5, 1'000, 2});
  const Value column = Value(tensor::zeros(std::vector<int64_t>{300, 1}, DType::kInt64));
  const Value mask = Value(ones({1'000}, DType::kBool));
  const Value places = list(std::vector<Value>(1'000, 1));
  const Value nested = list({list({1}), list({2}), list({3})});
  const auto elements = [&](std::vector<Value> indices) {
    const Value args[] = {x, list(std::move(indices))};
    return (nanoseconds(Cost{Cost::Rule::kSubscript, 1'000'000}, args, 2) - 200) / 1'000;
  };
  EXPECT_GE(elements({column, mask}), 300 * 1'000 * 2);
  EXPECT_GE(elements({column, places}), 300 * 1'000 * 2);
  EXPECT_GE(elements({nested, mask}), 3 * 1'000 * 2);
  EXPECT_GE(elements({nested, places}), 3 * 1'000 * 2);
  EXPECT_LT(elements({places, places}), 5 * 1'000 * 2);
}

TEST(Cost, WhatIsMadeOfEmptyTensorsCosts) {
  const Tensor rows = ones({1 << 26, 0});
  EXPECT_GT(estimate("aten::sum", {rows, list({1})}), 50'000'000);
  EXPECT_GT(estimate("aten::prod", {rows, 1}), 50'000'000);
  EXPECT_GT(estimate("aten::any", {rows, 1}), 50'000'000);
  EXPECT_GT(estimate("aten::tolist", {rows}), 50'000'000);
  EXPECT_GT(estimate("aten::index_select",
                     {ones({0, 5}), 1, tensor::zeros(std::vector<int64_t>{1 << 24}, DType::kInt64)}),
            50'000'000);
  EXPECT_LT(estimate("aten::sum", {ones({0})}), kShort);
}

TEST(Cost, AListThatIsStoredIsRead) {
  const Value numbers = list(std::vector<Value>(5'000, 1.0));
  EXPECT_GT(estimate("aten::_assign", {ones({5'000}), numbers}), 5'000 * 25);
  EXPECT_GT(estimate("aten::_set_item", {ones({5'000}), list({"..."}), numbers}), 5'000 * 25);
}

TEST(Cost, ProgramsValuesCostTheirLengths) {
  const Value long_list = list(std::vector<Value>(100'000, 1));
  EXPECT_GT(estimate("aten::mul", {long_list, 1'000}), 500'000'000);
  EXPECT_GT(estimate("aten::mul", {"abc", 1'000'000'000}), 500'000'000);
  EXPECT_GT(estimate("aten::ljust", {"abc", 1'000'000'000}), 500'000'000);
  EXPECT_GT(estimate("aten::sorted", {long_list}), estimate("aten::copy", {long_list}) * 10);
  EXPECT_GT(estimate("aten::find", {std::string(100'000, 'a'), std::string(10'000, 'a') + "b"}), 100'000'000);
  EXPECT_LT(estimate("aten::find", {"some text", "text"}), kShort);
  EXPECT_LT(estimate("aten::append", {list({1}), 2}), 1'000);
  EXPECT_LT(estimate("aten::len", {long_list}), 1'000);
}

TEST(Cost, ValuesThatHoldThemselvesOrOneAnotherManyTimesHaveNoBound) {
  auto ring = detail::make_ref<List>();
  ring->items.push_back(Value(ring));
  EXPECT_EQ(estimate("aten::str", {Value(ring)}), kUnbounded);
  ring->items.clear();
  Value pair = list({1, 1});
  for (int i = 0; i < 40; ++i) pair = list({pair, pair});
  EXPECT_EQ(estimate("aten::eq", {pair, pair}), kUnbounded);
}

TEST(Cost, NumbersThatDoNotFitSaturate) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(estimate("aten::zeros", {list({kMost, kMost})}), kUnbounded);
  EXPECT_EQ(estimate("aten::mul", {list({1, 2}), kMost}), kUnbounded);
  EXPECT_EQ(estimate("aten::eye", {kMost, kMost}), kUnbounded);
  EXPECT_EQ(estimate("aten::arange", {1e300}), kUnbounded);
  EXPECT_LT(estimate("aten::randint", {kMost, list({2})}), kShort);
  EXPECT_LT(estimate("aten::zeros", {list({kMost, kMost, 0})}), 1'000);
  const Value far = tensor::expand(ones({1}), std::vector<int64_t>{int64_t{1} << 40});
  EXPECT_GT(estimate("aten::exp", {far}), int64_t{1} << 38);
  EXPECT_GT(estimate("aten::cat", {list({far, far})}), int64_t{1} << 38);
}

}  // namespace
}  // namespace tine::value
