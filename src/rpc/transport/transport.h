// Transport: listens and connects; what comes out are authenticated Connections.
//
// State      None of its own but for options; listeners live until closed.
// Threads    Any. on_connection, admit and on_refused run on the loop's thread.
// Ordering   None between connections.
// Ownership  A Transport uses the loop, which must outlive it. A Listener is counted and closed by its last
//            reference or close().
// Errors     SystemError or ValueError naming the address; ConnectError; AuthError naming address, roles and reason.
// Cost       A connection: two round trips. Strangers cost at most 64 pending handshakes of fixed size.
// Source     docs/spec/wire.md, section 1.
#pragma once

#include <cerrno>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "src/rpc/auth/secret.h"
#include "src/rpc/transport/connection.h"
#include "src/rpc/transport/io_loop.h"
#include "tine/error.h"
#include "tine/future.h"

namespace tine::rpc {

// The identity of this process in each handshake.
struct Identity {
  std::string name;  // 1 to 128 bytes of UTF-8
  uint64_t incarnation = 0;
  std::shared_ptr<const Secret> secret;
  uint64_t features = 0;  // src/rpc/wire/handshake.h
};

struct ListenOptions {
  ConnectionOptions connection;
  std::chrono::milliseconds handshake_timeout{5000};
  size_t max_pending_handshakes = 64;
  // Each proven peer: start() the connection here or later. Required.
  std::function<void(detail::Ref<Connection>)> on_connection;
  // After the peer's proof, before ours: false refuses it (duplicate name, earlier life). Optional.
  std::function<bool(const PeerInfo&)> admit;
  // Each refused or failed handshake, and the name that the other side gave itself, unproven; empty before it gave one.
  // Optional. On the loop's thread, which strangers keep busy: it hands the line to a log that sums up what comes by the
  // thousand, and waits for nobody.
  std::function<void(std::exception_ptr, const std::string& claimed)> on_refused;
};

struct ConnectOptions {
  ConnectionOptions connection;
  TimePoint deadline = kNoDeadline;  // kNoDeadline: 30 s from the call
  // Nobody listens yet: try again until the deadline. Never after a refusal.
  bool retry = false;
  // When not empty, only a peer that proves this name is taken.
  std::string expected_name;
};

// The network has refused a connection. What this process lacks for one (a descriptor, the address of a host) is a
// SystemError, which says nothing about the other side.
class ConnectError final : public Error {
 public:
  ConnectError(std::string message, int code) : Error(std::move(message), ErrorKind::kSystem), code_(code) {}
  [[nodiscard]] int code() const noexcept { return code_; }  // errno's
  [[nodiscard]] bool nobody_listens() const noexcept { return code_ == ECONNREFUSED || code_ == ENOENT; }
  [[nodiscard]] std::exception_ptr to_exception_ptr() const override {
    return std::make_exception_ptr(*this);
  }

 private:
  int code_;
};

class Listener : public detail::RefCounted {
 public:
  [[nodiscard]] virtual const std::string& address() const noexcept = 0;  // with the real port
  // No new connections, pending handshakes are refused; connections made stay.
  virtual void close() noexcept = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual std::string_view scheme() const noexcept = 0;  // "tcp", "unix", "inproc"
  [[nodiscard]] virtual detail::Ref<Listener> listen(const std::string& address, ListenOptions options) = 0;
  // Resolving a host name may block; everything behind that does not.
  [[nodiscard]] virtual Future<detail::Ref<Connection>> connect(const std::string& address,
                                                                ConnectOptions options) = 0;
};

struct TransportOptions {
  // Without TLS (not built yet) a TCP address beyond loopback is refused unless this is set by name.
  bool plaintext_beyond_loopback = false;
};

// "tcp://host:port" (port 0 on listen: any), "tcp://[::1]:port".
[[nodiscard]] std::unique_ptr<Transport> make_tcp_transport(IoLoop& loop, Identity identity,
                                                            TransportOptions options = {});
// "unix:/path" or "unix:@abstract".
[[nodiscard]] std::unique_ptr<Transport> make_unix_transport(IoLoop& loop, Identity identity);

// "inproc:name": agents of one process that were given the same InProcessHub.
class InProcessHub;
[[nodiscard]] std::shared_ptr<InProcessHub> make_in_process_hub();
[[nodiscard]] std::unique_ptr<Transport> make_in_process_transport(IoLoop& loop, Identity identity,
                                                                   std::shared_ptr<InProcessHub> hub);

}  // namespace tine::rpc
