#include "src/rpc/wire/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tine/error.h"

namespace tine::rpc {
namespace {

using ::testing::HasSubstr;

Request read(std::span<const std::byte> body) {
  PlainHooks hooks;
  ReceivedSegments none;
  Request request;
  request.read(body, none, hooks);
  return request;
}

std::string refusal(const BodyWriter& body) {
  try {
    (void)read(body.body());
  } catch (const ValueError& e) {
    return e.message();
  }
  return "it was read";
}

TEST(Request, IsReadAsItWasWritten) {
  PlainHooks hooks;
  const std::vector<Value> args{1, "two", 3.0};
  const std::vector<std::pair<std::string, Value>> kwargs{{"key", Value(true)}};
  const RRefId id{1, 2, 3, 4};
  const Value after(7);
  RequestView view;
  view.target = Target::kScript;
  view.name = "mod.f";
  view.args = args;
  view.kwargs = kwargs;
  view.code_hash = "hash";
  view.code_text = "graph()";
  view.creates = &id;
  view.async_execution = true;
  view.after = &after;
  view.stream_credit = 12;
  BodyWriter out;
  write_request(out, view, hooks);
  const Request got = read(out.body());
  EXPECT_EQ(got.target, Target::kScript);
  EXPECT_EQ(got.name, "mod.f");
  ASSERT_EQ(got.args.size(), 3U);
  EXPECT_EQ(got.args[1].as_string(), "two");
  ASSERT_EQ(got.kwargs.size(), 1U);
  EXPECT_EQ(got.kwargs[0].first, "key");
  EXPECT_EQ(got.code_hash, "hash");
  EXPECT_EQ(got.code_text, "graph()");
  EXPECT_EQ(got.creates, id);
  EXPECT_TRUE(got.async_execution);
  EXPECT_EQ(got.stream_credit, 12U);
  EXPECT_EQ(got.after->as_int(), 7);
}

TEST(Request, WithoutOptionsHasNone) {
  PlainHooks hooks;
  RequestView view;
  view.target = Target::kControl;
  view.name = "join";
  BodyWriter out;
  write_request(out, view, hooks);
  // [4, "join", [], {}, {}]
  const std::vector<int> expected{0x95, 4, 0xa4, 'j', 'o', 'i', 'n', 0x90, 0x80, 0x80};
  std::vector<int> bytes;
  for (const std::byte b : out.body()) bytes.push_back(static_cast<int>(b));
  EXPECT_EQ(bytes, expected);
  const Request got = read(out.body());
  EXPECT_FALSE(got.creates);
  EXPECT_FALSE(got.after);
  EXPECT_FALSE(got.async_execution);
}

TEST(Request, OfFewFieldsOrAnUnknownTargetIsRefusedByName) {
  BodyWriter few, target;
  few.array(3);
  for (int i = 0; i < 3; ++i) few.nil();
  target.array(5);
  target.integer(7);
  for (int i = 0; i < 4; ++i) target.nil();
  EXPECT_THAT(refusal(few), HasSubstr("a request of 3 fields"));
  EXPECT_THAT(refusal(target), HasSubstr("target 7"));
}

TEST(Request, OfAStreamWithoutAPossibleCreditIsRefused) {
  for (const int64_t credit : {int64_t{0}, int64_t{-1}, int64_t{65'537}}) {
    BodyWriter out;
    out.array(5);
    out.integer(5);
    out.str("f");
    out.array(0);
    out.map(0);
    out.map(1);
    out.integer(6);
    out.integer(credit);
    EXPECT_THAT(refusal(out), HasSubstr("a stream with a credit of " + std::to_string(credit)));
  }
}

TEST(Request, SkipsOptionsAndFieldsItDoesNotKnow) {
  BodyWriter out;
  out.array(6);
  out.integer(0);
  out.str("f");
  out.array(0);
  out.map(0);
  out.map(1);
  out.integer(200);
  out.array(1);
  out.str("later");
  out.nil();
  EXPECT_EQ(read(out.body()).name, "f");
}

TEST(Request, ACreationsIdOfAnotherLengthIsRefused) {
  BodyWriter out;
  out.array(5);
  out.integer(0);
  out.str("f");
  out.array(0);
  out.map(0);
  out.map(1);
  out.integer(static_cast<int64_t>(RequestOption::kCreates));
  out.bin(std::vector<std::byte>(27));
  EXPECT_THAT(refusal(out), HasSubstr("27 bytes, expected 28"));
}

TEST(Request, TellsWhatItWasToCreateThoughItsValuesAreRefused) {
  const RRefId id{1, 2, 3, 4};
  BodyWriter out;
  out.array(5);
  out.integer(0);
  out.str("f");
  out.array(1);
  (void)out.ext(99, 4);  // of a type that nobody knows
  out.map(0);
  out.map(2);
  out.integer(static_cast<int64_t>(RequestOption::kAsyncExecution));
  out.boolean(true);
  out.integer(static_cast<int64_t>(RequestOption::kCreates));
  write_rref_id(out, id);
  EXPECT_THROW((void)read(out.body()), ValueError);
  EXPECT_EQ(Request::creates_of(out.body()), id);
  for (size_t cut = 0; cut < out.body().size(); ++cut)
    EXPECT_FALSE(Request::creates_of(out.body().first(cut))) << cut;
}

}  // namespace
}  // namespace tine::rpc
