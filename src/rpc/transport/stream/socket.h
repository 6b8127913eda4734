// FileDescriptor, SocketAddress: sockets and the addresses that the system knows them by, of whatever family.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "src/base/fd.h"
#include "src/base/forks.h"

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

// Non-blocking, close-on-exec, TCP_NODELAY where it applies. Empty, with errno EAFNOSUPPORT, where the system does
// not speak that family: a host name may well have addresses of another.
[[nodiscard]] FileDescriptor make_socket(int family);
void prepare_accepted(int fd, int family) noexcept;
// About so many bytes lie in the socket that are not on their way yet: what is sent next waits for those.
void bound_unsent(int fd, size_t bytes) noexcept;
[[nodiscard]] SocketAddress local_address(int fd);
// Why the process at the other end of a connected unix socket is not to be talked to, the end of a sentence: it is another
// user's (unix(7), SO_PEERCRED: of the one that connected, and of the one that listens). Empty: it is this user's, or the
// socket is of another family.
[[nodiscard]] std::string objection_to_user_of(int fd);

// "cannot listen on tcp://host:1: Address already in use", of errno.
[[nodiscard]] std::string errno_text(std::string_view what, std::string_view address);

}  // namespace tine::rpc
