// Statements: a body, one statement after the other.
#pragma once

#include "src/compile/names.h"
#include "src/compile/scopes.h"

namespace tine::compile {

class Arguments;
class Assignments;
class Conditions;
class Control;
class Expressions;
class Indexing;
class Meanings;
class Returns;
class Values;
class Withs;

class Statements {
 public:
  Statements(FunctionBuilder& builder, Scopes& scopes, const Names& names, Values& values, Meanings& meanings,
             Arguments& arguments, Expressions& expressions, Conditions& conditions, Indexing& indexing,
             Assignments& assignments, Withs& withs, Returns& returns, Control& control)
      : builder_(builder),
        scopes_(scopes),
        names_(names),
        values_(values),
        meanings_(meanings),
        arguments_(arguments),
        expressions_(expressions),
        conditions_(conditions),
        indexing_(indexing),
        assignments_(assignments),
        withs_(withs),
        returns_(returns),
        control_(control) {}

  // Returns true if control does not come out at the end.
  bool body(const syntax::Body& statements);

 private:
  bool statement(const syntax::Stmt& s);
  void assign(const syntax::Assign& s);
  ir::Def* function_or_value(const syntax::Assign& s);
  [[nodiscard]] TypePtr type_of_target(const syntax::Expr& target) const;
  void annotated_assign(const syntax::AnnAssign& s);
  void declare(std::string_view name, const TypePtr& type, Span span);
  void augmented_assign(const syntax::AugAssign& s);
  void delete_(const syntax::Delete& s);
  void raise(const syntax::Raise& s);
  bool assert_(const syntax::Assert& s);

  FunctionBuilder& builder_;
  Scopes& scopes_;
  const Names& names_;
  Values& values_;
  Meanings& meanings_;
  Arguments& arguments_;
  Expressions& expressions_;
  Conditions& conditions_;
  Indexing& indexing_;
  Assignments& assignments_;
  Withs& withs_;
  Returns& returns_;
  Control& control_;
};

}  // namespace tine::compile
