// Schema: an operator's or function's signature in PyTorch's text form.
//
// State      Immutable after parse.
// Threads    Any.
// Ordering   None.
// Ownership  Plain values.
// Errors     parse throws SyntaxError with the text and the column.
// Cost       Parsing is for start-up and for text from outside.
// Source     PyTorch's native_functions.yaml signature language.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/value/type.h"

namespace tine {

struct Argument {
  std::string name;
  TypePtr type;
  std::optional<Value> default_value;
  bool keyword_only = false;
  bool written = false;     // Tensor(a!): the operator writes into it
  std::string alias = {};   // "a" in Tensor(a!) and Tensor(a); empty without annotation
  int list_size = 0;        // 2 in int[2]: a bare number stands for that many; 0 for int[]
  uint32_t certain = 0;     // bit per Tag: fits without a look inside; parse sets it, 0 is always right
  uint32_t possible = ~0u;  // bit per Tag: may fit, look inside
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

  // Forms beyond types: alias annotations (`Tensor(a!)`), `*` before keyword-only arguments, defaults
  // (None, True, False, numbers, strings, lists of these). A name without `::` may contain dots.
  // "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
  [[nodiscard]] static Schema parse(std::string_view text);
  [[nodiscard]] std::string str() const;
  [[nodiscard]] std::string full_name() const { return overload.empty() ? name : name + "." + overload; }
  [[nodiscard]] TypePtr result_type() const;
  [[nodiscard]] int index_of(std::string_view arg) const noexcept;  // -1 when there is none
};

}  // namespace tine
