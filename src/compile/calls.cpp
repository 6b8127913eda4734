#include <algorithm>

#include "src/compile/function_compiler.h"
#include "src/compile/suggest.h"
#include "src/value/torch_names.h"

namespace tine::compile {

using ir::Def;
using syntax::ExprKind;

std::vector<FunctionCompiler::Argument> FunctionCompiler::arguments_of(const syntax::Call& e) {
  std::vector<Argument> args;
  args.reserve(e.args.size() + e.keywords.size());
  for (const syntax::ExprPtr& a : e.args) args.push_back(Argument{{}, a.get(), nullptr, a->span});
  for (const syntax::Keyword& k : e.keywords)
    args.push_back(Argument{k.name, k.value.get(), nullptr, k.value->span});
  return args;
}

Def* FunctionCompiler::argument_value(Argument& a, const TypePtr& hint) {
  if (!a.def) a.def = expression(*a.expr, hint);
  return a.def;
}

Def* FunctionCompiler::call(const syntax::Call& e, const TypePtr& hint) {
  if (const auto* a = syntax::is<syntax::Attribute>(*e.callee); a && a->name == "format") {
    if (const auto* pattern = syntax::is<syntax::String>(*a->object)) {
      std::vector<Argument> args = arguments_of(e);
      return format_call(*pattern, args, e.span);
    }
  }
  const Thing callee = thing(*e.callee);
  return call_thing(callee, arguments_of(e), e, hint);
}

Def* FunctionCompiler::call_thing(const Thing& callee, std::vector<Argument> args, const syntax::Call& e,
                                  const TypePtr& hint) {
  const Span span = e.span;
  if (callee.def) {
    if (const auto* method = std::get_if<FunctionRef>(&callee.resolved)) {
      args.insert(args.begin(), Argument{{}, nullptr, callee.def, e.callee->span});
      const Schema& schema = session_.signature(*method, at(span));
      std::vector<Def*> inputs = bind_arguments(schema, callee.method, args, span);
      here(span);
      const bool own = method->qualified_name == fmt::format("{}.{}", callee.def->type->name, callee.method);
      return own ? builder_.call_method(std::string(callee.method), std::move(inputs), schema.result_type())
                 : builder_.call(method->qualified_name, std::move(inputs), schema.result_type());
    }
    if (!callee.method.empty()) {
      Span name_span = e.callee->span;
      if (const auto* a = syntax::is<syntax::Attribute>(*e.callee)) name_span = a->name_span;
      return call_method(callee.def, callee.method, std::move(args), name_span, span);
    }
    if (callee.def->type->kind == TypeKind::kObject) {
      here(span);
      return call_thing(module_attribute(callee.def, "forward", e.callee->span), std::move(args), e, hint);
    }
    fail(e.callee->span, fmt::format("a value of type {} cannot be called", callee.def->type->str()));
  }
  if (const auto* op = std::get_if<Operator>(&callee.resolved))
    return call_operator(op->name, std::move(args), callee.dotted, span);
  if (const auto* f = std::get_if<FunctionRef>(&callee.resolved))
    return call_function(*f, callee.dotted, std::move(args), span);
  if (const auto* b = std::get_if<Builtin>(&callee.resolved)) return form(b->form, std::move(args), e, hint);
  if (const auto* t = std::get_if<TypeName>(&callee.resolved)) return convert(t->type, callee, args, span);
  if (const auto* g = std::get_if<GenericName>(&callee.resolved))
    return collection(g->generic, args, hint, span);
  if (std::holds_alternative<ExceptionName>(callee.resolved)) {
    fail(e.callee->span, fmt::format("`{}` is an exception: it can only be raised", callee.dotted));
  }
  if (std::holds_alternative<Namespace>(callee.resolved))
    fail(e.callee->span, fmt::format("`{}` is a module of names, not a function", callee.dotted));
  fail(e.callee->span, fmt::format("`{}` cannot be called", callee.dotted));
}

// Where the methods of a value's type are looked up.
static std::string_view method_space(const Def* self) {
  return self->type->kind == TypeKind::kRRef ? "rpc::" : "aten::";
}

// Of Tensors in PyTorch, of the others in Python.
static bool is_known_method(const Type& type, std::string_view name) {
  constexpr std::string_view kStr =
      " capitalize casefold center count encode endswith expandtabs find format format_map index isalnum "
      "isalpha isascii "
      "isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower "
      "lstrip maketrans "
      "partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split "
      "splitlines startswith "
      "strip swapcase title translate upper zfill ";
  constexpr std::string_view kList = " append clear copy count extend index insert pop remove reverse sort ";
  constexpr std::string_view kDict =
      " clear copy fromkeys get items keys pop popitem setdefault update values ";
  const auto among = [&](std::string_view names) {
    return names.find(fmt::format(" {} ", name)) != std::string_view::npos;
  };
  switch (type.kind) {
    case TypeKind::kTensor: return in_torch("torch.Tensor", name);
    case TypeKind::kStr: return among(kStr);
    case TypeKind::kList: return among(kList);
    case TypeKind::kDict: return among(kDict);
    default: return false;
  }
}

void FunctionCompiler::require_method(Def* self, std::string_view name, Span span, std::string_view what) {
  const std::string_view space = method_space(self);
  const auto takes_self = [&](const Op* row) {
    if (row->schema.args.empty()) return false;
    TypeBindings bindings;
    const TypePtr& first = row->schema.args[0].type;
    // torch.stack is no method of a list: methods of Tensors are rows whose first argument is called self.
    if (self->type->kind == TypeKind::kTensor)
      return first->kind == TypeKind::kTensor && row->schema.args[0].name == "self";
    return first->kind != TypeKind::kAny && match(first, self->type, &bindings);
  };
  const auto rows = session_.ops.overloads(fmt::format("{}{}", space, name));
  if (!name.starts_with("__") && std::any_of(rows.begin(), rows.end(), takes_self)) return;
  std::string help;
  if (is_known_method(*self->type, name)) {
    fail(span, fmt::format("`{}.{}` is not there yet in scripts",
                           self->type->kind == TypeKind::kTensor ? "torch.Tensor" : self->type->str(), name));
  }
  if (self->type->kind == TypeKind::kStr && (name == "type" || name == "index")) {
    help = "; the device of a Tensor is a str in scripts, as \"cpu\": use it as it is";
  } else if (self->type->kind == TypeKind::kFuture && (name == "then" || name == "add_done_callback")) {
    help = "; scripts have no callbacks: fork a function that waits for it";
  } else {
    std::vector<std::string> names;
    for (const Op* row : session_.ops.all()) {
      if (row->schema.name.starts_with(space) && takes_self(row))
        names.push_back(row->schema.name.substr(space.size()));
    }
    help = did_you_mean(name, names);
  }
  fail(span, fmt::format("{} has no {} `{}` in scripts{}", self->type->str(), what, name, help));
}

Def* FunctionCompiler::call_method(Def* self, std::string_view name, std::vector<Argument> args,
                                   Span name_span, Span span) {
  args.insert(args.begin(), Argument{{}, nullptr, self, span});
  require_method(self, name, name_span, "method");
  // xs.append([]) and d.get(k, 1): the container's type helps its argument.
  const bool holds = self->type->kind == TypeKind::kList || self->type->kind == TypeKind::kDict;
  const TypePtr held = !holds                                 ? nullptr
                       : name == "extend" || name == "update" ? self->type
                                                              : self->type->of.back();
  for (size_t i = 1; i < args.size(); ++i) argument_value(args[i], i + 1 == args.size() ? held : nullptr);
  if (self->type->kind == TypeKind::kList && args.size() == 2 && name == "append") {
    const TypePtr& want = self->type->of[0];
    Def* fitting = coerce(args[1].def, want);
    if (!fitting) {
      const bool unannotated = want->kind == TypeKind::kTensor && self->node &&
                               self->node->kind == ir::Kind::kListConstruct && self->node->inputs.empty();
      fail(
          args[1].span,
          fmt::format(
              "the elements of {} are {}, not {}{}", self->type->str(), want->str(), args[1].def->type->str(),
              unannotated ? fmt::format("; `[]` alone is a List[Tensor], so annotate it: `{}: List[{}] = []`",
                                        self->name, args[1].def->type->str())
                          : std::string()));
    }
    args[1].def = fitting;
  }
  Def* result = call_operator(fmt::format("{}{}", method_space(self), name), std::move(args), name, span);
  // What a method of an RRef starts is waited for here: the machine suspends, no thread blocks.
  const bool starts = self->type->kind == TypeKind::kRRef && result->type->kind == TypeKind::kFuture;
  return starts ? must_operator("aten::wait", {result}, span) : result;
}

std::vector<Def*> FunctionCompiler::bind_arguments(const Schema& schema, std::string_view shown,
                                                   std::vector<Argument>& args, Span span) {
  const auto& params = schema.args;
  std::vector<Def*> inputs(params.size(), nullptr);
  const bool method = !args.empty() && args[0].def && args[0].def->type->kind == TypeKind::kObject &&
                      !params.empty() && args[0].expr == nullptr;
  const size_t hidden = method ? 1 : 0;
  size_t position = 0;
  for (Argument& a : args) {
    size_t param;
    if (a.name.empty()) {
      if (position >= params.size() || params[position].keyword_only) {
        const auto most = static_cast<size_t>(std::count_if(params.begin(), params.end(),
                                                            [](const auto& p) { return !p.keyword_only; })) -
                          hidden;
        const auto got = static_cast<size_t>(std::count_if(args.begin(), args.end(),
                                                           [](const auto& x) { return x.name.empty(); })) -
                         hidden;
        fail(a.span, fmt::format("`{}` takes {} positional argument{}, got {}", shown, most,
                                 most == 1 ? "" : "s", got));
      }
      param = position++;
    } else {
      const int index = schema.index_of(a.name);
      if (index < 0) {
        std::vector<std::string> names;
        for (const auto& p : params) names.push_back(p.name);
        fail(a.span, fmt::format("`{}` has no argument `{}`{}", shown, a.name, did_you_mean(a.name, names)));
      }
      param = static_cast<size_t>(index);
      if (inputs[param]) fail(a.span, fmt::format("`{}` gets its argument `{}` twice", shown, a.name));
    }
    const TypePtr& want = params[param].type;
    Def* value = argument_value(a, want);
    Def* fitting = coerce(value, want);
    if (!fitting) {
      const bool optional = value->type->kind == TypeKind::kOptional && is_subtype(value->type->of[0], want);
      fail(a.span, fmt::format("`{}` expects {} for `{}`, got {}{}", shown, want->str(), params[param].name,
                               value->type->str(), optional ? optional_help(value) : ""));
    }
    inputs[param] = fitting;
  }
  for (size_t p = 0; p < params.size(); ++p) {
    if (inputs[p]) continue;
    if (!params[p].default_value) {
      const auto needed = static_cast<size_t>(std::count_if(params.begin(), params.end(),
                                                            [](const auto& q) { return !q.default_value; })) -
                          hidden;
      fail(span, fmt::format("`{}` needs a value for `{}`: it takes {}{} argument{}, got {}", shown,
                             params[p].name, needed == params.size() - hidden ? "" : "at least ", needed,
                             needed == 1 ? "" : "s", args.size() - hidden));
    }
    here(span);
    const Value& value = *params[p].default_value;
    inputs[p] = builder_.constant(value, value.is_none()                               ? Type::none()
                                         : params[p].type->kind == TypeKind::kOptional ? params[p].type->of[0]
                                                                                       : params[p].type);
  }
  return inputs;
}

Def* FunctionCompiler::call_function(const FunctionRef& f, std::string_view shown, std::vector<Argument> args,
                                     Span span) {
  const Schema& schema = session_.signature(f, at(span));
  std::vector<Def*> inputs = bind_arguments(schema, shown, args, span);
  here(span);
  return builder_.call(f.qualified_name, std::move(inputs), schema.result_type());
}

Def* FunctionCompiler::convert(const TypePtr& to, const Thing& callee, std::vector<Argument>& args,
                               Span span) {
  expect_arguments(args, 0, 1, callee.dotted, span);
  Def* value = args.empty() ? nullptr : argument_value(args[0]);
  here(span);
  const auto by = [&](std::string_view op) {
    if (equal(value->type, to)) return value;
    if (Def* d = try_operator(op, {value}, span)) return d;
    fail(args[0].span,
         fmt::format("`{}` does not convert {}{}", callee.dotted, value->type->str(), optional_help(value)));
  };
  switch (to->kind) {
    case TypeKind::kInt: return value ? by("aten::Int") : integer(0);
    case TypeKind::kFloat: return value ? by("aten::Float") : builder_.constant(0.0);
    case TypeKind::kBool: return value ? truth(value, args[0].span) : boolean(false);
    case TypeKind::kStr: return value ? text_of(value, args[0].span) : builder_.constant(Value(""));
    case TypeKind::kTensor:
      fail(span,
           "`Tensor(...)` is not supported in scripts; use `torch.tensor`, `torch.zeros` or `torch.empty`");
    default:
      fail(span,
           fmt::format("objects of `{}` cannot be made in scripts; make them in Python and pass them in",
                       callee.dotted));
  }
}

Def* FunctionCompiler::collection(Generic generic, std::vector<Argument>& args, const TypePtr& hint,
                                  Span span) {
  switch (generic) {
    case Generic::kList: {
      expect_arguments(args, 0, 1, "list", span);
      const TypePtr element = hint && hint->kind == TypeKind::kList ? hint->of[0] : nullptr;
      if (args.empty()) return builder_.list({}, element ? element : Type::tensor());
      const Iterable over = iterable(*args[0].expr);
      here(span);
      if (!over.modules) return list_of(over, nullptr);
      std::vector<Def*> items;
      for (size_t i = 0; i < *over.modules; ++i)
        items.push_back(whole_element(over, integer(static_cast<int64_t>(i))));
      if (items.empty() || items[0]->type->kind != TypeKind::kStr)
        fail(args[0].span, "modules stay in their container; loop over it");
      return builder_.list(std::move(items), Type::string());
    }
    case Generic::kDict: return dict_of(args, hint, span);
    case Generic::kTuple: {
      expect_arguments(args, 1, 1, "tuple", span);
      Def* value = argument_value(args[0]);
      if (value->type->kind != TypeKind::kTuple) {
        fail(args[0].span,
             fmt::format(
                 "a tuple's length is part of its type, so it cannot be made of {}; write `(x[0], x[1])`",
                 value->type->str()));
      }
      return value;
    }
    case Generic::kFuture:
      fail(span, "a Future cannot be made in a script; `torch.jit.fork` and `rpc.rpc_async` return one");
    case Generic::kRRef: fail(span, "an RRef cannot be made in a script; `rpc.remote` returns one");
    default: fail(span, "a type cannot be called");
  }
}

FunctionCompiler::Target FunctionCompiler::target(const Thing& callee, Span span) {
  Target t;
  if (callee.def) {
    Thing bound = callee;
    if (callee.method.empty() && callee.def->type->kind == TypeKind::kObject) {
      here(span);
      bound = module_attribute(callee.def, "forward", span);
    }
    const auto* method = std::get_if<FunctionRef>(&bound.resolved);
    if (!bound.def || !method)
      fail(span,
           fmt::format("expected a script function, a method or a module, got {}", callee.def->type->str()));
    t.function = *method;
    t.self = bound.def;
    if (method->qualified_name == fmt::format("{}.{}", bound.def->type->name, bound.method))
      t.method = std::string(bound.method);
    t.shown = std::string(bound.method);
    return t;
  }
  t.shown = callee.dotted;
  if (const auto* f = std::get_if<FunctionRef>(&callee.resolved)) {
    t.function = *f;
    return t;
  }
  if (const auto* op = std::get_if<Operator>(&callee.resolved)) {
    t.operator_name = op->name;
    return t;
  }
  fail(span, fmt::format("expected a script function, an operator, a method or a module; `{}` is none",
                         callee.dotted));
}

}  // namespace tine::compile
