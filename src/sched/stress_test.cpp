// Random operations on futures, promises, contexts, timers and pools from several threads. What must hold in every
// order is checked; what order there was is drawn from a seed, which is printed with each failure.
//   TINE_STRESS_SEED=<n>      replays the plan of that seed (the threads' interleaving is the machine's)
//   TINE_STRESS_SECONDS=<n>   goes on with further seeds for that long; by default a fraction of a second
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tine/combinators.h"
#include "tine/context.h"
#include "tine/coroutine.h"
#include "tine/scheduler.h"
#include "tine/task_group.h"
#include "tine/unobserved.h"

namespace tine {
namespace {

using namespace std::chrono_literals;
using Random = std::mt19937_64;

double seconds_to_run() {
  const char* const text = std::getenv("TINE_STRESS_SECONDS");
  return text ? std::strtod(text, nullptr) : 0.4;
}

// Runs round(seed) until the time is up, at least once.
template <class F>
void for_seeds(F round) {
  const char* const fixed = std::getenv("TINE_STRESS_SEED");
  uint64_t seed = fixed ? std::strtoull(fixed, nullptr, 10) : std::random_device()();
  std::cout << "TINE_STRESS_SEED=" << seed << std::endl;
  const TimePoint end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(seconds_to_run()));
  do {
    const testing::ScopedTrace trace(__FILE__, __LINE__, "TINE_STRESS_SEED=" + std::to_string(seed));
    round(seed);
    if (testing::Test::HasFailure()) return;
    ++seed;
  } while (!fixed && Clock::now() < end);
}

// Errors that nobody looks at are part of the game here.
struct Quiet {
  UnobservedErrorHook before =
      set_unobserved_error_hook([](const std::exception_ptr&, const std::source_location&) noexcept {});
  ~Quiet() { set_unobserved_error_hook(before); }
};

// What the threads of one round share: futures that everybody may build on, promises that one of them takes.
class Game {
 public:
  Game(uint64_t seed, Scheduler& first, Scheduler& second) : pools_{&first, &second}, seed_(seed) {
    for (size_t i = 0; i < kPromises; ++i) {
      promises_.push_back(std::make_unique<Promise<int>>());
      futures_.push_back(promises_.back()->future());
    }
  }

  void play(int thread, int steps) {
    Random random(seed_ * 1000 + static_cast<uint64_t>(thread));
    for (int i = 0; i < steps; ++i) {
      try {
        step(random);
      } catch (const Cancelled&) {
      } catch (const DeadlineExceeded&) {
        // The step waited in a context that had stopped.
      }
    }
  }

  // After the threads: everything is brought to an end, then the books must balance.
  void settle() {
    for (auto& promise : promises_) promise.reset();  // those left are abandoned
    for (const CancelSource& source : sources_) source.cancel();
    for (size_t i = 0; i < futures_.size(); ++i) {
      ASSERT_TRUE(futures_[i].wait_for(60s)) << "future " << i << " of " << futures_.size() << " never ended";
      if (futures_[i].error()) continue;
      EXPECT_GE(futures_[i].get(), 0);
    }
    // A callback may still run on the thread that completed its future.
    const TimePoint end = Clock::now() + 60s;
    while (ran_ != owed_ && Clock::now() < end) std::this_thread::yield();
    EXPECT_EQ(ran_, owed_) << "callbacks were lost, or ran twice";
  }

 private:
  static constexpr size_t kPromises = 24;
  static constexpr size_t kMostFutures = 4000;

  Future<int> pick(Random& random) {
    const std::lock_guard lock(mutex_);
    return futures_[random() % futures_.size()];
  }
  std::vector<Future<int>> pick_some(Random& random) {
    std::vector<Future<int>> some;
    for (size_t n = random() % 5; some.size() <= n;) some.push_back(pick(random));
    return some;
  }
  void keep(Future<int> future) {
    const std::lock_guard lock(mutex_);
    if (futures_.size() < kMostFutures) futures_.push_back(std::move(future));
  }
  std::unique_ptr<Promise<int>> take_promise(Random& random) {
    const std::lock_guard lock(mutex_);
    return std::move(promises_[random() % promises_.size()]);
  }
  Scheduler& pool(Random& random) { return *pools_[random() % 2]; }
  Context context(Random& random) {
    switch (random() % 6) {
      case 0: return Context().with_token(sources_[random() % sources_.size()].token());
      case 1: return Context().with_timeout(pools_[0]->timer(), std::chrono::microseconds(random() % 2000));
      case 2:
        return Context()
            .with_timeout(pools_[1]->timer(), 1h)
            .with_token(sources_[random() % sources_.size()].token());
      default: return Context();
    }
  }
  // A callback that finally() runs, whatever happens.
  auto owed() {
    ++owed_;
    return [this] { ++ran_; };
  }

  static Future<int> awaits(Scheduler* pool, Future<int> first, Future<int> second, bool moves) {
    const int a = co_await std::move(first);
    if (moves) co_await schedule_on(*pool);
    co_return std::max(a, co_await resume_on(*pool, std::move(second)));
  }

  void step(Random& random) {
    const ContextScope scope(context(random));
    switch (random() % 18) {
      case 0:
        if (const auto p = take_promise(random)) p->set_value(1);
        break;
      case 1:
        if (const auto p = take_promise(random)) p->set_error(KeyError("set"));
        break;
      case 2: (void)take_promise(random); break;
      case 3: pick(random).cancel(); break;
      case 4:
        keep(pick(random).then([](const Future<int>& f) { return f.error() ? 0 : f.get() + 1; }));
        break;
      case 5: keep(pick(random).and_then([g = pick(random)](int) { return g; })); break;
      case 6: keep(pick(random).or_else(pool(random), [](const std::exception_ptr&) { return 3; })); break;
      case 7: (void)pick(random).finally(owed()); break;
      case 8: keep(pick(random).finally(pool(random), owed())); break;
      case 9: {
        // Nested forks, natively waited for.
        Scheduler& p = pool(random);
        keep(fork(p, [&p] { return fork(p, [] { return 1; }).get() + fork(p, [] { return 2; }).get(); }));
        break;
      }
      case 10: keep(awaits(&pool(random), pick(random), pick(random), random() % 2 == 0)); break;
      case 11:
        keep(collect_all(pick_some(random)).then([](const auto& all) { return all.error() ? 0 : 1; }));
        break;
      case 12:
        keep(collect_any(pick_some(random)).and_then([](const Any<int>& any) { return any.future; }));
        break;
      case 13:
        keep(gather(sources_[random() % sources_.size()],
                    std::vector{fork(pool(random), [] { return 1; }), pick(random)})
                 .then([](const auto& all) { return all.error() ? 0 : 1; }));
        break;
      case 14:
        keep(pool(random).timer().sleep_for(std::chrono::microseconds(random() % 500)).and_then([] {
          return 1;
        }));
        break;
      case 15: (void)pick(random).wait_for(std::chrono::microseconds(random() % 100)); break;
      case 16: {
        // A task that blocks its worker in an outside future, but not for ever.
        const Future<int> g = pick(random);
        keep(fork(pool(random), [g] { return g.wait_for(1ms) && !g.error() ? g.get() : 0; }));
        break;
      }
      default: {
        AsCompleted<int> done = as_completed(pick_some(random));
        const Future<int> next = done.next_until(Clock::now() + 200us);
        EXPECT_TRUE(!next.valid() || next.ready());
      }
    }
  }

  const std::array<Scheduler*, 2> pools_;
  const uint64_t seed_;
  const std::array<CancelSource, 4> sources_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Promise<int>>> promises_;
  std::vector<Future<int>> futures_;
  std::atomic<int> owed_{0};
  std::atomic<int> ran_{0};
};

TEST(Stress, RandomOperationsOnFuturesFromSeveralThreadsAllEndAndLoseNoCallback) {
  const Quiet quiet;
  for_seeds([](uint64_t seed) {
    Random random(seed);
    Scheduler first({.num_threads = 1 + static_cast<int>(random() % 3), .max_threads = 4, .seed = seed});
    Scheduler second({.num_threads = 1, .max_threads = 2, .seed = seed});
    Game game(seed, first, second);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&, i] { game.play(i, 200); });
    }
    for (int i = 0; i < 20; ++i) first.set_num_threads(1 + static_cast<int>(random() % 4));
    for (std::thread& thread : threads) thread.join();
    game.settle();
  });
}

int sum(Scheduler& pool, Random random, int n) {
  if (n <= 1) return n;
  switch (random() % 4) {
    case 0: {
      const Future<int> left = fork(pool, [&pool, random, n]() mutable {
        random.discard(1);
        return sum(pool, random, n / 2);
      });
      random.discard(2);
      const int right = sum(pool, random, n - n / 2);
      return left.get() + right;
    }
    case 1: {
      std::atomic<int> total{0};
      TaskGroup group(pool);
      for (int i = 0; i < 3; ++i) {
        const Random own(random());
        group.run([&, own, i] { total += sum(pool, own, i < 2 ? n / 3 : n - 2 * (n / 3)); });
      }
      group.wait();
      return total;
    }
    case 2: {
      std::atomic<int> total{0};
      pool.parallel_for(n, 1, [&](int64_t b, int64_t e) { total += static_cast<int>(e - b); });
      return total;
    }
    default: {
      // Through a promise that another task sets: the worker blocks.
      Promise<int> p;
      const Future<int> half = p.future();
      const Future<void> sets = fork(pool, [&pool, random, n, q = std::move(p)]() mutable {
        random.discard(3);
        q.set_value(sum(pool, random, n / 2));
      });
      const int got = half.get();
      sets.wait();
      random.discard(4);
      return got + sum(pool, random, n - n / 2);
    }
  }
}

TEST(Stress, RandomTreesOfForksGroupsLoopsAndBlockingWaitsAddUpAtEverySizeOfPool) {
  for_seeds([](uint64_t seed) {
    Random random(seed);
    const int bound = 2 + static_cast<int>(random() % 6);
    Scheduler pool({.num_threads = 1 + static_cast<int>(random() % 2), .max_threads = bound, .seed = seed});
    std::vector<Future<int>> roots;
    for (int i = 0; i < 8; ++i) {
      roots.push_back(
          fork(pool, [&pool, r = Random(seed + static_cast<uint64_t>(i))] { return sum(pool, r, 300); }));
    }
    for (const Future<int>& root : roots) {
      const Future<int> done = root.then([](const Future<int>& f) { return f.get(); });
      ASSERT_TRUE(done.wait_for(120s)) << "the pool hangs";
      EXPECT_EQ(done.get(), 300);
    }
    EXPECT_LE(pool.counters().threads, bound);
  });
}

}  // namespace
}  // namespace tine
