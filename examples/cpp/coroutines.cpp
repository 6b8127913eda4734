// Coroutines: a function that returns Future<T> waits with co_await and holds no thread meanwhile.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <vector>

#include "tine/context.h"
#include "tine/coroutine.h"
#include "tine/runtime.h"

using namespace std::chrono_literals;
using tine::Future;

namespace {

// Parameters by value: the coroutine outlives the call that made it.
Future<int> after(std::chrono::milliseconds time, int value) {
  co_await tine::sleep_for(time);
  co_return value;
}

Future<long> fib(int n) {
  if (n < 2) co_return n;
  const Future<long> left = fib(n - 1);
  const long right = co_await fib(n - 2);
  co_return co_await left + right;
}

Future<int> depth(int n) {
  if (n == 0) co_return 0;
  co_return co_await depth(n - 1) + 1;
}

Future<int> careful() {
  try {
    co_return co_await []() -> Future<int> {
      co_await tine::sleep_for(1ms);
      throw tine::IndexError("out of range");
    }();
  } catch (const tine::IndexError& error) {
    fmt::print("caught: {}\n", error.message());
  }
  co_return -1;
}

Future<int> many() {
  // A thousand that sleep at once need no thousand threads.
  std::vector<Future<int>> sleeping;
  for (int i = 0; i < 1000; ++i) sleeping.push_back(after(5ms, 1));
  int sum = 0;
  for (const Future<int>& f : sleeping) sum += co_await f;
  co_return sum;
}

// Ends with its context, whatever it waits for.
Future<int> patient(Future<int> other) {
  try {
    co_return co_await other;
  } catch (const tine::DeadlineExceeded&) {
    fmt::print("too late\n");
    throw;
  }
}

int waits_with_a_deadline() {
  tine::Promise<int> slow;
  const Future<int> other = slow.future();
  const tine::ContextScope scope(
      tine::Context::current().with_timeout(tine::default_scheduler().timer(), 5ms));
  const Future<int> late = patient(other);
  const int got = late.error() ? -1 : late.get();
  slow.set_value(1);  // nobody waits any more
  return got;
}

void expect(bool condition, const char* what) {
  if (condition) return;
  fmt::print(stderr, "coroutines: expected {}\n", what);
  std::exit(1);
}

}  // namespace

int main() {
  expect(fib(20).get() == 6765, "fib(20)");
  expect(depth(100'000).get() == 100'000, "a hundred thousand nested waits");
  expect(careful().get() == -1, "the error to be caught");
  const int slept = many().get();
  fmt::print("{} slept\n", slept);
  expect(slept == 1000, "all of them to wake");
  expect(waits_with_a_deadline() == -1, "the deadline to end the wait");

  // Go on as a task of the pool instead of on the thread that completes.
  const Future<bool> moved = [](tine::Scheduler* pool) -> Future<bool> {
    co_await tine::schedule_on(*pool);
    co_return tine::Scheduler::current() == pool;
  }(&tine::default_scheduler());
  fmt::print("on the pool: {}\n", moved.then([](const Future<bool>& f) { return f.get(); }).get());
}
