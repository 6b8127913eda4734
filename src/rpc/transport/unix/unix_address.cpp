#include "src/rpc/transport/unix/unix_address.h"

#include <fmt/format.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "tine/error.h"

namespace tine::rpc {

SocketAddress parse_unix(std::string_view address, std::string_view scheme) {
  const size_t begin = scheme.size() + 1;
  if (!address.starts_with(scheme) || address.size() <= begin || address[scheme.size()] != ':') {
    throw ValueError(fmt::format("'{}' is not a unix socket address: expected {}:/path or {}:@name", address,
                                 scheme, scheme));
  }
  std::string_view path = address.substr(begin);
  if (path.starts_with("//")) path.remove_prefix(2);
  SocketAddress result;
  auto& un = reinterpret_cast<sockaddr_un&>(result.storage);
  un.sun_family = AF_UNIX;
  if (path.size() >= sizeof un.sun_path || path.find('\0') != std::string_view::npos) {
    throw ValueError(
        fmt::format("the socket path '{}' has {} bytes, at most {} are possible: use a shorter folder or "
                    "{}:@name",
                    path, path.size(), sizeof un.sun_path - 1, scheme));
  }
  std::memcpy(un.sun_path, path.data(), path.size());
  const bool abstract = path.starts_with('@');
  if (abstract) un.sun_path[0] = '\0';
  result.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
  return result;
}

}  // namespace tine::rpc
