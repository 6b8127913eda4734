// "unix:/path" and "unix:@name", the latter a name that lies in no folder; or with another scheme.
#pragma once

#include <string_view>

#include "src/rpc/transport/stream/socket.h"

namespace tine::rpc {

// ValueError that quotes the address.
[[nodiscard]] SocketAddress parse_unix(std::string_view address, std::string_view scheme = "unix");

}  // namespace tine::rpc
