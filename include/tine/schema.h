// Schema: the signature of an operator or a script function, in PyTorch's text form.
//
//   const auto schema = tine::Schema::parse("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor");
//   schema.full_name();                      // "aten::add.Tensor"
//   schema.args[2].name;                     // "alpha"
//   schema.args[2].default_value->to_int();  // 1
//   schema.str();                            // the text again
//
// Schemas are plain values. Those of the operators and of script functions belong to the Runtime and never change.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tine/type.h"

namespace tine {

struct Argument {
  std::string name;
  TypePtr type;
  std::optional<Value> default_value;
  bool keyword_only = false;
  bool written = false;    // Tensor(a!): the operator writes into it
  std::string alias = {};  // "a" in Tensor(a!) and Tensor(a); empty without annotation
  int list_size = 0;       // 2 in int[2]: a bare number stands for that many; 0 for int[]
  // One bit for each Tag. A value whose tag is `certain` fits without a look inside; one whose tag is not `possible` never
  // fits. parse() sets both; 0 and ~0 are always right.
  uint32_t certain = 0;
  uint32_t possible = ~0u;
};

// What parse() and str() keep of a return beside its type.
struct ReturnNote {
  std::string name;   // "values" in "-> (Tensor values, Tensor indices)"
  std::string alias;  // "a" in "-> Tensor(a!)": it shares memory with the argument of that alias
  bool written = false;
};

struct TINE_API Schema {
  std::string name;      // "aten::add"
  std::string overload;  // "Tensor"; empty for the only or default one
  std::vector<Argument> args;
  std::vector<TypePtr> returns;               // none: the result is None; several: a tuple
  std::vector<ReturnNote> return_notes = {};  // one a return, or none at all

  // The types are those of parse_type(). Beside them a schema has alias annotations (`Tensor(a!)`), `*` before arguments
  // that must be given by name, and defaults: None, True, False, numbers, strings, and lists of these. A name without `::`
  // may contain dots. Throws SyntaxError with the text and the column. For start-up, and for text from outside.
  [[nodiscard]] static Schema parse(std::string_view text);
  [[nodiscard]] std::string str() const;
  // The same with the named tuples and enums in it defined, as parse() needs them.
  [[nodiscard]] std::string definition() const;
  [[nodiscard]] std::string full_name() const { return overload.empty() ? name : name + "." + overload; }
  // None without returns, the type of the only one, a tuple of several; a named one if they have names.
  [[nodiscard]] TypePtr result_type() const;
  [[nodiscard]] int index_of(std::string_view arg) const noexcept;  // -1 when there is none

 private:
  [[nodiscard]] std::string text(TypeNames* defined) const;
};

}  // namespace tine
