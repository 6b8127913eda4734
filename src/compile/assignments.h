// Assignments: a value goes to a variable, an attribute, an element, or to several of these.
#pragma once

#include <string_view>
#include <vector>

#include "src/compile/names.h"
#include "src/compile/scopes.h"

namespace tine::compile {

class Classes;
class Expressions;
class Indexing;

class Assignments {
 public:
  // `initialized` is the class whose `__init__` is compiled; null for all other functions.
  Assignments(FunctionBuilder& builder, Scopes& scopes, const Names& names, Classes& classes,
              Expressions& expressions, Indexing& indexing, const ObjectType* initialized)
      : builder_(builder),
        scopes_(scopes),
        names_(names),
        classes_(classes),
        expressions_(expressions),
        indexing_(indexing),
        initialized_(initialized) {}

  // `span` is that of the value.
  void assign(const syntax::Expr& target, ir::Def* value, Span span);
  // `self.x: T = value` in the `__init__` of a class.
  void assign_declared(const syntax::Attribute& target, const TypePtr& type, ir::Def* value, Span span);
  // The type that an attribute of that class has, or will have, as far as it is declared; null otherwise.
  TypePtr declared_type(const syntax::Attribute& target);

 private:
  void unpack(const std::vector<syntax::ExprPtr>& targets, Span targets_span, ir::Def* value, Span span);
  void unpack_rest(const std::vector<syntax::ExprPtr>& targets, size_t rest, ir::Def* value, Span span);
  void set_attribute(const syntax::Attribute& target, ir::Def* value, Span span,
                     const TypePtr& declared = {});
  [[nodiscard]] bool initializes(const ir::Def* object) const;
  void add_slot(const syntax::Attribute& target, const ir::Def* value, TypePtr declared);
  [[noreturn]] void no_attribute(const syntax::Attribute& target, const ObjectType& type);

  FunctionBuilder& builder_;
  Scopes& scopes_;
  const Names& names_;
  Classes& classes_;
  Expressions& expressions_;
  Indexing& indexing_;
  const ObjectType* const initialized_;
};

// The names that an assignment to it sets.
void target_names(const syntax::Expr& target, std::vector<std::string_view>* names);

}  // namespace tine::compile
