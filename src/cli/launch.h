#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace tine::cli {

struct LaunchOptions {
  // Processes to start here; their ranks are first_rank, first_rank + 1, ...
  int count = 1;
  int first_rank = 0;
  // Processes on all machines together; 0 means first_rank + count.
  int world_size = 0;
  std::string master_addr = "127.0.0.1";
  // 0 picks a free port of this machine.
  int master_port = 0;
  // How long processes that were asked to end may take before they are killed.
  std::chrono::milliseconds grace{5000};
  // A program that fails does not end the others.
  bool keep_going = false;
  // Run the program by `python -m tine.pytorch`: torch.distributed.rpc over tine, the program as it is. It may also be
  // `-m module`.
  bool pytorch = false;
  // The program and its arguments. A .py file is run by $TINE_PYTHON, else by the Python tine was
  // built for.
  std::vector<std::string> command;
};

// Starts the processes, passes on their output and the signals that this process gets, and returns
// when all have ended: with 0, with the exit code of the one that failed first (128 + n for signal
// n), or with 128 + n where signal n ended the run. Each program runs in a process group of its own,
// which is ended as a whole: when a program fails (unless keep_going), when the run is ended, half a second after all
// programs have ended, and when this process is killed. A standard stream that is closed is
// taken for /dev/null. If writing to one fails, the output is lost, and 1 is returned instead of 0.
//
// REQUIRES: the calling thread is the only one of its process. Signals are blocked, and only children
// that were started here are reaped. Throws std::runtime_error for a program that cannot be started.
int launch(const LaunchOptions& options);

// Becomes `python -m module arguments...`, by the Python that launch() runs programs by. Throws std::runtime_error when that
// cannot be started.
[[noreturn]] void become_module(const std::string& module, const std::vector<std::string>& arguments);

}  // namespace tine::cli
