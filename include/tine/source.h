// Source text, and places in it: what errors, the compiler and running scripts point at.
//
//   const auto source = std::make_shared<const tine::Source>("loss.py", "def f(x):\n    return y\n", 10);
//   const tine::SourceSpan y(source, 11, 12);
//   y.str();      // "loss.py:11:12"
//   y.excerpt();  // the line, and below it a marker
//
// A Source never changes; any thread may read it. Finding the line of an offset is a binary search.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tine/detail/export.h"

namespace tine {

// The bytes [begin, end) of a Source.
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
  // Without text: places in it have a file and a line, and nothing to show.
  explicit Source(std::string name) : Source(std::move(name), {}) {}
  // `first_line`: the number of the first line of `text` in the file from which it was cut.
  Source(std::string name, std::string text, int first_line = 1);

  const std::string name;
  const std::string text;
  const int first_line;

  [[nodiscard]] Place place(uint32_t offset) const noexcept;
  // The text of that line of the file without its end; empty when it is not in this source.
  [[nodiscard]] std::string_view line_text(int line) const noexcept;

 private:
  std::vector<uint32_t> line_starts_;
};

// A part of a Source, which it shares. Without a source, or with line 0, it means "no place".
struct TINE_API SourceSpan {
  std::shared_ptr<const Source> source;
  int line = 0, column = 0;          // from 1; 0: no place
  int end_line = 0, end_column = 0;  // exclusive; 0: unknown

  SourceSpan() = default;
  SourceSpan(std::shared_ptr<const Source> s, Span span);
  SourceSpan(std::shared_ptr<const Source> s, int l, int c) : source(std::move(s)), line(l), column(c) {}

  [[nodiscard]] bool known() const noexcept { return source != nullptr && line > 0; }
  [[nodiscard]] std::string str() const;  // "file.py:3:4"; empty when there is no place
  // The line and below it the marker, each indented by two, the first without a leading line end; empty when there is no
  // text.
  [[nodiscard]] std::string excerpt() const;
};

}  // namespace tine
