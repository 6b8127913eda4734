// What a future costs: against the work that cannot be avoided (one allocation, two references).
#include <benchmark/benchmark.h>
#include <malloc.h>

#ifdef TINE_BENCH_C10
#include <ATen/core/ivalue.h>
#endif

#include <atomic>
#include <memory>
#include <thread>
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

// The heap of a future that nobody has completed and of the callback that waits in it, as malloc counts it, its own
// headers included. The callback is a then: its result is a future of its own, which is not counted.
double heap_bytes(bool with_then) {
  double bytes = 0;
  // A new thread has no blocks to reuse.
  std::thread([&] {
    constexpr size_t kHeld = 100'000;
    std::vector<Promise<int>> promises;
    std::vector<Future<int>> results;
    promises.reserve(kHeld);
    results.reserve(kHeld);
    const size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < kHeld; ++i) {
      const Promise<int>& promise = promises.emplace_back();
      if (with_then) results.push_back(promise.future().then([](const Future<int>& f) { return f.get(); }));
    }
    bytes = static_cast<double>(mallinfo2().uordblks - before) / kHeld;
    for (auto& promise : promises) promise.set_value(1);
  }).join();
  return bytes;
}

void bytes_of_a_pending_future_with_a_callback(benchmark::State& state) {
  double bytes = 0;
  for (auto _ : state) bytes = heap_bytes(true) - heap_bytes(false);
  state.counters["bytes"] = bytes;
}
BENCHMARK(bytes_of_a_pending_future_with_a_callback)->Iterations(1);

// The peer that is replaced, where its headers are installed: the same steps, written as its users write them.
#ifdef TINE_BENCH_C10
using C10Future = c10::intrusive_ptr<c10::ivalue::Future>;

C10Future c10_future() { return c10::make_intrusive<c10::ivalue::Future>(c10::IntType::get()); }

C10Future c10_then(const C10Future& future) {
  return future->then([](c10::ivalue::Future& f) { return c10::IValue(f.value().toInt() + 1); },
                      c10::IntType::get());
}

void peer_c10_make_set_get(benchmark::State& state) {
  for (auto _ : state) {
    const C10Future promise = c10_future();
    const C10Future future = promise;
    promise->markCompleted(c10::IValue(7));
    future->waitAndThrow();
    benchmark::DoNotOptimize(future->value().toInt());
  }
}
BENCHMARK(peer_c10_make_set_get);

void peer_c10_make_then_set_get(benchmark::State& state) {
  for (auto _ : state) {
    const C10Future promise = c10_future();
    const C10Future future = c10_then(promise);
    promise->markCompleted(c10::IValue(7));
    future->waitAndThrow();
    benchmark::DoNotOptimize(future->value().toInt());
  }
}
BENCHMARK(peer_c10_make_then_set_get);

void peer_c10_then_chain_1000_per_link(benchmark::State& state) {
  constexpr int kLinks = 1000;
  for (auto _ : state) {
    const C10Future promise = c10_future();
    C10Future last = promise;
    for (int i = 0; i < kLinks; ++i) last = c10_then(last);
    promise->markCompleted(c10::IValue(0));
    last->waitAndThrow();
    benchmark::DoNotOptimize(last->value().toInt());
  }
  state.SetItemsProcessed(state.iterations() * kLinks);
}
BENCHMARK(peer_c10_then_chain_1000_per_link);

void peer_c10_collect_all_10000_per_input(benchmark::State& state) {
  constexpr size_t kInputs = 10'000;
  for (auto _ : state) {
    c10::List<C10Future> futures(c10::FutureType::create(c10::IntType::get()));
    futures.reserve(kInputs);
    for (size_t i = 0; i < kInputs; ++i) futures.push_back(c10_future());
    const C10Future all = c10::collectAll(futures);
    for (size_t i = 0; i < kInputs; ++i) futures.get(i)->markCompleted(c10::IValue(1));
    all->waitAndThrow();
    benchmark::DoNotOptimize(all->value().toList().size());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kInputs));
}
BENCHMARK(peer_c10_collect_all_10000_per_input);
#endif

}  // namespace
