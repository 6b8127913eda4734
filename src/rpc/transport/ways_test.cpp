#include "src/rpc/transport/ways.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/testing/errors.h"
#include "src/rpc/transport/in_process/in_process_transport.h"
#include "src/rpc/transport/named_transports.h"
#include "src/rpc/transport/unix/unix_transport.h"

namespace tine::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WaysTest : public ::testing::Test {
 protected:
  std::unique_ptr<Ways> make(const TransportList& list) {
    const Identity identity{"w1", ++incarnation, std::make_shared<const Secret>("the shared secret")};
    return std::make_unique<Ways>(list, loop, identity);
  }
  static ListenOptions listening() {
    ListenOptions options;
    options.on_connection = [](auto) {};
    return options;
  }
  static std::vector<std::string> texts(const std::vector<Ways::Way>& ways) {
    std::vector<std::string> all;
    for (const auto& way : ways) all.push_back(std::string(way.transport->scheme()) + " " + way.address);
    return all;
  }

  IoLoop loop;
  uint64_t incarnation = 100;
  const std::shared_ptr<const TransportFactory> inproc = in_process_transport();
};

TEST_F(WaysTest, AWorkerPublishesAnAddressOfEachTransport) {
  const auto ways = make({inproc, unix_transport(), tcp_transport()});
  const auto addresses = ways->listen("tcp://127.0.0.1:1", listening());
  ASSERT_EQ(addresses.size(), 3u);
  EXPECT_THAT(addresses[0].text, HasSubstr("inproc:tine-"));
  EXPECT_THAT(addresses[1].text, HasSubstr("unix:@tine-"));
  EXPECT_THAT(addresses[2].text, HasSubstr("tcp://127.0.0.1:"));
  for (const Address& a : addresses) EXPECT_FALSE(a.reach.empty()) << "each stays within this machine";
  EXPECT_EQ(what_is_wrong_with(addresses), "");
}

TEST_F(WaysTest, TheOrderIsThatOfTheReadersListAndNotOfTheAddresses) {
  const auto there = make({tcp_transport(), unix_transport(), inproc});
  const auto addresses = there->listen({}, listening());
  EXPECT_THAT(texts(make({inproc, unix_transport(), tcp_transport()})->to(addresses)),
              ElementsAre(HasSubstr("inproc "), HasSubstr("unix "), HasSubstr("tcp ")));
  EXPECT_THAT(texts(make({tcp_transport(), unix_transport()})->to(addresses)),
              ElementsAre(HasSubstr("tcp "), HasSubstr("unix ")));
}

TEST_F(WaysTest, WhatCannotBeReachedFromHereIsNoWay) {
  const auto ways = make({inproc, unix_transport(), tcp_transport()});
  EXPECT_THAT(texts(ways->to({{"unix:@x", "another machine"},
                              {"inproc:x", "another process"},
                              {"tcp://127.0.0.1:1", "another machine"},
                              {"tcp://192.0.2.1:1", ""},
                              {"ucx:x", ""}})),
              ElementsAre("tcp tcp://192.0.2.1:1"));
  const auto others = make({in_process_transport()});
  EXPECT_TRUE(others->to(make({inproc})->listen({}, listening())).empty()) << "of another factory";
}

TEST_F(WaysTest, AnAddressOfATransportThatIsNotInTheListIsRefusedByName) {
  const auto ways = make({unix_transport(), tcp_transport()});
  EXPECT_EQ(ways->for_address("tcp://h:1").scheme(), "tcp");
  for (const std::string bad : {"ucx://h:1", "", "h:1"}) {
    EXPECT_THAT(error_of([&] { (void)ways->for_address(bad); }),
                AllOf(HasSubstr("'" + bad + "'"), HasSubstr("begins with unix:, tcp:")));
  }
  EXPECT_THAT(error_of([&] { (void)make({}); }), HasSubstr("worker 'w1' was given no transport"));
}

TEST_F(WaysTest, ListsThatAnotherWorkerMayNotPublishAreNamed) {
  EXPECT_THAT(what_is_wrong_with({}), HasSubstr("0 addresses, expected 1 to 16"));
  EXPECT_THAT(what_is_wrong_with(std::vector<Address>(17, {"tcp://h:1", ""})), HasSubstr("17 addresses"));
  EXPECT_EQ(what_is_wrong_with(std::vector<Address>(16, {"tcp://h:1", std::string(1024, 'r')})), "");
  for (const Address& bad :
       {Address{"", "r"}, Address{std::string(1025, 'a'), ""}, Address{"a", std::string(1025, 'r')}})
    EXPECT_THAT(what_is_wrong_with({bad}), HasSubstr("expected 1 to 1024"));
}

TEST(NamedTransports, AreThoseThatUsersKnowInTheOrderGiven) {
  EXPECT_EQ(transports_named(default_transports(), {}).size(), 3u);
  const auto refused = [](std::vector<std::string> names) {
    return error_of([&] { (void)transports_named(names, {}); });
  };
  EXPECT_THAT(refused({"rdma"}), HasSubstr("no transport 'rdma': expected 'shm', 'unix' or 'tcp'"));
  EXPECT_THAT(refused({"tcp", "unix", "tcp"}), HasSubstr("'tcp' is named twice"));
  EXPECT_THAT(refused({}), HasSubstr("no transport is named"));
}

}  // namespace
}  // namespace tine::rpc
