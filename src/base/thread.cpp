#include "src/base/thread.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "tine/error.h"

namespace tine {
namespace {

struct Start {
  std::string name;
  std::function<void()> body;
};

void* run(void* argument) {
  const std::unique_ptr<Start> start(static_cast<Start*>(argument));
  pthread_setname_np(pthread_self(), start->name.c_str());
  start->body();
  return nullptr;
}

constexpr size_t kGuard =
    65536;  // below the stack: a thread that runs over its stack is stopped there. At least a page

// Maps a stack with its guard. Returns 0 or the number of the error. It forbids pages of 2 MiB, with which a thread that only
// sleeps would cost 2 MiB.
int make_stack(size_t bytes, void** stack, size_t* whole) noexcept {
  if (bytes > SIZE_MAX / 2) return ENOMEM;
  *whole = (bytes + kGuard - 1) / kGuard * kGuard + kGuard;
  void* const made = ::mmap(nullptr, *whole, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (made == MAP_FAILED) return errno;
  (void)::madvise(made, *whole, MADV_NOHUGEPAGE);
  (void)::mprotect(made, kGuard, PROT_NONE);
  *stack = made;
  return 0;
}

// Blocks the signals of this thread for a scope, in which it makes another: a new thread inherits the mask.
class BlockedSignals {
 public:
  BlockedSignals() noexcept {
    sigset_t most;
    sigfillset(&most);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT})
      sigdelset(&most, fault);
    pthread_sigmask(SIG_BLOCK, &most, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Thread::Thread(std::string_view name, std::function<void()> body, size_t stack_bytes) {
  detail::watch_forks();
  auto start = std::make_unique<Start>(Start{std::string(name.substr(0, 15)), std::move(body)});
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  stack_bytes = 0;  // sanitizers enlarge the usual stack by what they need, and know where it is
#endif
  int error = stack_bytes ? make_stack(stack_bytes, &stack_, &stack_bytes_) : 0;
  if (stack_) pthread_attr_setstack(&attributes, static_cast<char*>(stack_) + kGuard, stack_bytes_ - kGuard);
  if (!error) {
    const BlockedSignals blocked;
    error = pthread_create(&id_, &attributes, &run, start.get());
  }
  pthread_attr_destroy(&attributes);
  if (error && stack_) ::munmap(stack_, stack_bytes_);
  if (error)
    throw SystemError(fmt::format("the thread {} cannot be started: {}", name, std::strerror(error)));
  (void)start.release();
  joinable_ = true;
}

void Thread::join() noexcept {
  if (!joinable()) return;
  pthread_join(id_, nullptr);
  joined();
}

void Thread::joined() noexcept {
  joinable_ = false;
  if (void* const stack = std::exchange(stack_, nullptr)) ::munmap(stack, stack_bytes_);
}

bool Thread::join_until(TimePoint bound) noexcept {
  if (bound == kNoDeadline) join();
  if (!joinable()) return true;
  // pthread_timedjoin_np knows only the clock of the day.
  const auto left = std::max(bound - Clock::now(), Clock::duration::zero());
  timespec until{};
  clock_gettime(CLOCK_REALTIME, &until);
  const int64_t ns = until.tv_nsec + std::chrono::nanoseconds(left).count();
  until.tv_sec += ns / 1'000'000'000;
  until.tv_nsec = ns % 1'000'000'000;
  if (pthread_timedjoin_np(id_, nullptr, &until) != 0) return false;
  joined();
  return true;
}

}  // namespace tine
