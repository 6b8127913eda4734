// The characters that operators on str tell apart. Only the letters of ASCII have two cases here.
#pragma once

#include <string_view>

namespace tine::value {

inline constexpr std::string_view kSpace = " \t\n\r\v\f";

inline bool is_space(char c) { return kSpace.find(c) != std::string_view::npos; }
inline bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
inline bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline char to_upper(char c) { return is_lower(c) ? static_cast<char>(c - 32) : c; }
inline char to_lower(char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; }

}  // namespace tine::value
