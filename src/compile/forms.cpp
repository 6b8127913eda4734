#include "src/compile/forms.h"

#include <algorithm>

#include "src/compile/annotations.h"
#include "src/compile/classes.h"
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
    // Where they are not looped over in place, they are the list of their elements.
    case Form::kRange:
    case Form::kEnumerate:
    case Form::kZip:
    case Form::kReversed: return comprehensions_.list_of(iteration_.over_form(form, args, span), span, span);
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
    case Form::kCallForeign: return call_foreign(args, hint, span);
    case Form::kUnwrapOptional: return unwrap_optional(args, span);
    case Form::kIsTensor: {
      arguments_.expect(args, 1, 1, "is_tensor", span);
      Def* value = arguments_.value(args[0]);
      return is_instance(value, {.types = {Type::tensor()}}, span);
    }
    case Form::kWarn: return warn(args, span);
    case Form::kSlice: builder_.fail(span, "`slice(...)` can only be used as an index in scripts");
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

// The value of an Optional[T], as a T; RuntimeError where it is None.
Def* Forms::unwrap_optional(std::vector<CallArgument>& args, Span span) {
  arguments_.expect(args, 1, 1, "_unwrap_optional", span);
  Def* value = arguments_.value(args[0]);
  if (value->type->kind == TypeKind::kNone) builder_.fail(args[0].span, "None alone has no value to unwrap");
  if (value->type->kind != TypeKind::kOptional) return value;
  builder_.here(span);
  ir::Node* node = builder_.if_(builder_.is_instance(value, Type::none()));
  {
    const FunctionBuilder::In in(builder_, *node->blocks[0]);
    builder_.raise("RuntimeError", builder_.text("Unwrapping null optional"));
  }
  return builder_.cast(value, value->type->of[0]);
}

// The body of a function that is marked @ignore: `__call_python__("its name", arguments...)`.
Def* Forms::call_foreign(std::vector<CallArgument>& args, const TypePtr& result, Span span) {
  arguments_.expect(args, 1, syntax::kMaxParameters + 1, "__call_python__", span);
  std::vector<Def*> values;
  for (size_t i = 1; i < args.size(); ++i) values.push_back(arguments_.value(args[i]));
  Def* name = arguments_.value(args[0]);
  builder_.here(span);
  Def* started =
      builder_.must_operator("prim::PythonOp", {name, builder_.list(std::move(values), Type::any())}, span);
  Def* value = builder_.must_operator("aten::wait", {started}, span);
  return result && result->kind != TypeKind::kAny ? builder_.cast(value, result) : value;
}

Def* Forms::warn(std::vector<CallArgument>& args, Span span) {
  std::vector<CallArgument> given;
  for (CallArgument& a : args) {
    if (a.name == "stacklevel") continue;  // of Python's frames
    if (a.name == "category" || (a.name.empty() && given.size() == 1))
      builder_.fail(a.span, "`warnings.warn` gives a UserWarning in scripts; leave the category out");
    if (a.name == "message") a.name = {};
    given.push_back(a);
  }
  arguments_.expect(given, 1, 1, "warn", span);
  Def* message = values_.text_of(arguments_.value(given[0]), given[0].span);
  builder_.here(span);
  return builder_.must_operator("aten::warn", {message}, span);
}
Def* Forms::is_instance(std::vector<CallArgument>& args, Span span) {
  arguments_.expect(args, 2, 2, "isinstance", span);
  return is_instance(arguments_.value(args[0]), instance_types(*args[1].expr, names_), span);
}

Def* Forms::is_instance(Def* value, const InstanceTypes& types, Span span) {
  const InstanceTest test = instance_test(value->type, types, names_, span);
  builder_.here(span);
  return test.known ? builder_.boolean(*test.known) : builder_.is_instance(value, test.ask);
}

Def* Forms::print(std::vector<CallArgument>& args, Span span) {
  std::vector<Def*> values;
  for (CallArgument& a : args) {
    if (!a.name.empty())
      builder_.fail(a.place_of_name(),
                    fmt::format("`print` takes no keyword `{}` in scripts; write an f-string", a.name));
    values.push_back(arguments_.value(a));
  }
  builder_.here(span);
  return builder_.must_operator("prim::Print", {builder_.list(std::move(values), Type::any())}, span);
}

Def* Forms::format_call(Def* pattern, std::vector<CallArgument>& args, Span span) {
  std::vector<Def*> values;
  for (CallArgument& a : args) {
    if (!a.name.empty())
      builder_.fail(a.place_of_name(), "`format` takes no keywords in scripts; write an f-string");
    values.push_back(arguments_.value(a));
  }
  builder_.here(span);
  return builder_.must_operator("aten::format", {pattern, builder_.list(std::move(values), Type::any())},
                                span);
}

Def* Forms::to_list(Def* tensor, const TypePtr& wanted, Span span) {
  int64_t dims = 0;
  TypePtr element = wanted;
  for (; element && element->kind == TypeKind::kList; ++dims) element = element->of[0];
  if (!element || (element->kind != TypeKind::kInt && element->kind != TypeKind::kFloat &&
                   element->kind != TypeKind::kBool))
    return nullptr;
  builder_.here(span);
  Def* list = builder_.must_operator("prim::tolist",
                                     {tensor, builder_.integer(dims), builder_.text(element->str())}, span);
  return builder_.cast(list, wanted);
}

Def* Forms::get_attribute(std::vector<CallArgument>& args, Span span, bool only_ask) {
  arguments_.expect(args, 2, only_ask ? 2 : 3, only_ask ? "hasattr" : "getattr", span);
  Def* object = arguments_.value(args[0]);
  const auto* name = args[1].expr ? syntax::is<syntax::String>(*args[1].expr) : nullptr;
  if (!name) builder_.fail(args[1].span, "the name of the attribute must be a constant str in scripts");
  builder_.here(span);
  if (const NamedTupleType* const named = object->type->named_tuple()) {
    const bool has = named->index_of(name->value) >= 0;
    if (only_ask) return builder_.boolean(has);
    if (!has && args.size() == 3) return arguments_.value(args[2]);
    return field_of(builder_, object, name->value, args[1].span);
  }
  if (object->type->kind != TypeKind::kObject) {
    const auto property = meanings_.property(object, name->value, span);
    if (property && !only_ask) return *property;
    builder_.fail(args[0].span, fmt::format("`{}` takes a module here, not {}",
                                            only_ask ? "hasattr" : "getattr", object->type->str()));
  }
  const auto known = classes_.known(object->type, args[0].span);
  const ObjectType& type = *known;
  bool has = type.slot_index(name->value) >= 0;
  if (!has) {
    const Resolved found = names_.method(type, name->value);
    has = std::holds_alternative<FunctionRef>(found) || std::holds_alternative<Constant>(found) ||
          std::holds_alternative<Property>(found);
  }
  if (only_ask) return builder_.boolean(has);
  if (!has && args.size() == 3) return arguments_.value(args[2]);
  return meanings_.value_of(meanings_.module_attribute(object, name->value, args[1].span), span);
}

}  // namespace tine::compile
