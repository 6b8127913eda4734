// Certificates that are wrong, sides of which one has none, and whoever stands between: each with words on both sides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "src/base/testing/errors.h"
#include "src/rpc/transport/acceptor.h"
#include "src/rpc/transport/pending_handshake.h"
#include "src/rpc/transport/stream/socket_channel.h"
#include "src/rpc/transport/test_peers.h"
#include "src/rpc/transport/tls/tls_channel.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using End = TlsChannel::End;
using Role = Handshake::Role;

std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>> sockets() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
  return {std::make_unique<SocketChannel>(FileDescriptor::made_by([&] { return fds[0]; })),
          std::make_unique<SocketChannel>(FileDescriptor::made_by([&] { return fds[1]; }))};
}

// Two handshakes over what the test puts between them; what came of each.
class TlsHandshake : public testing::Test {
 protected:
  struct Side {
    std::shared_ptr<const TlsContext> keys;  // null: no TLS
    std::string name;
    std::string secret = "the shared secret";
  };
  struct Result {
    std::string client, server;
  };

  ~TlsHandshake() override {
    server_loop.stop();
    client_loop.stop();
  }

  static std::unique_ptr<Channel> encrypted(const Side& side, End end, std::unique_ptr<Channel> plain) {
    if (!side.keys) return plain;
    return std::make_unique<TlsChannel>(side.keys, end, std::move(plain));
  }
  // What becomes of that side: "connected to NAME", or the error.
  std::future<std::string> begin(IoLoop& loop, const Side& side, Role role, std::unique_ptr<Channel> channel,
                                 std::chrono::milliseconds time = 20s) {
    const auto told = std::make_shared<std::promise<std::string>>();
    const Identity identity{side.name, 7, std::make_shared<const Secret>(side.secret)};
    const auto pending = detail::make_ref<PendingHandshake>(
        loop, std::move(channel), handshake_config(identity, role, "tcp://there:1"), ConnectionOptions{},
        [told](PendingHandshake&, const detail::Ref<Connection>& connection,
               const std::exception_ptr& error) {
          told->set_value(error ? describe(error) : "connected to " + connection->peer().name);
          if (connection) connection->close(nullptr);
        });
    loop.post([pending, time] { pending->begin(Clock::now() + time); });
    return told->get_future();
  }
  Result shake(const Side& client, const Side& server) {
    auto [ours, theirs] = sockets();
    auto at_server =
        begin(server_loop, server, Role::kAcceptor, encrypted(server, End::kServer, std::move(theirs)));
    auto at_client =
        begin(client_loop, client, Role::kInitiator, encrypted(client, End::kClient, std::move(ours)));
    return {at_client.get(), at_server.get()};
  }
  static std::shared_ptr<const TlsContext> load(const TlsOptions& options, const std::string& name,
                                                int day = 0) {
    return TlsContext::load(options, name, std::time(nullptr) + day * TestKeys::kDay);
  }
  std::shared_ptr<const TlsContext> good(const std::string& name) {
    return load(keys.make({name}, -35, 35), name);
  }

  TestKeys& keys = TestKeys::shared();
  IoLoop server_loop, client_loop;
};

TEST_F(TlsHandshake, OfTwoWithCertificatesOfOneAuthoritySucceeds) {
  const Result result = shake({good("client"), "client"}, {good("server"), "server"});
  EXPECT_EQ(result.client, "connected to server");
  EXPECT_EQ(result.server, "connected to client");
}

TEST_F(TlsHandshake, TakesACertificateForEveryWorkerAndOneThatNamesItAsAHost) {
  const Result result = shake({load(keys.any(), "client"), "client"}, {good("server"), "server"});
  EXPECT_EQ(result.client, "connected to server");
  CertificateFacts host;
  host.hosts = {"w1.example.org"};
  EXPECT_TRUE(host.is_for("w1.example.org"));
  EXPECT_FALSE(host.is_for("w1"));
}

TEST_F(TlsHandshake, AClientWhoseCertificateHasExpiredIsToldSoByBothSides) {
  const auto expired = load(keys.make({"client"}, -30, -10), "client", -20);  // its own clock is slow
  const Result result = shake({expired, "client"}, {good("server"), "server"});
  EXPECT_THAT(
      result.server,
      AllOf(HasSubstr("AuthError"), HasSubstr("refused: its certificate (for worker client, issued by "),
            HasSubstr("expired on "), HasSubstr("the clock here says"), HasSubstr("tine keys")));
  EXPECT_THAT(result.client,
              AllOf(HasSubstr("AuthError"), HasSubstr("refused our certificate"),
                    HasSubstr(".pem (for worker client"), HasSubstr("expired by the other side's clock")));
}

TEST_F(TlsHandshake, AServerWhoseCertificateHasExpiredIsToldSoByBothSides) {
  const auto expired = load(keys.make({"server"}, -30, -10), "server", -20);
  const Result result = shake({good("client"), "client"}, {expired, "server"});
  EXPECT_THAT(result.client, AllOf(HasSubstr("AuthError"), HasSubstr("its certificate (for worker server"),
                                   HasSubstr("expired on ")));
  EXPECT_THAT(result.server, AllOf(HasSubstr("AuthError"), HasSubstr("refused our certificate"),
                                   HasSubstr("expired by the other")));
}

TEST_F(TlsHandshake, ACertificateThatIsNotValidYetIsToldByBothSides) {
  const auto early = load(keys.make({"client"}, 5, 30), "client", 7);  // its own clock is fast
  const Result result = shake({early, "client"}, {good("server"), "server"});
  EXPECT_THAT(result.server,
              AllOf(HasSubstr("AuthError"), HasSubstr("is not valid before "), HasSubstr("set the clock")));
  EXPECT_THAT(result.client,
              AllOf(HasSubstr("AuthError"), HasSubstr("not valid yet by the other side's clock")));
}

TEST_F(TlsHandshake, ACertificateOfAnotherAuthorityIsToldByBothSides) {
  TestKeys others;
  const auto foreign = load(others.make({"client"}), "client");
  const Result one = shake({foreign, "client"}, {good("server"), "server"});
  // The client finds the server out first: neither knows the other's authority.
  EXPECT_THAT(one.client, AllOf(HasSubstr("AuthError"), HasSubstr("does not come from an authority in "),
                                HasSubstr(others.path("ca.pem")), HasSubstr("TINE_TLS_CA")));
  EXPECT_THAT(one.server, AllOf(HasSubstr("AuthError"),
                                HasSubstr("does not come from an authority in the other side's ca")));
  TlsOptions mixed = others.make({"client"});
  mixed.ca = keys.path("ca.pem");  // knows the server's, and has a certificate of its own
  const Result other = shake({load(mixed, "client"), "client"}, {good("server"), "server"});
  EXPECT_THAT(other.server,
              AllOf(HasSubstr("does not come from an authority in "), HasSubstr(keys.path("ca.pem"))));
  EXPECT_THAT(other.client, HasSubstr("in the other side's ca"));
}

TEST_F(TlsHandshake, ACertificateForAnotherWorkerIsToldByBothSides) {
  // It is the other worker's own; this one took it.
  const Result client = shake({good("somebody"), "client"}, {good("server"), "server"});
  EXPECT_THAT(client.server,
              AllOf(HasSubstr("AuthError"), HasSubstr("'client'"), HasSubstr("(for worker somebody"),
                    HasSubstr("is not for worker 'client'")));
  EXPECT_THAT(client.client,
              AllOf(HasSubstr("AuthError"), HasSubstr("our certificate is not for worker 'client'")));
  const Result server = shake({good("client"), "client"}, {good("somebody"), "server"});
  EXPECT_THAT(server.client,
              AllOf(HasSubstr("(for worker somebody"), HasSubstr("is not for worker 'server'")));
  EXPECT_THAT(server.server, HasSubstr("our certificate is not for worker 'server'"));
}

TEST_F(TlsHandshake, AClientInPlainTextIsToldWhatTheServerNeeds) {
  const Result result = shake({nullptr, "client"}, {good("server"), "server"});
  EXPECT_THAT(result.client, AllOf(HasSubstr("AuthError"), HasSubstr("it takes encrypted connections alone"),
                                   HasSubstr("TINE_TLS_CERT")));
  EXPECT_THAT(result.server,
              AllOf(HasSubstr("AuthError"), HasSubstr("speaks to us in plain text, and we speak TLS"),
                    HasSubstr("TINE_TLS_CERT")));
}

TEST_F(TlsHandshake, AServerInPlainTextIsFoundOutAtOnce) {
  const Result result = shake({good("client"), "client"}, {nullptr, "server"});
  EXPECT_THAT(result.client,
              AllOf(HasSubstr("AuthError"), HasSubstr("speaks to us in plain text, and we speak TLS")));
  EXPECT_THAT(result.server,
              AllOf(HasSubstr("AuthError"), HasSubstr("it speaks TLS, and this worker has no certificate")));
}

TEST_F(TlsHandshake, DoesNotStandInForTheSecret) {
  const Result result = shake({good("client"), "client", "another secret"}, {good("server"), "server"});
  EXPECT_THAT(result.client, AllOf(HasSubstr("AuthError"), HasSubstr("wrong secret")));
  EXPECT_THAT(result.server, AllOf(HasSubstr("AuthError"), HasSubstr("wrong secret")));
}

TEST_F(TlsHandshake, IsWhatAnAddressBeyondLoopbackTakes) {
  const Identity identity{"w", 7, std::make_shared<const Secret>("the shared secret")};
  ListenOptions listen;
  listen.on_connection = [](const auto&) {};
  const auto plain = tcp_transport()->make(server_loop, identity);
  EXPECT_THAT(refusal([&] { return plain->listen("tcp://0.0.0.0:0", listen); }),
              AllOf(HasSubstr("AuthError"), HasSubstr("tcp://0.0.0.0:0 is not a loopback address"),
                    HasSubstr("tine keys"), HasSubstr("TINE_PLAINTEXT=1")));
  const auto tls = tcp_transport({.tls = keys.any()})->make(server_loop, identity);
  EXPECT_THAT(tls->listen("tcp://0.0.0.0:0", listen)->address(), HasSubstr("tcp://0.0.0.0:"));
}

// The server closes at once: its words must arrive all the same, also where the client has said more meanwhile.
TEST_F(TlsHandshake, ThatTheServerRefusesReachesTheClientInWordsOverTcpEveryTime) {
  TestKeys others;
  TlsOptions mixed = others.make({"client"});
  mixed.ca = keys.path("ca.pem");
  const auto secret = std::make_shared<const Secret>("the shared secret");
  const auto server = tcp_transport({.tls = keys.any()})->make(server_loop, {"server", 7, secret});
  const auto client = tcp_transport({.tls = mixed})->make(client_loop, {"client", 8, secret});
  std::mutex mutex;
  std::vector<std::string> refused;
  ListenOptions listen;
  listen.on_connection = [](const auto&) { ADD_FAILURE() << "it was taken"; };
  listen.on_refused = [&](const std::exception_ptr& error, const std::string&) {
    const std::lock_guard lock(mutex);
    refused.push_back(describe(error));
  };
  const auto listener = server->listen("tcp://127.0.0.1:0", listen);
  for (int i = 0; i < 50; ++i) {
    const auto connection = client->connect(listener->address(), {});
    ASSERT_TRUE(connection.wait_for(20s));
    ASSERT_THAT(describe(connection.error()),
                AllOf(HasSubstr("AuthError"), HasSubstr("in the other side's ca")))
        << i;
  }
  server_loop.stop();
  ASSERT_EQ(refused.size(), 50U);
  EXPECT_THAT(refused.front(), HasSubstr("does not come from an authority in"));
}

// Moves what comes out of one channel into the other, until one of them ends.
void relay(Channel& from, Channel& to) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const iovec in{buffer.data(), buffer.size()};
    const Channel::Outcome read = from.try_read({&in, 1});
    if (read.what == Channel::What::kEnded) return to.end_output();
    for (size_t at = 0; read.what == Channel::What::kMoved && at < read.bytes;) {
      const iovec out{buffer.data() + at, read.bytes - at};
      const Channel::Outcome written = to.try_write({&out, 1});
      if (written.what == Channel::What::kEnded) return;
      at += written.bytes;
    }
    std::this_thread::yield();
  }
}

TEST_F(TlsHandshake, ThatSomebodyEndsInBetweenIsRefusedThoughAllCertificatesAreGood) {
  auto [client_end, middle_in] = sockets();
  auto [middle_out, server_end] = sockets();
  // It holds a certificate that both take for any worker's; all that it lacks is the secret.
  const auto any = load(keys.any(), "middle");
  TlsChannel to_client(any, End::kServer, std::move(middle_in)),
      to_server(any, End::kClient, std::move(middle_out));
  const Side client{good("client"), "client"}, server{good("server"), "server"};
  auto at_server =
      begin(server_loop, server, Role::kAcceptor, encrypted(server, End::kServer, std::move(server_end)));
  auto at_client =
      begin(client_loop, client, Role::kInitiator, encrypted(client, End::kClient, std::move(client_end)));
  std::thread forth([&] { relay(to_client, to_server); }), back([&] { relay(to_server, to_client); });
  EXPECT_THAT(at_server.get(), AllOf(HasSubstr("AuthError"), HasSubstr("wrong secret"),
                                     HasSubstr("somebody between the two")));
  EXPECT_THAT(at_client.get(), AllOf(HasSubstr("AuthError"), HasSubstr("wrong secret"),
                                     HasSubstr("somebody between the two")));
  forth.join();
  back.join();
}

TEST_F(TlsHandshake, StrangersWhoSpeakSomethingElseAreRefusedAndTheServerGoesOn) {
  std::mt19937_64 random(3);
  const Side server{good("server"), "server"};
  for (int i = 0; i < 200; ++i) {
    auto [ours, theirs] = sockets();
    auto at_server =
        begin(server_loop, server, Role::kAcceptor, encrypted(server, End::kServer, std::move(theirs)));
    std::string rubbish(1 + random() % 600, '\0');
    for (char& c : rubbish) c = static_cast<char>(random());
    if (i == 0) rubbish = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    if (i % 3 == 1)
      rubbish.replace(0, 5, std::string("\x16\x03\x01\x02\x00", 5));  // as if it were a ClientHello
    if (i % 3 == 2) rubbish.replace(0, 4, "TINE");
    const iovec piece{rubbish.data(), rubbish.size()};
    EXPECT_EQ(ours->try_write({&piece, 1}).bytes, rubbish.size());
    ours->end_output();
    EXPECT_THAT(at_server.get(), Not(HasSubstr("connected"))) << i;
  }
  EXPECT_EQ(shake({good("client"), "client"}, server).client, "connected to server");
}

TEST_F(TlsHandshake, ThatStopsInItsMiddleEndsAtTheDeadline) {
  for (const size_t bytes : {0U, 1U, 5U, 200U}) {
    auto [ours, theirs] = sockets();
    auto [recorded, unused] = sockets();
    const Side server{good("server"), "server"};
    auto at_server =
        begin(server_loop, server, Role::kAcceptor, encrypted(server, End::kServer, std::move(theirs)), 50ms);
    // The beginning of a ClientHello, as a client would send it.
    TlsChannel client(good("client"), End::kClient, std::move(recorded));
    std::array<std::byte, 4096> hello;
    const iovec piece{hello.data(), hello.size()};
    EXPECT_EQ(client.try_read({&piece, 1}).what, Channel::What::kNothingNow);
    const iovec into{hello.data(), hello.size()};
    ASSERT_GT(unused->try_read({&into, 1}).bytes, 200U);
    const iovec part{hello.data(), bytes};
    if (bytes != 0) {
      EXPECT_EQ(ours->try_write({&part, 1}).bytes, bytes);
    }
    EXPECT_THAT(at_server.get(),
                AllOf(HasSubstr("refused tcp://there:1"), HasSubstr("did not finish in time")));
  }
}

}  // namespace
}  // namespace tine::rpc
