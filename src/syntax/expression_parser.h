// ExpressionParser: a cursor over the tokens and the half of the grammar that reads expressions ("Expressions" in the
// Python reference manual). Parser adds the statements.
//
// It reads each token once, without backtracking, and makes one node for each construct. Recursion is bounded by
// kMaxNesting and kMaxHeight, so no input overflows the stack. A construct that scripts do not have is a SyntaxError that
// marks it and says what to write instead.
#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "src/syntax/lexer.h"
#include "src/syntax/tree.h"

namespace tine::syntax {

class ExpressionParser {
 public:
  ExpressionParser(std::shared_ptr<const Source> source, std::vector<Token> tokens, int depth = 0)
      : source_(std::move(source)), tokens_(std::move(tokens)), depth_(depth) {}

  // One expression; no bare tuple.
  ExprPtr expression();
  // An expression or, with a comma, a tuple without brackets.
  ExprPtr expression_list();
  // What may be assigned to by `for`: names, tuples of them, attributes, subscripts.
  ExprPtr target_list();
  void expect_end();
  // Where a `*value` stands alone.
  void refuse_starred(const Expr& e) const;

 protected:
  // Counts one level of nesting while it lives.
  class Nested {
   public:
    explicit Nested(ExpressionParser& parser);
    ~Nested() { --parser_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    ExpressionParser& parser_;
  };

  [[nodiscard]] const Token& peek(size_t ahead = 0) const noexcept {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  [[nodiscard]] bool at(Tok kind) const noexcept { return peek().kind == kind; }
  const Token& take() noexcept { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool accept(Tok kind) noexcept;
  const Token& expect(Tok kind, std::string_view where);
  [[nodiscard]] std::string_view text(const Token& t) const noexcept {
    return std::string_view(source_->text).substr(t.span.begin, t.span.end - t.span.begin);
  }
  [[nodiscard]] Span since(uint32_t begin) const noexcept {
    return {begin, at_ > 0 ? std::max(begin, tokens_[at_ - 1].span.end) : begin};
  }
  // "`while`", "`foo`": what is found where something else was expected; where another language would have it, with what to
  // write instead.
  [[nodiscard]] std::string found() const;
  [[nodiscard]] std::string_view advice() const;
  [[noreturn]] void fail(Span span, std::string_view message) const;
  // Refuses a tree that is too high for the recursive walks of later stages.
  void check_height(Expr& e, std::initializer_list<const Expr*> children) const;
  void check_height(Expr& e, const std::vector<ExprPtr>& children) const;

  std::shared_ptr<const Source> source_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;

 private:
  ExprPtr binary(int minimum);
  ExprPtr inversion();
  ExprPtr comparison();
  ExprPtr unary();
  ExprPtr power();
  ExprPtr postfix();
  ExprPtr atom();
  ExprPtr bracketed();
  template <class Comp>
  std::unique_ptr<Comp> comprehension(std::unique_ptr<Comp> comp, uint32_t begin);
  ExprPtr closed(ExprPtr comp, uint32_t begin, Tok close);
  ExprPtr list_or_comprehension();
  ExprPtr dict();
  ExprPtr number();
  ExprPtr string();
  ExprPtr format_string(const Token& token);
  [[nodiscard]] uint32_t end_of_field(Span rest) const;
  ExprPtr subscript(ExprPtr object);
  ExprPtr index();
  ExprPtr call(ExprPtr callee);
  ExprPtr conjunction();
  ExprPtr disjunction();
  ExprPtr literal(ExprKind kind);
  ExprPtr item();
  ExprPtr rest_of_list(ExprPtr first);
  ExprPtr generator(ExprPtr element, uint32_t begin);
  ExprPtr starred(ExprPtr (ExpressionParser::*value)());
  ExprPtr starred_target() { return binary(1); }
};

}  // namespace tine::syntax
