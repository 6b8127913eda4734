#include "src/rpc/transport/machine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>

namespace tine::rpc {

std::string machine_identity() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  // Both belong to a network namespace.
  std::array<char, 64> net{};
  const ssize_t n = ::readlink("/proc/self/ns/net", net.data(), net.size() - 1);
  return fmt::format("{}/{}", boot, n > 0 ? net.data() : "?");
}

}  // namespace tine::rpc
