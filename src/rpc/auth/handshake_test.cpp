#include "src/rpc/auth/handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "tine/error.h"

namespace tine::rpc {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Role = Handshake::Role;
using State = Handshake::State;
using Bytes = std::vector<std::byte>;

std::shared_ptr<const Secret> secret(const char* text) { return std::make_shared<const Secret>(text); }

Handshake::Config config(Role role, const char* key = "the shared secret") {
  Handshake::Config c;
  c.role = role;
  c.name = role == Role::kInitiator ? "alice" : "bob";
  c.incarnation = role == Role::kInitiator ? 11 : 22;
  c.secret = secret(key);
  c.address = "unix:/tmp/x";
  return c;
}

// Takes all that `from` has to say.
Bytes take(Handshake& from) {
  Bytes bytes(from.output().begin(), from.output().end());
  from.written(bytes.size());
  return bytes;
}

// Hands over the bytes at most `step` at a time; what is not wanted stays behind.
void feed(Handshake& to, std::span<const std::byte> bytes, size_t step = 1000) {
  while (!bytes.empty()) {
    auto in = to.input();
    if (in.empty()) return;
    const size_t n = std::min({in.size(), bytes.size(), step});
    std::memcpy(in.data(), bytes.data(), n);
    to.received(n);
    bytes = bytes.subspan(n);
  }
}

void run(Handshake& a, Handshake& b, size_t step = 1000) {
  for (int i = 0; i < 6; ++i) {
    feed(b, take(a), step);
    feed(a, take(b), step);
  }
}

std::string message(const Handshake& h) { return describe(h.error()); }

TEST(Handshake, OfTwoThatShareASecretTellsEachTheOthersName) {
  Handshake a(config(Role::kInitiator)), b(config(Role::kAcceptor));
  run(a, b);
  ASSERT_EQ(a.state(), State::kDone);
  ASSERT_EQ(b.state(), State::kDone);
  EXPECT_EQ(a.peer_name(), "bob");
  EXPECT_EQ(b.peer_name(), "alice");
  EXPECT_EQ(a.peer_incarnation(), 22u);
  EXPECT_EQ(b.peer_incarnation(), 11u);
  EXPECT_EQ(a.version(), 1);
}

TEST(Handshake, KnowsNobodyBeforeItHasHeardOfThem) {
  const Handshake h(config(Role::kInitiator));
  EXPECT_EQ(h.peer_name(), "");
  EXPECT_EQ(h.peer_incarnation(), 0u);
  EXPECT_EQ(h.version(), 0);
}

TEST(Handshake, BetweenTwoKindsIsRefusedWithWhatEachIs) {
  const std::string agent = "an agent of tine's own RPC", node = "a node of raw calls";
  for (const bool initiator_is_raw : {false, true}) {
    Handshake::Config first = config(Role::kInitiator), second = config(Role::kAcceptor);
    (initiator_is_raw ? first : second).features = kRawCalls;
    Handshake a(first), b(second);
    run(a, b);
    const auto says = [&](bool it_is_raw) {
      return AllOf(HasSubstr("it is " + (it_is_raw ? node : agent)),
                   HasSubstr("we are " + (it_is_raw ? agent : node)));
    };
    EXPECT_THAT(message(a), says(!initiator_is_raw));
    EXPECT_THAT(message(b), says(initiator_is_raw));
  }
}

TEST(Handshake, TellsEachWhetherTheOtherRunsRegisteredFunctionsAlone) {
  for (const bool initiator_does : {false, true}) {
    for (const bool acceptor_does : {false, true}) {
      Handshake::Config first = config(Role::kInitiator), second = config(Role::kAcceptor);
      first.features = initiator_does ? kRegisteredOnly : 0;
      second.features = acceptor_does ? kRegisteredOnly : 0;
      Handshake a(first), b(second);
      run(a, b);
      ASSERT_EQ(a.state(), State::kDone);
      ASSERT_EQ(b.state(), State::kDone);
      EXPECT_EQ(a.peer_features() == kRegisteredOnly, acceptor_does);
      EXPECT_EQ(b.peer_features() == kRegisteredOnly, initiator_does);
    }
  }
}

TEST(Handshake, GoesThroughHoweverTheBytesAreSplit) {
  for (size_t step = 1; step <= 192; ++step) {
    Handshake a(config(Role::kInitiator)), b(config(Role::kAcceptor));
    run(a, b, step);
    ASSERT_EQ(a.state(), State::kDone) << step;
    ASSERT_EQ(b.state(), State::kDone) << step;
  }
}

TEST(Handshake, WithAWrongSecretFailsOnBothSidesAndBothSayWhy) {
  Handshake a(config(Role::kInitiator, "another secret")), b(config(Role::kAcceptor));
  run(a, b);
  ASSERT_EQ(a.state(), State::kFailed);
  ASSERT_EQ(b.state(), State::kFailed);
  EXPECT_THAT(message(a),
              AllOf(HasSubstr("AuthError"), HasSubstr("unix:/tmp/x"), HasSubstr("initiator 'alice'"),
                    HasSubstr("wrong secret"), HasSubstr("TINE_AUTH_KEY")));
  EXPECT_THAT(message(b), AllOf(HasSubstr("AuthError"), HasSubstr("unix:/tmp/x"), HasSubstr("'alice'"),
                                HasSubstr("acceptor 'bob'"), HasSubstr("wrong secret")));
}

TEST(Handshake, AnAcceptorThatTakesEveryoneButLacksTheSecretIsFoundOut) {
  Handshake a(config(Role::kInitiator)), b(config(Role::kAcceptor, "another secret"));
  feed(b, take(a));
  feed(a, take(b));
  take(a);
  // It cannot compute the accept, so it makes one up.
  feed(a, make_proof(RecordType::kAccept, 1, Mac{}));
  ASSERT_EQ(a.state(), State::kFailed);
  EXPECT_THAT(message(a), HasSubstr("does not hold our secret"));
  EXPECT_EQ(a.output().size(), kProofBytes);  // the refusal
}

TEST(Handshake, AReplayedProofIsWorthNothing) {
  Handshake a(config(Role::kInitiator)), b(config(Role::kAcceptor));
  const Bytes hello = take(a);
  feed(b, hello);
  feed(a, take(b));
  const Bytes proof = take(a);
  feed(b, proof);
  ASSERT_EQ(b.state(), State::kDone);
  Handshake again(config(Role::kAcceptor));
  feed(again, hello);
  feed(again, proof);
  EXPECT_EQ(again.state(), State::kFailed);
  EXPECT_THAT(message(again), HasSubstr("wrong secret"));
}

TEST(Handshake, AProofSentBackIsNoProofOfTheOtherRole) {
  Handshake a(config(Role::kInitiator)), b(config(Role::kAcceptor));
  feed(b, take(a));
  feed(a, take(b));
  Bytes proof = take(a);
  proof[8] = static_cast<std::byte>(RecordType::kAccept);
  feed(a, proof);
  EXPECT_EQ(a.state(), State::kFailed);
}

TEST(Handshake, EachBitOfEachRecordThatIsFlippedMakesItFail) {
  for (size_t bit = 0; bit < 8 * (2 * kHelloBytes + 2 * kProofBytes); ++bit) {
    Handshake a(config(Role::kInitiator)), b(config(Role::kAcceptor));
    size_t at = 0;
    auto pass = [&](Handshake& from, Handshake& to) {
      Bytes bytes = take(from);
      for (size_t i = 0; i < bytes.size(); ++i) {
        if (bit / 8 == at + i) bytes[i] ^= static_cast<std::byte>(1 << bit % 8);
      }
      at += bytes.size();
      feed(to, bytes);
    };
    pass(a, b);
    pass(b, a);
    pass(a, b);
    pass(b, a);
    EXPECT_FALSE(a.state() == State::kDone && b.state() == State::kDone)
        << "byte " << bit / 8 << " bit " << bit % 8;
    EXPECT_NE(a.state(), State::kDone) << "byte " << bit / 8;
  }
}

TEST(Handshake, GarbageIsRefusedAfter16Bytes) {
  Handshake b(config(Role::kAcceptor));
  const std::string http = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  feed(b, std::as_bytes(std::span(http)));
  ASSERT_EQ(b.state(), State::kFailed);
  EXPECT_THAT(message(b), HasSubstr("wrong magic"));
  EXPECT_EQ(b.output().size(), kProofBytes);
  EXPECT_TRUE(b.input().empty());
}

TEST(Handshake, RandomBytesNeverGetThrough) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20'000; ++i) {
    Handshake b(config(Role::kAcceptor));
    Handshake a(config(Role::kInitiator));
    Bytes bytes = take(a);
    for (int k = 0; k < 3; ++k) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    feed(b, bytes);
    Bytes rest(200);
    for (auto& x : rest) x = static_cast<std::byte>(random());
    feed(b, rest);
    EXPECT_EQ(b.state(), State::kFailed);
  }
}

TEST(Handshake, TwoWithoutACommonVersionSayWhichTheySpeak) {
  auto ca = config(Role::kInitiator), cb = config(Role::kAcceptor);
  ca.low_version = 3, ca.high_version = 4;
  cb.low_version = 1, cb.high_version = 2;
  Handshake a(ca), b(cb);
  run(a, b);
  EXPECT_THAT(message(a), AllOf(HasSubstr("1 to 2"), HasSubstr("3 to 4")));
  EXPECT_THAT(message(b), AllOf(HasSubstr("1 to 2"), HasSubstr("3 to 4")));
}

TEST(Handshake, ChoosesTheHighestVersionThatBothSpeak) {
  auto ca = config(Role::kInitiator), cb = config(Role::kAcceptor);
  ca.low_version = 1, ca.high_version = 4;
  cb.low_version = 2, cb.high_version = 3;
  Handshake a(ca), b(cb);
  run(a, b);
  EXPECT_EQ(a.version(), 3);
  EXPECT_EQ(b.version(), 3);
}

TEST(Handshake, AnUnexpectedNameIsNotProvenTo) {
  auto ca = config(Role::kInitiator);
  ca.expected_name = "carol";
  Handshake a(ca), b(config(Role::kAcceptor));
  run(a, b);
  EXPECT_THAT(message(a), AllOf(HasSubstr("'bob'"), HasSubstr("expected 'carol'")));
  EXPECT_EQ(b.state(), State::kGoing);
}

TEST(Handshake, NamesThatWouldGarbleALogAreRefused) {
  auto ca = config(Role::kInitiator);
  ca.name = "evil\nname";
  Handshake a(ca), b(config(Role::kAcceptor));
  run(a, b);
  EXPECT_THAT(message(b), HasSubstr("printable"));
}

}  // namespace
}  // namespace tine::rpc
