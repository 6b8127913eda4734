#include "src/cli/launch.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
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

#include "src/cli/output.h"

extern char** environ;

namespace tine::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// Output waiting to be written past which the processes' pipes are left alone: they then wait for
// us.
constexpr std::size_t kBacklogLimit = 1024 * 1024;
// poll() says "writable" of a pipe with this much room, so that a write of it never blocks.
constexpr std::size_t kWriteSize = 4096;
// A grandchild may keep a pipe open after our processes have ended; its output is waited for so
// long.
constexpr std::chrono::milliseconds kDrainTime{500};

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

std::pair<Fd, Fd> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("cannot make a pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

// A free port, kept bound (not listening) while the processes run, so that nobody is given it
// meanwhile. Rank 0 can bind it too: both sockets have SO_REUSEADDR.
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

std::string random_key() {
  std::array<unsigned char, 32> bytes;
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    fail("cannot get random bytes");
  }
  std::string key;
  for (unsigned char byte : bytes) key += fmt::format("{:02x}", byte);
  return key;
}

// Where a process says by what it fails, before its peers can fail because of it: they often end first. The name
// cannot be guessed.
std::pair<Fd, std::string> open_notes() {
  Fd notes(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!notes) fail("cannot make a socket");
  const std::string name = "tine-launch-" + random_key();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(name.begin(), name.end(), address.sun_path + 1);  // an abstract name begins with a zero
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(notes.get(), reinterpret_cast<sockaddr*>(&address), length) != 0) fail("cannot name a socket");
  return {std::move(notes), "@" + name};
}

// The program and its arguments, the interpreter in front of a .py file.
std::vector<std::string> full_command(const std::vector<std::string>& command) {
  if (command.empty()) throw std::runtime_error("no program to launch; expected program.py [args]");
  std::vector<std::string> full = command;
  if (!full[0].ends_with(".py")) return full;
  if (!fs::exists(full[0])) {
    throw std::runtime_error(
        fmt::format("the program '{}' does not exist (looked in {})", full[0], fs::current_path().string()));
  }
  std::string python = TINE_DEFAULT_PYTHON;
  if (const char* chosen = std::getenv("TINE_PYTHON"); chosen != nullptr && *chosen != '\0') {
    python = chosen;
  } else if (!fs::exists(python)) {
    python = "python3";
  }
  full.insert(full.begin(), python);
  return full;
}

using Environment = std::vector<std::pair<std::string, std::string>>;

// What all processes share; each adds its ranks.
Environment common_environment(const LaunchOptions& options, int port, bool terminal,
                               const std::string& notes) {
  Environment set = {
      {"WORLD_SIZE", std::to_string(options.world_size)},
      {"LOCAL_WORLD_SIZE", std::to_string(options.count)},
      {"MASTER_ADDR", options.master_addr},
      {"MASTER_PORT", std::to_string(port)},
      // Its output goes to a pipe, where Python would keep lines back until 8 KiB have come
      // together.
      {"PYTHONUNBUFFERED", "1"},
      // isatty() says no in the processes; who draws a progress line asks this.
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

std::vector<std::string> merged_environment(const Environment& set) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    bool replaced = false;
    for (const auto& [key, value] : set) replaced = replaced || key == name;
    if (!replaced) merged.emplace_back(text);
  }
  for (const auto& [key, value] : set) merged.push_back(key + "=" + value);
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

struct Process {
  pid_t pid = -1;
  bool running = false;
  int code = 0;  // as a shell tells it
  std::string how;
  // Reading ends; reset at end of file.
  Fd out;
  Fd err;
};

// Who failed first by its own account.
struct Failure {
  std::size_t index;
  std::string words;
};

Process start(std::vector<std::string> command, Environment environment, const sigset_t& mask) {
  auto [out_read, out_write] = make_pipe();
  auto [err_read, err_write] = make_pipe();
  auto [failure_read, failure_write] = make_pipe();
  Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing) fail("cannot open /dev/null");
  std::vector<std::string> variables = merged_environment(environment);
  std::vector<char*> argv = pointers(command);
  std::vector<char*> envp = pointers(variables);

  const pid_t launcher = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) fail("cannot start a process");
  if (pid == 0) {
    // Only calls that are safe after fork from here to exec.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != launcher) ::_exit(1);
    // A group of its own: a Ctrl-C at the terminal reaches us alone, and we pass it on once.
    ::setpgid(0, 0);
    ::dup2(nothing.get(), STDIN_FILENO);
    ::dup2(out_write.get(), STDOUT_FILENO);
    ::dup2(err_write.get(), STDERR_FILENO);
    ::signal(SIGPIPE, SIG_DFL);
    ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    ::execvpe(argv[0], argv.data(), envp.data());
    const int error = errno;
    [[maybe_unused]] ssize_t written = ::write(failure_write.get(), &error, sizeof error);
    ::_exit(127);
  }
  failure_write.reset();
  int error = 0;
  ssize_t got;
  do {
    got = ::read(failure_read.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got == sizeof error) {
    ::waitpid(pid, nullptr, 0);
    throw std::runtime_error(fmt::format("cannot start '{}': {}", command[0], std::strerror(error)));
  }
  Process process;
  process.pid = pid;
  process.running = true;
  process.out = std::move(out_read);
  process.err = std::move(err_read);
  return process;
}

class Launcher {
 public:
  explicit Launcher(LaunchOptions options)
      : options_(std::move(options)),
        terminal_(::isatty(STDOUT_FILENO) == 1),
        merger_(options_.first_rank, options_.count, terminal_, 0) {}

  ~Launcher() {
    for (Process& process : processes_) {
      if (!process.running) continue;
      ::kill(process.pid, SIGKILL);
      ::waitpid(process.pid, nullptr, 0);
    }
    ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  }

  int run() {
    block_signals();
    start_all();
    while (!done()) turn();
    flush_rest();
    return signal_ != 0 ? 128 + signal_ : exit_code_;
  }

 private:
  void block_signals() {
    // Writing to a closed pipe shall be an error that we see.
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t mask;
    sigemptyset(&mask);
    for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD}) sigaddset(&mask, number);
    ::pthread_sigmask(SIG_BLOCK, &mask, &mask_before_);
    signals_ = Fd(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) fail("cannot make a signalfd");
  }

  void start_all() {
    int port = options_.master_port;
    if (port == 0) std::tie(port_holder_, port) = reserve_port();
    const std::vector<std::string> command = full_command(options_.command);
    std::string notes;
    std::tie(notes_, notes) = open_notes();
    const Environment common = common_environment(options_, port, terminal_, notes);
    processes_.reserve(static_cast<std::size_t>(options_.count));
    for (int index = 0; index < options_.count; ++index) {
      Environment environment = common;
      environment.emplace_back("RANK", std::to_string(options_.first_rank + index));
      environment.emplace_back("LOCAL_RANK", std::to_string(index));
      processes_.push_back(start(command, std::move(environment), mask_before_));
    }
  }

  std::size_t running() const {
    return static_cast<std::size_t>(
        std::count_if(processes_.begin(), processes_.end(), [](const Process& p) { return p.running; }));
  }
  bool any_running() const { return running() > 0; }

  std::string those_running() const {
    std::string names;
    for (std::size_t i = 0; i < processes_.size(); ++i) {
      if (processes_[i].running) names += (names.empty() ? "" : ", ") + described(i);
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
    if (any_running()) return false;
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
    // Output before the news that a process ended: what it said last stands before what we say
    // about it.
    for (std::size_t i = 0; i < origins.size(); ++i) {
      if (set[i + 3].revents != 0) read_some(origins[i].index, origins[i].stream);
    }
    if (set[0].revents != 0) take_signals();
    if (kill_at_ && Clock::now() >= *kill_at_) {
      kill_at_.reset();
      note(fmt::format("{} did not end within {:g} s; killing {}", those_running(),
                       static_cast<double>(options_.grace.count()) / 1000, running() == 1 ? "it" : "them"));
      signal_all(SIGKILL);
    }
    if (!any_running() && !drain_until_) drain_until_ = Clock::now() + kDrainTime;
  }

  int timeout() const {
    std::optional<Clock::time_point> next = kill_at_;
    if (drain_until_ && (!next || *drain_until_ < *next)) next = drain_until_;
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
    } else if (errno != EINTR && errno != EAGAIN) {
      // Nobody reads any more: end as a program does that is killed by the closed pipe.
      written = pending.size();
      if (signal_ == 0) {
        signal_ = SIGPIPE;
        end_all(SIGTERM);
      }
    }
    pending.erase(0, written);
  }

  void flush_rest() {
    while (!merger_.out().empty() || !merger_.err().empty()) {
      pollfd set[3] = {{signals_.get(), POLLIN, 0},
                       {merger_.out().empty() ? -1 : STDOUT_FILENO, POLLOUT, 0},
                       {merger_.err().empty() ? -1 : STDERR_FILENO, POLLOUT, 0}};
      if (::poll(set, 3, -1) < 0 && errno != EINTR) return;
      // A signal ends the wait for a reader that does not read.
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

  void reap() {
    std::optional<std::size_t> failed;
    for (std::size_t index = 0; index < processes_.size(); ++index) {
      Process& process = processes_[index];
      int status = 0;
      if (!process.running || ::waitpid(process.pid, &status, WNOHANG) != process.pid) continue;
      process.running = false;
      process.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      process.how = WIFSIGNALED(status) ? fmt::format("was killed by signal {} ({})", WTERMSIG(status),
                                                      ::strsignal(WTERMSIG(status)))
                                        : fmt::format("exited with code {}", process.code);
      if (process.code != 0 && !failed) failed = index;
    }
    if (failed && !ending_) blame(*failed);
  }

  // The first that ended with an error is to blame, unless another said before that it fails.
  void blame(std::size_t ended) {
    const std::optional<Failure> told = first_note();
    const std::size_t first = told ? told->index : ended;
    const Process& process = processes_[first];
    const std::string words = told ? ": " + told->words : "";
    exit_code_ = process.code != 0 ? process.code : 1;
    note(fmt::format("{} {}{}{}", described(first), process.code != 0 ? process.how : "failed", words,
                     any_running() ? "; ending the others" : ""));
    end_all(SIGTERM);
  }

  std::optional<Failure> first_note() {
    std::array<char, 1024> buffer;
    ssize_t got;
    while ((got = ::recv(notes_.get(), buffer.data(), buffer.size(), 0)) > 0) {
      const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
      const std::size_t space = text.find(' ');
      if (space == std::string_view::npos) continue;
      for (std::size_t index = 0; index < processes_.size(); ++index) {
        if (text.substr(0, space) != std::to_string(processes_[index].pid)) continue;
        return Failure{index, std::string(text.substr(space + 1))};
      }
    }
    return std::nullopt;
  }

  // Asks the processes to end; those that have not when the grace time is over are killed.
  void end_all(int number) {
    ending_ = true;
    signal_all(number);
    if (!kill_at_ && any_running()) kill_at_ = Clock::now() + options_.grace;
  }

  void signal_all(int number) {
    for (const Process& process : processes_) {
      if (process.running) ::kill(process.pid, number);
    }
  }

  void note(const std::string& text) { merger_.err() += "tine launch: " + text + "\n"; }

  LaunchOptions options_;
  bool terminal_;
  LineMerger merger_;
  sigset_t mask_before_{};
  Fd signals_;
  Fd port_holder_;
  Fd notes_;
  std::vector<Process> processes_;
  bool ending_ = false;
  int signal_ = 0;
  int exit_code_ = 0;
  std::optional<Clock::time_point> kill_at_;
  std::optional<Clock::time_point> drain_until_;
};

}  // namespace

int launch(const LaunchOptions& given) {
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

}  // namespace tine::cli
