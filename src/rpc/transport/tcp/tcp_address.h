// "tcp://host:port" and "tcp://[ipv6]:port".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/rpc/transport/stream/socket.h"

namespace tine::rpc {

struct TcpAddress {
  std::string host;  // without brackets
  std::string port;
};
// ValueError that quotes the address. Port 0 is for listening alone.
[[nodiscard]] TcpAddress parse_tcp(std::string_view address, bool for_listening);
// All that the system knows the host by. It may ask the network. SystemError that quotes the address.
[[nodiscard]] std::vector<SocketAddress> resolve(const TcpAddress& parsed, std::string_view address,
                                                 bool for_listening);
// The address of this machine from which it reaches the host of that address, in brackets if it is of IPv6; 127.0.0.1 for
// what cannot be reached or is not such an address. Nothing is sent.
[[nodiscard]] std::string local_host_towards(std::string_view address);

}  // namespace tine::rpc
