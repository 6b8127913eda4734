#include "tine/type.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/value/schema_parser.h"
#include "src/value/unify.h"

namespace tine {
namespace {

TypePtr make(TypeKind kind, std::vector<TypePtr> of = {}, std::string name = {}) {
  return std::make_shared<const Type>(kind, std::move(of), std::move(name));
}

std::string joined(const std::vector<TypePtr>& types, bool schema) {
  std::string out;
  for (const TypePtr& t : types) {
    if (!out.empty()) out += ", ";
    out += schema ? t->schema_str() : t->str();
  }
  return out;
}

// The type with each of its elements mapped; the same one when none changes.
template <class F>
TypePtr with_elements(const TypePtr& type, F&& map) {
  std::vector<TypePtr> of;
  bool same = true;
  for (const TypePtr& inner : type->of) {
    of.push_back(map(inner));
    same = same && of.back() == inner;
  }
  return same ? type : std::make_shared<const Type>(type->kind, std::move(of), type->name);
}

// A container may be nested deeply, or contain itself. Below this depth the type of a value is Any.
constexpr int kDeepestLook = 16;

}  // namespace

std::string Type::str() const {
  switch (kind) {
    case TypeKind::kAny: return "Any";
    case TypeKind::kNone: return "None";
    case TypeKind::kBool: return "bool";
    case TypeKind::kInt: return "int";
    case TypeKind::kFloat: return "float";
    case TypeKind::kNumber: return "number";
    case TypeKind::kStr: return "str";
    case TypeKind::kTensor: return "Tensor";
    case TypeKind::kList: return "List[" + of[0]->str() + "]";
    case TypeKind::kDict: return "Dict[" + joined(of, false) + "]";
    case TypeKind::kTuple: return of.empty() ? "Tuple[()]" : "Tuple[" + joined(of, false) + "]";
    case TypeKind::kOptional: return "Optional[" + of[0]->str() + "]";
    case TypeKind::kFuture: return "Future[" + of[0]->str() + "]";
    case TypeKind::kRRef: return "RRef[" + of[0]->str() + "]";
    case TypeKind::kObject:
    case TypeKind::kVariable: return name;
    case TypeKind::kFunction: return "Function[" + name + "]";
  }
  return {};
}

std::string Type::schema_str(int list_size) const {
  switch (kind) {
    case TypeKind::kNumber: return "Scalar";
    case TypeKind::kNone: return "NoneType";
    case TypeKind::kInt:
    case TypeKind::kStr: return name.empty() ? str() : name;
    case TypeKind::kList: return of[0]->schema_str() + (list_size ? fmt::format("[{}]", list_size) : "[]");
    case TypeKind::kOptional: return of[0]->schema_str(list_size) + "?";
    case TypeKind::kDict: return "Dict(" + joined(of, true) + ")";
    case TypeKind::kTuple: return "(" + joined(of, true) + ")";
    case TypeKind::kFuture: return "Future(" + of[0]->schema_str() + ")";
    case TypeKind::kRRef: return "RRef(" + of[0]->schema_str() + ")";
    default: return str();
  }
}

// Never destroyed: tables that outlive main() hold them.
#define TINE_BASIC_TYPE(function, ...)                                  \
  const TypePtr& Type::function() {                                     \
    static const TypePtr& type = *new const TypePtr(make(__VA_ARGS__)); \
    return type;                                                        \
  }
TINE_BASIC_TYPE(any, TypeKind::kAny)
TINE_BASIC_TYPE(none, TypeKind::kNone)
TINE_BASIC_TYPE(boolean, TypeKind::kBool)
TINE_BASIC_TYPE(integer, TypeKind::kInt)
TINE_BASIC_TYPE(floating, TypeKind::kFloat)
TINE_BASIC_TYPE(number, TypeKind::kNumber)
TINE_BASIC_TYPE(string, TypeKind::kStr)
TINE_BASIC_TYPE(tensor, TypeKind::kTensor)
TINE_BASIC_TYPE(scalar_type, TypeKind::kInt, {}, "ScalarType")
TINE_BASIC_TYPE(device, TypeKind::kStr, {}, "Device")
#undef TINE_BASIC_TYPE

TypePtr Type::list(TypePtr element) { return make(TypeKind::kList, {std::move(element)}); }
TypePtr Type::dict(TypePtr key, TypePtr value) {
  return make(TypeKind::kDict, {std::move(key), std::move(value)});
}
TypePtr Type::tuple(std::vector<TypePtr> elements) { return make(TypeKind::kTuple, std::move(elements)); }
TypePtr Type::optional(TypePtr element) {
  return element->kind == TypeKind::kOptional ? element : make(TypeKind::kOptional, {std::move(element)});
}
TypePtr Type::future(TypePtr element) { return make(TypeKind::kFuture, {std::move(element)}); }
TypePtr Type::rref(TypePtr element) { return make(TypeKind::kRRef, {std::move(element)}); }
TypePtr Type::variable(std::string n) { return make(TypeKind::kVariable, {}, std::move(n)); }
TypePtr Type::function(std::string n) { return make(TypeKind::kFunction, {}, std::move(n)); }

std::shared_ptr<const ObjectType> ObjectType::open_class(std::string qualified_name) {
  auto made = std::make_shared<ObjectType>(std::move(qualified_name), std::vector<Slot>());
  made->class_ = true;
  made->open_.store(true, std::memory_order_relaxed);
  return made;
}

std::shared_ptr<const ObjectType> ObjectType::interface(std::string qualified_name,
                                                        std::vector<Method> methods) {
  auto made = std::make_shared<ObjectType>(std::move(qualified_name), std::vector<Slot>());
  made->methods_ = std::move(methods);
  made->interface_ = true;
  return made;
}

void ObjectType::add_slot(std::string slot, const TypePtr& type) const {
  const auto without_owner = [](const auto& self, const TypePtr& t) -> TypePtr {
    if (t->kind == TypeKind::kObject) {
      auto object = std::dynamic_pointer_cast<const ObjectType>(t);
      // One that is closed already cannot refer to this one.
      if (!object || !object->is_open()) return t;
      auto reference = std::make_shared<ObjectType>(t->name, std::vector<Slot>());
      reference->class_ = true;
      reference->referred_ = object;
      return reference;
    }
    return with_elements(t, [&](const TypePtr& inner) { return self(self, inner); });
  };
  slots_.push_back({std::move(slot), without_owner(without_owner, type)});
}

TypePtr held_type(const TypePtr& type) {
  if (type->kind == TypeKind::kObject) {
    const auto* const object = dynamic_cast<const ObjectType*>(type.get());
    TypePtr owner = object ? object->referred() : nullptr;
    return owner ? owner : type;
  }
  return with_elements(type, held_type);
}

int ObjectType::slot_index(std::string_view slot) const noexcept {
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].name == slot) return static_cast<int>(i);
  }
  return -1;
}

namespace {

const ObjectType* as_object_type(const TypePtr& t) noexcept {
  return dynamic_cast<const ObjectType*>(t.get());
}

bool equal_objects(const TypePtr& a, const TypePtr& b) noexcept {
  if (a->name != b->name) return false;
  const ObjectType *x = as_object_type(a), *y = as_object_type(b);
  // A type read from text knows its name only.
  if (!x || !y || x->slots.empty() || y->slots.empty()) return true;
  return std::equal(x->slots.begin(), x->slots.end(), y->slots.begin(), y->slots.end(),
                    [](const auto& s, const auto& t) { return s.name == t.name && equal(s.type, t.type); });
}

bool same_elements(const std::vector<TypePtr>& a, const std::vector<TypePtr>& b,
                   bool (*related)(const TypePtr&, const TypePtr&) noexcept) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), related);
}

}  // namespace

bool equal(const TypePtr& a, const TypePtr& b) noexcept {
  if (a == b) return true;
  if (!a || !b || a->kind != b->kind) return false;
  switch (a->kind) {
    case TypeKind::kVariable:
    case TypeKind::kFunction: return a->name == b->name;
    case TypeKind::kObject: return equal_objects(a, b);
    default: return same_elements(a->of, b->of, equal);
  }
}

bool is_subtype(const TypePtr& from, const TypePtr& to) noexcept {
  if (from == to) return true;
  if (!from || !to) return false;
  switch (to->kind) {
    case TypeKind::kAny: return true;
    case TypeKind::kOptional:
      return from->kind == TypeKind::kNone || is_subtype(from, to->of[0]) ||
             (from->kind == TypeKind::kOptional && is_subtype(from->of[0], to));
    case TypeKind::kNumber:
      return from->kind == TypeKind::kNumber || from->kind == TypeKind::kInt ||
             from->kind == TypeKind::kFloat;
    case TypeKind::kTuple:
      return from->kind == TypeKind::kTuple && same_elements(from->of, to->of, is_subtype);
    // The value of a Future or RRef is only read, so these are covariant.
    case TypeKind::kFuture:
    case TypeKind::kRRef: return from->kind == to->kind && is_subtype(from->of[0], to->of[0]);
    // Lists and dicts can be written to, so their element types must be equal.
    default: return equal(from, to);
  }
}

namespace {

TypePtr type_of(const Value& value, int depth);

TypePtr common_type(const std::vector<Value>& items, int depth) {
  TypePtr common;
  for (const Value& v : items) {
    TypePtr t = type_of(v, depth);
    common = common ? unify(common, t) : std::move(t);
    if (!common) return Type::any();
  }
  return common ? common : Type::any();
}

TypePtr type_of(const Value& value, int depth) {
  if (depth > kDeepestLook) return Type::any();
  switch (value.tag()) {
    case Tag::kNone: return Type::none();
    case Tag::kBool: return Type::boolean();
    case Tag::kInt: return Type::integer();
    case Tag::kFloat: return Type::floating();
    case Tag::kTensor: return Type::tensor();
    case Tag::kString: return Type::string();
    case Tag::kList: return Type::list(common_type(value.as_list().items, depth + 1));
    case Tag::kDict: {
      std::vector<Value> keys, values;
      for (const auto& [k, v] : value.as_dict().items()) {
        keys.push_back(k);
        values.push_back(v);
      }
      return Type::dict(common_type(keys, depth + 1), common_type(values, depth + 1));
    }
    case Tag::kTuple: {
      std::vector<TypePtr> of;
      for (const Value& v : value.as_tuple().items) of.push_back(type_of(v, depth + 1));
      return Type::tuple(std::move(of));
    }
    case Tag::kObject: return value.as_object().type;
    case Tag::kFuture: return Type::future(Type::any());
    case Tag::kRRef: return Type::rref(Type::any());
    case Tag::kForeign: return Type::any();
  }
  return Type::any();
}

}  // namespace

TypePtr type_of(const Value& value) { return type_of(value, 0); }

bool fits(const Value& value, const TypePtr& type) {
  switch (type->kind) {
    case TypeKind::kAny:
    case TypeKind::kVariable: return true;
    case TypeKind::kNone: return value.is_none();
    case TypeKind::kBool: return value.is_bool();
    case TypeKind::kInt: return value.is_int();
    case TypeKind::kFloat: return value.is_float();
    case TypeKind::kNumber: return value.is_int() || value.is_float();
    case TypeKind::kStr: return value.is_string();
    case TypeKind::kTensor: return value.is_tensor();
    case TypeKind::kFuture: return value.is_future();
    case TypeKind::kRRef: return value.is(Tag::kRRef);
    case TypeKind::kFunction: return false;
    case TypeKind::kOptional: return value.is_none() || fits(value, type->of[0]);
    case TypeKind::kObject: {
      if (!value.is(Tag::kObject)) return false;
      const ObjectType* const object = as_object_type(type);
      return (object && object->is_interface()) || equal(value.as_object().type, type);
    }
    case TypeKind::kList: {
      if (!value.is(Tag::kList)) return false;
      const auto& items = value.as_list().items;
      return std::all_of(items.begin(), items.end(), [&](const Value& v) { return fits(v, type->of[0]); });
    }
    case TypeKind::kDict: {
      if (!value.is(Tag::kDict)) return false;
      const auto& items = value.as_dict().items();
      return std::all_of(items.begin(), items.end(), [&](const Dict::Entry& e) {
        return fits(e.first, type->of[0]) && fits(e.second, type->of[1]);
      });
    }
    case TypeKind::kTuple: {
      if (!value.is(Tag::kTuple)) return false;
      const auto& items = value.as_tuple().items;
      return std::equal(items.begin(), items.end(), type->of.begin(), type->of.end(), fits);
    }
  }
  return false;
}

TypePtr parse_type(std::string_view text) {
  value::Parser p(text, "type");
  TypePtr type = p.type();
  p.expect_end();
  return type;
}

}  // namespace tine
