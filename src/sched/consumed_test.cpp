// A future that its only waiter consumes: what is freed, and what a copy keeps.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "src/base/testing/eventually.h"
#include "tine/fork.h"
#include "tine/scheduler.h"

namespace tine {
namespace {

struct Counted {
  static inline std::atomic<int> alive{0};
  explicit Counted(int n) : number(n) { ++alive; }
  Counted(const Counted& other) : number(other.number) { ++alive; }
  Counted(Counted&& other) noexcept : number(other.number) { ++alive; }
  ~Counted() { --alive; }
  int number;
};

TEST(Consumed, AFutureOfTheNewestTaskIsFreedWhetherACopyExistsOrNot) {
  Scheduler pool(1);
  for (int i = 0; i < 1000; ++i) {
    const bool copied = i % 2 == 0;
    auto owned = std::make_shared<int>(i);
    const std::weak_ptr<int> captured = owned;
    {
      Future<Counted> f = fork(pool, [n = std::move(owned)] { return Counted(*n); });
      const Future<Counted> copy = copied ? f : Future<Counted>();
      EXPECT_EQ(std::move(f).get().number, i);
      if (copied) {
        EXPECT_EQ(copy.get().number, i);
      }
    }
    // A worker that ran it may hold it a moment longer.
    EXPECT_TRUE(eventually([&] { return Counted::alive == 0 && captured.expired(); }))
        << i << ": " << Counted::alive << " results, " << captured.use_count() << " closures";
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace tine
