#include "tine/type.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "src/value/compare.h"
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
                           "Union[int, str]",
                           "Optional[Union[int, List[str]]]",
                           "NamedTuple(values : Tensor, indices : Tensor)",
                           "AnyEnumType",
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

constexpr const char* kPoint = "NamedTuple(app.Point, x : int, y : Optional[Tensor])";
constexpr const char* kColor = "Enum(app.Color, str, RED = 'r', GREEN = 'g\\n')";

TEST(Type, AClassIsDefinedWhereItStandsFirst) {
  for (const std::string& text :
       {std::string(kPoint), std::string(kColor), std::string("NamedTuple(app.Empty)"),
        fmt::format("Tuple[{}, app.Point, {}]", kPoint, kColor),
        fmt::format("NamedTuple(app.Line, a : List[{}], b : app.Point, c : {})", kPoint, kColor),
        std::string("Enum(app.Rate, float, SLOW = 0.5, FAST = inf)")}) {
    TypeNames names;
    const TypePtr type = parse_type(text, &names);
    EXPECT_EQ(type->definition(), text);
    EXPECT_TRUE(equal(type, t(text.c_str())));
    // A second text may use the names.
    EXPECT_EQ(parse_type(type->str(), &names)->str(), type->str());
  }
  EXPECT_EQ(t(kPoint)->str(), "app.Point");
  EXPECT_EQ(t(fmt::format("List[{}]", kPoint).c_str())->schema_str(), "app.Point[]");
}

TEST(Type, OneTextCannotNameTwoClassesAlike) {
  TypeNames names;
  const TypePtr point = parse_type(kPoint, &names);
  EXPECT_EQ(parse_type(kPoint, &names), point);
  const auto other = [&](const char* text) {
    try {
      (void)parse_type(text, &names);
    } catch (const SyntaxError& e) {
      return e.message();
    }
    return std::string("accepted");
  };
  EXPECT_THAT(other("NamedTuple(app.Point, x : int)"), testing::HasSubstr("app.Point is defined twice"));
  EXPECT_THAT(other("Enum(app.Point, int, A = 1)"), testing::HasSubstr("app.Point is defined twice"));
  EXPECT_THROW((void)Type::tuple({point, t("NamedTuple(app.Point, x : int)")})->definition(), ValueError);
}

TEST(Type, WhatIsNoClassIsRefused) {
  for (const auto& [text, says] : {
           std::pair{"NamedTuple()", "expected the name"},
           {"NamedTuple(x : int, x : int)", "two fields are called x"},
           {"NamedTuple(app.P, q)", "expected ':'"},
           {"NamedTuple(app.P, a.b : int)", "expected the name of a field"},
           {"NamedTuple(app.P, x : int", "expected ','"},
           {"Enum(app.E)", "expected ','"},
           {"Enum(app.E, Tensor, A = 1)", "of type int, float or str"},
           {"Enum(app.E, int, A = 'a')", "the value of A is not of type int"},
           {"Enum(app.E, int, A = 1, A = 2)", "two members are called A"},
           {"Enum(app.E, int, A)", "expected '='"},
           {"Union[]", "expected a type"},
       }) {
    try {
      (void)parse_type(text);
      ADD_FAILURE() << text;
    } catch (const SyntaxError& e) {
      EXPECT_THAT(e.message(), testing::HasSubstr(says)) << text;
    }
  }
}

TEST(Type, AUnionIsOneTypeWithoutRepetitions) {
  EXPECT_EQ(t("Union[int, int]")->str(), "int");
  EXPECT_EQ(t("Union[int, None]")->str(), "Optional[int]");
  EXPECT_EQ(t("Union[None, str, Union[int, str]]")->str(), "Optional[Union[str, int]]");
  EXPECT_EQ(t("Union[int, number]")->str(), "number");
  EXPECT_EQ(t("Union[int, Any, None]")->str(), "Any");
  EXPECT_EQ(t("Union[Optional[int], str]")->str(), "Optional[Union[int, str]]");
  EXPECT_TRUE(equal(t("Union[int, str]"), t("Union[str, int]")));
  EXPECT_FALSE(equal(t("Union[int, str]"), t("Union[int, float]")));
  EXPECT_TRUE(is_subtype(t("int"), t("Union[int, str]")));
  EXPECT_TRUE(is_subtype(t("Union[str, int]"), t("Union[int, float, str]")));
  EXPECT_TRUE(is_subtype(t("Union[int, str]"), t("Any")));
  EXPECT_TRUE(is_subtype(t("number"), t("Union[int, float]")));
  EXPECT_FALSE(is_subtype(t("Union[int, str]"), t("int")));
  EXPECT_FALSE(is_subtype(t("Union[int, None]"), t("Union[int, str]")));
  EXPECT_TRUE(fits(Value(3), t("Union[int, str]")));
  EXPECT_FALSE(fits(Value(2.5), t("Union[int, str]")));
}

TEST(Type, ANamedTupleFitsWhereItsTupleDoesAndNotTheOtherWayRound) {
  const TypePtr point = t("NamedTuple(app.P, x : int, y : str)"), plain = t("Tuple[int, str]");
  EXPECT_TRUE(is_subtype(point, plain));
  EXPECT_FALSE(is_subtype(plain, point));
  EXPECT_FALSE(is_subtype(point, t("NamedTuple(app.Q, x : int, y : str)")));
  EXPECT_EQ(unify(point, t("NamedTuple(app.Q, x : int, y : str)"))->str(), "Tuple[int, str]");
  const Value made = tuple_of({1, "a"}, *point), tuple = tuple_of({1, "a"}, *plain);
  EXPECT_TRUE(fits(made, point) && fits(made, plain) && fits(tuple, plain));
  EXPECT_FALSE(fits(tuple, point));
  EXPECT_EQ(made.repr(), "P(x=1, y='a')");
  EXPECT_TRUE(equal(type_of(made), point));
  EXPECT_TRUE(fits(with_classes(tuple, point), point));
  EXPECT_FALSE(fits(with_classes(tuple_of({"a", 1}, *plain), point), point));
  // One without a class is any tuple of its elements.
  EXPECT_TRUE(fits(tuple, t("NamedTuple(x : int, y : str)")) &&
              fits(made, t("NamedTuple(x : int, y : str)")));
}

TEST(Type, MembersOfEnumsAreEqualByTypeAndPlace) {
  const auto color = std::static_pointer_cast<const EnumType>(t(kColor));
  const auto again = std::static_pointer_cast<const EnumType>(t(kColor));
  const auto other = std::static_pointer_cast<const EnumType>(t("Enum(app.Other, str, RED = 'r')"));
  const Value red = enum_member(color, 0);
  EXPECT_TRUE(equals(red, enum_member(again, 0)) && fits(red, again) && fits(red, Type::any_enum()));
  EXPECT_FALSE(equals(red, enum_member(color, 1)) || equals(red, enum_member(other, 0)) || fits(red, other));
  EXPECT_EQ(red.repr(), "<Color.RED: 'r'>");
  EXPECT_EQ(hash_of(red), hash_of(enum_member(again, 0)));
  EXPECT_TRUE(equals(with_classes(Value("r"), color), red));
  EXPECT_FALSE(with_classes(Value("x"), color).is(Tag::kEnum));
  Dict dict;
  dict.set(red, 1);
  dict.set(enum_member(color, 1), 2);
  EXPECT_EQ(dict.find(enum_member(again, 0))->as_int(), 1);
  EXPECT_EQ(dict.find(enum_member(other, 0)), nullptr);
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

TEST(Type, ItsSizeIsWhatStandsInItHoweverOftenThatIsShared) {
  const TypePtr inner = parse_type("Dict[str, List[int]]");
  EXPECT_EQ(inner->size, 4u);
  EXPECT_EQ(inner->depth, 2u);
  TypePtr type = Type::tuple({inner, inner});
  EXPECT_EQ(type->size, 9u);
  EXPECT_EQ(type->depth, 3u);
  for (int i = 0; i < 40; ++i) type = Type::tuple({type, type});
  EXPECT_EQ(type->size, std::numeric_limits<uint32_t>::max());
  const ObjectType module("m.M", {{"a", inner}, {"b", Type::integer()}});
  EXPECT_EQ(module.size, 6u);
  EXPECT_EQ(module.depth, 3u);
}

TEST(Type, TextIsBoundedByTheTypeThatItSaysAndNotOnlyByItsLength) {
  TypeNames names;
  (void)parse_type("NamedTuple(A0, x : int)", &names);
  const auto define = [&](int i) {
    return parse_type("NamedTuple(A" + std::to_string(i) + ", x : A" + std::to_string(i - 1) + ", y : A" +
                          std::to_string(i - 1) + ")",
                      &names);
  };
  for (int i = 1; i <= 10; ++i) EXPECT_EQ(define(i)->size, 3u * (1u << i) - 1u);
  EXPECT_THROW((void)define(11), SyntaxError);
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
      EXPECT_TRUE(equal(type, parse_type(type->definition()))) << text;
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
