// Random bytes of the system, for secrets and for names that must not be guessed.
#pragma once

#include <string.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>

namespace tine {

// At most 256 bytes, which come whole. A signal interrupts only the wait for the kernel's first ones. False, with errno: the
// system gave none.
[[nodiscard]] inline bool random_bytes(std::span<std::byte> bytes) noexcept {
  ssize_t n;
  do {
    n = ::getrandom(bytes.data(), bytes.size(), 0);
  } while (n < 0 && errno == EINTR);
  return n == static_cast<ssize_t>(bytes.size());
}

// Overwrites a secret. The compiler does not leave it out, as it may a memset().
inline void wipe(std::span<std::byte> bytes) noexcept { ::explicit_bzero(bytes.data(), bytes.size()); }

// 64 hexadecimal digits, made of 32 random bytes. False, with errno: the system gave none.
[[nodiscard]] inline bool random_hex(std::span<char, 64> digits) noexcept {
  std::array<std::byte, 32> bytes;
  if (!random_bytes(bytes)) return false;
  for (size_t i = 0; i < bytes.size(); ++i) {
    digits[2 * i] = "0123456789abcdef"[std::to_integer<unsigned>(bytes[i] >> 4)];
    digits[2 * i + 1] = "0123456789abcdef"[std::to_integer<unsigned>(bytes[i] & std::byte{15})];
  }
  wipe(bytes);
  return true;
}

}  // namespace tine
