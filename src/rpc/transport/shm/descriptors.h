// A descriptor that goes over a unix socket with bytes (unix(7), SCM_RIGHTS).
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

#include "src/rpc/transport/stream/socket.h"

namespace tine::rpc {

// sendmsg(2), without blocking: with the first byte goes `descriptor`, unless it is -1.
[[nodiscard]] ssize_t send_with_descriptor(int socket, iovec piece, int descriptor) noexcept;

struct Received {
  ssize_t bytes = -1;      // of recvmsg(2), with errno
  size_t descriptors = 0;  // that came; all but the first are closed
  FileDescriptor first;
  bool truncated = false;  // some could not be taken: there were more than two, or the process has too many
};
// Without blocking, and never beyond the bytes with which a descriptor came.
[[nodiscard]] Received receive_with_descriptor(int socket, iovec piece) noexcept;

}  // namespace tine::rpc
