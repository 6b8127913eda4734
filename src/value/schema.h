// Schema: an operator's or function's signature in PyTorch's text form.
//
// State      Immutable after parse.
// Threads    Any.
// Ordering   None.
// Ownership  Plain values.
// Errors     parse throws SyntaxError with the text and the column. bind_* throw TypeError naming the
//            operator, the argument, what was expected and what came.
// Cost       Parsing is for start-up; binding is a walk over the arguments.
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
  bool written = false;  // Tensor(a!): the operator writes into it
};

struct TINE_API Schema {
  std::string name;      // "aten::add"
  std::string overload;  // "Tensor"; empty for the only or default one
  std::vector<Argument> args;
  std::vector<TypePtr> returns;  // none: the result is None; several: a tuple

  // "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
  [[nodiscard]] static Schema parse(std::string_view text);
  [[nodiscard]] std::string str() const;
  [[nodiscard]] std::string full_name() const { return overload.empty() ? name : name + "." + overload; }
  [[nodiscard]] TypePtr result_type() const;
  [[nodiscard]] int index_of(std::string_view arg) const noexcept;  // -1 when there is none
};

}  // namespace tine
