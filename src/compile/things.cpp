#include <algorithm>

#include "src/compile/function_compiler.h"
#include "src/compile/suggest.h"

namespace tine::compile {

using ir::Def;

FunctionCompiler::Thing FunctionCompiler::thing(const syntax::Expr& e) {
  Thing t;
  if (const auto* name = syntax::is<syntax::Name>(e)) {
    t.def = variable(*name);
    if (t.def) return t;
    t.dotted = std::string(name->id);
    t.resolved = resolve_name(resolver_, t.dotted);
    if (std::holds_alternative<Missing>(t.resolved)) undefined(t.dotted, e.span);
    if (const auto* refused = std::get_if<Refused>(&t.resolved)) fail(e.span, refused->why);
    return t;
  }
  if (const auto* a = syntax::is<syntax::Attribute>(e)) {
    const Session::Level level(session_, source_, e.span);
    return attribute(*a);
  }
  t.def = expression(e);
  return t;
}

// `M.helper` of a class that a script cannot use: its static methods and constants are the class's all the same.
std::optional<FunctionCompiler::Thing> FunctionCompiler::member_of_refused(const syntax::Attribute& e) {
  const std::string owner = dotted_name(*e.object);
  if (owner.empty() || !resolver_ || find(owner.substr(0, owner.find('.')))) return std::nullopt;
  if (!std::holds_alternative<Refused>(resolve_name(resolver_, owner))) return std::nullopt;
  Thing t;
  t.dotted = fmt::format("{}.{}", owner, e.name);
  t.resolved = resolve_name(resolver_, t.dotted);
  if (std::holds_alternative<Missing>(t.resolved)) return std::nullopt;
  if (const auto* refused = std::get_if<Refused>(&t.resolved)) fail(e.span, refused->why);
  return t;
}

FunctionCompiler::Thing FunctionCompiler::attribute(const syntax::Attribute& e) {
  if (auto member = member_of_refused(e)) return *std::move(member);
  Thing base = thing(*e.object);
  if (!base.def) {
    if (std::holds_alternative<Namespace>(base.resolved)) {
      Thing t;
      t.dotted = fmt::format("{}.{}", base.dotted, e.name);
      t.resolved = resolve_name(resolver_, t.dotted);
      if (std::holds_alternative<Missing>(t.resolved)) undefined(t.dotted, e.name_span);
      if (const auto* refused = std::get_if<Refused>(&t.resolved)) fail(e.span, refused->why);
      return t;
    }
    base.def = value_of(base, e.object->span);
  } else if (!base.method.empty()) {
    fail(e.name_span, fmt::format("the method `{}` has no attributes", base.method));
  }
  here(e.span);
  Def* self = base.def;
  Thing t;
  switch (self->type->kind) {
    case TypeKind::kObject: return module_attribute(self, e.name, e.name_span);
    case TypeKind::kTensor: {
      struct Property {
        std::string_view name, op;
      };
      constexpr Property kProperties[] = {{"shape", "aten::size"},  {"ndim", "aten::dim"},
                                          {"dtype", "prim::dtype"}, {"device", "prim::device"},
                                          {"T", "aten::numpy_T"},   {"requires_grad", "aten::requires_grad"}};
      for (const Property& p : kProperties) {
        if (p.name == e.name && !session_.ops.overloads(p.op).empty()) {
          t.def = must_operator(p.op, {self}, e.span);
          return t;
        }
      }
      break;
    }
    case TypeKind::kOptional:
      fail(e.span, fmt::format("{} has no `{}`{}", self->type->str(), e.name, optional_help(self)));
    default: break;
  }
  t.def = self;
  t.method = e.name;
  return t;
}

FunctionCompiler::Thing FunctionCompiler::module_attribute(Def* object, std::string_view name, Span span) {
  const auto type = std::static_pointer_cast<const ObjectType>(object->type);
  Thing t;
  if (const int slot = type->slot_index(name); slot >= 0) {
    t.def = builder_.get_attr(object, std::string(name), type->slots[static_cast<size_t>(slot)].type);
    return t;
  }
  if (resolver_) t.resolved = resolver_->method(*type, name);
  if (const auto* function = std::get_if<FunctionRef>(&t.resolved)) {
    if (function->qualified_name == fmt::format("{}.{}", type->name, name)) {
      t.def = object;
      t.method = name;
      return t;
    }
    // A static method, or a function kept in an attribute: it takes no self.
    t.dotted = std::string(name);
    return t;
  }
  if (std::holds_alternative<Constant>(t.resolved)) return t;
  if (std::holds_alternative<Operator>(t.resolved) || std::holds_alternative<Builtin>(t.resolved)) {
    t.dotted = std::string(name);
    return t;
  }
  if (const auto* refused = std::get_if<Refused>(&t.resolved)) fail(span, refused->why);
  std::vector<std::string> names;
  for (const auto& slot : type->slots) names.push_back(slot.name);
  if (resolver_) {
    for (std::string& c : resolver_->candidates(fmt::format("{}.{}", type->name, name)))
      names.push_back(std::move(c));
  }
  fail(span,
       fmt::format("`{}` has no attribute or method `{}`{}", type->name, name, did_you_mean(name, names)));
}

Def* FunctionCompiler::value_of(const Thing& t, Span span) {
  if (t.def) {
    if (!t.method.empty()) {
      if (t.def->type->kind != TypeKind::kObject)
        require_method(t.def, t.method, span, "attribute or method");
      fail(span, fmt::format("`{0}` is a method; call it: `{0}(...)`", t.method));
    }
    return t.def;
  }
  const auto is_no_value = [&](std::string_view what) {
    fail(span, fmt::format("`{}` is {}, not a value", t.dotted, what));
  };
  if (const auto* c = std::get_if<Constant>(&t.resolved)) return constant(c->value, span);
  if (std::holds_alternative<Namespace>(t.resolved)) is_no_value("a module of names");
  if (std::holds_alternative<Operator>(t.resolved)) is_no_value("an operator");
  if (std::holds_alternative<FunctionRef>(t.resolved))
    is_no_value("a function (only fork and the calls of rpc take functions)");
  if (std::holds_alternative<Builtin>(t.resolved)) is_no_value("a function of the language");
  if (std::holds_alternative<ExceptionName>(t.resolved)) is_no_value("an exception class");
  is_no_value("a type");
  return nullptr;
}

Def* FunctionCompiler::constant(const Value& value, Span span) {
  const auto supported = [](const auto& self, const Value& v) -> bool {
    switch (v.tag()) {
      case Tag::kNone:
      case Tag::kBool:
      case Tag::kInt:
      case Tag::kFloat:
      case Tag::kTensor:
      case Tag::kString: return true;
      case Tag::kList:
        return std::all_of(v.as_list().items.begin(), v.as_list().items.end(),
                           [&](const Value& i) { return self(self, i); });
      case Tag::kTuple:
        return std::all_of(v.as_tuple().items.begin(), v.as_tuple().items.end(),
                           [&](const Value& i) { return self(self, i); });
      default: return false;
    }
  };
  if (!supported(supported, value)) {
    fail(span, fmt::format("a global of type {} cannot be used in a script; pass it as an argument, or make "
                           "it an attribute of the module",
                           type_of(value)->str()));
  }
  TypePtr type = type_of(value);
  here(span);
  if (value.is(Tag::kList) && (value.as_list().items.empty() || type->of[0]->kind == TypeKind::kAny)) {
    if (!value.as_list().items.empty())
      fail(span, "the elements of this global list have different types; a script's lists have one type");
    return builder_.list({}, Type::tensor());
  }
  return builder_.constant(value, std::move(type));
}

}  // namespace tine::compile
