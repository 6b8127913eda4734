#include "src/base/source.h"

#include <fmt/format.h>

#include <algorithm>

namespace tine {
namespace {

// Longer lines are cut around the marker: a message is for reading.
constexpr size_t kExcerptWidth = 160;

bool continues_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

int characters(std::string_view text) noexcept {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

// The byte at which character `index` (from 0) begins.
size_t byte_of(std::string_view text, int index) noexcept {
  size_t at = 0;
  while (at < text.size() && index > 0) {
    ++at;
    while (at < text.size() && continues_character(text[at])) ++at;
    --index;
  }
  return at;
}

}  // namespace

Source::Source(std::string n, std::string t, int first)
    : name(std::move(n)), text(std::move(t)), first_line(first) {
  line_starts_.push_back(0);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') line_starts_.push_back(static_cast<uint32_t>(i + 1));
  }
}

Place Source::place(uint32_t offset) const noexcept {
  offset = std::min(offset, static_cast<uint32_t>(text.size()));
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto index = static_cast<int>(next - line_starts_.begin()) - 1;
  const uint32_t start = line_starts_[static_cast<size_t>(index)];
  return {first_line + index, 1 + characters(std::string_view(text).substr(start, offset - start))};
}

std::string_view Source::line_text(int line) const noexcept {
  const int index = line - first_line;
  if (index < 0 || index >= static_cast<int>(line_starts_.size())) return {};
  const size_t begin = line_starts_[static_cast<size_t>(index)];
  size_t end = text.find('\n', begin);
  if (end == std::string::npos) end = text.size();
  if (end > begin && text[end - 1] == '\r') --end;
  return std::string_view(text).substr(begin, end - begin);
}

SourceSpan::SourceSpan(std::shared_ptr<const Source> s, Span span) : source(std::move(s)) {
  if (!source) return;
  const Place from = source->place(span.begin);
  line = from.line;
  column = from.column;
  const Place to = source->place(std::max(span.begin, span.end));
  end_line = to.line;
  end_column = to.column;
}

std::string SourceSpan::str() const {
  if (!known()) return {};
  return fmt::format("{}:{}:{}", source->name, line, column);
}

std::string SourceSpan::excerpt() const {
  if (!known()) return {};
  std::string_view text = source->line_text(line);
  if (text.empty()) return {};
  size_t begin = byte_of(text, column - 1);
  size_t end = end_line == line ? byte_of(text, end_column - 1) : end_line > line ? text.size() : begin;
  end = std::clamp(end, begin, text.size());
  std::string_view before, after;
  if (text.size() > kExcerptWidth) {
    size_t cut = begin > kExcerptWidth / 2 ? begin - kExcerptWidth / 2 : 0;
    while (cut > 0 && continues_character(text[cut])) --cut;
    if (cut > 0) before = "...";
    text.remove_prefix(cut);
    begin -= cut;
    end -= cut;
    if (text.size() > kExcerptWidth) {
      size_t keep = kExcerptWidth;
      while (keep > 0 && continues_character(text[keep])) --keep;
      text = text.substr(0, keep);
      after = "...";
      begin = std::min(begin, keep);
      end = std::min(end, keep);
    }
  }
  // Tabs stay tabs below, or the marker would stand elsewhere than the reader's editor shows.
  std::string marker(before.size(), ' ');
  for (const char c : text.substr(0, begin)) {
    if (!continues_character(c)) marker += c == '\t' ? '\t' : ' ';
  }
  marker.append(static_cast<size_t>(std::max(1, characters(text.substr(begin, end - begin)))), '^');
  return fmt::format("  {}{}{}\n  {}", before, text, after, marker);
}

std::string located(const SourceSpan& where, std::string_view message) {
  if (!where.known()) return std::string(message);
  const std::string excerpt = where.excerpt();
  if (excerpt.empty()) return fmt::format("{}: {}", where.str(), message);
  return fmt::format("{}: {}\n{}", where.str(), message, excerpt);
}

void throw_at(ErrorKind kind, const SourceSpan& where, std::string_view message) {
  std::rethrow_exception(make_error(kind, located(where, message)));
}

}  // namespace tine
