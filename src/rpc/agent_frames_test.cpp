// Frames of any content: an agent answers or ignores them, it never crashes.

#include <gtest/gtest.h>

#include <random>

#include "src/rpc/agent_parts.h"
#include "src/rpc/payload.h"
#include "src/rpc/world_for_tests.h"

namespace tine::rpc {
namespace {

using testing::Worker;

class Frames : public ::testing::Test {
 protected:
  Frames() {
    const AgentOptions o = worker_.options(0, 1, "");
    worker_.handlers.on["f"] = [](IncomingCall call) {
      call.reply(call.args().empty() ? Value() : call.args()[0]);
    };
    parts_ = std::make_shared<AgentParts>(o, 7);
    parts_->start();
  }
  ~Frames() override { parts_->shutdown(false, Seconds(0), {}); }

  void give(FrameKind kind, std::span<const std::byte> body, uint64_t id = 1) {
    Frame frame;
    frame.header.kind = kind;
    frame.header.call_id = id;
    frame.header.body_bytes = static_cast<uint32_t>(body.size());
    frame.received = Clock::now();
    // On the heap and no longer than it is, so that a sanitizer sees a read past its end.
    const std::vector<std::byte> exact(body.begin(), body.end());
    frame.body = exact;
    parts_->on_frame(*parts_->world.peer(0), frame, At::kReader);
  }

  RRefId next_id() {
    Peer& self = *parts_->world.own();
    return {0, self.incarnation, self.incarnation, ++self.last_reference};
  }
  std::vector<std::vector<std::byte>> good_bodies() {
    std::vector<std::vector<std::byte>> bodies;
    RRefTable& references = parts_->references;
    WireHooks hooks(references, 0);
    for (int target = 0; target <= 4; ++target) {
      BodyWriter out;
      out.array(5);
      out.integer(target);
      out.str(target == 0 ? "test::add" : target == 4 ? "probe" : "f");
      out.array(3);
      write_foreign(out, 1, std::vector<std::byte>(9, std::byte{3}), nullptr);
      write_value(out, testing::floats({1, 2, 3}), hooks);
      write_value(out, detail::Ref<RRefObject>(references.own(detail::make_ref<OwnerEntry>(next_id()))),
                  hooks);
      out.map(1);
      out.str("key");
      write_value(out, detail::make_ref<Tuple>(std::vector<Value>{1, "two", 3.0, Value(), true}), hooks);
      out.map(2);
      out.integer(3);
      write_rref_id(out, next_id());
      out.integer(2);
      out.str("graph()");
      const std::string hash(kCodeHashBytes, 'a');
      const Value code{detail::Ref<Foreign>(
          detail::make_ref<CodeValue>(std::make_shared<const ScriptCode>(ScriptCode{hash, "code"})))};
      BodyWriter scripted;
      write_value(scripted, detail::make_ref<List>(std::vector<Value>{"module", code, code}), hooks);
      bodies.emplace_back(scripted.body().begin(), scripted.body().end());
      bodies.emplace_back(out.body().begin(), out.body().end());
    }
    BodyWriter lease, release, number;
    write_lease(lease, {next_id(), 0, 1});
    write_release(release, next_id());
    write_fork_done(number, 1);  // also "owner lost" and "taken"
    BodyWriter known;
    known.str(std::string(kCodeHashBytes, 'a'));
    for (const BodyWriter* out : {&lease, &release, &number, &known})
      bodies.emplace_back(out->body().begin(), out->body().end());
    BodyWriter error;
    write_error(error, ErrorBody::of(make_error(ErrorKind::kValue, "text")));
    bodies.emplace_back(error.body().begin(), error.body().end());
    hooks.sent();
    return bodies;
  }

  Worker worker_;
  std::shared_ptr<AgentParts> parts_;
};

constexpr FrameKind kKinds[] = {FrameKind::kRequest, FrameKind::kReply,     FrameKind::kError,
                                FrameKind::kCancel,  FrameKind::kLease,     FrameKind::kForkDone,
                                FrameKind::kRelease, FrameKind::kOwnerLost, FrameKind::kCodeKnown,
                                FrameKind::kTaken};

TEST_F(Frames, OfAnyBytesNeverCrash) {
  std::mt19937 random(20261120);
  const auto bodies = good_bodies();
  for (int i = 0; i < 30000; ++i) {
    std::vector<std::byte> body = bodies[random() % bodies.size()];
    for (uint32_t changes = random() % 4; changes > 0 && !body.empty(); --changes) {
      const size_t at = random() % body.size();
      switch (random() % 4) {
        case 0: body[at] = static_cast<std::byte>(random()); break;
        case 1: body.resize(at); break;
        case 2:
          body.insert(body.begin() + static_cast<ptrdiff_t>(at), static_cast<std::byte>(random()));
          break;
        case 3: body[at] ^= static_cast<std::byte>(1U << random() % 8); break;
      }
    }
    give(kKinds[random() % std::size(kKinds)], body, random() % 3);
  }
  for (int i = 0; i < 10000; ++i) {
    std::vector<std::byte> body(random() % 64);
    for (auto& b : body) b = static_cast<std::byte>(random());
    give(kKinds[random() % std::size(kKinds)], body, random() % 3);
  }
  EXPECT_EQ(parts_->calls.call(*parts_->world.peer(0), CallRequest::builtin("test::plus", {1}), kNoDeadline)
                .get()
                .to_int(),
            2);
}

TEST_F(Frames, OfADeepNestOfListsAreRefusedNotFollowed) {
  std::vector<std::byte> body{std::byte{0x95}, std::byte{0}, std::byte{0xa1}, std::byte{'f'},
                              std::byte{0x91}};
  body.insert(body.end(), 1 << 20, std::byte{0x91});
  give(FrameKind::kRequest, body);
  give(FrameKind::kReply, std::span(body).subspan(5));
}

}  // namespace
}  // namespace tine::rpc
