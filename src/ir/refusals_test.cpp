// Each refusal of IR text: the reader's with line and column, the verifier's with the node; and limits at their edge.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "src/ir/parse.h"
#include "src/ir/print.h"
#include "src/ir/verify.h"
#include "src/value/ops/ops.h"

namespace tine::ir {
namespace {

using testing::HasSubstr;

const OpTable& ops() {
  static const OpTable* const table = [] {
    auto* t = new OpTable;
    add_builtin_operators(*t);
    return t;
  }();
  return *table;
}

std::string refusal(const std::string& text, const ParseOptions& options = {}) {
  try {
    (void)parse(text, ops(), "f", options);
  } catch (const SyntaxError& error) {
    return error.message();
  }
  return "accepted";
}

// A line of a graph (several, with `|` between them), and what is said about it: the reader's column and words, or the
// verifier's words and column 0. Whole texts begin with `!`.
struct Row {
  const char* text;
  int column;
  const char* says;
  int line = 2;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.text; }

std::string whole(const char* row) {
  std::string text = row[0] == '!' ? row + 1
                                   : fmt::format(
                                         "graph(%x : int, %s : str, %c : bool, %t : Tuple[int, str], %l : "
                                         "List[int], %o : Optional[int], %a : Any):\n"
                                         "  {}\n  return (%x)\n",
                                         row);
  for (char& c : text) {
    if (c == '|') c = '\n';
  }
  return text;
}

class Reader : public testing::TestWithParam<Row> {};

TEST_P(Reader, RefusesItWithLineAndColumn) {
  const Row& row = GetParam();
  const std::string text = whole(row.text), told = refusal(text);
  EXPECT_THAT(told, HasSubstr(row.says)) << text;
  EXPECT_THAT(told, testing::StartsWith(fmt::format("IR text, line {}, column {}: ", row.line, row.column)))
      << told;
  // The line itself stands below.
  std::string rest = text;
  for (int i = 1; i < row.line; ++i) rest.erase(0, rest.find('\n') + 1);
  EXPECT_THAT(told, testing::EndsWith("\n  " + rest.substr(0, rest.find('\n')).substr(0, 200))) << told;
}

INSTANTIATE_TEST_SUITE_P(
    Ir, Reader,
    testing::Values(
        Row{"!grap()", 1, "expected 'graph'", 1}, Row{"!graphs()", 1, "expected 'graph'", 1},
        Row{"!graph", 6, "expected '('", 1}, Row{"!graph(x : int):", 7, "expected '%'", 1},
        Row{"!graph(% : int):", 9, "expected a name", 1}, Row{"!graph(%x int):", 10, "expected ':'", 1},
        Row{"!graph(%x : int %y : int):", 12, "unexpected '%y'", 1},
        Row{"!graph(%x : int)|  return (%x)|", 3, "expected ':'", 2},
        Row{"!graph(%x : int, %x : int):", 25, "%x is defined twice", 1},
        Row{"!graph(%x : ):", 12, "expected a type", 1}, Row{"!graph(%x : nonsense):", 12, "nonsense", 1},
        Row{"!graph(%x : List[t]):", 12, "the type t is not known here", 1},
        Row{"!graph(%x : int) -> (int str):", 21, "unexpected 'str'", 1},
        Row{"!graph(%x : int):|  return %x", 10, "expected '('", 2},
        Row{"!graph(%x : int):|  return (%x %x)|", 14, "expected ','", 2},
        Row{"!graph(%x : int):|  return (%y)|", 11, "%y is used before it is defined", 2},
        Row{"!graph(%x : int):|  return (%x)|more", 1, "expected the end of the text", 3},
        Row{"!graph(%x : int):|", 1, "the text ends inside a block", 2},
        Row{"%y : int aten::neg(%x)", 8, "unexpected 'aten'"},
        Row{"%y : int = (%x)", 14, "expected the name of an operator"},
        Row{"%y : int = aten::neg %x", 24, "expected '('"},
        Row{"%y : int = aten::neg(%s)", 14, "no operator aten::neg takes these arguments and returns int"},
        Row{"%y : str = aten::neg(%x)", 14, "no operator aten::neg takes these arguments and returns str"},
        Row{"%y : int = aten::neg.none(%x)", 14, "no operator aten::neg.none takes"},
        Row{"%y : int = aten::nothing(%x)", 14, "no operator aten::nothing"},
        Row{"aten::neg(%x)", 3, "aten::neg has one result"},
        Row{"%y : int, %z : int = aten::neg(%x)", 24, "aten::neg has one result"},
        Row{"%y : int = aten::neg(%x)|  %y : int = aten::neg(%x)", 27, "%y is defined twice", 3},
        Row{"%y : int = prim::Constant[value 1]()", 35, "expected '='"},
        Row{"%y : int = prim::Constant[valu=1]()", 29, "expected 'value'"},
        Row{"%y : int = prim::Constant[value=1()", 36, "expected ']'"},
        Row{"%y : int = prim::Constant[value=x]()", 35, "expected a constant"},
        Row{"%y : int = prim::Constant[value=1x]()", 35, "expected a constant"},
        Row{"%y : float = prim::Constant[value=1.5.2]()", 37, "expected a constant"},
        Row{"%y : float = prim::Constant[value=1e]()", 37, "expected a constant"},
        Row{"%y : float = prim::Constant[value=-]()", 38, "expected a 64-bit integer"},
        Row{"%y : int = prim::Constant[value=9223372036854775808]()", 54, "expected a 64-bit integer"},
        Row{"%y : int = prim::Constant[value=-9223372036854775809]()", 55, "expected a 64-bit integer"},
        Row{"%y : Any = prim::Constant[value=<Tensor>]()", 35, "it was not printed exactly"},
        Row{"%y : str = prim::Constant[value=\"a]()", 40, "expected '\"' before the end of the line"},
        Row{"%y : str = prim::Constant[value=\"a\\q\"]()", 38, "expected one of \\n \\r \\t \\x \\\" \\\\"},
        Row{"%y : str = prim::Constant[value=\"\\x4\"]()", 37, "expected two hexadecimal digits"},
        Row{"%y : str = prim::Constant[value=\"\\xg1\"]()", 37, "expected two hexadecimal digits"},
        Row{"%y : str = prim::Constant[value=\"\\x1G\"]()", 37, "expected two hexadecimal digits"},
        Row{"!graph():|  %y : str = prim::Constant[value=\"a", 37, "the string has no end", 2},
        Row{"!graph():|  %y : str = prim::Constant[value=\"a\\", 38, "the string has no end", 2},
        Row{"!graph():|  %y : str = prim::Constant[value=\"\\x1", 37, "expected two hexadecimal digits", 2},
        Row{"%y : List[int] = prim::Constant[value=[1 2]]()", 44, "expected ','"},
        Row{"%y : Tuple[int] = prim::Constant[value=(1]()", 44, "expected ','"},
        Row{"%y : Tensor = prim::Constant[value=tensor(]()", 45, "expected a quoted string"},
        Row{"%y : Tensor = prim::Constant[value=tensor \"bool\"]()", 45, "expected '('"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"int8\", [0], \"\")]()", 51,
            "no dtype is called 'int8'"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"bool\" [0], \"\")]()", 52, "expected ','"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"bool\", 0, \"\")]()", 53, "expected '['"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"bool\", [0 1], \"\")]()", 56, "expected ','"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"bool\", [-1], \"\")]()", 56,
            "expected at most 64 sizes, none negative"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"bool\", [4294967296, 4294967296, 2], \"\")]()", 76,
            "the tensor is too large"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"bool\", [2] \"\")]()", 57, "expected ','"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"bool\", [2], 00)]()", 58,
            "expected the elements as hexadecimal text"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"bool\", [999], \"00\")]()", 61,
            "the elements are fewer than the sizes say"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"bool\", [2], \"0001\"]()", 64, "expected ')'"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"bool\", [2], \"0002\")]()", 61,
            "expected 00 or 01 for each element"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"bool\", [2], \"00\")]()", 61,
            "expected hexadecimal digits, two for each byte"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"bool\", [1], \"0001\")]()", 61,
            "the elements are more than the sizes say"},
        Row{"%y : Tensor = prim::Constant[value=tensor(\"uint8\", [1], \"0G\")]()", 60,
            "expected hexadecimal digits"},
        Row{"%y : int = prim::TupleIndex[index=-1](%t)", 39, "expected an index from 0"},
        Row{"%y : int = prim::TupleIndex[index=16384](%t)", 42, "expected an index from 0"},
        Row{"%y : int = prim::TupleIndex[index=x](%t)", 37, "expected a 64-bit integer"},
        Row{"%y : int = prim::TupleIndex(%t)", 30, "expected '['"},
        Row{"%y : bool = prim::isinstance[type=](%x)", 37, "expected a type"},
        Row{"%y : int = prim::CallFunction[name=f](%x)", 38, "expected a quoted string"},
        Row{"%y : Future[int] = prim::fork_1(%x)", 22,
            "expected prim::fork_0: forks are numbered in the order of the text"},
        Row{"%y : Future[int] = prim::fork_0(%x)", 1, "expected 'with'", 4},
        Row{"!graph(%x : int):|  %y : Future[int] = prim::fork_0(%x)|  return (%y)|with prim::fork_1 = "
            "graph():|  return ()|",
            6, "expected 'prim::fork_0'", 4},
        Row{"!graph(%x : int):|  %y : Future[int] = prim::fork_0(%x)|  return (%y)|with prim::fork_0 "
            "graph():|  return ()|",
            19, "expected '='", 4},
        Row{"!graph(%x : int):|  %y : Future[int] = prim::fork_0(%x)|  return (%y)|with prim::fork_0 = "
            "graph(%a : int):|  return ()|",
            12, "a forked graph returns one value", 5},
        Row{"prim::If(%c)|  return", 3, "expected 'block0'", 3},
        Row{"prim::If(%c)|  block0():|  -> ()|  block2():", 3, "expected 'block1'", 5},
        Row{"prim::If(%c)|  block0()|  -> ()", 3, "expected ':'", 4},
        Row{"prim::If(%c)|  block0():|  return", 3, "expected '->'", 4}));

class Verifies : public testing::TestWithParam<Row> {};

TEST_P(Verifies, RefusesItWithTheNode) {
  const std::string text = whole(GetParam().text), told = refusal(text);
  EXPECT_THAT(told, HasSubstr(std::string("IR: ") + GetParam().says)) << text;
  if (GetParam().column == 0) {
    EXPECT_THAT(told, HasSubstr("\n  in: ")) << told;
    EXPECT_THAT(told, testing::EndsWith(")")) << told;  // of the node: one line
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ir, Verifies,
    testing::Values(
        Row{"!graph(%x : int):|  return (%x, %x)|", 1,
            "the graph 'f' returns 2 values; a function returns one"},
        Row{"!graph(%x : int) -> (str):|  return (%x)|", 1, "graph 'f': expected str, got int"},
        Row{"!graph(%x : int) -> (int):|  return ()|", 1, "graph 'f': expected 1 results, got 0"},
        Row{"%y : str = prim::Constant[value=1]()", 0, "the constant is not a str"},
        Row{"prim::Constant[value=1]()", 0, "expected 1 results, got 0"},
        Row{"%y : int = prim::Constant[value=1](%x)", 0, "expected 0 inputs, got 1"},
        Row{"prim::If(%x)|block0():|->()|block1():|->()", 0, "expected bool as input 1, got int"},
        Row{"prim::If()|block0():|->()|block1():|->()", 0, "expected one input, the condition"},
        Row{"prim::If(%c)|block0(%p : int):|->()|block1():|->()", 0,
            "the blocks of an if have no parameters"},
        Row{"%y : int = prim::If(%c)|block0():|->(%x)|block1():|->()", 0, "expected 1 values, got 0"},
        Row{"%y : int = prim::If(%c)|block0():|->(%x)|block1():|->(%s)", 0, "expected int, got str"},
        Row{"prim::If(%c)|block0():|->(%x)|block1():|->()", 0, "expected 0 values, got 1"},
        Row{"prim::Loop(%x)|block0(%i : int):|->(%c)", 0,
            "expected the trip count, the condition and the carried values"},
        Row{"prim::Loop(%s, %c)|block0(%i : int):|->(%c)", 0, "expected int as input 1, got str"},
        Row{"prim::Loop(%x, %x)|block0(%i : int):|->(%c)", 0, "expected bool as input 2, got int"},
        Row{"prim::Loop(%x, %c)|block0():|->(%c)", 0, "expected 1 parameters of the block, got 0"},
        Row{"prim::Loop(%x, %c)|block0(%i : int, %j : int):|->(%c)", 0,
            "expected 1 parameters of the block, got 2"},
        Row{"prim::Loop(%x, %c)|block0(%i : str):|->(%c)", 0,
            "the first parameter must be the number of the iteration, an int"},
        Row{"prim::Loop(%x, %c, %x)|block0(%i : int, %j : int):|->(%c, %j)", 0, "expected 1 results, got 0"},
        Row{"%y : int = prim::Loop(%x, %c, %s)|block0(%i : int, %j : int):|->(%c, %j)", 0,
            "expected int, got str"},
        Row{"%y : Any = prim::Loop(%x, %c, %x)|block0(%i : int, %j : int):|->(%c, %j)", 0,
            "a carried value must have the same type as its parameter and its result"},
        Row{"%y : int = prim::Loop(%x, %c, %x)|block0(%i : int, %j : int):|->(%c)", 0,
            "expected 2 values, got 1"},
        Row{"%y : int = prim::Loop(%x, %c, %x)|block0(%i : int, %j : int):|->(%j, %j)", 0,
            "expected bool, got int"},
        Row{"prim::Break()", 0, "break outside of a loop"},
        Row{"prim::Continue(%c)", 0, "continue outside of a loop"},
        Row{"prim::Loop(%x, %c)|block0(%i : int):|prim::Continue()|->()", 0,
            "expected the next condition as the first input"},
        Row{"prim::Loop(%x, %c)|block0(%i : int):|prim::Continue(%i)|->()", 0,
            "expected bool as input 1, got int"},
        Row{"prim::Loop(%x, %c)|block0(%i : int):|prim::Continue(%c, %i)|->()", 0,
            "expected 0 values, got 1"},
        Row{"prim::Loop(%x, %c)|block0(%i : int):|prim::Break(%i)|->()", 0, "expected 0 values, got 1"},
        Row{"%y : int = prim::Loop(%x, %c, %x)|block0(%i : int, %j : int):|prim::Break()|->()", 0,
            "expected 1 values, got 0"},
        Row{"prim::Loop(%x, %c)|block0(%i : int):|prim::Break()|->(%c)", 0,
            "a block that ends in an exit has no outputs"},
        Row{"prim::Loop(%x, %c)|block0(%i : int):|%z : int = prim::Break()|->()", 0,
            "expected 0 results, got 1"},
        Row{"prim::If(%c)|block0():|prim::Return(%x)|%z : int = aten::neg(%x)|->()|block1():|->()", 0,
            "an exit must be the last node of its block"},
        Row{"prim::If(%c)|block0():|prim::Return(%s)|->()|block1():|->()", 0, "expected int, got str"},
        Row{"prim::If(%c)|block0():|prim::Return()|->()|block1():|->()", 0, "expected 1 values, got 0"},
        Row{"!graph(%x : int, %c : bool) -> (int):|%y : int = "
            "prim::If(%c)|block0():|prim::Return(%x)|->()|block1():|prim::Return(%x)|->()|return ()|",
            0, "an if whose branches both leave has no results"},
        Row{"prim::If(%c)|block0():|prim::RaiseException[kind=\"ValueError\"](%x)|->()|block1():|->()", 0,
            "expected str as input 1, got int"},
        Row{"prim::If(%c)|block0():|prim::RaiseException[kind=\"NoError\"](%s)|->()|block1():|->()", 0,
            "no error is called 'NoError'"},
        Row{"prim::If(%c)|block0():|prim::RaiseException[kind=\"ValueError\"]()|->()|block1():|->()", 0,
            "expected 1 inputs, got 0"},
        Row{"%y : int = prim::CallFunction[name=\"\"](%x)", 0, "the call names no function"},
        Row{"prim::CallFunction[name=\"g\"](%x)", 0, "expected 1 results, got 0"},
        Row{"%y : int = prim::CallMethod[name=\"g\"](%x)", 0, "expected an object as the first input"},
        Row{"%y : int = prim::CallMethod[name=\"g\"]()", 0, "expected an object as the first input"},
        Row{"%y : int = prim::GetAttr[name=\"g\"](%x)", 0, "expected an object as the first input"},
        Row{"prim::SetAttr[name=\"g\"](%x, %x)", 0, "expected an object as the first input"},
        Row{"prim::SetAttr[name=\"g\"](%x)", 0, "expected 2 inputs, got 1"},
        Row{"%y : Tuple[int, int] = prim::TupleConstruct(%x)", 0, "the node makes a Tuple[int]"},
        Row{"%y : int, %z : int = prim::TupleUnpack(%x)", 0, "expected a tuple as input 1, got int"},
        Row{"%y : int = prim::TupleUnpack(%t)", 0, "expected 2 results, got 1"},
        Row{"%y : int, %z : int = prim::TupleUnpack(%t)", 0, "expected int, got str"},
        Row{"%y : int, %z : Any = prim::TupleUnpack(%t)", 0,
            "the element is a str, the result is declared as Any"},
        Row{"%y : int = prim::TupleUnpack()", 0, "expected one input"},
        Row{"%y : int = prim::TupleIndex[index=2](%t)", 0, "the tuple has 2 elements"},
        Row{"%y : int = prim::TupleIndex[index=1](%t)", 0, "expected int, got str"},
        Row{"%y : int = prim::TupleIndex[index=0](%l)", 0, "expected a tuple as input 1, got List[int]"},
        Row{"%y : int = prim::ListConstruct(%x)", 0, "the node makes a list"},
        Row{"%y : List[int] = prim::ListConstruct(%s)", 0, "expected int, got str"},
        Row{"%y : int = prim::ListUnpack(%t)", 0, "expected a list as input 1, got Tuple[int, str]"},
        Row{"%y : str = prim::ListUnpack(%l)", 0, "expected str, got int"},
        Row{"%y : int = prim::ListUnpack()", 0, "expected one input"},
        Row{"%y : int = prim::DictConstruct()", 0, "the node makes a dict"},
        Row{"%y : Dict[str, int] = prim::DictConstruct(%s)", 0, "expected a value for each key"},
        Row{"%y : Dict[str, int] = prim::DictConstruct(%x, %x)", 0, "expected str, got int"},
        Row{"%y : Dict[str, int] = prim::DictConstruct(%s, %s)", 0, "expected int, got str"},
        Row{"%y : int = prim::isinstance[type=int](%a)", 0, "the result must be a bool"},
        Row{"%y : bool = prim::isinstance[type=int]()", 0, "expected 1 inputs, got 0"},
        Row{"%y : str = prim::unchecked_cast(%o)", 0, "Optional[int] cannot be a str"},
        Row{"!graph(%x : int):|%y : Future[int] = prim::fork_0(%x)|return (%y)|with prim::fork_0 = "
            "graph():|%z : int = prim::Constant[value=1]()|return (%z)|",
            0, "expected 0 inputs, got 1"},
        Row{"!graph(%x : int):|%y : Future[int] = prim::fork_0(%x)|return (%y)|with prim::fork_0 = graph(%z "
            ": str):|return (%z)|",
            0, "expected str, got int"},
        Row{"!graph(%x : int):|%y : Future[str] = prim::fork_0(%x)|return (%y)|with prim::fork_0 = graph(%z "
            ": int):|return (%z)|",
            0, "the forked graph returns int, the result is declared as Future[str]"}));

TEST(IrText, IsAcceptedWhereARowWouldBeRefusedOneStepFurther) {
  for (const char* good :
       {"%y : int = prim::Constant[value=9223372036854775807]()",
        "%y : int = prim::Constant[value=-9223372036854775808]()",
        "%y : float = prim::Constant[value=-1.5e-3]()", "%y : float = prim::Constant[value=-inf]()",
        "%y : Tuple[int] = prim::Constant[value=(1,)]()", "%y : List[int] = prim::Constant[value=[]]()",
        "%y : str = prim::Constant[value=\"\\n\\r\\t\\\"\\\\\\x0a\\xff\"]()",
        "%y : Tensor = prim::Constant[value=tensor(\"bool\", [2], \"0001\")]()",
        "%y : Tensor = prim::Constant[value=tensor(\"float64\", [], \"000000000000f03f\")]()",
        "%y : Any = prim::unchecked_cast(%x)", "%y : int = prim::unchecked_cast(%a)",
        "%y : int = prim::unchecked_cast(%o)", "%y : str = prim::TupleIndex[index=1](%t)",
        "prim::If(%c)|block0():|prim::Return(%x)|->()|block1():|prim::Return(%x)|->()"}) {
    const bool exits = std::string(good).find("Return") != std::string::npos;
    const std::string text = whole(good);
    EXPECT_EQ(exits ? refusal(text.substr(0, text.rfind("  return")) + "return ()\n") == "accepted"
                    : refusal(text) == "accepted",
              !exits)
        << text << refusal(text);
  }
}

TEST(IrText, NestsToItsLimitsAndNoDeeper) {
  const auto constant = [](int depth) {
    const std::string open(static_cast<size_t>(depth), '['), close(static_cast<size_t>(depth), ']');
    return refusal(whole(fmt::format("%y : Any = prim::Constant[value={}1{}]()", open, close).c_str()));
  };
  EXPECT_EQ(constant(32), "accepted");
  EXPECT_THAT(constant(33), HasSubstr("the constant is nested too deeply"));
  const auto type = [](int depth) {
    std::string t = "int";
    for (int i = 0; i < depth; ++i) t = "List[" + t + "]";
    return refusal("graph(%x : " + t + "):\n  return (%x)\n");
  };
  EXPECT_EQ(type(32), "accepted");
  EXPECT_THAT(type(33), HasSubstr("the type is nested too deeply"));
  const auto blocks = [](int depth) {
    std::string open, close;
    for (int i = 0; i < depth; ++i) {
      open += "prim::If(%c)\nblock0():\n";
      close += "-> ()\nblock1():\n-> ()\n";
    }
    return refusal("graph(%c : bool):\n" + open + close + "return (%c)\n");
  };
  EXPECT_EQ(blocks(200), "accepted");
  EXPECT_THAT(blocks(201), HasSubstr("the blocks are nested too deeply"));
  const auto forks = [](int depth) {
    std::string text = "graph(%x : int):\n  %f : Future[int] = prim::fork_0(%x)\n  return (%x)\n";
    for (int i = 0; i < depth; ++i) {
      text += fmt::format("with prim::fork_{} = graph(%x : int):\n", i);
      if (i + 1 < depth) text += fmt::format("  %f : Future[int] = prim::fork_{}(%x)\n", i + 1);
      text += "  return (%x)\n";
    }
    return refusal(text);
  };
  EXPECT_EQ(forks(64), "accepted");
  // Before the chain is there, which would be destroyed one graph inside the other.
  EXPECT_THAT(forks(65), testing::StartsWith("IR text, line 194, column 22: forks are nested more than 64 "
                                             "deep in one graph"));
  EXPECT_THAT(forks(100'000), HasSubstr("forks are nested more than 64 deep in one graph"));
}

// `%x : A1`, where A1 is a name, is as large a type as A1 is.
std::string doubling(int times, const char* leaf) {
  std::string text = fmt::format("%p0 : NamedTuple(A0, x : {})", leaf);
  for (int i = 1; i <= times; ++i)
    text += fmt::format(", %p{} : NamedTuple(A{}, x : A{}, y : A{})", i, i, i - 1, i - 1);
  return text;
}

TEST(IrText, TypesThatShareTheirPartsAreBoundedByWhatTheyAre) {
  const auto doubled = [](int times, const ParseOptions& options = {}) {
    return refusal("graph(" + doubling(times, "int") + "):\n  return (%p0)\n", options);
  };
  EXPECT_EQ(doubled(10), "accepted");  // 3,071 types
  EXPECT_THAT(doubled(11), HasSubstr("the type is too large: 6143 types are in it, at most 4096 are read"));
  EXPECT_THAT(doubled(60), HasSubstr("the type is too large"));
  ParseOptions pytorch;
  pytorch.pytorch = true;
  EXPECT_THAT(doubled(60, pytorch), HasSubstr("the type is too large"));
  const auto chained = [](int times) {
    std::string text = "graph(%p0 : NamedTuple(A0, x : int)";
    for (int i = 1; i <= times; ++i) text += fmt::format(", %p{} : NamedTuple(A{}, x : A{})", i, i, i - 1);
    return refusal(text + "):\n  return (%p0)\n");
  };
  EXPECT_EQ(chained(63), "accepted");
  EXPECT_THAT(chained(64), HasSubstr("nested deeper than 64"));
  EXPECT_THAT(chained(100'000), HasSubstr("nested deeper than 64"));
}

TEST(IrText, UsesOfOneNamedTypeAreOneObjectAlsoWithClassesInIt) {
  const auto object = std::make_shared<const ObjectType>("C0", std::vector<ObjectType::Slot>());
  ParseOptions options;
  options.object_type = [&](std::string_view name) { return name == "C0" ? object : nullptr; };
  const auto graph = parse("graph(" + doubling(10, "C0") + ", %q : A10, %r : List[A10]):\n  return (%p0)\n",
                           ops(), "f", options);
  const std::vector<Def*>& inputs = graph->inputs();
  EXPECT_EQ(inputs[10]->type, inputs[11]->type);
  EXPECT_EQ(inputs[10]->type, inputs[12]->type->of[0]);
  EXPECT_EQ(inputs[10]->type->of[0], inputs[9]->type);
}

TEST(IrText, OfPyTorchNestsClassesToTheirLimit) {
  ParseOptions options;
  options.pytorch = true;
  const auto classes = [&](int depth) {
    std::string text = "graph(%x0 : __torch__.C0):\n";
    for (int i = 1; i <= depth; ++i)
      text += fmt::format("  %x{} : __torch__.C{} = prim::GetAttr[name=\"a\"](%x{})\n", i, i, i - 1);
    return refusal(text + "  return (%x0)\n", options);
  };
  EXPECT_EQ(classes(63), "accepted");
  EXPECT_THAT(classes(64), HasSubstr("classes are nested more than 64 deep"));
  EXPECT_THAT(classes(100'000), HasSubstr("classes are nested more than 64 deep"));
}

TEST(IrText, LengthsOfTypesAndNumbersOfTermsActAtTheirEdge) {
  const auto type = [](size_t length) {
    std::string t = "Tuple[int";
    while (t.size() + 5 < length) t += ", int";
    t += ']';
    t += std::string(length > t.size() ? length - t.size() : 0, ' ');
    return std::pair(t.size(), refusal("graph(%x : " + t + "):\n  return (%x)\n"));
  };
  EXPECT_EQ(type(4095).second, "accepted");
  EXPECT_THAT(type(4110).second, HasSubstr("at most 4096 are read"));
  ParseOptions options;
  options.most_terms = 5;  // two parameters, a node, its value, a use; the return's use is one more
  const std::string text = "graph(%x : int, %y : int):\n  %z : int = aten::neg(%x)\n  return ({})\n";
  EXPECT_THAT(refusal("graph(%x : int, %y : int):\n  %z : int = aten::neg(%x)\n  return (%z)\n", options),
              HasSubstr("more than 5 nodes, values and uses of values"));
  options.most_terms = 6;
  EXPECT_EQ(refusal("graph(%x : int, %y : int):\n  %z : int = aten::neg(%x)\n  return (%z)\n", options),
            "accepted");
  std::string sizes;
  for (int i = 0; i < 64; ++i) sizes += i ? ", 1" : "1";
  EXPECT_THAT(
      refusal(
          whole(fmt::format("%y : Tensor = prim::Constant[value=tensor(\"bool\", [{}, 1], \"00\")]()", sizes)
                    .c_str())),
      HasSubstr("at most 64 sizes"));
}

TEST(IrText, PlacesAreReadAndWhatIsNoPlaceIsAComment) {
  const auto place = [](const std::string& comment) {
    const auto graph =
        parse("graph(%x : int):\n  %y : int = aten::neg(%x)" + comment + "\n  return (%y)\n", ops(), "f");
    const SourceSpan& span = graph->root().nodes.front()->span;
    return span.known() ? fmt::format("{} {} {}", span.source->name, span.line, span.column) : "none";
  };
  EXPECT_EQ(place(" # f.py:3:4"), "f.py 3 4");
  EXPECT_EQ(place("\t#f.py:3:4"), "f.py 3 4");
  EXPECT_EQ(place(" # a b:c.py:12:34"), "a b:c.py 12 34");
  EXPECT_EQ(place(" # f.py:999999999:1"), "f.py 999999999 1");
  EXPECT_EQ(place(" # f.py:1000000000:1"), "none");
  for (const char* none : {"", " # a comment", " # f.py:3", " # f.py:x:4", " # f.py:3:", " #", " # :"})
    EXPECT_EQ(place(none), "none") << none;
}

TEST(IrText, OfEachKindOfConstantComesBackAsItWas) {
  for (const char* constant :
       {"int = prim::Constant[value=-7]()",
        "float = prim::Constant[value=2.5]()",
        "float = prim::Constant[value=3.0]()",
        "float = prim::Constant[value=inf]()",
        "float = prim::Constant[value=-inf]()",
        "float = prim::Constant[value=nan]()",
        "float = prim::Constant[value=1e+300]()",
        "bool = prim::Constant[value=0]()",
        "NoneType = prim::Constant()",
        "Tuple[int] = prim::Constant[value=(1,)]()",
        "Tuple[bool, None] = prim::Constant[value=(False, None)]()",
        "List[str] = prim::Constant[value=[\"a\", \"\\x1f \\r\\t\\\\\"]]()",
        "Enum(app.Color, str, RED = 'r]', GREEN = 'g') = prim::Constant[value=app.Color.GREEN]()",
        "List[Enum(app.Color, int, RED = 1)] = prim::Constant[value=[app.Color.RED]]()",
        "List[Any] = prim::Constant[value=[Enum(app.Color, int, RED = 1).RED, app.Color.RED]]()",
        "Dict[Enum(app.Color, int, RED = 1), int] = prim::Constant[value={app.Color.RED : 1}]()",
        "NamedTuple(app.P, x : int, q : NamedTuple(app.Q, y : str)) = prim::Constant[value=(1, (\"a\",))]()",
        "Tensor = prim::Constant[value=tensor(\"uint8\", [2, 1], \"00ff\")]()",
        "Tensor = prim::Constant[value=tensor(\"int64\", [1], \"0102030405060708\")]()",
        "Tensor = prim::Constant[value=tensor(\"float32\", [0, 3], \"\")]()"}) {
    const std::string text = fmt::format("graph(%x : int):\n  %1 : {}\n  return (%x)\n", constant);
    EXPECT_EQ(print(*parse(text, ops(), "f"), {.exact = true}), text);
  }
}

TEST(IrText, DefinesAClassWhereItStandsFirstAndOnlyThere) {
  const std::string text =
      "graph(%p : NamedTuple(app.P, x : int, y : int), %c : Enum(app.C, int, A = 1, B = 2)):\n"
      "  %x : int = prim::TupleIndex[index=0](%p)\n"
      "  %q : app.P = prim::TupleConstruct(%x, %x)\n"
      "  %is : bool = prim::isinstance[type=Union[app.P, NamedTuple(app.Q, s : str)]](%q)\n"
      "  %f : Future[app.C] = prim::fork_0(%c)\n"
      "  return (%q)\n\n"
      "with prim::fork_0 = graph(%c : app.C):\n"
      "  %1 : bool = aten::eq.enum(%c, %c)\n"
      "  return (%c)\n";
  const auto graph = parse(text, ops(), "f");
  EXPECT_EQ(print(*graph, {.exact = true}), text);
  EXPECT_EQ(content_hash(*graph), content_hash(*parse(text, ops(), "g")));
  std::string other = text;
  other.replace(other.find("A = 1"), 5, "A = 3");
  EXPECT_NE(content_hash(*graph), content_hash(*parse(other, ops(), "f")));
  // A value that is made as a P is one for good: its fields were checked.
  EXPECT_THAT(
      refusal(
          "graph(%x : str):\n  %q : NamedTuple(app.P, x : int) = prim::TupleConstruct(%x)\n  return (%q)\n"),
      HasSubstr("the node makes a Tuple[str]"));
}

TEST(IrText, RefusesWhatIsNoMemberAndNoTupleOfItsClass) {
  const auto constant = [](const char* type, const char* value) {
    return refusal(
        fmt::format("graph():\n  %1 : {} = prim::Constant[value={}]()\n  return (%1)\n", type, value));
  };
  const char* const color = "Enum(app.C, int, A = 1)";
  EXPECT_EQ(constant(color, "app.C.A"), "accepted");
  EXPECT_EQ(constant(color, "1"), "accepted");
  EXPECT_THAT(constant(color, "app.C.B"), HasSubstr("app.C has no member B"));
  EXPECT_THAT(constant(color, "app.D.A"), HasSubstr("expected a member of an enum that is defined before"));
  EXPECT_THAT(constant(color, "2"), HasSubstr("the constant is not a app.C"));
  EXPECT_THAT(constant("Enum(app.C, str, A = 'x)", "app.C.A"), HasSubstr("the string has no end"));
  EXPECT_THAT(constant("app.C", "app.C.A"), HasSubstr("the type app.C is not known here"));
  EXPECT_EQ(constant("NamedTuple(app.P, x : int)", "(1,)"), "accepted");
  EXPECT_THAT(constant("NamedTuple(app.P, x : int)", "(\"a\",)"), HasSubstr("the constant is not a app.P"));
  EXPECT_THAT(constant("NamedTuple(app.P, x : int)", "(1, 2)"), HasSubstr("the constant is not a app.P"));
  std::string many = "Enum(app.C, int";
  while (many.size() < (size_t{1} << 16)) many += fmt::format(", A{} = 1", many.size());
  EXPECT_THAT(constant((many + ")").c_str(), "1"), HasSubstr("at most 65536 are read"));
}

TEST(IrText, NamesAreMadeDifferentAndReadable) {
  Graph graph("f");
  Builder b(graph);
  Def* const x = graph.add_input(Type::integer(), "x");
  Def* const other = graph.add_input(Type::integer(), "x");
  Def* const third = graph.add_input(Type::integer(), "x");
  Def* const odd = graph.add_input(Type::integer(), "a b-c");
  Def* const digit = graph.add_input(Type::integer(), "1st");
  Def* const bare = graph.add_input(Type::integer(), "");
  graph.root().outputs = {b.tuple({x, other, third, odd, digit, bare})};
  graph.returns = {graph.root().outputs[0]->type};
  EXPECT_THAT(print(graph),
              HasSubstr("graph(%x : int, %x.1 : int, %x.2 : int, %a_b_c : int, %4 : int, %5 : int):"));
  EXPECT_EQ(print(*parse(print(graph), ops(), "f")), print(graph));
}

TEST(IrText, NamesEachFunctionThatItCallsOnceAndInOrder) {
  const auto graph = parse(
      "graph(%x : int, %c : bool):\n"
      "  %1 : int = prim::CallFunction[name=\"m.z\"](%x)\n"
      "  prim::If(%c)\n"
      "    block0():\n"
      "      %2 : int = prim::CallFunction[name=\"m.a\"](%x)\n"
      "      -> ()\n"
      "    block1():\n"
      "      %3 : int = prim::CallFunction[name=\"m.z\"](%x)\n"
      "      -> ()\n"
      "  %f : Future[int] = prim::fork_0(%x)\n"
      "  return (%x)\n"
      "with prim::fork_0 = graph(%x : int):\n"
      "  %4 : int = prim::CallFunction[name=\"m.f\"](%x)\n"
      "  %5 : str = prim::Constant[name=\"m.n\"]()\n"
      "  return (%4)\n",
      ops(), "f");
  EXPECT_EQ(called_functions(*graph), (std::vector<std::string>{"m.a", "m.f", "m.n", "m.z"}));
}

TEST(IrText, AConstantMayBeTheNameOfAFunction) {
  const std::string text = "graph():\n  %0 : str = prim::Constant[name=\"m.f\"]()\n  return (%0)\n";
  const auto graph = parse(text, ops(), "f");
  EXPECT_EQ(print(*graph, {.exact = true}), text);
  Node& node = *graph->root().nodes[0];
  EXPECT_EQ(node.constant.to_string(), "m.f");
  EXPECT_NE(content_hash(*graph),
            content_hash(*parse("graph():\n  %0 : str = prim::Constant[value=\"m.f\"]()\n  return (%0)\n",
                                ops(), "f")))
      << "a str that reads the same is not one";
  node.rename_function("m.g");
  verify(*graph);
  EXPECT_EQ(node.constant.to_string(), "m.g");
  node.constant = Value("m.h");
  EXPECT_THROW(verify(*graph), SyntaxError);
  for (const char* wrong :
       {"%0 : int = prim::Constant[name=\"m.f\"]()", "%0 : str = prim::Constant[name=\"\"]()",
        "%0 : str = prim::Constant[name=m]()", "%0 : str = prim::Constant[name=3]()"}) {
    EXPECT_THROW((void)parse(std::string("graph():\n  ") + wrong + "\n  return (%0)\n", ops(), "f"),
                 SyntaxError)
        << wrong;
  }
}

TEST(IrText, DictsAreConstants) {
  for (const char* dict : {"%0 : Dict[str, int] = prim::Constant[value={\"a\" : 1, \"b\" : 2}]()",
                           "%0 : Dict[int, float] = prim::Constant[value={1 : 2.5}]()",
                           "%0 : Dict[str, Any] = prim::Constant[value={\"a\" : {}, \"b\" : [(1,), None]}]()",
                           "%0 : Dict[bool, int] = prim::Constant[value={True : 1}]()",
                           "%0 : Dict[str, Tensor] = prim::Constant[value={}]()"}) {
    const std::string text = std::string("graph():\n  ") + dict + "\n  return (%0)\n";
    EXPECT_EQ(print(*parse(text, ops(), "f"), {.exact = true}), text);
  }
  for (const char* wrong :
       {"{1}", "{\"a\": 1 \"b\": 2}", "{None: 1}", "{[1]: 1}", "{\"a\":}", "{", "{\"a\": 1"}) {
    EXPECT_THROW((void)parse(std::string("graph():\n  %0 : Dict[str, int] = prim::Constant[value=") + wrong +
                                 "]()\n  return (%0)\n",
                             ops(), "f"),
                 SyntaxError)
        << wrong;
  }
}

TEST(IrText, DeclaresItsResultWhereThatIsNotWhatIsReturned) {
  for (const char* text :
       {"graph(%x : int) -> (Optional[int]):\n  return (%x)\n", "graph(%x : int):\n  return (%x)\n",
        "graph(%x : int) -> (NoneType):\n  %1 : NoneType = prim::Constant()\n  return (%1)\n"}) {
    const std::string shown = print(*parse(text, ops(), "f"), {.exact = true});
    EXPECT_EQ(shown.find("->") != std::string::npos, std::string(text).find("Optional") != std::string::npos)
        << shown;
  }
}

}  // namespace
}  // namespace tine::ir
