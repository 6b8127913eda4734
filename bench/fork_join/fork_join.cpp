// What a fork and its join cost, beside the plain calls and a bare condition variable.
#include <benchmark/benchmark.h>
#include <malloc.h>

#ifdef TINE_BENCH_ONETBB
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#endif

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "tine/scheduler.h"

namespace {

using tine::Future;
using tine::Scheduler;

constexpr int kN = 30;
constexpr int kForks = 1'346'268;  // the calls of fib(30) with n >= 2

int serial_fib(int n) { return n < 2 ? n : serial_fib(n - 1) + serial_fib(n - 2); }

int fib(Scheduler& pool, int n) {
  if (n < 2) return n;
  Future<int> left = tine::fork(pool, [&pool, n] { return fib(pool, n - 1); });
  const int right = fib(pool, n - 2);
  return std::move(left).get() + right;
}

void baseline_fib_serial(benchmark::State& state) {
  for (auto _ : state) {
    int n = kN;
    benchmark::DoNotOptimize(n);
    benchmark::DoNotOptimize(serial_fib(n));
  }
  state.SetItemsProcessed(state.iterations() * kForks);
}
BENCHMARK(baseline_fib_serial);

void fib_forked(benchmark::State& state) {
  Scheduler pool(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        tine::fork(pool, [&pool] { return fib(pool, kN); }).then([](auto f) { return f.get(); }).get());
  }
  state.SetItemsProcessed(state.iterations() * kForks);
}
BENCHMARK(fib_forked)->Arg(1)->Arg(2)->UseRealTime();

void flat_100000(benchmark::State& state) {
  Scheduler pool(static_cast<int>(state.range(0)));
  constexpr int kTasks = 100'000;
  for (auto _ : state) {
    const Future<int64_t> sum = tine::fork(pool, [&pool] {
      std::vector<Future<int>> futures;
      futures.reserve(kTasks);
      for (int i = 0; i < kTasks; ++i) futures.push_back(tine::fork(pool, [i] { return i; }));
      int64_t total = 0;
      for (size_t i = futures.size(); i-- > 0;) total += std::move(futures[i]).get();
      return total;
    });
    benchmark::DoNotOptimize(sum.then([](auto f) { return f.get(); }).get());
  }
  state.SetItemsProcessed(state.iterations() * kTasks);
}
BENCHMARK(flat_100000)->Arg(1)->Arg(2)->UseRealTime();

// Forked and waited for by a thread outside the pool, with an idle worker that would like to steal.
void fork_wait_trivial(benchmark::State& state) {
  Scheduler pool(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(tine::fork(pool, [] { return 1; }).get());
  }
}
BENCHMARK(fork_wait_trivial)->Arg(1)->Arg(2)->UseRealTime();

// The same by a worker: it runs its own fork unless an idle one snatches it.
void fork_wait_trivial_by_a_worker(benchmark::State& state) {
  Scheduler pool(static_cast<int>(state.range(0)));
  constexpr int kTimes = 10'000;
  for (auto _ : state) {
    const Future<int> sum = tine::fork(pool, [&pool] {
      int total = 0;
      for (int i = 0; i < kTimes; ++i) total += tine::fork(pool, [] { return 1; }).get();
      return total;
    });
    benchmark::DoNotOptimize(sum.then([](auto f) { return f.get(); }).get());
  }
  state.SetItemsProcessed(state.iterations() * kTimes);
}
BENCHMARK(fork_wait_trivial_by_a_worker)->Arg(1)->Arg(2)->UseRealTime();

void baseline_condition_variable_wake(benchmark::State& state) {
  std::mutex mutex;
  std::condition_variable wake;
  int turn = 0;
  std::thread other([&] {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return turn != 0; });
      if (turn < 0) return;
      turn = 0;
      wake.notify_all();
    }
  });
  for (auto _ : state) {
    std::unique_lock lock(mutex);
    turn = 1;
    wake.notify_all();
    wake.wait(lock, [&] { return turn == 0; });
  }
  {
    const std::lock_guard lock(mutex);
    turn = -1;
  }
  wake.notify_all();
  other.join();
}
BENCHMARK(baseline_condition_variable_wake)->UseRealTime();

// Given in from outside and waited for without helping (through a then, which only the worker completes).
void given_in_and_waited_for(benchmark::State& state) {
  Scheduler pool(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(tine::fork(pool, [] { return 1; }).then([](auto f) { return f.get(); }).get());
  }
}
BENCHMARK(given_in_and_waited_for)->Arg(1)->Arg(2)->Arg(8)->UseRealTime();

// A peer, where it is installed.
#ifdef TINE_BENCH_ONETBB
int tbb_fib(int n) {
  if (n < 2) return n;
  int left = 0;
  tbb::task_group group;
  group.run([&left, n] { left = tbb_fib(n - 1); });
  const int right = tbb_fib(n - 2);
  group.wait();
  return left + right;
}

void peer_onetbb_fib(benchmark::State& state) {
  tbb::task_arena arena(static_cast<int>(state.range(0)));
  for (auto _ : state) arena.execute([] { benchmark::DoNotOptimize(tbb_fib(kN)); });
  state.SetItemsProcessed(state.iterations() * kForks);
}
BENCHMARK(peer_onetbb_fib)->Arg(1)->Arg(2)->UseRealTime();

void peer_onetbb_flat_100000(benchmark::State& state) {
  tbb::task_arena arena(static_cast<int>(state.range(0)));
  constexpr int kTasks = 100'000;
  std::vector<int> results(kTasks);
  for (auto _ : state) {
    arena.execute([&] {
      tbb::task_group group;
      for (int i = 0; i < kTasks; ++i) group.run([&results, i] { results[static_cast<size_t>(i)] = i; });
      group.wait();
    });
  }
  state.SetItemsProcessed(state.iterations() * kTasks);
}
BENCHMARK(peer_onetbb_flat_100000)->Arg(1)->Arg(2)->UseRealTime();
#endif

// The memory of a million forks that nobody has begun, each with its future.
void bytes_of_a_pending_fork(benchmark::State& state) {
  struct Keeper final : tine::Executor {
    std::vector<tine::Task*> tasks;
    void post(tine::Task& task) noexcept override { tasks.push_back(&task); }
  };
  constexpr size_t kForksHeld = 1'000'000;
  double bytes = 0;
  // A new thread has no blocks to reuse.
  const auto hold = [&bytes] {
    Keeper keeper;
    keeper.tasks.reserve(kForksHeld);
    std::vector<Future<int>> futures;
    futures.reserve(kForksHeld);
    const size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < kForksHeld; ++i) {
      futures.push_back(tine::fork(keeper, [i] { return static_cast<int>(i); }));
    }
    // And its place in a queue.
    bytes = static_cast<double>(mallinfo2().uordblks - before) / kForksHeld + sizeof(tine::Task*);
    for (tine::Task* task : keeper.tasks) task->run();
  };
  for (auto _ : state) std::thread(hold).join();
  state.counters["bytes"] = bytes;
}
BENCHMARK(bytes_of_a_pending_fork)->Iterations(1);

}  // namespace
