// Peers that do not keep the rules or die, and strangers that are not peers at all.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <random>

#include "src/rpc/auth/handshake.h"
#include "src/rpc/transport/test_peers.h"
#include "src/rpc/transport/unix/unix_address.h"

namespace tine::rpc {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

// A socket of our own that may say anything.
class Stranger {
 public:
  explicit Stranger(const std::string& address) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const SocketAddress to = parse_unix(address);
    EXPECT_EQ(::connect(fd_, to.get(), to.length), 0);
  }
  ~Stranger() { ::close(fd_); }
  void say(std::span<const std::byte> bytes) {
    static_cast<void>(!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  void say(const std::string& text) { say(std::as_bytes(std::span(text))); }
  // All that comes until the end; false when it did not end.
  bool hear(std::string* all = nullptr) {
    for (;;) {
      pollfd p{fd_, POLLIN, 0};
      if (::poll(&p, 1, 20'000) <= 0) return false;
      char buffer[4096];
      const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n <= 0) return true;
      if (all) all->append(buffer, static_cast<size_t>(n));
    }
  }
  // Goes through the handshake as it should.
  void prove() {
    Handshake::Config config;
    config.name = "stranger";
    config.incarnation = 99;
    config.low_version = config.high_version = kWireVersion;
    config.secret = std::make_shared<const Secret>("the shared secret");
    Handshake h(config);
    while (h.state() == Handshake::State::kGoing) {
      say(h.output());
      h.written(h.output().size());
      auto in = h.input();
      const ssize_t n = ::recv(fd_, in.data(), in.size(), MSG_WAITALL);
      ASSERT_GT(n, 0);
      h.received(static_cast<size_t>(n));
    }
    ASSERT_EQ(h.state(), Handshake::State::kDone);
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

class Hostile : public Conformance {
 protected:
  std::vector<std::string> refusals() {
    std::lock_guard lock(mutex);
    return refused;
  }
  void accept_stranger(Stranger& s) {
    s.prove();
    server = accepted_future.get();
    server->start(at_server);
  }
  static std::vector<std::byte> frame(FrameHeader h, const std::string& rest = {}) {
    std::vector<std::byte> bytes(kHeaderBytes + rest.size());
    encode_header(h, std::span<std::byte, kHeaderBytes>(bytes.data(), kHeaderBytes));
    std::memcpy(bytes.data() + kHeaderBytes, rest.data(), rest.size());
    return bytes;
  }
};
INSTANTIATE_TEST_SUITE_P(Over, Hostile, testing::Values("unix"));

TEST_P(Hostile, AStrangerWhoSpeaksHttpIsRefusedAndClosed) {
  start_listening();
  Stranger s(address);
  s.say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::string heard;
  EXPECT_TRUE(s.hear(&heard));
  EXPECT_TRUE(eventually([&] { return refusals().size() == 1; }));
  EXPECT_THAT(refusals()[0], AllOf(HasSubstr(address), HasSubstr("wrong magic")));
}

TEST_P(Hostile, RandomBytesInTheHandshakeNeverMakeAConnectionNorACrash) {
  start_listening();
  std::mt19937_64 random(10);
  for (int i = 0; i < 300; ++i) {
    Stranger s(address);
    std::vector<std::byte> bytes(1 + random() % 400);
    for (auto& b : bytes) b = static_cast<std::byte>(random());
    if (i % 2) std::memcpy(bytes.data(), "TINE-RPC\1", std::min<size_t>(9, bytes.size()));
    s.say(bytes);
    ::shutdown(s.fd(), SHUT_WR);
    EXPECT_TRUE(s.hear());
  }
  EXPECT_FALSE(accepted_future.ready());
  // And those who know the secret still get in.
  EXPECT_EQ(begin_connect().get()->peer().name, "server");
}

TEST_P(Hostile, ASilentStrangerIsRefusedWhenItsTimeIsOver) {
  handshake_timeout = 50ms;
  start_listening();
  Stranger s(address);
  std::string heard;
  EXPECT_TRUE(s.hear(&heard));
  ASSERT_EQ(heard.size(), kProofBytes);
  EXPECT_EQ(heard[9], static_cast<char>(RefusalCode::kTooSlow));
}

TEST_P(Hostile, AStrangerThatDripsBytesGainsNoTimeByIt) {
  handshake_timeout = 100ms;
  start_listening();
  Stranger s(address);
  const TimePoint start = Clock::now();
  const std::string hello = "TINE-RPC";
  std::thread drip([&] {
    for (int i = 0; i < 100 && Clock::now() - start < 10s; ++i) {
      s.say(hello.substr(static_cast<size_t>(i) % hello.size(), 1));
      std::this_thread::sleep_for(5ms);
    }
  });
  EXPECT_TRUE(s.hear());
  EXPECT_LT(Clock::now() - start, 8s);
  drip.join();
}

TEST_P(Hostile, CrowdsOfSilentStrangersDoNotKeepOthersOut) {
  max_pending = 4;
  handshake_timeout = 60'000ms;
  start_listening();
  std::vector<std::unique_ptr<Stranger>> crowd;
  for (int i = 0; i < 50; ++i) crowd.push_back(std::make_unique<Stranger>(address));
  EXPECT_EQ(begin_connect().get()->peer().name, "server");
  EXPECT_TRUE(eventually([&] { return refusals().size() >= 46; }));
  EXPECT_THAT(refusals()[0], HasSubstr("this was the oldest"));
}

TEST_P(Hostile, AListenerThatClosesTellsThoseInTheMiddleOfTheHandshake) {
  start_listening();
  Stranger s(address);
  s.say("TINE-RPC");
  listener->close();
  EXPECT_TRUE(s.hear());
}

TEST_P(Hostile, AMalformedFrameClosesTheConnectionWithItsReasonOnBothSides) {
  start_listening();
  Stranger s(address);
  accept_stranger(s);
  FrameHeader h;
  h.call_id = 1;
  h.flags = 8;
  s.say(frame(h));
  std::string heard;
  EXPECT_TRUE(s.hear(&heard));
  EXPECT_THAT(heard, HasSubstr("flags are 0x0008"));  // the goodbye
  at_server->wait_closed();
  EXPECT_EQ(at_server->why, CloseInfo::Why::kMalformed);
  EXPECT_THAT(at_server->error,
              AllOf(HasSubstr("stranger"), HasSubstr(address), HasSubstr("flags are 0x0008")));
}

TEST_P(Hostile, RandomFramesCloseTheConnectionWithAReason) {
  std::mt19937_64 random(11);
  start_listening();
  Promise<detail::Ref<Connection>>* next = &accepted;
  for (int round = 0; round < 200; ++round) {
    accepted = Promise<detail::Ref<Connection>>();
    accepted_future = next->future();
    auto recorder = detail::make_ref<Recorder>();
    recorder->keep = false;
    at_server = recorder;
    Stranger s(address);
    accept_stranger(s);
    std::vector<std::byte> bytes;
    for (int k = 0; k < 3; ++k) {
      FrameHeader h;
      h.call_id = 1;
      h.body_bytes = 10;
      h.payload_bytes = 10;
      const auto f = frame(h, std::string(10, 'x'));
      bytes.insert(bytes.end(), f.begin(), f.end());
    }
    for (int k = 0; k < 2; ++k) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    s.say(bytes);
    ::shutdown(s.fd(), SHUT_WR);
    EXPECT_TRUE(s.hear());
    recorder->wait_closed();
    EXPECT_FALSE(recorder->error.empty());
    EXPECT_EQ(recorder->closes, 1);
  }
}

TEST_P(Hostile, AnEndInTheMiddleOfAFrameIsNamedAsSuch) {
  start_listening();
  {
    Stranger s(address);
    accept_stranger(s);
    FrameHeader h;
    h.call_id = 1;
    h.body_bytes = 100;
    h.payload_bytes = 100;
    s.say(frame(h, "only this"));
  }
  at_server->wait_closed();
  EXPECT_EQ(at_server->why, CloseInfo::Why::kPeerDied);
  EXPECT_THAT(at_server->error, HasSubstr("died in the middle of a frame"));
}

// The bytes of a chunk.
std::vector<std::byte> chunk(std::span<const std::byte> part, int flags) {
  FrameHeader h;
  h.kind = FrameKind::kChunk;
  h.flags = static_cast<uint16_t>(flags);
  h.body_bytes = static_cast<uint32_t>(part.size());
  h.payload_bytes = part.size();
  std::vector<std::byte> bytes(kHeaderBytes);
  encode_header(h, std::span<std::byte, kHeaderBytes>(bytes.data(), kHeaderBytes));
  bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}
// The first bytes of a request with a segment of that size.
std::vector<std::byte> beginning_of_large(uint64_t segment_bytes) {
  FrameHeader h;
  h.call_id = 1;
  h.segments = 1;
  h.payload_bytes = payload_bytes_for(0, std::array<uint64_t, 1>{segment_bytes});
  std::vector<std::byte> bytes(kHeaderBytes + 8 + 16);
  encode_header(h, std::span<std::byte, kHeaderBytes>(bytes.data(), kHeaderBytes));
  put_le<uint64_t>(bytes.data() + kHeaderBytes, segment_bytes);
  return bytes;
}

TEST_P(Hostile, ChunksOutOfPlaceCloseTheConnectionWithTheirReasonOnBothSides) {
  start_listening();
  const auto large = beginning_of_large(1 << 20);
  const auto one = chunk(large, kFirstChunk);
  auto twice = one;
  twice.insert(twice.end(), one.begin(), one.end());
  FrameHeader plain;
  plain.call_id = 1;
  plain.body_bytes = kChunkBytes;
  plain.payload_bytes = kChunkBytes;
  const std::vector<std::pair<std::vector<std::byte>, const char*>> cases = {
      {chunk(large, 0), "no large frame is under way"},
      {chunk(large, kFirstChunk | kLastChunk), "not complete"},
      {twice, "another large frame is under way"},
      {chunk({}, 0), "has 0 bytes"},
      {frame(plain), "travels as it is"},
  };
  for (const auto& [bytes, reason] : cases) {
    accepted = Promise<detail::Ref<Connection>>();
    accepted_future = accepted.future();
    at_server = detail::make_ref<Recorder>();
    Stranger s(address);
    accept_stranger(s);
    s.say(bytes);
    std::string heard;
    EXPECT_TRUE(s.hear(&heard));
    EXPECT_THAT(heard, HasSubstr(reason));  // the goodbye
    at_server->wait_closed();
    EXPECT_EQ(at_server->why, CloseInfo::Why::kMalformed);
    EXPECT_THAT(at_server->error, HasSubstr(reason));
  }
}

TEST_P(Hostile, AnEndBetweenTwoChunksIsInTheMiddleOfAFrame) {
  start_listening();
  {
    Stranger s(address);
    accept_stranger(s);
    s.say(chunk(beginning_of_large(1 << 20), kFirstChunk));
  }
  at_server->wait_closed();
  EXPECT_EQ(at_server->why, CloseInfo::Why::kPeerDied);
  EXPECT_THAT(at_server->error, HasSubstr("died in the middle of a frame"));
}

TEST_P(Hostile, AGoodbyeInTheMiddleOfALargeFrameIsAGoodbye) {
  start_listening();
  {
    Stranger s(address);
    accept_stranger(s);
    s.say(chunk(beginning_of_large(1 << 20), kFirstChunk));
    FrameHeader h;
    h.kind = FrameKind::kGoodbye;
    h.body_bytes = 3;
    h.payload_bytes = 3;
    s.say(frame(h, std::string("\x92\x01\xa0")));
  }
  at_server->wait_closed();
  EXPECT_EQ(at_server->why, CloseInfo::Why::kGoodbye);
  EXPECT_EQ(at_server->reason, GoodbyeReason::kShutdown);
}

TEST_P(Hostile, WhatComesBehindAGoodbyeIsNotServed) {
  start_listening();
  Stranger s(address);
  accept_stranger(s);
  FrameHeader h;
  h.kind = FrameKind::kGoodbye;
  h.body_bytes = 3;
  h.payload_bytes = 3;
  std::vector<std::byte> all = frame(h, std::string("\x92\x01\xa0"));
  h.kind = FrameKind::kRequest;
  h.call_id = 1;
  h.body_bytes = 2;
  h.payload_bytes = 2;
  for (const std::byte b : frame(h, std::string("\xa1x"))) all.push_back(b);
  s.say(all);
  at_server->wait_closed();  // although the stranger's socket stays open
  EXPECT_EQ(at_server->why, CloseInfo::Why::kGoodbye);
  EXPECT_EQ(at_server->reason, GoodbyeReason::kShutdown);
  EXPECT_EQ(at_server->count(), 0u);
}

TEST_P(Hostile, PongsThatAPeerDoesNotReadAreNotQueued) {
  constexpr uint64_t kPings = 100'000;
  start_listening();
  Stranger s(address);
  accept_stranger(s);
  FrameHeader h;
  h.kind = FrameKind::kPing;
  for (h.call_id = 1; h.call_id <= kPings; ++h.call_id) s.say(frame(h));
  // What has been answered is read until a request of this side's own comes: all pings were read before that.
  h.kind = FrameKind::kRequest;
  h.body_bytes = 2;
  h.payload_bytes = 2;
  at_server->on = [](Connection& c, Frame& f) {
    static_cast<void>(c.send(OutFrame(FrameKind::kCancel, f.header.call_id)));
  };
  s.say(frame(h, std::string("\xa1x")));
  at_server->wait_for(1);
  uint64_t pongs = 0;
  FrameHeader got;
  const auto read_header = [&] {
    std::array<std::byte, kHeaderBytes> bytes;
    ASSERT_EQ(::recv(s.fd(), bytes.data(), bytes.size(), MSG_WAITALL), static_cast<ssize_t>(bytes.size()));
    ASSERT_EQ(decode_header(bytes, 1 << 20, &got), "");
  };
  do {
    ASSERT_NO_FATAL_FAILURE(read_header());
    pongs += got.kind == FrameKind::kPong;
  } while (got.kind != FrameKind::kCancel);
  EXPECT_GT(pongs, 0u);
  EXPECT_LT(pongs, kPings / 2);
  // And a peer that reads is answered.
  h = FrameHeader();
  h.kind = FrameKind::kPing;
  h.call_id = 7;
  s.say(frame(h));
  ASSERT_NO_FATAL_FAILURE(read_header());
  EXPECT_EQ(got.kind, FrameKind::kPong);
  EXPECT_EQ(got.call_id, 7u);
}

TEST_P(Hostile, APeerThatDripsALargeFrameIsAlive) {
  options.heartbeat_interval = 100ms;
  options.heartbeat_timeout = 2000ms;
  start_listening();
  Stranger s(address);
  accept_stranger(s);
  s.say(chunk(beginning_of_large(1 << 20), kFirstChunk));
  FrameHeader h;
  h.kind = FrameKind::kChunk;
  h.body_bytes = 100'000;
  h.payload_bytes = 100'000;
  s.say(frame(h));
  const TimePoint start = Clock::now();
  while (Clock::now() < start + 3000ms) {
    s.say("x");  // and no ping is answered
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_FALSE(server->closed());
  at_server->wait_closed();  // now it is silent
  EXPECT_EQ(at_server->why, CloseInfo::Why::kSilent);
}

TEST_P(Hostile, APeerThatTakesALargeFrameSlowlyIsAliveUntilItTakesNoMore) {
  options.heartbeat_interval = 100ms;
  options.heartbeat_timeout = 2000ms;
  start_listening();
  Stranger s(address);
  accept_stranger(s);
  const std::vector<std::byte> data(256 << 20);
  OutFrame f = request(1, "large");
  f.body.segment({data, nullptr});
  ASSERT_EQ(server->send(std::move(f)), nullptr);
  std::vector<char> taken(256 << 10);
  const TimePoint start = Clock::now();
  while (Clock::now() < start + 3000ms) {
    static_cast<void>(!::recv(s.fd(), taken.data(), taken.size(), MSG_WAITALL));  // and no ping is answered
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_FALSE(server->closed());
  at_server->wait_closed();
  EXPECT_EQ(at_server->why, CloseInfo::Why::kSilent);
}

TEST_P(Hostile, APeerThatNeverReadsIsClosedAsSilentAndWhatItDidNotTakeIsLetGoOf) {
  options.heartbeat_interval = 100ms;
  options.heartbeat_timeout = 1000ms;
  options.max_copied_bytes = 1 << 20;
  start_listening();
  Stranger s(address);
  accept_stranger(s);
  auto kept = detail::make_ref<Owner>();
  for (uint64_t i = 1; server->has_room(); ++i) {
    OutFrame f = request(i, std::string(10'000, 'x'));
    f.keep(kept);
    ASSERT_EQ(server->send(std::move(f)), nullptr);
  }
  at_server->wait_closed();
  EXPECT_EQ(at_server->why, CloseInfo::Why::kSilent);
  EXPECT_TRUE(eventually([&] { return kept->sole_owner(); }));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they end the program instead
TEST_P(Hostile, AFrameThatThereIsNoMemoryForIsNoLocalCloseAndThePeerIsTold) {
  options.max_payload_bytes = ~uint64_t{0};
  start_listening();
  Stranger s(address);
  accept_stranger(s);
  FrameHeader h;
  h.call_id = 1;
  h.segments = 4096;  // 256 TiB; their table fits into a chunk
  const std::vector<uint64_t> sizes(h.segments, kMaxSegmentBytes);
  h.payload_bytes = payload_bytes_for(0, sizes);
  std::vector<std::byte> bytes(kHeaderBytes + 8 * sizes.size());
  encode_header(h, std::span<std::byte, kHeaderBytes>(bytes.data(), kHeaderBytes));
  for (size_t i = 0; i < sizes.size(); ++i) put_le<uint64_t>(bytes.data() + kHeaderBytes + 8 * i, sizes[i]);
  s.say(chunk(bytes, kFirstChunk));
  std::string heard;
  EXPECT_TRUE(s.hear(&heard));
  EXPECT_THAT(heard, HasSubstr("no memory"));
  at_server->wait_closed();
  EXPECT_EQ(at_server->why, CloseInfo::Why::kInternal);
  EXPECT_THAT(at_server->error, AllOf(HasSubstr("stranger"), HasSubstr("no memory")));
}
#endif

TEST_P(Hostile, AKilledPeerIsNoticedAtOnceAlsoByAThreadThatPolls) {
  // The peer first: a process must not be forked once there are threads in it.
  const std::string at = "unix:@tine_kill_" + std::to_string(::getpid());
  const pid_t peer = ::fork();
  if (peer == 0) {
    IoLoop loop;
    auto transport =
        unix_transport()->make(loop, {"victim", 7, std::make_shared<const Secret>("the shared secret")});
    ListenOptions o;
    o.on_connection = [](detail::Ref<Connection> c) { c->start(detail::make_ref<Recorder>()); };
    auto l = transport->listen(at, o);
    for (;;) ::pause();
  }
  start_loops();
  ConnectOptions co;
  co.retry = true;
  client = client_transport->connect(at, co).get();
  client->start(at_client);
  ASSERT_EQ(client->send(request(1, "x")), nullptr);
  std::thread polling([&] {
    auto never = [] { return false; };
    while (!client->closed()) static_cast<void>(client->try_poll(kNoDeadline, never));
  });
  ::kill(peer, SIGKILL);
  at_client->wait_closed();
  polling.join();
  ::waitpid(peer, nullptr, 0);
  EXPECT_EQ(at_client->why, CloseInfo::Why::kPeerDied);
  EXPECT_THAT(at_client->error, AllOf(HasSubstr("victim"), HasSubstr(at), HasSubstr("died")));
  EXPECT_EQ(at_client->closes, 1);
}

TEST_P(Hostile, AForkedChildCannotSpeakForItsParent) {
  connect();
  const pid_t child = ::fork();
  if (child == 0) {
    auto never = [] { return false; };
    const auto error = client->send(request(1, "from the child"));
    const bool ok =
        error && describe(error).find("forked") != std::string::npos && !client->try_poll(kNoDeadline, never);
    client->close(nullptr);
    client->shutdown(GoodbyeReason::kDone, "", Clock::now());
    ::_exit(ok ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  // The parent's connection is as it was.
  ASSERT_EQ(client->send(request(2, "from the parent")), nullptr);
  at_server->wait_for(1);
  EXPECT_EQ(at_server->frames[0].text, "from the parent");
}

TEST_P(Hostile, SocketsAreClosedInProgramsThatAreStarted) {
  connect();
  for (int fd = 3; fd < 64; ++fd) {
    int type = 0;
    socklen_t length = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0) continue;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << fd;
  }
}

TEST_P(Hostile, BeyondLoopbackPlainTextIsRefusedByName) {
  start_loops();
  auto tcp =
      tcp_transport()->make(*client_loop, {"x", 1, std::make_shared<const Secret>("the shared secret")});
  ListenOptions o;
  o.on_connection = [](auto) {};
  for (const char* a : {"tcp://0.0.0.0:0", "tcp://192.0.2.1:80"}) {
    try {
      static_cast<void>(tcp->listen(a, o));
      FAIL();
    } catch (const AuthError& e) {
      EXPECT_THAT(e.message(), AllOf(HasSubstr(a), HasSubstr("without TLS")));
    }
  }
}

TEST_P(Hostile, AnAddressThatCannotBeIsRefusedWithWhatWasExpected) {
  start_loops();
  auto tcp =
      tcp_transport()->make(*client_loop, {"x", 1, std::make_shared<const Secret>("the shared secret")});
  for (const char* a : {"tcp://", "tcp://host", "tcp://:1", "tcp://h:x", "tcp://h:70000", "tcp://h:0",
                        "unix:/x", "tcp://::1:5"}) {
    EXPECT_THROW(static_cast<void>(tcp->connect(a, {})), ValueError) << a;
  }
  for (const char* a : {"unix:", "/x", "tcp://h:1"})
    EXPECT_THROW(static_cast<void>(client_transport->connect(a, {})), ValueError) << a;
  EXPECT_THROW(static_cast<void>(client_transport->connect("unix:" + std::string(200, 'x'), {})), ValueError);
}

}  // namespace
}  // namespace tine::rpc
