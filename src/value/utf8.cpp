#include "src/value/utf8.h"

#include <algorithm>

namespace tine::value {

size_t sequence_length(std::string_view s) noexcept {
  const auto b = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  if (s.empty()) return 0;
  const size_t n = b(0) < 0x80 ? 1 : b(0) >> 5 == 6 ? 2 : b(0) >> 4 == 14 ? 3 : b(0) >> 3 == 30 ? 4 : 0;
  if (n == 0 || n > s.size()) return 0;
  for (size_t i = 1; i < n; ++i) {
    if (b(i) >> 6 != 2) return 0;
  }
  const bool overlong = (n == 2 && b(0) < 0xC2) || (n == 3 && b(0) == 0xE0 && b(1) < 0xA0) ||
                        (n == 4 && b(0) == 0xF0 && b(1) < 0x90);
  return overlong ? 0 : n;
}

bool is_ascii(std::string_view s) noexcept {
  return std::all_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

size_t count_characters(std::string_view s) noexcept {
  size_t n = 0;
  for (; !s.empty(); ++n) s.remove_prefix(character_length(s));
  return n;
}

std::string_view first_characters(std::string_view s, size_t n) noexcept {
  size_t at = 0;
  for (; n > 0 && at < s.size(); --n) at += character_length(s.substr(at));
  return s.substr(0, at);
}

std::vector<size_t> character_offsets(std::string_view s) {
  std::vector<size_t> out;
  out.reserve(s.size() + 1);
  for (size_t at = 0; at < s.size(); at += character_length(s.substr(at))) out.push_back(at);
  out.push_back(s.size());
  return out;
}

std::string encode(uint32_t c) {
  const auto tail = [c](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) return std::string(1, static_cast<char>(c));
  if (c < 0x800) return {static_cast<char>(0xC0 | c >> 6), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0 | c >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | c >> 18), tail(12), tail(6), tail(0)};
}

uint32_t decode(std::string_view s) noexcept {
  const size_t n = sequence_length(s);
  const auto b = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(s[i])); };
  switch (n) {
    case 2: return (b(0) & 0x1F) << 6 | (b(1) & 0x3F);
    case 3: return (b(0) & 0x0F) << 12 | (b(1) & 0x3F) << 6 | (b(2) & 0x3F);
    case 4: return (b(0) & 0x07) << 18 | (b(1) & 0x3F) << 12 | (b(2) & 0x3F) << 6 | (b(3) & 0x3F);
    default: return s.empty() ? 0 : b(0);
  }
}

}  // namespace tine::value
