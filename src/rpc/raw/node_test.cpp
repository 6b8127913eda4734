#include <gmock/gmock.h>

#include "src/rpc/raw/nodes_for_tests.h"

namespace tine::rpc::testing {
namespace {

using ::testing::HasSubstr;
using Kind = RawFailure::Kind;

struct Way {
  const char* name;
  bool unix_sockets;
};

class RawNodeTest : public ::testing::TestWithParam<Way> {
 protected:
  // Two of them, connected and open.
  void make_two(const std::function<void(int, RawNodeOptions&)>& change = {}) {
    for (int id = 0; id < 2; ++id) add(id, change);
    b->connect(a->card(), in(10s));
    a->expect("w1", in(10s));
    a->open();
    b->open();
  }
  RawOne& add(int id, const std::function<void(int, RawNodeOptions&)>& change = {}) {
    nodes.push_back(std::make_unique<RawOne>(id, [&](RawNodeOptions& o) {
      o.unix_sockets = GetParam().unix_sockets;
      if (change) change(id, o);
    }));
    (id == 0 ? a : b) = nodes.back().get();
    return *nodes.back();
  }
  std::vector<std::unique_ptr<RawOne>> nodes;
  struct {
    RawOne* one = nullptr;
    RawNode* operator->() const { return one->node.get(); }
    RawOne& operator*() const { return *one; }
    void operator=(RawOne* o) { one = o; }
  } a, b;
};

INSTANTIATE_TEST_SUITE_P(Ways, RawNodeTest, ::testing::Values(Way{"unix", true}, Way{"tcp", false}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(RawNodeTest, ACallIsAnswered) {
  make_two();
  EXPECT_EQ((*a).call(1, "hello")->get().text(), "hello");
  EXPECT_EQ((*b).call(0, "there")->get().text(), "there");
}

TEST_P(RawNodeTest, BothKnowEachOtherById) {
  make_two();
  const std::vector<RawWorker> both{{"w0", 0}, {"w1", 1}};
  EXPECT_EQ(a->workers(), both);
  EXPECT_EQ(b->workers(), both);
  EXPECT_EQ(RawNode::owner_of(b->card()), both[1]);
}

TEST_P(RawNodeTest, SegmentsOfAnySizeArriveAsTheyWere) {
  make_two();
  RawMessage m{7, RawBytes::copy("body"), {}};
  for (const size_t size : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{4096}, size_t{300'000},
                            size_t{0}, size_t{64} << 20}) {
    auto bytes = std::make_shared<std::vector<std::byte>>(size);
    for (size_t i = 0; i < size; i += 1 + i / 7) (*bytes)[i] = static_cast<std::byte>(i * 31 + size);
    m.segments.emplace_back(*bytes, bytes);
  }
  const auto sent = m.segments;
  const auto sink = (*a).call(1, std::move(m));
  const Ended& got = sink->get();
  ASSERT_TRUE(got.ok) << got.failure.text;
  EXPECT_EQ(got.reply.tag, 7u);
  EXPECT_EQ(got.reply.body.text(), "body");
  ASSERT_EQ(got.reply.segments.size(), sent.size());
  for (size_t i = 0; i < sent.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(got.reply.segments[i].bytes(), sent[i].bytes())) << i;
    if (sent[i].size() == 0) continue;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(got.reply.segments[i].bytes().data()) % 64, 0u);
  }
}

TEST_P(RawNodeTest, ADeadlineThatComesFirstEndsTheCall) {
  make_two();
  nodes[1]->handler.on_call = [kept = std::make_shared<std::vector<RawCall>>()](RawCall call) {
    kept->push_back(std::move(call));
  };
  const auto sink = (*a).call(1, "x", in(50ms));
  EXPECT_EQ(sink->get().failure.kind, Kind::kTimedOut);
  EXPECT_THAT(sink->get().text(), HasSubstr("RPC ran for more than its timeout: worker 'w1' (id 1)"));
  nodes[1]->handler.on_call = nullptr;
}

TEST_P(RawNodeTest, AWorkerThatClosesFailsTheCallsToIt) {
  make_two();
  std::vector<RawCall> kept;
  std::mutex m;
  nodes[1]->handler.on_call = [&](RawCall call) {
    const std::lock_guard l(m);
    kept.push_back(std::move(call));
  };
  const auto sink = (*a).call(1, "x");
  while (b->counts().calls_running == 0) std::this_thread::yield();
  b->close();
  EXPECT_EQ(sink->get().failure.kind, Kind::kDied);
  EXPECT_THAT(sink->get().text(), HasSubstr("worker 'w1' (id 1) has left"));
  const auto deaths = nodes[0]->handler.wait_for_deaths(1);
  EXPECT_TRUE(deaths[0].left);
}
TEST_P(RawNodeTest, ACallToOneselfIsHandedOver) {
  make_two();
  EXPECT_EQ((*a).call(0, "me")->get().text(), "me");
}
TEST_P(RawNodeTest, CloseFailsWhatIsPending) {
  make_two();
  std::vector<RawCall> kept;
  std::mutex m;
  nodes[1]->handler.on_call = [&](RawCall call) {
    const std::lock_guard l(m);
    kept.push_back(std::move(call));
  };
  const auto sink = (*a).call(1, "x");
  while (b->counts().calls_running == 0) std::this_thread::yield();
  a->close();
  EXPECT_EQ(sink->get().failure.kind, Kind::kClosed);
}

}  // namespace
}  // namespace tine::rpc::testing
