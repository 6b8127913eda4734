#include "src/compile/builtins.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numbers>

#include "src/compile/annotations.h"
#include "src/compile/names.h"
#include "src/compile/session.h"
#include "src/compile/text_types.h"
#include "tine/detail/torch_names.h"

namespace tine::compile {
namespace {

struct FormName {
  std::string_view name;
  Form form;
};
constexpr std::array kForms = {
    FormName{"len", Form::kLen},
    FormName{"range", Form::kRange},
    FormName{"print", Form::kPrint},
    FormName{"enumerate", Form::kEnumerate},
    FormName{"zip", Form::kZip},
    FormName{"reversed", Form::kReversed},
    FormName{"isinstance", Form::kIsInstance},
    FormName{"getattr", Form::kGetAttr},
    FormName{"hasattr", Form::kHasAttr},
    FormName{"super", Form::kSuper},
    FormName{"slice", Form::kSlice},
    FormName{"__call_python__", Form::kCallForeign},
};

struct GenericSpelling {
  std::string_view name;
  Generic generic;
};
constexpr std::array kGenerics = {
    GenericSpelling{"List", Generic::kList},         GenericSpelling{"list", Generic::kList},
    GenericSpelling{"Dict", Generic::kDict},         GenericSpelling{"dict", Generic::kDict},
    GenericSpelling{"Tuple", Generic::kTuple},       GenericSpelling{"tuple", Generic::kTuple},
    GenericSpelling{"Optional", Generic::kOptional}, GenericSpelling{"Union", Generic::kUnion},
    GenericSpelling{"Future", Generic::kFuture},     GenericSpelling{"RRef", Generic::kRRef},
    GenericSpelling{"Final", Generic::kFinal},
};

struct OperatorSpelling {
  std::string_view name, op;
};
// The operators that Python spells as built-in functions.
constexpr std::array kOperators = {
    OperatorSpelling{"min", "prim::min"},       OperatorSpelling{"max", "prim::max"},
    OperatorSpelling{"abs", "prim::abs"},       OperatorSpelling{"sum", "aten::sum"},
    OperatorSpelling{"round", "aten::round"},   OperatorSpelling{"pow", "aten::pow"},
    OperatorSpelling{"sorted", "aten::sorted"}, OperatorSpelling{"any", "aten::any"},
    OperatorSpelling{"all", "aten::all"},       OperatorSpelling{"ord", "aten::ord"},
    OperatorSpelling{"chr", "aten::chr"},       OperatorSpelling{"divmod", "aten::divmod"},
    OperatorSpelling{"hex", "aten::hex"},       OperatorSpelling{"oct", "aten::oct"},
    OperatorSpelling{"bin", "aten::bin"},       OperatorSpelling{"hash", "aten::hash"},
    OperatorSpelling{"repr", "aten::repr"},
};

struct Refusal {
  std::string_view name, why;
};
constexpr std::array kRefusals = {
    Refusal{"set", "sets are not supported in scripts; use a List, or a Dict with values that do not matter"},
    Refusal{"frozenset", "sets are not supported in scripts; use a List"},
    Refusal{"bytes", "bytes are not supported in scripts; use a str or a uint8 Tensor"},
    Refusal{"complex", "complex numbers are not supported in scripts"},
    Refusal{"object", "scripts are typed statically; name the type, or use Any"},
    Refusal{"Callable",
            "a function is not a value in scripts; name it where it is called, or take an object of an "
            "interface"},
    Refusal{"map", "`map` is not supported in scripts; write a list comprehension"},
    Refusal{"filter", "`filter` is not supported in scripts; write a list comprehension with `if`"},
    Refusal{"iter", "iterators are not supported in scripts; loop with `for`"},
    Refusal{"next", "iterators are not supported in scripts; loop with `for`"},
    Refusal{"type", "`type` is not supported in scripts; use `isinstance`"},
    Refusal{"id", "objects have no identity in scripts"},
    Refusal{"input", "scripts do not read the terminal; pass the value in"},
    Refusal{"open", "scripts do not open files; read in Python and pass the content in"},
    Refusal{"eval", "scripts are compiled ahead; there is no `eval`"},
    Refusal{"exec", "scripts are compiled ahead; there is no `exec`"},
    Refusal{"setattr", "`setattr` is not supported in scripts; assign to the attribute"},
    Refusal{"vars", "`vars` is not supported in scripts; name the attributes"},
    Refusal{"locals", "`locals` is not supported in scripts"},
    Refusal{"globals", "`globals` is not supported in scripts; pass the value in"},
    Refusal{"callable", "`callable` is not supported in scripts; types are known ahead"},
};

constexpr std::array<std::string_view, 15> kTorchNamespaces = {
    "nn",       "nn.functional",     "jit",          "futures", "distributed", "distributed.rpc",
    "linalg",   "special",           "Tensor.dtype", "cuda",    "ops",         "_C",
    "autograd", "autograd.profiler", "profiler",
};

// Exceptions that Python has and ErrorKind does not.
constexpr std::array<std::string_view, 9> kOtherExceptions = {
    "Exception",       "ArithmeticError",   "LookupError", "StopIteration",   "TimeoutError",
    "ConnectionError", "FileNotFoundError", "EOFError",    "PermissionError",
};

Resolved exception(std::string_view name) {
  ErrorKind kind;
  if (kind_named(name, &kind) ||
      std::find(kOtherExceptions.begin(), kOtherExceptions.end(), name) != kOtherExceptions.end()) {
    return ExceptionName{std::string(name)};
  }
  return Missing{};
}

Resolved type(std::string_view name) {
  if (name == "Any") return TypeName{Type::any()};
  for (const GenericSpelling& g : kGenerics) {
    if (g.name == name) return GenericName{g.generic};
  }
  return Missing{};
}

// Python's own names. One that scripts lack is not a misspelled name, so no other name is suggested.
constexpr std::string_view kMath =
    " acos acosh asin asinh atan atan2 atanh cbrt comb copysign cos cosh degrees dist erf erfc exp exp2 "
    "expm1 fma "
    "factorial floor fmod frexp fsum gamma gcd hypot isclose isfinite isinf isnan isqrt lcm ldexp lgamma log "
    "log10 log1p "
    "log2 modf nextafter perm pow prod radians remainder sin sinh sqrt sumprod tan tanh trunc ulp ";
constexpr std::string_view kBuiltins =
    " aiter anext ascii breakpoint bytearray classmethod compile delattr dir format help memoryview property "
    "staticmethod __import__ ";
bool is_in(std::string_view names, std::string_view name) {
  return names.find(fmt::format(" {} ", name)) != std::string_view::npos;
}

Resolved math(const OpTable& ops, std::string_view name) {
  if (name == "pi") return Constant{std::numbers::pi};
  if (name == "e") return Constant{std::numbers::e};
  if (name == "tau") return Constant{2 * std::numbers::pi};
  if (name == "inf") return Constant{std::numeric_limits<double>::infinity()};
  if (name == "nan") return Constant{std::numeric_limits<double>::quiet_NaN()};
  if (name == "remainder") return Operator{"aten::mathremainder"};  // aten::remainder is `%`
  std::string op = fmt::format("aten::{}", name);
  if (!ops.overloads(op).empty()) return Operator{std::move(op)};
  if (is_in(kMath, name)) return Refused{fmt::format("`math.{}` is not available yet in scripts", name)};
  return Missing{};
}

Resolved jit(std::string_view name) {
  if (name == "fork" || name == "_fork") return Builtin{Form::kFork};
  if (name == "wait" || name == "_wait") return Builtin{Form::kWait};
  if (name == "annotate") return Builtin{Form::kAnnotate};
  if (name == "isinstance") return Builtin{Form::kIsInstance};
  if (name == "Future") return GenericName{Generic::kFuture};
  if (name == "Final") return GenericName{Generic::kFinal};
  if (name == "is_scripting") return Builtin{Form::kIsScripting};
  if (name == "is_tracing") return Builtin{Form::kIsTracing};
  if (name == "_unwrap_optional") return Builtin{Form::kUnwrapOptional};
  return Missing{};
}

Resolved rpc(std::string_view name) {
  if (name == "rpc_async") return Builtin{Form::kRpcAsync};
  if (name == "rpc_sync") return Builtin{Form::kRpcSync};
  if (name == "remote") return Builtin{Form::kRemote};
  if (name == "RRef" || name == "PyRRef") return GenericName{Generic::kRRef};
  return Missing{};
}

Resolved torch_name(const OpTable& ops, std::string_view name) {
  if (name.empty()) return Namespace{};
  if (std::find(kTorchNamespaces.begin(), kTorchNamespaces.end(), name) != kTorchNamespaces.end())
    return Namespace{};
  struct Named {
    std::string_view name;
    DType dtype;
  };
  constexpr std::array kDTypes = {
      Named{"float32", DType::kFloat32}, Named{"float", DType::kFloat32}, Named{"float64", DType::kFloat64},
      Named{"double", DType::kFloat64},  Named{"int64", DType::kInt64},   Named{"long", DType::kInt64},
      Named{"bool", DType::kBool},       Named{"uint8", DType::kUInt8},
  };
  for (const Named& d : kDTypes) {
    if (d.name == name) return Constant{static_cast<int64_t>(d.dtype)};
  }
  if (name == "Tensor") return TypeName{Type::tensor()};
  if (name == "dtype") return TypeName{Type::scalar_type()};
  if (name == "device") return TypeName{Type::device()};
  if (name == "is_tensor") return Builtin{Form::kIsTensor};
  if (name == "Size") return GenericName{Generic::kList};  // sizes are lists of ints
  if (name == "pi" || name == "inf" || name == "nan" || name == "e") return math(ops, name);
  if (name == "no_grad" || name == "enable_grad") return Builtin{Form::kGradMode};
  if (name == "autograd.profiler.record_function" || name == "profiler.record_function")
    return Builtin{Form::kRecordFunction};
  const auto after = [&](std::string_view prefix) {
    return name.starts_with(prefix) ? name.substr(prefix.size()) : std::string_view();
  };
  if (const auto n = after("jit."); !n.empty()) return jit(n);
  if (name == "_C._get_tracing_state" || name == "_C._is_tracing") return Builtin{Form::kIsTracing};
  if (const auto n = after("futures."); !n.empty()) {
    if (n == "Future") return GenericName{Generic::kFuture};
    if (n == "wait_all") return Builtin{Form::kWaitAll};
    if (n == "collect_all") return Operator{"aten::collect_all"};
    return Missing{};
  }
  if (const auto n = after("distributed.rpc."); !n.empty()) return rpc(n);
  for (const std::string_view prefix : {"nn.functional.", "special.", "linalg."}) {
    if (const auto n = after(prefix); !n.empty()) {
      name = n;
      break;
    }
  }
  if (name.find('.') != std::string_view::npos) return Missing{};
  for (const std::string_view space : {"aten::", "prim::"}) {
    std::string op = fmt::format("{}{}", space, name);
    if (!ops.overloads(op).empty()) return Operator{std::move(op)};
  }
  return Missing{};
}

// A name that PyTorch has and scripts do not is not a misspelled name.
Resolved torch(const OpTable& ops, std::string_view name) {
  Resolved known = torch_name(ops, name);
  if (!std::holds_alternative<Missing>(known)) return known;
  const size_t dot = name.rfind('.');
  const std::string place =
      dot == std::string_view::npos ? "torch" : fmt::format("torch.{}", name.substr(0, dot));
  const std::string why = not_there_yet(place, dot == std::string_view::npos ? name : name.substr(dot + 1));
  return why.empty() ? known : Refused{why + " in scripts"};
}

}  // namespace

Resolved resolve_language(std::string_view name) {
  if (name == "int") return TypeName{Type::integer()};
  if (name == "float") return TypeName{Type::floating()};
  if (name == "bool") return TypeName{Type::boolean()};
  if (name == "str") return TypeName{Type::string()};
  if (name == "Tensor") return TypeName{Type::tensor()};
  for (const FormName& f : kForms) {
    if (f.name == name) return Builtin{f.form};
  }
  for (const OperatorSpelling& o : kOperators) {
    if (o.name == name) return Operator{std::string(o.op)};
  }
  for (const Refusal& r : kRefusals) {
    if (r.name == name) return Refused{std::string(r.why)};
  }
  if (is_in(kBuiltins, name)) return Refused{fmt::format("`{}` is not available yet in scripts", name)};
  if (Resolved t = type(name); !std::holds_alternative<Missing>(t)) return t;
  return exception(name);
}

std::vector<std::string> language_names() {
  std::vector<std::string> names = {"int", "float", "bool", "str", "Tensor", "torch"};
  for (const FormName& f : kForms) {
    if (!f.name.starts_with("_")) names.emplace_back(f.name);
  }
  for (const OperatorSpelling& o : kOperators) names.emplace_back(o.name);
  for (const GenericSpelling& g : kGenerics) names.emplace_back(g.name);
  for (int i = 0; i < kErrorKinds; ++i) names.emplace_back(name_of(static_cast<ErrorKind>(i)));
  return names;
}

std::string def_name(const syntax::FunctionDef& def, std::string_view prefix) {
  const std::string setter = fmt::format("{}.setter", def.name);
  const bool sets = std::any_of(def.decorators.begin(), def.decorators.end(),
                                [&](const auto& d) { return dotted_name(*d) == setter; });
  return fmt::format("{}{}", prefix, sets ? std::string_view(setter) : def.name);
}

TextResolver::TextResolver(const OpTable& ops, std::shared_ptr<const syntax::Module> module,
                           std::string_view prefix, std::shared_ptr<Resolver> others)
    : ops_(ops), module_(std::move(module)), prefix_(prefix), others_(std::move(others)) {
  aliases_ = {{"torch", "torch"}, {"tine", "tine"}, {"math", "math"}, {"typing", "typing"}};
  for (const syntax::Import& i : module_->imports) {
    if (!i.name.empty()) {
      aliases_[i.alias] = fmt::format("{}.{}", i.module, i.name);
    } else if (!i.alias.empty()) {
      aliases_[i.alias] = i.module;
    } else {
      const std::string root = i.module.substr(0, i.module.find('.'));
      aliases_[root] = root;
    }
  }
}

void TextResolver::fail(Span span, std::string_view why) const {
  throw_at(ErrorKind::kSyntax, SourceSpan(module_->source, span), why);
}

TextResolver::Sources TextResolver::sources(const std::shared_ptr<TextResolver>& self) {
  Sources sources;
  TextResolver& names = *self;
  const auto twice = [&](std::string_view name) {
    return fmt::format("`{}` is defined twice in this source", name);
  };
  for (const syntax::FunctionDef& f : names.module_->functions) {
    std::string name(f.name);
    if (names.functions_.contains(name)) names.fail(f.name_span, twice(name));
    Known known = add(
        f, &sources, {fmt::format("{}.{}", names.prefix_, name), names.module_->source, name, self, nullptr});
    names.functions_.emplace(std::move(name), std::move(known));
  }
  for (const syntax::ClassDef& c : names.module_->classes) {
    const std::string name(c.name);
    if (names.functions_.contains(name) || names.classes_.contains(name) || names.records_.contains(name))
      names.fail(c.name_span, twice(name));
    const Names before(names.module_->source, &names);
    if (auto record = text_type(c, names.prefix_, before)) {
      names.records_.emplace(name, *std::move(record));
    } else {
      add_class(self, &sources, c);
    }
  }
  return sources;
}

TextResolver::Known TextResolver::add(const syntax::FunctionDef& def, Sources* sources,
                                      FunctionSource source) {
  sources->push_back(std::make_shared<const FunctionSource>(std::move(source)));
  const bool async_execution = std::any_of(def.decorators.begin(), def.decorators.end(), [](const auto& d) {
    return dotted_name(*d).ends_with("functions.async_execution");
  });
  return {sources->back()->qualified_name, sources->back(), async_execution};
}

void TextResolver::add_class(const std::shared_ptr<TextResolver>& self, Sources* sources,
                             const syntax::ClassDef& c) {
  TextResolver& names = *self;
  for (const auto& base : c.bases) {
    if (dotted_name(*base) != "object")
      names.fail(base->span,
                 "classes of scripts have no base classes; keep an object of that class in an attribute");
  }
  for (const auto& decorator : c.decorators) {
    const auto* const call = syntax::is<syntax::Call>(*decorator);
    if (dotted_name(call ? *call->callee : *decorator).ends_with("dataclass"))
      names.fail(decorator->span, "a text has no dataclasses; write the class with its `__init__`");
  }
  const std::string type_name = fmt::format("{}.{}", names.prefix_, c.name);
  Class& made = names.classes_[std::string(c.name)];
  if (std::any_of(c.decorators.begin(), c.decorators.end(),
                  [](const auto& d) { return dotted_name(*d).ends_with("jit.interface"); })) {
    made.interface = &c;
    return;
  }
  made.type = ObjectType::open_class(type_name);
  names.by_type_name_.emplace(type_name, &made);
  for (const syntax::Field& field : c.fields) made.members[std::string(field.name)].field = &field;
  for (const syntax::FunctionDef& f : c.methods) {
    const std::string name(f.name);
    FunctionSource source{fmt::format("{}.{}", type_name, name), names.module_->source, {}, self, made.type};
    source.def_name = def_name(f, fmt::format("{}.", c.name));
    Member& member = made.members[name];
    std::optional<Known>* place = &member.function;
    for (const auto& decorator : f.decorators) {
      const std::string mark = dotted_name(*decorator);
      if (mark == "staticmethod" || mark == "classmethod") {
        source.qualified_name = fmt::format("{}.{}.{}", type_name, mark, name);
        source.self = nullptr;
        if (mark == "classmethod") source.cls = made.type;
      } else if (mark == "property") {
        source.qualified_name = fmt::format("{}.__{}_getter", type_name, name);
        place = &member.getter;
      } else if (mark == name + ".setter") {
        source.qualified_name = fmt::format("{}.__{}_setter", type_name, name);
        place = &member.setter;
      }
    }
    if (place->has_value())
      names.fail(f.name_span, fmt::format("`{}` is defined twice in `{}`", name, c.name));
    *place = add(f, sources, std::move(source));
  }
}

Resolved TextResolver::resolve(std::string_view dotted) {
  const size_t dot = dotted.find('.');
  const std::string root(dotted.substr(0, dot));
  if (dot == std::string_view::npos) {
    if (const auto f = functions_.find(root); f != functions_.end()) {
      if (FunctionRef known = f->second.ref(); known.source) return known;
    }
    if (const auto c = classes_.find(root); c != classes_.end()) return class_named(root, c->second);
  }
  if (const auto r = records_.find(root); r != records_.end()) {
    if (dot == std::string_view::npos) return r->second;
    if (r->second.type->kind != TypeKind::kEnum) return Missing{};
    auto of = std::static_pointer_cast<const EnumType>(r->second.type);
    const int index = of->index_of(dotted.substr(dot + 1));
    return index < 0 ? Resolved(Missing{})
                     : Resolved(Constant{enum_member(std::move(of), static_cast<size_t>(index))});
  }
  std::string name(dotted);
  if (const auto alias = aliases_.find(root); alias != aliases_.end()) {
    name = alias->second;
    if (dot != std::string_view::npos) name += dotted.substr(dot);
    Resolved known = resolve_builtin(ops_, name);
    if (!std::holds_alternative<Missing>(known)) return known;
  }
  return others_ ? others_->resolve(name) : Missing{};
}

// The methods of an interface may take objects of classes that come later in the text, so their types are resolved at the
// first use.
Resolved TextResolver::class_named(std::string_view name, Class& c) {
  if (c.type) return TypeName{c.type};
  if (c.resolving)
    return Refused{fmt::format("the interface `{}` names itself, which scripts do not have", name)};
  c.resolving = true;
  const std::shared_ptr<Resolver> self(std::shared_ptr<void>(), this);  // longer than the session
  Session session(ops_, nullptr, module_);
  std::vector<ObjectType::Method> methods;
  for (const syntax::FunctionDef& f : c.interface->methods) {
    const std::string def = fmt::format("{}.{}", name, f.name);
    methods.push_back(session.method_in_interface(
        {fmt::format("{}.{}", prefix_, def), module_->source, def, self, nullptr}));
  }
  c.type = ObjectType::interface(fmt::format("{}.{}", prefix_, name), std::move(methods));
  return TypeName{c.type};
}

Resolved TextResolver::member(const Member& member) {
  if (member.function) return member.function->ref();
  if (member.getter) {
    return Property{member.getter->ref(), member.setter ? std::optional(member.setter->ref()) : std::nullopt};
  }
  if (!member.field) return Missing{};
  const Names names(module_->source, this);
  const auto& annotation = member.field->annotation;
  const auto& value = member.field->default_value;
  if (annotation && (!value || value->kind == syntax::ExprKind::kNone))
    return TypeName{annotation_type(*annotation, names)};
  return Constant{constant_value(*value, names)};
}

Resolved TextResolver::method(const ObjectType& type, std::string_view name) {
  if (const auto own = by_type_name_.find(type.name); own != by_type_name_.end()) {
    const auto& members = own->second->members;
    const auto found = members.find(std::string(name));
    return found == members.end() ? Missing{} : member(found->second);
  }
  return others_ ? others_->method(type, name) : Missing{};
}

std::optional<Submodules> TextResolver::submodules(const ObjectType& type) {
  return others_ ? others_->submodules(type) : std::nullopt;
}

std::vector<std::string> TextResolver::candidates(std::string_view dotted) {
  std::vector<std::string> names;
  if (others_) names = others_->candidates(dotted);
  const size_t dot = dotted.rfind('.');
  if (dot != std::string_view::npos) {
    if (const auto own = by_type_name_.find(std::string(dotted.substr(0, dot))); own != by_type_name_.end()) {
      for (const auto& [name, member] : own->second->members) names.push_back(name);
      std::sort(names.begin(), names.end());
      return names;
    }
  }
  if (dot == std::string_view::npos) {
    for (const auto& [name, known] : functions_) names.push_back(name);
    for (const auto& [name, known] : classes_) names.push_back(name);
    for (const auto& [name, known] : records_) names.push_back(name);
    for (const auto& [name, target] : aliases_) names.push_back(name);
    std::sort(names.begin(), names.end());
    return names;
  }
  for (const Op* op : ops_.all()) {
    const size_t colon = op->schema.name.find("::");
    if (colon != std::string::npos) names.push_back(op->schema.name.substr(colon + 2));
  }
  for (const char* name : {"fork", "wait", "annotate", "Future", "rpc_async", "rpc_sync", "remote", "float32",
                           "float64", "int64"}) {
    names.emplace_back(name);
  }
  return names;
}

}  // namespace tine::compile

namespace tine::script {

Resolved resolve_builtin(const OpTable& ops, std::string_view dotted) {
  const size_t dot = dotted.find('.');
  const std::string_view root = dotted.substr(0, dot);
  const std::string_view rest = dot == std::string_view::npos ? std::string_view() : dotted.substr(dot + 1);
  if (root == "torch" || root == "tine") return compile::torch(ops, rest);
  if (root == "math") return rest.empty() ? Resolved(Namespace{}) : compile::math(ops, rest);
  if (root == "warnings") {
    if (rest.empty()) return Namespace{};
    return rest == "warn" ? Resolved(Builtin{Form::kWarn}) : Resolved(Missing{});
  }
  if (root == "typing" || root == "builtins")
    return rest.empty() ? Resolved(Namespace{}) : compile::resolve_language(rest);
  if (root == "__future__") return Namespace{};
  return dot == std::string_view::npos ? compile::resolve_language(dotted) : Resolved(Missing{});
}

}  // namespace tine::script
