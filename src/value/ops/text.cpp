// str: characters, searching, splitting, formatting.
#include <fmt/format.h>

#include <algorithm>

#include "src/value/format.h"
#include "src/value/ops/indexing.h"
#include "src/value/ops/letters.h"
#include "src/value/ops/ops.h"
#include "src/value/ops/rows.h"
#include "src/value/text.h"
#include "src/value/utf8.h"

namespace tine::value {
namespace {

using I = int64_t;
using MaybeInt = std::optional<int64_t>;
using MaybeStr = std::optional<std::string>;
using Text = const std::string&;
using View = std::string_view;
using V = const Value&;

constexpr size_t kLongest = size_t{1} << 31;  // bytes of a string that an operator makes

// ---- characters

std::string character(Text s, int64_t index) {
  constexpr const char* kRange = "string index out of range";
  // In ASCII, bytes are characters. Else the offset of each character is needed.
  if (is_ascii(s)) return std::string(1, s[wrap_index(index, s.size(), kRange)]);
  const auto at = character_offsets(s);
  const size_t i = wrap_index(index, at.size() - 1, kRange);
  return s.substr(at[i], at[i + 1] - at[i]);
}

std::string slice(Text s, MaybeInt start, MaybeInt end, int64_t step) {
  const bool ascii = is_ascii(s);
  const std::vector<size_t> at = ascii ? std::vector<size_t>() : character_offsets(s);
  const SliceRange range(start, end, step, ascii ? s.size() : at.size() - 1);
  std::string out;
  for (int64_t k = 0; k < range.count; ++k) {
    const auto i = static_cast<size_t>(range.start + k * range.step);
    if (ascii) {
      out += s[i];
    } else {
      out += View(s).substr(at[i], at[i + 1] - at[i]);
    }
  }
  return out;
}

std::vector<std::string> characters(Text s) {
  std::vector<std::string> out;
  for (View rest = s; !rest.empty(); rest.remove_prefix(character_length(rest))) {
    out.emplace_back(rest.substr(0, character_length(rest)));
  }
  return out;
}

int64_t ordinal(Text s) {
  const size_t n = count_characters(s);
  if (n != 1) throw TypeError(fmt::format("ord() expected a character, but string of length {} found", n));
  return decode(s);
}

std::string from_ordinal(int64_t c) {
  if (c < 0 || c > kLastCharacter) throw ValueError("chr() arg not in range(0x110000)");
  return encode(static_cast<uint32_t>(c));
}

template <class F>
std::string mapped(Text s, F f) {
  std::string out = s;
  std::transform(out.begin(), out.end(), out.begin(), f);
  return out;
}
bool is_letter(char c) { return is_upper(c) || is_lower(c); }
template <class F>
bool every(Text s, F f) {
  return !s.empty() && std::all_of(s.begin(), s.end(), f);
}

std::string capitalize(Text s) {
  std::string out = mapped(s, to_lower);
  if (!out.empty()) out[0] = to_upper(out[0]);
  return out;
}

// ---- parts

std::string repeat(Text s, int64_t times) {
  const size_t n = times > 0 ? static_cast<size_t>(times) : 0;
  if (!s.empty() && n > kLongest / s.size()) {
    throw ValueError(
        fmt::format("a string of {} bytes repeated {} times is longer than the limit of {} bytes", s.size(),
                    times, kLongest));
  }
  std::string out;
  out.reserve(s.size() * n);
  for (size_t i = 0; i < n; ++i) out += s;
  return out;
}

Text one(Text fill) {
  if (count_characters(fill) != 1) throw TypeError("The fill character must be exactly one character long");
  return fill;
}

std::string center(Text s, int64_t width, Text fill) {
  const int64_t missing = width - static_cast<int64_t>(count_characters(s));
  if (missing <= 0) return s;
  const int64_t left = missing / 2 + (missing & width & 1);  // as CPython splits an odd number
  return repeat(fill, left) + s + repeat(fill, missing - left);
}

View strip(View s, const MaybeStr& chars, bool left, bool right) {
  const View drop = chars ? View(*chars) : kSpace;
  if (!is_ascii(drop)) {
    // By characters: two of them may begin with the same byte.
    const auto dropped = [&](View c) { return drop.find(c) != View::npos; };
    while (left && !s.empty() && dropped(s.substr(0, character_length(s))))
      s.remove_prefix(character_length(s));
    while (right && !s.empty()) {
      size_t last = s.size() - 1;
      while (last > 0 && (static_cast<unsigned char>(s[last]) & 0xC0) == 0x80) --last;
      if (!dropped(s.substr(last))) break;
      s.remove_suffix(s.size() - last);
    }
    return s;
  }
  if (left) s.remove_prefix(std::min(s.find_first_not_of(drop), s.size()));
  if (right) s.remove_suffix(s.size() - (s.find_last_not_of(drop) + 1));
  return s;
}

std::vector<std::string> split(Text s, const MaybeStr& separator, int64_t most) {
  std::vector<std::string> out;
  View rest = s;
  const auto full = [&] { return most >= 0 && static_cast<int64_t>(out.size()) >= most; };
  if (!separator) {
    // As in Python, the last piece of a limited split keeps the space within it and after it.
    for (rest = strip(rest, {}, true, false); !rest.empty(); rest = strip(rest, {}, true, false)) {
      const size_t end = full() ? rest.size() : std::min(rest.find_first_of(kSpace), rest.size());
      out.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end);
    }
    return out;
  }
  if (separator->empty()) throw ValueError("empty separator");
  for (size_t at; !full() && (at = rest.find(*separator)) != View::npos;) {
    out.emplace_back(rest.substr(0, at));
    rest.remove_prefix(at + separator->size());
  }
  out.emplace_back(rest);
  return out;
}

// The bytes of the line end that `s` begins with; 0 if there is none. These are Python's.
size_t line_end(View s) {
  if (s.starts_with("\r\n")) return 2;
  if (View("\n\r\v\f\x1c\x1d\x1e").find(s[0]) != View::npos) return 1;
  if (s.starts_with("\u0085")) return 2;
  return s.starts_with("\u2028") || s.starts_with("\u2029") ? 3 : 0;
}

std::vector<std::string> split_lines(Text s, bool keep_ends) {
  std::vector<std::string> out;
  View rest = s;
  while (!rest.empty()) {
    size_t end = 0;
    while (end < rest.size() && line_end(rest.substr(end)) == 0) ++end;
    const size_t next = end + (end < rest.size() ? line_end(rest.substr(end)) : 0);
    out.emplace_back(rest.substr(0, keep_ends ? next : end));
    rest.remove_prefix(next);
  }
  return out;
}

std::string join(Text separator, const List& values) {
  std::string out;
  for (size_t i = 0; i < values.items.size(); ++i) {
    if (i) out += separator;
    out += values.items[i].as_string();
  }
  return out;
}

// ---- searching; indices count characters

// What `start` and `end` leave to search in; nothing where not even an empty text can be found.
struct Window {
  View text;
  int64_t first = 0;  // its place in the whole
};
std::optional<Window> window(View s, int64_t start, const MaybeInt& end) {
  if (start == 0 && !end) return Window{s};
  const bool ascii = is_ascii(s);
  const std::vector<size_t> at = ascii ? std::vector<size_t>() : character_offsets(s);
  const auto size = static_cast<int64_t>(ascii ? s.size() : at.size() - 1);
  const auto wrapped = [&](int64_t i) { return std::max<int64_t>(i < 0 ? i + size : i, 0); };
  const int64_t from = wrapped(start), to = end ? std::min(wrapped(*end), size) : size;
  if (from > to) return std::nullopt;
  const auto offset = [&](int64_t i) { return ascii ? static_cast<size_t>(i) : at[static_cast<size_t>(i)]; };
  return Window{s.substr(offset(from), offset(to) - offset(from)), from};
}

int64_t find(View s, View part, int64_t start, const MaybeInt& end, bool last) {
  const auto in = window(s, start, end);
  if (!in) return -1;
  const size_t at = last ? in->text.rfind(part) : in->text.find(part);
  return at == View::npos ? -1 : in->first + static_cast<int64_t>(count_characters(in->text.substr(0, at)));
}

bool begins(View s, View part, int64_t start, const MaybeInt& end) {
  const auto in = window(s, start, end);
  return in && in->text.starts_with(part);
}
bool ends(View s, View part, int64_t start, const MaybeInt& end) {
  const auto in = window(s, start, end);
  return in && in->text.ends_with(part);
}

int64_t count(View s, View part, int64_t start, const MaybeInt& end) {
  const auto in = window(s, start, end);
  if (!in) return 0;
  // As in Python, an empty text is found in front of each character and at the end. replace() agrees.
  if (part.empty()) return static_cast<int64_t>(count_characters(in->text)) + 1;
  int64_t n = 0;
  for (size_t at = in->text.find(part); at != View::npos; at = in->text.find(part, at + part.size())) ++n;
  return n;
}

std::string replace(Text s, Text from, Text to, int64_t most) {
  std::string out;
  auto full = [&, done = int64_t{0}]() mutable { return most >= 0 && done++ >= most; };
  if (from.empty()) {
    for (const std::string& c : characters(s)) {
      if (!full()) out += to;
      out += c;
    }
    return full() ? out : out + to;
  }
  size_t begin = 0;
  for (size_t at = s.find(from); at != std::string::npos && !full(); at = s.find(from, begin)) {
    out.append(s, begin, at - begin);
    out += to;
    begin = at + from.size();
  }
  return out.append(s, begin);
}

int64_t require(int64_t found) {
  if (found < 0) throw ValueError("substring not found");
  return found;
}

void add_characters(Rows& rows) {
  // clang-format off
  rows.pure(cost::kText, "aten::len.str(str s) -> int", [](Text s) { return count_characters(s); });
  rows.pure(cost::kText, "aten::__getitem__.str(str s, int index) -> str", [](Text s, I i) { return character(s, i); });
  rows.pure(cost::kText, "aten::slice.str(str string, int? start=None, int? end=None, int step=1) -> str", [](Text s, MaybeInt start, MaybeInt end, I step) { return slice(s, start, end, step); });
  rows.pure(cost::kPieces, "aten::list.str(str t) -> str[]", [](Text s) { return characters(s); });
  rows.pure(cost::kText, "aten::ord(str string) -> int", [](Text s) { return ordinal(s); });
  rows.pure(cost::kFixed, "aten::chr(int i) -> str", [](I i) { return from_ordinal(i); });
  rows.pure(cost::kText, "aten::upper(str self) -> str", [](Text s) { return mapped(s, to_upper); });
  rows.pure(cost::kText, "aten::lower(str self) -> str", [](Text s) { return mapped(s, to_lower); });
  rows.pure(cost::kText, "aten::capitalize(str self) -> str", [](Text s) { return capitalize(s); });
  rows.pure(cost::kText, "aten::isdigit(str self) -> bool", [](Text s) { return every(s, is_digit); });
  rows.pure(cost::kText, "aten::isalpha(str self) -> bool", [](Text s) { return every(s, is_letter); });
  rows.pure(cost::kText, "aten::isalnum(str self) -> bool", [](Text s) { return every(s, [](char c) { return is_digit(c) || is_letter(c); }); });
  rows.pure(cost::kText, "aten::isspace(str self) -> bool", [](Text s) { return every(s, is_space); });
  // clang-format on
}

void add_parts(Rows& rows) {
  // clang-format off
  rows.pure(cost::kText, "aten::add.str(str a, str b) -> str", [](Text a, Text b) { return a + b; });
  rows.pure(cost::kRepeat, "aten::mul.str_int(str a, int b) -> str", [](Text s, I n) { return repeat(s, n); });
  rows.pure(cost::kRepeat, "aten::mul.int_str(int a, str b) -> str", [](I n, Text s) { return repeat(s, n); });
  rows.pure(cost::kSearch, "aten::strip(str self, str? chars=None) -> str", [](Text s, MaybeStr chars) { return std::string(strip(s, chars, true, true)); });
  rows.pure(cost::kSearch, "aten::lstrip(str self, str? chars=None) -> str", [](Text s, MaybeStr chars) { return std::string(strip(s, chars, true, false)); });
  rows.pure(cost::kSearch, "aten::rstrip(str self, str? chars=None) -> str", [](Text s, MaybeStr chars) { return std::string(strip(s, chars, false, true)); });
  rows.pure(cost::kReplace, "aten::split.str(str self, str? separator=None, int max=-1) -> str[]", [](Text s, MaybeStr separator, I most) { return split(s, separator, most); });
  rows.pure(cost::kPieces, "aten::splitlines(str self, bool keepends=False) -> str[]", [](Text s, bool keep_ends) { return split_lines(s, keep_ends); });
  rows.pure(cost::kJoin, "aten::join(str self, str[] values) -> str", [](Text s, List& values) { return join(s, values); });
  rows.pure(cost::kReplace, "aten::replace(str self, str old, str new, int max=-1) -> str", [](Text s, Text from, Text to, I most) { return replace(s, from, to, most); });
  rows.pure(cost::kPad, "aten::ljust(str self, int width, str fillchar=' ') -> str", [](Text s, I width, Text fill) { return s + repeat(one(fill), width - I(count_characters(s))); });
  rows.pure(cost::kPad, "aten::rjust(str self, int width, str fillchar=' ') -> str", [](Text s, I width, Text fill) { return repeat(one(fill), width - I(count_characters(s))) + s; });
  rows.pure(cost::kPad, "aten::center(str self, int width, str fillchar=' ') -> str", [](Text s, I width, Text fill) { return center(s, width, one(fill)); });
  rows.pure(cost::kPad, "aten::zfill(str self, int width) -> str", [](Text s, I width) { const size_t sign = s.starts_with('-') || s.starts_with('+'); return s.substr(0, sign) + repeat("0", width - I(count_characters(s))) + s.substr(sign); });
  rows.pure(cost::kFormat, "aten::format(str self, Any[] args) -> str", [](Text s, List& args) { return value::format(s, args.items); });
  rows.pure(cost::kFormat, "aten::str(t elem) -> str", [](V v) { return to_text(v); });
  rows.pure(cost::kFormat, "aten::repr(t elem) -> str", [](V v) { return v.repr(); });
  // clang-format on
}

void add_searches(Rows& rows) {
  // clang-format off
  rows.pure(cost::kSearch, "aten::__contains__.str(str self, str item) -> bool", [](Text s, Text part) { return s.find(part) != std::string::npos; });
  rows.pure(cost::kText, "aten::startswith(str self, str substr, int start=0, int? end=None) -> bool", [](Text s, Text part, I start, MaybeInt end) { return begins(s, part, start, end); });
  rows.pure(cost::kText, "aten::endswith(str self, str substr, int start=0, int? end=None) -> bool", [](Text s, Text part, I start, MaybeInt end) { return ends(s, part, start, end); });
  rows.pure(cost::kSearch, "aten::find(str self, str substr, int start=0, int? end=None) -> int", [](Text s, Text part, I start, MaybeInt end) { return find(s, part, start, end, false); });
  rows.pure(cost::kSearch, "aten::rfind(str self, str substr, int start=0, int? end=None) -> int", [](Text s, Text part, I start, MaybeInt end) { return find(s, part, start, end, true); });
  rows.pure(cost::kSearch, "aten::index.str(str self, str substr, int start=0, int? end=None) -> int", [](Text s, Text part, I start, MaybeInt end) { return require(find(s, part, start, end, false)); });
  rows.pure(cost::kSearch, "aten::rindex(str self, str substr, int start=0, int? end=None) -> int", [](Text s, Text part, I start, MaybeInt end) { return require(find(s, part, start, end, true)); });
  rows.pure(cost::kSearch, "aten::count(str self, str substr, int start=0, int? end=None) -> int", [](Text s, Text part, I start, MaybeInt end) { return count(s, part, start, end); });
  // clang-format on
}

}  // namespace

void add_text_rows(Rows& rows) {
  add_characters(rows);
  add_parts(rows);
  add_searches(rows);
}

}  // namespace tine::value
