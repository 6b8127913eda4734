// Raw calls between two processes on one machine, from C++: latency, throughput, bandwidth. A caller sleeps until its sink
// has been told, as PyTorch's does; bench/rpc/agent.cpp measures the same of an agent, whose callers poll.

#include <benchmark/benchmark.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "src/rpc/raw/node.h"
#include "src/rpc/transport/named_transports.h"
#include "src/sched/blocking_pool.h"

namespace {

using namespace tine;
using namespace tine::rpc;

class Echo final : public RawHandler {
 public:
  explicit Echo(bool here) : here_(here) {}
  bool inline_ok(const RawMessage&) noexcept override { return here_; }
  void handle(RawCall call) noexcept override { call.reply(std::move(call.message())); }

 private:
  const bool here_;
};

// Counts the calls that are out.
class Window final : public RawSink {
 public:
  void done(RawMessage) noexcept override { end(); }
  void failed(RawFailure failure) noexcept override {
    std::fprintf(stderr, "a call failed: %s\n", failure.text.c_str());
    end();
  }
  void begin(int most) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return out_ < most; });
    ++out_;
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return out_ == 0; });
  }

 private:
  void end() {
    {
      const std::lock_guard lock(mutex_);
      --out_;
    }
    changed_.notify_one();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  int out_ = 0;
};

struct Side {
  Side(int id, bool here) : echo(here) {
    RawNodeOptions o;
    o.name = "w" + std::to_string(id);
    o.id = id;
    o.handler = &echo;
    o.secret = "a secret for benchmarks";
    o.polling = std::chrono::microseconds(150);
    const TransportList transports = transports_named(o.transports, {});
    node = RawNode::Parts::start({handlers, callbacks, transports}, std::move(o));
    node->open();
  }
  Echo echo;
  sched::BlockingPool handlers, callbacks;
  std::unique_ptr<RawNode> node;
};

// This process as worker 0, and a child as worker 1. `here`: handlers run on the thread that reads.
class Pair {
 public:
  explicit Pair(bool here) {
    int cards[2];
    int end[2];
    if (::pipe(cards) != 0 || ::pipe(end) != 0) std::abort();
    child_ = ::fork();
    if (child_ == 0) {
      ::close(end[1]);
      {
        Side side(1, here);
        const std::string& card = side.node->card();
        if (::write(cards[1], card.data(), card.size()) < 0) std::abort();
        char byte;
        (void)!::read(end[0], &byte, 1);
      }
      ::_exit(0);
    }
    ::close(end[0]);
    end_ = end[1];
    char card[4096];
    const ssize_t n = ::read(cards[0], card, sizeof card);
    side_ = std::make_unique<Side>(0, here);
    side_->node->connect({card, static_cast<size_t>(std::max<ssize_t>(n, 0))},
                         Clock::now() + std::chrono::seconds(10));
  }
  ~Pair() {
    ::close(end_);
    side_ = nullptr;
    (void)::waitpid(child_, nullptr, 0);
  }
  RawNode& node() { return *side_->node; }

 private:
  pid_t child_ = 0;
  int end_ = -1;
  std::unique_ptr<Side> side_;
};

double us(Clock::duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

RawMessage small() {
  static const std::vector<std::byte> bytes(64);
  return {1, RawBytes::copy(bytes), {}};
}

void echo_64(benchmark::State& state) {
  Pair pair(state.range(0) == 1);
  const auto window = std::make_shared<Window>();
  std::vector<double> times;
  times.reserve(1 << 20);
  const auto once = [&] {
    window->begin(1);
    pair.node().call(1, small(), kNoDeadline, window);
    window->wait();
  };
  for (int i = 0; i < 1000; ++i) once();
  for (auto _ : state) {
    const TimePoint begin = Clock::now();
    once();
    times.push_back(us(Clock::now() - begin));
  }
  std::sort(times.begin(), times.end());
  state.counters["p50_us"] = times[times.size() / 2];
  state.counters["p99_us"] = times[times.size() * 99 / 100];
}
BENCHMARK(echo_64)->ArgName("here")->Arg(1)->Arg(0)->UseRealTime()->MinTime(1);

void echo_64_in_flight_256(benchmark::State& state) {
  Pair pair(state.range(0) == 1);
  const auto window = std::make_shared<Window>();
  for (auto _ : state) {
    window->begin(256);
    pair.node().call(1, small(), kNoDeadline, window);
  }
  window->wait();
  state.counters["calls/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(echo_64_in_flight_256)->ArgName("here")->Arg(1)->Arg(0)->UseRealTime()->MinTime(1);

// There and back; the figure is the bytes of one way.
void echo_16_mib(benchmark::State& state) {
  Pair pair(state.range(0) == 1);
  const auto window = std::make_shared<Window>();
  const auto bytes = std::make_shared<std::vector<std::byte>>(16 << 20);
  for (auto _ : state) {
    window->begin(1);
    RawMessage message{1, {}, {}};
    message.segments.emplace_back(*bytes, bytes);
    pair.node().call(1, std::move(message), kNoDeadline, window);
    window->wait();
  }
  state.counters["one_way"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * (16 << 20), benchmark::Counter::kIsRate);
}
BENCHMARK(echo_16_mib)->ArgName("here")->Arg(1)->Arg(0)->UseRealTime()->MinTime(1);

}  // namespace
