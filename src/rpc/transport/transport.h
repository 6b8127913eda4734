// Transport: a way to make connections, such as TCP. It listens and connects, and what comes out are authenticated
// Connections. TransportFactory: what makes one for an agent or a node.
//
// To add a transport, write a folder beside tcp/, unix/ and in_process/ with a factory, and a Channel (src/rpc/transport/
// channel.h) unless its bytes go through a stream socket. Then let the conformance tests run over it (test_peers.h), and give it
// a name in named_transports.cpp. Nothing above this folder names a transport: agents and nodes are given a list of
// factories, nearest first, and publish the addresses at which the transports of that list listen.
//
// A Transport is used by any thread. on_connection and on_refused run on the loop's thread. A transport uses the loop, which
// must outlive it. A Listener is closed by its last reference or close(). A connection costs two round trips; strangers
// cost at most max_pending_handshakes handshakes of fixed size. docs/spec/wire.md, section 1.
#pragma once

#include <cerrno>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  // What its addresses begin with, up to the first colon: "tcp".
  [[nodiscard]] virtual std::string_view scheme() const noexcept = 0;
  // Throws SystemError for an address that cannot be listened on, ValueError for one that cannot be, AuthError for one that
  // others could listen in to; each names the address.
  [[nodiscard]] virtual detail::Ref<Listener> listen(const std::string& address, ListenOptions options) = 0;
  // Resolving a host name may block; everything after that does not. Throws as listen() does. The future fails with a
  // ConnectError, AuthError, DeadlineExceeded, Cancelled (the loop ends) or SystemError that names the address.
  [[nodiscard]] virtual Future<detail::Ref<Connection>> connect(const std::string& address,
                                                                ConnectOptions options) = 0;

  // An address of this worker alone, to be listened at, for those who can reach `meeting`, an address of any transport.
  // Empty: for those on this machine.
  [[nodiscard]] virtual std::string own_address(const std::string& meeting) const = 0;
  // From where such an address can be reached: a text that is equal for the transports of all who can. Empty: from
  // everywhere, as far as is known.
  [[nodiscard]] virtual std::string reach(const std::string& address) const = 0;
};

class TransportFactory {
 public:
  virtual ~TransportFactory() = default;
  [[nodiscard]] virtual std::unique_ptr<Transport> make(const Loop& loop, Identity identity) const = 0;
};

// Nearest first.
using TransportList = std::vector<std::shared_ptr<const TransportFactory>>;

}  // namespace tine::rpc
