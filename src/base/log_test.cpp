#include "src/base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
// At its end a forked child would look for leaks, and wait for its parent's threads.
extern "C" [[gnu::visibility("default")]] const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

namespace tine {
namespace {

using namespace std::chrono_literals;

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0); }
  ~Pipe() {
    close_write();
    if (ends[0] >= 0) ::close(ends[0]);
  }
  void close_write() {
    if (ends[1] >= 0) ::close(std::exchange(ends[1], -1));
  }
  // To the end: the write ends must be closed.
  std::string read_all() {
    close_write();
    std::string all;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
      all.append(buffer, static_cast<size_t>(n));
    return all;
  }
  // Until nothing more fits.
  void fill() const {
    const int flags = ::fcntl(ends[1], F_GETFL);
    ::fcntl(ends[1], F_SETFL, flags | O_NONBLOCK);
    const std::string bytes(4096, '.');
    while (::write(ends[1], bytes.data(), bytes.size()) > 0) {
    }
    while (::write(ends[1], ".", 1) > 0) {
    }
    ::fcntl(ends[1], F_SETFL, flags);
  }
  int ends[2] = {-1, -1};
};

LogOptions to(const Pipe& pipe) {
  LogOptions options;
  options.fd = pipe.ends[1];
  return options;
}

size_t lines_in(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Log, LinesComeInTheOrderInWhichTheyWereGiven) {
  Pipe pipe;
  Log log(to(pipe));
  log.line("one");
  log.line("two\n");
  log.line("three");
  EXPECT_TRUE(log.finish(Clock::now() + 10s));
  EXPECT_EQ(pipe.read_all(), "one\ntwo\nthree\n");
}

TEST(Log, PastItsFirstLinesAKindIsSummedUpInOneLineWithTheCount) {
  Pipe pipe;
  LogOptions options = to(pipe);
  options.window = 1h;
  Log log(options);
  for (int i = 0; i < 5000; ++i) log.line("refused: 127.0.0.1:" + std::to_string(i));
  EXPECT_TRUE(log.finish(Clock::now() + 10s));
  const std::string told = pipe.read_all();
  EXPECT_EQ(lines_in(told), 11U);
  EXPECT_NE(told.find("refused: 127.0.0.1:9\n"), std::string::npos) << told;
  EXPECT_NE(told.find("and 4990 more like it: refused: 127.0.0.1:10\n"), std::string::npos) << told;
  EXPECT_EQ(log.counts().summed_up, 4990U);
}

TEST(Log, SumsUpAtTheEndOfTheWindowWithoutBeingAsked) {
  Pipe pipe;
  LogOptions options = to(pipe);
  options.window = 20ms;
  options.lines_a_window = 1;
  Log log(options);
  for (int i = 0; i < 3; ++i) log.line("again");
  std::string told;
  char buffer[256];
  while (lines_in(told) < 2) {
    const ssize_t n = ::read(pipe.ends[0], buffer, sizeof buffer);
    ASSERT_GT(n, 0);
    told.append(buffer, static_cast<size_t>(n));
  }
  EXPECT_EQ(told, "again\ntine: and 2 more like it: again\n");
}

TEST(Log, LinesThatAreToldOnceForAllAreOneLineWithTheFirstTextAndTheCount) {
  Pipe pipe;
  LogOptions options = to(pipe);
  options.gather = 1h;
  Log log(options);
  for (int i = 0; i < 20000; ++i)
    log.once_for_all("the Future made at a.py:" + std::to_string(i) + ": PeerDied: w1", "PeerDied: w1");
  log.once_for_all("the Future made at b.py:7: PeerDied: w2", "PeerDied: w2");
  EXPECT_TRUE(log.finish(Clock::now() + 10s));
  const std::string told = pipe.read_all();
  EXPECT_EQ(lines_in(told), 2U) << told;
  EXPECT_NE(told.find("the Future made at a.py:0: PeerDied: w1 (and 19999 more like it)\n"),
            std::string::npos)
      << told;
  EXPECT_NE(told.find("the Future made at b.py:7: PeerDied: w2\n"), std::string::npos) << told;
}

TEST(Log, ErrorsWhoseTimesDifferAreToldOnceForAllButWorkersAreToldApart) {
  Pipe pipe;
  Log log(to(pipe));
  for (const char* time : {"0.213", "0.2", "11.5"})
    log.once_for_all("late", std::string("'w1': not answered within ") + time + " s");
  log.once_for_all("late, too", "'w2': not answered within 0.2 s");
  EXPECT_TRUE(log.finish(Clock::now() + 10s));
  EXPECT_EQ(pipe.read_all(), "late (and 2 more like it)\nlate, too\n");
}

TEST(Log, KindsWithoutEndAreOneKindPastTheBound) {
  Pipe pipe;
  LogOptions options = to(pipe);
  options.window = 1h;
  options.max_kinds = 4;
  Log log(options);
  for (int i = 0; i < 2000; ++i) log.line("x", std::string(static_cast<size_t>(i), 'k'));
  EXPECT_TRUE(log.finish(Clock::now() + 10s));
  EXPECT_LE(lines_in(pipe.read_all()), 4U + 10U + 1U);
}

TEST(Log, NobodyWaitsForAFullPipeNorDoesTheEndAndWhatIsLostIsCounted) {
  Pipe pipe;
  pipe.fill();
  Log log(to(pipe));
  const TimePoint begin = Clock::now();
  for (size_t i = 0; i < 5000; ++i) log.line("line", std::string(i % 200, 'k'));
  (void)log.finish(Clock::now() + 200ms);
  EXPECT_LT(Clock::now() - begin, 10s);
  EXPECT_TRUE(log.finish(Clock::now() + 10s));
  EXPECT_EQ(log.counts().written, 0U);
  EXPECT_GT(log.counts().dropped, 0U);
}

TEST(Log, TheQueueIsBoundedAndTellsHowManyLinesItLostOnceThereIsRoom) {
  Pipe pipe;
  pipe.fill();
  LogOptions options = to(pipe);
  options.max_lines = 8;
  options.lines_a_window = 1000;
  Log log(options);
  for (int i = 0; i < 500; ++i) log.line("line");
  const size_t dropped = log.counts().dropped;
  EXPECT_GE(dropped, 500U - 16U);  // at most one queue is being written while the next fills
  std::string told;
  char buffer[65536];
  while (told.find("were dropped") == std::string::npos) {
    const ssize_t n = ::read(pipe.ends[0], buffer, sizeof buffer);
    ASSERT_GT(n, 0);
    told.append(buffer, static_cast<size_t>(n));
  }
  EXPECT_NE(told.find(std::to_string(dropped) + " lines were dropped"), std::string::npos);
}

TEST(Log, AClosedDescriptorCostsTheLinesAndNothingElse) {
  LogOptions options;
  {
    Pipe pipe;
    options.fd = pipe.ends[1];
  }
  Log log(options);
  log.line("nobody reads this");
  EXPECT_TRUE(log.finish(Clock::now() + 10s));
  EXPECT_EQ(log.counts().dropped, 1U);
}

TEST(Log, AReaderThatIsGoneCostsTheLinesAndNothingElse) {
  Pipe pipe;
  ::close(std::exchange(pipe.ends[0], -1));
  Log log(to(pipe));
  log.line("nobody reads this");
  EXPECT_TRUE(log.finish(Clock::now() + 10s));
  EXPECT_EQ(log.counts().dropped, 1U);
}

TEST(Log, ALineAfterTheEndIsDropped) {
  Pipe pipe;
  Log log(to(pipe));
  EXPECT_TRUE(log.finish(Clock::now() + 10s));
  log.line("late");
  EXPECT_EQ(log.counts().dropped, 1U);
}

TEST(Log, WhatOthersWroteCannotMoveTheCursorOrPassForALineOfOurs) {
  EXPECT_EQ(printable("\x1b[2J\rtab\t\x7f"), "\\x1b[2J\\x0dtab\t\\x7f");
  EXPECT_EQ(printable("a\n[tine] forged"), "a\n  [tine] forged");
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
            "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");                                                              // C1
  EXPECT_EQ(printable("\xed\xa0\x80|\xc0\xaf|\xff"), "\\xed\\xa0\\x80|\\xc0\\xaf|\\xff");  // no UTF-8
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");
}

TEST(Log, ManyThreadsMayWriteAtOnce) {
  Pipe pipe;
  LogOptions options = to(pipe);
  options.lines_a_window = 100;
  Log log(options);
  std::vector<Thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back("writer", [&log, t] {
      for (int i = 0; i < 20; ++i) log.line("from a thread", std::string(static_cast<size_t>(t), 'k'));
    });
  }
  for (Thread& t : threads) t.join();
  EXPECT_TRUE(log.finish(Clock::now() + 10s));
  EXPECT_EQ(lines_in(pipe.read_all()), 80U);
}

#if !defined(__SANITIZE_THREAD__)  // allows a forked child no threads
// stderr of a child that runs `body` and exits as programs do.
std::string told_by_child(void (*body)()) {
  Pipe pipe;
  const pid_t child = ::fork();
  if (child == 0) {
    alarm(60);
    ::dup2(pipe.ends[1], 2);
    ::close(pipe.ends[1]);
    body();
    std::exit(0);
  }
  const std::string told = pipe.read_all();
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  return told;
}

TEST(ProcessLog, IsWrittenBeforeTheProcessEnds) {
  EXPECT_EQ(told_by_child([] {
              log_line("the last words");
              log_once_for_all("of many", "k");
            }),
            "the last words\nof many\n");
}

TEST(ProcessLog, AChildOfForkStartsAnewAlsoWhenTheParentsThreadHadItsLock) {
  // The parent's log is busy all the time, so that some child is forked while its lock is held.
  std::atomic<bool> stop{false};
  Thread busy("busy", [&] {
    while (!stop.load()) log_once_for_all("busy", "of the parent");
  });
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(told_by_child([] { log_line("from the child"); }), "from the child\n");
  stop = true;
  busy.join();
}

TEST(ProcessLog, AFullStderrDoesNotKeepTheProcess) {
  Pipe pipe;
  pipe.fill();
  const TimePoint begin = Clock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    alarm(60);
    ::dup2(pipe.ends[1], 2);
    for (int i = 0; i < 100; ++i) log_line("nobody reads this");
    std::exit(0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_LT(Clock::now() - begin, 20s);
}
#endif

}  // namespace
}  // namespace tine
