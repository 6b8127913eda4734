// RPC at length: three workers in a chain. "front" asks "middle", whose functions are coroutines that ask "back".
//
//   build/release/examples/rpc_chain                      starts the three processes itself
//   tine launch -n 3 -- build/release/examples/rpc_chain  `tine launch` does
//
// It shows declarations that caller and callee share, handlers that are coroutines, typed references, a deadline that goes
// along the chain, and streams, one of which is read by the worker in between while it writes another.
#include <atomic>
#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <utility>

#include "launch.h"
#include "tine/context.h"
#include "tine/coroutine.h"
#include "tine/rpc.h"
#include "tine/runtime.h"
#include "tine/timer.h"

using tine::Context;
using tine::ContextScope;
using tine::Future;
using tine::Stream;
namespace rpc = tine::rpc;

namespace {

// What the workers call of each other. In a larger program this is a header that all of them include.
constexpr rpc::Function<double(double)> kSquare{"square"};
constexpr rpc::Function<void()> kUntilStopped{"until stopped"};
constexpr rpc::Function<int64_t()> kTimesStopped{"times stopped"};
constexpr rpc::Function<Stream<int64_t>(int64_t)> kPrimes{"primes"};

constexpr rpc::Function<double(double, double)> kHypotenuse{"hypotenuse"};
constexpr rpc::Function<void()> kPatience{"patience"};
constexpr rpc::Function<Stream<std::pair<int64_t, int64_t>>()> kTwins{"twins"};

bool is_prime(int64_t n) {
  for (int64_t d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return n > 1;
}

void back(rpc::Worker& worker) {
  worker.serve(kSquare, [](double x) { return x * x; });
  // It blocks a handler thread, and looks whether its caller still waits.
  static std::atomic<int64_t> stopped{0};
  worker.serve(kUntilStopped, [] {
    while (!Context::current().stopped()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ++stopped;
  });
  worker.serve(kTimesStopped, [] { return stopped.load(); });
  // Without an end: it is ahead of its reader by the stream's credit, and ends when nobody reads it any more.
  worker.serve(kPrimes, [](int64_t from) -> Stream<int64_t> {
    for (int64_t n = from;; ++n) {
      if (is_prime(n)) co_yield n;
    }
  });
  worker.join(rpc::JoinOptions::from_environment("back"));
  worker.leave();
}

void middle(rpc::Worker& worker) {
  // Both calls are under way at once. No thread waits for them.
  worker.serve(kHypotenuse, [&worker](double a, double b) -> Future<double> {
    const Future<double> first = worker.call(kSquare, "back", a), second = worker.call(kSquare, "back", b);
    co_return std::sqrt(co_await first + co_await second);
  });
  // Its Context has the deadline of its caller, and so has the call that it makes.
  worker.serve(kPatience, [&worker] { return worker.call(kUntilStopped, {"back", rpc::kNoTimeout}); });
  worker.serve(kTwins, [&worker]() -> Stream<std::pair<int64_t, int64_t>> {
    Stream<int64_t> primes = worker.stream(kPrimes, "back", 2);
    int64_t before = 0;
    while (const auto prime = co_await primes.next()) {
      if (before > 0 && *prime - before == 2) co_yield std::pair(before, *prime);
      before = *prime;
    }
  });
  worker.join(rpc::JoinOptions::from_environment("middle"));
  worker.leave();
}

Future<double> longest(rpc::Worker& worker) {
  const double shorter = co_await worker.call(kHypotenuse, "middle", 3, 4);
  co_return co_await worker.call(kHypotenuse, "middle", shorter, 12.0);
}

void front(tine::Runtime& runtime, rpc::Worker& worker) {
  worker.join(rpc::JoinOptions::from_environment("front"));

  const double length = longest(worker).get();
  fmt::print("the diagonal of 3, 4 and 12: {}\n", length);
  expect(length == 13, "thirteen");

  // The result stays there until somebody wants it.
  const rpc::RRef<double> kept = worker.remote(kHypotenuse, "middle", 8.0, 15.0);
  fmt::print("{} keeps {}\n", kept.owner().name, kept.to_here().get());
  expect(kept.to_here().get() == 17, "seventeen");

  {
    const ContextScope scope(
        Context().with_timeout(runtime.scheduler().timer(), std::chrono::milliseconds(100)));
    try {
      worker.call(kPatience, "middle").get();
      expect(false, "a deadline");
    } catch (const tine::DeadlineExceeded& e) {
      fmt::print("{}\n", e.message());
    }
  }
  // The deadline has gone along: the worker at the end has been told.
  while (worker.call(kTimesStopped, "back").get() == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));

  int64_t last = 0;
  {
    Stream<std::pair<int64_t, int64_t>> twins = worker.stream(kTwins, "middle");
    for (const auto& [a, b] : twins) {
      fmt::print("twins: {} and {}\n", a, b);
      last = b;
      if (last > 30) break;
    }
  }  // dropped: both streams end where they are made
  expect(last == 31, "29 and 31");
  worker.leave();
}

}  // namespace

int main() {
  const char* const rank = std::getenv("RANK");
  if (!rank) return start_workers(3);
  tine::Runtime& runtime = tine::Runtime::instance();
  switch (*rank) {
    case '0': front(runtime, runtime.rpc()); break;
    case '1': middle(runtime.rpc()); break;
    default: back(runtime.rpc());
  }
}
