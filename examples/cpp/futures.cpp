// Futures from C++: fork work, chain callbacks, combine, handle errors, stop in time.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "tine/combinators.h"
#include "tine/context.h"
#include "tine/runtime.h"
#include "tine/task_group.h"

using namespace std::chrono_literals;
using tine::Future;

namespace {

long sum_of_squares(long from, long to) {
  long sum = 0;
  for (long i = from; i < to; ++i) sum += i * i;
  return sum;
}

void expect(bool condition, const char* what) {
  if (condition) return;
  fmt::print(stderr, "futures: expected {}\n", what);
  std::exit(1);
}

}  // namespace

int main() {
  // Four pieces on the pool; the values in order.
  std::vector<Future<long>> pieces;
  for (long i = 0; i < 4; ++i) pieces.push_back(tine::fork(sum_of_squares, i * 250, (i + 1) * 250));
  long sum = 0;
  for (const long piece : tine::wait_all(pieces)) sum += piece;
  fmt::print("sum of squares below 1000: {}\n", sum);
  expect(sum == sum_of_squares(0, 1000), "the pieces to add up");

  // A chain: and_then is skipped by an error, or_else handles it.
  const Future<std::string> told =
      tine::fork([]() -> int {
        throw tine::ValueError("no such number");
      }).and_then([](int v) {
          return fmt::format("got {}", v);
        }).or_else([](const std::exception_ptr& e) { return tine::describe(e); });
  fmt::print("handled: {}\n", told.get());
  expect(told.get() == "ValueError: no such number", "the error's own words");

  // Whichever comes first; each as it comes.
  tine::Promise<int> slow;
  const Future<tine::Any<int>> first =
      tine::collect_any(std::vector{slow.future(), tine::fork([] { return 1; })});
  fmt::print("first: input {}\n", first.get().index);
  expect(first.get().index == 1, "the forked one to be first");
  slow.set_value(0);

  // A deadline for everything that is made in the scope.
  {
    tine::Scheduler& pool = tine::default_scheduler();
    const tine::ContextScope scope(tine::Context::current().with_timeout(pool.timer(), 10ms));
    tine::Promise<int> never;
    const Future<int> late = never.future();
    expect(tine::describe(late.error()).starts_with("DeadlineExceeded"), "the deadline to pass");
    fmt::print("late: {}\n", tine::describe(late.error()));
  }

  // Fail fast: one piece fails, the other, which runs, is told and stops early.
  {
    const tine::CancelSource source;
    const tine::ContextScope scope(tine::Context::current().with_token(source.token()));
    const auto all = tine::gather(
        source, std::vector{tine::fork([]() -> int { throw tine::IndexError("lost"); }), tine::fork([] {
                              while (!tine::Context::current().stopped()) {
                              }
                              return 1;
                            })});
    expect(all.error() != nullptr, "the gather to fail");
    fmt::print("gathered: {}\n", tine::describe(all.error()));
  }

  // Tasks that end with their scope.
  tine::TaskGroup group(tine::default_scheduler());
  std::vector<long> results(3);
  for (size_t i = 0; i < results.size(); ++i) {
    group.run([&results, i] { results[i] = sum_of_squares(0, static_cast<long>(i) * 10); });
  }
  group.wait();
  expect(results[2] == sum_of_squares(0, 20), "the group's tasks to be over");
  fmt::print("done\n");
}
