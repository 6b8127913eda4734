// Lexer: turns source text into tokens, with Python's rules for lines and indentation ("Lexical analysis" in the Python
// reference manual).
//
// Tokens are in the order of the text, and the last one is kEnd. They hold offsets into the Source, which must outlive
// them. Errors are SyntaxErrors with a place and a marker.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/source.h"

namespace tine::syntax {

enum class Tok : uint8_t {
  kEnd,
  kNewline,
  kIndent,
  kDedent,
  kName,
  kInt,
  kFloat,
  kString,
  kFString,
  // Words of the language.
  kAnd,
  kAs,
  kAssert,
  kAsync,
  kAwait,
  kBreak,
  kClass,
  kContinue,
  kDef,
  kDel,
  kElif,
  kElse,
  kExcept,
  kFalse,
  kFinally,
  kFor,
  kFrom,
  kGlobal,
  kIf,
  kImport,
  kIn,
  kIs,
  kLambda,
  kNone,
  kNonlocal,
  kNot,
  kOr,
  kPass,
  kRaise,
  kReturn,
  kTrue,
  kTry,
  kWhile,
  kWith,
  kYield,
  // Brackets and marks.
  kLParen,
  kRParen,
  kLBracket,
  kRBracket,
  kLBrace,
  kRBrace,
  kComma,
  kColon,
  kSemicolon,
  kDot,
  kEllipsis,
  kArrow,
  kAt,
  kWalrus,
  kTilde,
  kExclaim,
  kAssign,
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,
  kPlus,
  kMinus,
  kStar,
  kSlash,
  kDoubleSlash,
  kPercent,
  kDoubleStar,
  kAmp,
  kPipe,
  kCaret,
  kShl,
  kShr,
  // Augmented assignments, in the order of the operators above.
  kPlusAssign,
  kMinusAssign,
  kStarAssign,
  kSlashAssign,
  kDoubleSlashAssign,
  kPercentAssign,
  kDoubleStarAssign,
  kAmpAssign,
  kPipeAssign,
  kCaretAssign,
  kShlAssign,
  kShrAssign,
  kAtAssign,
};

// "`while`", "a name", "the end of the line", ...: how messages call it.
[[nodiscard]] std::string name_of(Tok tok);

struct TypeComment;  // type_comments.h

struct Token {
  Tok kind = Tok::kEnd;
  Span span;
};

// The whole source. Its first line may be indented, as inspect.getsource gives methods: that indentation is
// the outermost one. `comments` gets the comments that are types, in their order.
[[nodiscard]] std::vector<Token> lex(const std::shared_ptr<const Source>& source,
                                     std::vector<TypeComment>* comments = nullptr);
// An expression inside the source (a field of an f-string, an annotation in quotes): no lines, no indentation.
[[nodiscard]] std::vector<Token> lex_expression(const std::shared_ptr<const Source>& source, Span span);

// The text between the quotes of a kString or kFString token, and whether it is raw (no escapes).
struct StringBody {
  Span span;
  bool raw = false;
};
[[nodiscard]] StringBody body_of(const Source& source, const Token& string);
// The text with its escapes replaced. An invalid escape is a SyntaxError.
[[nodiscard]] std::string unescape(const std::shared_ptr<const Source>& source, Span span, bool raw);

}  // namespace tine::syntax
