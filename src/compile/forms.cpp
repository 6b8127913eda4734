#include "src/compile/forms.h"

#include <algorithm>

#include "src/compile/annotations.h"
#include "src/compile/comprehensions.h"
#include "src/compile/deferred_calls.h"
#include "src/compile/expressions.h"
#include "src/compile/instances.h"
#include "src/compile/iteration.h"
#include "src/compile/meanings.h"
#include "src/compile/records.h"
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
      if (const TypePtr type = args[0].expr ? meanings_.enum_class(*args[0].expr) : nullptr)
        return builder_.integer(static_cast<int64_t>(static_cast<const EnumType&>(*type).members.size()));
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
    case Form::kUnwrapOptional: {
      arguments_.expect(args, 1, 1, "_unwrap_optional", span);
      Def* value = arguments_.value(args[0]);
      builder_.here(span);
      if (value->type->kind == TypeKind::kNone)
        builder_.fail(args[0].span, "None alone has no value to unwrap");
      return value->type->kind == TypeKind::kOptional ? builder_.cast(value, value->type->of[0]) : value;
    }
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

Def* Forms::is_instance(std::vector<CallArgument>& args, Span span) {
  arguments_.expect(args, 2, 2, "isinstance", span);
  Def* value = arguments_.value(args[0]);
  const InstanceTest test =
      instance_test(value->type, instance_types(*args[1].expr, names_), names_, args[1].span);
  builder_.here(span);
  return test.known ? builder_.boolean(*test.known) : builder_.is_instance(value, test.ask);
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
  builder_.here(span);
  if (const NamedTupleType* const named = object->type->named_tuple()) {
    if (only_ask) return builder_.boolean(named->index_of(name->value) >= 0);
    return field_of(builder_, object, name->value, args[1].span);
  }
  if (object->type->kind != TypeKind::kObject)
    builder_.fail(args[0].span, fmt::format("expected a module, got {}", object->type->str()));
  if (!only_ask)
    return meanings_.value_of(meanings_.module_attribute(object, name->value, args[1].span), span);
  const auto& type = static_cast<const ObjectType&>(*object->type);
  bool has = type.slot_index(name->value) >= 0;
  if (!has) {
    const Resolved found = names_.method(type, name->value);
    has = std::holds_alternative<FunctionRef>(found) || std::holds_alternative<Constant>(found);
  }
  return builder_.boolean(has);
}

}  // namespace tine::compile
