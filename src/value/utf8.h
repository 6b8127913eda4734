// Strings are bytes in UTF-8, and Python counts characters. A byte that is not UTF-8 counts as one character.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tine::value {

inline constexpr int64_t kLastCharacter = 0x10FFFF;

[[nodiscard]] size_t sequence_length(std::string_view s) noexcept;  // 0: the front is not UTF-8
[[nodiscard]] inline size_t character_length(
    std::string_view s) noexcept {  // of the first one; s is not empty
  const size_t n = sequence_length(s);
  return n ? n : 1;
}
[[nodiscard]] bool is_ascii(std::string_view s) noexcept;
[[nodiscard]] size_t count_characters(std::string_view s) noexcept;
[[nodiscard]] std::string_view first_characters(std::string_view s, size_t n) noexcept;
// Where each character begins, and the end: size() + 1 offsets.
[[nodiscard]] std::vector<size_t> character_offsets(std::string_view s);
[[nodiscard]] std::string encode(uint32_t character);
[[nodiscard]] uint32_t decode(std::string_view character) noexcept;

}  // namespace tine::value
