// The transport "tcp://host:port", "tcp://[::1]:port"; port 0, for listening, is any.
#pragma once

#include <memory>
#include <string>

#include "src/rpc/transport/transport.h"

namespace tine::rpc {

struct TcpOptions {
  // Where an address of this worker's own is: "host" or "host:port". Empty: at the interface that leads to the meeting
  // place, any port.
  std::string host;
  // Without TLS (not built yet) an address beyond loopback is refused unless this is set by name.
  bool plaintext_beyond_loopback = false;
};

[[nodiscard]] std::shared_ptr<const TransportFactory> tcp_transport(TcpOptions options = {});

}  // namespace tine::rpc
