#include "src/rpc/transport/shm/descriptors.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace tine::rpc {

ssize_t send_with_descriptor(int socket, iovec piece, int descriptor) noexcept {
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (descriptor >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

Received receive_with_descriptor(int socket, iovec piece) noexcept {
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  // Room for two, so that more than the one that is due is noticed and closed.
  alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> control{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  Received got;
  got.first = FileDescriptor::made_by([&] {
    int first = -1;
    got.bytes = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got.bytes < 0) return first;
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
      if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
      for (size_t at = CMSG_LEN(0); at + sizeof(int) <= head->cmsg_len; at += sizeof(int)) {
        int fd;
        std::memcpy(&fd, reinterpret_cast<const char*>(head) + at, sizeof fd);
        if (got.descriptors++ == 0) {
          first = fd;
        } else {
          ::close(fd);
        }
      }
    }
    return first;
  });
  got.truncated = got.bytes >= 0 && (message.msg_flags & MSG_CTRUNC) != 0;
  return got;
}

}  // namespace tine::rpc
