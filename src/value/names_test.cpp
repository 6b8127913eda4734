// Names: which one is suggested for one that is not there, and what a schema takes for a name.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/value/op_context.h"
#include "tine/detail/torch_names.h"
#include "tine/operators.h"
#include "tine/type.h"

namespace tine {
namespace {

std::string suggested(const OpTable& table, const std::string& name) {
  std::vector<Value> bound;
  try {
    (void)table.resolve(name, {}, {}, Boundary::kPython, &bound);
  } catch (const NameError& e) {
    const std::string shown = "there is no operator named '" + name.substr(0, 100) + "'";
    EXPECT_THAT(e.message(), testing::StartsWith(shown));
    return e.message().substr(shown.size());
  }
  return "found";
}

TEST(OpTable, SuggestsTheNearestNameUpToTwoChangesAway) {
  OpTable table;
  const Kernel never = [](OpContext&, const Value*) -> Value { return {}; };
  for (const char* row : {"t::abcdef() -> int", "t::abcxyz() -> int", "t::k() -> int"})
    (void)table.add(row, never);
  EXPECT_EQ(suggested(table, "t::abcdef"), "found");
  const std::pair<const char*, const char*> near[] = {{"t::abcdeg", "abcdef"},
                                                      {"t::abcde", "abcdef"},
                                                      {"t::abcdeff", "abcdef"},
                                                      {"t::xabcdef", "abcdef"},
                                                      {"::abcdef", "abcdef"},
                                                      {":abcdef", "abcdef"},
                                                      {"t::bacdef", "abcdef"},
                                                      {"t::abdf", "abcdef"},
                                                      {"t::abcdefgh", "abcdef"},
                                                      {"t::abcxy", "abcxyz"},
                                                      {"t::abcdxyz", "abcxyz"},
                                                      {"t::kk", "k"},
                                                      {"t::", "k"},
                                                      {"abcdefgh", ""},
                                                      {"t::abcghi", ""},
                                                      {"t::abc", ""},
                                                      {"t::abcdefghi", ""},
                                                      {"", ""},
                                                      {"t::fedcba", ""}};
  for (const auto& [name, nearest] : near) {
    EXPECT_EQ(suggested(table, name), *nearest ? fmt::format("; did you mean 't::{}'?", nearest) : "")
        << name;
  }
  // Of two that are as near the first in the order of letters.
  (void)table.add("t::kb() -> int", never);
  (void)table.add("t::ka() -> int", never);
  EXPECT_EQ(suggested(table, "t::kc"), "; did you mean 't::k'?");
  EXPECT_EQ(suggested(table, "t::kaz"), "; did you mean 't::ka'?");
  EXPECT_EQ(suggested(table, "t::kbz"), "; did you mean 't::kb'?");
  EXPECT_EQ(suggested(table, std::string(150, 'a')), "");
}

std::string refusal(const char* schema) {
  try {
    (void)Schema::parse(schema);
  } catch (const SyntaxError& e) {
    return e.message().substr(e.message().find("': ") + 3);
  }
  return "no error";
}

TEST(Schema, TakesOnlyWhatItsGrammarSays) {
  for (const char* good :
       {"f() -> ()", "a::b.c(int a) -> int", "f(Tensor(a!) x) -> Tensor(a!)", "f(Tensor(a -> *) x) -> ()",
        "f(Tensor(*) x) -> ()", "f(int[64] x=1) -> ()", "f(Dict(str, t) x) -> t", "f(t x_1) -> (t y, int z)",
        "f(int? x=None, *, bool y=False) -> ()"}) {
    EXPECT_EQ(refusal(good), "no error") << good;
  }
  const std::pair<const char*, const char*> bad[] = {
      {"f(int a.b) -> int", "column 8: expected ')', got '.'"},
      {"f(int[65] a) -> int", "a list's size is at most 64"},
      {"f(int[x] a) -> int", "expected ']', got 'x'"},
      {"f(int[2 a) -> int", "expected ']', got 'a'"},
      {"f(Tensor() x) -> int", "expected an alias name, like Tensor(a!)"},
      {"f(Tensor(a -> b) x) -> int", "expected '*' after '->'"},
      {"f(Tensor(a! x) -> int", "expected ')', got 'x'"},
      {"f(List x) -> int", "List needs its element types, like List[int]"},
      {"f(Dict x) -> int", "Dict needs its element types, like Dict[str, int]"},
      {"f(Dict[int] x) -> int", "Dict takes 2 types, got 1"},
      {"f(List[int, int] x) -> int", "List takes 1 type, got 2"},
      {"f(Function[] x) -> int", "expected the function's name"},
      {"f(int a=-) -> int", "expected a number"},
      {"f(int a=+x) -> int", "expected a number"},
      {"f(float a=1.2.3) -> int", "expected a number"},
      {"f(int[] a=[1) -> int", "expected ']', got ')'"},
      {"f(*, int a, *, int b) -> int", "expected a type"},
      {"f(*, *) -> int", "expected a type"},
      {"f(int a,) -> int", "expected a type"},
      {"f(int a) int", "expected '->', got 'i'"},
  };
  for (const auto& [text, words] : bad) EXPECT_THAT(refusal(text), testing::HasSubstr(words)) << text;
}

TEST(Type, ANameIsAVariableAnObjectOrNone) {
  EXPECT_EQ(parse_type("abc")->kind, TypeKind::kVariable);
  EXPECT_EQ(parse_type("z")->kind, TypeKind::kVariable);
  EXPECT_EQ(parse_type("a")->kind, TypeKind::kVariable);
  EXPECT_EQ(parse_type("Abc")->kind, TypeKind::kObject);
  EXPECT_EQ(parse_type("_abc")->kind, TypeKind::kObject);
  EXPECT_EQ(parse_type("a.b")->kind, TypeKind::kObject);
  EXPECT_EQ(parse_type("a::b")->kind, TypeKind::kObject);
  for (const char* bad : {"a.", "a:b", "a::", ".a", "1a", "a..b"})
    EXPECT_THROW((void)parse_type(bad), SyntaxError) << bad;
}

TEST(Type, ClassesNestByNameNoDeeperThanTextsDo) {
  const auto chain = [](int classes) {
    std::string text = "Tuple[NamedTuple(N0, x : int)";
    for (int i = 1; i < classes; ++i) text += fmt::format(", NamedTuple(N{}, x : N{})", i, i - 1);
    return text + "]";
  };
  EXPECT_EQ(parse_type(chain(63))->of.size(), 63U);  // the tuple around them is the 64th
  EXPECT_THROW((void)parse_type(chain(64)), SyntaxError);
  try {
    (void)parse_type(chain(200'000));  // nor is any of it dropped by recursion
    FAIL();
  } catch (const SyntaxError& e) {
    EXPECT_THAT(e.message(), testing::HasSubstr("nested deeper than 64"));
  }
  TypeNames names;
  for (int i = 1; i <= 64; ++i)
    (void)parse_type(fmt::format("NamedTuple(M{}, x : {})", i, i > 1 ? fmt::format("M{}", i - 1) : "int"),
                     &names);
  EXPECT_THROW((void)parse_type("NamedTuple(M65, x : M64)", &names), SyntaxError);
}

TEST(TorchNames, AreThoseOfTheModulesThatAreKnown) {
  EXPECT_TRUE(in_torch("torch", "add"));
  EXPECT_FALSE(in_torch("torch", "no_such_function"));
  EXPECT_FALSE(in_torch("torch", ""));
  EXPECT_FALSE(in_torch("torch", "add mul")) << "two of them";
  EXPECT_FALSE(in_torch("no.such.module", "add"));
}

}  // namespace
}  // namespace tine
