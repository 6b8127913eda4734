// Remote builtin calls between two processes on one machine, from C++: latency, throughput, bandwidth.
// Both ends poll while somebody waits. Each has a processor of its own.

#include <benchmark/benchmark.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <vector>

#include "src/rpc/world_for_tests.h"

namespace {

using namespace tine;
using namespace tine::rpc;

// Each end on a processor of its own, with the threads that it makes from then on.
void pin(size_t nth) {
  static const cpu_set_t allowed = [] {  // before anything was pinned
    cpu_set_t set;
    CPU_ZERO(&set);
    static_cast<void>(::sched_getaffinity(0, sizeof set, &set));
    return set;
  }();
  cpu_set_t one;
  CPU_ZERO(&one);
  for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || nth-- != 0) continue;
    CPU_SET(cpu, &one);
    static_cast<void>(::sched_setaffinity(0, sizeof one, &one));
    return;
  }
}

// This process as rank 0, and a child as rank 1.
class Pair {
 public:
  explicit Pair(rpc::testing::Over over) {
    const rpc::testing::FreeAddress address;
    const auto options = [&](rpc::testing::Worker& worker, int rank) {
      AgentOptions o = worker.options(rank, 2, address);
      rpc::testing::talk(o, over);
      return o;
    };
    child_ = ::fork();
    if (child_ == 0) {
      pin(1);
      rpc::testing::Worker worker;
      try {
        worker.agent = Agent::start(options(worker, 1));
        worker.agent->shutdown();
      } catch (const std::exception&) {
        // The benchmark was stopped.
      }
      ::_exit(0);
    }
    pin(0);
    worker_ = std::make_unique<rpc::testing::Worker>();
    worker_->agent = Agent::start(options(*worker_, 0));
  }
  ~Pair() {
    worker_->agent->shutdown(true, Seconds(10));
    (void)::waitpid(child_, nullptr, 0);
  }
  Agent& agent() { return *worker_->agent; }

 private:
  pid_t child_ = 0;
  std::unique_ptr<rpc::testing::Worker> worker_;
};

// An iteration is so many calls, and its time their median's.
constexpr int kBatch = 1000;

template <class Call>
void medians(benchmark::State& state, const Call& call) {
  std::vector<std::chrono::duration<double>> times(kBatch);
  for (int i = 0; i < kBatch; ++i) call();
  for (auto _ : state) {
    for (auto& time : times) {
      const TimePoint begin = Clock::now();
      call();
      time = Clock::now() - begin;
    }
    std::nth_element(times.begin(), times.begin() + kBatch / 2, times.end());
    state.SetIterationTime(times[kBatch / 2].count());
  }
}

// What no call between two processors is faster than: a cache line there and back.
void baseline_cache_line(benchmark::State& state) {
  struct alignas(128) Line {
    std::atomic<uint64_t> number{0};
  };
  void* const memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Line& there = *new (memory) Line;
  Line& back = *new (static_cast<std::byte*>(memory) + 1024) Line;
  const pid_t child = ::fork();
  if (child == 0) {
    pin(1);
    for (uint64_t n = 1; there.number.load(std::memory_order_acquire) != ~uint64_t{0};) {
      if (there.number.load(std::memory_order_acquire) != n) continue;
      back.number.store(n++, std::memory_order_release);
    }
    ::_exit(0);
  }
  pin(0);
  uint64_t n = 0;
  medians(state, [&] {
    there.number.store(++n, std::memory_order_release);
    while (back.number.load(std::memory_order_acquire) != n) continue;
  });
  there.number.store(~uint64_t{0}, std::memory_order_release);
  (void)::waitpid(child, nullptr, 0);
  (void)::munmap(memory, 4096);
}
BENCHMARK(baseline_cache_line)->UseManualTime()->Iterations(20);

// One call at a time: add of two tensors of two elements.
void add_of_two(benchmark::State& state, rpc::testing::Over over) {
  Pair pair(over);
  const Value a = rpc::testing::floats({1, 2}), b = rpc::testing::floats({3, 4});
  medians(state, [&] {
    benchmark::DoNotOptimize(pair.agent().call(1, CallRequest::builtin("test::add", {a, b})).get());
  });
}
BENCHMARK_CAPTURE(add_of_two, shm, rpc::testing::Over::kShm)->UseManualTime()->Iterations(20);
BENCHMARK_CAPTURE(add_of_two, tcp, rpc::testing::Over::kTcp)->UseManualTime()->Iterations(20);

// 256 calls without an answer at any time.
void add_in_flight_256(benchmark::State& state, rpc::testing::Over over) {
  Pair pair(over);
  const Value a = rpc::testing::floats({1, 2}), b = rpc::testing::floats({3, 4});
  std::vector<Future<Value>> window(256);
  for (auto& f : window) f = pair.agent().call(1, CallRequest::builtin("test::add", {a, b}));
  size_t next = 0;
  for (auto _ : state) {
    (void)window[next].get();
    window[next] = pair.agent().call(1, CallRequest::builtin("test::add", {a, b}));
    next = (next + 1) % window.size();
  }
  for (auto& f : window) f.wait();
}
BENCHMARK_CAPTURE(add_in_flight_256, shm, rpc::testing::Over::kShm)->UseRealTime();
BENCHMARK_CAPTURE(add_in_flight_256, tcp, rpc::testing::Over::kTcp)->UseRealTime();

// 16 MB there and back.
void echo_16_mb(benchmark::State& state, rpc::testing::Over over) {
  Pair pair(over);
  const Value t = Tensor::empty(std::array<int64_t, 1>{4 << 20}, DType::kFloat32);
  std::fill_n(t.as_tensor().data_as<float>(), 4 << 20, 1.0F);
  for (auto _ : state)
    benchmark::DoNotOptimize(pair.agent().call(1, CallRequest::builtin("test::same", {t})).get());
}
BENCHMARK_CAPTURE(echo_16_mb, shm, rpc::testing::Over::kShm)->UseRealTime();
BENCHMARK_CAPTURE(echo_16_mb, tcp, rpc::testing::Over::kTcp)->UseRealTime();

}  // namespace
