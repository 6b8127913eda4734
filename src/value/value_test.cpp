#include "tine/value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "src/base/testing/cpu_time.h"
#include "src/value/compare.h"
#include "src/value/text.h"
#include "tine/future.h"
#include "tine/type.h"

namespace tine {
namespace {

using detail::make_ref;
using testing::HasSubstr;

Value list(std::vector<Value> items) { return make_ref<List>(std::move(items)); }
Value tuple(std::vector<Value> items) { return make_ref<Tuple>(std::move(items)); }

// Counts those alive, to see that references are given back.
class Counted final : public Foreign {
 public:
  explicit Counted(int* alive) : alive_(alive) { ++*alive_; }
  ~Counted() override { --*alive_; }
  std::string type_name() const override { return "Counted"; }
  std::string repr() const override { return "<counted>"; }

 private:
  int* alive_;
};
Value counted(int* alive) { return detail::Ref<Foreign>(make_ref<Counted>(alive)); }

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return std::string(name_of(e.kind())) + ": " + e.message();
  }
  return "no error";
}

TEST(Value, ACheckedConversionSaysWhatWasThere) {
  EXPECT_EQ(message_of([] { (void)Value("abc").to_int(); }), "TypeError: expected an int, but got str 'abc'");
  EXPECT_EQ(message_of([] { (void)Value(1.5).to_int(); }), "TypeError: expected an int, but got float 1.5");
  EXPECT_EQ(message_of([] { (void)Value().to_list(); }), "TypeError: expected a list, but got None");
  EXPECT_EQ(message_of([] { (void)Value(3).to_string(); }), "TypeError: expected a str, but got int 3");
  EXPECT_EQ(message_of([] { (void)Value(3).to_object(); }), "TypeError: expected an object, but got int 3");
  EXPECT_EQ(message_of([] { (void)Value(3).to_future(); }), "TypeError: expected a Future, but got int 3");
  EXPECT_EQ(message_of([] {
              (void)list({1, 2}).to_tensor();
            }),
            "TypeError: expected a Tensor, but got list of 2");
}

TEST(Value, ABoolIsAnIntAndBothAreFloatsWhereOneIsAskedFor) {
  EXPECT_EQ(Value(true).to_int(), 1);
  EXPECT_EQ(Value(true).to_float(), 1.0);
  EXPECT_EQ(Value(int64_t{3}).to_float(), 3.0);
}

TEST(Value, ReprIsPythons) {
  EXPECT_EQ(Value().repr(), "None");
  EXPECT_EQ(Value(true).repr(), "True");
  EXPECT_EQ(Value(-7).repr(), "-7");
  EXPECT_EQ(Value(1.0).repr(), "1.0");
  EXPECT_EQ(Value(0.1).repr(), "0.1");
  EXPECT_EQ(Value(1e16).repr(), "1e+16");
  EXPECT_EQ(Value(1e-5).repr(), "1e-05");
  EXPECT_EQ(Value(-0.0).repr(), "-0.0");
  EXPECT_EQ(Value(std::numeric_limits<double>::infinity()).repr(), "inf");
  EXPECT_EQ(Value(-std::numeric_limits<double>::quiet_NaN()).repr(), "nan");
  EXPECT_EQ(Value("it's").repr(), "\"it's\"");
  EXPECT_EQ(Value("a'\"\n\\\x01").repr(), "'a\\'\"\\n\\\\\\x01'");
  EXPECT_EQ(Value("na\xc3\xafve \xff").repr(), "'na\xc3\xafve \\xff'");
  EXPECT_EQ(list({1, "a", Value()}).repr(), "[1, 'a', None]");
  EXPECT_EQ(tuple({}).repr(), "()");
  EXPECT_EQ(tuple({1}).repr(), "(1,)");
  auto d = make_ref<Dict>();
  d->set("k", list({1.5}));
  d->set(2, true);
  EXPECT_EQ(Value(d).repr(), "{'k': [1.5], 2: True}");
}

TEST(Value, ReprOfAListInsideItselfEnds) {
  auto l = make_ref<List>();
  l->items.emplace_back(l);
  EXPECT_EQ(Value(l).repr(), "[[...]]");
  l->items.clear();
}

TEST(Value, ReprAndDestructionOfADeeplyNestedListDoNotNeedTheStack) {
  Value v;
  for (int i = 0; i < 1'000'000; ++i) v = list({std::move(v)});
  EXPECT_THAT(v.repr(), HasSubstr("[...]"));
  EXPECT_EQ(type_of(v)->str().substr(0, 10), "List[List[");
}

TEST(Value, TheLastReferenceDropsTheObject) {
  int alive = 0;
  {
    Value a = counted(&alive);
    Value b = a;
    Value c = std::move(a);
    EXPECT_TRUE(a.is_none());
    const Value& itself = b;
    b = itself;
    EXPECT_EQ(alive, 1);
    Value l = list({b, c, tuple({c})});
    auto d = make_ref<Dict>();
    d->set("x", l);
    d->set("x", c);
    EXPECT_EQ(alive, 1);
    b = counted(&alive);
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Value, AFutureInAValueIsTheSameFuture) {
  Promise<Value> promise;
  const Future<Value> future = promise.future();
  const Value v(future);
  EXPECT_EQ(v.repr(), "<Future pending>");
  promise.set_value(Value(5));
  EXPECT_EQ(v.to_future().get().to_int(), 5);
  EXPECT_EQ(v.to_future(), future);
  EXPECT_EQ(v.repr(), "<Future done>");
}

TEST(Dict, KeepsTheOrderOfInsertion) {
  Dict d;
  for (int i = 0; i < 1000; ++i) d.set("k" + std::to_string(i), i);
  for (int i = 0; i < 1000; i += 2) EXPECT_TRUE(d.erase("k" + std::to_string(i)));
  EXPECT_FALSE(d.erase("k0"));
  ASSERT_EQ(d.size(), 500u);
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(d.items()[static_cast<size_t>(i)].second.as_int(), 2 * i + 1);
    EXPECT_EQ(d.find("k" + std::to_string(2 * i + 1))->as_int(), 2 * i + 1);
    EXPECT_EQ(d.find("k" + std::to_string(2 * i)), nullptr);
  }
  d.clear();
  EXPECT_EQ(d.find("k1"), nullptr);
}

TEST(Dict, NumbersThatAreEqualAreOneKey) {
  Dict d;
  d.set(1, "int");
  d.set(1.0, "float");
  d.set(true, "bool");
  ASSERT_EQ(d.size(), 1u);
  EXPECT_EQ(d.find(1)->as_string(), "bool");
  for (int i = 0; i < 100; ++i) d.set(i, i);
  EXPECT_EQ(d.find(42.0)->as_int(), 42);
  EXPECT_EQ(d.find(42.5), nullptr);
}

TEST(Dict, EqualNumbersOfAnyTypeHashAlikeAndTextsByTheirBytes) {
  for (const int64_t i : {int64_t{0}, int64_t{1}, int64_t{-7}, int64_t{1} << 40}) {
    EXPECT_EQ(hash_of(Value(i)), hash_of(Value(static_cast<double>(i))));
  }
  EXPECT_EQ(hash_of(Value(true)), hash_of(Value(1)));
  std::set<size_t> hashes;
  for (size_t n = 0; n < 40; ++n) hashes.insert(hash_of(Value(std::string(n, '\0'))));
  for (int i = 0; i < 1000; ++i) hashes.insert(hash_of(Value("key number " + std::to_string(i))));
  EXPECT_EQ(hashes.size(), 1040u);
}

double seconds_to_fill(const std::vector<Value>& keys) {
  double best = 1e9;
  for (int turn = 0; turn < 3; ++turn) {
    Dict d;
    const double begin = cpu_seconds();
    for (const Value& key : keys) d.set(key, 1);
    best = std::min(best, cpu_seconds() - begin);
    EXPECT_EQ(d.size(), keys.size());
  }
  return best;
}

TEST(Dict, NoKeysCanBeMadeToCollide) {
  // What a well-known mixing function takes to numbers whose low 40 bits are 0, found by going it backwards.
  const auto unmixed = [](uint64_t x) {
    const auto unshift = [](uint64_t v, int by) {
      uint64_t out = v;
      for (int done = by; done < 64; done += by) out = v ^ (out >> by);
      return out;
    };
    const auto inverse = [](uint64_t odd) {
      uint64_t out = odd;
      for (int i = 0; i < 6; ++i) out *= 2 - odd * out;
      return out;
    };
    x = unshift(x, 31) * inverse(0x94D049BB133111EBull);
    x = unshift(x, 27) * inverse(0xBF58476D1CE4E5B9ull);
    return static_cast<int64_t>(unshift(x, 30));
  };
  std::vector<Value> made, steps, plain, nan;
  for (uint64_t i = 0; i < 20'000; ++i) {
    made.emplace_back(unmixed(i << 40));
    steps.emplace_back(static_cast<int64_t>(i << 45));
    plain.emplace_back(static_cast<int64_t>(i));
    nan.emplace_back(std::numeric_limits<double>::quiet_NaN());
  }
  const double fair = seconds_to_fill(plain);
  // A hundred times and more where they collide.
  EXPECT_LT(seconds_to_fill(made), 30 * fair);
  EXPECT_LT(seconds_to_fill(steps), 30 * fair);
  EXPECT_LT(seconds_to_fill(nan), 30 * fair);
}

TEST(Dict, NaNIsAKeyThatIsNeverFound) {
  Dict d;
  const Value nan = std::numeric_limits<double>::quiet_NaN();
  for (int i = 0; i < 100; ++i) d.set(nan, i);
  d.set(1, "one");
  EXPECT_EQ(d.size(), 101u);
  EXPECT_EQ(d.find(nan), nullptr);
  EXPECT_FALSE(d.erase(nan));
  EXPECT_TRUE(d.erase(1));
  EXPECT_EQ(d.find(1), nullptr);
  EXPECT_EQ(d.size(), 100u);
}

TEST(Dict, TheLastEntryIsTakenWhateverItsKeyIs) {
  Dict d;
  for (int i = 0; i < 200; ++i) {
    d.set(std::numeric_limits<double>::quiet_NaN(), i);
    d.set(i, "number");
    d.set(std::to_string(i), "text");
  }
  for (int i = 199; i >= 0; --i) {
    EXPECT_EQ(d.take_last().first.as_string(), std::to_string(i));
    EXPECT_EQ(d.take_last().first.as_int(), i);
    EXPECT_EQ(d.take_last().second.as_int(), i);
    for (int k = 0; k < 200; k += 7) {
      EXPECT_EQ(d.find(k) != nullptr, k < i);
      EXPECT_EQ(d.find(std::to_string(k)) != nullptr, k < i);
    }
    if (i % 3 == 0) {  // what is set after it is found
      d.set("more", i);
      EXPECT_EQ(d.find("more")->as_int(), i);
      EXPECT_EQ(d.take_last().second.as_int(), i);
    }
  }
  EXPECT_EQ(d.size(), 0u);
}

TEST(Dict, WhatCannotBeAKeyIsRefusedByName) {
  Dict d;
  EXPECT_THAT(message_of([&] { d.set(list({}), 1); }), HasSubstr("unhashable type: 'list'"));
  EXPECT_EQ(d.find(list({})), nullptr);
}

TEST(Compare, IntsAndFloatsCompareExactly) {
  const int64_t big = (int64_t{1} << 53) + 1;
  EXPECT_FALSE(equals(Value(big), Value(static_cast<double>(big))));
  EXPECT_TRUE(equals(1, 1.0));
  EXPECT_TRUE(equals(true, 1));
  EXPECT_FALSE(equals(1, "1"));
  EXPECT_LT(compare(1, 1.5), 0);
  EXPECT_GT(compare(Value(std::numeric_limits<int64_t>::max()), Value(9.2e18)), 0);
  EXPECT_LT(compare(Value(std::numeric_limits<int64_t>::max()), Value(9223372036854775808.0)), 0);
}

TEST(Compare, ContainersCompareElementByElement) {
  EXPECT_TRUE(equals(list({1, tuple({"a"})}), list({1.0, tuple({"a"})})));
  EXPECT_FALSE(equals(list({1}), tuple({1})));
  EXPECT_LT(compare(list({1, 2}), list({1, 3})), 0);
  EXPECT_LT(compare("a", "b"), 0);
  EXPECT_THAT(message_of([] { (void)compare(1, "a"); }),
              HasSubstr("'<' not supported between instances of 'int' and 'str'"));
}

}  // namespace
}  // namespace tine
