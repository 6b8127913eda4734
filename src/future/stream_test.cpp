// include/tine/stream.h: coroutines that yield, and who asks them.
#include "tine/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "src/base/testing/errors.h"
#include "tine/context.h"

namespace tine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Stream<int> countdown(int n) {
  for (; n > 0; --n) co_yield n;
}

struct Flag {
  bool* set;
  explicit Flag(bool* s) noexcept : set(s) {}
  Flag(const Flag&) = delete;
  Flag& operator=(const Flag&) = delete;
  ~Flag() { *set = true; }
};

template <class T>
std::vector<T> all(Stream<T> stream) {
  std::vector<T> items;
  for (T& item : stream) items.push_back(std::move(item));
  return items;
}

TEST(Stream, GivesWhatACoroutineYieldsAndIsThenOver) {
  EXPECT_THAT(all(countdown(3)), ElementsAre(3, 2, 1));
  Stream<int> none = countdown(0);
  EXPECT_FALSE(none.next().get().has_value());
  EXPECT_FALSE(none.next().get().has_value());
}

TEST(Stream, TheBodyIsNeverAheadOfItsUser) {
  int made = 0;
  const auto body = [](int* n) -> Stream<int> {
    for (;;) co_yield ++*n;
  };
  Stream<int> stream = body(&made);
  EXPECT_EQ(made, 0);
  (void)stream.next().get();
  (void)stream.next().get();
  EXPECT_EQ(made, 2);
}

TEST(Stream, ABodyMayAwaitFuturesBetweenItems) {
  Promise<int> first;
  const auto body = [](Future<int> number) -> Stream<int> {
    co_yield co_await number;
    co_yield 7;
  };
  Stream<int> stream = body(first.future());
  const auto item = stream.next();
  EXPECT_FALSE(item.ready());
  first.set_value(5);
  EXPECT_EQ(item.get(), 5);
  EXPECT_EQ(stream.next().get(), 7);
}

TEST(Stream, ACoroutineReadsAStreamWithoutAThread) {
  Promise<int> later;
  const auto body = [](Future<int> number) -> Stream<int> {
    co_yield 1;
    co_yield co_await number;
  };
  const auto sum = [](Stream<int> numbers) -> Future<int> {
    int total = 0;
    while (const auto n = co_await numbers.next()) total += *n;
    co_return total;
  };
  const Future<int> total = sum(body(later.future()));
  EXPECT_FALSE(total.ready());
  later.set_value(10);
  EXPECT_EQ(total.get(), 11);
}

TEST(Stream, AnErrorOfTheBodyComesAfterItsItemsAndEndsTheStream) {
  const auto body = []() -> Stream<int> {
    co_yield 1;
    throw KeyError("gone");
  };
  Stream<int> stream = body();
  EXPECT_EQ(stream.next().get(), 1);
  EXPECT_THROW((void)stream.next().get(), KeyError);
  EXPECT_FALSE(stream.next().get().has_value());
}

TEST(Stream, ADroppedStreamDestroysTheLocalsOfABodyThatIsBetweenItems) {
  bool gone = false;
  const auto body = [](bool* flag) -> Stream<int> {
    const Flag at_end(flag);
    for (;;) co_yield 1;
  };
  {
    Stream<int> stream = body(&gone);
    (void)stream.next().get();
    EXPECT_FALSE(gone);
  }
  EXPECT_TRUE(gone);
}

TEST(Stream, ClosingCancelsABodyThatWaitsAndEndsTheItemThatWasAskedFor) {
  bool gone = false, cancelled = false;
  Promise<int> never;
  const auto body = [](Future<int> number, bool* flag, bool* saw) -> Stream<int> {
    const Flag at_end(flag);
    try {
      co_yield co_await number;
    } catch (const Cancelled&) {
      *saw = true;
      throw;
    }
  };
  Stream<int> stream = body(never.future(), &gone, &cancelled);
  const auto item = stream.next();
  stream.close();
  EXPECT_TRUE(cancelled);
  EXPECT_TRUE(gone);
  EXPECT_FALSE(item.get().has_value());
  EXPECT_THAT(refusal([&] { (void)stream.next(); }), HasSubstr("the stream is closed"));
  never.set_value(0);
}

TEST(Stream, AnItemWhoseFutureWasCancelledIsKeptForTheNextCall) {
  Promise<int> later;
  const auto body = [](Future<int> number) -> Stream<int> {
    co_yield co_await number;
    co_yield 2;
  };
  Stream<int> stream = body(later.future());
  EXPECT_TRUE(stream.next().cancel());
  later.set_value(1);
  EXPECT_EQ(stream.next().get(), 1);
  EXPECT_EQ(stream.next().get(), 2);
}

TEST(Stream, OneItemIsAskedForAtATime) {
  Promise<int> later;
  const auto body = [](Future<int> number) -> Stream<int> { co_yield co_await number; };
  Stream<int> stream = body(later.future());
  const auto item = stream.next();
  EXPECT_THAT(refusal([&] { (void)stream.next(); }), HasSubstr("has not come yet"));
  later.set_value(1);
  EXPECT_EQ(item.get(), 1);
}

TEST(Stream, TheBodyRunsInTheContextInWhichItWasCalled) {
  const auto body = []() -> Stream<std::string> {
    for (;;) co_yield std::string(Context::current().trace_id());
  };
  Stream<std::string> stream;
  {
    const ContextScope scope(Context().with_trace_id("mine"));
    stream = body();
  }
  EXPECT_EQ(stream.next().get(), "mine");
  const ContextScope scope(Context().with_trace_id("another"));
  EXPECT_EQ(stream.next().get(), "mine");
  EXPECT_EQ(Context::current().trace_id(), "another");
}

TEST(Stream, ItemsNeedNotBeCopied) {
  const auto body = []() -> Stream<std::unique_ptr<int>> {
    co_yield std::make_unique<int>(1);
    co_yield std::make_unique<int>(2);
  };
  EXPECT_EQ(*all(body()).at(1), 2);
}

TEST(Stream, AMillionItemsNeedNoMoreStackThanOne) {
  int64_t total = 0;
  for (const int n : countdown(1'000'000)) total += n;
  EXPECT_EQ(total, int64_t{1'000'000} * 1'000'001 / 2);
}

TEST(Stream, MayBeClosedByAnotherThreadWhileItsBodyRuns) {
  for (int round = 0; round < 200; ++round) {
    bool gone = false;
    const auto body = [](bool* flag) -> Stream<int> {
      const Flag at_end(flag);
      for (int n = 0;; ++n) co_yield n;
    };
    Stream<int> stream = body(&gone);
    (void)stream.next().get();
    const auto source = stream.leak_source();
    std::thread reader([&] {
      while (source->next().get()) {
      }
    });
    source->close();
    reader.join();
    EXPECT_TRUE(gone);
  }
}

}  // namespace
}  // namespace tine
