// Returns: what a function returns, as its head declares it or as its `return` statements tell.
#pragma once

#include "src/compile/function_builder.h"
#include "src/syntax/tree.h"

namespace tine::compile {

class Expressions;
class Withs;

class Returns {
 public:
  // `declared` is null when the head says nothing.
  Returns(FunctionBuilder& builder, Expressions& expressions, Withs& withs, const syntax::FunctionDef& def,
          TypePtr declared)
      : builder_(builder),
        expressions_(expressions),
        withs_(withs),
        def_(def),
        declared_(std::move(declared)) {}

  void statement(const syntax::Return& s);
  // Control comes out at the end of the function: that returns None.
  void fall_off_end();
  // Of the whole function, once all of it is compiled.
  [[nodiscard]] TypePtr type() const;

  // What is known so far; a loop that is compiled again forgets what its first walk found.
  [[nodiscard]] const TypePtr& inferred() const { return inferred_; }
  void forget_since(TypePtr inferred) { inferred_ = std::move(inferred); }

 private:
  FunctionBuilder& builder_;
  Expressions& expressions_;
  Withs& withs_;
  const syntax::FunctionDef& def_;
  TypePtr declared_;
  TypePtr inferred_;  // null: nothing was returned yet
  Span inferred_from_;
};

}  // namespace tine::compile
