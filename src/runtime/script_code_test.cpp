// The text in which a script's code travels: what is wrong in it is refused by name, whatever its hash says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

#include "src/base/testing/errors.h"
#include "src/runtime/script.h"
#include "src/runtime/script_runner.h"
#include "tine/runtime.h"

namespace tine {
namespace {

using testing::HasSubstr;

class ScriptCode : public testing::Test {
 protected:
  // Imports it under the hash that it has: the first refusal tells that.
  script::Function import(const std::string& text) {
    const std::string before = "but its content is ";
    const std::string told = error_of([&] { (void)store.import_code("00", text); });
    const size_t at = told.find(before);
    if (at == std::string::npos) {
      ADD_FAILURE() << "it cannot be read: " << told;
      return {};
    }
    return store.import_code(told.substr(at + before.size(), 64), text);
  }
  std::string refusal(const std::string& text) {
    return error_of([&] { (void)import(text); });
  }
  // What is wrong with a text that cannot be read, whatever its hash.
  std::string unreadable(const std::string& text) {
    return error_of([&] { (void)store.import_code("00", text); });
  }
  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from << " is not in\n" << text;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  }
  std::string exported(const std::string& source, const std::string& name) {
    kept = store.compile_text(std::make_shared<const Source>("code.py", source), "code");
    return store.export_code("code." + name)->text;
  }
  int64_t run(const script::Function& f, std::vector<Value> args) {
    return store.start(f, store.bind(f, args, {})).get().as_int();
  }

  Runtime runtime{{.num_threads = 1}};
  ScriptStore& store = runtime.scripts();
  std::vector<script::Function> kept;
};

constexpr const char* kChain = R"(
def last(n: int) -> int:
    return n + 1

def middle(n: int) -> int:
    return last(n) * 10

def first(n: int) -> int:
    return middle(n) + last(n)
)";

TEST_F(ScriptCode, OfManyFunctionsIsTheirTextsInTheOrderOfFirstMention) {
  const std::string text = exported(kChain, "first");
  EXPECT_LT(text.find("function first("), text.find("function middle("));
  EXPECT_LT(text.find("function middle("), text.find("function last("));
  const script::Function f = import(text);
  EXPECT_EQ(run(f, {Value(4)}), 55);
  EXPECT_EQ(store.export_code(f)->text.substr(0, 40), text.substr(0, 40));
}

TEST_F(ScriptCode, ThatCallsTheLanguageItWasWrittenInIsNeitherSentNorTaken) {
  constexpr const char* kCalls = "def calls(n: int) -> int:\n    return __call_python__('ours', n)\n";
  EXPECT_THAT(error_of([&] { (void)exported(kCalls, "calls"); }),
              HasSubstr("cannot be sent: code.calls calls a function that is marked @ignore"));
  const std::string plain = exported("def plain(n: int) -> int:\n    return n + 1\n", "plain");
  const size_t at = plain.find("graph(");
  ASSERT_NE(at, std::string::npos) << plain;
  EXPECT_THAT(refusal(plain.substr(0, at) + R"(graph(%n : int):
  %1 : str = prim::Constant[value="ours"]()
  %2 : Any[] = prim::ListConstruct(%n)
  %3 : Future[Any] = prim::PythonOp(%1, %2)
  return (%n)
)"),
              HasSubstr("calls a function of this process's Python; it is refused"));
}

TEST_F(ScriptCode, CallsTheLanguageItWasWrittenInByWhatABindingBrings) {
  const auto f =
      store.compile_text(std::make_shared<const Source>(
                             "code.py", "def calls(n: int) -> int:\n    return __call_python__('ours', n)\n"),
                         "code")[0];
  EXPECT_THAT(error_of([&] { (void)run(f, {Value(4)}); }),
              HasSubstr("`ours` is marked @ignore, so it is Python's"));
  store.call_foreign_by([](const std::string& function, const std::vector<Value>& args) {
    return make_ready<Value>(function == "ours" ? Value(args[0].as_int() * 2) : Value("no"));
  });
  EXPECT_EQ(run(f, {Value(4)}), 8);
}

constexpr const char* kRemote = R"(
import torch.distributed.rpc as rpc

def there(n: int) -> int:
    return n + 1

def first(to: str, n: int) -> int:
    return rpc.rpc_sync(to, there, (n,))
)";

TEST_F(ScriptCode, HasWhatItCallsOnOtherWorkersToo) {
  const std::string text = exported(kRemote, "first");
  EXPECT_THAT(text, testing::AllOf(HasSubstr("function there("), HasSubstr("prim::Constant[name=\"f1\"]")));
  const script::Function f = import(text);
  EXPECT_EQ(store.export_code(f)->hash, store.export_code("code.first")->hash) << "it may go on from there";
  EXPECT_THAT(refusal(replaced(text, "[name=\"f1\"]", "[name=\"f2\"]")),
              HasSubstr("calls `f2`, which is not in it"));
  EXPECT_THAT(refusal(replaced(text, "[name=\"f1\"]", "[name=\"code.there\"]")),
              HasSubstr("calls `code.there`, which is not in it"));
}

TEST_F(ScriptCode, CallsOnlyWhatIsInIt) {
  const std::string text = exported(kChain, "first");
  for (const char* name : {"f3", "f4", "f99999999999999999999", "g1", "f", "f1x", "f-1", "f 1", "first"}) {
    const std::string changed = replaced(text, "[name=\"f1\"]", "[name=\"" + std::string(name) + "\"]");
    EXPECT_THAT(refusal(changed), HasSubstr("calls `" + std::string(name) + "`, which is not in it"));
  }
  EXPECT_EQ(run(import(replaced(text, "[name=\"f1\"]", "[name=\"f2\"]")), {Value(4)}), 10) << "that is there";
}

TEST_F(ScriptCode, HasGraphsOfTheSignaturesThatItTells) {
  const std::string text = exported(kChain, "first");
  for (const char* name : {"first", "middle", "last"}) {
    const std::string line = std::string("function ") + name;
    for (const char* other : {"(float n) -> int", "(int n, int m) -> int", "() -> int", "(int n) -> float",
                              "(int n, int m=3) -> int", "(int? n) -> int"}) {
      EXPECT_THAT(refusal(replaced(text, line + "(int n) -> int", line + other)),
                  testing::AllOf(HasSubstr("has another signature"), HasSubstr(name)))
          << other;
    }
  }
}

TEST_F(ScriptCode, TakesEachFloatAsItIs) {
  for (const char* number :
       {"0.30000000000000004", "1e-320", "1.7976931348623157e308", "1e23", "-0.0", "0.1"}) {
    const std::string text =
        exported(std::string("def f(x: float) -> float:\n    return x + ") + number + "\n", "f");
    const script::Function here = kept.at(0), there = import(text);
    for (const double x : {0.0, -0.0, 1.0}) {
      const std::vector<Value> args = {Value(x)};
      const double expected = store.start(here, args).get().as_float(),
                   found = store.start(there, args).get().as_float();
      EXPECT_EQ(std::bit_cast<uint64_t>(found), std::bit_cast<uint64_t>(expected)) << number;
    }
    kept.clear();
  }
}

constexpr const char* kDefault =
    "tine-script 1\n"
    "function f(int n, int by) -> int\n"
    "default 1 graph():\n"
    "  %1 : int = prim::Constant[value=3]()\n"
    "  return (%1)\n"
    "graph(%n : int, %by : int):\n"
    "  %1 : int = aten::mul.int(%n, %by)\n"
    "  return (%1)\n";

TEST_F(ScriptCode, GivesADefaultToTheParameterOfItsNumberAndOfItsType) {
  const script::Function f = import(kDefault);
  EXPECT_EQ(run(f, {Value(4)}), 12);
  EXPECT_EQ(run(f, {Value(4), Value(5)}), 20);
  for (const char* beyond : {"2", "3", "4000000000"}) {
    EXPECT_THAT(refusal(replaced(kDefault, "default 1", "default " + std::string(beyond))),
                HasSubstr("a default without its parameter"));
  }
  EXPECT_THAT(refusal(replaced(kDefault, "%1 : int = prim::Constant[value=3]",
                               "%1 : str = prim::Constant[value=\"3\"]")),
              HasSubstr("the default of 'by' is not of type int"));
  EXPECT_THAT(
      refusal(replaced(kDefault, "  %1 : int = prim::Constant[value=3]()\n",
                       "  %0 : int = prim::Constant[value=3]()\n  %1 : int = aten::add.int(%0, %0)\n")),
      HasSubstr("the default of 'by' is not of type int"))
      << "a constant, and no computation";
}

TEST_F(ScriptCode, IsReadLineByLine) {
  const auto error = [&](const std::string& text) {
    return error_of([&] { (void)store.import_code("00", text); });
  };
  const std::string one = kDefault;
  EXPECT_THAT(error(one.substr(1)), HasSubstr("expected a text that begins with `tine-script 1`"));
  EXPECT_THAT(error(replaced(one, "tine-script 1", "tine-script 2")),
              HasSubstr("begins with `tine-script 1`"));
  EXPECT_THAT(error("tine-script 1\n"), HasSubstr("there is no function in it"));
  EXPECT_THAT(error("tine-script 1\nfunktion f() -> int\n"), HasSubstr("expected a line `function ...`"));
  EXPECT_THAT(error("tine-script 1\nfunction f() -> int"), HasSubstr("it ends within a line"));
  for (const char* number : {"x", "", "-1"})
    EXPECT_THAT(error(replaced(one, "default 1", "default " + std::string(number))),
                HasSubstr("expected a line `default <parameter> graph():`"));
  EXPECT_THAT(error(one.substr(0, one.find("graph(%n"))),
              HasSubstr("expected a line `default <parameter> graph():`"));
}

// ---- classes

constexpr const char* kClasses = R"(
class Point:
    def __init__(self, x: int, y: int = 2):
        self.x = x
        self.y = y
        self.next: Optional["Point"] = None
    def sum(self) -> int:
        p = self.next
        return self.x + self.y + (p.sum() if p is not None else 0)
    @property
    def double(self) -> int:
        return self.sum() * 2
    def __add__(self, other: "Point") -> "Point":
        return Point(self.x + other.x, self.y + other.y)

class Log:
    def __init__(self, points: List[Point]):
        self.points = points
    def __enter__(self) -> Point:
        self.points.append(Point(0))
        return self.points[-1]
    def __exit__(self, type: Any, value: Any, tb: Any):
        self.points.append(Point(100))

def total(n: int) -> int:
    points: List[Point] = []
    with Log(points) as first:
        first.next = Point(n) + Point(1)
        if n > 9:
            raise ValueError("too much")
    made = torch.jit.fork(Point, n)
    points.append(torch.jit.wait(made))
    s = 0
    for p in points:
        s += p.double
    return s
)";

TEST_F(ScriptCode, BringsTheClassesThatItUses) {
  const std::string text = exported(kClasses, "total");
  EXPECT_THAT(text, HasSubstr("object Log\n"));
  EXPECT_THAT(text, HasSubstr("object Point\nslot x int\nslot y int\nslot next Optional[C"));
  const script::Function f = import(text);
  EXPECT_EQ(run(f, {3}), 234);
  EXPECT_EQ(run(store.function("code.total"), {3}), 234);
  EXPECT_EQ(error_of([&] { (void)run(f, {10}); }), "too much");
  // What is imported is sent on as it came.
  EXPECT_EQ(store.export_code(f)->hash, store.export_code("code.total")->hash);
  EXPECT_TRUE(import(text) == f);
}

TEST_F(ScriptCode, OfClassesIsReadLineByLine) {
  const std::string text = exported(kClasses, "total");
  EXPECT_THAT(unreadable(replaced(text, "object Log\n", "object Log [1]\n")),
              HasSubstr("a class called `Log [1]`"));
  EXPECT_THAT(unreadable(replaced(text, "object Log\n", "object a.b\n")), HasSubstr("a class called `a.b`"));
  EXPECT_THAT(unreadable(replaced(text, "object Log\n", "class Log x\n")),
              HasSubstr("is not a class of scripts"));
  EXPECT_THAT(unreadable(replaced(text, "slot points List[C", "slot points List[C9")),
              HasSubstr("there is no class C9"));
  EXPECT_THAT(unreadable(replaced(text, "slot x int\n", "slot x str\n")), HasSubstr("expected str, got int"));
  EXPECT_THAT(unreadable(replaced(text, "slot x int\n", "")), HasSubstr("no attribute 'x'"));
  EXPECT_THAT(refusal(replaced(text, "method __exit__ ", "method __exit__ 99")), HasSubstr("is not in it"));
}

TEST_F(ScriptCode, MakesObjectsOfClassesOfScriptsAlone) {
  const std::string head = "tine-script 1\n";
  const std::string f = "function f() -> int\ngraph():\n  %o : C0 = prim::CreateObject()\n";
  const std::string get = "  %x : int = prim::GetAttr[name=\"x\"](%o)\n  return (%x)\n";
  EXPECT_THAT(unreadable(head + "class A []\nslot x int\n" + f + get),
              HasSubstr("C0 is not a class of scripts"));
  // A slot that nobody has set holds nothing.
  const script::Function unset = import(head + "object A\nslot x int\n" + f + get);
  EXPECT_THAT(error_of([&] { (void)run(unset, {}); }), HasSubstr("has no value in its attribute 'x' yet"));
}

TEST_F(ScriptCode, EndsEachWithOnEveryPath) {
  const auto code = [](const std::string& body) {
    return "tine-script 1\nobject A\nfunction f(bool b) -> int\ngraph(%b : bool):\n  %o : C0 = "
           "prim::CreateObject()\n"
           "  %1 : int = prim::Constant[value=1]()\n" +
           body + "  return (%1)\n";
  };
  EXPECT_THAT(unreadable(code("  prim::Enter(%o)\n  prim::Return(%1)\n")),
              HasSubstr("a `with` is not left on this path"));
  EXPECT_THAT(unreadable(code("  prim::Exit(%o)\n")), HasSubstr("not the object of the innermost `with`"));
  EXPECT_THAT(unreadable(code("  prim::Enter(%b)\n")), HasSubstr("expected an object"));
  EXPECT_THAT(unreadable(code("  %p : C0 = prim::CreateObject()\n  prim::Enter(%o)\n  prim::Enter(%p)\n  "
                              "prim::Exit(%o)\n  prim::Exit(%p)\n")),
              HasSubstr("not the object of the innermost `with`"));
  EXPECT_THAT(unreadable(code("  prim::If(%b)\n    block0():\n      prim::Enter(%o)\n      -> ()\n    "
                              "block1():\n      -> ()\n  prim::Exit(%o)\n")),
              HasSubstr("a `with` is not left at the end of the block"));
  EXPECT_THAT(unreadable(code("  prim::Enter(%o)\n")), HasSubstr("a `with` is not left"));
}

}  // namespace
}  // namespace tine
