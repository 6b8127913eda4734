#include "src/rpc/transport/connection.h"

#include <fmt/format.h>

namespace tine::rpc {

std::string PeerInfo::describe() const { return fmt::format("{} ({})", name, address); }

}  // namespace tine::rpc
