#include "tine/type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "src/value/unify.h"
#include "tine/detail/fits.h"
#include "tine/future.h"
#include "tine/schema.h"

namespace tine {
namespace {

using detail::make_ref;

TypePtr t(const char* text) { return parse_type(text); }

TEST(Type, WhatStrPrintsParsesBack) {
  for (const char* text : {"Any",
                           "None",
                           "bool",
                           "int",
                           "float",
                           "number",
                           "str",
                           "Tensor",
                           "List[int]",
                           "Dict[str, List[Tensor]]",
                           "Tuple[int, str]",
                           "Tuple[()]",
                           "Tuple[Tuple[()]]",
                           "Optional[Tensor]",
                           "Future[Tuple[int, int]]",
                           "RRef[Any]",
                           "t",
                           "__torch__.Net",
                           "Function[__main__.f]",
                           "List[Optional[Future[t]]]"}) {
    EXPECT_EQ(t(text)->str(), text);
    EXPECT_TRUE(equal(t(text), t(t(text)->str().c_str()))) << text;
  }
}

TEST(Type, WhatSchemaStrPrintsParsesBack) {
  for (const char* text : {"Scalar", "int[]", "Tensor?", "int[]?", "t[]", "Future(t)", "Dict(str, t)[]",
                           "(Tensor, int[])", "ScalarType?", "Device", "Tensor?[]", "RRef(Tensor)"}) {
    EXPECT_EQ(t(text)->schema_str(), text);
    EXPECT_TRUE(equal(t(text), t(t(text)->str().c_str()))) << text;
  }
}

TEST(FitsAtOnce, NeverSaysYesWhereFitsSaysNoAndKnowsTheScalars) {
  const std::vector<Value> values = {Value(),
                                     Value(true),
                                     Value(int64_t{3}),
                                     Value(2.5),
                                     Value(std::string("text")),
                                     Value(Tensor::scalar(1.0, DType::kFloat32)),
                                     Value(make_ref<List>(std::vector<Value>{Value(int64_t{1})})),
                                     Value(make_ref<Tuple>(std::vector<Value>{Value(int64_t{1})})),
                                     Value(make_ready(Value(int64_t{1})))};
  for (const char* text : {"Any", "None", "bool", "int", "float", "number", "str", "Tensor", "List[int]",
                           "List[str]", "Tuple[int]", "Tuple[str]", "Optional[int]", "Optional[Tensor]",
                           "Future[int]", "RRef[int]", "Dict[str, int]"}) {
    const TypePtr type = t(text);
    const Schema schema = Schema::parse("f(" + type->schema_str() + " a) -> int");
    for (const Value& v : values) {
      const bool fit = fits(v, type);
      if (!fit) {
        EXPECT_FALSE(fits_at_once(v, *type)) << text << " " << static_cast<int>(v.tag());
        EXPECT_FALSE(fits_at_once(v, schema.args[0])) << text << " " << static_cast<int>(v.tag());
      } else if (type->of.empty() && type->kind != TypeKind::kNumber) {
        EXPECT_TRUE(fits_at_once(v, *type)) << text << " " << static_cast<int>(v.tag());
        EXPECT_TRUE(fits_at_once(v, schema.args[0])) << text << " " << static_cast<int>(v.tag());
      }
    }
  }
}

TEST(Type, ScalarTypeIsAnInt) {
  EXPECT_TRUE(equal(t("ScalarType"), t("int")));
  EXPECT_TRUE(is_subtype(t("int"), t("ScalarType?")));
}

TEST(Type, AnErrorNamesTheTextAndTheColumn) {
  try {
    (void)t("List[int");
    FAIL();
  } catch (const SyntaxError& e) {
    EXPECT_EQ(e.message(), "type 'List[int': column 9: expected ']' before the end");
  }
  for (const char* text : {"", "List", "List[", "int]", "Dict[int]", "int[-1]", "int[99999999999]",
                           "Future()", "Optional[int, int]", "(int", "int int", "3", "?"}) {
    EXPECT_THROW((void)t(text), SyntaxError) << text;
  }
}

TEST(Type, NestingIsBounded) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "List[";
  EXPECT_THROW((void)parse_type(text), SyntaxError);
  EXPECT_THROW((void)parse_type(std::string(100'000, '(')), SyntaxError);
  std::string lists = "int";
  for (int i = 0; i < 100'000; ++i) lists += "[]";
  EXPECT_THROW((void)parse_type(lists), SyntaxError);
}

TEST(Type, RandomBytesNeverDoMoreThanThrow) {
  std::mt19937_64 random(7);
  const std::string_view pieces[] = {"int", "Tensor", "[",    "]",        "(",  ")",     "?",
                                     ",",   "List",   "Dict", "Optional", "t",  " ",     "2",
                                     "!",   "a",      "->",   ".",        "::", "Tuple", "Future"};
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (size_t n = random() % 12; n > 0; --n) {
      if (random() % 4 == 0) {
        text += static_cast<char>(random());
      } else {
        text += pieces[random() % std::size(pieces)];
      }
    }
    try {
      const TypePtr type = parse_type(text);
      EXPECT_TRUE(equal(type, parse_type(type->str()))) << text;
    } catch (const SyntaxError&) {
    }
  }
}

TEST(Type, ASubtypeStandsForItsSupertype) {
  EXPECT_TRUE(is_subtype(t("int"), t("Optional[int]")));
  EXPECT_TRUE(is_subtype(t("None"), t("Optional[int]")));
  EXPECT_TRUE(is_subtype(t("int"), t("number")));
  EXPECT_TRUE(is_subtype(t("Tuple[int, None]"), t("Tuple[number, Optional[str]]")));
  EXPECT_TRUE(is_subtype(t("Future[int]"), t("Future[Any]")));
  EXPECT_FALSE(is_subtype(t("int"), t("float")));
  EXPECT_FALSE(is_subtype(t("bool"), t("number")));
  EXPECT_FALSE(is_subtype(t("List[int]"), t("List[number]")));
  EXPECT_FALSE(is_subtype(t("Optional[int]"), t("int")));
}

TEST(Type, MatchBindsEachVariableOnce) {
  TypeBindings b;
  EXPECT_TRUE(match(t("t[]"), t("List[int]"), &b));
  EXPECT_TRUE(match(t("t"), t("int"), &b));
  EXPECT_FALSE(match(t("t"), t("str"), &b));
  EXPECT_EQ(substitute(t("Dict(str, t[])"), b)->str(), "Dict[str, List[int]]");
  EXPECT_EQ(substitute(t("u[]"), b), nullptr);
  TypeBindings future;
  EXPECT_TRUE(match(t("Future(t)"), t("Future[Tuple[int, str]]"), &future));
  EXPECT_EQ(substitute(t("t"), future)->str(), "Tuple[int, str]");
  TypeBindings optional;
  EXPECT_TRUE(match(t("t?"), t("int"), &optional));
  EXPECT_EQ(substitute(t("t?"), optional)->str(), "Optional[int]");
}

TEST(Type, UnifyFindsTheLeastCommonType) {
  EXPECT_EQ(unify(t("int"), t("int"))->str(), "int");
  EXPECT_EQ(unify(t("None"), t("int"))->str(), "Optional[int]");
  EXPECT_EQ(unify(t("int?"), t("float"))->str(), "Optional[number]");
  EXPECT_EQ(unify(t("(int, None)"), t("(int, str)"))->str(), "Tuple[int, Optional[str]]");
  EXPECT_EQ(unify(t("int"), t("str")), nullptr);
  EXPECT_EQ(unify(t("List[int]"), t("List[float]")), nullptr);
}

TEST(Type, TypeOfAValueIsOneThatItFits) {
  auto d = make_ref<Dict>();
  d->set("a", 1);
  const std::pair<Value, const char*> cases[] = {
      {Value(), "None"},
      {Value(true), "bool"},
      {Value("x"), "str"},
      {make_ref<List>(), "List[Any]"},
      {make_ref<List>(std::vector<Value>{1, Value()}), "List[Optional[int]]"},
      {make_ref<List>(std::vector<Value>{1, "a"}), "List[Any]"},
      {make_ref<Tuple>(std::vector<Value>{1, 2.0}), "Tuple[int, float]"},
      {d, "Dict[str, int]"},
      {make_ready(Value(1)), "Future[Any]"},
  };
  for (const auto& [value, text] : cases) {
    EXPECT_EQ(type_of(value)->str(), text);
    EXPECT_TRUE(fits(value, type_of(value))) << text;
  }
  EXPECT_FALSE(fits(make_ref<List>(std::vector<Value>{1, "a"}), t("int[]")));
  EXPECT_TRUE(fits(make_ref<List>(), t("int[]")));
  EXPECT_FALSE(fits(make_ref<Tuple>(std::vector<Value>{1}), t("(int, int)")));
}

TEST(Type, ObjectTypesAreEqualByNameAndSlots) {
  const auto a = std::make_shared<ObjectType>("m.Net", std::vector<ObjectType::Slot>{{"w", Type::tensor()}});
  const auto b = std::make_shared<ObjectType>("m.Net", std::vector<ObjectType::Slot>{{"w", Type::integer()}});
  const auto same =
      std::make_shared<ObjectType>("m.Net", std::vector<ObjectType::Slot>{{"w", Type::tensor()}});
  EXPECT_FALSE(equal(a, b));
  EXPECT_TRUE(equal(a, same));
  EXPECT_TRUE(equal(a, t("m.Net")));
  EXPECT_EQ(a->slot_index("w"), 0);
  EXPECT_EQ(a->slot_index("v"), -1);
  const Value object(make_ref<Object>(a, std::vector<Value>{1}));
  EXPECT_TRUE(fits(object, t("m.Net?")));
  EXPECT_EQ(object.repr(), "<m.Net object>");
}

}  // namespace
}  // namespace tine
