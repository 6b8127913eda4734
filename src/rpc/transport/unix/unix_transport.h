// The transport "unix:/path" and "unix:@name".
#pragma once

#include <memory>

#include "src/rpc/transport/transport.h"

namespace tine::rpc {

[[nodiscard]] std::shared_ptr<const TransportFactory> unix_transport();

}  // namespace tine::rpc
