#include "src/compile/classes.h"

#include <array>
#include <string>

#include "src/compile/object_sorting.h"
#include "src/compile/session.h"

namespace tine::compile {

using ir::Def;
using syntax::BinaryOp;
using syntax::CompareOp;

namespace {

struct Method {
  std::string_view plain, reflected, in_place;
};
constexpr Method kArithmetic[] = {
    {"__add__", "__radd__", "__iadd__"},
    {"__sub__", "__rsub__", "__isub__"},
    {"__mul__", "__rmul__", "__imul__"},
    {"__truediv__", "__rtruediv__", "__itruediv__"},
    {"__floordiv__", "__rfloordiv__", "__ifloordiv__"},
    {"__mod__", "__rmod__", "__imod__"},
    {"__pow__", "__rpow__", "__ipow__"},
    {"__and__", "__rand__", "__iand__"},
    {"__or__", "__ror__", "__ior__"},
    {"__xor__", "__rxor__", "__ixor__"},
    {"__lshift__", "__rlshift__", "__ilshift__"},
    {"__rshift__", "__rrshift__", "__irshift__"},
    {"__matmul__", "__rmatmul__", "__imatmul__"},
};
static_assert(std::size(kArithmetic) == static_cast<size_t>(BinaryOp::kMatMul) + 1);
// `a < b` is `b > a`.
constexpr Method kComparisons[] = {
    {"__eq__", "__eq__", {}}, {"__ne__", "__ne__", {}}, {"__lt__", "__gt__", {}},
    {"__le__", "__ge__", {}}, {"__gt__", "__lt__", {}}, {"__ge__", "__le__", {}},
};

}  // namespace

const ObjectType* class_of(const TypePtr& type) {
  if (type->kind != TypeKind::kObject) return nullptr;
  const auto* const object = dynamic_cast<const ObjectType*>(type.get());
  return object && object->is_class() ? object : nullptr;
}

bool is_module(const Type& type) {
  const auto* const object = dynamic_cast<const ObjectType*>(&type);
  return object && !object->is_class() && !object->is_interface();
}

std::shared_ptr<const ObjectType> Classes::known(const TypePtr& object, Span span) {
  auto type = std::dynamic_pointer_cast<const ObjectType>(held_type(object));
  if (!type || !type->is_open()) return type;
  const FunctionRef* const function = init(type, span);
  if (!function || session_.compile_now(*function, builder_.at(span))) type->close();
  return type;
}

const Schema& Classes::signature(const Def* self, const FunctionRef& method, Span span) {
  const auto* const type = dynamic_cast<const ObjectType*>(self->type.get());
  if (!type || !type->is_interface()) return session_.signature(method, builder_.at(span));
  const auto [known, fresh] = of_interfaces_.try_emplace(method.qualified_name);
  Schema& schema = known->second;
  if (!fresh) return schema;
  for (const ObjectType::Method& m : type->methods()) {
    if (type->name + "." + m.name != method.qualified_name) continue;
    schema.name = method.qualified_name;
    const auto add = [&](std::string name, TypePtr parameter) {
      Argument& a = schema.args.emplace_back();
      a.name = std::move(name);
      a.type = std::move(parameter);
    };
    add("self", self->type);
    for (const auto& [name, parameter] : m.parameters) add(name, parameter);
    if (m.result->kind != TypeKind::kNone) schema.returns = {m.result};
  }
  return schema;
}

void Classes::check_interface(const TypePtr& from, const TypePtr& interface) {
  const auto type = std::dynamic_pointer_cast<const ObjectType>(held_type(from));
  const auto refuse = [&](const std::string& why) {
    throw_at(
        ErrorKind::kSyntax, builder_.span,
        as_written(fmt::format("an object of `{}` cannot be a `{}`: {}", from->name, interface->name, why)));
  };
  for (const ObjectType::Method& wanted : static_cast<const ObjectType&>(*interface).methods()) {
    const Resolved found = names_.method(*type, wanted.name);
    if (const auto* refused = std::get_if<Refused>(&found)) refuse(refused->why);
    const auto* const method = std::get_if<FunctionRef>(&found);
    if (!method || method->qualified_name != fmt::format("{}.{}", type->name, wanted.name))
      refuse(fmt::format("it has no method `{}`", wanted.name));
    const Schema& schema = session_.signature(*method, builder_.span);
    bool fits =
        schema.args.size() == wanted.parameters.size() + 1 && is_subtype(schema.result_type(), wanted.result);
    std::string parameters;
    for (size_t i = 0; i < wanted.parameters.size(); ++i) {
      const auto& [name, parameter] = wanted.parameters[i];
      fits = fits && is_subtype(parameter, schema.args[i + 1].type) && !schema.args[i + 1].keyword_only;
      parameters += fmt::format(", {}: {}", name, parameter->str());
    }
    if (!fits) {
      refuse(fmt::format("its method is `{}`, and the interface has `{}(self{}) -> {}`", schema.str(),
                         wanted.name, parameters, wanted.result->str()));
    }
  }
}

const FunctionRef* Classes::init(const TypePtr& type, Span span) {
  init_ = names_.method(static_cast<const ObjectType&>(*type), "__init__");
  if (const auto* refused = std::get_if<Refused>(&init_)) builder_.fail(span, refused->why);
  return std::get_if<FunctionRef>(&init_);
}

Def* Classes::call(Def* object, const FunctionRef& method, std::string_view shown,
                   std::vector<CallArgument> args, Span span) {
  args.insert(args.begin(), CallArgument{{}, nullptr, object, span});
  const Schema& schema = session_.signature(method, builder_.at(span));
  std::vector<Def*> inputs = arguments_.bind(schema, shown, args, span);
  builder_.here(span);
  const std::string& name = method.qualified_name;
  return builder_.call_method(name.substr(name.rfind('.') + 1), std::move(inputs), schema.result_type());
}

Def* Classes::make(const TypePtr& type, std::vector<CallArgument> args, std::string_view shown, Span span) {
  const auto made = known(type, span);
  builder_.here(span);
  Def* object = builder_.create_object(made);
  if (const FunctionRef* const function = init(made, span)) {
    call(object, *function, shown, std::move(args), span);
  } else {
    arguments_.expect(args, 0, 0, shown, span);
  }
  return object;
}

std::optional<FunctionRef> Classes::method(const Def* object, std::string_view name, Span span) const {
  const ObjectType* const type = class_of(object->type);
  if (!type) return std::nullopt;
  const Resolved found = names_.method(*type, name);
  if (const auto* refused = std::get_if<Refused>(&found)) builder_.fail(span, refused->why);
  const auto* const function = std::get_if<FunctionRef>(&found);
  return function ? std::optional(*function) : std::nullopt;
}

const Schema* Classes::signature(const Def* object, std::string_view name, Span span) {
  const auto found = method(object, name, span);
  return found ? &session_.signature(*found, builder_.at(span)) : nullptr;
}

Def* Classes::try_method(Def* object, std::string_view name, std::initializer_list<Def*> args, Span span) {
  const auto found = method(object, name, span);
  if (!found) return nullptr;
  std::vector<CallArgument> given;
  for (Def* arg : args) given.push_back({{}, nullptr, arg, span});
  return call(object, *found, name, std::move(given), span);
}

Def* Classes::try_arithmetic(BinaryOp op, Def* left, Def* right, bool in_place, Span span) {
  const Method& method = kArithmetic[static_cast<size_t>(op)];
  if (in_place) {
    if (Def* d = try_method(left, method.in_place, {right}, span)) return d;
  }
  if (Def* d = try_method(left, method.plain, {right}, span)) return d;
  return try_method(right, method.reflected, {left}, span);
}

Def* Classes::try_compare(CompareOp op, Def* left, Def* right, Span span) {
  const Method& method = kComparisons[static_cast<size_t>(op)];
  if (Def* d = try_method(left, method.plain, {right}, span)) return d;
  // A class without __ne__ has the opposite of its __eq__, before the other side is asked.
  const auto try_opposite = [&](Def* object, Def* other) -> Def* {
    const Schema* const equals = op == CompareOp::kNe ? signature(object, "__eq__", span) : nullptr;
    if (!equals || equals->result_type()->kind != TypeKind::kBool) return nullptr;
    return builder_.must_operator("aten::__not__", {try_method(object, "__eq__", {other}, span)}, span);
  };
  if (Def* d = try_opposite(left, right)) return d;
  if (Def* d = try_method(right, method.reflected, {left}, span)) return d;
  return try_opposite(right, left);
}

Def* Classes::try_sign(syntax::UnaryOp op, Def* value, Span span) {
  const std::string_view method = method_of(op);
  return method.empty() ? nullptr : try_method(value, method, {}, span);
}

std::string_view Classes::method_of(syntax::UnaryOp op) {
  switch (op) {
    case syntax::UnaryOp::kNeg: return "__neg__";
    case syntax::UnaryOp::kPos: return "__pos__";
    case syntax::UnaryOp::kInvert: return "__invert__";
    case syntax::UnaryOp::kNot: break;
  }
  return {};
}

std::string_view Classes::method_of(BinaryOp op) { return kArithmetic[static_cast<size_t>(op)].plain; }
std::string_view Classes::method_of(CompareOp op) {
  return op < CompareOp::kIs ? kComparisons[static_cast<size_t>(op)].plain : std::string_view();
}

std::string Classes::help(std::string_view method, const Def* left, const Def* right) {
  const ObjectType* type = class_of(left->type);
  if (!type) type = class_of(right->type);
  if (!type || method.empty()) return {};
  return fmt::format("; define `{}` in the class `{}`", method, type->name.substr(type->name.rfind('.') + 1));
}

Def* Classes::try_sort(Def* list, std::vector<CallArgument> args, bool in_place, Span span) {
  if (list->type->kind != TypeKind::kList || !class_of(list->type->of[0])) return nullptr;
  // The text that sorts compares by `<`, which an object on either side may define.
  const auto& type = static_cast<const ObjectType&>(*list->type->of[0]);
  const auto defines = [&](std::string_view method) {
    return !std::holds_alternative<Missing>(names_.method(type, method));
  };
  if (!defines("__lt__") && !defines("__gt__"))
    builder_.fail(span,
                  fmt::format("objects of `{}` cannot be sorted; define `__lt__` in the class", type.name));
  const FunctionRef sort = sorting_of(list->type->of[0], in_place, resolver_);
  args.insert(args.begin(), CallArgument{{}, nullptr, list, span});
  const Schema& schema = session_.signature(sort, builder_.at(span));
  std::vector<Def*> inputs = arguments_.bind(schema, in_place ? "sort" : "sorted", args, span);
  builder_.here(span);
  return builder_.call(sort.qualified_name, std::move(inputs), schema.result_type());
}

Def* Classes::read(Def* object, const Property& property, std::string_view name, Span span) {
  return call(object, property.get, name, {}, span);
}

void Classes::write(Def* object, const Property& property, std::string_view name, Def* value, Span span) {
  if (!property.set) {
    builder_.fail(span, fmt::format("the property `{0}` of `{1}` has no setter; define one: `@{0}.setter`",
                                    name, object->type->name));
  }
  call(object, *property.set, name, {CallArgument{{}, nullptr, value, span}}, span);
}

}  // namespace tine::compile
