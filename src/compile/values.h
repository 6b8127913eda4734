// Values: the language's operators on values that are computed already: arithmetic, comparison, truth.
#pragma once

#include <functional>

#include "src/compile/classes.h"
#include "src/compile/names.h"
#include "src/compile/scopes.h"

namespace tine::compile {

class Values {
 public:
  Values(FunctionBuilder& builder, Scopes& scopes, const Names& names, Classes& classes)
      : builder_(builder), scopes_(scopes), names_(names), classes_(classes) {}

  // `in_place`: of `x += y`, which changes a list or a Tensor itself.
  ir::Def* arithmetic(syntax::BinaryOp op, ir::Def* left, ir::Def* right, Span span, bool in_place = false);
  ir::Def* sign(syntax::UnaryOp op, ir::Def* value, Span span);
  ir::Def* compare(syntax::CompareOp op, ir::Def* left, ir::Def* right, Span span);
  // As a condition: a bool.
  ir::Def* truth(ir::Def* value, Span span);
  // `left and right`, `left or right`: `right` is called inside the block that runs only when it is needed.
  ir::Def* short_circuit(ir::Def* left, bool is_and, const std::function<ir::Def*()>& right);
  ir::Def* length(ir::Def* value, Span span);
  ir::Def* text_of(ir::Def* value, Span span);

 private:
  ir::Def* in_place(std::string_view name, syntax::BinaryOp op, ir::Def* left, ir::Def* right);
  ir::Def* compare_tuples(syntax::CompareOp op, ir::Def* left, ir::Def* right, Span span);
  ir::Def* contains(syntax::CompareOp op, ir::Def* in, ir::Def* value, Span span);
  ir::Def* module_contains(ir::Def* modules, ir::Def* name, Span span);
  ir::Def* number_with_tensor(std::string_view op, ir::Def* left, ir::Def* right);
  void level_numbers(ir::Def** left, ir::Def** right);

  FunctionBuilder& builder_;
  Scopes& scopes_;
  const Names& names_;
  Classes& classes_;
};

[[nodiscard]] bool is_constant_bool(const ir::Def* def);

}  // namespace tine::compile
