#include "src/future/trimming.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <thread>

#include "src/base/sanitized.h"
#include "src/base/testing/eventually.h"

namespace tine {
namespace {

using namespace std::chrono_literals;

size_t resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  size_t total = 0, resident = 0;
  const int read = std::fscanf(file, "%zu %zu", &total, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

void use(Recycler& recycler, size_t bytes) {
  void* const block = recycler.take(bytes);
  std::memset(block, 1, bytes);
  recycler.give_back(block, bytes);
}

TEST(Trimming, ResidentMemoryGoesBackToTheSystemAfterIdlenessAndNotBefore) {
  constexpr size_t kBytes = size_t{64} << 20;
  Recycler recycler;
  InlineExecutor here;
  Timer timer(here);
  const size_t before = resident_bytes();
  {
    const Trimming trimming(recycler, timer, 10s);
    use(recycler, kBytes);
    EXPECT_EQ(recycler.kept(), kBytes);
    EXPECT_GT(resident_bytes(), before + kBytes / 2);
    EXPECT_EQ(timer.size(), 1U);
  }
  EXPECT_EQ(timer.size(), 0U);  // the end takes its interval along
  const Trimming trimming(recycler, timer, 5ms);
  for (int round = 0; round < 3; ++round) {
    use(recycler, kBytes);
    EXPECT_TRUE(eventually([&] { return recycler.kept() == 0 && timer.size() == 0; })) << round;
    if (kSanitized) continue;  // AddressSanitizer keeps for a while what was freed
    EXPECT_TRUE(eventually([&] { return resident_bytes() < before + kBytes / 2; })) << round;
  }
}

TEST(Trimming, EndsAtAnyMomentOfItsIntervals) {
  Recycler recycler;
  InlineExecutor here;
  Timer timer(here);
  for (int i = 0; i < 300; ++i) {
    const Trimming trimming(recycler, timer, std::chrono::milliseconds(i % 2));
    use(recycler, 1000);
    if (i % 3 == 0) std::this_thread::yield();
  }
  EXPECT_EQ(recycler.kept(), 0U);
}

}  // namespace
}  // namespace tine
