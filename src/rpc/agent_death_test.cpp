// What a worker does with the calls of another that has gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <netdb.h>

#include <latch>

#include "src/rpc/rendezvous.h"
#include "src/rpc/transport/tcp/tcp_address.h"
#include "src/rpc/world_for_tests.h"

namespace tine::rpc {
namespace {

using testing::foreign;
using ::testing::HasSubstr;
using testing::World;

TEST(Death, OfACallerCancelsWhatItsCallsWaitForHere) {
  World world(3);
  std::vector<Promise<Value>> promises(2);
  const Future<Value> of_the_dead = promises[0].future(), of_the_living = promises[1].future();
  std::latch running(2);
  world.handlers(0).on["first"] = [&](IncomingCall call) {
    call.reply_with(of_the_dead);
    running.count_down();
  };
  world.handlers(0).on["second"] = [&](IncomingCall call) {
    call.reply_with(of_the_living);
    running.count_down();
  };
  const auto lost = world[1].call(0, foreign("first"), kNoDeadline);
  const auto kept = world[2].call(0, foreign("second"), kNoDeadline);
  running.wait();
  world[1].shutdown(false);
  ASSERT_TRUE(of_the_dead.wait_for(std::chrono::seconds(20)));
  EXPECT_THAT(describe(of_the_dead.error()), HasSubstr("Cancelled"));
  EXPECT_FALSE(of_the_living.ready());
  promises[1].set_value(Value(7));
  EXPECT_EQ(kept.get().to_int(), 7);
  EXPECT_TRUE(lost.error());
}

// The addresses of this machine, by the family: what others can reach it by.
std::vector<std::string> own_addresses(int family) {
  std::vector<std::string> found;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return found;
  for (const ifaddrs* each = all; each; each = each->ifa_next) {
    if (!each->ifa_addr || each->ifa_addr->sa_family != family) continue;
    std::array<char, NI_MAXHOST> text{};
    const socklen_t length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (::getnameinfo(each->ifa_addr, length, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0)
      found.emplace_back(text.data());
  }
  ::freeifaddrs(all);
  return found;
}

TEST(Rendezvous, AWorkerListensWhereTheRegisterReachesIt) {
  for (const std::string& own : own_addresses(AF_INET)) {
    EXPECT_EQ(local_host_towards("tcp://" + own + ":80"), own);
  }
  for (const std::string& own : own_addresses(AF_INET6)) {
    if (own.find('%') != std::string::npos) continue;  // of a link: reached by no route
    EXPECT_EQ(local_host_towards("tcp://[" + own + "]:80"), "[" + own + "]");
  }
}

TEST(Rendezvous, AnAddressThatCannotBeResolvedOrReachedMeansTheLoopback) {
  EXPECT_EQ(local_host_towards("tcp://no.such.host.invalid:80"), "127.0.0.1");
  EXPECT_EQ(local_host_towards("tcp://127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(local_host_towards(""), "127.0.0.1");
  EXPECT_EQ(local_host_towards("tcp://[]:80"), "127.0.0.1");
}

}  // namespace
}  // namespace tine::rpc
