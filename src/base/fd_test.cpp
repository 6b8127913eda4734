#include "src/base/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "src/base/forks.h"

namespace tine {
namespace {

int open_one() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(Fd, ClosesItsDescriptorOnceWhoeverHasItLast) {
  const int number = open_one();
  {
    Fd first(number);
    Fd second(std::move(first));
    EXPECT_FALSE(first);
    EXPECT_EQ(second.get(), number);
    Fd third;
    third = std::move(second);
    EXPECT_FALSE(second);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(Fd, ThatIsAssignedToGivesItsOwnToTheOtherWhichClosesIt) {
  const int a = open_one(), b = open_one();
  Fd kept(a);
  {
    Fd other(b);
    kept = std::move(other);
  }
  EXPECT_EQ(kept.get(), b);
  EXPECT_FALSE(is_open(a));
  EXPECT_TRUE(is_open(b));
}

TEST(Fd, ResetClosesAndReleaseDoesNot) {
  Fd fd(open_one());
  const int number = fd.release();
  EXPECT_FALSE(fd);
  EXPECT_TRUE(is_open(number));
  fd = Fd(number);
  fd.reset();
  fd.reset();
  EXPECT_FALSE(fd);
  EXPECT_FALSE(is_open(number));
}

TEST(Fd, AFollowedOneIsClosedInAChildAndAnotherIsNot) {
  using Followed = BasicFd<&close_followed>;
  Followed followed(open_one());
  close_in_children(followed.get());
  const Fd plain(open_one());
  const pid_t child = ::fork();
  if (child == 0) ::_exit(is_open(followed.get()) ? 1 : is_open(plain.get()) ? 0 : 2);
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(is_open(followed.get()));
}

}  // namespace
}  // namespace tine
