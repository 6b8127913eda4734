#include "src/compile/withs.h"

#include <algorithm>

#include "src/compile/arguments.h"
#include "src/compile/assignments.h"
#include "src/compile/classes.h"
#include "src/compile/expressions.h"
#include "src/compile/meanings.h"
#include "src/compile/session.h"
#include "src/compile/statements.h"

namespace tine::compile {

using ir::Def;

// `torch.no_grad()` and its like change nothing that a script can see: their bodies are compiled as they stand.
bool Withs::in_front_of(const syntax::With& s) {
  const auto* call = syntax::is<syntax::Call>(*s.context);
  if (!call || scopes_.free_name(*call->callee).empty()) return false;
  const Meaning callee = meanings_.of(*call->callee);
  const auto* form = std::get_if<Builtin>(&callee.resolved);
  if (!form || (form->form != Form::kGradMode && form->form != Form::kRecordFunction)) return false;
  std::vector<CallArgument> args = arguments_.of(*call);
  if (form->form == Form::kGradMode) {
    arguments_.expect(args, 0, 0, callee.dotted, call->span);
  } else {
    if (args.size() == 2 && args[1].name == "args") args[1].name = {};
    if (!args.empty() && args[0].name == "name") args[0].name = {};
    arguments_.expect(args, 1, 2, callee.dotted, call->span);
    for (CallArgument& a : args) arguments_.value(a);
    if (args[0].def->type->kind != TypeKind::kStr)
      builder_.fail(args[0].span, fmt::format("the name must be a str, not {}", args[0].def->type->str()));
  }
  if (s.target) assignments_.assign(*s.target, builder_.none(), s.context->span);
  return true;
}

Def* Withs::entered(const syntax::With& s, Def* object) {
  const Span span = s.context->span;
  const ObjectType* const type = class_of(object->type);
  if (!type) {
    builder_.fail(
        span, fmt::format("`with` takes an object of a class that has `__enter__` and `__exit__`, not {}{}",
                          object->type->str(), optional_help(object)));
  }
  const Schema* const enter = classes_.signature(object, "__enter__", span);
  const Schema* const exit = classes_.signature(object, "__exit__", span);
  if (!enter || !exit) {
    builder_.fail(
        span, fmt::format("`{}` has no `{}`; `with` needs `__enter__(self)` and `__exit__(self, type: Any, "
                          "value: Any, tb: Any)`",
                          type->name, enter ? "__exit__" : "__enter__"));
  }
  if (exit->args.size() != 4) {
    builder_.fail(span,
                  "`__exit__` takes four parameters: `def __exit__(self, type: Any, value: Any, tb: Any)`");
  }
  if (!std::all_of(exit->args.begin() + 1, exit->args.end(),
                   [](const Argument& a) { return is_subtype(Type::none(), a.type); })) {
    builder_.fail(
        span,
        "the parameters of `__exit__` must be Any (or Optional), because it gets None for each: `def "
        "__exit__(self, type: Any, value: Any, tb: Any)`");
  }
  return classes_.try_method(object, "__enter__", {}, span);
}

bool Withs::statement(const syntax::With& s) {
  if (in_front_of(s)) return statements_.body(s.body);
  Def* object = expressions_.value(*s.context);
  Def* value = entered(s, object);
  builder_.here(s.span);
  builder_.enter(object);
  objects_.push_back(object);
  if (s.target) assignments_.assign(*s.target, value, s.context->span);
  const bool exits = statements_.body(s.body);
  if (!exits) leave(objects_.size() - 1, s.span);
  objects_.pop_back();
  return exits;
}

void Withs::leave(size_t outer, Span span) {
  builder_.here(span);
  for (size_t i = objects_.size(); i > outer; --i) {
    builder_.exit(objects_[i - 1]);
    // What it does itself is outside of its block.
    classes_.try_method(objects_[i - 1], "__exit__", {builder_.none(), builder_.none(), builder_.none()},
                        span);
  }
}

}  // namespace tine::compile
