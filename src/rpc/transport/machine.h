// machine_identity: which processes share this one's unix sockets and loopback addresses.
#pragma once

#include <string>

namespace tine::rpc {

// Equal in two processes that see each other's abstract unix sockets and loopback addresses.
[[nodiscard]] std::string machine_identity();

}  // namespace tine::rpc
