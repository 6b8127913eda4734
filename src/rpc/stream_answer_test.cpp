#include "src/rpc/stream_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/testing/errors.h"
#include "tine/foreign.h"

namespace tine::rpc {
namespace {

using ::testing::HasSubstr;

Value list(std::vector<Value> items) { return Value(detail::make_ref<List>(std::move(items))); }
Value tuple(std::vector<Value> items) { return Value(detail::make_ref<Tuple>(std::move(items))); }
Value payload(std::vector<Value> leaves) {
  return detail::Ref<Foreign>(
      detail::make_ref<ForeignPayload>(std::vector<std::byte>(3, std::byte{1}), std::move(leaves)));
}

TEST(StreamAnswer, IsReadAsItWasMadeWithTheValuesOfPayloadsBesideIt) {
  const std::vector<Value> items =
      read_stream_answer(make_stream_answer({1, payload({2, 3}), "a", payload({})}));
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(items[0].as_int(), 1);
  ASSERT_EQ(ForeignPayload::in(items[1])->leaves().size(), 2U);
  EXPECT_EQ(ForeignPayload::in(items[1])->leaves()[1].as_int(), 3);
  EXPECT_EQ(ForeignPayload::in(items[1])->bytes().size(), 3U);
  EXPECT_EQ(items[2].as_string(), "a");
  EXPECT_TRUE(ForeignPayload::in(items[3])->leaves().empty());
  EXPECT_TRUE(read_stream_answer(make_stream_answer({})).empty());
}

TEST(StreamAnswer, OfAnyOtherShapeIsRefused) {
  const Value none[] = {
      Value(),
      Value(1),
      list({}),
      tuple({}),
      tuple({list({})}),
      tuple({list({}), Value(1)}),
      tuple({Value(1), list({})}),
      tuple({list({}), list({}), list({})}),
      tuple({list({1}), list({Value(1)})}),
      tuple({list({1}), list({tuple({0, list({})})})}),            // beside an item that is not a payload
      tuple({list({payload({})}), list({tuple({1, list({})})})}),  // beside none
      tuple({list({payload({})}), list({tuple({-1, list({})})})}),
      tuple({list({payload({})}), list({tuple({0, Value(1)})})}),
      tuple({list({payload({})}), list({tuple({0})})}),
  };
  for (const Value& value : none)
    EXPECT_THAT(refusal([&] { (void)read_stream_answer(value); }), HasSubstr("ValueError")) << value.repr();
}

}  // namespace
}  // namespace tine::rpc
