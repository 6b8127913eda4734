// The transports that users name, and the list that they get when they name none.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "src/rpc/transport/shm/shm_transport.h"
#include "src/rpc/transport/tcp/tcp_transport.h"
#include "src/rpc/transport/transport.h"

namespace tine::rpc {

// {"shm", "unix", "tcp"}
[[nodiscard]] std::vector<std::string> default_transports();
// In the order given, which is that of nearness. ValueError for an unknown name, which lists those there are, for a name
// that comes twice, and for an empty list.
[[nodiscard]] TransportList transports_named(std::span<const std::string> names, const TcpOptions& tcp,
                                             const ShmOptions& shm = {});

}  // namespace tine::rpc
