// Calls: `f(...)` of a function, an operator, a method, a module, a type, or a word of the language.
#pragma once

#include <vector>

#include "src/compile/arguments.h"
#include "src/compile/meanings.h"

namespace tine::compile {

class Classes;
class Comprehensions;
class Forms;
class Session;
class Values;

class Calls {
 public:
  Calls(Session& session, FunctionBuilder& builder, Classes& classes, Values& values, Meanings& meanings,
        Arguments& arguments, Forms& forms, Comprehensions& comprehensions)
      : session_(session),
        builder_(builder),
        classes_(classes),
        values_(values),
        meanings_(meanings),
        arguments_(arguments),
        forms_(forms),
        comprehensions_(comprehensions) {}

  ir::Def* call(const syntax::Call& e, const TypePtr& hint);

 private:
  ir::Def* call_meaning(const Meaning& callee, std::vector<CallArgument> args, const syntax::Call& e,
                        const TypePtr& hint);
  ir::Def* call_bound(const Meaning& callee, std::vector<CallArgument> args, const syntax::Call& e,
                      const TypePtr& hint);
  ir::Def* call_overload(const Overloads& overloads, std::string_view shown, std::vector<CallArgument> args,
                         Span span);
  ir::Def* call_method(ir::Def* self, std::string_view name, std::vector<CallArgument> args, Span name_span,
                       const TypePtr& hint, Span span);
  ir::Def* convert(const TypePtr& to, const Meaning& callee, std::vector<CallArgument>& args, Span span);
  ir::Def* collection(Generic generic, std::string_view shown, std::vector<CallArgument>& args,
                      const TypePtr& hint, Span span);

  Session& session_;
  FunctionBuilder& builder_;
  Classes& classes_;
  Values& values_;
  Meanings& meanings_;
  Arguments& arguments_;
  Forms& forms_;
  Comprehensions& comprehensions_;
};

}  // namespace tine::compile
