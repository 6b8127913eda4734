// How shared memory comes about, and what a peer can do to it: docs/spec/shm.md. That a RingChannel is a channel is tested in
// channel_test.cpp, and by the conformance tests.
#include "src/rpc/transport/shm/ring_channel.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "src/rpc/transport/framed_connection.h"
#include "src/rpc/transport/test_peers.h"
#include "src/rpc/wire/frame.h"

namespace tine::rpc {
namespace {

using What = Channel::What;
using Side = Channel::Side;

constexpr size_t kBytes = size_t{64} << 10;
constexpr unsigned kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

struct Record {
  std::string magic = "tine-shm";
  uint32_t version = 2, zero = 0;
  uint64_t ring_bytes = kBytes;
  [[nodiscard]] std::string bytes() const {
    std::string out = magic + std::string(16, '\0');
    auto* const at = reinterpret_cast<std::byte*>(out.data());
    put_le<uint32_t>(at + 8, version);
    put_le<uint32_t>(at + 12, zero);
    put_le<uint64_t>(at + 16, ring_bytes);
    return out;
  }
};

FileDescriptor memory_of(size_t bytes, unsigned seals) {
  auto memory =
      FileDescriptor::made_by([] { return ::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING); });
  EXPECT_EQ(::ftruncate(memory.get(), static_cast<off_t>(bytes)), 0);
  EXPECT_EQ(seals == 0 ? 0 : ::fcntl(memory.get(), F_ADD_SEALS, seals), 0);
  return memory;
}

// One side is tine's, the other one the test's.
struct Ends {
  explicit Ends(std::shared_ptr<MemoryBudget> b = std::make_shared<MemoryBudget>(size_t{1} << 30))
      : budget(std::move(b)) {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    offer.emplace(FileDescriptor::made_by([&] { return fds[0]; }), budget, budget, kBytes);
    peer = FileDescriptor::made_by([&] { return fds[1]; });
  }
  void send(const std::string& bytes, const std::vector<int>& fds = {}) const {
    iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
    if (!fds.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* const head = CMSG_FIRSTHDR(&message);
      head->cmsg_level = SOL_SOCKET;
      head->cmsg_type = SCM_RIGHTS;
      head->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      std::memcpy(CMSG_DATA(head), fds.data(), fds.size() * sizeof(int));
    }
    ASSERT_EQ(::sendmsg(peer.get(), &message, 0), static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] std::string received() const {
    std::string bytes(100, '\0');
    const ssize_t n = ::recv(peer.get(), bytes.data(), bytes.size(), 0);
    bytes.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return bytes;
  }
  Channel::Outcome agree(Side side) { return offer->agree(side, &instead); }

  const std::shared_ptr<MemoryBudget> budget;
  std::optional<RingOffer> offer;
  FileDescriptor peer;
  std::unique_ptr<Channel> instead;
};

class Agreement : public testing::Test, protected Ends {};

TEST_F(Agreement, AnAcceptorMapsWhatIsSealedAndOfTheSizeThatIsSaid) {
  EXPECT_EQ(agree(Side::kAcceptor).what, What::kNothingNow);
  const auto memory = memory_of(4096 + 2 * kBytes, kSeals);
  // However the record is cut.
  const std::string record = Record().bytes();
  send(record.substr(0, 5), {memory.get()});
  EXPECT_EQ(agree(Side::kAcceptor).what, What::kNothingNow);
  send(record.substr(5));
  EXPECT_EQ(agree(Side::kAcceptor).what, What::kMoved);
  EXPECT_TRUE(instead);
  EXPECT_EQ(received(), record);
}

TEST_F(Agreement, WhatIsNotARecordOrNotItsMemoryEndsIt) {
  const auto good = memory_of(4096 + 2 * kBytes, kSeals), short_one = memory_of(4096 + kBytes, kSeals),
             unsealed = memory_of(4096 + 2 * kBytes, 0), grows = memory_of(4096 + 2 * kBytes, F_SEAL_SHRINK);
  const std::vector<std::pair<Record, std::vector<int>>> bad = {
      {{.magic = "tine-shn"}, {good.get()}},
      {{.version = 1}, {good.get()}},
      {{.zero = 1}, {good.get()}},
      {{.ring_bytes = kBytes + 1}, {good.get()}},
      {{.ring_bytes = 0}, {good.get()}},
      {{.ring_bytes = 2048}, {good.get()}},
      {{.ring_bytes = uint64_t{1} << 63}, {good.get()}},
      {{.ring_bytes = ~uint64_t{0}}, {good.get()}},
      {{}, {}},
      {{}, {good.get(), good.get()}},
      {{}, {good.get(), good.get(), good.get()}},
      {{}, {short_one.get()}},
      {{}, {unsealed.get()}},
      {{}, {grows.get()}},
      {{}, {0}},
      {{}, {peer.get()}},
  };
  const size_t before = budget->left();
  for (size_t i = 0; i < bad.size(); ++i) {
    Ends one(budget);
    one.send(bad[i].first.bytes(), bad[i].second);
    const Channel::Outcome out = one.agree(Side::kAcceptor);
    EXPECT_EQ(out.what, What::kEnded) << i;
    EXPECT_EQ(out.error, EBADMSG) << i;
    EXPECT_FALSE(one.instead) << i;
  }
  EXPECT_EQ(budget->left(), before);
}

TEST_F(Agreement, RingsThatAreLargerThanItsOwnAnAcceptorDoesWithout) {
  const auto memory = memory_of(4096 + 4 * kBytes, kSeals);
  send(Record{.ring_bytes = 2 * kBytes}.bytes(), {memory.get()});
  EXPECT_EQ(agree(Side::kAcceptor).what, What::kMoved);
  EXPECT_FALSE(instead);
  EXPECT_EQ(received(), Record{.ring_bytes = 0}.bytes());
}

TEST_F(Agreement, AnInitiatorTakesNothingButItsOwnSizeOrNone) {
  for (const Record& bad : {Record{.ring_bytes = 2 * kBytes}, Record{.magic = "        "}}) {
    Ends one;
    EXPECT_EQ(one.agree(Side::kInitiator).what, What::kNothingNow);
    EXPECT_EQ(one.received(), Record().bytes());
    one.send(bad.bytes());
    EXPECT_EQ(one.agree(Side::kInitiator).error, EBADMSG);
  }
  EXPECT_EQ(agree(Side::kInitiator).what, What::kNothingNow);
  send(Record().bytes(), {peer.get()});  // a descriptor of its own
  EXPECT_EQ(agree(Side::kInitiator).error, EBADMSG);
}

TEST_F(Agreement, WithoutMemoryOnEitherSideTheSocketStays) {
  for (const bool theirs : {true, false}) {
    Ends one(std::make_shared<MemoryBudget>(theirs ? size_t{1} << 30 : 0));
    EXPECT_EQ(one.agree(Side::kInitiator).what, What::kNothingNow);
    EXPECT_EQ(one.received(), (Record{.ring_bytes = theirs ? kBytes : 0}.bytes()));
    one.send(Record{.ring_bytes = 0}.bytes());
    EXPECT_EQ(one.agree(Side::kInitiator).what, What::kMoved);
    EXPECT_FALSE(one.instead);
    const iovec piece{const_cast<char*>("x"), 1};
    EXPECT_EQ(one.offer->try_write({&piece, 1}).bytes, 1u);
    EXPECT_EQ(one.received(), "x");
  }
}

TEST_F(Agreement, TheBudgetIsGivenBackWithTheConnection) {
  const size_t before = budget->left();
  const auto memory = memory_of(4096 + 2 * kBytes, kSeals);
  send(Record().bytes(), {memory.get()});
  ASSERT_EQ(agree(Side::kAcceptor).what, What::kMoved);
  EXPECT_EQ(budget->left(), before - 4096 - 2 * kBytes);
  instead = nullptr;
  EXPECT_EQ(budget->left(), before);
}

// The peer has its own mapping of the memory, and writes what it likes.
class Scribbled : public Agreement {
 protected:
  Scribbled() {
    const auto memory = memory_of(kAll, kSeals);
    at = static_cast<std::byte*>(::mmap(nullptr, kAll, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0));
    EXPECT_NE(static_cast<void*>(at), MAP_FAILED);
    send(Record().bytes(), {memory.get()});
    EXPECT_EQ(agree(Side::kAcceptor).what, What::kMoved);
  }
  ~Scribbled() override { ::munmap(at, kAll); }
  // Over the channel.
  detail::Ref<FramedConnection> connection_of(const detail::Ref<Recorder>& recorder) {
    ConnectionOptions options;
    options.heartbeat_interval = std::chrono::milliseconds(0);
    PeerInfo info;
    info.name = "scribbler";
    info.address = "shm:@test";
    auto connection = detail::make_ref<FramedConnection>(loop, std::move(instead), info, options);
    connection->start(recorder);
    return connection;
  }
  static constexpr size_t kAll = 4096 + 2 * kBytes;
  std::byte* at = nullptr;
  IoLoop loop;
};

TEST_F(Scribbled, ACounterOutOfBoundsEndsTheConnectionAsMalformed) {
  std::array<char, 10> into{};
  const iovec piece{into.data(), into.size()};
  put_le<uint64_t>(at, 5);  // head of the ring towards us
  EXPECT_EQ(instead->try_read({&piece, 1}).bytes, 5u);
  for (const uint64_t head : {uint64_t{4}, uint64_t{kBytes + 6}, ~uint64_t{0}, uint64_t{1} << 63}) {
    put_le<uint64_t>(at, head);
    const Channel::Outcome in = instead->try_read({&piece, 1});
    EXPECT_EQ(in.what, What::kEnded) << head;
    EXPECT_EQ(in.error, EBADMSG) << head;
  }
  const std::vector<char> all(kBytes);
  const iovec filling{const_cast<char*>(all.data()), all.size()};
  EXPECT_EQ(instead->try_write({&filling, 1}).bytes, kBytes);
  for (const uint64_t tail : {uint64_t{kBytes + 1}, ~uint64_t{0} - kBytes, uint64_t{1} << 63}) {
    put_le<uint64_t>(at + 512 + 128, tail);
    const Channel::Outcome out = instead->try_write({&piece, 1});
    EXPECT_EQ(out.what, What::kEnded) << tail;
    EXPECT_EQ(out.error, EBADMSG) << tail;
  }
}

TEST_F(Scribbled, AWriterLooksAtTheTailOnlyWhenTheRoomThatItKnowsOfDoesNotSuffice) {
  const std::vector<char> half(kBytes / 2);
  const iovec piece{const_cast<char*>(half.data()), half.size()};
  put_le<uint64_t>(at + 512 + 128, ~uint64_t{0});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(instead->try_write({&piece, 1}).bytes, half.size());
  EXPECT_EQ(instead->try_write({&piece, 1}).error, EBADMSG);
}

TEST_F(Scribbled, AConnectionOverItEndsWhateverIsWrittenIntoIt) {
  std::mt19937_64 random(20261129);
  const auto recorder = detail::make_ref<Recorder>();
  recorder->keep = false;
  const auto connection = connection_of(recorder);
  for (int round = 0; round < 20'000 && !connection->closed(); ++round) {
    // Counters near what is allowed, and sometimes anything.
    const size_t where = round % 3 == 0 ? random() % kAll : (random() % 2) * 512 + (random() % 100) * 4;
    const uint64_t what = random() % 4 == 0 ? random() : random() % (2 * kBytes);
    std::memcpy(at + std::min(where, kAll - 8), &what, 8);
    static_cast<void>(!::send(peer.get(), "b", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
    if (round % 16 == 0) static_cast<void>(connection->send(request(1, "x")));
  }
  connection->close(nullptr);
  EXPECT_TRUE(eventually([&] { return recorder->closes == 1; }));
  loop.stop();
}

TEST_F(Scribbled, ABadCounterEndsAConnectionWhoseRingIsFull) {
  const auto recorder = detail::make_ref<Recorder>();
  const auto connection = connection_of(recorder);
  for (int i = 0; i < 4; ++i) {
    OutFrame frame = request(1, "much");
    frame.body.segment(owned(std::vector<std::byte>(kBytes)));
    ASSERT_EQ(connection->send(std::move(frame)), nullptr);
  }
  put_le<uint64_t>(at + 512 + 128, uint64_t{1} << 40);  // tail
  ASSERT_EQ(::send(peer.get(), "b", 1, MSG_NOSIGNAL), 1);
  recorder->wait_closed();
  EXPECT_EQ(recorder->why, CloseInfo::Why::kMalformed);
  EXPECT_THAT(recorder->error, testing::HasSubstr("shared memory"));
  loop.stop();
}

TEST_F(Scribbled, AChildOfForkHasNoMapping) {
  const pid_t child = ::fork();
  if (child == 0) {
    // The test's own mapping is inherited, the channel's is not: it must only be let go of.
    instead->leave();
    instead = nullptr;
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  put_le<uint64_t>(at, 3);
  EXPECT_TRUE(instead->has_unread());
}

}  // namespace
}  // namespace tine::rpc
