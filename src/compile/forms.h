// Forms: the words that the language itself gives a meaning to, such as fork, isinstance, len and print.
#pragma once

#include <optional>
#include <vector>

#include "src/compile/arguments.h"
#include "src/compile/names.h"

namespace tine::compile {

class Classes;
class Comprehensions;
class DeferredCalls;
class Iteration;
struct InstanceTypes;
class Meanings;
class Values;

class Forms {
 public:
  Forms(FunctionBuilder& builder, const Names& names, Classes& classes, Values& values, Meanings& meanings,
        Arguments& arguments, DeferredCalls& deferred, Iteration& iteration, Comprehensions& comprehensions)
      : builder_(builder),
        names_(names),
        classes_(classes),
        values_(values),
        meanings_(meanings),
        arguments_(arguments),
        deferred_(deferred),
        iteration_(iteration),
        comprehensions_(comprehensions) {}

  ir::Def* form(Form form, std::vector<CallArgument> args, const TypePtr& hint, Span span);
  // "...".format(...)
  ir::Def* format_call(ir::Def* pattern, std::vector<CallArgument>& args, Span span);
  // `tensor.tolist()` where a list of numbers is wanted, or a number; null where the wanted type says nothing.
  ir::Def* to_list(ir::Def* tensor, const TypePtr& wanted, Span span);
  ir::Def* is_instance(std::vector<CallArgument>& args, Span span);

 private:
  ir::Def* wait(std::vector<CallArgument>& args, Span span);
  ir::Def* wait_all(std::vector<CallArgument>& args, Span span);
  ir::Def* unwrap_optional(std::vector<CallArgument>& args, Span span);
  ir::Def* call_foreign(std::vector<CallArgument>& args, const TypePtr& result, Span span);
  ir::Def* warn(std::vector<CallArgument>& args, Span span);
  ir::Def* is_instance(ir::Def* value, const InstanceTypes& types, Span span);
  ir::Def* annotate(std::vector<CallArgument>& args, Span span);
  ir::Def* print(std::vector<CallArgument>& args, Span span);
  ir::Def* get_attribute(std::vector<CallArgument>& args, Span span, bool only_ask);

  FunctionBuilder& builder_;
  const Names& names_;
  Classes& classes_;
  Values& values_;
  Meanings& meanings_;
  Arguments& arguments_;
  DeferredCalls& deferred_;
  Iteration& iteration_;
  Comprehensions& comprehensions_;
};

}  // namespace tine::compile
