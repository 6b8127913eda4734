#include "tine/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tine/detail/error_kinds.h"

namespace tine {
namespace {

template <ErrorKind K>
bool is_of_its_class(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const ErrorOf<K>&) {
    return true;
  } catch (const Error& e) {
    return K == ErrorKind::kRuntime && typeid(e) == typeid(Error);
  }
}

TEST(ErrorKinds, EachHasItsOwnNameAndClassAndIsFoundByItsName) {
  std::set<std::string_view> names;
#define TINE_CHECK(kind_, name_, ...)                                     \
  {                                                                       \
    const std::exception_ptr error = make_error(ErrorKind::kind_, "why"); \
    EXPECT_TRUE(is_of_its_class<ErrorKind::kind_>(error)) << name_;       \
    EXPECT_EQ(describe(error), name_ + std::string(": why"));             \
    EXPECT_EQ(name_of(ErrorKind::kind_), name_);                          \
    ErrorKind found{};                                                    \
    EXPECT_TRUE(kind_named(name_, &found));                               \
    EXPECT_EQ(found, ErrorKind::kind_);                                   \
    names.insert(name_);                                                  \
  }
  TINE_ERROR_KINDS(TINE_CHECK)
#undef TINE_CHECK
  EXPECT_EQ(names.size(), static_cast<size_t>(kErrorKinds));
  ErrorKind found = ErrorKind::kType;
  EXPECT_FALSE(kind_named("Oops", &found));
  EXPECT_EQ(found, ErrorKind::kRuntime);
  EXPECT_TRUE(kind_named("Exception", &found));
  EXPECT_EQ(found, ErrorKind::kRuntime);
}

TEST(ErrorKinds, OneThatTravelledHasItsClassTrailAndCause) {
  const Hop trail[] = {{Hop::Kind::kScript, "f", "a.py", 3}, {Hop::Kind::kWorker, "w1", "", 0}};
  const auto error = detail::make_error(ErrorKind::kKey, "k", trail, make_error(ErrorKind::kShape, "s"));
  EXPECT_TRUE(is_of_its_class<ErrorKind::kKey>(error));
  EXPECT_EQ(describe(error),
            "KeyError: k\n  in script f (a.py:3)\n  on worker w1\n  caused by ShapeError: s");
}

TEST(Hop, HasOneTextWhichIsTheNoteItselfForANote) {
  using detail::text_of;
  EXPECT_EQ(text_of({Hop::Kind::kScript, "f", "a.py", 3}), "in script f (a.py:3)");
  EXPECT_EQ(text_of({Hop::Kind::kFork, "g", "", 0}), "forked from g");
  EXPECT_EQ(text_of({Hop::Kind::kWorker, "w1", "", 0}), "on worker w1");
  Hop call{Hop::Kind::kWorker, "w1", "", 0, "aten::add"};
  EXPECT_EQ(text_of(call), "on worker w1, in aten::add");
  call.began = std::chrono::microseconds(1239);
  call.took = std::chrono::microseconds(2'500'000);
  EXPECT_EQ(text_of(call), "on worker w1, in aten::add (began at 1.24 ms, took 2.50 s)");
  EXPECT_EQ(text_of({Hop::Kind::kNote, "while it started", "", 0}), "while it started");
}

TEST(WithHop, LeavesTheErrorOfOtherHoldersAndForeignOnesAsTheyAre) {
  const auto first = make_error(ErrorKind::kValue, "v");
  const auto second = with_hop(first, {Hop::Kind::kNote, "n", "", 0});
  EXPECT_EQ(describe(first), "ValueError: v");
  EXPECT_EQ(describe(second), "ValueError: v\n  n");
  EXPECT_TRUE(is_of_its_class<ErrorKind::kValue>(second));
  const auto foreign = std::make_exception_ptr(3);
  EXPECT_EQ(with_hop(foreign, {}), foreign);
}

}  // namespace
}  // namespace tine
