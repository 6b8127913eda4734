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
      builder_.here(span);
      const auto known = instance_known(value->type, {Type::tensor()});
      return known ? builder_.boolean(*known) : builder_.is_instance(value, Type::tensor());
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

std::vector<TypePtr> Forms::instance_types(const syntax::Expr& e, const TypePtr& actual) {
  std::vector<TypePtr> types;
  if (const auto* tuple = syntax::is<syntax::Tuple>(e)) {
    for (const auto& item : tuple->items) {
      for (TypePtr& t : instance_types(*item, actual)) types.push_back(std::move(t));
    }
    return types;
  }
  const std::optional<TypeKind> bare = bare_container(e);
  if (!bare) {
    types.push_back(annotation_type(e, names_));
    return types;
  }
  // `list` is each type of list that the value may be.
  const auto add = [&](const TypePtr& t) {
    if (t->kind == *bare) types.push_back(t);
  };
  add(actual);
  for (const TypePtr& t : actual->of) {
    if (actual->kind == TypeKind::kOptional) add(t);
  }
  if (actual->kind == TypeKind::kAny) {
    if (*bare == TypeKind::kTuple)
      builder_.fail(e.span,
                    "whether an Any is a tuple of any length is not asked in scripts; name the types, as in "
                    "`Tuple[int, str]`");
    types.push_back(*bare == TypeKind::kList ? Type::list(Type::any())
                                             : Type::dict(Type::any(), Type::any()));
  }
  return types;
}

// `list`, `tuple`, `dict` without types, also as typing names them.
std::optional<TypeKind> Forms::bare_container(const syntax::Expr& e) const {
  const std::string name = dotted_name(e);
  if (name.empty()) return std::nullopt;
  const Resolved r = names_.resolve(name);
  const auto* generic = std::get_if<GenericName>(&r);
  if (!generic) return std::nullopt;
  switch (generic->generic) {
    case Generic::kList: return TypeKind::kList;
    case Generic::kTuple: return TypeKind::kTuple;
    case Generic::kDict: return TypeKind::kDict;
    default: return std::nullopt;
  }
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
  const std::vector<TypePtr> types = instance_types(*args[1].expr, value->type);
  builder_.here(span);
  if (const auto known = instance_known(value->type, types)) return builder_.boolean(*known);
  Def* any = nullptr;
  for (const TypePtr& t : types) {
    if (!is_subtype(t, value->type) && t->kind != TypeKind::kObject) continue;  // it cannot be one
    Def* one = builder_.is_instance(value, t);
    any = any ? values_.short_circuit(any, false, [&] { return one; }) : one;
  }
  return any ? any : builder_.boolean(false);
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

Def* Forms::format_call(Def* pattern, std::vector<CallArgument>& args, Span span) {
  std::vector<Def*> values;
  for (CallArgument& a : args) {
    if (!a.name.empty()) builder_.fail(a.span, "`format` takes no keywords in scripts; write an f-string");
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
