#include "src/rpc/transport/tcp/tcp_address.h"

#include <fmt/format.h>
#include <netdb.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "src/base/fd.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

constexpr std::string_view kScheme = "tcp://";

}  // namespace

TcpAddress parse_tcp(std::string_view address, bool for_listening) {
  auto bad = [&](std::string_view why) {
    return ValueError(fmt::format(
        "'{}' is not a TCP address: {}; expected tcp://host:port or tcp://[ipv6]:port", address, why));
  };
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

std::vector<SocketAddress> resolve(const TcpAddress& parsed, std::string_view address, bool for_listening) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (for_listening ? AI_PASSIVE : 0);
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(parsed.host.c_str(), parsed.port.c_str(), &hints, &list);
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

std::string local_host_towards(std::string_view address) {
  if (!address.starts_with(kScheme)) return "127.0.0.1";
  // What is malformed the transport reports.
  const std::string rest(address.substr(kScheme.size()));
  const size_t colon = rest.rfind(':');
  if (colon == std::string::npos) return "127.0.0.1";
  std::string host = rest.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), "9", &hints, &found) != 0) return "127.0.0.1";
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> release(found, &::freeaddrinfo);
  // Connecting a datagram socket sends nothing: it only asks the routing table.
  const Fd socket(::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return "127.0.0.1";
  sockaddr_storage name{};
  socklen_t length = sizeof(name);
  std::array<char, 128> text{};
  const bool ok = ::connect(socket.get(), found->ai_addr, found->ai_addrlen) == 0 &&
                  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &length) == 0 &&
                  ::getnameinfo(reinterpret_cast<sockaddr*>(&name), length, text.data(), text.size(), nullptr,
                                0, NI_NUMERICHOST) == 0;
  if (!ok) return "127.0.0.1";
  return name.ss_family == AF_INET6 ? fmt::format("[{}]", text.data()) : text.data();
}

}  // namespace tine::rpc
