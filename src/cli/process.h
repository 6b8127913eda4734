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

// Gives each of the descriptors 0, 1 and 2 that is closed to /dev/null: the next file to be opened would get its number,
// and what is meant for the standard stream would go there.
void open_standard_streams();

// A process beside the launcher that kills the groups that are left when the launcher is gone without a word. A
// parent-death signal would reach the launcher's own children, but not theirs.
//
// Threads: one. It lives from its making until its destruction, or until it has done its work.
class Guard {
 public:
  Guard();
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  // In a child between fork and exec; async-signal-safe.
  void group_begins() const noexcept;
  // The group is empty: its number may soon be somebody else's.
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
