// PendingHandshake: a connected socket whose peer has yet to prove itself.
//
// State      Going until it calls `done`, once, with a connection or an error.
// Threads    The loop's thread alone.
// Ordering   None.
// Ownership  Owns its socket; the loop holds it while it is going.
// Errors     Go to `done`.
// Cost       One socket, about a kilobyte, one timer; never longer than its deadline.
// Source     docs/spec/wire.md, section 1.
#pragma once

#include <functional>
#include <optional>

#include "src/rpc/auth/handshake.h"
#include "src/rpc/transport/connection.h"
#include "src/rpc/transport/endpoint.h"
#include "src/rpc/transport/io_loop.h"

namespace tine::rpc {

class PendingHandshake final : public Pollable {
 public:
  using Done = std::function<void(PendingHandshake&, detail::Ref<Connection>, std::exception_ptr)>;
  using Admit = std::function<bool(const PeerInfo&)>;

  PendingHandshake(const Loop& loop, FileDescriptor fd, Handshake::Config config, ConnectionOptions options,
                   Admit admit, Done done);
  void begin(TimePoint deadline);
  void refuse(RefusalCode code) noexcept;  // acceptor
  void on_events(uint32_t events) noexcept override;
  // As the other side says; unproven.
  [[nodiscard]] const std::string& claimed_name() const noexcept { return handshake_.peer_name(); }

 private:
  void step();
  bool write_out();
  void finish(detail::Ref<Connection> connection, std::exception_ptr error) noexcept;
  [[nodiscard]] PeerInfo peer() const;

  Loop loop_;
  FileDescriptor fd_;
  const bool acceptor_;
  const std::string address_;
  Handshake handshake_;
  const ConnectionOptions options_;
  Admit admit_;
  Done done_;
  TimerId timer_;
  bool watched_ = false;
  bool wants_writable_ = false;
};

}  // namespace tine::rpc
