// Parser: Python source text to a tree, statement by statement.
//
// State      None between calls.
// Threads    Any.
// Ordering   Functions and classes come in the order of the text.
// Ownership  The Module shares the Source and owns the tree.
// Errors     SyntaxError: file, line, the source line with a marker, what to write instead. No input, however
//            deep or long, overflows the stack.
// Cost       Linear in the text; about a microsecond a line.
// Source     The Python reference manual; docs/spec/language.md says what is left out.
#pragma once

#include <memory>

#include "src/syntax/tree.h"

namespace tine::syntax {

// Any number of `def`, `class` and `import` at the outermost level, indented as one.
[[nodiscard]] Module parse(std::shared_ptr<const Source> source);
// One expression inside the source, as in an annotation between quotes.
[[nodiscard]] ExprPtr parse_expression(std::shared_ptr<const Source> source, Span span);

}  // namespace tine::syntax
