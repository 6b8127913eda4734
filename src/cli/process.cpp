#include "src/cli/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>

extern char** environ;

namespace tine::cli {
namespace {

std::pair<Fd, Fd> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("cannot make a pipe");
  return {Fd(ends[0]), Fd(ends[1])};
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

// Reads the numbers of groups that begin (positive) and have ended (negative) until nobody can write any more, then
// kills the rest.
[[noreturn]] void guard_groups(int from_launcher) {
  std::vector<pid_t> groups;
  pid_t number = 0;
  for (;;) {
    const ssize_t got = ::read(from_launcher, &number, sizeof number);
    if (got < 0 && errno == EINTR) continue;
    if (got != sizeof number) break;
    if (number > 0) {
      groups.push_back(number);
    } else {
      std::erase(groups, -number);
    }
  }
  for (const pid_t group : groups) ::kill(-group, SIGKILL);
  ::_exit(0);
}

}  // namespace

void fail(const std::string& what) {
  throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

void open_standard_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number, so `fd` itself.
    if (::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd) fail("cannot open /dev/null");
  }
}

Guard::Guard() {
  auto [read_end, write_end] = make_pipe();
  pid_ = ::fork();
  if (pid_ < 0) fail("cannot start a process");
  if (pid_ == 0) {
    // A session of its own, so that signals of the terminal do not reach the guard, and no open standard stream, so that a
    // reader of the launcher's output sees its end.
    ::setsid();
    ::prctl(PR_SET_NAME, "tine-guard");
    const int kept = ::dup2(read_end.get(), STDIN_FILENO);
    ::close_range(STDIN_FILENO + 1, ~0U, 0);
    guard_groups(kept);
  }
  to_guard_ = std::move(write_end);
}

Guard::~Guard() {
  to_guard_.reset();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Guard::group_begins() const noexcept {
  const pid_t group = ::getpid();
  // The write fails only if the guard was killed. The run then goes on without one.
  [[maybe_unused]] const ssize_t written = ::write(to_guard_.get(), &group, sizeof group);
}

void Guard::group_ended(pid_t group) const noexcept {
  const pid_t number = -group;
  [[maybe_unused]] const ssize_t written = ::write(to_guard_.get(), &number, sizeof number);
}

void Process::signal(int number) const noexcept { ::kill(-pid, number); }

Process start_process(std::vector<std::string> command, const Environment& set, const sigset_t& mask,
                      const Guard& guard) {
  auto [out_read, out_write] = make_pipe();
  auto [err_read, err_write] = make_pipe();
  auto [failure_read, failure_write] = make_pipe();
  Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing) fail("cannot open /dev/null");
  std::vector<std::string> variables = merged_environment(set);
  std::vector<char*> argv = pointers(command);
  std::vector<char*> envp = pointers(variables);

  const pid_t launcher = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) fail("cannot start a process");
  if (pid == 0) {
    // From here to exec, only functions that are async-signal-safe are called.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != launcher) ::_exit(1);
    // In a group of its own: a Ctrl-C at the terminal reaches only the launcher, which passes it on once.
    ::setpgid(0, 0);
    guard.group_begins();
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
    guard.group_ended(pid);
    throw std::runtime_error(fmt::format("cannot start '{}': {}", command[0], std::strerror(error)));
  }
  Process process;
  process.pid = pid;
  process.running = process.has_group = true;
  process.out = std::move(out_read);
  process.err = std::move(err_read);
  return process;
}

}  // namespace tine::cli
