// Acceptor: lets each channel that comes in prove itself, and hands the proven connections on.
//
// It is shared by the listener, by what accepts for it, and by the handshakes that are under way. It listens, then is closed.
// accepted() runs on the loop's thread, as the hooks of ListenOptions do.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <string>

#include "src/rpc/transport/pending_handshake.h"
#include "src/rpc/transport/transport.h"

namespace tine::rpc {

[[nodiscard]] Handshake::Config handshake_config(const Identity& identity, Handshake::Role role,
                                                 std::string address);

class Acceptor final : public std::enable_shared_from_this<Acceptor>, private Loop::Errand {
 public:
  Acceptor(const Loop& loop, Identity identity, ListenOptions options, std::string address);
  // Without memory or randomness for it the channel is dropped, and its other side finds out by that.
  void accepted(std::unique_ptr<Channel> channel, std::string peer_address) noexcept;
  // What came in is not even let prove itself, for this reason.
  void refused(std::exception_ptr error, const std::string& claimed = {}) const noexcept;
  void refuse_pending() noexcept;
  void close() noexcept;  // any thread
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  [[nodiscard]] Loop& loop() noexcept { return loop_; }

 private:
  void finished(PendingHandshake& pending, detail::Ref<Connection> connection,
                std::exception_ptr error) noexcept;
  void run_errand() noexcept override;
  void drop_errand() noexcept override;

  Loop loop_;
  const Identity identity_;
  const ListenOptions options_;
  const std::string address_;
  std::atomic<bool> closed_{false};
  std::shared_ptr<Acceptor> posted_;                  // itself, by the one close() that posts it
  std::list<detail::Ref<PendingHandshake>> pending_;  // the loop's thread alone; oldest first
};

}  // namespace tine::rpc
