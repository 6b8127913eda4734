// What is particular to an encrypted channel; the rules of all channels are tested in channel_test.cpp.
#include "src/rpc/transport/tls/tls_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "src/rpc/transport/stream/socket_channel.h"
#include "src/rpc/transport/tls/test_keys.h"

namespace tine::rpc {
namespace {

using testing::HasSubstr;
using End = TlsChannel::End;
using What = Channel::What;

// Two ends, and two descriptors between them: what one wrote arrives when the test carries it over.
class TlsChannelTest : public testing::Test {
 protected:
  TlsChannelTest() { connect(); }
  ~TlsChannelTest() override { hang_up(); }

  void connect() {
    std::array<int, 2> a{}, b{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, a.data()), 0);
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, b.data()), 0);
    const auto keys = TlsContext::load(TestKeys::shared().any(), "w");
    const auto make = [&](int fd, End end) {
      return std::make_unique<TlsChannel>(
          keys, end, std::make_unique<SocketChannel>(FileDescriptor::made_by([&] { return fd; })), 3);
    };
    client = make(a[0], End::kClient);
    server = make(b[0], End::kServer);
    at_client = a[1];
    at_server = b[1];
    for (int i = 0; i < 4; ++i) EXPECT_EQ(read(*client) + read(*server), "");
  }
  void hang_up() {
    ::close(at_client);
    ::close(at_server);
  }

  static Channel::Outcome write(Channel& to, std::string_view text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    return to.try_write({&piece, 1});
  }
  std::string read(Channel& from, Channel::Outcome* last = nullptr) {
    carry(at_client, at_server);
    carry(at_server, at_client);
    std::string all;
    for (;;) {
      std::array<char, 1000> buffer;
      const iovec piece{buffer.data(), buffer.size()};
      const Channel::Outcome in = from.try_read({&piece, 1});
      if (last) *last = in;
      if (in.what != What::kMoved) return all;
      all.append(buffer.data(), in.bytes);
    }
  }
  void carry(int from, int to) {
    std::array<char, 65536> buffer;
    for (ssize_t n; (n = ::read(from, buffer.data(), buffer.size())) > 0;) {
      if (flip != 0) buffer[static_cast<size_t>(n) - 1] ^= static_cast<char>(std::exchange(flip, 0));
      carried.append(buffer.data(), static_cast<size_t>(n));
      EXPECT_EQ(::write(to, buffer.data(), static_cast<size_t>(n)), n);
    }
  }

  std::unique_ptr<TlsChannel> client, server;
  int at_client = -1, at_server = -1;
  int flip = 0;
  std::string carried;
};

TEST_F(TlsChannelTest, BothEndsHaveOneBindingAndEveryConnectionItsOwn) {
  EXPECT_EQ(client->binding(), server->binding());
  EXPECT_NE(client->binding(), Encryption::Binding{});
  const Encryption::Binding first = client->binding();
  hang_up();
  connect();
  EXPECT_EQ(client->binding(), server->binding());
  EXPECT_NE(client->binding(), first);
}

TEST_F(TlsChannelTest, NothingOfTheTextIsToBeSeen) {
  carried.clear();
  EXPECT_EQ(write(*client, "a text that nobody is to read").bytes, 29U);
  EXPECT_EQ(read(*server), "a text that nobody is to read");
  EXPECT_THAT(carried, testing::Not(HasSubstr("nobody")));
}

TEST_F(TlsChannelTest, AByteThatIsChangedOnTheWayEndsItWithWords) {
  EXPECT_EQ(write(*client, "text").what, What::kMoved);
  flip = 1;
  Channel::Outcome last;
  EXPECT_EQ(read(*server, &last), "");
  EXPECT_EQ(last.what, What::kEnded);
  EXPECT_EQ(last.error, EPROTO);
  EXPECT_THAT(server->why_ended(), HasSubstr("what came is not what it encrypted"));
}

TEST_F(TlsChannelTest, KeysChangeAfterSoManyRecordsAndTheTextDoesNot) {
  for (int i = 0; i < 50; ++i) {  // three records a key
    const std::string text = "message " + std::to_string(i);
    EXPECT_EQ(write(*client, text).bytes, text.size());
    EXPECT_EQ(write(*server, text).bytes, text.size());
    EXPECT_EQ(read(*server), text);
    EXPECT_EQ(read(*client), text);
  }
}

TEST_F(TlsChannelTest, WhatItDecryptedAndNobodyReadIsToldByArm) {
  EXPECT_EQ(write(*client, "one two").bytes, 7U);
  EXPECT_EQ(read(*client), "");
  std::array<char, 3> three;
  const iovec piece{three.data(), three.size()};
  EXPECT_EQ(server->try_read({&piece, 1}).bytes, 3U);
  EXPECT_TRUE(server->has_unread());
  EXPECT_TRUE(server->arm());
  EXPECT_EQ(read(*server), " two");
  EXPECT_FALSE(server->arm());
}

}  // namespace
}  // namespace tine::rpc
