// Expressions: one expression becomes one value.
#pragma once

#include "src/compile/scopes.h"

namespace tine::compile {

class Arguments;
class Calls;
class Comprehensions;
class Conditions;
class Indexing;
class Meanings;
class Values;

class Expressions {
 public:
  Expressions(FunctionBuilder& builder, Scopes& scopes, Values& values, Meanings& meanings,
              Arguments& arguments, Conditions& conditions, Indexing& indexing, Calls& calls,
              Comprehensions& comprehensions)
      : builder_(builder),
        scopes_(scopes),
        values_(values),
        meanings_(meanings),
        arguments_(arguments),
        conditions_(conditions),
        indexing_(indexing),
        calls_(calls),
        comprehensions_(comprehensions) {}

  // `hint`: the type that is wanted where the value goes, if one is known. It helps `[]` and numbers; the value need
  // not have it.
  ir::Def* value(const syntax::Expr& e, const TypePtr& hint = nullptr);

 private:
  ir::Def* ternary(const syntax::Ternary& e, const TypePtr& hint);
  ir::Def* list_literal(const syntax::List& e, const TypePtr& hint);
  ir::Def* dict_literal(const syntax::Dict& e, const TypePtr& hint);
  ir::Def* tuple_literal(const syntax::Tuple& e, const TypePtr& hint);
  ir::Def* element(const syntax::Expr& e, const TypePtr& wanted, TypePtr* type, std::string_view what);
  ir::Def* element(ir::Def* def, Span span, const TypePtr& wanted, TypePtr* type, std::string_view what);
  ir::Def* format(const syntax::FString& e);
  ir::Def* unary(const syntax::Unary& e);

  FunctionBuilder& builder_;
  Scopes& scopes_;
  Values& values_;
  Meanings& meanings_;
  Arguments& arguments_;
  Conditions& conditions_;
  Indexing& indexing_;
  Calls& calls_;
  Comprehensions& comprehensions_;
};

// What a hint says of a value that is there: T of Optional[T]. Null stays null.
[[nodiscard]] TypePtr without_optional(const TypePtr& hint);
// Of a hint the part that a literal of this kind may have: without the Optional, and of a Union the only one of the kind.
[[nodiscard]] TypePtr hint_for(TypeKind kind, const TypePtr& hint);

}  // namespace tine::compile
