#include "src/base/thread.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
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

// A new thread has the mask of the one that makes it.
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
  generation_ = detail::fork_generation();
  auto start = std::make_unique<Start>(Start{std::string(name.substr(0, 15)), std::move(body)});
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (stack_bytes) pthread_attr_setstacksize(&attributes, stack_bytes);
  int error = 0;
  {
    const BlockedSignals blocked;
    error = pthread_create(&id_, &attributes, &run, start.get());
  }
  pthread_attr_destroy(&attributes);
  if (error)
    throw SystemError(fmt::format("the thread {} cannot be started: {}", name, std::strerror(error)));
  (void)start.release();
  joinable_ = true;
}

void Thread::join() noexcept {
  if (joinable()) pthread_join(id_, nullptr);
  joinable_ = false;
}

bool Thread::join_until(TimePoint bound) noexcept {
  if (bound == kNoDeadline) join();
  if (!joinable()) return true;
  // That function knows the clock of the day only.
  const auto left = std::max(bound - Clock::now(), Clock::duration::zero());
  timespec until{};
  clock_gettime(CLOCK_REALTIME, &until);
  const int64_t ns = until.tv_nsec + std::chrono::nanoseconds(left).count();
  until.tv_sec += ns / 1'000'000'000;
  until.tv_nsec = ns % 1'000'000'000;
  if (pthread_timedjoin_np(id_, nullptr, &until) != 0) return false;
  joinable_ = false;
  return true;
}

void Thread::leave() noexcept {
  if (joinable()) pthread_detach(id_);
  joinable_ = false;
}

}  // namespace tine
