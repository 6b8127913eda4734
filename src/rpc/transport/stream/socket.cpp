#include "src/rpc/transport/stream/socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "src/rpc/transport/channel.h"
#include "tine/error.h"

namespace tine::rpc {

bool SocketAddress::is_loopback() const noexcept {
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    return (ntohl(in.sin_addr.s_addr) >> 24) == 127;
  }
  if (storage.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) return in.sin6_addr.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr);
  }
  return storage.ss_family == AF_UNIX;
}

std::string SocketAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    ::inet_ntop(AF_INET, &in.sin_addr, host.data(), host.size());
    return fmt::format("tcp://{}:{}", host.data(), ntohs(in.sin_port));
  }
  if (storage.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    ::inet_ntop(AF_INET6, &in.sin6_addr, host.data(), host.size());
    return fmt::format("tcp://[{}]:{}", host.data(), ntohs(in.sin6_port));
  }
  const auto& un = reinterpret_cast<const sockaddr_un&>(storage);
  const size_t used = length > offsetof(sockaddr_un, sun_path) ? length - offsetof(sockaddr_un, sun_path) : 0;
  if (used == 0) return "unix:";
  if (un.sun_path[0] == '\0') return fmt::format("unix:@{}", std::string_view(un.sun_path + 1, used - 1));
  return fmt::format("unix:{}", std::string_view(un.sun_path, ::strnlen(un.sun_path, used)));
}

FileDescriptor make_socket(int family) {
  FileDescriptor fd = FileDescriptor::made_by(
      [&] { return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); });
  if (fd) {
    prepare_accepted(fd.get(), family);
  } else if (errno != EAFNOSUPPORT) {
    throw SystemError(fmt::format("a socket cannot be made: {}", std::strerror(errno)));
  }
  return fd;
}

void prepare_accepted(int fd, int family) noexcept {
  const int one = 1;
  if (family == AF_INET || family == AF_INET6) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  bound_unsent(fd, kMostUnread);
}

void bound_unsent(int fd, size_t bytes) noexcept {
  const int most = static_cast<int>(bytes);
  int family = AF_UNSPEC;
  socklen_t size = sizeof family;
  (void)::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
  if (family == AF_UNIX) {
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof most);
  } else {
    // TCP sizes its buffers by itself: there what is not on its way yet is bounded.
    ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
  }
}

SocketAddress local_address(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0)
    address.length = 0;
  return address;
}

std::string objection_to_user_of(int fd) {
  if (local_address(fd).storage.ss_family != AF_UNIX) return {};
  ucred other{};
  socklen_t size = sizeof other;
  const bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &size) == 0;
  if (known && other.uid == ::geteuid()) return {};
  return fmt::format(
      "it belongs to {}, and this process to user {}: unix sockets are for the processes of one user; to "
      "join "
      "those of several, also root's, give all of them the transport \"tcp\" alone",
      known ? fmt::format("user {} (process {})", other.uid, other.pid) : "a user who is not known",
      ::geteuid());
}

std::string errno_text(std::string_view what, std::string_view address) {
  return fmt::format("{} {}: {}", what, address, std::strerror(errno));
}

}  // namespace tine::rpc
