// A peer that knows the secret and sends what no node sends.
#include <gmock/gmock.h>

#include <random>

#include "src/rpc/raw/nodes_for_tests.h"
#include "src/rpc/wire/handshake.h"

namespace tine::rpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = RawFailure::Kind;

// Knows how it ended, and what frames came.
class Ear final : public FrameHandler {
 public:
  void on_frame(Connection&, Frame& frame) noexcept override {
    const std::lock_guard lock(mutex_);
    kinds_.push_back(frame.header.kind);
    changed_.notify_all();
  }
  void on_close(Connection&, const CloseInfo& info) noexcept override {
    const std::lock_guard lock(mutex_);
    end_ = info;
    changed_.notify_all();
  }
  CloseInfo end() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 20s, [this] { return end_.error != nullptr; }));
    return end_;
  }
  void wait_for(FrameKind kind) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 20s, [&] { return std::ranges::count(kinds_, kind) > 0; }));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<FrameKind> kinds_;
  CloseInfo end_;
};

// Has proven itself, and may say anything.
struct Stranger {
  explicit Stranger(RawNode& node, const std::string& name = "stranger")
      : transport(tcp_transport()->make(
            loop, {name, random_incarnation(), std::make_shared<const Secret>(secret_text()), kRawCalls})) {
    connection = transport->connect(tcp_address_of(node), {}).get();
    connection->start(ear);
  }
  ~Stranger() {
    connection->close(nullptr);
    loop.stop();
  }
  void send(FrameKind kind, uint64_t id, std::string_view body, size_t segments = 0) {
    OutFrame frame(kind, id);
    if (!body.empty()) std::memcpy(frame.body.raw(body.size()), body.data(), body.size());
    static const std::array<std::byte, 8> bytes{};
    for (size_t i = 0; i < segments; ++i) frame.body.segment({bytes, nullptr});
    (void)connection->send(std::move(frame));
  }
  void introduce(int id = 9, const std::string& protocol = "") {
    OutFrame frame(FrameKind::kIntroduction);
    write_introduction(frame, {id, protocol});
    (void)connection->send(std::move(frame));
    ear->wait_for(FrameKind::kIntroduction);
  }
  // What the node said when it ended the connection.
  std::string goodbye() {
    const CloseInfo end = ear->end();
    EXPECT_EQ(end.why, CloseInfo::Why::kGoodbye);
    EXPECT_EQ(end.reason, GoodbyeReason::kMalformed);
    return message_of(end.error);
  }

  IoLoop loop;
  std::unique_ptr<Transport> transport;
  detail::Ref<Connection> connection;
  detail::Ref<Ear> ear = detail::make_ref<Ear>();
};

std::string words(std::initializer_list<uint32_t> numbers) {
  std::string text;
  for (const uint32_t n : numbers) {
    for (int i = 0; i < 4; ++i) text += static_cast<char>(n >> (8 * i));
  }
  return text;
}

struct Bad {
  FrameKind kind;
  std::string body;
  size_t segments;
  std::string_view says;
};

std::vector<Bad> bad_frames() {
  using K = FrameKind;
  return {
      {K::kRawRequest, "", 0, "its body has 0 bytes, expected 12 at least"},
      {K::kRawRequest, words({1, 2, 0}), 0, "its flags are 0x2"},
      {K::kRawRequest, words({1, 1, 0}), 0,
       "its flags say that the body is its first segment, but it has no segments"},
      {K::kRawRequest, words({1, 1, 0, 7}), 1,
       "its body is its first segment but 4 more bytes follow its head"},
      {K::kRawRequest, words({1, 0, 1}), 0, "it has 1 empty segments"},
      {K::kRawRequest, words({1, 0, 0xffffffff, 0}), 0, "it has 4294967295 empty segments"},
      {K::kRawRequest, words({1, 0, 2, 1, 0}), 0, "the numbers of its empty segments"},
      {K::kRawRequest, words({1, 0, 2, 0, 0}), 0, "the numbers of its empty segments"},
      {K::kRawRequest, words({1, 0, 1, 5}), 2, "the numbers of its empty segments"},
      {K::kRawReply, words({1, 0}), 0, "a raw reply: its body has 8 bytes"},
      {K::kRawFailure, "", 0, "a raw failure: its body has 0 bytes"},
      {K::kRawFailure, "\x01no", 0, "its kind is 1, expected 3 to 5"},
      {K::kRawFailure, "\x03no", 1, "it has 1 segments"},
      {K::kRequest, "x", 0, "a request: nodes of raw calls do not send any"},
      {K::kReply, "x", 0, "a reply: nodes of raw calls do not send any"},
      {K::kError, "x", 0, "a error: nodes of raw calls do not send any"},
      {K::kLease, "x", 0, "a lease: nodes of raw calls do not send any"},
      {K::kIntroduction, "\x92\x01\xa0", 0, "a introduction: it has"},
  };
}

TEST(RawHostileTest, EachMalformedFrameEndsTheConnectionWithWordsOnBothSidesAndNoOther) {
  RawNodes nodes(Over::kUnix);
  nodes.make(2);
  size_t deaths = 0;
  for (const Bad& bad : bad_frames()) {
    Stranger stranger(*nodes[0].node);
    stranger.introduce();
    stranger.send(bad.kind, 5, bad.body, bad.segments);
    EXPECT_THAT(stranger.goodbye(), HasSubstr(std::string(bad.says)));
    nodes[0].wait_for_line(bad.says);
    const auto all = nodes[0].handler.wait_for_deaths(++deaths);
    EXPECT_EQ(all.back().worker, (RawWorker{"stranger", 9}));
    EXPECT_FALSE(all.back().left);
    EXPECT_THAT(all.back().why,
                AllOf(HasSubstr("worker 'stranger' (id 9) died"), HasSubstr("sent something malformed"),
                      HasSubstr(std::string(bad.says))));
    EXPECT_EQ(nodes[1].call(0, "others go on")->get().text(), "others go on");
  }
}

TEST(RawHostileTest, WhoDoesNotIntroduceItselfFirstIsNotTakenIn) {
  RawNodes nodes(Over::kUnix);
  nodes.make(1);
  for (const auto& [kind, body, says] :
       std::initializer_list<std::tuple<FrameKind, std::string, std::string>>{
           {FrameKind::kRawRequest, words({1, 0, 0}), "expected an introduction first"},
           {FrameKind::kCancel, "", "expected an introduction first"},
           {FrameKind::kIntroduction, "", "a introduction"},
           {FrameKind::kIntroduction, "\x91\x01", "it has 1 fields"},
           {FrameKind::kIntroduction, std::string("\x92\xff\xa0", 3), "its id is -1"},
           {FrameKind::kIntroduction, std::string("\x92\xce\x00\x01\x00\x00\xa0", 7), "its id is 65536"},
           {FrameKind::kIntroduction, "\x92\x01\xda\x01\x01" + std::string(257, 'x'),
            "its protocol has 257 bytes"},
           {FrameKind::kIntroduction, std::string("\x92\x01\xa0\x00", 4), "a introduction"},
       }) {
    Stranger stranger(*nodes[0].node);
    stranger.send(kind, kind == FrameKind::kIntroduction ? 0 : 5, body);
    EXPECT_THAT(stranger.goodbye(), HasSubstr(says));
  }
  EXPECT_EQ(nodes[0]->workers().size(), 1u);
  EXPECT_TRUE(nodes[0].handler.deaths().empty()) << "it was never a worker";
  EXPECT_EQ(nodes[0]->counts().calls_begun, 0u);
}

TEST(RawHostileTest, ACallIdThatIsInUseIsMalformed) {
  RawNodes nodes(Over::kUnix);
  nodes.make(1);
  Kept kept;
  nodes[0].handler.on_call = kept.handler();
  Stranger stranger(*nodes[0].node);
  stranger.introduce();
  stranger.send(FrameKind::kRawRequest, 5, words({1, 0, 0}));
  RawCall call = kept.take();
  stranger.send(FrameKind::kRawRequest, 5, words({1, 0, 0}));
  EXPECT_THAT(stranger.goodbye(), HasSubstr("its call id 5 belongs to a call that is still running"));
  wait_until("it is cancelled", [&] { return call.cancelled(); });
  call.reply({});
}

TEST(RawHostileTest, AnswersAndCancellationsOfUnknownCallsAreDropped) {
  RawNodes nodes(Over::kUnix);
  nodes.make(1);
  Stranger stranger(*nodes[0].node);
  stranger.introduce();
  for (uint64_t id : {uint64_t{1}, uint64_t{1} << 32 | 1, ~uint64_t{0}}) {
    stranger.send(FrameKind::kRawReply, id, words({1, 0, 0}));
    stranger.send(FrameKind::kRawFailure, id, "\x03no");
    stranger.send(FrameKind::kCancel, id, "");
  }
  stranger.send(FrameKind::kRawRequest, 5, words({1, 0, 0}));
  stranger.ear->wait_for(FrameKind::kRawReply);
  EXPECT_EQ(nodes[0]->workers().size(), 2u);
}

TEST(RawHostileTest, AnAnswerThatIsMalformedFailsTheCallsToItsSender) {
  RawNodes nodes(Over::kUnix);
  nodes.make(1);
  Stranger stranger(*nodes[0].node);
  stranger.introduce();
  const auto sink = nodes[0].call(9, "x");
  stranger.ear->wait_for(FrameKind::kRawRequest);
  stranger.send(FrameKind::kRawReply, uint64_t{1} << 32 | 1, words({1, 9, 0}));
  EXPECT_EQ(sink->get().failure.kind, Kind::kDied);
  EXPECT_THAT(sink->get().failure.text, HasSubstr("its flags are 0x9"));
}

TEST(RawHostileTest, WhoSaysNothingAfterItsProofIsGivenUp) {
  RawNodes nodes(Over::kUnix);
  nodes.make(1);
  Stranger stranger(*nodes[0].node);
  const CloseInfo end = stranger.ear->end();
  EXPECT_EQ(end.reason, GoodbyeReason::kRefused);
  EXPECT_THAT(message_of(end.error), HasSubstr("it did not introduce itself in time"));
  nodes[0].wait_for_line("did not introduce itself in time");
}

TEST(RawHostileTest, ANodeGoesAwayWithStrangersThatHaveNotIntroducedThemselves) {
  RawNodes nodes(Over::kUnix);
  nodes.make(1);
  Stranger one(*nodes[0].node), two(*nodes[0].node, "another");
  two.introduce(3);
  const TimePoint begin = Clock::now();
  nodes.all.clear();
  EXPECT_LT(Clock::now() - begin, 10s);
  EXPECT_EQ(one.ear->end().reason, GoodbyeReason::kShutdown);
  EXPECT_EQ(two.ear->end().reason, GoodbyeReason::kShutdown);
}

TEST(RawHostileTest, AWorkerStartedAnewIsTakenInOnceTheNewsOfItsEndIsThere) {
  RawNodes nodes(Over::kUnix), fresh(Over::kUnix);
  nodes.make(1);
  Stranger old(*nodes[0].node, "w1");
  old.introduce(1);
  fresh.add(1)->open();
  std::thread connecting([&] { fresh[1]->connect(nodes[0]->card(), in(10s)); });
  old.connection->close(nullptr);
  connecting.join();
  EXPECT_EQ(fresh[1].call(0, "x")->get().text(), "x");
  EXPECT_EQ(nodes[0].call(1, "x")->get().text(), "x");
  EXPECT_EQ(nodes[0].handler.wait_for_deaths(1).size(), 1u);
}

TEST(RawHostileTest, GarbageOfAnyKindNeverHarmsTheOthers) {
  RawNodes nodes(Over::kUnix);
  nodes.make(2);
  std::mt19937 random(2026);
  const auto kinds = {FrameKind::kIntroduction, FrameKind::kRawRequest, FrameKind::kRawReply,
                      FrameKind::kRawFailure,   FrameKind::kCancel,     FrameKind::kRequest,
                      FrameKind::kRelease,      FrameKind::kOwnerLost,  FrameKind::kCodeKnown,
                      FrameKind::kTaken};
  for (int round = 0; round < 150; ++round) {
    // The news of the end of the one before may still be on its way.
    Stranger stranger(*nodes[0].node, "stranger " + std::to_string(round));
    if (round % 4 != 0) stranger.introduce(9 + round);
    for (int i = 0; i < 20; ++i) {
      const FrameKind kind = *(kinds.begin() + random() % kinds.size());
      std::string body = kind == FrameKind::kCancel ? "" : std::string(random() % 40, '\0');
      for (char& c : body) c = static_cast<char>(random() % 4 == 0 ? random() : random() % 3);
      const size_t segments = kind == FrameKind::kCancel ? 0 : random() % 3;
      stranger.send(kind, 1 + random() % 3, body, segments);
    }
  }
  EXPECT_EQ(nodes[1].call(0, "goes on")->get().text(), "goes on");
  wait_until("all strangers are gone", [&] { return nodes[0]->workers().size() == 2; });
  wait_until("none of their calls is left", [&] { return nodes[0]->counts().calls_running == 0; });
}

}  // namespace
}  // namespace tine::rpc::testing
