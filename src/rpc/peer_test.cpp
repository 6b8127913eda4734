#include "src/rpc/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/testing/kept_tasks.h"
#include "src/rpc/connection_for_tests.h"

namespace tine::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MuteConnection;

class Noted final : public Peer::Events {
 public:
  void on_frame(Peer& from, Frame& frame, At at) noexcept override {
    got.push_back(std::string(name_of(frame.header.kind)) + " " + std::to_string(frame.header.call_id) +
                  " of " + from.info.name + (at == At::kReader ? "" : " later"));
  }
  void on_death(Peer& peer, const CloseInfo& info) noexcept override {
    got.push_back(peer.info.name + " died: " + describe(info.error));
  }
  std::shared_ptr<void> alive() override { return life; }

  std::vector<std::string> got;
  std::shared_ptr<void> life = std::make_shared<int>();
};

class PeerTest : public ::testing::Test {
 protected:
  ~PeerTest() override {
    for (const auto& p : {peer, self}) {
      p->die(make_error(ErrorKind::kAbandoned, "the end"));
      p->detach();
    }
  }
  detail::Ref<Peer> make(int rank, bool is_self) {
    return detail::make_ref<Peer>(WorkerInfo{"w" + std::to_string(rank), rank}, 100 + uint64_t(rank), is_self,
                                  Peer::Options{.max_calls = 2, .pool = &pool, .callbacks = &here}, noted);
  }
  Future<Value> call(const detail::Ref<Peer>& to, detail::Ref<CallState>* state = nullptr) {
    auto made = detail::make_ref<CallState>(to, nullptr, "f", Target::kBuiltin, kNoDeadline);
    Future<Value> answer{detail::Ref<detail::State<Value>>(made)};
    if (!to->calls.add(made)) made->fail(to->death());
    made->watch_cancellation();
    if (state) *state = made;
    return answer;
  }
  static Frame frame(FrameKind kind, uint64_t id, size_t bytes = 0) {
    static const std::vector<std::byte> body(1 << 20);
    Frame f;
    f.header.kind = kind;
    f.header.call_id = id;
    f.body = std::span(body).first(bytes);
    return f;
  }

  InlineExecutor here;
  KeptTasks pool;
  Noted noted;
  detail::Ref<MuteConnection> connection = detail::make_ref<MuteConnection>("w1");
  detail::Ref<Peer> peer = make(1, false), self = make(0, true);
};

TEST_F(PeerTest, ThatDiesFailsItsPendingCallsWithTheFirstCause) {
  peer->attach(connection);
  const auto first = call(peer), second = call(peer);
  peer->die(make_error(ErrorKind::kPeerDied, "the first cause"));
  peer->die(make_error(ErrorKind::kPeerDied, "another"));
  for (const auto& answer : {first, second}) {
    ASSERT_TRUE(answer.ready());
    EXPECT_THAT(describe(answer.error()), HasSubstr("the first cause"));
  }
  EXPECT_THAT(describe(peer->death()), HasSubstr("the first cause"));
  EXPECT_EQ(peer->calls.pending(), 0u);
}

TEST_F(PeerTest, ThatIsDeadTakesNothingAndSaysWhy) {
  peer->attach(connection);
  EXPECT_EQ(peer->death(), nullptr);
  EXPECT_TRUE(peer->connected());
  peer->die(make_error(ErrorKind::kPeerDied, "gone"));
  EXPECT_FALSE(peer->connected());
  EXPECT_THAT(describe(peer->send(OutFrame(FrameKind::kRequest, 1))), HasSubstr("gone"));
  EXPECT_THAT(describe(call(peer).error()), HasSubstr("gone"));
  EXPECT_THAT(connection->sent(), IsEmpty());
  EXPECT_TRUE(peer->has_room()) << "nobody waits for one that is dead";
}

TEST_F(PeerTest, IsToldOfACancelledCallOnceAndOfNoneThatHasEnded) {
  peer->attach(connection);
  detail::Ref<CallState> one, two;
  const auto cancelled = call(peer, &one), answered = call(peer, &two);
  EXPECT_TRUE(cancelled.cancel());
  EXPECT_FALSE(cancelled.cancel());
  ASSERT_NE(peer->calls.take(two->id), nullptr);
  two->emplace(Value(1));
  EXPECT_FALSE(answered.cancel());
  EXPECT_THAT(connection->sent(), ElementsAre("cancel " + std::to_string(one->id)));
}

TEST_F(PeerTest, HasNoRoomAtTheBoundOfItsCallsNorWhileItsConnectionHasNone) {
  peer->attach(connection);
  detail::Ref<CallState> one, two;
  const auto first = call(peer, &one), second = call(peer, &two);
  EXPECT_FALSE(peer->has_room());
  EXPECT_TRUE(peer->has_room_for_answers()) << "an answer does not wait for calls to end";
  const Future<void> room = peer->room();
  EXPECT_FALSE(room.ready());
  for (const auto& call : {one, two}) peer->calls.take(call->id)->emplace(Value());
  EXPECT_TRUE(room.ready());
  EXPECT_TRUE(peer->has_room());

  connection->full = true;
  EXPECT_FALSE(peer->has_room());
  EXPECT_FALSE(peer->has_room_for_answers());
  const Future<void> for_calls = peer->room(), for_answers = peer->room_for_answers();
  EXPECT_FALSE(for_calls.ready());
  connection->make_room();
  EXPECT_TRUE(for_calls.ready());
  EXPECT_TRUE(for_answers.ready());
}

TEST_F(PeerTest, WaitersForRoomAtAPeerThatDiesGoOn) {
  peer->attach(connection);
  const auto first = call(peer), second = call(peer);
  const Future<void> room = peer->room();
  EXPECT_FALSE(room.ready());
  peer->die(make_error(ErrorKind::kPeerDied, "gone"));
  EXPECT_TRUE(room.ready());
}

TEST_F(PeerTest, WhatCannotBeToldForWantOfMemoryEndsTheConnection) {
  peer->attach(connection);
  connection->out_of_memory = true;
  peer->tell(OutFrame(FrameKind::kRelease));
  EXPECT_TRUE(connection->closed());
  EXPECT_THAT(describe(connection->error()), HasSubstr("no memory for a message to w1"));
}

TEST_F(PeerTest, OnesOwnHasNoConnectionAndItsCancelsGoToTheEvents) {
  EXPECT_THAT(describe(self->send(OutFrame(FrameKind::kRequest, 1))), HasSubstr("no connection to itself"));
  EXPECT_TRUE(self->has_room());
  detail::Ref<CallState> state;
  const auto answer = call(self, &state);
  EXPECT_TRUE(answer.cancel());
  EXPECT_THAT(noted.got, ElementsAre("cancel " + std::to_string(state->id) + " of w0 later"));
}

TEST_F(PeerTest, ThatDiesBehindALargeBodyIsDeadOnlyAfterThatIsRead) {
  peer->attach(connection);
  Frame large = frame(FrameKind::kRequest, 1, 1 << 20), small = frame(FrameKind::kRequest, 2);
  peer->on_frame(*connection, large);
  peer->on_frame(*connection, small);
  CloseInfo info;
  info.error = make_error(ErrorKind::kPeerDied, "reset");
  peer->on_close(*connection, info);
  EXPECT_THAT(noted.got, ElementsAre("request 2 of w1"));
  pool.run_all();
  EXPECT_THAT(noted.got, ElementsAre("request 2 of w1", "request 1 of w1 later", HasSubstr("w1 died")));
}

}  // namespace
}  // namespace tine::rpc
