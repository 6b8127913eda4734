// What base does at its edges: text for a log, descriptors at a fork.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <string>
#include <vector>

#include "src/base/forks.h"
#include "src/base/log.h"
#include "src/base/thread.h"

namespace tine {
namespace {

TEST(Printable, KeepsEachCharacterOfUtf8AndSpellsOutEachOtherByte) {
  for (const char* kept : {" ", "~", "\t", "\xC2\xA0", "\xDF\xBF", "\xE0\xA0\x80", "\xE1\x80\x80",
                           "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80",
                           "\xF1\x80\x80\x80", "\xF4\x8F\xBF\xBF", "a\xC3\xA9z"}) {
    EXPECT_EQ(printable(kept), kept);
  }
  const std::pair<const char*, const char*> spelled[] = {
      {"\x01", "\\x01"},
      {"\x1b[2J", "\\x1b[2J"},
      {"\x1f", "\\x1f"},
      {"\x7f", "\\x7f"},
      {"\r", "\\x0d"},
      {"\x80", "\\x80"},
      {"\xC1\xBF", "\\xc1\\xbf"},
      {"\xC2\x80", "\\xc2\\x80"},  // controls beyond ASCII
      {"\xC2\x9F", "\\xc2\\x9f"},
      {"\xC3", "\\xc3"},
      {"\xC3(", "\\xc3("},
      {"\xE0\x9F\xBF", "\\xe0\\x9f\\xbf"},
      {"\xE2\x82", "\\xe2\\x82"},
      {"\xE2(\xAC", "\\xe2(\\xac"},
      {"\xE2\x82(", "\\xe2\\x82("},
      {"\xED\xA0\x80", "\\xed\\xa0\\x80"},
      {"\xF0\x8F\xBF\xBF", "\\xf0\\x8f\\xbf\\xbf"},
      {"\xF0\x90\x80", "\\xf0\\x90\\x80"},
      {"\xF0\x90\x80(", "\\xf0\\x90\\x80("},
      {"\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"\xF5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},
      {"\xFF", "\\xff"},
      {"a\nb", "a\n  b"},
  };
  for (const auto& [text, shown] : spelled) EXPECT_EQ(printable(text), shown);
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(printable(""), "");
}

TEST(ForkedChild, ClosesExactlyWhatWasMarkedWhateverItsNumber) {
  const int numbers[] = {63, 64, 65, 126, 127, 128, 129, 190, 191, 192, 193, 700};
  const int original = ::dup(2);
  ASSERT_GE(original, 0);
  std::vector<int> made;
  for (const int fd : numbers) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;  // somebody else's
    ASSERT_EQ(::dup2(original, fd), fd);
    made.push_back(fd);
  }
  ASSERT_GE(made.size(), 6U);
  for (size_t turn = 0; turn < 2; ++turn) {
    for (size_t i = 0; i < made.size(); ++i)
      i % 2 == turn ? close_in_children(made[i]) : keep_in_children(made[i]);
    const pid_t child = ::fork();
    if (child == 0) {
      int wrong = 0;
      for (size_t i = 0; i < made.size(); ++i) wrong += (::fcntl(made[i], F_GETFD) < 0) != (i % 2 == turn);
      _exit(wrong);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "in so many cases: " << WEXITSTATUS(status);
  }
  close_in_children(-1);     // no descriptor: nothing
  close_in_children(65536);  // beyond what is followed
  keep_in_children(-1);
  keep_in_children(65536);
  for (const int fd : made) close_followed(fd);
  for (const int fd : made) EXPECT_LT(::fcntl(fd, F_GETFD), 0);
  ::close(original);
}

double seconds_of_a_fork() {
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = ::fork();
  if (child == 0) _exit(0);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  return seconds;
}

TEST(UnforkedScope, OfAnotherThreadHoldsUpAForkForASecondAtMost) {
  { const UnforkedScope over; }  // one that has ended counts for nothing
  std::promise<void> inside, leave;
  Thread other("scope", [&] {
    const UnforkedScope scope;
    inside.set_value();
    leave.get_future().wait();
  });
  inside.get_future().wait();
  EXPECT_GE(seconds_of_a_fork(), 0.9);
  // Nor do this thread's own ones count against those of others.
  {
    const UnforkedScope own;
    EXPECT_GE(seconds_of_a_fork(), 0.9);
  }
  leave.set_value();
  other.join();
}

}  // namespace
}  // namespace tine
