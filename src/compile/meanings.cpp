#include "src/compile/meanings.h"

#include <algorithm>

#include "src/compile/classes.h"
#include "src/compile/expressions.h"
#include "src/compile/methods.h"
#include "src/compile/records.h"
#include "src/compile/suggest.h"

namespace tine::compile {

using ir::Def;

namespace {

struct TensorProperty {
  std::string_view name, op;
};
constexpr TensorProperty kTensorProperties[] = {
    {"shape", "aten::size"},    {"ndim", "aten::dim"},       {"dtype", "prim::dtype"},
    {"device", "prim::device"}, {"T", "aten::numpy_T"},      {"requires_grad", "prim::requires_grad"},
    {"data", "prim::data"},     {"is_leaf", "prim::is_leaf"}};
// What holds of no Tensor here: all of them are dense and lie in the memory of the processor.
constexpr std::string_view kFalseOfTensors[] = {
    "is_cuda",   "is_sparse", "is_quantized", "is_mkldnn", "is_meta", "is_mps", "is_xpu",  "is_sparse_csr",
    "is_nested", "is_vulkan", "is_ipu",       "is_xla",    "is_ort",  "is_hpu", "is_mtia", "is_maia"};
constexpr TensorProperty kDeviceProperties[] = {{"type", "prim::type"}, {"index", "prim::index"}};

// Whether a script can hold this value of a global.
bool can_be_constant(const Value& v) {
  const auto all = [](std::span<const Value> items) {
    return std::all_of(items.begin(), items.end(), can_be_constant);
  };
  switch (v.tag()) {
    case Tag::kNone:
    case Tag::kBool:
    case Tag::kInt:
    case Tag::kFloat:
    case Tag::kTensor:
    case Tag::kEnum:
    case Tag::kString: return true;
    case Tag::kList: return all(v.as_list().items);
    case Tag::kTuple: return all(v.as_tuple().items);
    default: return false;
  }
}

// What a name stands for, where a value is wanted.
struct Words {
  std::string_view operator()(const Namespace&) const { return "a module of names"; }
  std::string_view operator()(const Operator&) const { return "an operator"; }
  std::string_view operator()(const FunctionRef&) const {
    return "a function (only fork and the calls of rpc take functions)";
  }
  std::string_view operator()(const Overloads&) const { return "a function that has overloads"; }
  std::string_view operator()(const Builtin&) const { return "a function of the language"; }
  std::string_view operator()(const ExceptionName&) const { return "an exception class"; }
  std::string_view operator()(const Property&) const { return "a property"; }
  std::string_view operator()(const auto&) const { return "a type"; }
};

}  // namespace

Meaning Meanings::of(const syntax::Expr& e) {
  Meaning m;
  if (const auto* name = syntax::is<syntax::Name>(e)) {
    if (const Variable* v = scopes_.find(name->id); v && v->callee) return *v->callee;
    m.def = scopes_.value(*name);
    if (m.def) return m;
    m.dotted = std::string(name->id);
    m.resolved = names_.usable(m.dotted, e.span, e.span, scopes_.names());
    return m;
  }
  if (const auto* a = syntax::is<syntax::Attribute>(e)) {
    const FunctionBuilder::Nested level(builder_, e.span);
    return attribute(*a);
  }
  m.def = expressions_.value(e);
  return m;
}

// `M.helper` of a class that scripts cannot make: its static methods and constants can be used all the same.
std::optional<Meaning> Meanings::member_of_refused(const syntax::Attribute& e) {
  const std::string owner = scopes_.free_name(*e.object);
  if (owner.empty() || !std::holds_alternative<Refused>(names_.resolve(owner))) return std::nullopt;
  Meaning m;
  m.dotted = fmt::format("{}.{}", owner, e.name);
  m.resolved = names_.resolve(m.dotted);
  if (std::holds_alternative<Missing>(m.resolved)) return std::nullopt;
  if (const auto* refused = std::get_if<Refused>(&m.resolved)) builder_.fail(e.span, refused->why);
  return m;
}

// `C.helper` of a class of scripts: its static and class methods, its constants, its methods as functions.
Meaning Meanings::member_of_class(const Meaning& cls, const syntax::Attribute& e) {
  const TypePtr& type = std::get<TypeName>(cls.resolved).type;
  Meaning m;
  m.dotted = fmt::format("{}.{}", cls.dotted, e.name);
  m.resolved = names_.method(static_cast<const ObjectType&>(*type), e.name);
  if (const auto* refused = std::get_if<Refused>(&m.resolved)) builder_.fail(e.span, refused->why);
  if (std::holds_alternative<FunctionRef>(m.resolved) || std::holds_alternative<Constant>(m.resolved))
    return m;
  if (std::holds_alternative<Property>(m.resolved) || std::holds_alternative<TypeName>(m.resolved) ||
      classes_.known(type, e.span)->slot_index(e.name) >= 0) {
    builder_.fail(e.name_span, fmt::format("`{}` is an attribute of the objects of `{}`, not of the class",
                                           e.name, cls.dotted));
  }
  builder_.fail(e.name_span,
                fmt::format("the class `{}` has no `{}`{}", class_name(type->name), e.name,
                            did_you_mean(e.name, names_.candidates(type->name + "." + std::string(e.name)))));
}

Meaning Meanings::attribute(const syntax::Attribute& e) {
  if (auto member = member_of_refused(e)) return *std::move(member);
  Meaning base = of(*e.object);
  if (!base.def && std::holds_alternative<Namespace>(base.resolved)) {
    Meaning m;
    m.dotted = fmt::format("{}.{}", base.dotted, e.name);
    m.resolved = names_.usable(m.dotted, e.span, e.name_span, {});
    return m;
  }
  if (const auto* type = std::get_if<TypeName>(&base.resolved); !base.def && type && class_of(type->type))
    return member_of_class(base, e);
  if (const TypePtr type = base.def ? nullptr : enum_named(base.resolved)) {
    builder_.here(e.span);
    return {.def = member_of(builder_, type, e.name, e.name_span)};
  }
  if (!base.def) {
    base.def = value_of(base, e.object->span);
  } else if (!base.method.empty()) {
    builder_.fail(e.name_span, fmt::format("the method `{}` has no attributes", base.method));
  }
  builder_.here(e.span);
  return value_attribute(base.def, e);
}

// A name that is not a property is taken for a method: only the call knows the arguments that choose the row.
Meaning Meanings::value_attribute(Def* self, const syntax::Attribute& e) {
  if (self->type->kind == TypeKind::kObject) return module_attribute(self, e.name, e.name_span);
  if (self->type->named_tuple()) return {.def = field_of(builder_, self, e.name, e.name_span)};
  if (self->type->kind == TypeKind::kEnum)
    return {.def = enum_attribute(builder_, self, e.name, e.name_span)};
  if (self->type->kind == TypeKind::kOptional || self->type->kind == TypeKind::kUnion ||
      self->type->kind == TypeKind::kAny)
    builder_.fail(e.span, fmt::format("{} has no `{}`{}", self->type->str(), e.name, optional_help(self)));
  if (const auto found = property(self, e.name, e.span)) return {.def = *found};
  return {.def = self, .method = e.name};
}

std::optional<Def*> Meanings::property(Def* value, std::string_view name, Span span) {
  const auto among = [&](const auto& properties) -> Def* {
    for (const TensorProperty& p : properties) {
      if (p.name == name && !builder_.ops().overloads(p.op).empty())
        return builder_.must_operator(p.op, {value}, span);
    }
    return nullptr;
  };
  Def* found = nullptr;
  if (value->type->kind == TypeKind::kTensor) {
    if (std::find(std::begin(kFalseOfTensors), std::end(kFalseOfTensors), name) != std::end(kFalseOfTensors))
      return builder_.boolean(false);
    if (name == "mT")
      return builder_.must_operator("aten::transpose", {value, builder_.integer(-2), builder_.integer(-1)},
                                    span);
    found = among(kTensorProperties);
  } else if (value->type == Type::device()) {
    found = among(kDeviceProperties);
  }
  return found ? std::optional(found) : std::nullopt;
}

Meaning Meanings::module_attribute(Def* object, std::string_view name, Span span) {
  const auto type = classes_.known(object->type, span);
  Meaning m;
  if (const int slot = type->slot_index(name); slot >= 0) {
    m.def =
        builder_.get_attr(object, std::string(name), held_type(type->slots[static_cast<size_t>(slot)].type));
    return m;
  }
  const auto& methods = type->methods();
  if (std::any_of(methods.begin(), methods.end(), [&](const auto& method) { return method.name == name; })) {
    m.def = object;
    m.method = name;
    m.resolved = FunctionRef{fmt::format("{}.{}", type->name, name), nullptr};
    return m;
  }
  m.resolved = names_.method(*type, name);
  if (const auto* property = std::get_if<Property>(&m.resolved)) {
    m.def = classes_.read(object, *property, name, span);
    m.resolved = {};
    return m;
  }
  if (const auto* function = std::get_if<FunctionRef>(&m.resolved)) {
    // Any other function is a static method, or one kept in an attribute: it takes no self.
    if (function->qualified_name == fmt::format("{}.{}", type->name, name)) {
      m.def = object;
      m.method = name;
    } else {
      m.dotted = std::string(name);
    }
    return m;
  }
  if (std::holds_alternative<Constant>(m.resolved)) return m;
  if (std::holds_alternative<Overloads>(m.resolved)) {
    m.def = object;
    m.method = name;
    return m;
  }
  if (std::holds_alternative<Operator>(m.resolved) || std::holds_alternative<Builtin>(m.resolved)) {
    m.dotted = std::string(name);
    return m;
  }
  if (const auto* refused = std::get_if<Refused>(&m.resolved)) builder_.fail(span, refused->why);
  std::vector<std::string> names;
  for (const auto& slot : type->slots) names.push_back(slot.name);
  for (const auto& method : methods) names.push_back(method.name);
  for (std::string& c : names_.candidates(fmt::format("{}.{}", type->name, name)))
    names.push_back(std::move(c));
  const std::string_view help = std::holds_alternative<TypeName>(m.resolved)
                                    ? "; it is declared, but `__init__` has not assigned to it here"
                                    : "";
  builder_.fail(span, fmt::format("`{}` has no attribute or method `{}`{}", type->name, name,
                                  help.empty() ? did_you_mean(name, names) : help));
}

TypePtr Meanings::enum_class(const syntax::Expr& e) const {
  const std::string name = scopes_.free_name(e);
  return name.empty() ? nullptr : enum_named(names_.resolve(name));
}

Def* Meanings::value_of(const Meaning& m, Span span) {
  if (m.def && m.method.empty()) return m.def;
  if (m.def) {
    // If there is no such method either, the message about the method is the better one.
    if (m.def->type->kind != TypeKind::kObject)
      require_method(builder_, m.def, m.method, span, "attribute or method");
    builder_.fail(span, fmt::format("`{0}` is a method; call it: `{0}(...)`", m.method));
  }
  if (const auto* c = std::get_if<Constant>(&m.resolved)) return constant(c->value, span);
  builder_.fail(span, fmt::format("`{}` is {}, not a value", m.dotted, std::visit(Words(), m.resolved)));
}

Def* Meanings::constant(const Value& value, Span span) {
  if (!can_be_constant(value)) {
    builder_.fail(
        span, fmt::format("a global of type {} cannot be used in a script; pass it as an argument, or make "
                          "it an attribute of the module",
                          type_of(value)->str()));
  }
  TypePtr type = type_of(value);
  builder_.here(span);
  if (value.is(Tag::kList) && (value.as_list().items.empty() || type->of[0]->kind == TypeKind::kAny)) {
    if (!value.as_list().items.empty())
      builder_.fail(span,
                    "the elements of this global list have different types; a script's lists have one type");
    return builder_.list({}, Type::tensor());
  }
  return builder_.constant(value, std::move(type));
}

bool Meanings::is_callable(const Meaning& m, Span span) const {
  if (!m.def) {
    return std::holds_alternative<FunctionRef>(m.resolved) || std::holds_alternative<Overloads>(m.resolved) ||
           std::holds_alternative<Operator>(m.resolved);
  }
  if (m.method.empty()) return false;
  if (m.def->type->kind != TypeKind::kObject)
    require_method(builder_, m.def, m.method, span, "attribute or method");
  return true;
}

std::string_view Meanings::called_method(const ObjectType& type) {
  // That of a module calls its hooks around `forward`.
  const bool calls = type.is_class() || std::holds_alternative<FunctionRef>(names_.method(type, "__call__"));
  return calls ? "__call__" : "forward";
}

Callee Meanings::callee(const Meaning& meaning, Span span) {
  Callee c;
  if (meaning.def) {
    Meaning bound = meaning;
    if (meaning.method.empty() && meaning.def->type->kind == TypeKind::kObject) {
      builder_.here(span);
      bound = module_attribute(meaning.def, called_method(*classes_.known(meaning.def->type, span)), span);
    }
    const auto* method = std::get_if<FunctionRef>(&bound.resolved);
    if (!bound.def || !method)
      builder_.fail(span, fmt::format("expected a script function, a method or a module, got {}",
                                      meaning.def->type->str()));
    c.function = *method;
    c.self = bound.def;
    c.shown = std::string(bound.method);
    if (method->qualified_name == fmt::format("{}.{}", bound.def->type->name, bound.method))
      c.method = c.shown;
    return c;
  }
  c.shown = meaning.dotted;
  if (const auto* f = std::get_if<FunctionRef>(&meaning.resolved)) {
    c.function = *f;
    return c;
  }
  if (const auto* op = std::get_if<Operator>(&meaning.resolved)) {
    c.operator_name = op->name;
    return c;
  }
  if (const auto* type = std::get_if<TypeName>(&meaning.resolved); type && class_of(type->type)) {
    c.made = classes_.known(type->type, span);
    return c;
  }
  builder_.fail(
      span,
      fmt::format("expected a script function, an operator, a method or a module; `{}` is none of these",
                  meaning.dotted));
}

}  // namespace tine::compile
