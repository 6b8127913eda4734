// Conditions: the tests of `if`, `while`, `and`, `or` and `not`, and what a test tells about the variables in it.
#pragma once

#include <optional>
#include <vector>

#include "src/compile/scopes.h"

namespace tine::compile {

class Expressions;
class Names;
class Meanings;
class Values;

struct Condition {
  ir::Def* value = nullptr;        // null when known
  std::optional<bool> known = {};  // decided by the types or by the text alone
  std::vector<Refinement> when_true = {}, when_false = {};
};

class Conditions {
 public:
  Conditions(FunctionBuilder& builder, Scopes& scopes, Values& values, Meanings& meanings,
             Expressions& expressions, const Names& names)
      : builder_(builder),
        scopes_(scopes),
        values_(values),
        meanings_(meanings),
        expressions_(expressions),
        names_(names) {}

  Condition of(const syntax::Expr& e);
  // A comparison of tensors is a Tensor and not yet a condition.
  Condition comparison(const syntax::Compare& e);
  ir::Def* value(const Condition& c);
  // What a true condition tells, given the types that the variables have here. Adds nothing to the graph.
  std::vector<Refinement> told_by(const syntax::Expr& e);

 private:
  Condition negation(const syntax::Unary& e);
  Condition both_or_either(const syntax::BoolOp& e);
  Condition identity(const syntax::Compare& e);
  std::optional<Condition> instance_test(const syntax::Call& e);

  FunctionBuilder& builder_;
  Scopes& scopes_;
  Values& values_;
  Meanings& meanings_;
  Expressions& expressions_;
  const Names& names_;
};

}  // namespace tine::compile
