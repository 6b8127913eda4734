// str: what its letters are and how they are written, the parts that a separator makes, and `%`.
#include <fmt/format.h>

#include <algorithm>

#include "src/value/format.h"
#include "src/value/ops/letters.h"
#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"
#include "src/value/utf8.h"

namespace tine::value {
namespace {

using I = int64_t;
using MaybeStr = std::optional<std::string>;
using Text = const std::string&;
using View = std::string_view;

// For title() all that is not of ASCII is part of a word.
bool in_word(char c) { return is_upper(c) || is_lower(c) || (static_cast<unsigned char>(c) & 0x80) != 0; }

std::string title(Text s) {
  std::string out = s;
  bool within = false;  // a word
  for (char& c : out) {
    c = within ? to_lower(c) : to_upper(c);
    within = in_word(c);
  }
  return out;
}

std::string swap_case(Text s) {
  std::string out = s;
  for (char& c : out) c = is_upper(c) ? to_lower(c) : to_upper(c);
  return out;
}

bool is_title(Text s) {
  bool within = false, any = false;
  for (const char c : s) {
    if (is_upper(c) ? within : is_lower(c) && !within) return false;
    within = in_word(c);
    any = any || is_upper(c);
  }
  return any;
}

bool all_in_case(Text s, bool (*wanted)(char), bool (*other)(char)) {
  return std::any_of(s.begin(), s.end(), wanted) && std::none_of(s.begin(), s.end(), other);
}

bool is_identifier(Text s) {
  const auto starts = [](char c) { return is_upper(c) || is_lower(c) || c == '_'; };
  return !s.empty() && starts(s[0]) &&
         std::all_of(s.begin(), s.end(), [&](char c) { return starts(c) || is_digit(c); });
}

bool is_printable(Text s) {
  return std::all_of(s.begin(), s.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u >= 0x20 && u != 0x7f;
  });
}

bool all_digits(Text s) { return !s.empty() && std::all_of(s.begin(), s.end(), is_digit); }

std::string expand_tabs(Text s, int64_t size) {
  constexpr int64_t kWidest = 1 << 20;  // a short text must not ask for gigabytes
  if (size > kWidest) throw ValueError(fmt::format("a tab is at most {} columns wide", kWidest));
  std::string out;
  int64_t column = 0;
  for (const char c : s) {
    if (c == '\t') {
      const int64_t fill = size > 0 ? size - column % size : 0;
      out.append(static_cast<size_t>(fill), ' ');
      column += fill;
      continue;
    }
    out += c;
    const bool first_byte = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    column = c == '\n' || c == '\r' ? 0 : column + first_byte;
  }
  return out;
}

std::vector<std::string> split_from_the_right(Text s, const MaybeStr& separator, int64_t most) {
  std::vector<std::string> out;
  View rest = s;
  const auto full = [&] { return most >= 0 && static_cast<int64_t>(out.size()) >= most; };
  if (!separator) {
    const auto trim = [&] { rest.remove_suffix(rest.size() - (rest.find_last_not_of(kSpace) + 1)); };
    for (trim(); !rest.empty(); trim()) {
      const size_t space = full() ? View::npos : rest.find_last_of(kSpace);
      const size_t begin = space == View::npos ? 0 : space + 1;
      const View piece = rest.substr(begin);
      if (!piece.empty()) out.emplace_back(piece);
      rest = rest.substr(0, begin);
    }
  } else {
    if (separator->empty()) throw ValueError("empty separator");
    for (size_t at; !full() && (at = rest.rfind(*separator)) != View::npos;) {
      out.emplace_back(rest.substr(at + separator->size()));
      rest = rest.substr(0, at);
    }
    out.emplace_back(rest);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

Value three(View before, View separator, View after) {
  std::vector<Value> parts{Value(before), Value(separator), Value(after)};
  return Value(detail::make_ref<Tuple>(std::move(parts)));
}

Value partition(Text s, Text separator, bool last) {
  if (separator.empty()) throw ValueError("empty separator");
  const size_t at = last ? s.rfind(separator) : s.find(separator);
  if (at == std::string::npos) return last ? three("", "", s) : three(s, "", "");
  const View all = s;
  return three(all.substr(0, at), separator, all.substr(at + separator.size()));
}

}  // namespace

void add_text_form_rows(Rows& rows) {
  // clang-format off
  rows.pure(cost::kText, "aten::title(str self) -> str", [](Text s) { return title(s); });
  rows.pure(cost::kText, "aten::swapcase(str self) -> str", [](Text s) { return swap_case(s); });
  rows.pure(cost::kText, "aten::casefold(str self) -> str", [](Text s) { std::string out = s; std::transform(out.begin(), out.end(), out.begin(), to_lower); return out; });
  rows.pure(cost::kText, "aten::isupper(str self) -> bool", [](Text s) { return all_in_case(s, is_upper, is_lower); });
  rows.pure(cost::kText, "aten::islower(str self) -> bool", [](Text s) { return all_in_case(s, is_lower, is_upper); });
  rows.pure(cost::kText, "aten::istitle(str self) -> bool", [](Text s) { return is_title(s); });
  rows.pure(cost::kText, "aten::isidentifier(str self) -> bool", [](Text s) { return is_identifier(s); });
  rows.pure(cost::kText, "aten::isprintable(str self) -> bool", [](Text s) { return is_printable(s); });
  rows.pure(cost::kText, "aten::isdecimal(str self) -> bool", [](Text s) { return all_digits(s); });
  rows.pure(cost::kText, "aten::isnumeric(str self) -> bool", [](Text s) { return all_digits(s); });
  rows.pure(cost::kRepeat, "aten::expandtabs(str self, int tabsize=8) -> str", [](Text s, I size) { return expand_tabs(s, size); });
  rows.pure(cost::kReplace, "aten::rsplit(str self, str? separator=None, int max=-1) -> str[]", [](Text s, MaybeStr separator, I most) { return split_from_the_right(s, separator, most); });
  rows.pure(cost::kSearch, "aten::partition(str self, str separator) -> (str, str, str)", [](Text s, Text separator) { return partition(s, separator, false); });
  rows.pure(cost::kSearch, "aten::rpartition(str self, str separator) -> (str, str, str)", [](Text s, Text separator) { return partition(s, separator, true); });
  rows.pure(cost::kFormat, "aten::percentFormat(str self, Any[] args) -> str", [](Text s, List& args) { return percent_format(s, args.items); });
  // clang-format on
}

}  // namespace tine::value
