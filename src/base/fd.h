// Fd: an owned file descriptor, or none. The destructor closes it by Close; src/base/forks.h has one that also says so to the
// children of fork(2).
#pragma once

#include <unistd.h>

#include <utility>

namespace tine {

inline void close_fd(int fd) noexcept { ::close(fd); }

template <void (*Close)(int) noexcept>
class BasicFd {
 public:
  BasicFd() noexcept = default;
  // -1 is an empty one.
  explicit BasicFd(int fd) noexcept : fd_(fd) {}
  BasicFd(BasicFd&& other) noexcept : fd_(other.release()) {}
  BasicFd& operator=(BasicFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~BasicFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset() noexcept {
    if (fd_ >= 0) Close(release());
  }

 private:
  int fd_ = -1;
};

using Fd = BasicFd<&close_fd>;

}  // namespace tine
