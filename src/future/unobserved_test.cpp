#include "tine/unobserved.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "tine/combinators.h"
#include "tine/context.h"
#include "tine/coroutine.h"

namespace tine {
namespace {

struct Report {
  std::string error;
  std::string file;
  unsigned line;
};
std::vector<Report>* reports = nullptr;

struct Unobserved : testing::Test {
  std::vector<Report> seen;
  UnobservedErrorHook before = nullptr;
  void SetUp() override {
    reports = &seen;
    before = set_unobserved_error_hook(
        [](const std::exception_ptr& error, const std::source_location& where) noexcept {
          reports->push_back({describe(error), where.file_name(), where.line()});
        });
  }
  void TearDown() override { set_unobserved_error_hook(before); }
};

TEST_F(Unobserved, ErrorIsReportedOnceWithThePlaceWhereItsFutureWasMade) {
  const unsigned line = __LINE__ + 2;
  {
    Promise<int> p;
    const Future<int> f = p.future();
    const Future<int> same = f;
    p.set_error(IndexError("lost"));
  }
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].error, "IndexError: lost");
  EXPECT_EQ(seen[0].line, line);
  EXPECT_TRUE(seen[0].file.ends_with("unobserved_test.cpp")) << seen[0].file;
}

TEST_F(Unobserved, ErrorThatGetOrErrorShowedIsNotReported) {
  EXPECT_THROW(make_failed<int>(make_error(ErrorKind::kIndex, "seen")).get(), IndexError);
  EXPECT_TRUE(make_failed<int>(make_error(ErrorKind::kIndex, "seen")).error());
  EXPECT_TRUE(seen.empty());
}

TEST_F(Unobserved, ErrorThatComesAfterAGetWasEndedByItsContextIsNotReported) {
  CancelSource source;
  source.cancel();
  {
    Promise<int> p;
    Future<int> f = p.future();
    const ContextScope scope(Context().with_token(source.token()));
    EXPECT_THROW((void)f.get(), Cancelled);
    f = {};
    p.set_error(IndexError("late"));
  }
  EXPECT_TRUE(seen.empty());
}

TEST_F(Unobserved, ErrorThatACallbackGotIsNotReported) {
  (void)make_failed<int>(make_error(ErrorKind::kIndex, "seen")).then([](const Future<int>&) {});
  (void)make_failed<int>(make_error(ErrorKind::kIndex, "seen")).or_else([](const std::exception_ptr&) {
    return 1;
  });
  EXPECT_TRUE(seen.empty());
}

TEST_F(Unobserved, ErrorThatWasForwardedIsReportedAtTheEndOfTheChainOnly) {
  (void)make_failed<int>(make_error(ErrorKind::kIndex, "forwarded")).and_then([](int) {}).and_then([] {});
  EXPECT_EQ(seen.size(), 1U);
}

TEST_F(Unobserved, ErrorsOfACombinatorsInputsAreNotReported) {
  (void)collect_all_settled(std::vector{make_failed<int>(make_error(ErrorKind::kIndex, "a")), make_ready(1)});
  EXPECT_TRUE(seen.empty());
}

TEST_F(Unobserved, CancellationIsNotReported) {
  Promise<int> p;
  const Future<int> f = p.future();
  f.cancel();
  (void)f.and_then([](int) {});
  EXPECT_TRUE(seen.empty());
}

TEST_F(Unobserved, ErrorOfACombinatorIsReportedWithThePlaceOfTheCall) {
  const unsigned line = __LINE__ + 1;
  (void)gather(std::vector{make_failed<int>(make_error(ErrorKind::kIndex, "a"))});
  (void)collect_all(std::vector{make_failed<int>(make_error(ErrorKind::kIndex, "b"))});
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].line, line);
  EXPECT_EQ(seen[1].line, line + 1);
}

TEST_F(Unobserved, ErrorOfACoroutineIsReportedWithThePlaceOfTheCoroutineWhenItsFutureIsDropped) {
  (void)[]()->Future<int> {
    throw KeyError("inside");
    co_return 1;
  }
  ();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].error, "KeyError: inside");
  EXPECT_NE(seen[0].line, 0U);
  EXPECT_TRUE(seen[0].file.ends_with("unobserved_test.cpp")) << seen[0].file;
}

TEST_F(Unobserved, PromiseDroppedWithoutAFutureIsNoError) {
  { const Promise<int> p; }
  EXPECT_TRUE(seen.empty());
}

#if !defined(__SANITIZE_THREAD__)  // allows a forked child no threads
// stderr of a child that runs `body` and exits: the log writes what it has until then.
std::string told_by_child(void (*body)()) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    alarm(60);
    dup2(ends[1], 2);
    close(ends[0]);
    close(ends[1]);
    body();
    std::exit(0);
  }
  close(ends[1]);
  std::string told;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    told.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  return told;
}

TEST(UnobservedHook, ByDefaultWritesALineWithTheErrorAndThePlace) {
  const std::string told =
      told_by_child([] { (void)make_failed<int>(make_error(ErrorKind::kIndex, "lost")); });
  EXPECT_NE(told.find("IndexError: lost"), std::string::npos) << told;
  EXPECT_NE(told.find("unobserved_test.cpp:"), std::string::npos) << told;
}

TEST(UnobservedHook, ByDefaultAStormOfOneErrorIsOneLineWithTheFirstPlaceAndTheCount) {
  const std::string told = told_by_child([] {
    const std::exception_ptr death = make_error(ErrorKind::kPeerDied, "w1 is gone");
    for (int i = 0; i < 20000; ++i) (void)make_failed<int>(death);
    (void)make_failed<int>(make_error(ErrorKind::kIndex, "another"));
  });
  EXPECT_NE(told.find("IndexError: another"), std::string::npos) << told;
  // One line, and on a machine that takes a second for them one a second.
  int lines = 0;
  int errors = 0;
  for (size_t at = 0; (at = told.find("PeerDied: w1 is gone", at)) != std::string::npos; ++at) {
    ++lines;
    const size_t end = told.find('\n', at);
    const size_t more = told.find("(and ", at);
    errors += 1 + (more < end ? std::stoi(told.substr(more + 5)) : 0);
  }
  EXPECT_EQ(errors, 20000) << told;
  EXPECT_GE(lines, 1);
  EXPECT_LE(lines, 20) << told;
}

TEST(UnobservedHook, IsNotCalledForTheErrorOfAFutureWhoseOwnerSaidThatItWillLook) {
  const std::string told = told_by_child([] {
    Promise<int> p;
    p.future().state()->observe();
    p.set_error(IndexError("mine"));
  });
  EXPECT_EQ(told, "");
}

#endif

TEST(StateSize, OfAPendingFutureOfIntAndItsCallbacksNodeIsAtMost96Bytes) {
  EXPECT_LE(sizeof(detail::State<int>) + sizeof(detail::Node), 96U);
}

}  // namespace
}  // namespace tine
