// The reader of types and schemas in text; parse_type() and Schema::parse() are its front doors.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "tine/schema.h"
#include "tine/type.h"

namespace tine::value {

// What stands around a type in a schema: `Tensor(a!)`, `int[2]`.
struct TypeNotes {
  std::string alias;
  bool written = false;
  int list_size = 0;
};

class Parser {
 public:
  // `what` opens the error messages: "type" or "schema". In `names` are the classes that are known; those that the text
  // defines are added.
  Parser(std::string_view text, std::string_view what, TypeNames* names = nullptr)
      : text_(text), what_(what), names_(names) {}

  [[nodiscard]] TypePtr type(TypeNotes* notes = nullptr);
  [[nodiscard]] Value literal();

  void skip_space() noexcept;
  [[nodiscard]] bool at_end() noexcept;
  [[nodiscard]] bool looking_at(std::string_view token) noexcept;
  bool accept(std::string_view token) noexcept;  // punctuation
  void expect(std::string_view token);
  void expect_end();
  // Letters, digits, `_`, joined by `.` and `::`; `dots` false stops at them. Empty when there is none.
  [[nodiscard]] std::string_view name(bool dots) noexcept;
  [[noreturn]] void fail(std::string_view problem) const;

 private:
  [[nodiscard]] TypePtr base_type(TypeNotes* notes);
  [[nodiscard]] TypePtr generic(std::string_view head, std::string_view close);
  [[nodiscard]] TypePtr named(std::string_view head);
  [[nodiscard]] TypePtr named_tuple();
  [[nodiscard]] TypePtr enumeration();
  [[nodiscard]] TypePtr defined(TypePtr type);
  void alias(TypeNotes* notes);
  [[nodiscard]] Value number();
  [[nodiscard]] Value quoted();

  struct Deeper;
  std::string_view text_;
  std::string_view what_;
  TypeNames* names_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace tine::value
