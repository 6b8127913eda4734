#include "src/compile/forms.h"

#include <algorithm>

#include "src/compile/annotations.h"
#include "src/compile/classes.h"
#include "src/compile/comprehensions.h"
#include "src/compile/deferred_calls.h"
#include "src/compile/expressions.h"
#include "src/compile/iteration.h"
#include "src/compile/meanings.h"
#include "src/compile/values.h"

namespace tine::compile {

using ir::Def;

Def* Forms::form(Form form, std::vector<CallArgument> args, const TypePtr& hint, Span span) {
  switch (form) {
    case Form::kFork: return deferred_.fork(std::move(args), span);
    case Form::kWait: return wait(args, span);
    case Form::kAnnotate: return annotate(args, span);
    case Form::kIsInstance: return is_instance(args, span);
    case Form::kLen: {
      arguments_.expect(args, 1, 1, "len", span);
      Def* value = arguments_.value(args[0]);
      builder_.here(span);
      return values_.length(value, args[0].span);
    }
    // Iteration handles these wherever they are allowed.
    case Form::kRange:
      builder_.fail(span, "`range` can only be used in a loop, a comprehension, or `list(range(...))`");
    case Form::kEnumerate: builder_.fail(span, "`enumerate` can only be used in a loop or a comprehension");
    case Form::kZip: builder_.fail(span, "`zip` can only be used in a loop or a comprehension");
    case Form::kReversed:
      builder_.fail(span, "`reversed` can only be used in a loop, a comprehension, or `list(reversed(...))`");
    case Form::kPrint: return print(args, span);
    case Form::kGetAttr: return get_attribute(args, span, false);
    case Form::kHasAttr: return get_attribute(args, span, true);
    case Form::kRpcAsync:
    case Form::kRpcSync:
    case Form::kRemote: return deferred_.remote_call(form, std::move(args), hint, span);
    case Form::kWaitAll: return wait_all(args, span);
    case Form::kIsScripting:
    case Form::kIsTracing:
      // A constant, so that `if` compiles one branch alone.
      arguments_.expect(args, 0, 0, form == Form::kIsScripting ? "is_scripting" : "is_tracing", span);
      builder_.here(span);
      return builder_.boolean(form == Form::kIsScripting);
    case Form::kGradMode:
    case Form::kRecordFunction:
      builder_.fail(span, "this can only be used in `with`, as in `with torch.no_grad():`");
    case Form::kSuper:
      builder_.fail(
          span, "`super` is not supported in scripts; call a method of a submodule, or write the code here");
  }
  builder_.fail(span, "this is not supported in scripts");
}

Def* Forms::wait(std::vector<CallArgument>& args, Span span) {
  if (args.size() == 1 && args[0].name == "future") args[0].name = {};
  arguments_.expect(args, 1, 1, "wait", span);
  Def* future = arguments_.value(args[0]);
  builder_.here(span);
  if (future->type->kind != TypeKind::kFuture) {
    builder_.fail(args[0].span,
                  fmt::format("`wait` takes a Future, got {}{}", future->type->str(), optional_help(future)));
  }
  return builder_.must_operator("aten::wait", {future}, span);
}

// [wait(f) for f in futures]
Def* Forms::wait_all(std::vector<CallArgument>& args, Span span) {
  arguments_.expect(args, 1, 1, "wait_all", span);
  Def* futures = arguments_.value(args[0]);
  if (futures->type->kind != TypeKind::kList || futures->type->of[0]->kind != TypeKind::kFuture) {
    builder_.fail(args[0].span,
                  fmt::format("`wait_all` takes a list of Futures, got {}", futures->type->str()));
  }
  Iterable over = iteration_.over_value(futures, span);
  over.element = [this, element = over.element, span](Def* turn) {
    return builder_.must_operator("aten::wait", {element(turn)}, span);
  };
  return comprehensions_.list_of(over);
}

Def* Forms::annotate(std::vector<CallArgument>& args, Span span) {
  arguments_.expect(args, 2, 2, "annotate", span);
  const TypePtr type = annotation_type(*args[0].expr, names_);
  Def* value = arguments_.value(args[1], type);
  builder_.here(span);
  Def* fitting = builder_.coerce(value, type);
  if (!fitting)
    builder_.fail(args[1].span, fmt::format("expected {}, got {}", type->str(), value->type->str()));
  if (equal(fitting->type, type)) return fitting;
  // torch.jit.annotate(Optional[T], x): the result has the written type from here on, whether x is None or a T.
  return builder_.cast(fitting, type);
}

std::vector<TypePtr> Forms::instance_types(const syntax::Expr& e) {
  std::vector<TypePtr> types;
  if (const auto* tuple = syntax::is<syntax::Tuple>(e)) {
    for (const auto& item : tuple->items) {
      for (TypePtr& t : instance_types(*item)) types.push_back(std::move(t));
    }
    return types;
  }
  types.push_back(annotation_type(e, names_));
  return types;
}

std::optional<bool> Forms::instance_known(const TypePtr& actual, const std::vector<TypePtr>& types) {
  if (std::any_of(types.begin(), types.end(), [&](const TypePtr& t) { return is_subtype(actual, t); }))
    return true;
  // The value is examined at run time only if its type does not decide.
  const auto* const object = dynamic_cast<const ObjectType*>(actual.get());
  const bool interface = object && object->is_interface();
  if (actual->kind == TypeKind::kAny || actual->kind == TypeKind::kOptional ||
      actual->kind == TypeKind::kNumber || interface) {
    const bool possible = std::any_of(types.begin(), types.end(), [&](const TypePtr& t) {
      return is_subtype(t, actual) || (interface && t->kind == TypeKind::kObject);
    });
    if (possible) return std::nullopt;
  }
  return false;
}

Def* Forms::is_instance(std::vector<CallArgument>& args, Span span) {
  arguments_.expect(args, 2, 2, "isinstance", span);
  Def* value = arguments_.value(args[0]);
  const std::vector<TypePtr> types = instance_types(*args[1].expr);
  builder_.here(span);
  if (const auto known = instance_known(value->type, types)) return builder_.boolean(*known);
  Def* any = nullptr;
  for (const TypePtr& t : types) {
    if (!is_subtype(t, value->type) && t->kind != TypeKind::kObject) continue;  // it cannot be one
    Def* one = builder_.is_instance(value, t);
    any = any ? values_.short_circuit(any, false, [&] { return one; }) : one;
  }
  return any;
}

Def* Forms::print(std::vector<CallArgument>& args, Span span) {
  std::vector<Def*> values;
  for (CallArgument& a : args) {
    if (!a.name.empty())
      builder_.fail(a.span,
                    fmt::format("`print` takes no keyword `{}` in scripts; write an f-string", a.name));
    values.push_back(arguments_.value(a));
  }
  builder_.here(span);
  return builder_.must_operator("prim::Print", {builder_.list(std::move(values), Type::any())}, span);
}

Def* Forms::format_call(const syntax::String& pattern, std::vector<CallArgument>& args, Span span) {
  std::vector<Def*> values;
  for (CallArgument& a : args) {
    if (!a.name.empty()) builder_.fail(a.span, "`format` takes no keywords in scripts; write an f-string");
    values.push_back(arguments_.value(a));
  }
  Def* text = expressions_.value(pattern);
  builder_.here(span);
  return builder_.must_operator("aten::format", {text, builder_.list(std::move(values), Type::any())}, span);
}

Def* Forms::get_attribute(std::vector<CallArgument>& args, Span span, bool only_ask) {
  arguments_.expect(args, 2, 2, only_ask ? "hasattr" : "getattr", span);
  Def* object = arguments_.value(args[0]);
  const auto* name = args[1].expr ? syntax::is<syntax::String>(*args[1].expr) : nullptr;
  if (!name) builder_.fail(args[1].span, "the name of the attribute must be a constant str in scripts");
  if (object->type->kind != TypeKind::kObject)
    builder_.fail(args[0].span, fmt::format("expected a module, got {}", object->type->str()));
  builder_.here(span);
  if (!only_ask)
    return meanings_.value_of(meanings_.module_attribute(object, name->value, args[1].span), span);
  const auto known = classes_.known(object->type, args[0].span);
  const ObjectType& type = *known;
  bool has = type.slot_index(name->value) >= 0;
  if (!has) {
    const Resolved found = names_.method(type, name->value);
    has = std::holds_alternative<FunctionRef>(found) || std::holds_alternative<Constant>(found) ||
          std::holds_alternative<Property>(found);
  }
  return builder_.boolean(has);
}

}  // namespace tine::compile
