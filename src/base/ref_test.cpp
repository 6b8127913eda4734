#include "tine/detail/ref.h"

#include <gtest/gtest.h>

namespace tine::detail {
namespace {

struct Link final : RefCounted {
  explicit Link(Ref<Link> n) : next(std::move(n)) { ++alive; }
  ~Link() override { --alive; }
  Ref<Link> next;
  static inline int alive = 0;
};

TEST(Ref, AListOfAMillionObjectsIsDestroyedWithoutRecursion) {
  Ref<Link> head;
  for (int i = 0; i < 1'000'000; ++i) head = make_ref<Link>(std::move(head));
  EXPECT_EQ(Link::alive, 1'000'000);
  head = nullptr;
  EXPECT_EQ(Link::alive, 0);
}

TEST(Ref, ACopyKeepsTheObjectAliveAndAMoveEmptiesItsSource) {
  Ref<Link> a = make_ref<Link>(nullptr);
  EXPECT_TRUE(a->sole_owner());
  Ref<Link> b = a;
  EXPECT_FALSE(a->sole_owner());
  a = nullptr;
  EXPECT_EQ(Link::alive, 1);
  Ref<Link> c = std::move(b);
  EXPECT_FALSE(b);
  c = nullptr;
  EXPECT_EQ(Link::alive, 0);
}

}  // namespace
}  // namespace tine::detail
