#include "src/rpc/peer_codes.h"

#include <gtest/gtest.h>

namespace tine::rpc {
namespace {

TEST(PeerCodes, SendATextUntilTheOtherSideSaysThatItHasIt) {
  PeerCodes codes;
  EXPECT_TRUE(codes.needs_text("a"));
  EXPECT_TRUE(codes.needs_text("a"));
  codes.set_there("a");
  EXPECT_FALSE(codes.needs_text("a"));
  EXPECT_TRUE(codes.needs_text("b"));
}

TEST(PeerCodes, TakeNoNoticeOfAHashThatWasNeverSent) {
  PeerCodes codes;
  codes.set_there("a");
  EXPECT_TRUE(codes.needs_text("a")) << "the other side made it up";
}

TEST(PeerCodes, RememberTheFirstTextOfAHashAndSaySoOnce) {
  PeerCodes codes;
  EXPECT_EQ(codes.came("a", "").first->text, "");
  const auto [first, says] = codes.came("a", "text");
  EXPECT_TRUE(says);
  EXPECT_EQ(codes.came("a", ""), std::pair(first, false));
  const auto [again, says_again] = codes.came("a", "another text");
  EXPECT_EQ(again->text, "another text") << "it is verified with the hash by whoever uses it";
  EXPECT_FALSE(says_again);
  EXPECT_EQ(codes.came("a", "").first, first);
}

TEST(PeerCodes, RememberNoMoreThanTheirBound) {
  PeerCodes codes;
  const std::string half(PeerCodes::kMost / 2, 'x');
  EXPECT_TRUE(codes.came("a", half).second);
  const auto [code, says] = codes.came("b", half);
  EXPECT_EQ(code->text.size(), half.size()) << "it can be used";
  EXPECT_FALSE(says) << "and comes again";
  EXPECT_EQ(codes.came("b", "").first->text, "");
  EXPECT_TRUE(codes.came("c", "small").second);
}

}  // namespace
}  // namespace tine::rpc
