// The numbers of docs/spec/wire.md, which programs of another build have in them: none may change without kWireVersion.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "src/rpc/wire/frame.h"
#include "src/rpc/wire/handshake.h"
#include "src/rpc/wire/request.h"
#include "src/rpc/wire/segments.h"
#include "src/rpc/wire/value_codec.h"
#include "tine/foreign.h"

namespace tine::rpc {
namespace {

template <class E>
void expect_numbers(const std::vector<std::pair<E, int>>& rows) {
  for (const auto& [name, number] : rows) EXPECT_EQ(static_cast<int>(name), number);
}

TEST(WireNumbers, OfVersionTwoAreThese) {
  EXPECT_EQ(kWireVersion, 2);
  using K = FrameKind;
  expect_numbers<K>({{K::kRequest, 1},
                     {K::kReply, 2},
                     {K::kError, 3},
                     {K::kCancel, 4},
                     {K::kPing, 5},
                     {K::kPong, 6},
                     {K::kGoodbye, 7},
                     {K::kChunk, 8},
                     {K::kLease, 16},
                     {K::kForkDone, 17},
                     {K::kRelease, 18},
                     {K::kOwnerLost, 19},
                     {K::kCodeKnown, 20},
                     {K::kTaken, 21},
                     {K::kIntroduction, 24},
                     {K::kRawRequest, 25},
                     {K::kRawReply, 26},
                     {K::kRawFailure, 27}});
  using G = GoodbyeReason;
  expect_numbers<G>({{G::kDone, 0},
                     {G::kShutdown, 1},
                     {G::kMalformed, 2},
                     {G::kSilent, 3},
                     {G::kInternal, 4},
                     {G::kReplaced, 5},
                     {G::kFailed, 6},
                     {G::kRefused, 7}});
  using T = Target;
  expect_numbers<T>({{T::kBuiltin, 0},
                     {T::kScript, 1},
                     {T::kForeign, 2},
                     {T::kFetch, 3},
                     {T::kControl, 4},
                     {T::kServed, 5}});
  using O = RequestOption;
  expect_numbers<O>(
      {{O::kCodeHash, 1}, {O::kCodeText, 2}, {O::kCreates, 3}, {O::kAsyncExecution, 4}, {O::kAfter, 5}});
  using X = ExtType;
  expect_numbers<X>({{X::kTuple, 1},
                     {X::kTensor, 2},
                     {X::kTensorSegment, 3},
                     {X::kForeign, 4},
                     {X::kForeignSegment, 5},
                     {X::kRRef, 6},
                     {X::kCode, 7},
                     {X::kTextSegment, 8},
                     {X::kCodeSegment, 9}});
  using R = RecordType;
  expect_numbers<R>({{R::kHello, 1}, {R::kChallenge, 2}, {R::kProof, 3}, {R::kAccept, 4}, {R::kRefusal, 5}});
  using C = RefusalCode;
  expect_numbers<C>({{C::kNone, 0},
                     {C::kWrongSecret, 1},
                     {C::kNoCommonVersion, 2},
                     {C::kMalformed, 3},
                     {C::kBusy, 4},
                     {C::kTooSlow, 5},
                     {C::kClosing, 7},
                     {C::kOtherKind, 8}});
  EXPECT_EQ(ForeignPayload::kPythonPickle, 1);
  EXPECT_EQ(ForeignPayload::kPythonBytes, 2);
  EXPECT_EQ(ForeignPayload::kPythonValue, 3);
  EXPECT_EQ(kFirstChunk, 2);
  EXPECT_EQ(kLastChunk, 1);
}

TEST(WireNumbers, SoAreTheSizesThatBothSidesCountWith) {
  EXPECT_EQ(kHeaderBytes, 40U);
  EXPECT_EQ(kSegmentAlign, 64U);
  EXPECT_EQ(kChunkBytes, 262'144U);
  EXPECT_EQ(kMaxBodyBytes, 67'108'864U);
  EXPECT_EQ(kMaxSegments, 65'536U);
  EXPECT_EQ(kMaxSegmentBytes, 68'719'476'736U);
  EXPECT_EQ(kDefaultMaxPayload, 17'179'869'184U);
  EXPECT_EQ(kRecordHeadBytes, 16U);
  EXPECT_EQ(kHelloBytes, 192U);
  EXPECT_EQ(kProofBytes, 64U);
  EXPECT_EQ(kMaxNameBytes, 128U);
  EXPECT_EQ(kNonceBytes, 32U);
  EXPECT_EQ(kMacBytes, 32U);
  EXPECT_EQ(kRawCalls, 1U);
  EXPECT_EQ(kInlineTensorBytes, 512U);
  EXPECT_EQ(kInlineTextBytes, 65'536U);
  EXPECT_EQ(kMaxNesting, 64);
}

}  // namespace
}  // namespace tine::rpc
