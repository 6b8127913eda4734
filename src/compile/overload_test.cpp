// One table: the schemas of an operator, the types of a call's arguments, and the row that is chosen or the refusal.
#include "src/compile/overload.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace tine::compile {
namespace {

struct Case {
  const char* says;
  std::vector<const char*> rows;
  std::vector<const char*> args;  // "int", "dim=int"; "[]" is an empty list, "T?" may be None with a help
  std::string expected;           // "<row's overload>(<inputs>) -> <result>", or the refusal
};

std::string shown(const Choice& choice, const Schema& row, size_t args) {
  std::string inputs;
  for (const InputSource& input : choice.inputs) {
    using How = InputSource::How;
    if (!inputs.empty()) inputs += ", ";
    switch (input.how) {
      case How::kAsIs: inputs += fmt::format("{}", input.arg); break;
      case How::kToFloat: inputs += fmt::format("float({})", input.arg); break;
      case How::kEmptyList: inputs += fmt::format("[] as {}", input.list->str()); break;
      case How::kWrap: inputs += fmt::format("[{}..{}]", input.arg, input.arg + input.count - 1); break;
      case How::kTupleToList: inputs += fmt::format("list({}) as {}", input.arg, input.list->str()); break;
      case How::kDefault: inputs += "="; break;
    }
    EXPECT_TRUE(input.how == How::kDefault || input.arg + input.count <= args);
  }
  return fmt::format("{}({}) -> {}", row.overload, inputs, choice.result->str());
}

const std::vector<Case> kCases = {
    {"a row of these types is chosen",
     {"aten::add.int(int a, int b) -> int", "aten::add.float(float a, float b) -> float"},
     {"float", "float"},
     "float(0, 1) -> float"},
    {"of two rows that fit, the first is chosen",
     {"aten::f.any(Any a) -> int", "aten::f.int(int a) -> int"},
     {"int"},
     "any(0) -> int"},
    {"a row that fits wins over an earlier one that converts",
     {"aten::add.float(float a, float b) -> float", "aten::add.int(int a, int b) -> int"},
     {"int", "int"},
     "int(0, 1) -> int"},
    {"an int stands for a float",
     {"aten::add.float(float a, float b) -> float"},
     {"int", "float"},
     "float(float(0), 1) -> float"},
    {"a float does not stand for an int",
     {"aten::add.int(int a, int b) -> int"},
     {"int", "float"},
     ": expected int for `b`, got float\n    aten::add.int(int a, int b) -> int"},
    {"numbers make the list that is asked for",
     {"aten::view(Tensor self, int[] size) -> Tensor"},
     {"Tensor", "int", "int", "int"},
     "(0, [1..3]) -> Tensor"},
    {"numbers of a list are not taken from a parameter after it",
     {"aten::f(int[] size, int n) -> Tensor"},
     {"int", "int"},
     "([0..0], 1) -> Tensor"},
    {"keyword-only parameters leave all numbers to the list",
     {"aten::zeros(int[] size, *, int? dtype=None) -> Tensor"},
     {"int", "int", "dtype=int"},
     "([0..1], 2) -> Tensor"},
    {"a number by keyword is a list of one",
     {"aten::sum(Tensor self, int[] dim, bool keepdim=False) -> Tensor"},
     {"Tensor", "dim=int"},
     "(0, [1..1], =) -> Tensor"},
    {"a number makes no list of a variable's elements",
     {"aten::add.t(t[] a, t[] b) -> t[]"},
     {"List[int]", "int"},
     ": expected List[int] for `b`, got int\n    aten::add.t(t[] a, t[] b) -> t[]"},
    {"a tuple does, if they are of its types",
     {"aten::add.t(t[] a, t[] b) -> t[]"},
     {"List[int]", "Tuple[int, int]"},
     "t(0, list(1) as List[int]) -> List[int]"},
    {"a variable that is bound to a list makes none of a tuple",
     {"aten::insert.t(t[] self, int idx, t el) -> int"},
     {"List[List[int]]", "int", "Tuple[int, int]"},
     ": expected List[int] for `el`, got Tuple[int, int]\n    aten::insert.t(t[] self, int idx, t el) -> "
     "int"},
    {"but takes the list [] as an element",
     {"aten::insert.t(t[] self, int idx, t el) -> int"},
     {"List[List[int]]", "int", "[]"},
     "t(0, 1, [] as List[int]) -> int"},
    {"a Tensor makes no list of numbers",
     {"aten::view(Tensor self, int[] size) -> Tensor"},
     {"Tensor", "Tensor"},
     ": expected List[int] for `size`, got Tensor\n    aten::view(Tensor self, int[] size) -> Tensor"},
    {"a tuple stands for a list of its elements",
     {"aten::zeros(int[] size) -> Tensor"},
     {"Tuple[int, int]"},
     "(list(0) as List[int]) -> Tensor"},
    {"ints in a tuple stand for floats",
     {"aten::f(float[] scales) -> Tensor"},
     {"Tuple[int, float]"},
     "(list(0) as List[float]) -> Tensor"},
    {"a tuple of other elements does not",
     {"aten::zeros(int[] size) -> Tensor"},
     {"Tuple[int, str]"},
     ": expected List[int] for `size`, got Tuple[int, str]\n    aten::zeros(int[] size) -> Tensor"},
    {"an empty tuple has no element to tell a list by",
     {"aten::zeros(int[] size) -> Tensor"},
     {"Tuple[]"},
     ": expected List[int] for `size`, got Tuple[()]\n    aten::zeros(int[] size) -> Tensor"},
    {"[] takes the type of a list of ints", {"aten::f(int[] a) -> int"}, {"[]"}, "([] as List[int]) -> int"},
    {"[] takes what another argument told of the variable",
     {"aten::add.t(t[] a, t[] b) -> t[]"},
     {"List[int]", "[]"},
     "t(0, [] as List[int]) -> List[int]"},
    {"a type variable is the same type everywhere",
     {"aten::add.t(t[] a, t[] b) -> t[]"},
     {"List[int]", "List[str]"},
     ": expected List[int] for `b`, got List[str]\n    aten::add.t(t[] a, t[] b) -> t[]"},
    {"a result whose variable no argument tells is refused",
     {"aten::f(int a) -> t"},
     {"int"},
     ": its result type cannot be told\n    aten::f(int a) -> t"},
    {"a type fits its Optional", {"aten::f(int? a) -> int"}, {"int"}, "(0) -> int"},
    {"None fits an Optional", {"aten::f(int? a) -> int"}, {"NoneType"}, "(0) -> int"},
    {"what may be None is refused with its help",
     {"aten::f(int a) -> int"},
     {"int?"},
     ": expected int for `a`, got Optional[int]; test it first\n    aten::f(int a) -> int"},
    {"what would not fit without None either is refused without it",
     {"aten::f(str a) -> int"},
     {"int?"},
     ": expected str for `a`, got Optional[int]\n    aten::f(str a) -> int"},
    {"a row over bare numbers comes last",
     {"prim::max.Scalar(Scalar a, Scalar b) -> Scalar", "prim::max.float(float a, float b) -> float"},
     {"int", "float"},
     "float(float(0), 1) -> float"},
    {"a row over bare numbers is better than none",
     {"prim::max.Scalar(Scalar a, Scalar b) -> Scalar"},
     {"int", "float"},
     "Scalar(0, 1) -> number"},
    {"among numbers it is as good as any",
     {"prim::max.Scalar(Scalar a, Scalar b) -> Scalar", "prim::max.any(Any a, Any b) -> int"},
     {"number", "int"},
     "Scalar(0, 1) -> number"},
    {"parameters that are left out take their defaults",
     {"aten::sum(Tensor self, int dim=0, *, bool keepdim=False) -> Tensor"},
     {"Tensor", "keepdim=bool"},
     "(0, =, 1) -> Tensor"},
    {"keywords come in any order",
     {"aten::f(int a, str b, float c) -> int"},
     {"int", "c=float", "b=str"},
     "(0, 2, 1) -> int"},
    {"a parameter without a default is needed",
     {"aten::f(int a, str b) -> int"},
     {"int"},
     ": it needs a value for `b`\n    aten::f(int a, str b) -> int"},
    {"an argument too many is refused",
     {"aten::f(int a, *, int b=0) -> int"},
     {"int", "int"},
     ": it takes at most 1 positional argument, got 2\n    aten::f(int a, *, int b=0) -> int"},
    {"an unknown keyword is refused, and a slip offered",
     {"aten::sum(Tensor self, bool keepdim=False) -> Tensor"},
     {"Tensor", "keepdims=bool"},
     ": it has no argument `keepdims`; did you mean `keepdim`?\n    aten::sum(Tensor self, bool "
     "keepdim=False) -> Tensor"},
    {"an argument by position and by name is refused",
     {"aten::f(int a) -> int"},
     {"int", "a=int"},
     ": `a` is given twice\n    aten::f(int a) -> int"},
    {"of several rows each says why not",
     {"aten::f.int(int a) -> int", "aten::f.str(str a, str b) -> int"},
     {"str"},
     "\n    aten::f.int(int a) -> int\n      expected int for `a`, got str"
     "\n    aten::f.str(str a, str b) -> int\n      it needs a value for `b`"},
    {"several results are a tuple",
     {"aten::max(Tensor self, int dim) -> (Tensor values, Tensor indices)"},
     {"Tensor", "int"},
     "(0, 1) -> NamedTuple(values : Tensor, indices : Tensor)"},
    {"without rows there is nothing to say", {}, {"int"}, ""},
};

TEST(Overload, IsChosenByTheTypesOfTheArgumentsOrRefusedWithAReason) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.says);
    std::vector<Schema> schemas;
    for (const char* text : c.rows) schemas.push_back(Schema::parse(text));
    std::vector<const Schema*> rows;
    for (const Schema& s : schemas) rows.push_back(&s);
    std::vector<ArgumentType> args;
    for (const std::string_view text : c.args) {
      const size_t equals = text.find('=');
      const bool named = equals != std::string_view::npos;
      const std::string_view type = named ? text.substr(equals + 1) : text;
      ArgumentType a{named ? text.substr(0, equals) : std::string_view(), nullptr};
      a.empty_list = type == "[]";
      a.type = a.empty_list        ? Type::list(Type::tensor())
               : type == "Tuple[]" ? Type::tuple({})
                                   : parse_type(type);
      if (a.type->kind == TypeKind::kOptional) a.help = "; test it first";
      args.push_back(std::move(a));
    }
    const std::optional<Choice> choice = choose_overload(rows, args);
    EXPECT_EQ(choice ? shown(*choice, schemas[choice->row], args.size()) : why_no_overload(rows, args),
              c.expected);
  }
}

}  // namespace
}  // namespace tine::compile
