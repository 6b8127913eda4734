// How types stand to each other and to values: tables of all pairs.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "src/value/unify.h"
#include "tine/future.h"
#include "tine/type.h"

namespace tine {
namespace {

using detail::make_ref;

TypePtr t(const std::string& text) { return parse_type(text); }

constexpr const char* kTypes[] = {"Any",
                                  "None",
                                  "bool",
                                  "int",
                                  "float",
                                  "number",
                                  "str",
                                  "Tensor",
                                  "List[int]",
                                  "List[number]",
                                  "List[Any]",
                                  "Dict[str, int]",
                                  "Tuple[()]",
                                  "Tuple[int]",
                                  "Tuple[number]",
                                  "Tuple[int, str]",
                                  "Optional[int]",
                                  "Optional[number]",
                                  "Future[int]",
                                  "Future[number]",
                                  "RRef[int]",
                                  "Optional[None]",
                                  "t",
                                  "u",
                                  "m.A",
                                  "m.B",
                                  "Function[f]",
                                  "Function[g]"};

TEST(Relations, EachTypeIsEqualToItselfAlone) {
  for (const char* a : kTypes) {
    for (const char* b : kTypes) EXPECT_EQ(equal(t(a), t(b)), std::string(a) == b) << a << ", " << b;
    EXPECT_FALSE(equal(t(a), nullptr));
    EXPECT_FALSE(equal(nullptr, t(a)));
    EXPECT_FALSE(is_subtype(t(a), nullptr));
    EXPECT_FALSE(is_subtype(nullptr, t(a)));
  }
  EXPECT_FALSE(equal(t("Tuple[int]"), t("Tuple[int, int]")));
  EXPECT_FALSE(equal(t("Dict[str, int]"), t("Dict[int, str]")));
}

TEST(Relations, ATypeStandsForTheseAndNoOthers) {
  std::string table;
  for (const char* a : kTypes) {
    table += fmt::format("{}:", a);
    for (const char* b : kTypes) {
      if (std::string(a) != b && is_subtype(t(a), t(b))) table += fmt::format(" {};", b);
    }
    table += "\n";
  }
  EXPECT_EQ(table, R"table(Any:
None: Any; Optional[int]; Optional[number]; Optional[None];
bool: Any;
int: Any; number; Optional[int]; Optional[number];
float: Any; number; Optional[number];
number: Any; Optional[number];
str: Any;
Tensor: Any;
List[int]: Any;
List[number]: Any;
List[Any]: Any;
Dict[str, int]: Any;
Tuple[()]: Any;
Tuple[int]: Any; Tuple[number];
Tuple[number]: Any;
Tuple[int, str]: Any;
Optional[int]: Any; Optional[number];
Optional[number]: Any;
Future[int]: Any; Future[number];
Future[number]: Any;
RRef[int]: Any;
Optional[None]: Any; Optional[int]; Optional[number];
t: Any;
u: Any;
m.A: Any;
m.B: Any;
Function[f]: Any;
Function[g]: Any;
)table");
}

TEST(Relations, TheLeastCommonTypeIsTheSameFromBothSides) {
  std::string table;
  for (const char* a : kTypes) {
    for (const char* b : kTypes) {
      const TypePtr both = unify(t(a), t(b)), other = unify(t(b), t(a));
      EXPECT_EQ(both == nullptr, other == nullptr) << a << ", " << b;
      if (!both || !other) continue;
      EXPECT_TRUE(equal(both, other)) << a << ", " << b;
      EXPECT_TRUE(is_subtype(t(a), both) && is_subtype(t(b), both)) << a << ", " << b;
      if (!is_subtype(t(a), t(b)) && !is_subtype(t(b), t(a)) && std::string(a) < b)
        table += fmt::format("{} and {}: {}\n", a, b, both->str());
    }
  }
  EXPECT_EQ(table, R"table(None and bool: Optional[bool]
None and int: Optional[int]
None and float: Optional[float]
None and number: Optional[number]
None and str: Optional[str]
None and Tensor: Optional[Tensor]
None and Tuple[()]: Optional[Tuple[()]]
None and Tuple[int]: Optional[Tuple[int]]
None and Tuple[number]: Optional[Tuple[number]]
None and Tuple[int, str]: Optional[Tuple[int, str]]
None and RRef[int]: Optional[RRef[int]]
None and t: Optional[t]
None and u: Optional[u]
None and m.A: Optional[m.A]
None and m.B: Optional[m.B]
float and int: number
List[int] and None: Optional[List[int]]
List[int] and Optional[None]: Optional[List[int]]
List[number] and None: Optional[List[number]]
List[number] and Optional[None]: Optional[List[number]]
List[Any] and None: Optional[List[Any]]
List[Any] and Optional[None]: Optional[List[Any]]
Dict[str, int] and None: Optional[Dict[str, int]]
Dict[str, int] and Optional[None]: Optional[Dict[str, int]]
Optional[int] and float: Optional[number]
Optional[int] and number: Optional[number]
Future[int] and None: Optional[Future[int]]
Future[int] and Optional[None]: Optional[Future[int]]
Future[number] and None: Optional[Future[number]]
Future[number] and Optional[None]: Optional[Future[number]]
Optional[None] and bool: Optional[bool]
Optional[None] and int: Optional[int]
Optional[None] and float: Optional[float]
Optional[None] and number: Optional[number]
Optional[None] and str: Optional[str]
Optional[None] and Tensor: Optional[Tensor]
Optional[None] and Tuple[()]: Optional[Tuple[()]]
Optional[None] and Tuple[int]: Optional[Tuple[int]]
Optional[None] and Tuple[number]: Optional[Tuple[number]]
Optional[None] and Tuple[int, str]: Optional[Tuple[int, str]]
Optional[None] and RRef[int]: Optional[RRef[int]]
Optional[None] and t: Optional[t]
Optional[None] and u: Optional[u]
Optional[None] and m.A: Optional[m.A]
Optional[None] and m.B: Optional[m.B]
Function[f] and None: Optional[Function[f]]
Function[f] and Optional[None]: Optional[Function[f]]
Function[g] and None: Optional[Function[g]]
Function[g] and Optional[None]: Optional[Function[g]]
)table");
}

TEST(Relations, AValueFitsTheseTypesAndNoOthers) {
  auto dict = make_ref<Dict>();
  dict->set("a", 1);
  auto mixed = make_ref<Dict>();
  mixed->set("a", 1);
  mixed->set("b", "c");
  const auto object = std::make_shared<ObjectType>("m.A", std::vector<ObjectType::Slot>{});
  const std::pair<const char*, Value> values[] = {
      {"None", Value()},
      {"True", Value(true)},
      {"1", Value(1)},
      {"1.5", Value(1.5)},
      {"'a'", Value("a")},
      {"[]", make_ref<List>()},
      {"[1]", make_ref<List>(std::vector<Value>{1})},
      {"[1, 1.5]", make_ref<List>(std::vector<Value>{1, 1.5})},
      {"[1, 'a']", make_ref<List>(std::vector<Value>{1, "a"})},
      {"{'a': 1}", dict},
      {"{'a': 1, 'b': 'c'}", mixed},
      {"()", make_ref<Tuple>(std::vector<Value>{})},
      {"(1,)", make_ref<Tuple>(std::vector<Value>{1})},
      {"(1, 'a')", make_ref<Tuple>(std::vector<Value>{1, "a"})},
      {"future", make_ready(Value(1))},
      {"object", make_ref<Object>(object, std::vector<Value>{})},
  };
  std::string table;
  for (const auto& [name, value] : values) {
    table += fmt::format("{} is {}:", name, type_of(value)->str());
    for (const char* b : kTypes) {
      if (fits(value, t(b))) table += fmt::format(" {};", b);
    }
    table += "\n";
  }
  EXPECT_EQ(table, R"table(None is None: Any; None; Optional[int]; Optional[number]; Optional[None]; t; u;
True is bool: Any; bool; t; u;
1 is int: Any; int; number; Optional[int]; Optional[number]; t; u;
1.5 is float: Any; float; number; Optional[number]; t; u;
'a' is str: Any; str; t; u;
[] is List[Any]: Any; List[int]; List[number]; List[Any]; t; u;
[1] is List[int]: Any; List[int]; List[number]; List[Any]; t; u;
[1, 1.5] is List[number]: Any; List[number]; List[Any]; t; u;
[1, 'a'] is List[Any]: Any; List[Any]; t; u;
{'a': 1} is Dict[str, int]: Any; Dict[str, int]; t; u;
{'a': 1, 'b': 'c'} is Dict[str, Any]: Any; t; u;
() is Tuple[()]: Any; Tuple[()]; t; u;
(1,) is Tuple[int]: Any; Tuple[int]; Tuple[number]; t; u;
(1, 'a') is Tuple[int, str]: Any; Tuple[int, str]; t; u;
future is Future[Any]: Any; Future[int]; Future[number]; t; u;
object is m.A: Any; t; u; m.A;
)table");
}

TEST(Relations, APatternMatchesWhatItsVariablesCanStandFor) {
  const auto matched = [](const char* pattern, const char* actual) -> std::string {
    TypeBindings bindings;
    if (!match(t(pattern), t(actual), &bindings)) return "no";
    std::string out;
    for (const auto& [name, type] : bindings) out += fmt::format("{}={} ", name, type->str());
    const TypePtr back = substitute(t(pattern), bindings);
    return out + (back ? back->str() : "?");
  };
  EXPECT_EQ(matched("t", "int"), "t=int int");
  EXPECT_EQ(matched("List[t]", "List[int]"), "t=int List[int]");
  EXPECT_EQ(matched("List[t]", "Tuple[int]"), "no");
  EXPECT_EQ(matched("List[t]", "int"), "no");
  EXPECT_EQ(matched("Tuple[t, t]", "Tuple[int, int]"), "t=int Tuple[int, int]");
  EXPECT_EQ(matched("Tuple[t, t]", "Tuple[int, str]"), "no");
  EXPECT_EQ(matched("Tuple[t, t]", "Tuple[number, int]"), "t=number Tuple[number, number]");
  EXPECT_EQ(matched("Tuple[t, t]", "Tuple[int, number]"), "no");
  EXPECT_EQ(matched("Tuple[t, t]", "Tuple[int]"), "no");
  EXPECT_EQ(matched("Tuple[List[t], t]", "Tuple[List[number], int]"), "t=number Tuple[List[number], number]");
  EXPECT_EQ(matched("Tuple[t, List[t]]", "Tuple[number, List[int]]"), "no");  // a list can be written to
  EXPECT_EQ(matched("Tuple[t, Dict[str, t]]", "Tuple[number, Dict[str, int]]"), "no");
  EXPECT_EQ(matched("Tuple[t, Future[t]]", "Tuple[number, Future[int]]"),
            "t=number Tuple[number, Future[number]]");
  EXPECT_EQ(matched("Optional[t]", "int"), "t=int Optional[int]");
  EXPECT_EQ(matched("Optional[t]", "Optional[int]"), "t=int Optional[int]");
  EXPECT_EQ(matched("Optional[t]", "None"), "?");
  EXPECT_EQ(matched("List[Optional[t]]", "List[int]"), "no");
  EXPECT_EQ(matched("List[Optional[t]]", "List[Optional[int]]"), "t=int List[Optional[int]]");
  EXPECT_EQ(matched("Dict[t, u]", "Dict[str, int]"), "u=int t=str Dict[str, int]");
  EXPECT_EQ(matched("number", "int"), "number");
  EXPECT_EQ(matched("List[number]", "List[int]"), "no");
  EXPECT_EQ(matched("Tuple[List[number], t]", "Tuple[List[int], str]"), "no");
  EXPECT_EQ(matched("Tuple[number, t]", "Tuple[int, str]"), "t=str Tuple[number, str]");
  EXPECT_EQ(matched("RRef[t]", "RRef[int]"), "t=int RRef[int]");
  EXPECT_EQ(matched("RRef[t]", "Future[int]"), "no");
  EXPECT_EQ(matched("Any", "Optional[int]"), "Any");
}

TEST(Relations, OfDeepContainersTheTypeIsToldToADepth) {
  const auto nested = [](int depth) {
    Value v(1);
    std::string type = "int";
    for (int i = 0; i < depth; ++i) {
      v = Value(make_ref<List>(std::vector<Value>{v}));
      type = "List[" + type + "]";
    }
    return std::pair(type_of(v)->str(), type);
  };
  const auto [told, whole] = nested(16);
  EXPECT_EQ(told, whole);
  const auto [cut, deeper] = nested(17);
  EXPECT_NE(cut, deeper);
  EXPECT_NE(cut.find("Any"), std::string::npos);
  // A container of each kind is one step.
  const auto around = [&](Value inner) {
    for (int i = 0; i < 15; ++i) inner = Value(make_ref<List>(std::vector<Value>{inner}));
    const std::string type = type_of(inner)->str();
    return type.substr(75, type.size() - 90);
  };
  auto dict = make_ref<Dict>();
  dict->set("a", 1.5);
  EXPECT_EQ(around(Value(dict)), "Dict[str, float]");
  EXPECT_EQ(around(Value(make_ref<Tuple>(std::vector<Value>{1, "a"}))), "Tuple[int, str]");
  EXPECT_EQ(around(Value(make_ref<List>(std::vector<Value>{1}))), "List[int]");
}

}  // namespace
}  // namespace tine
