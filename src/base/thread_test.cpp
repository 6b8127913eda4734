#include "src/base/thread.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "src/base/forks.h"
#include "tine/error.h"

namespace tine {
namespace {

using namespace std::chrono_literals;

TEST(Thread, HasItsNameAndSignalsBlockedFromItsFirstInstructionOn) {
  std::string name(16, '\0');
  sigset_t mask;
  Thread thread("a-name-of-more-than-15", [&] {
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    pthread_getname_np(pthread_self(), name.data(), name.size());
  });
  thread.join();
  EXPECT_STREQ(name.c_str(), "a-name-of-more-");
  for (const int blocked : {SIGINT, SIGTERM, SIGUSR1, SIGPIPE, SIGCHLD})
    EXPECT_EQ(sigismember(&mask, blocked), 1);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) EXPECT_EQ(sigismember(&mask, fault), 0);
  sigset_t own;
  pthread_sigmask(SIG_SETMASK, nullptr, &own);
  EXPECT_EQ(sigismember(&own, SIGINT), 0);
}

TEST(Thread, JoinWithABoundAnswersFalseWhileItRuns) {
  std::atomic<bool> go{false};
  Thread thread("waits", [&] { go.wait(false); });
  EXPECT_FALSE(thread.join_until(Clock::now() + 10ms));
  EXPECT_TRUE(thread.joinable());
  go = true;
  go.notify_one();
  EXPECT_TRUE(thread.join_until(Clock::now() + 60s));
  EXPECT_FALSE(thread.joinable());
}

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)  // they have stacks of their own choice
TEST(Thread, OneThatTheSystemDoesNotGiveIsASystemErrorWithItsName) {
  try {
    const Thread thread(
        "huge", [] {}, size_t{1} << 60);
    FAIL() << "no error";
  } catch (const SystemError& e) {
    EXPECT_NE(std::string(e.what()).find("huge"), std::string::npos) << e.what();
  }
}

#endif

TEST(ForkedChild, ClosesWhatWasMarkedAndCountsAndJoinsNoThreadOfItsParent) {
  int marked[2], kept[2], told[2];
  ASSERT_EQ(pipe2(marked, O_CLOEXEC) + pipe2(kept, O_CLOEXEC) + pipe2(told, O_CLOEXEC), 0);
  close_in_children(marked[0]);
  close_in_children(kept[0]);
  keep_in_children(kept[0]);
  const uint8_t before = detail::forks_so_far();
  std::atomic<bool> go{false};
  Thread thread("waits", [&] { go.wait(false); });
  const pid_t child = ::fork();
  if (child == 0) {
    alarm(60);
    thread.join();  // returns: it is not there
    const bool right = fcntl(marked[0], F_GETFD) == -1 && fcntl(kept[0], F_GETFD) != -1 &&
                       detail::forks_so_far() == static_cast<uint8_t>(before + 1) && !thread.joinable();
    _exit(right ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(fcntl(marked[0], F_GETFD), -1);
  EXPECT_EQ(detail::forks_so_far(), before);
  go = true;
  go.notify_one();
  keep_in_children(marked[0]);
  for (const int fd : {marked[0], marked[1], kept[0], kept[1], told[0], told[1]}) ::close(fd);
}

// Descriptors are made and closed all the time while others fork: no child has one that it was to close.
TEST(ForkedChild, HoldsNoFollowedDescriptorWhateverMomentItWasForkedIn) {
  struct Stat {
    static bool is_pipe(int fd) {
      struct stat status {};
      return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
    }
  };
  std::vector<int> before;
  for (int fd = 0; fd < 256; ++fd) {
    if (Stat::is_pipe(fd)) before.push_back(fd);
  }
  std::atomic<bool> stop{false};
  std::array<std::thread, 2> makers;
  for (std::thread& maker : makers) {
    maker = std::thread([&] {
      while (!stop.load()) {
        int ends[2] = {-1, -1};
        {
          const UnforkedScope scope;
          if (pipe2(ends, O_CLOEXEC) == 0) {
            close_in_children(ends[0]);
            close_in_children(ends[1]);
          }
        }
        for (const int fd : ends) close_followed(fd);
      }
    });
  }
  int held = 0;
  for (int i = 0; i < 300 && !held; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      alarm(60);
      int more = 0;
      for (int fd = 0; fd < 256; ++fd) more += Stat::is_pipe(fd) && !std::ranges::count(before, fd);
      _exit(more);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    held = status;
  }
  stop = true;
  for (std::thread& maker : makers) maker.join();
  EXPECT_EQ(held, 0);
}

}  // namespace
}  // namespace tine
