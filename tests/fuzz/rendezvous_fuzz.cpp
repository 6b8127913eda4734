// How workers meet: whatever a proven peer sends to the register of rank 0, and whatever a worker that registers gets as its answer,
// ends in a list of workers or in an error.
//
// The first byte: 0 to 127 frames to the register, else the body of the register's answer; with 64 in it the world changes. A
// frame is the number of its connection, call id, number of body bytes (16 bits), body. A connection of the number 255 ends all,
// one of the number 254 ends the first, and 253 lets the next thing happen that the register has put off.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "src/rpc/rendezvous.h"

namespace {

using namespace tine::rpc;
using tine::Future;

std::span<const std::byte> answer;  // to what is sent; empty: none

class Fed final : public Connection {
 public:
  Fed(std::string name, uint64_t incarnation) {
    peer_ = {std::move(name), incarnation, "fuzz", kWireVersion, false};
  }
  void start(tine::detail::Ref<FrameHandler> handler) override { handler_ = std::move(handler); }
  std::exception_ptr send(OutFrame frame) override {
    if (const std::string wrong = frame.seal(); !wrong.empty()) std::abort();
    if (!answer.empty()) give(FrameKind::kReply, frame.call_id, std::exchange(answer, {}));
    return nullptr;
  }
  bool has_room() const noexcept override { return true; }
  size_t copied_bytes() const noexcept override { return 0; }
  Future<void> room() override { return tine::make_ready(); }
  bool try_poll(tine::TimePoint, DoneCheck done) noexcept override { return done(); }
  // As a connection's, on_close comes later: by end().
  void shutdown(GoodbyeReason, std::string_view, tine::TimePoint) noexcept override { closed_ = true; }
  void close(std::exception_ptr) noexcept override { closed_ = true; }
  bool closed() const noexcept override { return closed_; }
  std::exception_ptr error() const override { return nullptr; }
  void expect_wait() noexcept override {}
  void linger(Lingerer&) noexcept override {}
  const PeerInfo& peer() const noexcept override { return peer_; }

  void give(FrameKind kind, uint64_t id, std::span<const std::byte> body) {
    if (!handler_ || closed_) return;
    Frame frame;
    frame.header.kind = kind;
    frame.header.call_id = id;
    frame.body = body;
    handler_->on_frame(*this, frame);
  }
  void end() noexcept {
    closed_ = true;
    const auto handler = std::move(handler_);
    CloseInfo info;
    info.error = tine::make_error(tine::ErrorKind::kPeerDied, "the end");
    if (handler) handler->on_close(*this, info);
  }

 private:
  PeerInfo peer_;
  tine::detail::Ref<FrameHandler> handler_;
  bool closed_ = false;
};

class FedListener final : public Listener {
 public:
  const std::string& address() const noexcept override { return address_; }
  void close() noexcept override {}

 private:
  const std::string address_ = "fuzz:0";
};

class FedTransport final : public Transport {
 public:
  std::string_view scheme() const noexcept override { return "fuzz"; }
  tine::detail::Ref<Listener> listen(const std::string&, ListenOptions options) override {
    on_connection = options.on_connection;
    return tine::detail::make_ref<FedListener>();
  }
  Future<tine::detail::Ref<Connection>> connect(const std::string&, ConnectOptions) override {
    connected = tine::detail::make_ref<Fed>("w0", 6);
    return tine::make_ready(tine::detail::Ref<Connection>(connected));
  }
  std::string own_address(const std::string&) const override { return "fuzz:1"; }
  std::string reach(const std::string&) const override { return ""; }
  std::function<void(tine::detail::Ref<Connection>)> on_connection;
  tine::detail::Ref<Fed> connected;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  FedTransport transport;
  RendezvousOptions options;
  options.address = "fuzz:0";
  options.deadline = tine::Clock::now() + std::chrono::milliseconds(data[0] < 128 ? 0 : 20);
  const bool changes = (data[0] & 64) != 0;
  options.world_size = changes ? 0 : 3;
  std::deque<std::function<void()>> put_off;
  options.self.name = data[0] < 128 ? "w0" : "w1";
  options.self.rank = data[0] < 128 ? 0 : 1;
  options.self.incarnation = 7;
  options.self.addresses = {{"fuzz:1", ""}};
  options.open.self = options.self;
  options.open.expect = [](const Member&) {};
  options.open.forget = [](uint64_t) {};
  options.open.schedule = [&](tine::TimePoint, std::function<void()> work) {
    put_off.push_back(std::move(work));
  };
  const std::span bytes(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  if (data[0] >= 128) {
    answer = bytes;
    if (answer.empty()) return 0;
    try {
      options.interrupted = [] { return true; };  // what is not there now never comes
      Rendezvous rendezvous(transport, options);
      const auto members = rendezvous.enter();
      if (changes &&
          std::none_of(members.begin(), members.end(), [](const Member& m) { return m.incarnation == 7; }))
        std::abort();
    } catch (const tine::Error&) {
    }
    if (transport.connected) transport.connected->end();
    answer = {};
    return 0;
  }
  std::vector<tine::detail::Ref<Fed>> connections;
  {
    Rendezvous rendezvous(transport, options);
    try {
      static_cast<void>(rendezvous.enter());
      if (!changes) std::abort();  // nobody else has registered
      rendezvous.open_register()->open();
    } catch (const tine::DeadlineExceeded&) {
    }
    for (const char* const name : {"w1", "w2", "w1"}) {
      connections.push_back(tine::detail::make_ref<Fed>(name, 8 + connections.size()));
      transport.on_connection(connections.back());
    }
    for (size_t at = 0; at + 4 <= bytes.size();) {
      const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[at + i]); };
      const auto to = byte(0);
      const uint64_t id = byte(1);
      const size_t wanted = byte(2) | static_cast<size_t>(byte(3)) << 8;
      at += 4;
      const auto body = bytes.subspan(at, std::min(wanted, bytes.size() - at));
      at += body.size();
      if (to == 255) break;
      if (to == 254) connections.front()->end();
      if (to == 253 && !put_off.empty()) {
        put_off.front()();
        put_off.pop_front();
      }
      connections[to % 3]->give(FrameKind::kRequest, id, body);
    }
    for (const auto& connection : connections) connection->end();
    if (changes) {
      for (const uint64_t life : {8, 9, 10}) rendezvous.open_register()->lost(life);
      if (!rendezvous.open_register()->end_if_alone()) std::abort();
    }
    rendezvous.fail("the end");
  }
  return 0;
}
