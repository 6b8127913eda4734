// Endpoint: an address in words, and the sockets that go with it.
//
// State      Plain data.
// Threads    Any.
// Ordering   None.
// Ownership  Descriptors are owned by FileDescriptor until released.
// Errors     ValueError for an address that cannot be, SystemError for one that cannot be used, AuthError for one
//            beyond loopback without TLS: each names the address.
// Cost       resolve() of a host name may ask the network.
// Source     getaddrinfo(3), unix(7).
#pragma once

#include <sys/socket.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/base/fd.h"
#include "src/base/forks.h"
#include "src/rpc/wire/frame.h"

namespace tine::rpc {

// Of a socket: each child of fork(2) closes it, so that the other end sees the death of its owner. Released it stays one
// to be closed with close_followed().
class FileDescriptor : public BasicFd<&close_followed> {
 public:
  FileDescriptor() noexcept = default;
  // Takes what make() returns, with errno as make() left it; no fork(2) comes between.
  template <class Make>
  [[nodiscard]] static FileDescriptor made_by(const Make& make) {
    const UnforkedScope scope;
    return FileDescriptor(make());
  }
  // Connected, of AF_UNIX, non-blocking, close-on-exec. Empty, with errno, where there is none to be had.
  [[nodiscard]] static std::array<FileDescriptor, 2> socket_pair() noexcept;

 private:
  explicit FileDescriptor(int fd) noexcept : BasicFd(fd) { close_in_children(fd); }
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] bool is_loopback() const noexcept;
  [[nodiscard]] std::string text() const;  // "tcp://127.0.0.1:80", "unix:/path"
};

// "tcp://host:port". `for_listening`: port 0 is allowed.
struct TcpEndpoint {
  std::string host;
  std::string port;
};
[[nodiscard]] TcpEndpoint parse_tcp(std::string_view address, bool for_listening);
[[nodiscard]] std::vector<SocketAddress> resolve(const TcpEndpoint& endpoint, std::string_view address,
                                                 bool for_listening);
// "unix:/path" or "unix:@abstract".
[[nodiscard]] SocketAddress parse_unix(std::string_view address);

// Non-blocking, close-on-exec, TCP_NODELAY where it applies. Empty, with errno EAFNOSUPPORT, where the system does
// not speak that family: a host name may well have addresses of another.
[[nodiscard]] FileDescriptor make_socket(int family);
void prepare_accepted(int fd, int family) noexcept;
// About so many bytes lie in the socket that are not on their way yet: what is sent next waits behind them.
void bound_unsent(int fd, size_t bytes) noexcept;
inline constexpr size_t kMostUnsent = 2 * kChunkBytes;
[[nodiscard]] SocketAddress local_address(int fd);
[[nodiscard]] SocketAddress peer_address(int fd);

}  // namespace tine::rpc
