#include "src/rpc/transport/named_transports.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/rpc/transport/unix/unix_transport.h"

namespace tine::rpc {

std::vector<std::string> default_transports() { return {"shm", "unix", "tcp"}; }

TransportList transports_named(std::span<const std::string> names, const TcpOptions& tcp,
                               const ShmOptions& shm) {
  TransportList list;
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) != name)
      throw ValueError(fmt::format("the transport '{}' is named twice", *name));
    if (*name == "shm") {
      list.push_back(shm_transport(shm));
    } else if (*name == "unix") {
      list.push_back(unix_transport());
    } else if (*name == "tcp") {
      list.push_back(tcp_transport(tcp));
    } else {
      throw ValueError(fmt::format("there is no transport '{}': expected 'shm', 'unix' or 'tcp'", *name));
    }
  }
  if (list.empty()) throw ValueError("no transport is named: expected some of 'shm', 'unix' and 'tcp'");
  return list;
}

}  // namespace tine::rpc
