// Source text and places in it: what errors, the compiler and the machine point at.
//
// A Source is immutable, and spans share it. A Source without text (IR from elsewhere) still has a name. A SourceSpan without
// a source, or with line 0, means "no place". To find a line is a binary search in a table that is made with the Source.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tine/error.h"

namespace tine {

// The bytes [begin, end) of a Source, as tokens and tree nodes carry them.
struct Span {
  uint32_t begin = 0;
  uint32_t end = 0;
};

struct Place {
  int line = 0;    // from 1; 0: none
  int column = 0;  // from 1, in characters
};

class TINE_API Source {
 public:
  explicit Source(std::string name) : Source(std::move(name), {}) {}
  // `first_line` is the number of the first line of `text` in the file from which it was cut.
  Source(std::string name, std::string text, int first_line = 1);

  const std::string name;
  const std::string text;
  const int first_line;

  [[nodiscard]] Place place(uint32_t offset) const noexcept;
  // The text of that line of the file, without its end; empty if the line is not in this source.
  [[nodiscard]] std::string_view line_text(int line) const noexcept;

 private:
  std::vector<uint32_t> line_starts_;
};

struct TINE_API SourceSpan {
  std::shared_ptr<const Source> source;
  int line = 0, column = 0;          // from 1; 0: no place
  int end_line = 0, end_column = 0;  // exclusive; 0: unknown

  SourceSpan() = default;
  SourceSpan(std::shared_ptr<const Source> s, Span span);
  SourceSpan(std::shared_ptr<const Source> s, int l, int c) : source(std::move(s)), line(l), column(c) {}

  [[nodiscard]] bool known() const noexcept { return source != nullptr && line > 0; }
  [[nodiscard]] std::string str() const;  // "file.py:3:4"; empty when there is no place
  // The source line, and below it a marker, each indented by two. Empty when there is no text.
  [[nodiscard]] std::string excerpt() const;
};

// "file.py:3:4: message", then the excerpt.
[[nodiscard]] TINE_API std::string located(const SourceSpan& where, std::string_view message);
// Throws an error of that kind with that text.
[[noreturn]] TINE_API void throw_at(ErrorKind kind, const SourceSpan& where, std::string_view message);

}  // namespace tine
