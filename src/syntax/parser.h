// Parser: turns the source text of script functions into a tree. docs/spec/language.md says which part of Python is left
// out.
//
// Any thread may parse. The time is linear in the text, about a microsecond for each line. Every error is a SyntaxError
// with the file, the line, the source line with a marker, and what to write instead. No input, however deep or long,
// overflows the stack.
#pragma once

#include <memory>

#include "src/syntax/tree.h"

namespace tine::syntax {

// Any number of `def`, `class` and `import` at the outermost level, indented as one.
[[nodiscard]] Module parse(std::shared_ptr<const Source> source);
// One expression inside the source, as in an annotation between quotes.
[[nodiscard]] ExprPtr parse_expression(std::shared_ptr<const Source> source, Span span);

}  // namespace tine::syntax
