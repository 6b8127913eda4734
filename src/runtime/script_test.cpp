#include "src/runtime/script.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "src/base/want_of_memory_for_tests.h"
#include "src/ir/graph.h"
#include "src/runtime/script_runner.h"
#include "src/runtime/script_shelf.h"
#include "src/vm/running.h"
#include "tine/fork.h"
#include "tine/future.h"
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

struct ScriptStoreTest : testing::Test {
  ScriptStoreTest() : store(runtime.scripts()) {
    kept = store.compile_text(std::make_shared<const Source>("test.py", std::string(kText)), "test");
  }
  script::Function at(std::string_view name) { return store.function(name); }
  Value run(const script::Function& f, std::vector<Value> args, std::vector<Keyword> keywords = {}) {
    return store.start(f, store.bind(f, args, keywords)).get();
  }

  Runtime runtime{{.num_threads = 2}};
  ScriptStore& store;
  std::vector<script::Function> kept;
};

TEST_F(ScriptStoreTest, FunctionsAreFoundByTheirQualifiedNames) {
  EXPECT_EQ(at("test.work").qualified_name(), "test.work");
  EXPECT_EQ(at("test.helper").signature(), "helper(int x, int y=10) -> int");
  EXPECT_EQ(store.function("work"), script::Function());
}

TEST_F(ScriptStoreTest, CallsBindDefaultsAndKeywords) {
  EXPECT_EQ(run(at("test.helper"), {Value(1)}).as_int(), 11);
  EXPECT_EQ(run(at("test.helper"), {Value(1)}, {{"y", Value(2)}}).as_int(), 3);
  EXPECT_EQ(run(at("test.work"), {Value(5)}).as_int(), 60);
}

TEST_F(ScriptStoreTest, ABindErrorNamesFunctionArgumentAndTypes) {
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

TEST_F(ScriptStoreTest, NumbersBecomeTensorsAtTheBorder) {
  EXPECT_EQ(run(at("test.scale"), {Value(3)}).to_tensor().item_as_double(), 6.0);
}

TEST_F(ScriptStoreTest, StartAndPostGiveFutures) {
  const std::vector<Value> args = {Value(100)};
  EXPECT_EQ(store.start(at("test.work"), args).get().as_int(),
            store.post(at("test.work"), args).get().as_int());
}

TEST_F(ScriptStoreTest, AFunctionThatIsThereIsNotCompiledAgain) {
  const script::Function before = store.function("test.fact");
  const auto again = store.compile_text(
      std::make_shared<const Source>("test.py", "def fact(n: int) -> int:\n    return 0\n"), "test");
  EXPECT_EQ(store.function("test.fact"), before);
  EXPECT_EQ(run(at("test.fact"), {Value(5)}).as_int(), 120);
}

TEST_F(ScriptStoreTest, CodeTravelsAsTextWithAllThatItCalls) {
  const auto code = store.export_code(at("test.work"));
  Runtime other{{.num_threads = 1}};
  const script::Function imported = other.scripts().import_code(code->hash, code->text);
  const script::Function& f = imported;
  EXPECT_EQ(f.signature(), "work(int n) -> int");
  const std::vector<Value> args = {Value(5)};
  EXPECT_EQ(other.scripts().start(f, args).get().as_int(), 60);
  EXPECT_EQ(other.scripts().import_code(code->hash, code->text), imported);
  EXPECT_EQ(other.scripts().export_code(f)->hash, code->hash);
}

TEST_F(ScriptStoreTest, ARecursiveFunctionTravels) {
  const auto code = store.export_code(at("test.fact"));
  Runtime other{{.num_threads = 1}};
  const std::vector<Value> args = {Value(10)};
  EXPECT_EQ(other.scripts().start(other.scripts().import_code(code->hash, code->text), args).get().as_int(),
            3628800);
}

TEST_F(ScriptStoreTest, TheHashIsOfTheContentNotOfNamesAndPlaces) {
  const std::string moved =
      "\n\n# moved\ndef fact(n: int) -> int:\n    if n < 2:\n        return 1\n    return n * fact(n - 1)\n";
  const auto again = store.compile_text(std::make_shared<const Source>("other.py", moved), "other");
  EXPECT_EQ(store.export_code(again.at(0))->hash, store.export_code(at("test.fact"))->hash);
  EXPECT_NE(store.export_code(at("test.fact"))->hash, store.export_code(at("test.work"))->hash);
}

TEST_F(ScriptStoreTest, CodeOfAnotherHashIsRefused) {
  const auto code = store.export_code(at("test.work"));
  std::string text = code->text;
  const size_t ten = text.find("10");
  ASSERT_NE(ten, std::string::npos);
  text.replace(ten, 2, "11");
  EXPECT_THROW((void)store.import_code(code->hash, text), ValueError);
}

TEST_F(ScriptStoreTest, TextThatIsNoCodeIsASyntaxError) {
  EXPECT_THROW((void)store.import_code("00", "rubbish"), SyntaxError);
  EXPECT_THROW((void)store.import_code("00", "tine-script 1\n"), SyntaxError);
  EXPECT_THROW((void)store.import_code("00", "tine-script 1\nfunction f(int x) -> int\nrubbish"),
               SyntaxError);
}

TEST_F(ScriptStoreTest, CodeBeyondABoundIsRefusedWithItsNumber) {
  std::string text = "tine-script 1\nfunction f(int n) -> int\ngraph(%n : int):\n";
  for (int i = 0; i < 250'000; ++i)
    text += "  %c" + std::to_string(i) + " : int = prim::Constant[value=1]()\n";
  text += "  return (%n)\n";
  const auto refusal = [&] {
    try {
      (void)store.import_code("00", text);
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

Future<Value> called(UnitRunner& runner, ScriptStore& store, const char* name, const rpc::ScriptCode& code,
                     int64_t argument) {
  return runner.function(name, code).and_then([&store, argument](const script::Function& f) {
    const std::vector<Value> args = {Value(argument)};
    return store.start(f, args);
  });
}

TEST_F(ScriptStoreTest, CallsThatCameWhileTheirCodeIsReadWaitForIt) {
  const auto code = store.export_code(at("test.fact"));
  Runtime other{{.num_threads = 1}};
  UnitRunner runner(other.scripts(), other.scheduler().timer());
  // The only thread is busy: nothing has been read yet when the second call comes.
  Promise<void> go;
  const auto busy = fork(other.scheduler(), [wait = go.future()] { wait.wait(); });
  const Future<Value> first = called(runner, other.scripts(), "x.fact", {code->hash, code->text}, 5);
  const Future<Value> second = called(runner, other.scripts(), "x.fact", {code->hash, ""}, 6);
  EXPECT_FALSE(first.ready());
  go.set_value();
  EXPECT_EQ(first.get().as_int(), 120);
  EXPECT_EQ(second.get().as_int(), 720);
  EXPECT_EQ(called(runner, other.scripts(), "x.fact", {code->hash, ""}, 4).get().as_int(), 24);
  busy.get();
}

TEST_F(ScriptStoreTest, CodeThatCannotBeReadMayComeAgain) {
  const auto code = store.export_code(at("test.fact"));
  Runtime other{{.num_threads = 1}};
  UnitRunner runner(other.scripts(), other.scheduler().timer());
  EXPECT_THROW((void)called(runner, other.scripts(), "x.fact", {code->hash, "rubbish"}, 5).get(),
               SyntaxError);
  EXPECT_THROW((void)called(runner, other.scripts(), "x.fact", {code->hash, ""}, 5).get(), Error);
  EXPECT_EQ(called(runner, other.scripts(), "x.fact", {code->hash, code->text}, 5).get().as_int(), 120);
}

TEST_F(ScriptStoreTest, NothingIsKeptOfATextThatDoesNotCompile) {
  const auto bad = std::make_shared<const Source>(
      "bad.py", "def fine(x: int) -> int:\n    return x\n\ndef wrong(x: int) -> int:\n    return y\n");
  EXPECT_THROW((void)store.compile_text(bad, "bad"), SyntaxError);
  EXPECT_EQ(store.function("bad.fine"), script::Function());
}

// Until the tasks of earlier tests' runs have no frames any more.
template <class F>
void expect_soon(F&& condition) {
  const TimePoint end = Clock::now() + std::chrono::seconds(60);
  while (!condition() && Clock::now() < end) std::this_thread::yield();
  EXPECT_TRUE(condition());
}

script::Function one(ScriptStore& store, const std::string& text, const std::string& prefix) {
  return store.compile_text(std::make_shared<const Source>("one.py", text), prefix).at(0);
}

TEST_F(ScriptStoreTest, WhatNobodyShowsIsGone) {
  const size_t before = store.size();
  {
    const script::Function f =
        one(store, "def f(x: int) -> int:\n    return g(x)\ndef g(x: int) -> int:\n    return x\n", "a");
    EXPECT_EQ(store.size(), before + 2);
    EXPECT_EQ(run(f, {Value(3)}).as_int(), 3);
  }
  expect_soon([&] { return (void)store.function("a.f"), store.size() == before; });
  EXPECT_EQ(store.function("a.g"), script::Function());
}

TEST_F(ScriptStoreTest, ANameMayComeAgainWithOtherCode) {
  for (int i = 0; i < 50; ++i) {
    const script::Function f = one(store, fmt::format("def f() -> int:\n    return {}\n", i), "again");
    EXPECT_EQ(run(f, {}).as_int(), i);
  }
  EXPECT_LE(store.size(), 5u);
}

TEST_F(ScriptStoreTest, WhatIsCalledStaysAsLongAsItsCaller) {
  script::Function callee = one(store, "def callee(x: int) -> int:\n    return x + 1\n", "m");
  // As a trace does: the callee is known by its name alone.
  auto graph = std::make_shared<ir::Graph>("m.caller");
  ir::Builder b(*graph);
  ir::Def* const x = graph->add_input(Type::integer(), "x");
  graph->root().outputs = {b.call("m.callee", {x}, Type::integer())};
  graph->returns = {Type::integer()};
  script::Function caller = store.define(std::move(graph), "m.caller");
  callee = {};
  EXPECT_EQ(run(caller, {Value(1)}).as_int(), 2);
  ASSERT_TRUE(store.function("m.callee"));
  caller = {};
  expect_soon([&] { return !store.function("m.callee"); });
}

TEST_F(ScriptStoreTest, WhatIsCalledOnAnotherWorkerStaysAsLongAsItsCaller) {
  script::Function callee = one(store, "def callee(x: int) -> int:\n    return x + 1\n", "m");
  auto names = std::make_shared<script::Globals>();
  names->set("callee", script::FunctionRef{"m.callee", nullptr});
  script::Function caller =
      store
          .compile_text(
              std::make_shared<const Source>(
                  "two.py",
                  "import torch.distributed.rpc as rpc\n"
                  "def caller(to: str, kwargs: Dict[str, int]) -> int:\n"
                  "    return rpc.rpc_sync(to, callee, (1,)) + rpc.rpc_sync(to, callee, (), kwargs)\n"),
              "n", names)
          .at(0);
  callee = {};
  ASSERT_TRUE(store.function("m.callee"));
  caller = {};
  expect_soon([&] { return !store.function("m.callee"); });
}

TEST_F(ScriptStoreTest, ARunKeepsTheCodeThatItIsIn) {
  Promise<Value> promise;
  Future<Value> done;
  {
    // Its helper is not linked before the wait is over.
    const script::Function f = one(store,
                                   "def waits(x: Future[int]) -> int:\n    return helper(x.wait())\n"
                                   "def helper(x: int) -> int:\n    return x * 2\n",
                                   "run");
    const std::vector<Value> args = {Value(promise.future())};
    done = store.post(f, args);
  }
  for (int i = 0; i < 10; ++i) (void)one(store, "def other() -> int:\n    return 1\n", "other");
  promise.set_value(Value(21));
  EXPECT_EQ(done.get().as_int(), 42);
  expect_soon([&] {
    return (void)one(store, "def other() -> int:\n    return 1\n", "other"), !store.function("run.waits");
  });
}

TEST_F(ScriptStoreTest, HandlesThatComeAndGoWhileAScriptRunsLeaveOneNote) {
  const script::Function endless =
      one(store, "def f(n: int) -> int:\n    while n >= 0:\n        n = (n + 1) % 7\n    return n\n", "e");
  Future<Value> runs = store.post(endless, std::vector<Value>{Value(1)});
  expect_soon([&] { return !vm::RunningCount::nothing_runs(); });
  for (int i = 0; i < 1000; ++i) (void)store.function("test.work");
  ScriptShelf& shelf = endless.data()->shelf;
  {
    const MutexLock lock(shelf.mutex);
    EXPECT_LE(shelf.unused.size(), 1u);
  }
  (void)runs.cancel();
  expect_soon([&] { return vm::RunningCount::nothing_runs(); });
  (void)store.function("test.work");
  const MutexLock lock(shelf.mutex);
  EXPECT_EQ(shelf.unused.size(), 0u);
}

TEST_F(ScriptStoreTest, FunctionsComeAndGoWhileOthersRun) {
  std::atomic<bool> stop{false};
  std::thread runs([&] {
    while (!stop) EXPECT_EQ(run(at("test.work"), {Value(20)}).as_int(), 390);
  });
  for (int i = 0; i < 2000; ++i) {
    const script::Function f =
        one(store,
            fmt::format("def f(n: int) -> int:\n    return torch.jit.wait(torch.jit.fork(g, n))\n"
                        "def g(n: int) -> int:\n    return n + {}\n",
                        i),
            fmt::format("busy{}", i));
    ASSERT_EQ(run(f, {Value(1)}).as_int(), i + 1);
  }
  stop = true;
  runs.join();
  expect_soon([&] { return (void)store.function("test.work"), store.size() == kept.size(); });
}

TEST_F(ScriptStoreTest, AFunctionForWhoseHandleThereIsNoMemoryStays) {
  const size_t before = store.size();
  script::Function f = one(store, "def f() -> int:\n    return 7\n", "memory");
  bool failed = true;
  for (int n = 0; failed; ++n) {
    bool thrown = false;
    fail_allocation(n);
    try {
      (void)store.function("memory.f");
    } catch (const std::bad_alloc&) {
      thrown = true;
    }
    failed = allocation_failed();
    EXPECT_EQ(thrown, failed);
  }
  EXPECT_EQ(run(store.function("memory.f"), {}).as_int(), 7);
  f = {};
  expect_soon([&] { return (void)store.function("test.fact"), store.size() == before; });
}

// Another thread of the parent may have held the lock: here the thread that forks does.
TEST_F(ScriptStoreTest, AChildOfForkIsToldThatTheFunctionsCannotBeRead) {
  const script::Function f = at("test.fact");
  pid_t child = 0;
  {
    const MutexLock lock(f.data()->shelf.mutex);
    child = ::fork();
    if (child == 0) {
      alarm(60);
      try {
        (void)ScriptStore::export_code(f);
      } catch (const Error& e) {
        _exit(e.message().find("compile them in this process") != std::string::npos ? 0 : 1);
      }
      _exit(2);
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  // Where nobody held it the child reads them.
  child = ::fork();
  if (child == 0) {
    alarm(60);
    _exit(ScriptStore::export_code(f) ? 0 : 1);
  }
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(ScriptStoreTest, AFunctionMayOutliveItsUnit) {
  script::Function left;
  {
    Runtime other{{.num_threads = 1}};
    left = one(other.scripts(), "def f(x: int) -> int:\n    return x\n", "left");
  }
  EXPECT_EQ(left.signature(), "f(int x) -> int");
}

}  // namespace
}  // namespace tine
