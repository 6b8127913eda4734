#include "src/rpc/wire/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/rpc/wire/value_codec.h"
#include "tine/error.h"

namespace tine::rpc {
namespace {

using ::testing::ElementsAre;

constexpr RRefId kId{7, 0x1122334455667788, 0x99aabbccddeeff00, 42};

std::vector<int> numbers(std::span<const std::byte> bytes) {
  std::vector<int> out;
  for (const std::byte b : bytes) out.push_back(static_cast<int>(b));
  return out;
}

TEST(Reference, HasTheBytesOfTheSpec) {
  BodyWriter out;
  write_rref(out, {kId, 3, 5});
  EXPECT_THAT(numbers(out.body()), ElementsAre(0xc7, 40, 6, 7, 0, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33,
                                               0x22, 0x11, 0, 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 42, 0,
                                               0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0));
}

TEST(Reference, IsReadAsItWasWritten) {
  BodyWriter rref, id, lease, fork, release, lost, taken;
  write_rref(rref, {kId, 3, 5});
  write_rref_id(id, kId);
  write_lease(lease, {kId, -1, ~uint64_t{0}});
  write_fork_done(fork, ~uint64_t{0});
  write_release(release, kId);
  write_owner_lost(lost, 7);
  write_taken(taken, ~uint64_t{0});
  EXPECT_EQ(parse_rref(BodyReader(rref.body()).ext().bytes), (PassedRRef{kId, 3, 5}));
  EXPECT_EQ(parse_rref_id(BodyReader(id.body()).bin()), kId);
  EXPECT_EQ(read_lease(lease.body()), (PassedRRef{kId, -1, ~uint64_t{0}}));
  EXPECT_EQ(read_fork_done(fork.body()), ~uint64_t{0});
  EXPECT_EQ(read_release(release.body()), kId);
  EXPECT_EQ(read_owner_lost(lost.body()), 7U);
  EXPECT_EQ(read_taken(taken.body()), ~uint64_t{0});
}

TEST(Reference, OfAnotherLengthOrTypeIsRefused) {
  BodyWriter release, fork, other;
  write_release(release, kId);
  write_fork_done(fork, 1);
  (void)std::fill_n(other.ext(static_cast<int8_t>(ExtType::kTuple), kPassedRRefBytes), kPassedRRefBytes,
                    std::byte{});
  EXPECT_THROW((void)read_lease(release.body()), ValueError);
  EXPECT_THROW((void)read_lease(fork.body()), ValueError);
  EXPECT_THROW((void)read_lease(other.body()), ValueError);
  EXPECT_THROW((void)read_release(fork.body()), ValueError);
  EXPECT_THROW((void)read_fork_done(release.body()), ValueError);
  EXPECT_THROW((void)read_release({}), ValueError);
  EXPECT_THROW((void)read_owner_lost(release.body()), ValueError);
  EXPECT_THROW((void)read_taken(release.body()), ValueError);
  EXPECT_THROW((void)parse_rref_id({}), ValueError);
  // Nothing may follow.
  BodyWriter more;
  write_release(more, kId);
  more.nil();
  EXPECT_THROW((void)read_release(more.body()), ValueError);
}

}  // namespace
}  // namespace tine::rpc
