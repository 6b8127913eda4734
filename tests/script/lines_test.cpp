// Each instruction of the machine that can fail names its line; limits act at their edge.
#include <fmt/format.h>

#include "tests/script/fixture.h"

namespace tine::test {
namespace {

class Lines : public Script {
 protected:
  // The innermost script line of the error that `name` ends with.
  template <class... Args>
  int line_of(const std::string& name, Args&&... args) {
    const Error error = error_of([&] { run(name, std::forward<Args>(args)...); });
    for (const Hop& hop : error.trail()) {
      if (hop.kind == Hop::Kind::kScript) return hop.line;
    }
    ADD_FAILURE() << "no script line in " << error.story();
    return 0;
  }
};

// Line 2 of each function is an instruction that saves its place; line 3 is the one that fails.

TEST_F(Lines, AValueThatWasAssumedToBePresentNamesItsLine) {
  define("f", R"(
graph(%x : Optional[str]):
  %xs : List[Optional[str]] = prim::ListConstruct(%x) # f.py:2:1
  %v : str = prim::unchecked_cast(%x) # f.py:3:1
  return (%v)
)");
  EXPECT_EQ(line_of("f", Value()), 3);
}

TEST_F(Lines, AValueOfAnotherTypeThanAssumedNamesItsLine) {
  define("f", R"(
graph(%x : Any):
  %xs : List[Any] = prim::ListConstruct(%x) # f.py:2:1
  %v : str = prim::unchecked_cast(%x) # f.py:3:1
  return (%v)
)");
  EXPECT_EQ(line_of("f", 3), 3);
}

TEST_F(Lines, ACallAndAForkOfWhatIsNotDefinedNameTheirLines) {
  define("call", R"(
graph(%x : int):
  %xs : List[int] = prim::ListConstruct(%x) # f.py:2:1
  %r : int = prim::CallFunction[name="nowhere"](%x) # f.py:3:1
  return (%r)
)");
  EXPECT_EQ(line_of("call", 1), 3);
  define("fork", R"(
graph(%x : int):
  %xs : List[int] = prim::ListConstruct(%x) # f.py:2:1
  %f : Future[int] = prim::fork_0(%x) # f.py:3:1
  %r : int = aten::wait(%f) # f.py:4:1
  return (%r)

with prim::fork_0 = graph(%x : int):
  %y : int = prim::CallFunction[name="nowhere"](%x) # f.py:5:1
  return (%y)
)");
  EXPECT_EQ(line_of("fork", 1), 3);
}

TEST_F(Lines, AFutureThatBringsAnotherTypeNamesTheWait) {
  for (const char* type : {"int", "str"}) {
    define("f", fmt::format(R"(
graph(%p : Future[{0}]):
  %ps : List[Future[{0}]] = prim::ListConstruct(%p) # f.py:2:1
  %r : {0} = aten::wait(%p) # f.py:3:1
  return (%r)
)",
                            type));
    const Value wrong(make_ready(Value(2.5)));
    EXPECT_THAT(error_of([&] { run("f", wrong); }).message(),
                testing::HasSubstr(fmt::format("a value of type {}, but it holds", type)));
    EXPECT_EQ(line_of("f", wrong), 3);
    Promise<Value> promise;
    const Value failed(promise.future());
    promise.set_error(std::make_exception_ptr(ValueError("gone")));
    EXPECT_EQ(line_of("f", failed), 3);
  }
}

TEST_F(Lines, EachOfSeveralWaitsKnowsItsOwnType) {
  define("f", R"(
graph(%a : Future[int], %b : Future[str], %c : Future[float], %d : Future[bool]):
  %w : int = aten::wait(%a) # f.py:1:1
  %x : str = aten::wait(%b) # f.py:2:1
  %y : float = aten::wait(%c) # f.py:3:1
  %z : bool = aten::wait(%d) # f.py:4:1
  return (%x)
)");
  const std::vector<Value> right{Value(1), Value("b"), Value(2.5), Value(true)};
  const std::vector<std::string> types{"int", "str", "float", "bool"};
  const auto run_with = [&](const std::vector<Value>& brought) {
    std::vector<Value> futures;
    for (const Value& value : brought) futures.emplace_back(make_ready(value));
    return machine.call(*library.find("f"), futures);
  };
  EXPECT_EQ(run_with(right).as_string(), "b");
  for (size_t i = 0; i < 4; ++i) {
    for (size_t j = 0; j < 4; ++j) {
      if (i == j) continue;
      std::vector<Value> brought = right;
      brought[i] = right[j];
      const Error error = error_of([&] { run_with(brought); });
      EXPECT_THAT(error.message(),
                  testing::HasSubstr(fmt::format("a value of type {}, but it holds {}", types[i], types[j])));
      ASSERT_FALSE(error.trail().empty());
      EXPECT_EQ(error.trail()[0].line, static_cast<int>(i) + 1);
    }
  }
}

class Attributes : public Lines {
 protected:
  using Slots = std::vector<ObjectType::Slot>;
  Attributes() {
    options.object_type = [this](std::string_view name) { return name == "Thing" ? declared : nullptr; };
  }
  static std::shared_ptr<const ObjectType> type(Slots slots) {
    return std::make_shared<const ObjectType>("Thing", std::move(slots));
  }
  std::shared_ptr<const ObjectType> declared = type({{"n", Type::integer()}, {"name", Type::string()}});
};

TEST_F(Attributes, ThatAreNotThereNameTheirLineAndTheObjectsType) {
  define("read", R"(
graph(%c : Thing, %x : int):
  %xs : List[int] = prim::ListConstruct(%x) # f.py:2:1
  %n : int = prim::GetAttr[name="n"](%c) # f.py:3:1
  return (%n)
)");
  define("read_object", R"(
graph(%c : Thing, %x : int):
  %xs : List[int] = prim::ListConstruct(%x) # f.py:2:1
  %n : str = prim::GetAttr[name="name"](%c) # f.py:3:1
  return (%n)
)");
  define("write", R"(
graph(%c : Thing, %x : int):
  %xs : List[int] = prim::ListConstruct(%x) # f.py:2:1
  prim::SetAttr[name="n"](%c, %x) # f.py:3:1
  return (%x)
)");
  // The same name and other attributes, as a class that was compiled anew has.
  const Value other(detail::make_ref<Object>(type({{"m", Type::integer()}}), std::vector<Value>{Value(1)}));
  for (const char* name : {"read", "read_object", "write"}) {
    const Error error = error_of([&] { run(name, other, 1); });
    if (error.kind() == ErrorKind::kType) continue;  // refused at the call already
    EXPECT_EQ(error.kind(), ErrorKind::kAttribute) << name;
    EXPECT_EQ(line_of(name, other, 1), 3) << name;
  }
}

TEST_F(Attributes, AreFoundByNameInAnObjectWhoseTypeHasThemElsewhere) {
  define("read", R"(
graph(%c : Thing):
  %n : int = prim::GetAttr[name="n"](%c)
  return (%n)
)");
  const Value object(detail::make_ref<Object>(
      type({{"first", Type::string()}, {"n", Type::integer()}, {"name", Type::string()}}),
      std::vector<Value>{Value("f"), Value(7), Value("c")}));
  try {
    EXPECT_EQ(run("read", object).as_int(), 7);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kType) << error.story();
  }
}

// def deep(n): return 0 if n <= 0 else deep(n - 1) + 1
constexpr std::string_view kDeep = R"(
graph(%n : int):
  %zero : int = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %c : bool = aten::le(%n, %zero) # f.py:2:1
  %r : int = prim::If(%c) # f.py:2:1
    block0():
      -> (%zero)
    block1():
      %m : int = aten::sub(%n, %one) # f.py:3:1
      %ms : List[int] = prim::ListConstruct(%m) # f.py:4:1
      %a : int = prim::CallFunction[name="deep"](%m) # f.py:5:1
      %b : int = aten::add(%a, %one)
      -> (%b)
  return (%r)
)";

TEST_F(Lines, TheDepthLimitActsAtItsEdgeAndNamesTheCall) {
  const code::Function& deep = define("deep", kDeep);
  vm::Machine shallow(scheduler, OpContext{}, vm::Limits{.depth = 100});
  const auto call = [&](int n) {
    const std::vector<Value> args{Value(n)};
    return shallow.call(deep, args);
  };
  EXPECT_EQ(call(99).as_int(), 99);  // with the first it is a hundred calls
  const Error error = error_of([&] { call(100); });
  EXPECT_THAT(error.message(), testing::HasSubstr("100 nested calls"));
  ASSERT_FALSE(error.trail().empty());
  EXPECT_EQ(error.trail()[0].line, 5);
}

constexpr std::string_view kNest = R"(
graph(%n : int):
  %zero : int = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %c : bool = aten::le(%n, %zero)
  %r : int = prim::If(%c)
    block0():
      -> (%zero)
    block1():
      %m : int = aten::sub(%n, %one)
      %ms : List[int] = prim::ListConstruct(%m) # f.py:4:1
      %f : Future[int] = prim::fork_0(%m) # f.py:5:1
      %a : int = aten::wait(%f) # f.py:6:1
      %b : int = aten::add(%a, %one)
      -> (%b)
  return (%r)

with prim::fork_0 = graph(%m : int):
  %y : int = prim::CallFunction[name="nest"](%m)
  return (%y)
)";

TEST_F(Lines, AForkCountsAsOneLevelOfDepthAndTheLimitNamesIt) {
  const code::Function& nest = define("nest", kNest);
  vm::Machine shallow(scheduler, OpContext{}, vm::Limits{.depth = 100});
  const auto call = [&](int n) {
    const std::vector<Value> args{Value(n)};
    return shallow.call(nest, args);
  };
  EXPECT_EQ(call(99).as_int(), 99);
  const Error error = error_of([&] { call(100); });
  EXPECT_THAT(error.message(), testing::HasSubstr("100 nested calls"));
  ASSERT_FALSE(error.trail().empty());
  EXPECT_EQ(error.trail()[0].line, 5);
}

TEST_F(Lines, OfADeepTrailTheTwoEndsAreToldAndTheNumberOfCallsBetween) {
  define("deep", R"(
graph(%n : int):
  %zero : int = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %c : bool = aten::le(%n, %zero) # f.py:2:1
  %r : int = prim::If(%c) # f.py:2:1
    block0():
      %q : int = aten::floordiv(%one, %zero) # f.py:3:1
      -> (%q)
    block1():
      %m : int = aten::sub(%n, %one)
      %a : int = prim::CallFunction[name="deep"](%m) # f.py:5:1
      -> (%a)
  return (%r)
)");
  const auto trail = [&](int n) { return error_of([&] { run("deep", n); }).trail(); };
  EXPECT_EQ(trail(31).size(), 32u);  // 32 frames are told one by one
  for (const int n : {32, 999}) {
    const std::vector<Hop> hops = trail(n);
    ASSERT_EQ(hops.size(), 33) << n;
    EXPECT_EQ(hops[16].kind, Hop::Kind::kNote);
    EXPECT_EQ(hops[16].what, std::to_string(n + 1 - 32) + " more calls");
    EXPECT_EQ(hops[0].line, 3);
    EXPECT_EQ(hops[1].line, 5);
    EXPECT_EQ(hops[32].line, 5);
  }
}

// Keeps its tasks: whoever waits for one has to run it.
class Kept final : public Executor {
 public:
  void post(Task& task) noexcept override { tasks_.push_back(&task); }
  void run_all() {
    for (Task* const task : std::exchange(tasks_, {})) task->run();
  }

 private:
  std::vector<Task*> tasks_;
};

TEST_F(Lines, AWaitThatItselfStartsATaskWhichSuspendsGoesOnWaiting) {
  define("f", R"(
graph(%p : Future[int]):
  %x : int = aten::wait(%p)
  return (%x)
)");
  Kept kept;
  vm::Machine direct(kept, OpContext{});
  for (int i = 0; i < 10; ++i) {
    Promise<Value> promise;
    const std::vector<Value> args{Value(promise.future())};
    const Future<Value> future = direct.post(*library.find("f"), args);
    EXPECT_FALSE(future.wait_for(std::chrono::milliseconds(2)));
    EXPECT_FALSE(future.ready());
    promise.set_value(Value(i));
    kept.run_all();
    EXPECT_EQ(future.get().as_int(), i);
  }
}

}  // namespace
}  // namespace tine::test
