#include "src/compile/calls.h"

#include <algorithm>

#include "src/compile/classes.h"
#include "src/compile/comprehensions.h"
#include "src/compile/forms.h"
#include "src/compile/methods.h"
#include "src/compile/records.h"
#include "src/compile/session.h"
#include "src/compile/values.h"

namespace tine::compile {

using ir::Def;

Def* Calls::call(const syntax::Call& e, const TypePtr& hint) {
  // "{}".format(x) is recognized by its text: the type of the pattern alone would make it a method of a str.
  if (const auto* a = syntax::is<syntax::Attribute>(*e.callee); a && a->name == "format") {
    if (const auto* pattern = syntax::is<syntax::String>(*a->object)) {
      std::vector<CallArgument> args = arguments_.of(e);
      builder_.here(pattern->span);
      return forms_.format_call(builder_.text(pattern->value), args, e.span);
    }
  }
  const Meaning callee = meanings_.of(*e.callee);
  return call_meaning(callee, arguments_.of(e), e, hint);
}

Def* Calls::call_meaning(const Meaning& callee, std::vector<CallArgument> args, const syntax::Call& e,
                         const TypePtr& hint) {
  if (callee.def) return call_bound(callee, std::move(args), e, hint);
  const Span span = e.span;
  if (const auto* op = std::get_if<Operator>(&callee.resolved)) {
    if (op->name == "prim::abs" && args.size() == 1 && args[0].name.empty()) {
      if (Def* d = classes_.try_method(arguments_.value(args[0]), "__abs__", {}, span)) return d;
    }
    if (op->name == "aten::sorted" && !args.empty() && args[0].name.empty()) {
      std::vector<CallArgument> rest(args.begin() + 1, args.end());
      if (Def* d = classes_.try_sort(arguments_.value(args[0]), std::move(rest), false, span)) return d;
    }
    // As in TorchScript, min() and max() of many values go pair by pair, from the left.
    const bool by_pairs = op->name == "prim::min" || op->name == "prim::max";
    while (by_pairs && args.size() > 2 && args[2].name.empty()) {
      std::vector<CallArgument> pair{args[0], args[1]};
      args[1] = CallArgument{
          {}, nullptr, builder_.add(arguments_.choose(op->name, pair, callee.dotted, span)), span};
      args.erase(args.begin());
    }
    return builder_.add(arguments_.choose(op->name, args, callee.dotted, span));
  }
  if (const auto* f = std::get_if<FunctionRef>(&callee.resolved)) {
    const Schema& schema = session_.signature(*f, builder_.at(span));
    std::vector<Def*> inputs = arguments_.bind(schema, callee.dotted, args, span);
    builder_.here(span);
    return builder_.call(f->qualified_name, std::move(inputs), schema.result_type());
  }
  if (const auto* overloads = std::get_if<Overloads>(&callee.resolved))
    return call_overload(*overloads, callee.dotted, std::move(args), span);
  if (const auto* b = std::get_if<Builtin>(&callee.resolved))
    return forms_.form(b->form, std::move(args), hint, span);
  if (const auto* t = std::get_if<TypeName>(&callee.resolved)) {
    if (class_of(t->type)) return classes_.make(t->type, std::move(args), callee.dotted, span);
    if (!t->type->named_tuple()) return convert(t->type, callee, args, span);
    std::vector<Def*> fields = arguments_.bind(constructor_of(*t), callee.dotted, args, span);
    builder_.here(span);
    return builder_.tuple(std::move(fields), t->type);
  }
  if (const auto* g = std::get_if<GenericName>(&callee.resolved))
    return collection(g->generic, callee.dotted, args, hint, span);
  const Span at = e.callee->span;
  if (std::holds_alternative<ExceptionName>(callee.resolved))
    builder_.fail(at, fmt::format("`{}` is an exception: it can only be raised", callee.dotted));
  if (std::holds_alternative<Namespace>(callee.resolved))
    builder_.fail(at, fmt::format("`{}` is a module of names, not a function", callee.dotted));
  const auto* constant = std::get_if<Constant>(&callee.resolved);
  builder_.fail(at,
                fmt::format("`{}` {}cannot be called", callee.dotted,
                            constant ? fmt::format("is of type {}, which ", type_of(constant->value)->str())
                                     : std::string()));
}

// A method of a module or of another value, or a module itself.
Def* Calls::call_bound(const Meaning& callee, std::vector<CallArgument> args, const syntax::Call& e,
                       const TypePtr& hint) {
  const Span span = e.span;
  Def* self = callee.def;
  if (const auto* method = std::get_if<FunctionRef>(&callee.resolved)) {
    args.insert(args.begin(), CallArgument{{}, nullptr, self, e.callee->span});
    const Schema& schema = classes_.signature(self, *method, span);
    std::vector<Def*> inputs = arguments_.bind(schema, callee.method, args, span);
    builder_.here(span);
    const bool own = method->qualified_name == fmt::format("{}.{}", self->type->name, callee.method);
    return own ? builder_.call_method(std::string(callee.method), std::move(inputs), schema.result_type())
               : builder_.call(method->qualified_name, std::move(inputs), schema.result_type());
  }
  if (const auto* overloads = std::get_if<Overloads>(&callee.resolved)) {
    args.insert(args.begin(), CallArgument{{}, nullptr, self, e.callee->span});
    return call_overload(*overloads, callee.method, std::move(args), span);
  }
  if (!callee.method.empty()) {
    const auto* a = syntax::is<syntax::Attribute>(*e.callee);
    return call_method(self, callee.method, std::move(args), a ? a->name_span : e.callee->span, hint, span);
  }
  if (self->type->kind == TypeKind::kObject) {
    builder_.here(span);
    const std::string_view called = meanings_.called_method(*classes_.known(self->type, span));
    return call_meaning(meanings_.module_attribute(self, called, e.callee->span), std::move(args), e, hint);
  }
  if (const auto* read = syntax::is<syntax::Attribute>(*e.callee)) {
    builder_.fail(read->name_span,
                  fmt::format("`{0}` is of type {1}, which cannot be called; read it as `.{0}`", read->name,
                              self->type->str()));
  }
  builder_.fail(e.callee->span, fmt::format("a value of type {} cannot be called", self->type->str()));
}

// The first whose parameters take the arguments as they are; else the first that takes them with the conversions that the
// language makes by itself.
Def* Calls::call_overload(const Overloads& overloads, std::string_view shown, std::vector<CallArgument> args,
                          Span span) {
  for (CallArgument& a : args) (void)arguments_.value(a);
  std::string signatures;
  for (const bool convert : {false, true}) {
    for (const FunctionRef& f : overloads.functions) {
      const Schema& schema = session_.signature(f, builder_.at(span));
      if (arguments_.fit(schema, args, convert)) {
        std::vector<Def*> inputs = arguments_.bind(schema, shown, args, span);
        builder_.here(span);
        return builder_.call(f.qualified_name, std::move(inputs), schema.result_type());
      }
      if (convert) signatures += fmt::format("\n  {}", schema.str());
    }
  }
  builder_.fail(span,
                fmt::format("no overload of `{}` takes these arguments; there are:{}", shown, signatures));
}

Def* Calls::call_method(Def* self, std::string_view name, std::vector<CallArgument> args, Span name_span,
                        const TypePtr& hint, Span span) {
  if (self->type->kind == TypeKind::kStr && name == "format") return forms_.format_call(self, args, span);
  if (name == "sort") {
    if (Def* d = classes_.try_sort(self, args, true, span)) return d;
  }
  args.insert(args.begin(), CallArgument{{}, nullptr, self, span});
  require_method(builder_, self, name, name_span, "method");
  // xs.append([]) and d.get(k, 1): the container's type helps its argument, the key's that of a key.
  const bool is_dict = self->type->kind == TypeKind::kDict;
  const bool whole = name == "extend" || name == "update";
  for (size_t i = 1; i < args.size(); ++i) {
    TypePtr helps;
    if (self->type->kind == TypeKind::kList && i + 1 == args.size()) {
      helps = whole ? self->type : self->type->of[0];
    } else if (is_dict) {
      helps = whole ? self->type : self->type->of[i == 1 ? 0 : 1];
    }
    arguments_.value(args[i], helps);
  }
  // The row would refuse the argument as well, but with a message about the type variable of its schema.
  if (self->type->kind == TypeKind::kList && args.size() == 2 && name == "append") {
    const TypePtr& want = self->type->of[0];
    Def* given = args[1].def;
    args[1].def = builder_.coerce(given, want);
    if (!args[1].def) {
      const bool unannotated = want->kind == TypeKind::kTensor && self->node &&
                               self->node->kind == ir::Kind::kListConstruct && self->node->inputs.empty();
      const std::string help =
          unannotated ? fmt::format("; `[]` alone is a List[Tensor], so annotate it: `{}: List[{}] = []`",
                                    self->name, given->type->str())
                      : std::string();
      builder_.fail(args[1].span, fmt::format("the elements of {} are {}, not {}{}", self->type->str(),
                                              want->str(), given->type->str(), help));
    }
  }
  if (self->type->kind == TypeKind::kTensor && name == "tolist" && args.size() == 1) {
    if (Def* list = forms_.to_list(self, hint, span)) return list;
  }
  Def* result =
      builder_.add(arguments_.choose(fmt::format("{}{}", method_space(self), name), args, name, span));
  // A method of an RRef returns a Future, which is waited for here: the machine suspends, and no thread blocks.
  const bool starts = self->type->kind == TypeKind::kRRef && result->type->kind == TypeKind::kFuture;
  return starts ? builder_.must_operator("aten::wait", {result}, span) : result;
}

// `int(x)`, `str(x)`: a type as a function.
Def* Calls::convert(const TypePtr& to, const Meaning& callee, std::vector<CallArgument>& args, Span span) {
  if (to == Type::scalar_type())
    builder_.fail(span, "a dtype cannot be made in scripts; name one, as in `torch.float32`");
  if (to == Type::device()) return builder_.add(arguments_.choose("aten::device", args, callee.dotted, span));
  arguments_.expect(args, 0, 1, callee.dotted, span);
  Def* value = args.empty() ? nullptr : arguments_.value(args[0]);
  builder_.here(span);
  const auto by = [&](std::string_view op) {
    if (equal(value->type, to)) return value;
    if (Def* d = builder_.try_operator(op, {value})) return d;
    builder_.fail(args[0].span, fmt::format("`{}` does not convert {}{}", callee.dotted, value->type->str(),
                                            optional_help(value)));
  };
  switch (to->kind) {
    case TypeKind::kInt:
      if (Def* d = value ? classes_.try_method(value, "__int__", {}, span) : nullptr) return d;
      return value ? by("aten::Int") : builder_.integer(0);
    case TypeKind::kFloat:
      if (Def* d = value ? classes_.try_method(value, "__float__", {}, span) : nullptr) return d;
      return value ? by("aten::Float") : builder_.constant(0.0);
    case TypeKind::kBool: return value ? values_.truth(value, args[0].span) : builder_.boolean(false);
    case TypeKind::kStr: return value ? values_.text_of(value, args[0].span) : builder_.text("");
    case TypeKind::kTensor:
      builder_.fail(
          span,
          "`Tensor(...)` is not supported in scripts; use `torch.tensor`, `torch.zeros` or `torch.empty`");
    case TypeKind::kEnum: builder_.fail(span, how_to_name(callee.dotted, *to, {}));
    default:
      builder_.fail(
          span, fmt::format("objects of `{}` cannot be made in scripts; make them in Python and pass them in",
                            callee.dotted));
  }
}

// `list(x)`, `dict(x)`, `tuple(x)`: a generic type as a function.
Def* Calls::collection(Generic generic, std::string_view shown, std::vector<CallArgument>& args,
                       const TypePtr& hint, Span span) {
  switch (generic) {
    case Generic::kList: {
      arguments_.expect(args, 0, 1, "list", span);
      if (!args.empty()) return comprehensions_.list_of(args[0], span);
      return builder_.list({}, hint && hint->kind == TypeKind::kList ? hint->of[0] : Type::tensor());
    }
    case Generic::kDict: return comprehensions_.dict_of(args, hint, span);
    case Generic::kTuple: {
      arguments_.expect(args, 1, 1, "tuple", span);
      Def* value = arguments_.value(args[0]);
      if (value->type->named_tuple()) return builder_.tuple(builder_.unpack_tuple(value));
      if (value->type->kind == TypeKind::kTuple) return value;
      builder_.fail(
          args[0].span,
          fmt::format(
              "a tuple's length is part of its type, so it cannot be made of {}; write `(x[0], x[1])`",
              value->type->str()));
    }
    case Generic::kFuture:
      builder_.fail(span,
                    "a Future cannot be made in a script; `torch.jit.fork` and `rpc.rpc_async` return one");
    case Generic::kRRef: builder_.fail(span, "an RRef cannot be made in a script; `rpc.remote` returns one");
    default:
      builder_.fail(
          span,
          fmt::format("`{0}` cannot be called; it belongs into an annotation, as in `x: {0}[int]`", shown));
  }
}

}  // namespace tine::compile
