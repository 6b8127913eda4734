// Random text for secrets, and for names that must not be guessed.
#pragma once

#include <strings.h>
#include <sys/random.h>

#include <array>
#include <cstddef>
#include <span>

namespace tine {

// 64 hexadecimal digits, made of 32 random bytes of the system. False, with errno: it gave none.
[[nodiscard]] inline bool random_hex(std::span<char, 64> digits) noexcept {
  std::array<unsigned char, 32> bytes;
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return false;
  for (size_t i = 0; i < bytes.size(); ++i) {
    digits[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
    digits[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
  }
  ::explicit_bzero(bytes.data(), bytes.size());
  return true;
}

}  // namespace tine
