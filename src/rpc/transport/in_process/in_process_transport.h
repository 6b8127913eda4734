// The transport "inproc:name": workers in one process. Those that were given the same factory reach each other.
#pragma once

#include <memory>

#include "src/rpc/transport/transport.h"

namespace tine::rpc {

[[nodiscard]] std::shared_ptr<const TransportFactory> in_process_transport();

}  // namespace tine::rpc
