#include "src/syntax/type_comments.h"

#include <algorithm>
#include <utility>

#include "src/syntax/expression_parser.h"

namespace tine::syntax {
namespace {

class SignatureParser : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  SignatureComment run() {
    SignatureComment s;
    expect(Tok::kLParen, "in front of the parameters' types");
    while (!at(Tok::kRParen)) {
      if (s.params.empty() && accept(Tok::kEllipsis)) {
        s.ellipsis = true;
        break;
      }
      if (at(Tok::kStar) || at(Tok::kDoubleStar))
        fail(peek().span, "`*args` and `**kwargs` are not supported in scripts; name the parameters");
      s.params.push_back(expression());
      if (!accept(Tok::kComma)) break;
    }
    expect(Tok::kRParen, "after the parameters' types");
    expect(Tok::kArrow, "between the parameters' types and that of the result");
    s.returns = expression();
    expect_end();
    return s;
  }
};

}  // namespace

bool is_type_comment(std::string_view text) noexcept {
  if (is_signature(text)) return true;
  // A name, and then brackets, more of the name, or an alternative. Prose goes on with another word.
  size_t end = 0;
  const auto in_name = [](char c) {
    return c == '_' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  while (end < text.size() && in_name(text[end])) ++end;
  if (end == 0 || text.substr(0, end) == "ignore") return false;
  text.remove_prefix(end);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text.empty() || text.front() == '[' || text.front() == '|';
}

bool is_signature(std::string_view text) noexcept {
  return text.starts_with('(') && text.find("->") != std::string_view::npos;
}

SignatureComment parse_signature(std::shared_ptr<const Source> source, Span span) {
  std::vector<Token> tokens = lex_expression(source, span);
  return SignatureParser(std::move(source), std::move(tokens)).run();
}

}  // namespace tine::syntax
