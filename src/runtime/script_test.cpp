#include "src/runtime/script.h"

#include <gtest/gtest.h>

#include "src/runtime/script_runner.h"
#include "tine/fork.h"
#include "tine/runtime.h"

namespace tine {
namespace {

constexpr std::string_view kText = R"(
def helper(x: int, y: int = 10) -> int:
    return x + y

def work(n: int) -> int:
    futures = [torch.jit.fork(helper, i) for i in range(n)]
    total = 0
    for f in futures:
        total += torch.jit.wait(f)
    return total

def fact(n: int) -> int:
    if n < 2:
        return 1
    return n * fact(n - 1)

def scale(x: Tensor, by: float = 2.0) -> Tensor:
    return x * by
)";

struct Unit : testing::Test {
  Unit() : unit(runtime.scripts()) {
    unit.compile_text(std::make_shared<const Source>("test.py", std::string(kText)), "test");
  }
  const ScriptFunction& at(std::string_view name) { return *unit.function(name); }
  Value run(const ScriptFunction& f, std::vector<Value> args, std::vector<Keyword> keywords = {}) {
    return unit.call(f, unit.bind(f, args, keywords));
  }

  Runtime runtime{{.num_threads = 2}};
  ScriptUnit& unit;
};

using ScriptUnitTest = Unit;

TEST_F(ScriptUnitTest, FunctionsAreFoundByTheirQualifiedNames) {
  EXPECT_EQ(at("test.work").name, "test.work");
  EXPECT_EQ(at("test.helper").signature(), "helper(int x, int y=10) -> int");
  EXPECT_EQ(unit.function("work"), nullptr);
}

TEST_F(ScriptUnitTest, CallsBindDefaultsAndKeywords) {
  EXPECT_EQ(run(at("test.helper"), {Value(1)}).as_int(), 11);
  EXPECT_EQ(run(at("test.helper"), {Value(1)}, {{"y", Value(2)}}).as_int(), 3);
  EXPECT_EQ(run(at("test.work"), {Value(5)}).as_int(), 60);
}

TEST_F(ScriptUnitTest, ABindErrorNamesFunctionArgumentAndTypes) {
  try {
    run(at("test.helper"), {Value("text")});
    FAIL() << "expected a TypeError";
  } catch (const TypeError& error) {
    const std::string& text = error.message();
    for (const char* part :
         {"helper()", "'x'", "int", "str", "Declaration: helper(int x, int y=10) -> int"}) {
      EXPECT_NE(text.find(part), std::string::npos) << text;
    }
  }
}

TEST_F(ScriptUnitTest, NumbersBecomeTensorsAtTheBorder) {
  EXPECT_EQ(run(at("test.scale"), {Value(3)}).to_tensor().item_as_double(), 6.0);
}

TEST_F(ScriptUnitTest, StartAndPostGiveFutures) {
  const std::vector<Value> args = {Value(100)};
  EXPECT_EQ(unit.start(at("test.work"), args).get().as_int(),
            unit.post(at("test.work"), args).get().as_int());
}

TEST_F(ScriptUnitTest, AFunctionThatIsThereIsNotCompiledAgain) {
  const ScriptFunction* const before = unit.function("test.fact");
  unit.compile_text(std::make_shared<const Source>("test.py", "def fact(n: int) -> int:\n    return 0\n"),
                    "test");
  EXPECT_EQ(unit.function("test.fact"), before);
  EXPECT_EQ(run(at("test.fact"), {Value(5)}).as_int(), 120);
}

TEST_F(ScriptUnitTest, CodeTravelsAsTextWithAllThatItCalls) {
  const auto code = unit.export_code(at("test.work"));
  Runtime other{{.num_threads = 1}};
  const ScriptFunction& f = other.scripts().import_code(code->hash, code->text);
  EXPECT_EQ(f.signature(), "work(int n) -> int");
  const std::vector<Value> args = {Value(5)};
  EXPECT_EQ(other.scripts().call(f, args).as_int(), 60);
  EXPECT_EQ(&other.scripts().import_code(code->hash, code->text), &f);
  EXPECT_EQ(other.scripts().export_code(f)->hash, code->hash);
}

TEST_F(ScriptUnitTest, ARecursiveFunctionTravels) {
  const auto code = unit.export_code(at("test.fact"));
  Runtime other{{.num_threads = 1}};
  const std::vector<Value> args = {Value(10)};
  EXPECT_EQ(other.scripts().call(other.scripts().import_code(code->hash, code->text), args).as_int(),
            3628800);
}

TEST_F(ScriptUnitTest, TheHashIsOfTheContentNotOfNamesAndPlaces) {
  const std::string moved =
      "\n\n# moved\ndef fact(n: int) -> int:\n    if n < 2:\n        return 1\n    return n * fact(n - 1)\n";
  const auto again = unit.compile_text(std::make_shared<const Source>("other.py", moved), "other");
  EXPECT_EQ(unit.export_code(*again.at(0))->hash, unit.export_code(at("test.fact"))->hash);
  EXPECT_NE(unit.export_code(at("test.fact"))->hash, unit.export_code(at("test.work"))->hash);
}

TEST_F(ScriptUnitTest, CodeOfAnotherHashIsRefused) {
  const auto code = unit.export_code(at("test.work"));
  std::string text = code->text;
  const size_t ten = text.find("10");
  ASSERT_NE(ten, std::string::npos);
  text.replace(ten, 2, "11");
  EXPECT_THROW(unit.import_code(code->hash, text), ValueError);
}

TEST_F(ScriptUnitTest, TextThatIsNoCodeIsASyntaxError) {
  EXPECT_THROW(unit.import_code("00", "rubbish"), SyntaxError);
  EXPECT_THROW(unit.import_code("00", "tine-script 1\n"), SyntaxError);
  EXPECT_THROW(unit.import_code("00", "tine-script 1\nfunction f(int x) -> int\nrubbish"), SyntaxError);
}

TEST_F(ScriptUnitTest, CodeBeyondABoundIsRefusedWithItsNumber) {
  std::string text = "tine-script 1\nfunction f(int n) -> int\ngraph(%n : int):\n";
  for (int i = 0; i < 250'000; ++i)
    text += "  %c" + std::to_string(i) + " : int = prim::Constant[value=1]()\n";
  text += "  return (%n)\n";
  const auto refusal = [&] {
    try {
      unit.import_code("00", text);
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("none");
  };
  EXPECT_NE(refusal().find("more than 400000 nodes"), std::string::npos) << refusal().substr(0, 300);
  text.resize((16 << 20) + 1, ' ');
  EXPECT_NE(refusal().find("16777217 bytes, at most 16777216"), std::string::npos)
      << refusal().substr(0, 300);
}

TEST_F(ScriptUnitTest, CallsThatCameWhileTheirCodeIsReadWaitForIt) {
  const auto code = unit.export_code(at("test.fact"));
  Runtime other{{.num_threads = 1}};
  UnitRunner runner(other.scripts());
  // The only thread is busy: nothing has been read yet when the second call comes.
  Promise<void> go;
  const auto busy = fork(other.scheduler(), [wait = go.future()] { wait.wait(); });
  const Future<Value> first = runner.run("x.fact", {code->hash, code->text}, {Value(5)}, {});
  const Future<Value> second = runner.run("x.fact", {code->hash, ""}, {Value(6)}, {});
  EXPECT_FALSE(first.ready());
  go.set_value();
  EXPECT_EQ(first.get().as_int(), 120);
  EXPECT_EQ(second.get().as_int(), 720);
  EXPECT_EQ(runner.run("x.fact", {code->hash, ""}, {Value(4)}, {}).get().as_int(), 24);
  busy.get();
}

TEST_F(ScriptUnitTest, CodeThatCannotBeReadMayComeAgain) {
  const auto code = unit.export_code(at("test.fact"));
  Runtime other{{.num_threads = 1}};
  UnitRunner runner(other.scripts());
  EXPECT_THROW((void)runner.run("x.fact", {code->hash, "rubbish"}, {Value(5)}, {}).get(), SyntaxError);
  EXPECT_THROW((void)runner.run("x.fact", {code->hash, ""}, {Value(5)}, {}).get(), Error);
  EXPECT_EQ(runner.run("x.fact", {code->hash, code->text}, {Value(5)}, {}).get().as_int(), 120);
}

TEST_F(ScriptUnitTest, NothingIsKeptOfATextThatDoesNotCompile) {
  const auto bad = std::make_shared<const Source>(
      "bad.py", "def fine(x: int) -> int:\n    return x\n\ndef wrong(x: int) -> int:\n    return y\n");
  EXPECT_THROW(unit.compile_text(bad, "bad"), SyntaxError);
  EXPECT_EQ(unit.function("bad.fine"), nullptr);
}

}  // namespace
}  // namespace tine
