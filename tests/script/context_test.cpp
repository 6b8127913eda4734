// Contexts in scripts: what a run forks belongs to the context in which it was started.
#include "tine/context.h"

#include <atomic>
#include <thread>

#include "src/base/testing/kept_tasks.h"
#include "src/compile/compile.h"
#include "tests/script/fixture.h"

namespace tine::test {
namespace {

using namespace std::chrono_literals;
using ScriptContext = Script;

// def outer(f: Future[int], held: Future[int]): return wait(fork(inner, f, held)) + wait(held);  inner: wait(f) + wait(held)
constexpr std::string_view kWaitsInside = R"(
graph(%f : Future[int], %held : Future[int]):
  %g : Future[int] = prim::fork_0(%f, %held) # w.py:2:8
  %a : int = aten::wait(%g) # w.py:3:8
  %h : int = aten::wait(%held)
  %r : int = aten::add(%a, %h)
  return (%r)

with prim::fork_0 = graph(%f : Future[int], %held : Future[int]):
  %y : int = aten::wait(%f) # w.py:6:8
  %h : int = aten::wait(%held)
  %r : int = aten::add(%y, %h)
  return (%r)
)";

// Loops for ever.
constexpr std::string_view kEndless = R"(
graph(%n : int):
  %max : int = prim::Constant[value=9223372036854775807]()
  %true : bool = prim::Constant[value=1]()
  %zero : int = prim::Constant[value=0]()
  %r : int = prim::Loop(%max, %true, %zero)
    block0(%i : int, %s : int):
      %t : int = aten::add(%s, %n)
      %u : int = aten::remainder(%t, %max)
      -> (%true, %u)
  return (%r)
)";

TEST_F(ScriptContext, CancellingItEndsASuspendedRunAndWhatItForkedAndFreesTheirFrames) {
  define("f", kWaitsInside);
  const CancelSource source;
  Promise<Value> outside;
  const Future<Value> awaited = outside.future();
  // Both frames hold it.
  const Future<Value> held = make_ready(Value(1));
  Future<Value> run;
  {
    const ContextScope scope(Context().with_token(source.token()));
    run = start("f", Value(awaited), Value(held));
  }
  EXPECT_FALSE(run.wait_for(5ms));
  EXPECT_FALSE(held.state()->sole_owner());
  source.cancel();
  EXPECT_THROW(run.get(), Cancelled);
  const TimePoint end = Clock::now() + 30s;
  while (!held.state()->sole_owner() && Clock::now() < end) std::this_thread::yield();
  EXPECT_TRUE(held.state()->sole_owner());
  EXPECT_FALSE(awaited.ready());
  outside.set_value(Value(1));
}

TEST_F(ScriptContext, ItsDeadlineEndsAWaitForAFutureMadeElsewhere) {
  define("f", kWaitsInside);
  Promise<Value> outside;
  const Future<Value> awaited = outside.future();
  const ContextScope scope(Context().with_timeout(scheduler.timer(), 5ms));
  EXPECT_THROW(run("f", Value(awaited), Value(awaited)), DeadlineExceeded);
}

TEST_F(ScriptContext, CancellingItEndsARunningLoop) {
  const code::Function& f = define("f", kEndless);
  const CancelSource source;
  Future<Value> run;
  {
    const ContextScope scope(Context().with_token(source.token()));
    const Value n(1);
    run = machine.post(f, std::span(&n, 1));
  }
  const TimePoint end = Clock::now() + 30s;
  while (scheduler.counters().tasks_run == 0 && Clock::now() < end) std::this_thread::yield();
  source.cancel();
  EXPECT_THROW(run.get(), Cancelled);
  // The worker is free again: the loop has ended, too.
  Promise<void> ran;
  const Future<void> told = ran.future();
  scheduler.set_num_threads(1);
  (void)fork(scheduler, [&] { ran.set_value(); });
  EXPECT_TRUE(told.wait_for(30s));
}

TEST_F(ScriptContext, ThatHasStoppedBeginsNothing) {
  const code::Function& f = define("f", kEndless);
  const CancelSource source;
  source.cancel();
  const ContextScope scope(Context().with_token(source.token()));
  const Value n(1);
  EXPECT_THROW(machine.start(f, std::span(&n, 1)).get(), Cancelled);
  EXPECT_THROW(machine.post(f, std::span(&n, 1)).get(), Cancelled);
}

TEST_F(ScriptContext, AnExitThatWaitsAfterItHasStoppedIsResumedOnce) {
  const std::string text =
      "class Waits:\n"
      "    def __init__(self, f: Future[int], seen: List[int]):\n"
      "        self.f = f\n        self.seen = seen\n"
      "    def __enter__(self):\n        pass\n"
      "    def __exit__(self, type: Any, value: Any, tb: Any) -> None:\n"
      "        self.seen.append(self.f.wait())\n"
      "def waits(f: Future[int], g: Future[int], seen: List[int]) -> int:\n"
      "    with Waits(g, seen):\n        return f.wait()\n";
  for (const compile::CompiledFunction& f :
       compile::compile_text(ops, std::make_shared<Source>("w.py", text), "w"))
    library.define(compile::emit(*f.graph, f.schema.name));
  KeptTasks executor;
  vm::Machine kept(executor, OpContext{});
  const CancelSource source;
  Promise<Value> never, later;
  const Value seen(detail::make_ref<List>());
  const std::vector<Value> arguments{Value(never.future()), Value(later.future()), seen};
  Future<Value> run;
  {
    const ContextScope scope(Context().with_token(source.token()));
    run = kept.start(*library.find("w.waits"), arguments);
  }
  source.cancel();
  ASSERT_EQ(executor.tasks.size(), 1u);
  executor.run_one();
  EXPECT_TRUE(executor.tasks.empty());
  later.set_value(Value(7));
  executor.run_all();
  ASSERT_EQ(seen.as_list().items.size(), 1u);
  EXPECT_EQ(seen.as_list().items[0].as_int(), 7);
  EXPECT_THROW(run.get(), Cancelled);
}

TEST_F(ScriptContext, OfAnotherRunIsNotTouched) {
  define("f", kWaitsInside);
  const CancelSource source;
  Promise<Value> outside;
  const Future<Value> awaited = outside.future();
  const Future<Value> free = start("f", Value(awaited), Value(awaited));
  Future<Value> bound;
  {
    const ContextScope scope(Context().with_token(source.token()));
    bound = start("f", Value(awaited), Value(awaited));
  }
  source.cancel();
  EXPECT_THROW(bound.get(), Cancelled);
  outside.set_value(Value(6));
  EXPECT_EQ(free.get().as_int(), 18);
}

TEST_F(ScriptContext, WithoutAStopChangesNothing) {
  define("fib", kFib);
  const ContextScope scope(Context().with_trace_id("t"));
  EXPECT_EQ(run("fib", 15).as_int(), 610);
}

}  // namespace
}  // namespace tine::test
