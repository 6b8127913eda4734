// Addresses at the edge of what the system takes.
#include "src/rpc/transport/tcp/tcp_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "src/base/testing/errors.h"

namespace tine::rpc {
namespace {

using testing::HasSubstr;

std::string tcp_error(const std::string& address, bool listening = false) {
  return error_of([&] { static_cast<void>(parse_tcp(address, listening)); });
}

TEST(TcpAddress, HasAPortFrom1To65535) {
  EXPECT_EQ(parse_tcp("tcp://host:65535", false).port, "65535");
  EXPECT_EQ(parse_tcp("tcp://host:1", false).port, "1");
  EXPECT_EQ(parse_tcp("tcp://host:0", true).port, "0");
  EXPECT_THAT(tcp_error("tcp://host:0"), HasSubstr("port 0 can only be listened on"));
  for (const char* port : {"65536", "-1", "", "80a", " 80", "99999999999"})
    EXPECT_THAT(tcp_error("tcp://host:" + std::string(port), true),
                HasSubstr("its port '" + std::string(port) + "'"))
        << port;
}

TEST(TcpAddress, HasAnIpv6HostInBrackets) {
  EXPECT_EQ(parse_tcp("tcp://[::1]:80", false).host, "::1");
  EXPECT_THAT(tcp_error("tcp://::1:80"), HasSubstr("brackets"));
  EXPECT_THAT(tcp_error("tcp://[]:80"), HasSubstr("the host is missing"));
  EXPECT_THAT(tcp_error("tcp://:80"), HasSubstr("the host is missing"));
  EXPECT_THAT(tcp_error("tcp://host"), HasSubstr("the port is missing"));
  EXPECT_THAT(tcp_error("host:80"), HasSubstr("does not start with tcp://"));
}

TEST(TcpAddress, TheHostThatAWorkerListensAtIsTheOneFromWhichItReachesTheOther) {
  EXPECT_EQ(local_host_towards("tcp://[::1]:29500"), "[::1]");
  EXPECT_EQ(local_host_towards("tcp://127.0.0.1:29500"), "127.0.0.1");
  // What cannot be reached at all is told by the one who tries: here it is this machine.
  for (const char* other : {"unix:@name", "inproc:name", "tcp://[::1]", "tcp://", "tcp://[]:1"})
    EXPECT_EQ(local_host_towards(other), "127.0.0.1") << other;
}

}  // namespace
}  // namespace tine::rpc
