#include "tine/unobserved.h"

#include <gtest/gtest.h>

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

TEST(UnobservedHook, ByDefaultWritesALineWithTheErrorAndThePlace) {
  testing::internal::CaptureStderr();
  (void)make_failed<int>(make_error(ErrorKind::kIndex, "lost"));
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("IndexError: lost"), std::string::npos) << told;
  EXPECT_NE(told.find("unobserved_test.cpp:"), std::string::npos) << told;
}

TEST(StateSize, OfAPendingFutureOfIntAndItsCallbacksNodeIsAtMost96Bytes) {
  EXPECT_LE(sizeof(detail::State<int>) + sizeof(detail::Node), 96U);
}

}  // namespace
}  // namespace tine
