#include "tine/type.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "src/value/compare.h"
#include "src/value/schema_parser.h"
#include "src/value/unify.h"

namespace tine {
namespace {

TypePtr make(TypeKind kind, std::vector<TypePtr> of = {}, std::string name = {}) {
  return std::make_shared<const Type>(kind, std::move(of), std::move(name));
}

// A container may be nested deeply, or contain itself. Below this depth the type of a value is Any.
constexpr int kDeepestLook = 16;

uint32_t size_of(const std::vector<TypePtr>& inside) {
  uint64_t size = 1;
  for (const TypePtr& type : inside) size += type->size;
  return static_cast<uint32_t>(std::min<uint64_t>(size, std::numeric_limits<uint32_t>::max()));
}
uint32_t depth_of(const std::vector<TypePtr>& inside) {
  uint32_t depth = 0;
  for (const TypePtr& type : inside) depth = std::max(depth, type->depth + 1);
  return depth;
}
std::vector<TypePtr> types_of(const std::vector<ObjectType::Slot>& slots) {
  std::vector<TypePtr> types;
  types.reserve(slots.size());
  for (const ObjectType::Slot& slot : slots) types.push_back(slot.type);
  return types;
}

// The three forms in which types are written.
class TypePrinter {
 public:
  // `defined`: null for str() and schema_str(), which define nothing.
  TypePrinter(bool schema, TypeNames* defined) : schema_(schema), defined_(defined) {}

  std::string text(const Type& t, int list_size = 0) {
    switch (t.kind) {
      case TypeKind::kAny: return "Any";
      case TypeKind::kNone: return schema_ ? "NoneType" : "None";
      case TypeKind::kBool: return "bool";
      case TypeKind::kInt: return schema_ && !t.name.empty() ? t.name : "int";
      case TypeKind::kFloat: return "float";
      case TypeKind::kNumber: return schema_ ? "Scalar" : "number";
      case TypeKind::kStr: return schema_ && !t.name.empty() ? t.name : "str";
      case TypeKind::kTensor: return "Tensor";
      case TypeKind::kList:
        if (schema_) return text(*t.of[0]) + (list_size ? fmt::format("[{}]", list_size) : "[]");
        return "List[" + joined(t.of) + "]";
      case TypeKind::kOptional:
        return schema_ ? text(*t.of[0], list_size) + "?" : "Optional[" + joined(t.of) + "]";
      case TypeKind::kDict: return "Dict" + bracketed(t.of);
      case TypeKind::kTuple:
        if (const NamedTupleType* named = t.named_tuple()) return text_of(*named);
        if (schema_) return "(" + joined(t.of) + ")";
        return t.of.empty() ? "Tuple[()]" : "Tuple[" + joined(t.of) + "]";
      case TypeKind::kFuture: return "Future" + bracketed(t.of);
      case TypeKind::kRRef: return "RRef" + bracketed(t.of);
      case TypeKind::kUnion: return "Union[" + joined(t.of) + "]";
      case TypeKind::kEnum: return t.name.empty() ? "AnyEnumType" : text_of(static_cast<const EnumType&>(t));
      case TypeKind::kObject:
      case TypeKind::kVariable: return t.name;
      case TypeKind::kFunction: return "Function[" + t.name + "]";
    }
    return {};
  }

 private:
  std::string joined(const std::vector<TypePtr>& types) {
    std::string out;
    for (const TypePtr& t : types) {
      if (!out.empty()) out += ", ";
      out += text(*t);
    }
    return out;
  }
  std::string bracketed(const std::vector<TypePtr>& types) {
    return schema_ ? "(" + joined(types) + ")" : "[" + joined(types) + "]";
  }

  // For people without the number that tells two classes apart.
  std::string shown(const Type& type) const {
    return defined_ ? type.name : type.name.substr(0, type.name.find("___tine_"));
  }
  // Whether the type has to be defined here.
  bool is_new(const Type& type) {
    if (type.name.empty() || !defined_) return type.name.empty();
    const auto [at, fresh] = defined_->try_emplace(type.name, type.shared_from_this());
    if (!fresh && !equal(at->second, type.shared_from_this())) {
      throw ValueError(fmt::format("two types are called {}, and one text cannot name both", type.name));
    }
    return fresh;
  }
  std::string text_of(const NamedTupleType& type) {
    if (!is_new(type)) return shown(type);
    std::string out = "NamedTuple(" + type.name;
    for (size_t i = 0; i < type.fields.size(); ++i) {
      if (out.back() != '(') out += ", ";
      out += type.fields[i] + " : " + text(*type.of[i]);
    }
    return out + ")";
  }
  std::string text_of(const EnumType& type) {
    if (!is_new(type)) return shown(type);
    std::string out = fmt::format("Enum({}, {}", type.name, text(*type.of[0]));
    for (const auto& [name, value] : type.members) out += fmt::format(", {} = {}", name, value.repr());
    return out + ")";
  }

  const bool schema_;
  TypeNames* const defined_;
};

}  // namespace

Type::Type(TypeKind k, std::vector<TypePtr> elements, std::string n)
    : kind(k), of(std::move(elements)), name(std::move(n)), size(size_of(of)), depth(depth_of(of)) {}
Type::Type(TypeKind k, std::string n, const std::vector<TypePtr>& held)
    : kind(k), name(std::move(n)), size(size_of(held)), depth(depth_of(held)) {}
ObjectType::ObjectType(std::string qualified_name, std::vector<Slot> s)
    : Type(TypeKind::kObject, std::move(qualified_name), types_of(s)), slots_(std::move(s)) {}

std::string Type::str() const { return TypePrinter(false, nullptr).text(*this); }
std::string Type::schema_str(int list_size) const {
  return TypePrinter(true, nullptr).text(*this, list_size);
}
std::string Type::definition(TypeNames* defined) const {
  TypeNames own;
  return TypePrinter(false, defined ? defined : &own).text(*this);
}
std::string Type::schema_definition(TypeNames* defined, int list_size) const {
  return TypePrinter(true, defined).text(*this, list_size);
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
const TypePtr& Type::any_enum() {
  static const TypePtr& type = *new const TypePtr(
      std::make_shared<const EnumType>(std::string(), any(), std::vector<EnumType::Member>()));
  return type;
}

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

TypePtr Type::union_of(std::vector<TypePtr> given) {
  std::vector<TypePtr> members;
  bool or_none = false;
  const auto add = [&](const auto& self, const TypePtr& t) -> void {
    if (t->kind == TypeKind::kNone || t->kind == TypeKind::kOptional) or_none = true;
    if (t->kind == TypeKind::kOptional || t->kind == TypeKind::kUnion) {
      for (const TypePtr& inner : t->of) self(self, inner);
    } else if (t->kind != TypeKind::kNone) {
      // What fits another member adds nothing.
      const auto includes = [&](const TypePtr& m) { return is_subtype(t, m); };
      if (std::any_of(members.begin(), members.end(), includes)) return;
      std::erase_if(members, [&](const TypePtr& m) { return is_subtype(m, t); });
      members.push_back(t);
    }
  };
  for (const TypePtr& t : given) add(add, t);
  if (members.empty()) return Type::none();
  TypePtr type = members.size() == 1 ? members[0] : make(TypeKind::kUnion, std::move(members));
  // None is an Any already.
  return or_none && type->kind != TypeKind::kAny ? optional(std::move(type)) : type;
}

TypePtr Type::over(std::vector<TypePtr> elements) const {
  if (kind == TypeKind::kEnum) return shared_from_this();
  if (kind == TypeKind::kOptional) return optional(std::move(elements[0]));
  if (kind == TypeKind::kUnion) return union_of(std::move(elements));
  if (const NamedTupleType* named = named_tuple())
    return std::make_shared<const NamedTupleType>(name, named->fields, std::move(elements));
  return make(kind, std::move(elements), name);
}

int NamedTupleType::index_of(std::string_view field) const noexcept {
  const auto at = std::find(fields.begin(), fields.end(), field);
  return at == fields.end() ? -1 : static_cast<int>(at - fields.begin());
}

int EnumType::index_of(std::string_view member) const noexcept {
  for (size_t i = 0; i < members.size(); ++i) {
    if (members[i].first == member) return static_cast<int>(i);
  }
  return -1;
}

const std::string& Enum::name() const noexcept { return type->members[index].first; }
const Value& Enum::value() const noexcept { return type->members[index].second; }

std::string_view class_name(std::string_view name) noexcept {
  name.remove_prefix(name.rfind('.') + 1);
  return name.substr(0, name.find("___tine_"));
}

Value enum_member(std::shared_ptr<const EnumType> type, size_t index) {
  return Value(detail::make_ref<Enum>(std::move(type), index));
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

bool equal_enums(const TypePtr& a, const TypePtr& b) noexcept {
  const auto& x = static_cast<const EnumType&>(*a).members;
  const auto& y = static_cast<const EnumType&>(*b).members;
  return a->name == b->name && equal(a->of[0], b->of[0]) &&
         std::equal(x.begin(), x.end(), y.begin(), y.end(), [](const auto& m, const auto& n) {
           return m.first == n.first && equals(m.second, n.second);
         });
}

// Whether both are of one class, or neither has names.
bool same_names(const TypePtr& a, const TypePtr& b) noexcept {
  const NamedTupleType *x = a->named_tuple(), *y = b->named_tuple();
  return x && y ? x->name == y->name && x->fields == y->fields : !x && !y;
}

// The order of a Union's members means nothing.
bool same_members(const std::vector<TypePtr>& a, const std::vector<TypePtr>& b) noexcept {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const TypePtr& t) {
           return std::any_of(b.begin(), b.end(), [&](const TypePtr& u) { return equal(t, u); });
         });
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
    case TypeKind::kEnum: return equal_enums(a, b);
    case TypeKind::kUnion: return same_members(a->of, b->of);
    case TypeKind::kTuple: return same_names(a, b) && same_elements(a->of, b->of, equal);
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
    case TypeKind::kUnion: {
      const auto among = [&](const TypePtr& t) {
        return std::any_of(to->of.begin(), to->of.end(), [&](const TypePtr& m) { return is_subtype(t, m); });
      };
      if (from->kind == TypeKind::kNumber && among(Type::integer()) && among(Type::floating())) return true;
      return from->kind == TypeKind::kUnion ? std::all_of(from->of.begin(), from->of.end(), among)
                                            : among(from);
    }
    case TypeKind::kNumber:
      return from->kind == TypeKind::kNumber || from->kind == TypeKind::kInt ||
             from->kind == TypeKind::kFloat;
    case TypeKind::kTuple:
      return from->kind == TypeKind::kTuple && (!to->named_tuple() || same_names(from, to)) &&
             same_elements(from->of, to->of, is_subtype);
    case TypeKind::kEnum: return from->kind == TypeKind::kEnum && (to->name.empty() || equal(from, to));
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
      if (value.as_tuple().type) return value.as_tuple().type;
      std::vector<TypePtr> of;
      for (const Value& v : value.as_tuple().items) of.push_back(type_of(v, depth + 1));
      return Type::tuple(std::move(of));
    }
    case Tag::kObject: return value.as_object().type;
    case Tag::kFuture: return Type::future(Type::any());
    case Tag::kRRef: return Type::rref(Type::any());
    case Tag::kEnum: return value.as_enum().type;
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
    case TypeKind::kEnum:
      return value.is(Tag::kEnum) && (type->name.empty() || equal(value.as_enum().type, type));
    case TypeKind::kUnion:
      return std::any_of(type->of.begin(), type->of.end(), [&](const TypePtr& t) { return fits(value, t); });
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
      // A class is what the value says; its fields were looked at when it was made.
      if (const NamedTupleType* named = type->named_tuple(); named && !named->name.empty()) {
        const auto& own = value.as_tuple().type;
        return own && (own.get() == named || equal(own, type));
      }
      const auto& items = value.as_tuple().items;
      return std::equal(items.begin(), items.end(), type->of.begin(), type->of.end(), fits);
    }
  }
  return false;
}

Value tuple_of(std::vector<Value> items, const Type& type) {
  const NamedTupleType* const named = type.named_tuple();
  if (!named || named->name.empty()) return Value(detail::make_ref<Tuple>(std::move(items)));
  return Value(detail::make_ref<Tuple>(
      std::move(items), std::static_pointer_cast<const NamedTupleType>(type.shared_from_this())));
}

namespace {

bool has_class(const TypePtr& type) {
  const NamedTupleType* const named = type->named_tuple();
  return type->kind == TypeKind::kEnum || (named && !named->name.empty()) ||
         std::any_of(type->of.begin(), type->of.end(), has_class);
}

}  // namespace

Value with_classes(const Value& value, const TypePtr& type) {
  if (!has_class(type)) return value;
  switch (type->kind) {
    case TypeKind::kOptional: return with_classes(value, type->of[0]);
    case TypeKind::kEnum: {
      const auto& of = std::static_pointer_cast<const EnumType>(type);
      const auto is_it = [&](const EnumType::Member& m) {
        return m.second.tag() == value.tag() && equals(m.second, value);
      };
      const auto at = std::find_if(of->members.begin(), of->members.end(), is_it);
      if (value.is(Tag::kEnum) || at == of->members.end()) return value;
      return enum_member(of, static_cast<size_t>(at - of->members.begin()));
    }
    case TypeKind::kUnion:
      if (fits(value, type)) return value;
      for (const TypePtr& member : type->of) {
        if (Value made = with_classes(value, member); fits(made, member)) return made;
      }
      return value;
    case TypeKind::kTuple: {
      if (!value.is(Tag::kTuple) || value.as_tuple().type || value.as_tuple().items.size() != type->of.size())
        return value;
      std::vector<Value> items;
      for (size_t i = 0; i < type->of.size(); ++i)
        items.push_back(with_classes(value.as_tuple().items[i], type->of[i]));
      // What is marked as of a class has its fields.
      if (!std::equal(items.begin(), items.end(), type->of.begin(), fits)) return value;
      return tuple_of(std::move(items), *type);
    }
    case TypeKind::kList: {
      if (!value.is(Tag::kList)) return value;
      std::vector<Value> items;
      for (const Value& item : value.as_list().items) items.push_back(with_classes(item, type->of[0]));
      return Value(detail::make_ref<List>(std::move(items)));
    }
    case TypeKind::kDict: {
      if (!value.is(Tag::kDict)) return value;
      auto dict = detail::make_ref<Dict>();
      for (const auto& [key, item] : value.as_dict().items())
        dict->set(with_classes(key, type->of[0]), with_classes(item, type->of[1]));
      return Value(std::move(dict));
    }
    default: return value;
  }
}

TypePtr parse_type(std::string_view text, TypeNames* names) {
  TypeNames own;
  value::Parser p(text, "type", names ? names : &own);
  TypePtr type = p.type();
  p.expect_end();
  return type;
}

}  // namespace tine
