#include "tine/operators.h"
#include "src/value/bind.h"
#include "src/value/op_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tine {
namespace {

using detail::make_ref;
using testing::HasSubstr;

Value none(OpContext&, const Value*) { return {}; }
Value first(OpContext&, const Value* args) { return args[0]; }

Value list(std::vector<Value> items) { return make_ref<List>(std::move(items)); }
Value tuple(std::vector<Value> items) { return make_ref<Tuple>(std::move(items)); }
Value scalar(double d) { return Tensor::scalar(d, DType::kFloat32); }

struct Fixture : testing::Test {
  Fixture() {
    table.add("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", first);
    table.add("aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor", first);
    table.add("aten::add.int(int a, int b) -> int", first);
    table.add("aten::add.float(float a, float b) -> float", first);
    table.add("aten::view(Tensor(a) self, int[] size) -> Tensor(a)", first);
    table.add("aten::mean.dim(Tensor self, int[1] dim, bool keepdim=False) -> Tensor", first);
    table.add("aten::dropout(Tensor self, float p=0.5) -> Tensor", first);
    table.add("aten::append.t(t[](a!) self, t el) -> t[](a!)", first);
    table.add("aten::cat(Tensor[] tensors, int dim=0) -> Tensor", first);
  }
  std::string chosen(std::string_view name, std::vector<Value> args, std::vector<Keyword> keywords = {},
                     Boundary boundary = Boundary::kPython) {
    try {
      return table.resolve(name, args, keywords, boundary, &bound).schema.overload;
    } catch (const Error& e) {
      return std::string(name_of(e.kind())) + ": " + e.message();
    }
  }
  OpTable table;
  std::vector<Value> bound;
};
using Resolve = Fixture;

TEST(OpTable, ARowIsPureSuspendsNothingAndAliasesNothingUnlessItSaysSo) {
  OpTable table;
  const OpTraits& traits = table.add("aten::f(int a) -> int", first).traits;
  EXPECT_TRUE(traits.pure);
  EXPECT_FALSE(traits.suspends);
  EXPECT_FALSE(traits.aliases_input);
}

TEST(OpTable, FindsARowByItsFullNameAndTheFirstByItsName) {
  OpTable table;
  const Op& a = table.add("aten::f.int(int a) -> int", first);
  const Op& b = table.add("aten::f.str(str a) -> str", first);
  const Op& plain = table.add("aten::g(int a) -> int", first);
  EXPECT_EQ(table.find("aten::f.int"), &a);
  EXPECT_EQ(table.find("aten::f.str"), &b);
  EXPECT_EQ(table.find("aten::f"), &a);
  EXPECT_EQ(table.find("aten::g"), &plain);
  EXPECT_EQ(table.find("aten::h"), nullptr);
  EXPECT_EQ(table.overloads("aten::f").size(), 2u);
  EXPECT_TRUE(table.overloads("aten::h").empty());
  EXPECT_EQ(table.all().size(), 3u);
}

TEST(OpTable, ASecondRowOfTheSameNameAndOverloadIsRefused) {
  OpTable table;
  table.add("aten::f.int(int a) -> int", first);
  EXPECT_THROW(table.add("aten::f.int(int b) -> str", none), ValueError);
  EXPECT_THROW(table.add("aten::g(int b) -> str", nullptr), ValueError);
}

TEST_F(Resolve, TakesTheOverloadThatFitsWithoutConversionFirst) {
  EXPECT_EQ(chosen("aten::add", {scalar(1), scalar(2)}), "Tensor");
  EXPECT_EQ(chosen("aten::add", {scalar(1), 2}), "Scalar");
  EXPECT_EQ(chosen("aten::add", {1, 2}), "int");
  EXPECT_EQ(chosen("aten::add", {1.5, 2.5}), "float");
  EXPECT_EQ(chosen("aten::add", {1, 2.5}, {}, Boundary::kScript), "float");
  EXPECT_TRUE(bound[0].is_float());
}

TEST_F(Resolve, FillsInDefaultsAndKeywords) {
  EXPECT_EQ(chosen("aten::add", {scalar(1)}, {{"other", scalar(2)}}), "Tensor");
  ASSERT_EQ(bound.size(), 3u);
  EXPECT_EQ(bound[2].as_int(), 1);
  EXPECT_EQ(chosen("aten::add", {scalar(1), scalar(2)}, {{"alpha", 3}}), "Tensor");
  EXPECT_EQ(bound[2].as_int(), 3);
}

TEST_F(Resolve, ANumberBecomesATensorFromPythonOnly) {
  EXPECT_EQ(chosen("aten::add", {1, scalar(2)}), "Tensor");
  EXPECT_TRUE(bound[0].is_tensor());
  EXPECT_THAT(chosen("aten::add", {1, scalar(2)}, {}, Boundary::kScript), HasSubstr("no overload takes"));
}

TEST_F(Resolve, AFloatBecomesATensorOfItsNeighboursPrecision) {
  chosen("aten::add", {0.1, scalar(2)});
  EXPECT_EQ(bound[0].as_tensor().dtype(), DType::kFloat32);
  chosen("aten::add", {0.1, Tensor::scalar(2.0, DType::kFloat64)});
  EXPECT_EQ(bound[0].as_tensor().dtype(), DType::kFloat64);
}

TEST_F(Resolve, AScalarTensorBecomesANumberFromPythonOnly) {
  EXPECT_EQ(chosen("aten::dropout", {scalar(1), scalar(0.25)}), "");
  EXPECT_EQ(bound[1].as_float(), 0.25);
  EXPECT_THAT(chosen("aten::dropout", {scalar(1), scalar(0.25)}, {}, Boundary::kScript),
              HasSubstr("must be float"));
  EXPECT_THAT(chosen("aten::cat", {list({scalar(1)}), scalar(0.5)}),
              HasSubstr("argument 'dim' must be int, not Tensor float32[]"));
}

TEST_F(Resolve, DimensionsMayBeAnIntATupleOrTheRest) {
  EXPECT_EQ(chosen("aten::view", {scalar(1), tuple({1, 1})}), "");
  EXPECT_EQ(bound[1].repr(), "[1, 1]");
  EXPECT_EQ(chosen("aten::view", {scalar(1), 1, 1}), "");
  EXPECT_EQ(bound[1].repr(), "[1, 1]");
  EXPECT_EQ(chosen("aten::view", {scalar(1), 1}), "");
  EXPECT_EQ(bound[1].repr(), "[1]");
  EXPECT_EQ(chosen("aten::mean", {scalar(1), 0}, {}, Boundary::kScript), "dim");
  EXPECT_EQ(bound[1].repr(), "[0]");
  EXPECT_THAT(chosen("aten::view", {scalar(1), 1}, {}, Boundary::kScript),
              HasSubstr("argument 'size' must be List[int], not int 1"));
}

TEST_F(Resolve, AListThatIsWrittenIsNeverACopy) {
  const Value l = list({1});
  EXPECT_EQ(chosen("aten::append", {l, 2}), "t");
  EXPECT_EQ(bound[0].as_counted(), l.as_counted());
  EXPECT_THAT(chosen("aten::append", {tuple({1}), 2}),
              HasSubstr("argument 'self' must be List[t], not tuple of 1"));
}

TEST_F(Resolve, AnErrorOfOneOverloadSaysWhatIsWrong) {
  EXPECT_EQ(chosen("aten::dropout", {"x"}),
            "TypeError: aten::dropout(): argument 'self' must be Tensor, not str 'x'; "
            "expected aten::dropout(Tensor self, float p=0.5) -> Tensor");
  EXPECT_THAT(chosen("aten::dropout", {}), HasSubstr("missing value for argument 'self' (Tensor)"));
  EXPECT_THAT(chosen("aten::dropout", {scalar(1), 1, 2}),
              HasSubstr("takes 2 positional arguments but 3 were given"));
  EXPECT_THAT(chosen("aten::dropout", {scalar(1)}, {{"q", 1}}),
              HasSubstr("got an unexpected keyword argument 'q'"));
  EXPECT_THAT(chosen("aten::dropout", {scalar(1)}, {{"self", 1}}),
              HasSubstr("got multiple values for argument 'self'"));
  EXPECT_THAT(chosen("aten::dropout", {scalar(1)}, {{"p", 1}, {"p", 1}}),
              HasSubstr("got multiple values for argument 'p'"));
  EXPECT_TRUE(bound.empty());
}

TEST_F(Resolve, AnErrorOfSeveralOverloadsListsEachWithItsReason) {
  const std::string text = chosen("aten::add", {scalar(1), "x"});
  EXPECT_THAT(text,
              HasSubstr("TypeError: aten::add(): no overload takes (Tensor float32[], str 'x'); there are:"));
  EXPECT_THAT(text, HasSubstr("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor\n"
                              "    argument 'other' must be Tensor, not str 'x'"));
  EXPECT_THAT(
      text,
      HasSubstr("aten::add.int(int a, int b) -> int\n    argument 'a' must be int, not Tensor float32[]"));
}

TEST_F(Resolve, AFullNameMeansThatOverloadAlone) {
  EXPECT_EQ(chosen("aten::add.int", {2, 3}), "int");
  EXPECT_THAT(chosen("aten::add.int", {scalar(1), scalar(2)}), HasSubstr("argument 'a'"));
}

TEST_F(Resolve, AnUnknownNameSuggestsTheNearest) {
  EXPECT_EQ(chosen("aten::vieu", {}),
            "NameError: there is no operator named 'aten::vieu'; did you mean 'aten::view'?");
  EXPECT_EQ(chosen("aten::xyzzy", {}), "NameError: there is no operator named 'aten::xyzzy'");
}

TEST_F(Resolve, PythonMaySayInputAndAxis) {
  EXPECT_EQ(chosen("aten::mean", {}, {{"input", scalar(1)}, {"axis", 0}}), "dim");
  EXPECT_THAT(chosen("aten::mean", {}, {{"input", scalar(1)}, {"dim", 0}}, Boundary::kScript),
              HasSubstr("unexpected keyword argument 'input'"));
}

TEST_F(Resolve, KeepsNoReferenceBeyondTheBoundArguments) {
  const Value l = list({});
  chosen("aten::append", {l, 1});
  chosen("aten::append", {tuple({l}), l});
  bound.clear();
  EXPECT_TRUE(l.as_counted()->sole_owner());
}

TEST_F(Resolve, WhatIsRecordedKeepsTensorsThatBecomeNumbers) {
  EXPECT_EQ(chosen("aten::view", {scalar(1), scalar(2)}, {}, Boundary::kRecorded), "");
  EXPECT_EQ(bound[1].as_list().items[0].as_tensor().item_as_double(), 2);
  EXPECT_EQ(chosen("aten::view", {scalar(1), scalar(2), 3}, {}, Boundary::kRecorded), "");
  EXPECT_TRUE(bound[1].as_list().items[0].is_tensor());
  EXPECT_EQ(bound[1].as_list().items[1].as_int(), 3);
}

TEST_F(Resolve, ACallByNameChoosesConvertsAndReturnsWhatIsAskedFor) {
  table.add("aten::all(int a, float b, *, str c='x', Tensor? d=None) -> Any[]",
            [](OpContext&, const Value* args) {
              return list({args[0], args[1], args[2], args[3]});
            });
  EXPECT_EQ(table.call("aten::all", 1, 2, Keyword("c", "y")).repr(), "[1, 2.0, 'y', None]");
  // Keywords may stand anywhere, and be variables.
  const Keyword b("b", 2.5);
  EXPECT_EQ(table.call("aten::all", b, 1).repr(), "[1, 2.5, 'x', None]");
  EXPECT_EQ(table.call("aten::all", Keyword("b", true), Keyword("a", 3)).repr(), "[3, 1.0, 'x', None]");
  EXPECT_EQ(table.call<int>("aten::add.int", size_t{4}, 1), 4);
  EXPECT_EQ(table.call<Tensor>("aten::dropout", 1.5).item_as_double(), 1.5);  // a number is a 0-d tensor
}

TEST_F(Resolve, ACallByNameThatFailsSaysWhatTheChoiceSays) {
  EXPECT_THROW(table.call("aten::vieu"), NameError);
  EXPECT_THROW(table.call("aten::add", "a", 1), TypeError);
  // The result is not what was asked for.
  EXPECT_THROW(table.call<Tensor>("aten::add", 1, 2), TypeError);
}

TEST_F(Resolve, ArraysOfArgumentsAreTheSameCall) {
  const Value args[] = {3};
  const Keyword keywords[] = {{"b", 4}};
  EXPECT_EQ(table.apply("aten::add", args, keywords).repr(), "3");
}

TEST_F(Resolve, ATableWithoutAContextHasAnEmptyOne) {
  EXPECT_EQ(table.context().generator, nullptr);
  OpContext mine;
  EXPECT_EQ(&OpTable(&mine).context(), &mine);
}

}  // namespace
}  // namespace tine
