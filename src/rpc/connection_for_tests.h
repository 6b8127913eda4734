// MuteConnection: a Connection to nobody, which notes what is sent.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "src/rpc/transport/connection.h"

namespace tine::rpc::testing {

// The first who ends it closes it.
class MuteConnection final : public Connection {
 public:
  explicit MuteConnection(std::string name) { peer_ = {std::move(name), 7, "nowhere", kWireVersion, false}; }
  void start(detail::Ref<FrameHandler>) override {}
  std::exception_ptr send(OutFrame&& frame) override {
    if (closed()) return error();
    if (out_of_memory) throw std::bad_alloc();
    if (std::string error = frame.seal(); !error.empty()) return make_error(ErrorKind::kValue, error);
    const std::lock_guard lock(mutex_);
    sent_.push_back(std::string(name_of(frame.kind)) + " " + std::to_string(frame.call_id));
    return nullptr;
  }
  bool has_room() const noexcept override { return !full; }
  size_t copied_bytes() const noexcept override { return 0; }
  Future<void> room() override { return full ? room_.future() : make_ready(); }
  void expect_wait() noexcept override {}
  void linger(Lingerer&) noexcept override {}
  bool try_poll(TimePoint, DoneCheck done) noexcept override { return done(); }
  void shutdown(GoodbyeReason, std::string_view text, TimePoint) noexcept override {
    close(make_error(ErrorKind::kPeerDied, std::string(text)));
  }
  void close(std::exception_ptr error) noexcept override {
    if (!error_) error_ = error ? std::move(error) : make_error(ErrorKind::kCancelled, "closed");
  }
  bool closed() const noexcept override { return error_ != nullptr; }
  std::exception_ptr error() const override { return error_; }
  const PeerInfo& peer() const noexcept override { return peer_; }

  // "request 4294967297", "cancel 1", ...
  [[nodiscard]] std::vector<std::string> sent() const {
    const std::lock_guard lock(mutex_);
    return sent_;
  }
  void make_room() {
    full = false;
    room_.set_value();
  }
  bool full = false;
  bool out_of_memory = false;

 private:
  PeerInfo peer_;
  std::exception_ptr error_;
  Promise<void> room_;
  mutable std::mutex mutex_;
  std::vector<std::string> sent_;
};

}  // namespace tine::rpc::testing
