// Constants, numbers, strings and f-strings.
#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "src/syntax/expression_parser.h"

namespace tine::syntax {
namespace {

constexpr uint64_t kMinIntMagnitude = uint64_t{1} << 63;

}  // namespace

ExprPtr ExpressionParser::literal(ExprKind kind) {
  auto node = std::make_unique<Literal>(kind);
  node->span = take().span;
  return node;
}

ExprPtr ExpressionParser::number() {
  const Token t = take();
  std::string digits;
  for (const char c : text(t)) {
    if (c != '_') digits += c;
  }
  if (t.kind == Tok::kFloat) {
    auto node = std::make_unique<Float>();
    node->span = t.span;
    // from_chars leaves overflow to the caller; strtod gives inf, as Python does.
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), node->value);
    if (error == std::errc::result_out_of_range) node->value = std::strtod(digits.c_str(), nullptr);
    return node;
  }
  std::string_view body = digits;
  int base = 10;
  if (body.size() > 2 && body[0] == '0') {
    const char letter = static_cast<char>(body[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
    if (base != 10) body.remove_prefix(2);
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), value, base);
  if (error != std::errc() || value >= kMinIntMagnitude) {
    fail(t.span, "this number does not fit into an int of 64 bits; write it as a float");
  }
  auto node = std::make_unique<Int>();
  node->span = t.span;
  node->value = static_cast<int64_t>(value);
  return node;
}

ExprPtr ExpressionParser::string() {
  const uint32_t begin = peek().span.begin;
  std::vector<ExprPtr> parts;
  int tokens = 0;
  bool format = false;
  const auto add = [&](ExprPtr part) {
    // Neighbouring pieces of text are one.
    if (!parts.empty() && part->kind == ExprKind::kString && parts.back()->kind == ExprKind::kString) {
      static_cast<String&>(*parts.back()).value += static_cast<String&>(*part).value;
      static_cast<String&>(*parts.back()).body = {};
    } else {
      parts.push_back(std::move(part));
    }
  };
  while (at(Tok::kString) || at(Tok::kFString)) {
    const Token t = take();
    ++tokens;
    if (t.kind == Tok::kFString) {
      format = true;
      ExprPtr pieces = format_string(t);
      for (ExprPtr& p : static_cast<FString&>(*pieces).parts) add(std::move(p));
    } else {
      const StringBody body = body_of(*source_, t);
      auto node = std::make_unique<String>();
      node->span = t.span;
      node->value = unescape(source_, body.span, body.raw);
      node->body = body.span;
      add(std::move(node));
    }
  }
  if (!format) {
    // An annotation in quotes is parsed from its place in the source, and joined pieces have no single place.
    if (tokens > 1) static_cast<String&>(*parts.front()).body = {};
    parts.front()->span = since(begin);
    return std::move(parts.front());
  }
  auto node = std::make_unique<FString>();
  node->parts = std::move(parts);
  node->span = since(begin);
  check_height(*node, node->parts);
  return node;
}

// A field ends at the first `}` outside of strings and brackets. A colon, `!r` or a final `=` outside of brackets would be a
// format, a conversion or a debugging form; `!=` is an operator.
uint32_t ExpressionParser::end_of_field(Span rest) const {
  const std::string_view all = source_->text;
  uint32_t i = rest.begin;
  int brackets = 0;
  char quote = '\0';
  for (; i < rest.end; ++i) {
    const char d = all[i];
    if (quote != '\0') {
      if (d == quote) quote = '\0';
    } else if (d == '\'' || d == '"') {
      quote = d;
    } else if (d == '(' || d == '[' || d == '{') {
      ++brackets;
    } else if (brackets > 0 && (d == ')' || d == ']' || d == '}')) {
      --brackets;
    } else if (d == '}') {
      break;
    } else if (brackets == 0 && (d == ':' || (d == '!' && i + 1 < rest.end && all[i + 1] != '=') ||
                                 (d == '=' && i + 1 < rest.end && all[i + 1] == '}'))) {
      fail({i, i + 1},
           "formats, conversions and `=` in the fields of an f-string are not supported in scripts; "
           "convert the value first");
    }
  }
  return i;
}

ExprPtr ExpressionParser::format_string(const Token& token) {
  const Nested nested(*this);
  const StringBody body = body_of(*source_, token);
  const std::string_view all = source_->text;
  auto node = std::make_unique<FString>();
  node->span = token.span;
  std::string literal;
  uint32_t i = body.span.begin, from = i;
  // [from, i) is text that has been read and not yet been added. A doubled brace ends it after the first brace.
  const auto flush = [&](uint32_t to) { literal += unescape(source_, {from, to}, body.raw); };
  while (i < body.span.end) {
    const char c = all[i];
    if (c == '\\' && !body.raw) {
      // The escaped character is skipped, but a brace: as in Python, `\{` is a backslash in front of a field.
      const bool brace = i + 1 < body.span.end && (all[i + 1] == '{' || all[i + 1] == '}');
      i = std::min(i + (brace ? 1 : 2), body.span.end);
    } else if ((c == '{' || c == '}') && i + 1 < body.span.end && all[i + 1] == c) {
      flush(i + 1);
      i += 2;
      from = i;
    } else if (c == '}') {
      fail({i, i + 1}, "this `}` closes no field; a brace in the text is written `}}`");
    } else if (c == '{') {
      flush(i);
      const uint32_t begin = i + 1;
      i = end_of_field({begin, body.span.end});
      if (i >= body.span.end) fail({begin - 1, begin}, "this field is never closed");
      if (i == begin) fail({begin - 1, i + 1}, "this field is empty");
      // The field goes on counting from this depth, so f-strings inside f-strings are bounded too.
      ExpressionParser field(source_, lex_expression(source_, {begin, i}), depth_);
      ExprPtr value = field.expression_list();
      field.expect_end();
      if (!literal.empty()) {
        auto text = std::make_unique<String>();
        text->span = token.span;
        text->value = std::move(literal);
        node->parts.push_back(std::move(text));
        literal.clear();
      }
      node->parts.push_back(std::move(value));
      ++i;
      from = i;
    } else {
      ++i;
    }
  }
  flush(body.span.end);
  if (!literal.empty() || node->parts.empty()) {
    auto text = std::make_unique<String>();
    text->span = token.span;
    text->value = std::move(literal);
    node->parts.push_back(std::move(text));
  }
  return node;
}

}  // namespace tine::syntax
