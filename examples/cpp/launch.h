// Starts the workers of an example: the same program, once for each rank.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

inline void expect(bool condition, const char* what) {
  if (condition) return;
  fmt::print(stderr, "expected {}\n", what);
  std::exit(1);
}

// A port of this machine that is free now.
inline int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  (void)::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  (void)::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

// Starts this program so many times, with RANK and what else `tine launch` sets. 0 when all have ended well.
inline int start_workers(int count) {
  ::setenv("WORLD_SIZE", std::to_string(count).c_str(), 1);
  ::setenv("MASTER_ADDR", "127.0.0.1", 1);
  ::setenv("MASTER_PORT", std::to_string(free_port()).c_str(), 1);
  std::vector<pid_t> started;
  char name[] = "worker";
  char* arguments[] = {name, nullptr};
  for (int rank = 0; rank < count; ++rank) {
    ::setenv("RANK", std::to_string(rank).c_str(), 1);
    const int error =
        ::posix_spawn(&started.emplace_back(), "/proc/self/exe", nullptr, nullptr, arguments, environ);
    expect(error == 0, "a process to start");
  }
  int failed = 0;
  for (const pid_t process : started) {
    int status = 0;
    expect(::waitpid(process, &status, 0) == process, "the process to end");
    failed |= status;
  }
  return failed ? 1 : 0;
}
