#include "src/rpc/transport/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>

#include "src/rpc/wire/frame.h"
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

TcpEndpoint parse_tcp(std::string_view address, bool for_listening) {
  auto bad = [&](std::string_view why) {
    return ValueError(fmt::format(
        "'{}' is not a TCP address: {}; expected tcp://host:port or tcp://[ipv6]:port", address, why));
  };
  constexpr std::string_view kScheme = "tcp://";
  if (!address.starts_with(kScheme)) throw bad("it does not start with tcp://");
  const std::string_view rest = address.substr(kScheme.size());
  const size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) throw bad("the port is missing");
  std::string_view host = rest.substr(0, colon);
  const std::string_view port = rest.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    throw bad("an IPv6 host must be in brackets");
  }
  if (host.empty()) throw bad("the host is missing");
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size() || number > 65535) {
    throw bad(fmt::format("its port '{}' is not a number from 1 to 65535", port));
  }
  if (number == 0 && !for_listening) throw bad("port 0 can only be listened on");
  return {std::string(host), std::string(port)};
}

std::vector<SocketAddress> resolve(const TcpEndpoint& endpoint, std::string_view address,
                                   bool for_listening) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (for_listening ? AI_PASSIVE : 0);
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &list);
  if (error != 0) {
    throw SystemError(fmt::format("the host of {} cannot be found: {}", address,
                                  error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  std::vector<SocketAddress> result;
  for (const addrinfo* entry = list; entry; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    SocketAddress found;
    std::memcpy(&found.storage, entry->ai_addr, entry->ai_addrlen);
    found.length = entry->ai_addrlen;
    result.push_back(found);
  }
  if (result.empty()) throw SystemError(fmt::format("the host of {} has no IPv4 or IPv6 address", address));
  return result;
}

SocketAddress parse_unix(std::string_view address) {
  constexpr std::string_view kScheme = "unix:";
  if (!address.starts_with(kScheme) || address.size() == kScheme.size()) {
    throw ValueError(
        fmt::format("'{}' is not a unix socket address: expected unix:/path or unix:@name", address));
  }
  std::string_view path = address.substr(kScheme.size());
  if (path.starts_with("//")) path.remove_prefix(2);
  SocketAddress result;
  auto& un = reinterpret_cast<sockaddr_un&>(result.storage);
  un.sun_family = AF_UNIX;
  if (path.size() >= sizeof un.sun_path || path.find('\0') != std::string_view::npos) {
    throw ValueError(
        fmt::format("the socket path '{}' has {} bytes, at most {} are possible: use a shorter folder or "
                    "unix:@name",
                    path, path.size(), sizeof un.sun_path - 1));
  }
  std::memcpy(un.sun_path, path.data(), path.size());
  const bool abstract = path.starts_with('@');
  if (abstract) un.sun_path[0] = '\0';
  result.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
  return result;
}

std::array<FileDescriptor, 2> FileDescriptor::socket_pair() noexcept {
  int pair[2] = {-1, -1};
  const UnforkedScope scope;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) return {};
  return {FileDescriptor(pair[0]), FileDescriptor(pair[1])};
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
  bound_unsent(fd, kMostUnsent);
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

SocketAddress peer_address(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0)
    address.length = 0;
  return address;
}

}  // namespace tine::rpc
