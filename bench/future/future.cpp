// What a future costs: against the work that cannot be avoided (one allocation, two references).
#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <vector>

#include "tine/future.h"

namespace {

using tine::Future;
using tine::Promise;

// The floor: allocate a counted cell, share it twice, fill it with a release store, free it.
void baseline_cell(benchmark::State& state) {
  struct Cell {
    std::atomic<int> refs{2};
    std::atomic<int> done{0};
    int value = 0;
    long padding[5];
  };
  for (auto _ : state) {
    auto* cell = new Cell;
    benchmark::DoNotOptimize(cell);
    cell->value = 7;
    cell->done.store(1, std::memory_order_release);
    benchmark::DoNotOptimize(cell->value);
    if (cell->refs.fetch_sub(1) == 1) delete cell;
    if (cell->refs.fetch_sub(1) == 1) delete cell;
  }
}
BENCHMARK(baseline_cell);

void make_set_get(benchmark::State& state) {
  for (auto _ : state) {
    Promise<int> promise;
    const Future<int> future = promise.future();
    promise.set_value(7);
    benchmark::DoNotOptimize(future.get());
  }
}
BENCHMARK(make_set_get);

void make_then_set_get(benchmark::State& state) {
  for (auto _ : state) {
    Promise<int> promise;
    const Future<int> future = promise.future().then([](const Future<int>& f) { return f.get() + 1; });
    promise.set_value(7);
    benchmark::DoNotOptimize(future.get());
  }
}
BENCHMARK(make_then_set_get);

void then_chain_1000_per_link(benchmark::State& state) {
  constexpr int kLinks = 1000;
  for (auto _ : state) {
    Promise<int> promise;
    Future<int> last = promise.future();
    for (int i = 0; i < kLinks; ++i) last = last.then([](const Future<int>& f) { return f.get() + 1; });
    promise.set_value(0);
    benchmark::DoNotOptimize(last.get());
  }
  state.SetItemsProcessed(state.iterations() * kLinks);
}
BENCHMARK(then_chain_1000_per_link);

void collect_all_10000_per_input(benchmark::State& state) {
  constexpr size_t kInputs = 10'000;
  for (auto _ : state) {
    std::vector<Promise<int>> promises(kInputs);
    std::vector<Future<int>> futures;
    futures.reserve(kInputs);
    for (auto& p : promises) futures.push_back(p.future());
    auto all = tine::collect_all(std::move(futures));
    for (auto& p : promises) p.set_value(1);
    benchmark::DoNotOptimize(all.get().size());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kInputs));
}
BENCHMARK(collect_all_10000_per_input);

}  // namespace
