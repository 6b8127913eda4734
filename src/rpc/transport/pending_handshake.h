// PendingHandshake: a channel whose peer has yet to prove itself.
//
// It goes on until it calls `done`, once, with a connection or an error. The loop's thread alone uses it; the channel's
// events hold it while it is going. It costs a channel, about a kilobyte and a timer, never for longer than its deadline.
// docs/spec/wire.md, section 1.
#pragma once

#include <functional>
#include <memory>

#include "src/rpc/auth/handshake.h"
#include "src/rpc/transport/channel.h"
#include "src/rpc/transport/connection.h"
#include "src/rpc/transport/io_loop.h"

namespace tine::rpc {

class PendingHandshake final : public ChannelEvents {
 public:
  using Done = std::function<void(PendingHandshake&, detail::Ref<Connection>, std::exception_ptr)>;

  PendingHandshake(const Loop& loop, std::unique_ptr<Channel> channel, Handshake::Config config,
                   ConnectionOptions options, Done done);
  void begin(TimePoint deadline);
  void refuse(RefusalCode code) noexcept;  // acceptor
  // As the other side says; unproven.
  [[nodiscard]] const std::string& claimed_name() const noexcept { return handshake_.peer_name(); }

 private:
  void readable() noexcept override { go_on(); }
  void writable() noexcept override { go_on(); }
  void loop_ends() noexcept override;
  void go_on() noexcept;
  void step();
  bool write_out();
  void ended(std::string_view how);
  void finish(detail::Ref<Connection> connection, std::exception_ptr error) noexcept;
  [[nodiscard]] PeerInfo peer() const;
  void agree();

  Loop loop_;
  std::unique_ptr<Channel> channel_;
  const bool acceptor_;
  const std::string address_;
  Handshake handshake_;
  const ConnectionOptions options_;
  Done done_;
  TimerId timer_;
  bool wants_writable_ = false;
  bool proven_ = false;
};

}  // namespace tine::rpc
