// Addresses at the edge of what the system takes.
#include "src/rpc/transport/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/un.h>

#include <string>

#include "tine/error.h"

namespace tine::rpc {
namespace {

using testing::HasSubstr;

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.message();
  }
  return "no error";
}
std::string unix_error(const std::string& address) {
  return error_of([&] { static_cast<void>(parse_unix(address)); });
}
std::string tcp_error(const std::string& address, bool listening = false) {
  return error_of([&] { static_cast<void>(parse_tcp(address, listening)); });
}

TEST(UnixAddress, HasAPathOfAtMost107Bytes) {
  ASSERT_EQ(sizeof(sockaddr_un::sun_path), 108U);
  const std::string longest = "/" + std::string(106, 'a');
  const SocketAddress address = parse_unix("unix:" + longest);
  const auto& un = reinterpret_cast<const sockaddr_un&>(address.storage);
  EXPECT_STREQ(un.sun_path, longest.c_str());
  EXPECT_EQ(address.length, offsetof(sockaddr_un, sun_path) + 108);
  EXPECT_EQ(unix_error("unix:" + longest + "a"),
            "the socket path '" + longest +
                "a' has 108 bytes, at most 107 are possible: use a shorter folder or unix:@name");
}

TEST(UnixAddress, ThatIsAbstractHasNoZeroAtItsEnd) {
  const SocketAddress address = parse_unix("unix:@name");
  const auto& un = reinterpret_cast<const sockaddr_un&>(address.storage);
  EXPECT_EQ(un.sun_path[0], '\0');
  EXPECT_EQ(address.length, offsetof(sockaddr_un, sun_path) + 5);
  EXPECT_EQ(address.text(), "unix:@name");
}

TEST(UnixAddress, ThatIsMalformedIsNamed) {
  for (const char* bad : {"", "unix:", "unix", "tcp://a:1", "/tmp/x"})
    EXPECT_THAT(unix_error(bad), HasSubstr("'" + std::string(bad) + "'")) << bad;
  EXPECT_NE(unix_error(std::string("unix:/a\0b", 9)), "no error");
  EXPECT_EQ(parse_unix("unix:///tmp/x").text(), "unix:/tmp/x");
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

}  // namespace
}  // namespace tine::rpc
