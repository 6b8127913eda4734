// A node that is fed frames, without sockets, and mutations of frames: for tests and fuzzers.
#pragma once

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "src/rpc/connection_for_tests.h"
#include "src/rpc/raw/node.h"
#include "src/rpc/transport/in_process/in_process_transport.h"

namespace tine::rpc::testing {

// What a frame is made of; segments of those sizes, all of zeros.
struct RawFrame {
  FrameKind kind = FrameKind::kRawRequest;
  uint64_t id = 1;
  std::vector<std::byte> body;
  std::vector<uint32_t> segments;
};

// A node whose handlers run on the thread that feeds it. One peer at a time, anew when the last one was given up.
class FedNode {
 public:
  FedNode() {
    RawNodeOptions o;
    o.name = "fed";
    o.id = 1;
    o.handler = &handler_;
    o.secret = "a secret for tests";
    parts_ = RawNode::Parts::make({here_, here_, {in_process_transport()}}, std::move(o));
    parts_->open();
  }
  ~FedNode() {
    leave();
    close();
  }
  void close() { (void)parts_->close(std::chrono::milliseconds(0), {}); }

  // Whether the node kept the peer. `error` is why not.
  bool give(const RawFrame& given, std::string* error = nullptr) {
    if (!peer_) meet();
    Frame frame;
    frame.header.kind = given.kind;
    frame.header.call_id = given.id;
    frame.header.body_bytes = static_cast<uint32_t>(given.body.size());
    frame.header.remaining_us = kNoTimeLimit;
    frame.received = Clock::now();
    // On the heap and no longer than it is, so that a sanitizer sees a read past its end.
    const std::vector<std::byte> exact(given.body);
    frame.body = exact;
    for (const uint32_t size : given.segments) {
      frame.segments.push_back(Buffer::make(Recycler::of_process(), size));
      std::memset(frame.segments.back()->data(), 0, size);
    }
    peer_->on_frame(*connection_, frame);
    if (!connection_->closed()) return true;
    if (error) *error = message_of(connection_->error());
    leave();
    return false;
  }
  // An introduction, which each peer begins with; a peer that was given none is not a worker.
  bool introduce() {
    OutFrame out(FrameKind::kIntroduction);
    write_introduction(out, {2, ""});
    return give({FrameKind::kIntroduction, 0, {out.body.body().begin(), out.body.body().end()}, {}});
  }
  // A connection comes, and ends.
  bool takes_a_stranger() {
    const auto stranger = detail::make_ref<RawPeer>(*parts_, RawWorker{},
                                                    detail::make_ref<MuteConnection>("another"), size_t{16});
    const bool taken = parts_->members.add_stranger(stranger);
    parts_->members.closed(*stranger);
    return taken;
  }
  // A call to the peer; it ends at the latest when that is given up.
  void call() {
    class Ignored final : public RawSink {
      void done(RawMessage) noexcept override {}
      void failed(RawFailure) noexcept override {}
    };
    parts_->call(2, {}, kNoDeadline, std::make_shared<Ignored>());
  }
  [[nodiscard]] size_t workers() const { return parts_->members.workers().size(); }
  [[nodiscard]] size_t handled() const { return handler_.handled; }
  [[nodiscard]] RawNode::Counts counts() const { return parts_->counts(); }

 private:
  class Handler final : public RawHandler {
   public:
    bool inline_ok(const RawMessage& message) noexcept override { return message.tag % 2 == 0; }
    void handle(RawCall call) noexcept override {
      ++handled;
      switch (call.message().tag % 4) {
        case 0: return call.reply(std::move(call.message()));
        case 1: return call.fail("as asked");
        case 2: return;  // dropped
        default: kept = std::make_unique<RawCall>(std::move(call));
      }
    }
    size_t handled = 0;
    std::unique_ptr<RawCall> kept;
  };
  void meet() {
    connection_ = detail::make_ref<MuteConnection>("stranger");
    peer_ = detail::make_ref<RawPeer>(*parts_, RawWorker{}, connection_, 16);
    if (!parts_->members.add_stranger(peer_)) std::abort();
  }
  void leave() {
    if (!peer_) return;
    CloseInfo info;
    info.error = make_error(ErrorKind::kPeerDied, "gone");
    parts_->ended(*peer_, info);
    peer_ = nullptr;
    connection_ = nullptr;
    handler_.kept = nullptr;
  }

  InlineExecutor here_;
  Handler handler_;
  std::shared_ptr<RawNode::Parts> parts_;
  detail::Ref<Connection> connection_;
  detail::Ref<RawPeer> peer_;
};

}  // namespace tine::rpc::testing
