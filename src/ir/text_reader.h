// What the text of a graph is made of: words, strings, types and constants. parse.cpp reads graphs out of them.
#pragma once

#include <fmt/core.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "src/ir/parse.h"
#include "src/value/unify.h"

namespace tine::ir {

// The text may come from another worker, so reading it takes bounded stack and time whatever it says.
class TextReader {
 protected:
  TextReader(std::string_view text, const ParseOptions& options) : text_(text), options_(options) {}

  static bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
  static bool is_name(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  }

  [[noreturn]] void fail(const std::string& message) const;
  void skip() noexcept {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  char peek() noexcept {
    skip();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) noexcept {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("expected '{}'", c));
  }
  bool at_word(std::string_view word) noexcept {
    skip();
    if (text_.substr(at_, word.size()) != word) return false;
    const size_t end = at_ + word.size();
    // "->" ends anywhere; a word ends where its letters do, so `return` is not found in `returned`.
    return end >= text_.size() || !(is_name(text_[end]) || text_[end] == ':') || word.back() == '>';
  }
  bool accept_word(std::string_view word) noexcept {
    if (!at_word(word)) return false;
    at_ += word.size();
    return true;
  }
  void expect_word(std::string_view word) {
    if (!accept_word(word)) fail(fmt::format("expected '{}'", word));
  }
  std::string_view name();
  // "aten::add.Tensor", "prim::Loop"
  std::string_view operator_name();
  std::string string();
  int64_t integer();

  TypePtr type();
  Value constant() { return constant(0); }

  const std::string_view text_;
  const ParseOptions& options_;
  size_t at_ = 0;
  DType dtype_ = DType::kFloat32;  // that the type of the node's result says

 private:
  [[nodiscard]] bool octal(size_t at) const noexcept;
  static int hex(char c) noexcept;
  // A graph has no type variables. The classes in it are those that the reader knows, with their slots.
  TypePtr known(const TypePtr& type);
  // From one quote to the last character before the other.
  void skip_quoted();
  Value number();
  // `app.Color.RED`, where app.Color was defined, or is defined here.
  bool enum_begins() noexcept;
  Value member();
  Value tensor();
  bool number_begins() noexcept;
  // `2.5}`: a Tensor of one element, of the dtype of the type before it.
  Value element(const Value& value, size_t begin);
  Value constant(int depth);

  TypeNames types_;     // the classes that the text has defined
  size_t type_at_ = 0;  // where the type at hand begins
  TypeMap known_{[this](const TypePtr& type) { return known(type); }};
};

}  // namespace tine::ir
