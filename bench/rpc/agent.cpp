// Remote builtin calls between two processes on one machine, from C++: latency, throughput, bandwidth.
// Both ends poll while somebody waits; nothing is pinned.

#include <benchmark/benchmark.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "src/rpc/world_for_tests.h"

namespace {

using namespace tine;
using namespace tine::rpc;

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
      rpc::testing::Worker worker;
      try {
        worker.agent = Agent::start(options(worker, 1));
        worker.agent->shutdown();
      } catch (const std::exception&) {
        // The benchmark was stopped.
      }
      ::_exit(0);
    }
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

double us(Clock::duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

// One call at a time: add of two tensors of two elements.
void add_of_two(benchmark::State& state) {
  Pair pair(state.range(0) == 1 ? rpc::testing::Over::kShm : rpc::testing::Over::kTcp);
  const Value a = rpc::testing::floats({1, 2}), b = rpc::testing::floats({3, 4});
  std::vector<double> times;
  times.reserve(1 << 20);
  for (int i = 0; i < 1000; ++i) (void)pair.agent().call(1, CallRequest::builtin("test::add", {a, b})).get();
  for (auto _ : state) {
    const TimePoint begin = Clock::now();
    benchmark::DoNotOptimize(pair.agent().call(1, CallRequest::builtin("test::add", {a, b})).get());
    times.push_back(us(Clock::now() - begin));
  }
  std::sort(times.begin(), times.end());
  state.counters["p50_us"] = times[times.size() / 2];
  state.counters["p99_us"] = times[times.size() * 99 / 100];
}
BENCHMARK(add_of_two)->ArgName("unix")->Arg(1)->Arg(0)->UseRealTime()->MinTime(1);

// 256 calls without an answer at any time.
void add_in_flight_256(benchmark::State& state) {
  Pair pair(state.range(0) == 1 ? rpc::testing::Over::kShm : rpc::testing::Over::kTcp);
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
  state.counters["calls/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(add_in_flight_256)->ArgName("unix")->Arg(1)->Arg(0)->UseRealTime()->MinTime(1);

// 16 MB there and back; the figure is the bytes of one way.
void echo_16_mb(benchmark::State& state) {
  Pair pair(state.range(0) == 1 ? rpc::testing::Over::kShm : rpc::testing::Over::kTcp);
  const Value t = Tensor::empty(std::array<int64_t, 1>{4 << 20}, DType::kFloat32);
  std::fill_n(t.as_tensor().data_as<float>(), 4 << 20, 1.0F);
  for (auto _ : state)
    benchmark::DoNotOptimize(pair.agent().call(1, CallRequest::builtin("test::same", {t})).get());
  state.counters["one_way"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * (16 << 20), benchmark::Counter::kIsRate);
}
BENCHMARK(echo_16_mb)->ArgName("unix")->Arg(1)->Arg(0)->UseRealTime()->MinTime(1);

}  // namespace
