#include "src/base/crypto.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "src/base/random.h"

namespace tine {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string hex(const Sha256& digest) {
  std::string text;
  for (const std::byte byte : digest) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte >> 4)];
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte & std::byte{15})];
  }
  return text;
}

// The examples of FIPS 180-4.
TEST(Crypto, TheHashIsSha256) {
  EXPECT_EQ(hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256(bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256(bytes(std::string(1'000'000, 'a')))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Cases 1, 2, 6 and 7 of RFC 4231: keys that are shorter and longer than a block.
TEST(Crypto, TheProofIsHmacSha256) {
  EXPECT_EQ(hex(hmac_sha256(bytes(std::string(20, '\x0b')), bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256(bytes("Jefe"), bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const std::string key(131, '\xaa');
  EXPECT_EQ(hex(hmac_sha256(bytes(key), bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(
      hex(hmac_sha256(bytes(key), bytes("This is a test using a larger than block-size key and a larger "
                                        "than block-size data. The key needs to be hashed before being "
                                        "used by the HMAC algorithm."))),
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(Crypto, ADifferenceInAnyByteIsSeen) {
  const Sha256 one = sha256(bytes("one"));
  EXPECT_TRUE(same_in_constant_time(one, sha256(bytes("one"))));
  for (size_t i = 0; i < one.size(); ++i) {
    Sha256 other = one;
    other[i] ^= std::byte{1};
    EXPECT_FALSE(same_in_constant_time(one, other)) << i;
  }
}

TEST(Random, TwoDrawsDiffer) {
  Sha256 one{}, other{};
  ASSERT_TRUE(random_bytes(one));
  ASSERT_TRUE(random_bytes(other));
  EXPECT_NE(one, other);
  EXPECT_NE(one, Sha256{});
}

TEST(Random, AWipedSecretIsGone) {
  Sha256 secret = sha256(bytes("secret"));
  wipe(secret);
  EXPECT_EQ(secret, Sha256{});
}

}  // namespace
}  // namespace tine
