// A program elsewhere. It fails where libtine.so and the program do not see one and the same thing: an error's class, an
// object of a class of the program, the state of a thread.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <tine/context.h>
#include <tine/error.h>
#include <tine/functions.h>
#include <tine/resolver.h>
#include <tine/runtime.h>
#include <tine/script.h>

using namespace std::chrono_literals;

namespace {

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "border: expected %s\n", what);
  std::exit(1);
}

struct Own : std::runtime_error {
  explicit Own(int number) : std::runtime_error("mine"), number(number) {}
  int number;
};

class Counting final : public tine::Executor {
 public:
  void post(tine::Task& task) noexcept override {
    ++posted;
    task.run();
  }
  int posted = 0;
};

class Names final : public tine::script::Resolver {
 public:
  tine::script::Resolved resolve(std::string_view dotted) override {
    if (dotted == "three") return tine::script::Constant{3};
    if (dotted == "broken") throw Own(5);
    return tine::script::Missing{};
  }
};

template <class E, class F>
E caught(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error;
  }
  expect(false, "an error");
  std::abort();
}

}  // namespace

int main() {
  // The library's errors are caught by their class, and the program's are told apart by the library.
  const auto shape = caught<tine::ShapeError>([] {
    (void)tine::matmul(tine::ones({2, 3}), tine::ones({2}));
  });
  expect(shape.kind() == tine::ErrorKind::kShape, "a ShapeError");
  (void)caught<tine::Error>([] { (void)tine::matmul(tine::ones({2, 3}), tine::ones({2})); });
  const auto key = std::make_exception_ptr(tine::KeyError("k"));
  expect(tine::describe(key) == "KeyError: k" && tine::message_of(key) == "k",
         "the library to know a KeyError");
  expect(caught<tine::KeyError>([&] { std::rethrow_exception(tine::with_hop(key, {})); }).trail().size() == 1,
         "one hop");

  // The program's own errors and executors pass through the library as they are.
  const tine::Future<int> failed = tine::fork([]() -> int { throw Own(7); });
  expect(caught<Own>([&] { (void)failed.get(); }).number == 7, "the error of the program");
  Counting executor;
  expect(tine::fork(executor, [] { return std::string("done"); }).get() == "done" && executor.posted == 1,
         "one post");

  // The thread's Context, set by code in the headers, is the library's, on the threads of its pool, too.
  const tine::CancelSource source;
  {
    const tine::ContextScope scope(tine::Context::current().with("key", "value").with_token(source.token()));
    expect(tine::Context::current().get("key") == "value", "the Context here");
    expect(tine::fork([] { return tine::Context::current().get("key"); }).get() == "value",
           "the Context there");
    source.cancel();
    (void)caught<tine::Cancelled>([] { tine::Context::current().check(); });
  }
  expect(!tine::Context::current().get("key"), "no Context any more");

  // A class of the program that the library calls and frees, and what it throws.
  const auto unit = tine::script::compile("def f(x: int) -> int:\n    return x * three\n",
                                          {.names = std::make_shared<Names>()});
  expect(unit.function("f")(2).to_int() == 6, "three times two");
  const auto broken = [] {
    (void)tine::script::compile("def f():\n    return broken\n", {.names = std::make_shared<Names>()});
  };
  expect(caught<Own>(broken).number == 5, "the error of the resolver");
  std::puts("one on both sides");
}
