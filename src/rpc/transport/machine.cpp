#include "src/rpc/transport/machine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "src/rpc/auth/secret.h"

namespace tine::rpc {

std::string machine_identity() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  // Both belong to a network namespace.
  std::array<char, 64> net{};
  const ssize_t n = ::readlink("/proc/self/ns/net", net.data(), net.size() - 1);
  // What cannot be read is not the same as what another process cannot read: then TCP leads to the others.
  if (boot.empty() || n <= 0) return fmt::format("unknown {:016x}", random_incarnation());
  return fmt::format("{}/{}", boot, net.data());
}

}  // namespace tine::rpc
