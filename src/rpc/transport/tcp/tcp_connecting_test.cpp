// A connection that the system is still making: the other side's queue is full, and answers nothing.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <vector>

#include "src/rpc/transport/tcp/tcp_transport.h"
#include "src/rpc/transport/test_peers.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

class TcpConnecting : public testing::Test {
 protected:
  TcpConnecting() {
    sockets.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof at;
    EXPECT_EQ(::bind(sockets[0], reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(sockets[0], 0), 0);
    EXPECT_EQ(::getsockname(sockets[0], reinterpret_cast<sockaddr*>(&at), &length), 0);
    address = "tcp://127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    // Until one is not taken at once.
    for (int i = 0; i < 8; ++i) {
      sockets.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      static_cast<void>(::connect(sockets.back(), reinterpret_cast<sockaddr*>(&at), sizeof at));
      pollfd made{sockets.back(), POLLOUT, 0};
      full = ::poll(&made, 1, 2) == 0;
      if (full) break;
    }
  }
  ~TcpConnecting() override {
    for (const int fd : sockets) ::close(fd);
  }
  std::vector<int> sockets;
  std::string address;
  bool full = false;
};

TEST_F(TcpConnecting, TheEndOfTheLoopIsItsEnd) {
  if (!full) GTEST_SKIP() << "this system takes connections that nobody accepts";
  IoLoop loop;
  const auto transport =
      tcp_transport()->make(loop, {"w", 1, std::make_shared<const Secret>("the shared secret")});
  const Future<detail::Ref<Connection>> connection = transport->connect(address, {});
  std::promise<void> begun;
  loop.post([&] { begun.set_value(); });
  begun.get_future().get();
  EXPECT_FALSE(connection.ready());
  loop.stop();
  ASSERT_TRUE(connection.wait_for(20s));
  EXPECT_THAT(describe(connection.error()),
              AllOf(HasSubstr("Cancelled"), HasSubstr(address), HasSubstr("shutting down")));
}

}  // namespace
}  // namespace tine::rpc
