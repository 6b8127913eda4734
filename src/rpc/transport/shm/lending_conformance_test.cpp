// What every transport keeps of memory that its two ends may lend each other, also where it lends none. conformance_test.cpp says
// over which transports this is run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <optional>

#include "src/rpc/transport/test_peers.h"
#include "tine/rpc.h"

namespace tine::rpc {
namespace {

using testing::HasSubstr;

TEST_P(Conformance, WhatLiesInSharedMemoryArrivesWholeAndInPlaceWhereTheTransportCan) {
  const bool in_place = GetParam() == std::string("shm");
  connect();
  std::optional<Tensor> t = shared_empty(std::vector<int64_t>{1 << 20}, DType::kUInt8);
  std::memset(t->data(), 'x', 1 << 20);
  struct Held final : detail::RefCounted {
    Tensor tensor;
  };
  for (uint64_t i = 1; i <= 3; ++i) {
    auto held = detail::make_ref<Held>();
    held->tensor = *t;
    OutFrame f = request(i, "shared");
    f.body.segment({{t->data_as<std::byte>() + 4096 * i, 100'000}, std::move(held)});
    f.body.segment(owned(std::vector<std::byte>(300'000 * (i - 1) + 1)));
    ASSERT_EQ(client->send(std::move(f)), nullptr);
    at_server->wait_for(i);
    const auto& segments = at_server->frames[i - 1].segments;
    ASSERT_EQ(segments.size(), 2U);
    ASSERT_EQ(segments[0]->size(), 100'000U);
    EXPECT_EQ(segments[0]->data()[99'999], std::byte{'x'});
    EXPECT_EQ(segments[0]->is_lent(), in_place);
    // Both ends are in this process, which maps it once.
    EXPECT_EQ(segments[0]->data() == t->data_as<std::byte>() + 4096 * i, in_place);
  }
  auto answer = at_server->frames[0].segments[0];
  OutFrame back = request(9, "back");
  back.body.segment({answer->bytes(), answer});
  ASSERT_EQ(server->send(std::move(back)), nullptr);
  at_client->wait_for(1);
  EXPECT_EQ(at_client->frames[0].segments[0]->is_lent(), in_place);
  // Where the last of it goes the two tell each other, and the connection goes on.
  at_server->clear();
  at_client->clear();
  answer = nullptr;
  t.reset();
  ASSERT_EQ(client->send(request(10, "on")), nullptr);
  at_server->wait_for(1);
  ASSERT_EQ(server->send(request(11, "and on")), nullptr);
  at_client->wait_for(1);
}

TEST_P(Conformance, TheBytesOfARawCallAreItsReceiversAlone) {
  connect();
  const Tensor t = shared_empty(std::vector<int64_t>{1 << 20}, DType::kUInt8);
  for (const FrameKind kind : {FrameKind::kRawRequest, FrameKind::kRawReply}) {
    OutFrame frame = request(1, "raw");
    frame.kind = kind;
    frame.body.segment({{t.data_as<std::byte>(), 1 << 20}, detail::Ref<detail::RefCounted>::share(t.impl())});
    ASSERT_EQ(client->send(std::move(frame)), nullptr);
  }
  at_server->wait_for(2);
  for (const Received& r : at_server->frames) {
    ASSERT_EQ(r.segments.size(), 1U);
    EXPECT_FALSE(r.segments[0]->is_lent());
    EXPECT_NE(r.segments[0]->data(), t.data_as<std::byte>());
  }
}

TEST_P(Conformance, AForgetForWhatIsNotLentIsMalformed) {
  connect();
  ASSERT_EQ(client->send(OutFrame(FrameKind::kForget, 5)), nullptr);
  at_server->wait_closed();
  EXPECT_EQ(at_server->why, CloseInfo::Why::kMalformed);
  EXPECT_THAT(at_server->error, HasSubstr("memory 5, which is not lent"));
}

TEST_P(Conformance, AForgottenForWhatWasNotToBeIsMalformed) {
  connect();
  ASSERT_EQ(client->send(OutFrame(FrameKind::kForgotten, 5)), nullptr);
  at_server->wait_closed();
  EXPECT_EQ(at_server->why, CloseInfo::Why::kMalformed);
  EXPECT_THAT(at_server->error, HasSubstr("memory 5, which was not to be forgotten"));
}

}  // namespace
}  // namespace tine::rpc
