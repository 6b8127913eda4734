#include <atomic>
#include <thread>

#include "src/value/cost.h"
#include "tests/script/fixture.h"

namespace tine::test {
namespace {

using Machine = Script;

TEST_F(Machine, ALoopAddsWhatItCounts) {
  define("f", R"(
graph(%n : int):
  %zero : int = prim::Constant[value=0]()
  %seven : int = prim::Constant[value=7]()
  %true : bool = prim::Constant[value=1]()
  %s : int = prim::Loop(%n, %true, %zero)
    block0(%i : int, %s.1 : int):
      %t : int = aten::remainder(%i, %seven)
      %s.2 : int = aten::add(%s.1, %t)
      -> (%true, %s.2)
  return (%s)
)");
  int64_t expected = 0;
  for (int i = 0; i < 1000; ++i) expected += i % 7;
  EXPECT_EQ(run("f", 1000).as_int(), expected);
  EXPECT_EQ(run("f", 0).as_int(), 0);
  EXPECT_EQ(run("f", -3).as_int(), 0);
}

TEST_F(Machine, AFunctionCallsItself) {
  define("fib", kFib);
  EXPECT_EQ(run("fib", 20).as_int(), 6765);
}

TEST_F(Machine, CarriedValuesMoveAllAtOnce) {
  define("f", R"(
graph(%n : int):
  %zero : int = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %true : bool = prim::Constant[value=1]()
  %a : int, %b : int = prim::Loop(%n, %true, %zero, %one)
    block0(%i : int, %x : int, %y : int):
      %z : int = aten::add(%x, %y)
      -> (%true, %y, %z)
  return (%a)
)");
  EXPECT_EQ(run("f", 10).as_int(), 55);
  define("swap", R"(
graph(%n : int, %p : str, %q : str):
  %true : bool = prim::Constant[value=1]()
  %a : str, %b : str = prim::Loop(%n, %true, %p, %q)
    block0(%i : int, %x : str, %y : str):
      -> (%true, %y, %x)
  %t : Tuple[str, str] = prim::TupleConstruct(%a, %b)
  return (%t)
)");
  EXPECT_EQ(run("swap", 2, "a", "b").repr(), "('a', 'b')");
  EXPECT_EQ(run("swap", 3, "a", "b").repr(), "('b', 'a')");
}

TEST_F(Machine, AWhileLoopTestsItsConditionBeforeEachTurn) {
  define("f", R"(
graph(%n : int):
  %max : int = prim::Constant[value=9223372036854775807]()
  %one : int = prim::Constant[value=1]()
  %two : int = prim::Constant[value=2]()
  %zero : int = prim::Constant[value=0]()
  %c : bool = aten::gt(%n, %one)
  %m : int, %steps : int = prim::Loop(%max, %c, %n, %zero)
    block0(%i : int, %m.1 : int, %s.1 : int):
      %odd : int = aten::remainder(%m.1, %two)
      %e : bool = aten::eq(%odd, %zero)
      %next : int = prim::If(%e)
        block0():
          %h : int = aten::floordiv(%m.1, %two)
          -> (%h)
        block1():
          %three : int = prim::Constant[value=3]()
          %t : int = aten::mul(%m.1, %three)
          %u : int = aten::add(%t, %one)
          -> (%u)
      %s.2 : int = aten::add(%s.1, %one)
      %c.1 : bool = aten::gt(%next, %one)
      -> (%c.1, %next, %s.2)
  return (%steps)
)");
  EXPECT_EQ(run("f", 27).as_int(), 111);
  EXPECT_EQ(run("f", 1).as_int(), 0);
}

TEST_F(Machine, BreakAndContinueLeaveFromInsideAnIf) {
  // for i in range(n): if i == stop: break; if i % 2 == 0: continue; s += i
  define("f", R"(
graph(%n : int, %stop : int):
  %true : bool = prim::Constant[value=1]()
  %zero : int = prim::Constant[value=0]()
  %two : int = prim::Constant[value=2]()
  %s : int = prim::Loop(%n, %true, %zero)
    block0(%i : int, %s.1 : int):
      %at : bool = aten::eq(%i, %stop)
      prim::If(%at)
        block0():
          prim::Break(%s.1)
          -> ()
        block1():
          -> ()
      %r : int = aten::remainder(%i, %two)
      %even : bool = aten::eq(%r, %zero)
      prim::If(%even)
        block0():
          prim::Continue(%true, %s.1)
          -> ()
        block1():
          -> ()
      %s.2 : int = aten::add(%s.1, %i)
      -> (%true, %s.2)
  return (%s)
)");
  EXPECT_EQ(run("f", 10, 100).as_int(), 25);
  EXPECT_EQ(run("f", 10, 6).as_int(), 9);
  EXPECT_EQ(run("f", 10, 0).as_int(), 0);
}

TEST_F(Machine, ReturnLeavesFromInsideALoop) {
  define("f", R"(
graph(%xs : List[str], %wanted : str) -> (int):
  %true : bool = prim::Constant[value=1]()
  %n : int = aten::len(%xs)
  prim::Loop(%n, %true)
    block0(%i : int):
      %x : str = aten::__getitem__(%xs, %i)
      %same : bool = aten::eq(%x, %wanted)
      prim::If(%same)
        block0():
          prim::Return(%i)
          -> ()
        block1():
          -> ()
      -> (%true)
  %none : int = prim::Constant[value=-1]()
  return (%none)
)");
  auto list = detail::make_ref<List>();
  for (const char* s : {"a", "b", "c"}) list->items.emplace_back(s);
  EXPECT_EQ(run("f", Value(list), "c").as_int(), 2);
  EXPECT_EQ(run("f", Value(list), "x").as_int(), -1);
}

TEST_F(Machine, ObjectsAreReleasedAtTheirLastUse) {
  define("f", R"(
graph(%xs : List[int], %fut : Future[int]):
  %n : int = aten::len(%xs)
  %v : int = aten::wait(%fut)
  %s : int = aten::add(%n, %v)
  return (%s)
)");
  auto list = detail::make_ref<List>();
  list->items.emplace_back(1);
  Promise<Value> promise;
  const Future<Value> result = start("f", Value(list), Value(promise.future()));
  EXPECT_TRUE(list->sole_owner());  // while the function still waits
  promise.set_value(Value(41));
  EXPECT_EQ(result.get().as_int(), 42);
}

TEST_F(Machine, AnObjectThatOneBranchDoesNotNeedIsReleasedThere) {
  define("f", R"(
graph(%xs : List[int], %c : bool, %fut : Future[int]):
  %r : int = prim::If(%c)
    block0():
      %n : int = aten::len(%xs)
      -> (%n)
    block1():
      %v : int = aten::wait(%fut)
      -> (%v)
  return (%r)
)");
  auto list = detail::make_ref<List>();
  Promise<Value> promise;
  const Future<Value> result = start("f", Value(list), false, Value(promise.future()));
  EXPECT_TRUE(list->sole_owner());
  promise.set_value(Value(7));
  EXPECT_EQ(result.get().as_int(), 7);
  EXPECT_EQ(run("f", Value(list), true, Value(result)).as_int(), 0);
  EXPECT_TRUE(list->sole_owner());
}

TEST_F(Machine, AResultThatNobodyUsesIsReleased) {
  define("f", R"(
graph(%l : List[List[int]], %s : str):
  %copy : List[List[int]] = aten::copy(%l)
  %d : Dict[str, List[List[int]]] = prim::DictConstruct(%s, %l)
  %n : int = aten::len(%l)
  return (%n)
)");
  auto inner = detail::make_ref<List>();
  auto outer = detail::make_ref<List>(std::vector<Value>{Value(inner)});
  EXPECT_EQ(run("f", Value(outer), "key").as_int(), 1);
  EXPECT_TRUE(outer->sole_owner());
  outer = nullptr;
  EXPECT_TRUE(inner->sole_owner());
}

TEST_F(Machine, AListConstantIsNewEachTime) {
  define("f", R"(
graph(%x : int):
  %l : List[int] = prim::Constant[value=[1, 2]]()
  %none : None = aten::append(%l, %x)
  return (%l)
)");
  EXPECT_EQ(run("f", 3).repr(), "[1, 2, 3]");
  EXPECT_EQ(run("f", 4).repr(), "[1, 2, 4]");
}

TEST_F(Machine, TuplesListsAndDictsAreMadeAndTakenApart) {
  define("f", R"(
graph(%a : int, %b : str):
  %t : Tuple[int, str] = prim::TupleConstruct(%a, %b)
  %x : int, %y : str = prim::TupleUnpack(%t)
  %i : int = prim::TupleIndex[index=0](%t)
  %l : List[int] = prim::ListConstruct(%x, %i)
  %p : int, %q : int = prim::ListUnpack(%l)
  %d : Dict[str, int] = prim::DictConstruct(%y, %q)
  %r : Tuple[Dict[str, int], int] = prim::TupleConstruct(%d, %p)
  return (%r)
)");
  EXPECT_EQ(run("f", 3, "k").repr(), "({'k': 3}, 3)");
  define("g", R"(
graph(%l : List[int]):
  %a : int, %b : int = prim::ListUnpack(%l)
  %s : int = aten::add(%a, %b)
  return (%s)
)");
  const auto three = detail::make_ref<List>(std::vector<Value>{Value(1), Value(2), Value(3)});
  EXPECT_EQ(error_of([&] { run("g", Value(three)); }).message(), "too many values to unpack (expected 2)");
}

TEST_F(Machine, AnOptionalIsRefinedByACheck) {
  define("f", R"(
graph(%x : Optional[int]):
  %zero : int = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %none : bool = prim::isinstance[type=None](%x)
  %r : int = prim::If(%none)
    block0():
      -> (%zero)
    block1():
      %v : int = prim::unchecked_cast(%x)
      %w : int = aten::add(%v, %one)
      -> (%w)
  return (%r)
)");
  EXPECT_EQ(run("f", Value()).as_int(), 0);
  EXPECT_EQ(run("f", 41).as_int(), 42);
  define("wrong", R"(
graph(%x : Optional[str]):
  %v : str = prim::unchecked_cast(%x)
  return (%v)
)");
  EXPECT_EQ(error_of([&] { run("wrong", Value()); }).kind(), ErrorKind::kType);
}

TEST_F(Machine, AttributesAreReadAndWritten) {
  const auto type = std::make_shared<const ObjectType>(
      "Counter", std::vector<ObjectType::Slot>{{"n", Type::integer()}, {"name", Type::string()}});
  options.object_type = [&](std::string_view name) { return name == "Counter" ? type : nullptr; };
  define("Counter.bump", R"(
graph(%self : Counter, %by : int):
  %n : int = prim::GetAttr[name="n"](%self)
  %m : int = aten::add(%n, %by)
  prim::SetAttr[name="n"](%self, %m)
  return (%m)
)");
  define("f", R"(
graph(%c : Counter, %by : int):
  %a : int = prim::CallMethod[name="bump"](%c, %by)
  %b : int = prim::CallMethod[name="bump"](%c, %a)
  return (%b)
)");
  const auto object = detail::make_ref<Object>(type, std::vector<Value>{Value(1), Value("c")});
  EXPECT_EQ(run("f", Value(object), 2).as_int(), 6);
  EXPECT_EQ(object->slots[0].as_int(), 6);
}

TEST_F(Machine, IntegersWrapAndDivideAsPython) {
  define("f", R"(
graph(%a : int, %b : int):
  %q : int = aten::floordiv(%a, %b)
  %r : int = aten::remainder(%a, %b)
  %d : float = aten::div(%a, %b)
  %t : Tuple[int, int, float] = prim::TupleConstruct(%q, %r, %d)
  return (%t)
)");
  EXPECT_EQ(run("f", 7, -2).repr(), "(-4, -1, -3.5)");
  EXPECT_EQ(run("f", -7, 2).repr(), "(-4, 1, -3.5)");
  EXPECT_EQ(run("f", 7, 2).repr(), "(3, 1, 3.5)");
  EXPECT_EQ(run("f", INT64_MIN, -1).as_tuple().items[0].as_int(), INT64_MIN);
  EXPECT_EQ(error_of([&] { run("f", 1, 0); }).kind(), ErrorKind::kZeroDivision);
}

TEST_F(Machine, ARaiseHasItsKindAndItsMessage) {
  define("f", R"(
graph(%m : str) -> (int):
  prim::RaiseException[kind="ValueError"](%m) # f.py:7:3
  return ()
)");
  const Error error = error_of([&] { run("f", "bad"); });
  EXPECT_EQ(error.kind(), ErrorKind::kValue);
  EXPECT_EQ(error.message(), "bad");
  ASSERT_EQ(error.trail().size(), 1u);
  EXPECT_EQ(error.trail()[0].what, "f");
  EXPECT_EQ(error.trail()[0].file, "f.py");
  EXPECT_EQ(error.trail()[0].line, 7);
}

TEST_F(Machine, AnErrorNamesEveryFrameItLeft) {
  define("inner", R"(
graph(%x : int):
  %z : int = prim::Constant[value=0]()
  %r : int = aten::floordiv(%x, %z) # a.py:2:5
  return (%r)
)");
  define("outer", R"(
graph(%x : int):
  %r : int = prim::CallFunction[name="inner"](%x) # b.py:9:5
  return (%r)
)");
  const Error error = error_of([&] { run("outer", 1); });
  EXPECT_EQ(error.kind(), ErrorKind::kZeroDivision);
  ASSERT_EQ(error.trail().size(), 2u);
  EXPECT_EQ(error.trail()[0].what + " " + error.trail()[0].file, "inner a.py");
  EXPECT_EQ(error.trail()[1].what + " " + error.trail()[1].file, "outer b.py");
  EXPECT_EQ(error.trail()[0].line, 2);
  EXPECT_EQ(error.trail()[1].line, 9);
}

TEST_F(Machine, AnUndefinedFunctionIsANameError) {
  define("f", R"(
graph(%x : int):
  %r : int = prim::CallFunction[name="nowhere"](%x)
  return (%r)
)");
  const Error error = error_of([&] { run("f", 1); });
  EXPECT_EQ(error.kind(), ErrorKind::kName);
  EXPECT_NE(error.message().find("nowhere"), std::string::npos);
}

TEST_F(Machine, ACallThatWasCompiledForOtherTypesIsATypeError) {
  define("g", "graph(%x : str):\n  return (%x)\n");
  define("f", R"(
graph(%x : int):
  %r : int = prim::CallFunction[name="g"](%x)
  return (%r)
)");
  EXPECT_EQ(error_of([&] { run("f", 1); }).kind(), ErrorKind::kType);
}

constexpr std::string_view kDeep = R"(
graph(%n : int):
  %zero : int = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %c : bool = aten::le(%n, %zero)
  %r : int = prim::If(%c)
    block0():
      -> (%zero)
    block1():
      %m : int = aten::sub(%n, %one)
      %a : int = prim::CallFunction[name="deep"](%m)
      %b : int = aten::add(%a, %one)
      -> (%b)
  return (%r)
)";

TEST_F(Machine, AHundredThousandNestedCallsAreNormal) {
  define("deep", kDeep);
  EXPECT_EQ(run("deep", 100'000).as_int(), 100'000);
}

TEST_F(Machine, PastTheDepthLimitTheErrorNamesTheFunctionAndTheLimit) {
  define("deep", kDeep);
  vm::Machine shallow(scheduler, OpContext{}, vm::Limits{.depth = 1000});
  const std::vector<Value> args{Value(5000)};
  const Error error = error_of([&] { shallow.call(*library.find("deep"), args); });
  EXPECT_NE(error.message().find("maximum recursion depth exceeded: 1000"), std::string::npos);
  EXPECT_NE(error.message().find("'deep'"), std::string::npos);
  EXPECT_LT(error.trail().size(), 50u);
}

TEST_F(Machine, TheWrongNumberOfArgumentsIsATypeError) {
  define("fib", kFib);
  EXPECT_EQ(error_of([&] { run("fib", 1, 2); }).kind(), ErrorKind::kType);
}

class StopAfter final : public vm::Poll {
 public:
  explicit StopAfter(int polls) : left_(polls) {}
  void poll() override {
    if (--left_ < 0) throw Cancelled("stopped by the test");
  }

 private:
  int left_;
};

constexpr std::string_view kForever = R"(
graph(%x : int):
  %max : int = prim::Constant[value=9223372036854775807]()
  %true : bool = prim::Constant[value=1]()
  %one : int = prim::Constant[value=1]()
  %y : int = prim::Loop(%max, %true, %x)
    block0(%i : int, %x.1 : int):
      %x.2 : int = aten::add(%x.1, %one)
      -> (%true, %x.2)
  return (%y)
)";

TEST_F(Machine, AnEndlessLoopIsStoppedByThePoll) {
  define("forever", kForever);
  StopAfter poll(2);
  const std::vector<Value> args{Value(0)};
  const Error error = error_of([&] { machine.call(*library.find("forever"), args, &poll); });
  EXPECT_EQ(error.message(), "stopped by the test");
}

TEST_F(Machine, AnEndlessLoopThatIsStoppedNamesALineOfIts) {
  define("f", R"(
graph(%x : int):
  %xs : List[int] = prim::ListConstruct(%x) # f.py:2:1
  %max : int = prim::Constant[value=9223372036854775807]()
  %true : bool = prim::Constant[value=1]()
  %one : int = prim::Constant[value=1]()
  %y : int = prim::Loop(%max, %true, %x) # f.py:3:1
    block0(%i : int, %x.1 : int):
      %x.2 : int = aten::add(%x.1, %one) # f.py:4:1
      -> (%true, %x.2)
  return (%y)
)");
  StopAfter poll(0);
  const std::vector<Value> args{Value(0)};
  const Error error = error_of([&] { machine.call(*library.find("f"), args, &poll); });
  ASSERT_FALSE(error.trail().empty());
  EXPECT_GE(error.trail()[0].line, 3);
}

TEST_F(Machine, CancellingTheFutureOfAnEndlessLoopEndsIt) {
  define("forever", kForever);
  const std::vector<Value> args{Value(0)};
  const Future<Value> future = machine.post(*library.find("forever"), args);
  EXPECT_TRUE(future.cancel());
  EXPECT_THROW(future.get(), Cancelled);
  // The scheduler's destructor joins the thread: this test ends only if the loop does.
}

// A slice: which thread runs what.

std::atomic<int> on_the_callers_thread;
std::thread::id callers_thread;

Value note_thread(OpContext&, const Value* args) {
  if (std::this_thread::get_id() == callers_thread) ++on_the_callers_thread;
  return args[0];
}

class Slice : public Script {
 protected:
  Slice() {
    ops.add("test::unknown(int x) -> int", note_thread);
    ops.add("test::short(int x) -> int", note_thread, {.pure = false, .cost = cost::kFixed});
    ops.add("test::each(int x) -> int", note_thread,
            {.pure = false, .cost = {Cost::Rule::kCount, 1'000'000}});
    on_the_callers_thread = 0;
    callers_thread = std::this_thread::get_id();
  }
  // f(n) runs `op` once with n; how many of its calls the calling thread made.
  int here(const std::string& op, int64_t n) {
    define("f", "graph(%n : int):\n  %m : int = " + op + "(%n)\n  return (%m)\n");
    return here_of("f", n);
  }
  int here_of(const std::string& name, int64_t n,
              std::chrono::nanoseconds slice = std::chrono::seconds(100)) {
    const std::vector<Value> args{Value(n)};
    (void)machine.start_for(slice, *library.find(name), args).get();
    return on_the_callers_thread.exchange(0);
  }
};

TEST_F(Slice, AnOperatorThatFitsRunsInPlace) { EXPECT_EQ(here("test::short", 1), 1); }

TEST_F(Slice, AnOperatorWithoutABoundRunsOnTheExecutor) { EXPECT_EQ(here("test::unknown", 1), 0); }

TEST_F(Slice, AnOperatorRunsInPlaceIfItsBoundFitsIntoWhatIsLeft) {
  EXPECT_EQ(here("test::each", 1'000'000), 1);    // 1 s of 100 s
  EXPECT_EQ(here("test::each", 200'000'000), 0);  // 200 s
}

TEST_F(Slice, WhatWasBegunIsTakenFromWhatIsLeft) {
  // Each turn is estimated at 50 us and takes next to nothing: the clock decides, and the slice holds more of them than
  // their estimates say.
  define("f", R"(
graph(%n : int):
  %true : bool = prim::Constant[value=1]()
  %zero : int = prim::Constant[value=0]()
  %s : int = prim::Loop(%n, %true, %zero)
    block0(%i : int, %s.1 : int):
      %fifty : int = prim::Constant[value=50]()
      %m : int = test::each(%fifty)
      -> (%true, %m)
  return (%s)
)");
  EXPECT_GT(here_of("f", 1000, std::chrono::milliseconds(20)), 20'000 / 50);
}

TEST_F(Slice, ALoopGoesOnOnTheExecutorWhenTheSliceIsOver) {
  define("f", R"(
graph(%n : int):
  %true : bool = prim::Constant[value=1]()
  %me : int = prim::Loop(%n, %true, %n)
    block0(%i : int, %m : int):
      -> (%true, %i)
  %k : int = test::short(%me)
  return (%k)
)");
  EXPECT_EQ(here_of("f", 50'000'000, kSlice), 0);
  EXPECT_EQ(here_of("f", 10, std::chrono::seconds(100)), 1);
}

TEST_F(Slice, WhatRanBeforeItsEndIsNotRunAgain) {
  static std::atomic<int> ran;
  ran = 0;
  ops.add("test::once(int x) -> int",
          [](OpContext&, const Value* args) {
            ++ran;
            return args[0];
          },
          {.pure = false, .cost = cost::kFixed});
  // No instruction of the loop saves its place, but the jump back when the slice is over.
  define("f", R"(
graph(%n : int):
  %true : bool = prim::Constant[value=1]()
  %start : int = test::once(%n)
  %me : int = prim::Loop(%n, %true, %start)
    block0(%i : int, %m : int):
      -> (%true, %i)
  %k : int = test::short(%me)
  return (%k)
)");
  EXPECT_EQ(here_of("f", 50'000'000, kSlice), 0);
  EXPECT_EQ(ran, 1);
}

TEST_F(Slice, AForkedChildThatIsRunInPlaceIsWithinTheSlice) {
  define("f", R"(
graph(%n : int):
  %f : Future[int] = prim::fork_0(%n)
  %m : int = aten::wait(%f)
  %k : int = test::short(%m)
  return (%k)

with prim::fork_0 = graph(%x : int):
  %y : int = test::unknown(%x)
  return (%y)
)");
  EXPECT_EQ(here_of("f", 7), 0);
}

TEST_F(Slice, AValueIsNotWalkedBeyondTheSlice) {
  define("f", R"(
graph(%x : Any):
  %yes : bool = prim::isinstance[type=List[int]](%x)
  %n : int = prim::Constant[value=1]()
  %m : int = test::short(%n)
  return (%yes)
)");
  std::vector<Value> many(3'000'000, Value(1));
  const std::vector<Value> args{Value(tine::detail::make_ref<List>(std::move(many)))};
  EXPECT_TRUE(machine.start_for(kSlice, *library.find("f"), args).get().as_bool());
  EXPECT_EQ(on_the_callers_thread, 0);
}

TEST_F(Slice, WithoutOneEverythingRunsInPlace) {
  define("f", "graph(%n : int):\n  %m : int = test::unknown(%n)\n  return (%m)\n");
  EXPECT_EQ(run("f", 1).as_int(), 1);
  EXPECT_EQ(on_the_callers_thread, 1);
}

}  // namespace
}  // namespace tine::test
