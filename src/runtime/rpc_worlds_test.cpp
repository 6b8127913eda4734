// Worlds of the public interface whose workers come and go: several workers of one Runtime, and of several.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "src/base/testing/eventually.h"
#include "src/runtime/workers_for_tests.h"

namespace tine::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

JoinOptions changing(const testing::FreeAddress& address, std::string name, int rank, const char* transport) {
  JoinOptions o = testing::options(address, rank, kWorldChanges);
  o.name = std::move(name);
  // The register's address belongs to tcp.
  o.transports = {transport};
  if (o.transports.front() != "tcp") o.transports.emplace_back("tcp");
  return o;
}

class WorkersOfOneRuntime : public ::testing::TestWithParam<const char*> {};

TEST_P(WorkersOfOneRuntime, CallEachOtherAndComeAndGo) {
  testing::FreeAddress address;
  Runtime runtime, other;
  std::mutex mutex;
  std::vector<std::string> told;
  Worker first(runtime), second(runtime);
  Worker& third = other.rpc();
  second.serve("twice", [](int64_t x) { return 2 * x; });
  third.serve("thrice", [](int64_t x) { return 3 * x; });
  JoinOptions o = changing(address, "first", 0, GetParam());
  o.on_worker_joined = [&](const WorkerInfo& w) {
    const std::lock_guard lock(mutex);
    told.push_back("+" + w.name);
  };
  o.on_worker_lost = [&](const WorkerInfo& w, const std::exception_ptr& cause) {
    const std::lock_guard lock(mutex);
    told.push_back("-" + w.name);
    EXPECT_THAT(describe(cause),
                HasSubstr("worker '" + w.name + "' (rank " + std::to_string(w.id) + ") has left"));
  };
  first.join(std::move(o));
  for (int life = 0; life < 3; ++life) {
    second.join(changing(address, "second", -1, GetParam()));
    third.join(changing(address, "third", 7, GetParam()));
    EXPECT_THAT(third.workers(),
                ElementsAre(WorkerInfo{"first", 0}, WorkerInfo{"second", 1}, WorkerInfo{"third", 7}));
    EXPECT_EQ(first.call("second", "twice", 21).get().to_int(), 42);
    EXPECT_EQ(second.call(7, "thrice", 7).get().to_int(), 21);
    EXPECT_EQ(third.call("second", "twice", first.call("third", "thrice", 1).get()).get().to_int(), 6);
    third.leave();
    second.leave();
  }
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return told.size() == 12;
  }));
  EXPECT_THAT(std::vector<std::string>(told.begin(), told.begin() + 4),
              ElementsAre("+second", "+third", "-third", "-second"));
  first.leave();  // the last
}

INSTANTIATE_TEST_SUITE_P(Over, WorkersOfOneRuntime, ::testing::Values("shm", "unix", "tcp"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace tine::rpc
