#include "src/syntax/lexer.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "src/syntax/type_comments.h"

namespace tine::syntax {
namespace {

struct Spelling {
  std::string_view text;
  Tok tok;
};

constexpr std::array kWords = {
    Spelling{"and", Tok::kAnd},
    Spelling{"as", Tok::kAs},
    Spelling{"assert", Tok::kAssert},
    Spelling{"async", Tok::kAsync},
    Spelling{"await", Tok::kAwait},
    Spelling{"break", Tok::kBreak},
    Spelling{"class", Tok::kClass},
    Spelling{"continue", Tok::kContinue},
    Spelling{"def", Tok::kDef},
    Spelling{"del", Tok::kDel},
    Spelling{"elif", Tok::kElif},
    Spelling{"else", Tok::kElse},
    Spelling{"except", Tok::kExcept},
    Spelling{"False", Tok::kFalse},
    Spelling{"finally", Tok::kFinally},
    Spelling{"for", Tok::kFor},
    Spelling{"from", Tok::kFrom},
    Spelling{"global", Tok::kGlobal},
    Spelling{"if", Tok::kIf},
    Spelling{"import", Tok::kImport},
    Spelling{"in", Tok::kIn},
    Spelling{"is", Tok::kIs},
    Spelling{"lambda", Tok::kLambda},
    Spelling{"None", Tok::kNone},
    Spelling{"nonlocal", Tok::kNonlocal},
    Spelling{"not", Tok::kNot},
    Spelling{"or", Tok::kOr},
    Spelling{"pass", Tok::kPass},
    Spelling{"raise", Tok::kRaise},
    Spelling{"return", Tok::kReturn},
    Spelling{"True", Tok::kTrue},
    Spelling{"try", Tok::kTry},
    Spelling{"while", Tok::kWhile},
    Spelling{"with", Tok::kWith},
    Spelling{"yield", Tok::kYield},
};

// Longest first, so that the first that fits is right.
constexpr std::array kMarks = {
    Spelling{"...", Tok::kEllipsis},
    Spelling{"**=", Tok::kDoubleStarAssign},
    Spelling{"//=", Tok::kDoubleSlashAssign},
    Spelling{"<<=", Tok::kShlAssign},
    Spelling{">>=", Tok::kShrAssign},
    Spelling{"->", Tok::kArrow},
    Spelling{":=", Tok::kWalrus},
    Spelling{"==", Tok::kEq},
    Spelling{"!=", Tok::kNe},
    Spelling{"<=", Tok::kLe},
    Spelling{">=", Tok::kGe},
    Spelling{"<<", Tok::kShl},
    Spelling{">>", Tok::kShr},
    Spelling{"**", Tok::kDoubleStar},
    Spelling{"//", Tok::kDoubleSlash},
    Spelling{"+=", Tok::kPlusAssign},
    Spelling{"-=", Tok::kMinusAssign},
    Spelling{"*=", Tok::kStarAssign},
    Spelling{"/=", Tok::kSlashAssign},
    Spelling{"%=", Tok::kPercentAssign},
    Spelling{"&=", Tok::kAmpAssign},
    Spelling{"|=", Tok::kPipeAssign},
    Spelling{"^=", Tok::kCaretAssign},
    Spelling{"@=", Tok::kAtAssign},
    Spelling{"(", Tok::kLParen},
    Spelling{")", Tok::kRParen},
    Spelling{"[", Tok::kLBracket},
    Spelling{"]", Tok::kRBracket},
    Spelling{"{", Tok::kLBrace},
    Spelling{"}", Tok::kRBrace},
    Spelling{",", Tok::kComma},
    Spelling{":", Tok::kColon},
    Spelling{";", Tok::kSemicolon},
    Spelling{".", Tok::kDot},
    Spelling{"@", Tok::kAt},
    Spelling{"~", Tok::kTilde},
    Spelling{"!", Tok::kExclaim},
    Spelling{"=", Tok::kAssign},
    Spelling{"<", Tok::kLt},
    Spelling{">", Tok::kGt},
    Spelling{"+", Tok::kPlus},
    Spelling{"-", Tok::kMinus},
    Spelling{"*", Tok::kStar},
    Spelling{"/", Tok::kSlash},
    Spelling{"%", Tok::kPercent},
    Spelling{"&", Tok::kAmp},
    Spelling{"|", Tok::kPipe},
    Spelling{"^", Tok::kCaret},
};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
// Any character beyond ASCII may be part of a name. lex() has checked that the text is UTF-8.
bool is_name_start(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_name_part(char c) noexcept { return is_name_start(c) || is_digit(c); }

// The offset of the first byte that is not UTF-8, or npos.
size_t first_bad_byte(std::string_view text) noexcept {
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    // 0xC0 and 0xC1 could begin only overlong forms, and 0xF5 only numbers above 0x10FFFF.
    const size_t length = c < 0x80                ? 1
                          : c >= 0xC2 && c < 0xE0 ? 2
                          : c >= 0xE0 && c < 0xF0 ? 3
                          : c >= 0xF0 && c < 0xF5 ? 4
                                                  : 0;
    if (length == 0 || i + length > text.size()) return i;
    for (size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return i;
    }
    const auto second = length > 1 ? static_cast<unsigned char>(text[i + 1]) : 0;
    // Overlong forms, halves of surrogate pairs, and numbers above 0x10FFFF.
    if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) || (c == 0xF0 && second < 0x90) ||
        (c == 0xF4 && second > 0x8F)) {
      return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

class Lexer {
 public:
  Lexer(std::shared_ptr<const Source> source, Span range, bool lines, std::vector<TypeComment>* comments)
      : source_(std::move(source)),
        // Begins at the start of the text, not of the range, so that offsets are those of the Source.
        text_(std::string_view(source_->text).substr(0, range.end)),
        at_(range.begin),
        lines_(lines),
        comments_(comments) {}

  std::vector<Token> run() {
    // Scripts have about one token for three bytes.
    tokens_.reserve((text_.size() - at_) / 3 + 8);
    if (lines_) {
      if (at_ == 0 && text_.starts_with("\xEF\xBB\xBF")) at_ = 3;  // a byte order mark
      begin_line();
    }
    while (at_ < text_.size()) next();
    if (!brackets_.empty()) {
      const uint32_t open = brackets_.back();
      fail({open, open + 1}, fmt::format("this `{}` is never closed", text_[open]));
    }
    if (lines_) {
      // The parser sees the same tokens whether or not the text ends with a newline.
      if (!tokens_.empty() && tokens_.back().kind != Tok::kNewline && tokens_.back().kind != Tok::kDedent)
        add(Tok::kNewline, 0);
      while (indents_.size() > 1) {
        indents_.pop_back();
        add(Tok::kDedent, 0);
      }
    }
    add(Tok::kEnd, 0);
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(Span span, std::string_view message) const {
    throw_at(ErrorKind::kSyntax, SourceSpan(source_, span), message);
  }
  [[noreturn]] void fail_here(size_t length, std::string_view message) const {
    fail({at_, static_cast<uint32_t>(at_ + length)}, message);
  }
  char peek(size_t ahead = 0) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void add(Tok kind, size_t length) {
    tokens_.push_back({kind, {at_, static_cast<uint32_t>(at_ + length)}});
    at_ += static_cast<uint32_t>(length);
  }

  void skip_comment() {
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view comment = text_.substr(at_ + 1, end - at_ - 1);
    while (!comment.empty() && comment.front() == ' ') comment.remove_prefix(1);
    if (comments_ && comment.starts_with("type:")) {
      comment.remove_prefix(5);
      comment = comment.substr(0, comment.find('#'));
      while (!comment.empty() && comment.front() == ' ') comment.remove_prefix(1);
      while (!comment.empty() && (comment.back() == ' ' || comment.back() == '\t' || comment.back() == '\r'))
        comment.remove_suffix(1);
      const auto begin = static_cast<uint32_t>(comment.data() - text_.data());
      if (is_type_comment(comment))
        comments_->push_back({{begin, begin + static_cast<uint32_t>(comment.size())}, tokens_.size()});
    }
    at_ = static_cast<uint32_t>(end);
  }

  // At the start of a line outside brackets: skips blank lines, then compares the indentation.
  void begin_line() {
    while (at_ < text_.size()) {
      const uint32_t start = at_;
      while (peek() == ' ' || peek() == '\t' || peek() == '\f') ++at_;
      if (peek() == '#') skip_comment();
      if (peek() == '\r' && peek(1) == '\n') ++at_;
      if (at_ >= text_.size()) return;
      if (peek() == '\n') {
        ++at_;
        continue;
      }
      indent(text_.substr(start, at_ - start));
      return;
    }
  }

  // Compares the spaces and tabs themselves and not their width, so an indentation never depends on the size of a tab. The
  // first line is the outermost level, however far it is indented.
  void indent(std::string_view now) {
    if (indents_.empty()) {
      indents_.push_back(now);
      return;
    }
    if (now == indents_.back()) return;
    if (now.size() > indents_.back().size() && now.starts_with(indents_.back())) {
      indents_.push_back(now);
      add(Tok::kIndent, 0);
      return;
    }
    const std::string_view before = indents_.back();
    while (indents_.size() > 1 && now.size() < indents_.back().size()) {
      indents_.pop_back();
      add(Tok::kDedent, 0);
    }
    if (now != indents_.back()) {
      fail_here(1, !before.starts_with(now) && !now.starts_with(before)
                       ? "this line's indentation mixes tabs and spaces differently from the lines above; "
                         "indent with spaces alone"
                       : "this line's indentation matches no enclosing block");
    }
  }

  void next() {
    const char c = peek();
    if (c == ' ' || c == '\t' || c == '\f') {
      ++at_;
    } else if (c == '\n' || (c == '\r' && peek(1) == '\n')) {
      const size_t length = c == '\n' ? 1 : 2;
      // Inside brackets a line end is only space.
      if (!lines_ || !brackets_.empty()) {
        at_ += static_cast<uint32_t>(length);
      } else {
        tokens_.push_back({Tok::kNewline, {at_, at_}});
        at_ += static_cast<uint32_t>(length);
        begin_line();
      }
    } else if (c == '#') {
      skip_comment();
    } else if (c == '\\') {
      const size_t length = peek(1) == '\n' ? 2 : peek(1) == '\r' && peek(2) == '\n' ? 3 : 0;
      if (length == 0) fail_here(1, "a backslash continues a line only as its last character");
      at_ += static_cast<uint32_t>(length);
    } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      number();
    } else if (c == '"' || c == '\'') {
      string(0, false);
    } else if (is_name_start(c)) {
      word();
    } else {
      mark();
    }
  }

  void number() {
    size_t n = 0;
    const auto digits = [&](auto accept) {
      bool any = false;
      // One `_` between two digits, as in Python.
      while (accept(peek(n)) || (peek(n) == '_' && any && accept(peek(n + 1)))) {
        any = true;
        ++n;
      }
      return any;
    };
    Tok kind = Tok::kInt;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X' || peek(1) == 'o' || peek(1) == 'O' ||
                          peek(1) == 'b' || peek(1) == 'B')) {
      const char base = static_cast<char>(peek(1) | 0x20);
      n = 2;
      if (peek(n) == '_') ++n;
      const bool any = digits([base](char d) {
        if (base == 'x') return is_digit(d) || (d >= 'a' && d <= 'f') || (d >= 'A' && d <= 'F');
        return d >= '0' && d <= (base == 'o' ? '7' : '1');
      });
      if (!any) fail_here(n, "this number has no digits");
    } else {
      digits(is_digit);
      if (peek(n) == '.') {
        kind = Tok::kFloat;
        ++n;
        digits(is_digit);
      }
      if (peek(n) == 'e' || peek(n) == 'E') {
        // Without a digit it is not an exponent: `1else` is refused below as neither a number nor a name.
        const size_t sign = peek(n + 1) == '+' || peek(n + 1) == '-' ? 1 : 0;
        if (is_digit(peek(n + 1 + sign))) {
          kind = Tok::kFloat;
          n += 1 + sign;
          digits(is_digit);
        }
      }
      // As in Python, `00` is 0 and `017` is refused, because it was octal in Python 2. Floats such as `01.5` are
      // allowed.
      if (kind == Tok::kInt && n > 1 && peek() == '0' &&
          text_.substr(at_, n).find_first_not_of("0_") != std::string_view::npos) {
        fail_here(n, "a decimal number does not begin with 0; octal ones are written 0o17");
      }
    }
    if (peek(n) == 'j' || peek(n) == 'J') fail_here(n + 1, "complex numbers are not supported in scripts");
    if (is_name_part(peek(n))) {
      while (is_name_part(peek(n))) ++n;
      fail_here(n, "this is neither a number nor a name");
    }
    add(kind, n);
  }

  void word() {
    size_t n = 1;
    while (is_name_part(peek(n))) ++n;
    // A string's prefix has one or two letters, in either case.
    if ((peek(n) == '"' || peek(n) == '\'') && n <= 2) {
      std::string prefix;
      for (const char c : text_.substr(at_, n)) prefix += static_cast<char>(c | 0x20);
      if (prefix == "r" || prefix == "u") return string(n, false);
      if (prefix == "f" || prefix == "fr" || prefix == "rf") return string(n, true);
      if (prefix == "b" || prefix == "br" || prefix == "rb")
        fail_here(n, "bytes are not supported in scripts; write a str");
    }
    const std::string_view text = text_.substr(at_, n);
    const auto* found =
        std::find_if(kWords.begin(), kWords.end(), [&](const Spelling& s) { return s.text == text; });
    add(found == kWords.end() ? Tok::kName : found->tok, n);
  }

  void string(size_t prefix, bool format) {
    const char quote = peek(prefix);
    const bool triple = peek(prefix + 1) == quote && peek(prefix + 2) == quote;
    size_t n = prefix + (triple ? 3 : 1);
    for (;;) {
      if (at_ + n >= text_.size() || (!triple && (peek(n) == '\n' || peek(n) == '\r'))) {
        fail_here(prefix + (triple ? 3 : 1),
                  triple ? "this string is never closed" : "this string is not closed on its line");
      }
      const char c = peek(n);
      // A backslash protects the next character, also in raw strings. The escape itself is read by unescape().
      if (c == '\\') {
        if (peek(n + 1) == '\r' && peek(n + 2) == '\n') ++n;
        n += 2;
      } else if (c == quote && (!triple || (peek(n + 1) == quote && peek(n + 2) == quote))) {
        add(format ? Tok::kFString : Tok::kString, n + (triple ? 3 : 1));
        return;
      } else {
        ++n;
      }
    }
  }

  void mark() {
    const std::string_view rest = text_.substr(at_);
    const auto* found = std::find_if(kMarks.begin(), kMarks.end(),
                                     [&](const Spelling& s) { return rest.starts_with(s.text); });
    if (found == kMarks.end()) {
      const auto c = static_cast<unsigned char>(rest.front());
      fail_here(1, c < 0x20 || c == 0x7F
                       ? fmt::format("unexpected character with code {}", c)
                       : fmt::format("unexpected character `{}`{}", rest.front(),
                                     rest.front() == '?' ? "; write `a if condition else b`" : ""));
    }
    switch (found->tok) {
      case Tok::kLParen:
      case Tok::kLBracket:
      case Tok::kLBrace: brackets_.push_back(at_); break;
      case Tok::kRParen:
      case Tok::kRBracket:
      case Tok::kRBrace: {
        if (brackets_.empty()) fail_here(1, fmt::format("this `{}` closes nothing", rest.front()));
        // Brackets are matched here and not in the parser, because they decide whether a line end is a token.
        const char open = text_[brackets_.back()];
        const char wanted = open == '(' ? ')' : open == '[' ? ']' : '}';
        if (rest.front() != wanted) {
          fail_here(1, fmt::format("expected `{}` to close the `{}` at {}, found `{}`", wanted, open,
                                   SourceSpan(source_, Span{brackets_.back(), brackets_.back() + 1}).str(),
                                   rest.front()));
        }
        brackets_.pop_back();
        break;
      }
      default: break;
    }
    add(found->tok, found->text.size());
  }

  std::shared_ptr<const Source> source_;
  std::string_view text_;
  uint32_t at_;
  bool lines_;
  std::vector<TypeComment>* const comments_;  // null: not asked for
  std::vector<Token> tokens_;
  std::vector<std::string_view> indents_;
  std::vector<uint32_t> brackets_;
};

void append_utf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

}  // namespace

std::string name_of(Tok tok) {
  switch (tok) {
    case Tok::kEnd: return "the end of the source";
    case Tok::kNewline: return "the end of the line";
    case Tok::kIndent: return "an indented line";
    case Tok::kDedent: return "the end of the block";
    case Tok::kName: return "a name";
    case Tok::kInt:
    case Tok::kFloat: return "a number";
    case Tok::kString:
    case Tok::kFString: return "a string";
    default: break;
  }
  for (const Spelling& s : kWords) {
    if (s.tok == tok) return fmt::format("`{}`", s.text);
  }
  for (const Spelling& s : kMarks) {
    if (s.tok == tok) return fmt::format("`{}`", s.text);
  }
  return "?";
}

std::vector<Token> lex(const std::shared_ptr<const Source>& source, std::vector<TypeComment>* comments) {
  constexpr size_t kLimit = size_t{16} << 20;
  if (source->text.size() > kLimit) {
    throw_at(ErrorKind::kSyntax, SourceSpan(source, source->first_line, 1),
             "a script's source is at most 16 MiB long");
  }
  if (const size_t bad = first_bad_byte(source->text); bad != std::string_view::npos) {
    // The message shows no excerpt, which would contain the bad byte.
    const Place place = source->place(static_cast<uint32_t>(bad));
    throw SyntaxError(
        fmt::format("{}:{}:{}: the source is not UTF-8", source->name, place.line, place.column));
  }
  return Lexer(source, {0, static_cast<uint32_t>(source->text.size())}, true, comments).run();
}

std::vector<Token> lex_expression(const std::shared_ptr<const Source>& source, Span span) {
  return Lexer(source, span, false, nullptr).run();
}

StringBody body_of(const Source& source, const Token& string) {
  std::string_view text =
      std::string_view(source.text).substr(string.span.begin, string.span.end - string.span.begin);
  StringBody body;
  uint32_t prefix = 0;
  while (text[prefix] != '"' && text[prefix] != '\'') {
    body.raw = body.raw || (text[prefix] | 0x20) == 'r';
    ++prefix;
  }
  text.remove_prefix(prefix);
  const uint32_t quotes = text.size() >= 6 && text[1] == text[0] && text[2] == text[0] ? 3 : 1;
  body.span = {string.span.begin + prefix + quotes, string.span.end - quotes};
  return body;
}

std::string unescape(const std::shared_ptr<const Source>& source, Span span, bool raw) {
  const std::string_view text = std::string_view(source->text).substr(span.begin, span.end - span.begin);
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    // As in Python, a line end inside a string is "\n" whatever the file has.
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    // The text between two fields of an f-string may end in a backslash: f"\{x}".
    if (text[i] != '\\' || raw || i + 1 >= text.size()) {
      out += text[i];
      continue;
    }
    const size_t start = i;
    const auto fail = [&](std::string_view message) {
      const auto begin = static_cast<uint32_t>(span.begin + start);
      throw_at(ErrorKind::kSyntax, SourceSpan(source, Span{begin, begin + 2}), message);
    };
    const auto hex = [&](size_t digits) {
      uint32_t value = 0;
      for (size_t k = 0; k < digits; ++k) {
        const char d = i + 1 < text.size() ? text[i + 1] : '\0';
        const int nibble = is_digit(d)            ? d - '0'
                           : d >= 'a' && d <= 'f' ? d - 'a' + 10
                           : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                                  : -1;
        if (nibble < 0) fail(fmt::format("this escape needs {} hexadecimal digits", digits));
        value = value * 16 + static_cast<uint32_t>(nibble);
        ++i;
      }
      return value;
    };
    const char c = text[++i];
    switch (c) {
      case '\n': break;  // the string goes on in the next line
      case '\r':
        if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
        break;
      case '\\':
      case '\'':
      case '"': out += c; break;
      case 'a': out += '\a'; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'v': out += '\v'; break;
      case 'x':
      case 'u':
      case 'U': {
        const uint32_t value = hex(c == 'x' ? 2 : c == 'u' ? 4 : 8);
        if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
          fail("this escape does not name a character");
        append_utf8(out, value);
        break;
      }
      case 'N': fail("named characters are not supported in scripts; write the character or \\uXXXX"); break;
      default:
        if (c >= '0' && c <= '7') {
          // One to three octal digits. As in Python, a number above 0o377 is the character of that number.
          uint32_t value = static_cast<uint32_t>(c - '0');
          for (int k = 0; k < 2 && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '7'; ++k) {
            value = value * 8 + static_cast<uint32_t>(text[++i] - '0');
          }
          append_utf8(out, value);
        } else {  // Python keeps what it does not know.
          out += '\\';
          out += c;
        }
    }
  }
  return out;
}

}  // namespace tine::syntax
