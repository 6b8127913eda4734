// Script code among values, from one worker to another (docs/spec/wire.md, section 3).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "src/base/testing/errors.h"
#include "src/rpc/payload.h"
#include "src/rpc/world.h"
#include "tine/type.h"

namespace tine::rpc {
namespace {

using detail::make_ref;
using detail::Ref;
using testing::HasSubstr;

Value code_value(const std::string& text, char hash = 'a') {
  const auto code = std::make_shared<const ScriptCode>(ScriptCode{std::string(kCodeHashBytes, hash), text});
  return Ref<Foreign>(make_ref<CodeValue>(code));
}

// What one worker keeps of another.
struct Side {
  explicit Side(Allow allow = Allow::kAll) : world("w0", 0, 100, false, allow) {}
  World world;
  RRefTable references{world};
  PeerCodes codes;
};

class CodeValues : public testing::Test {
 protected:
  // On its way from one to the other: as it arrives.
  Value send(const Value& value) {
    WireHooks writes(here.references, 1, &here.codes);
    BodyWriter out;
    write_value(out, value, writes);
    bytes = out.body().size();
    segments = out.segments().size();
    std::vector<Ref<Buffer>> buffers;
    for (const Segment& s : out.segments()) {
      bytes += s.bytes.size();
      buffers.push_back(Buffer::make(Recycler::of_process(), s.bytes.size()));
      std::memcpy(buffers.back()->data(), s.bytes.data(), s.bytes.size());
    }
    return read(out.body(), std::move(buffers), there);
  }
  static Value read(std::span<const std::byte> body, std::vector<Ref<Buffer>> buffers, Side& by) {
    WireHooks reads(by.references, 1, &by.codes);
    BodyReader in(body);
    ReceivedSegments received(std::move(buffers));
    Value value = read_value(in, received, reads);
    in.expect_end();
    if (reads.must_refuse()) std::rethrow_exception(reads.refusal_of("it"));
    return value;
  }
  static std::string text_of(const Value& value) {
    const CodeValue* const code = CodeValue::in(value);
    return code ? code->code()->text : "not code";
  }

  Side here, there;
  size_t bytes = 0, segments = 0;
};

TEST_F(CodeValues, ComeAsTheyWere) {
  const Value back = send(code_value("text"));
  ASSERT_NE(CodeValue::in(back), nullptr);
  EXPECT_EQ(CodeValue::in(back)->code()->hash, std::string(kCodeHashBytes, 'a'));
  EXPECT_EQ(text_of(back), "text");
  EXPECT_EQ(bytes, 3 + kCodeHashBytes + 4);
  EXPECT_EQ(segments, 0u);
}

TEST_F(CodeValues, OfALongTextTravelBesideTheBody) {
  const std::string text(kInlineForeignBytes + 1, 'x');
  EXPECT_EQ(text_of(send(code_value(text))), text);
  EXPECT_EQ(segments, 1u);
}

TEST_F(CodeValues, LeaveTheTextOutOnceItIsKnownThere) {
  const std::string text(5000, 'x');
  EXPECT_EQ(text_of(send(code_value(text))), text);
  EXPECT_EQ(text_of(send(code_value(text))), text);
  EXPECT_GT(bytes, text.size()) << "nobody has said that it is known";
  here.codes.set_there(std::string(kCodeHashBytes, 'a'));
  EXPECT_EQ(text_of(send(code_value(text))), text) << "it is remembered there";
  EXPECT_LT(bytes, 100u);
}

TEST_F(CodeValues, WithoutATextThatWasNeverSentHaveNone) {
  EXPECT_EQ(text_of(send(code_value(""))), "");
  EXPECT_EQ(text_of(send(code_value("", 'b'))), "");
}

TEST_F(CodeValues, AreRefusedByAWorkerThatTakesNoPickles) {
  Side closed(Allow::kRegistered);
  WireHooks writes(here.references, 1, &here.codes);
  BodyWriter out;
  write_value(out, make_ref<List>(std::vector<Value>{1, code_value("text")}), writes);
  EXPECT_THAT(error_of([&] { (void)read(out.body(), {}, closed); }), HasSubstr("allow=\"registered\""));
  EXPECT_EQ(closed.codes.came(std::string(kCodeHashBytes, 'a'), "").first->text, "") << "nothing is kept";
}

TEST_F(CodeValues, OfAnotherSizeThanTheSpecSaysAreRefused) {
  const auto refusal = [&](ExtType type, size_t size) {
    BodyWriter out;
    std::memset(out.ext(static_cast<int8_t>(type), size), 'a', size);
    return error_of([&] { (void)read(out.body(), {}, there); });
  };
  for (const size_t size : {size_t{0}, size_t{1}, kCodeHashBytes - 1})
    EXPECT_THAT(refusal(ExtType::kCode, size), HasSubstr("without a hash")) << size;
  EXPECT_EQ(refusal(ExtType::kCode, kCodeHashBytes), "no error");
  for (const size_t size : {size_t{0}, size_t{4}, kCodeHashBytes, kCodeHashBytes + 3, kCodeHashBytes + 5})
    EXPECT_THAT(refusal(ExtType::kCodeSegment, size), HasSubstr("ext of type 9")) << size;
  EXPECT_THAT(refusal(ExtType::kCodeSegment, kCodeHashBytes + 4), HasSubstr("segment"));
}

TEST_F(CodeValues, AModuleItselfIsNotAValueThatTravels) {
  const auto type = std::make_shared<const ObjectType>("m.Net", std::vector<ObjectType::Slot>{});
  WireHooks writes(here.references, 1, &here.codes);
  BodyWriter out;
  EXPECT_THAT(error_of([&] { write_value(out, make_ref<Object>(type, std::vector<Value>{}), writes); }),
              HasSubstr("a scripted module (m.Net) can be sent by Python alone"));
}

}  // namespace
}  // namespace tine::rpc
