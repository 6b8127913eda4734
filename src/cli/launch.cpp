#include "src/cli/launch.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "src/cli/notes.h"
#include "src/cli/output.h"
#include "src/cli/process.h"

namespace tine::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// When so much output waits to be written, the pipes of the processes are not read, and the processes wait.
constexpr std::size_t kBacklogLimit = 1024 * 1024;
// poll() calls a pipe writable when it has this much room, so a write of at most this size never blocks.
constexpr std::size_t kWriteSize = 4096;
// A grandchild may keep a pipe open after the programs have ended. Its output is waited for this long.
constexpr std::chrono::milliseconds kDrainTime{500};

// A free port. It stays bound, without listening, while the processes run, so that the system does not give it to another
// program. Rank 0 can bind it all the same, because both sockets have SO_REUSEADDR.
std::pair<Fd, int> reserve_port() {
  Fd holder(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!holder) fail("cannot make a socket to find a free port");
  const int on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::setsockopt(holder.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(holder.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::getsockname(holder.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    fail("cannot find a free port on 127.0.0.1");
  }
  return {std::move(holder), ntohs(address.sin_port)};
}

// The Python that runs programs: $TINE_PYTHON, else the one tine was built for.
std::string python() {
  if (const char* chosen = std::getenv("TINE_PYTHON"); chosen != nullptr && *chosen != '\0') return chosen;
  return fs::exists(TINE_DEFAULT_PYTHON) ? TINE_DEFAULT_PYTHON : "python3";
}

// The program and its arguments, the interpreter in front of a .py file.
std::vector<std::string> full_command(const LaunchOptions& options) {
  if (options.command.empty()) throw std::runtime_error("no program to launch; expected program.py [args]");
  std::vector<std::string> full = options.command;
  const bool is_file = full[0].ends_with(".py");
  if (options.pytorch && !is_file && full[0] != "-m") {
    throw std::runtime_error(
        fmt::format("--pytorch runs a program.py or, after --, -m module; '{}' is neither", full[0]));
  }
  if (!is_file && !options.pytorch) return full;
  if (is_file && !fs::exists(full[0])) {
    throw std::runtime_error(
        fmt::format("the program '{}' does not exist (looked in {})", full[0], fs::current_path().string()));
  }
  if (options.pytorch) full.insert(full.begin(), {"-m", "tine.pytorch"});
  full.insert(full.begin(), python());
  return full;
}

// What all processes share; each adds its ranks.
Environment common_environment(const LaunchOptions& options, int port, bool terminal,
                               const std::string& notes) {
  Environment set = {
      {"WORLD_SIZE", std::to_string(options.world_size)},
      {"LOCAL_WORLD_SIZE", std::to_string(options.count)},
      {"MASTER_ADDR", options.master_addr},
      {"MASTER_PORT", std::to_string(port)},
      // The output goes to a pipe, and into a pipe Python writes 8 KiB at a time, not each line.
      {"PYTHONUNBUFFERED", "1"},
      // isatty() is false in the processes. A program that draws a progress line looks at this variable.
      {"TINE_LAUNCH_TERMINAL", terminal ? "1" : "0"},
      {"TINE_LAUNCH_NOTES", notes},
  };
  const char* key = std::getenv("TINE_AUTH_KEY");
  if (key == nullptr || *key == '\0') set.emplace_back("TINE_AUTH_KEY", random_key());

  std::error_code ignored;
  const fs::path package = fs::read_symlink("/proc/self/exe", ignored).parent_path().parent_path() / "python";
  if (fs::exists(package / "tine", ignored)) {
    std::string path = package.string();
    const char* before = std::getenv("PYTHONPATH");
    if (before != nullptr && *before != '\0') path = path + ":" + before;
    set.emplace_back("PYTHONPATH", path);
  }
  return set;
}

class Launcher {
 public:
  explicit Launcher(LaunchOptions options)
      : options_(std::move(options)),
        terminal_(::isatty(STDOUT_FILENO) == 1),
        merger_(options_.first_rank, options_.count, terminal_, 0) {}

  ~Launcher() {
    // Programs are left only after an exception. Waiting for their ends makes sure that nothing of the run stays.
    for (Process& process : processes_) {
      if (!process.has_group) continue;
      process.signal(SIGKILL);
      while (::waitpid(-process.pid, nullptr, 0) > 0) {
      }
      guard_->group_ended(process.pid);
    }
    ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  }

  int run() {
    block_signals();
    start_all();
    while (!done()) turn();
    flush_rest();
    if (signal_ != 0) return 128 + signal_;
    return exit_code_ == 0 && output_lost_ ? 1 : exit_code_;
  }

 private:
  void block_signals() {
    // Writing to a closed pipe must be an error, and not end this process.
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t mask;
    sigemptyset(&mask);
    for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD}) sigaddset(&mask, number);
    ::pthread_sigmask(SIG_BLOCK, &mask, &mask_before_);
    signals_ = Fd(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) fail("cannot make a signalfd");
    // Processes that a program leaves when it ends become children of this process, which then sees their ends too.
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
      fail("cannot adopt the processes that the started ones leave");
    guard_.emplace();
  }

  void start_all() {
    int port = options_.master_port;
    if (port == 0) std::tie(port_holder_, port) = reserve_port();
    const std::vector<std::string> command = full_command(options_);
    const Environment common = common_environment(options_, port, terminal_, notes_.address());
    processes_.reserve(static_cast<std::size_t>(options_.count));
    for (int index = 0; index < options_.count; ++index) {
      Environment environment = common;
      environment.emplace_back("RANK", std::to_string(options_.first_rank + index));
      environment.emplace_back("LOCAL_RANK", std::to_string(index));
      processes_.push_back(start_process(command, environment, mask_before_, *guard_));
    }
  }

  std::size_t count(bool Process::*what) const {
    return static_cast<std::size_t>(
        std::count_if(processes_.begin(), processes_.end(), [what](const Process& p) { return p.*what; }));
  }
  bool any_running() const { return count(&Process::running) > 0; }
  bool any_group() const { return count(&Process::has_group) > 0; }

  // "rank 1 (pid 17), what rank 2 (pid 18) started"
  std::string those_left() const {
    std::string names;
    for (std::size_t i = 0; i < processes_.size(); ++i) {
      if (!processes_[i].has_group) continue;
      names += fmt::format(fmt::runtime(processes_[i].running ? "{}{}" : "{}what {} started"),
                           names.empty() ? "" : ", ", described(i));
    }
    return names;
  }

  std::string described(std::size_t index) const {
    return fmt::format("rank {} (pid {})", options_.first_rank + static_cast<int>(index),
                       processes_[index].pid);
  }

  bool all_closed() const {
    for (const Process& process : processes_) {
      if (process.out || process.err) return false;
    }
    return true;
  }

  bool done() const {
    if (any_group()) return false;
    return all_closed() || (drain_until_ && Clock::now() >= *drain_until_);
  }

  // One wait, and all that it brought.
  void turn() {
    std::vector<pollfd> set;
    struct Origin {
      int index;
      Stream stream;
    };
    std::vector<Origin> origins;
    set.push_back({signals_.get(), POLLIN, 0});
    set.push_back({merger_.out().empty() ? -1 : STDOUT_FILENO, POLLOUT, 0});
    set.push_back({merger_.err().empty() ? -1 : STDERR_FILENO, POLLOUT, 0});
    set.push_back({notes_.fd(), POLLIN, 0});
    const std::size_t first_output = set.size();
    const bool full = merger_.out().size() + merger_.err().size() > kBacklogLimit;
    for (int index = 0; index < static_cast<int>(processes_.size()) && !full; ++index) {
      const Process& process = processes_[static_cast<std::size_t>(index)];
      for (Stream stream : {Stream::kOut, Stream::kErr}) {
        const Fd& fd = stream == Stream::kOut ? process.out : process.err;
        if (!fd) continue;
        set.push_back({fd.get(), POLLIN, 0});
        origins.push_back({index, stream});
      }
    }
    if (::poll(set.data(), set.size(), timeout()) < 0 && errno != EINTR) fail("poll");

    if (set[1].revents != 0) write_some(STDOUT_FILENO, merger_.out());
    if (set[2].revents != 0) write_some(STDERR_FILENO, merger_.err());
    // Output is read before the ends of processes are, so that the last words of a program come before the line about its end.
    for (std::size_t i = 0; i < origins.size(); ++i) {
      if (set[i + first_output].revents != 0) read_some(origins[i].index, origins[i].stream);
    }
    if (set[3].revents != 0) take_notes();
    if (set[0].revents != 0) take_signals();
    if (kill_at_ && Clock::now() >= *kill_at_) {
      kill_at_.reset();
      note(fmt::format("{} did not end within {:g} s; killing {}", those_left(),
                       static_cast<double>(options_.grace.count()) / 1000,
                       count(&Process::has_group) == 1 ? "it" : "them"));
      signal_all(SIGKILL);
    }
    if (any_running()) return;
    if (!drain_until_) drain_until_ = Clock::now() + kDrainTime;
    // Programs that ended well may have left processes that end within a moment.
    if (any_group() && !ending_ && Clock::now() >= *drain_until_) {
      note(fmt::format("ending {}", those_left()));
      end_all(SIGTERM);
    }
  }

  int timeout() const {
    std::optional<Clock::time_point> next = kill_at_;
    const bool drains = drain_until_ && !(any_group() && ending_);
    if (drains && (!next || *drain_until_ < *next)) next = drain_until_;
    if (!next) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  }

  void read_some(int index, Stream stream) {
    Process& process = processes_[static_cast<std::size_t>(index)];
    Fd& fd = stream == Stream::kOut ? process.out : process.err;
    std::array<char, 65536> buffer;
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got > 0) {
      merger_.feed(index, stream, std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    } else if (got == 0 || errno != EINTR) {
      merger_.finish(index, stream);
      fd.reset();
    }
  }

  void write_some(int fd, std::string& pending) {
    std::size_t written = 0;
    const ssize_t got = ::write(fd, pending.data(), std::min(pending.size(), kWriteSize));
    if (got > 0) {
      written = static_cast<std::size_t>(got);
    } else if (errno == EPIPE) {
      // The reader of the output is gone. End as a program that SIGPIPE kills.
      written = pending.size();
      if (signal_ == 0) {
        signal_ = SIGPIPE;
        end_all(SIGTERM);
      }
    } else if (errno != EINTR && errno != EAGAIN) {
      // A full disk, for example. The programs go on: their work may be worth more than their output.
      written = pending.size();
      if (!output_lost_ && fd == STDOUT_FILENO) {
        note(fmt::format("cannot write to standard output: {}; the output is lost", std::strerror(errno)));
      }
      output_lost_ = true;
    }
    pending.erase(0, written);
  }

  // After a signal a reader that does not read is not waited for.
  void flush_rest() {
    const auto until = Clock::now() + kDrainTime;
    while (!merger_.out().empty() || !merger_.err().empty()) {
      pollfd set[] = {{signals_.get(), POLLIN, 0},
                      {merger_.out().empty() ? -1 : STDOUT_FILENO, POLLOUT, 0},
                      {merger_.err().empty() ? -1 : STDERR_FILENO, POLLOUT, 0}};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
      if (signal_ != 0 && left.count() <= 0) return;
      const int ready = ::poll(set, std::size(set), signal_ == 0 ? -1 : static_cast<int>(left.count()));
      if (ready < 0 && errno != EINTR) return;
      if (ready <= 0) continue;
      if (set[0].revents != 0) {
        const int before = signal_;
        take_signals();
        if (signal_ != before) return;
      }
      if (set[1].revents != 0) write_some(STDOUT_FILENO, merger_.out());
      if (set[2].revents != 0) write_some(STDERR_FILENO, merger_.err());
    }
  }

  void take_signals() {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      const int number = static_cast<int>(info.ssi_signo);
      if (number == SIGCHLD) continue;
      signal_ = number;
      end_all(number);
    }
    reap();
  }

  // Reaps every child that has ended: programs, processes that they left, and the guard if it was killed.
  void reap() {
    std::vector<std::size_t> failed;
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      const auto ended = std::find_if(processes_.begin(), processes_.end(),
                                      [pid](const Process& p) { return p.running && p.pid == pid; });
      if (ended == processes_.end()) continue;
      ended->running = false;
      ended->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      ended->how = WIFSIGNALED(status) ? fmt::format("was killed by signal {} ({})", WTERMSIG(status),
                                                     ::strsignal(WTERMSIG(status)))
                                       : fmt::format("exited with code {}", ended->code);
      if (ended->code != 0) failed.push_back(static_cast<std::size_t>(ended - processes_.begin()));
    }
    for (Process& process : processes_) {
      if (!process.has_group || process.running) continue;
      pid_t pid;
      while ((pid = ::waitpid(-process.pid, nullptr, WNOHANG)) > 0) {
      }
      if (pid == 0) continue;  // somebody is left
      process.has_group = false;
      guard_->group_ended(process.pid);
    }
    if (failed.empty() || ending_) return;
    take_notes();
    if (!options_.keep_going) return blame(failed.front());
    for (const std::size_t index : failed) tell_end(index);
  }

  void take_notes() {
    // The first of each process: there is no bound on what others write.
    while (std::optional<Notes::Note> note = notes_.next(options_.count)) {
      if (std::ranges::find(notes_told_, note->index, &Notes::Note::index) == notes_told_.end())
        notes_told_.push_back(*std::move(note));
    }
  }

  // The others go on. The exit code is that of the first one.
  void tell_end(std::size_t index) {
    const Process& process = processes_[index];
    const auto note_of_it =
        std::find_if(notes_told_.begin(), notes_told_.end(),
                     [index](const Notes::Note& n) { return static_cast<std::size_t>(n.index) == index; });
    if (exit_code_ == 0) exit_code_ = process.code;
    note(fmt::format("{} {}{}{}", described(index), process.how,
                     note_of_it != notes_told_.end() ? ": " + note_of_it->words : "",
                     any_running() ? "; the others go on" : ""));
  }

  // The exit code is that of the first program that ended with an error, unless another program sent a note before that it
  // was failing.
  void blame(std::size_t ended) {
    const Notes::Note* const told = notes_told_.empty() ? nullptr : &notes_told_.front();
    const std::size_t first = told ? static_cast<std::size_t>(told->index) : ended;
    const Process& process = processes_[first];
    const std::string words = told ? ": " + told->words : "";
    exit_code_ = process.code != 0 ? process.code : 1;
    note(fmt::format("{} {}{}{}", described(first), process.code != 0 ? process.how : "failed", words,
                     any_group() ? "; ending the others" : ""));
    end_all(SIGTERM);
  }

  // Asks the processes to end, and kills those that are still there when the grace time is over.
  void end_all(int number) {
    ending_ = true;
    signal_all(number);
    if (!kill_at_ && any_group()) kill_at_ = Clock::now() + options_.grace;
  }

  void signal_all(int number) {
    for (const Process& process : processes_) {
      if (process.has_group) process.signal(number);
    }
  }

  void note(const std::string& text) { merger_.err() += "tine launch: " + text + "\n"; }

  LaunchOptions options_;
  bool terminal_;
  LineMerger merger_;
  sigset_t mask_before_{};
  Fd signals_;
  Fd port_holder_;
  Notes notes_;
  std::vector<Notes::Note> notes_told_;
  std::optional<Guard> guard_;
  std::vector<Process> processes_;
  bool ending_ = false;
  int signal_ = 0;
  int exit_code_ = 0;
  bool output_lost_ = false;
  std::optional<Clock::time_point> kill_at_;
  std::optional<Clock::time_point> drain_until_;
};

}  // namespace

int launch(const LaunchOptions& given) {
  open_standard_streams();
  LaunchOptions options = given;
  if (options.world_size == 0) options.world_size = options.first_rank + options.count;
  if (options.first_rank + options.count > options.world_size) {
    throw std::runtime_error(fmt::format("ranks {} to {} do not fit in a world of {}; raise --world-size",
                                         options.first_rank, options.first_rank + options.count - 1,
                                         options.world_size));
  }
  const bool local = options.master_addr == "localhost" || options.master_addr.starts_with("127.");
  if (!local && options.master_port == 0) {
    throw std::runtime_error(
        fmt::format("--master-addr {} is not this machine's loopback: give --master-port too, the "
                    "same on all machines",
                    options.master_addr));
  }
  return Launcher(std::move(options)).run();
}

void become_module(const std::string& module, const std::vector<std::string>& arguments) {
  std::vector<std::string> full = {python(), "-m", module};
  full.insert(full.end(), arguments.begin(), arguments.end());
  std::vector<char*> words;
  for (std::string& word : full) words.push_back(word.data());
  words.push_back(nullptr);
  execvp(words[0], words.data());
  fail(full[0]);
}

}  // namespace tine::cli
