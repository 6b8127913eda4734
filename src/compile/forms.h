// Forms: the words that the language itself gives a meaning to, such as fork, isinstance, len and print.
#pragma once

#include <optional>
#include <vector>

#include "src/compile/arguments.h"
#include "src/compile/names.h"

namespace tine::compile {

class Comprehensions;
class DeferredCalls;
class Iteration;
class Meanings;
class Values;

class Forms {
 public:
  Forms(FunctionBuilder& builder, const Names& names, Values& values, Meanings& meanings,
        Arguments& arguments, Expressions& expressions, DeferredCalls& deferred, Iteration& iteration,
        Comprehensions& comprehensions)
      : builder_(builder),
        names_(names),
        values_(values),
        meanings_(meanings),
        arguments_(arguments),
        expressions_(expressions),
        deferred_(deferred),
        iteration_(iteration),
        comprehensions_(comprehensions) {}

  ir::Def* form(Form form, std::vector<CallArgument> args, const TypePtr& hint, Span span);
  // "...".format(...)
  ir::Def* format_call(const syntax::String& pattern, std::vector<CallArgument>& args, Span span);
  ir::Def* is_instance(std::vector<CallArgument>& args, Span span);

 private:
  ir::Def* wait(std::vector<CallArgument>& args, Span span);
  ir::Def* wait_all(std::vector<CallArgument>& args, Span span);
  ir::Def* annotate(std::vector<CallArgument>& args, Span span);
  ir::Def* print(std::vector<CallArgument>& args, Span span);
  ir::Def* get_attribute(std::vector<CallArgument>& args, Span span, bool only_ask);

  FunctionBuilder& builder_;
  const Names& names_;
  Values& values_;
  Meanings& meanings_;
  Arguments& arguments_;
  Expressions& expressions_;
  DeferredCalls& deferred_;
  Iteration& iteration_;
  Comprehensions& comprehensions_;
};

}  // namespace tine::compile
