// Reviewed cryptography behind three functions: OpenSSL's, or libsodium's where third_party/ is built (docs/decisions.md).
// Any thread may call them. Random bytes: src/base/random.h.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace tine {

using Sha256 = std::array<std::byte, 32>;

// FIPS 180-4. Error: the library refuses SHA-256.
[[nodiscard]] Sha256 sha256(std::span<const std::byte> text);
// RFC 2104, with a key of any length. Error as above.
[[nodiscard]] Sha256 hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> text);
// Takes the same time wherever the two differ.
[[nodiscard]] bool same_in_constant_time(std::span<const std::byte, 32> a,
                                         std::span<const std::byte, 32> b) noexcept;

}  // namespace tine
