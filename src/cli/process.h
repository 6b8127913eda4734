#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "src/base/fd.h"

namespace tine::cli {

// Throws std::runtime_error: `what`, and what errno says.
[[noreturn]] void fail(const std::string& what);

// Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed. Otherwise the next file to be opened would get
// that number, and output for the standard stream would go into it.
void open_standard_streams();

// Guard: a process that kills the groups that are left when the launcher dies suddenly. A parent-death signal would reach
// only the launcher's own children, not theirs. It lives until the Guard is destroyed or has done its work. One thread
// uses it.
class Guard {
 public:
  Guard();
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  // In a child between fork and exec; async-signal-safe.
  void group_begins() const noexcept;
  // The group is empty, and its number may soon belong to another group.
  void group_ended(pid_t group) const noexcept;

 private:
  Fd to_guard_;
  pid_t pid_ = -1;
};

// One program and all that it starts, unless that leaves its process group.
struct Process {
  pid_t pid = -1;          // of the program, and the number of its group
  bool running = false;    // the program itself
  bool has_group = false;  // any process of the group
  int code = 0;            // as a shell tells it
  std::string how;
  // Reading ends; reset at end of file.
  Fd out;
  Fd err;

  // To every process of the group.
  void signal(int number) const noexcept;
};

using Environment = std::vector<std::pair<std::string, std::string>>;

// Starts the command in a process group of its own with `set` added to our environment, /dev/null as its input and
// `mask` as its blocked signals. Throws std::runtime_error when it cannot be executed.
Process start_process(std::vector<std::string> command, const Environment& set, const sigset_t& mask,
                      const Guard& guard);

}  // namespace tine::cli
