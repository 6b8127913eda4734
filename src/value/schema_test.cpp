#include "tine/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace tine {
namespace {

TEST(Schema, WhatStrPrintsParsesBack) {
  for (const char* text : {
           "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
           "aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)",
           "aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) "
           "-> Tensor",
           "aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
           "aten::wait(Future(t) self) -> t",
           "aten::append.t(t[](a!) self, t el) -> t[](a!)",
           "aten::_set_item.str(Dict(str, t)(a!) l, str idx, t v) -> ()",
           "aten::allclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool "
           "equal_nan=False) -> bool",
           "aten::split(Tensor(a) self, int n) -> Tensor(a)[]",
           "aten::f(str a='it\\'s \\\\ \"x\" \\n', int[] b=[1, -2], float c=inf, int[2] d=[0, 0], Tensor? "
           "e=None) -> ((Tensor, int))",
           "aten::g() -> (Tensor?, int[])",
           "aten::items(Dict(k, v) self) -> ((k, v)[])",
           "__torch__.m.Net.forward(__torch__.m.Net self, Tensor x) -> Tensor",
       }) {
    EXPECT_EQ(Schema::parse(text).str(), text);
  }
}

TEST(Schema, PartsAreWhatTheTextSays) {
  const Schema s =
      Schema::parse("aten::add_.Tensor(Tensor(a!) self, Tensor other, *, float alpha=1) -> Tensor(a!)");
  EXPECT_EQ(s.name, "aten::add_");
  EXPECT_EQ(s.overload, "Tensor");
  ASSERT_EQ(s.args.size(), 3u);
  EXPECT_TRUE(s.args[0].written);
  EXPECT_EQ(s.args[0].alias, "a");
  EXPECT_FALSE(s.args[1].keyword_only);
  EXPECT_TRUE(s.args[2].keyword_only);
  EXPECT_EQ(s.args[2].default_value->to_float(), 1.0);
  EXPECT_TRUE(s.args[2].default_value->is_float());
  EXPECT_EQ(s.return_notes[0].alias, "a");
  EXPECT_EQ(s.index_of("other"), 1);
  EXPECT_EQ(s.index_of("nothing"), -1);
  EXPECT_EQ(Schema::parse("f() -> ()").result_type()->str(), "None");
  EXPECT_EQ(Schema::parse("f() -> (int, str)").result_type()->str(), "Tuple[int, str]");
  EXPECT_EQ(Schema::parse("f() -> ((int, str))").result_type()->str(), "Tuple[int, str]");
  EXPECT_EQ(Schema::parse("f() -> (int)").result_type()->str(), "int");
  EXPECT_EQ(Schema::parse("f() -> (int, str)[]").result_type()->str(), "List[Tuple[int, str]]");
}

TEST(Schema, ADefaultIsWrittenOutForASizedList) {
  EXPECT_EQ(Schema::parse("f(int[2] dim=0) -> ()").args[0].default_value->repr(), "[0, 0]");
}

TEST(Schema, AnErrorNamesTheTextTheColumnAndTheProblem) {
  const std::pair<const char*, const char*> cases[] = {
      {"aten::f(int a=x) -> int", "column 15: expected a value"},
      {"aten::f(int a='s') -> int", "the default 's' of 'a' is not of type int"},
      {"aten::f(int a, str a) -> int", "two arguments are named 'a'"},
      {"aten::f(int a=1, str b) -> int", "'b' needs a default"},
      {"aten::f(int) -> int", "expected the argument's name"},
      {"aten::f(int a", "expected ')' before the end"},
      {"aten::f(int a)", "expected '->' before the end"},
      {"aten::f(*) -> int", "expected an argument after '*'"},
      {"(int a) -> int", "expected the operator's name"},
      {"aten::f(int a=99999999999999999999) -> int", "does not fit 64 bits"},
      {"aten::f(float a=1e999) -> int", "does not fit a float"},
      {"aten::f(str a='x) -> int", "the string does not end"},
      {"aten::f(int a) -> int;", "unexpected ';'"},
  };
  for (const auto& [text, problem] : cases) {
    try {
      (void)Schema::parse(text);
      ADD_FAILURE() << text;
    } catch (const SyntaxError& e) {
      EXPECT_THAT(e.message(), testing::HasSubstr(problem));
      EXPECT_THAT(e.message(), testing::HasSubstr("column "));
    }
  }
}

TEST(Schema, MutatedSchemasNeverDoMoreThanThrow) {
  const std::string_view seeds[] = {
      "aten::sum.dim_IntList(Tensor(a!) self, int[1]? dim=[0], bool keepdim=False, *, ScalarType? "
      "dtype=None) -> (Tensor(a) v, t[])",
      "aten::f(str a='it\\'s \\x41', float c=-1.5e-3, int[2] d=[0, 0], Dict(str, t)(b!) e=None) -> ((Tensor, "
      "int))",
  };
  std::mt19937_64 random(11);
  for (int i = 0; i < 50'000; ++i) {
    std::string text(seeds[random() % std::size(seeds)]);
    for (size_t n = 1 + random() % 4; n > 0; --n) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, 1 + random() % 5); break;
        default: text.insert(at, 1, "()[]?!*=,'-0e"[random() % 13]); break;
      }
      if (text.empty()) text = "x";
    }
    try {
      const Schema schema = Schema::parse(text);
      EXPECT_EQ(Schema::parse(schema.str()).str(), schema.str()) << text;
    } catch (const SyntaxError&) {
    }
  }
}

}  // namespace
}  // namespace tine
