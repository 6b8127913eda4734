// The transport "tcp://host:port", "tcp://[::1]:port"; port 0, for listening, is any.
#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include "src/rpc/transport/transport.h"
#include "tine/tls.h"

namespace tine::rpc {

struct TcpOptions {
  // Where an address of this worker's own is: "host" or "host:port". Empty: at the interface that leads to the meeting
  // place, any port.
  std::string host{};
  // Without TLS an address beyond loopback is refused unless this is set by name.
  bool plaintext_beyond_loopback = false;
  // Unless it is empty every connection is encrypted, and both ends prove a certificate; make() throws what
  // TlsContext::load() throws.
  TlsOptions tls{};
  std::optional<std::time_t> clock{};  // for tests: TlsContext::load()
};

[[nodiscard]] std::shared_ptr<const TransportFactory> tcp_transport(TcpOptions options = {});

}  // namespace tine::rpc
