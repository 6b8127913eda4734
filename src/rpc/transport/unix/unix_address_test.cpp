// Addresses at the edge of what the system takes.
#include "src/rpc/transport/unix/unix_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/un.h>

#include <string>

#include "src/base/testing/errors.h"

namespace tine::rpc {
namespace {

using testing::HasSubstr;

std::string unix_error(const std::string& address) {
  return error_of([&] { static_cast<void>(parse_unix(address)); });
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

}  // namespace
}  // namespace tine::rpc
