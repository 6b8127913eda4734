// Assignments: a value goes to a variable, an attribute, an element, or to several of these.
#pragma once

#include <string_view>
#include <vector>

#include "src/compile/names.h"
#include "src/compile/scopes.h"

namespace tine::compile {

class Expressions;
class Indexing;

class Assignments {
 public:
  Assignments(FunctionBuilder& builder, Scopes& scopes, const Names& names, Expressions& expressions,
              Indexing& indexing)
      : builder_(builder), scopes_(scopes), names_(names), expressions_(expressions), indexing_(indexing) {}

  // `span` is that of the value.
  void assign(const syntax::Expr& target, ir::Def* value, Span span);

 private:
  void unpack(const std::vector<syntax::ExprPtr>& targets, Span targets_span, ir::Def* value, Span span);
  void unpack_rest(const std::vector<syntax::ExprPtr>& targets, size_t rest, Span targets_span,
                   ir::Def* value, Span span);
  void set_attribute(const syntax::Attribute& target, ir::Def* value, Span span);
  [[noreturn]] void no_attribute(const syntax::Attribute& target, const ObjectType& type);

  FunctionBuilder& builder_;
  Scopes& scopes_;
  const Names& names_;
  Expressions& expressions_;
  Indexing& indexing_;
};

// The names that an assignment to it sets.
void target_names(const syntax::Expr& target, std::vector<std::string_view>* names);

}  // namespace tine::compile
