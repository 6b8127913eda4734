// Type: what a schema, a script or a trace says of a Value before it is there.
//
//   const tine::Op* op = ops.find("aten::max.dim");
//   op->schema.args[0].type->str();     // "Tensor"
//   op->schema.result_type()->str();    // "Tuple[Tensor, Tensor]"
//   fits(tine::Value(3), tine::Type::optional(tine::Type::integer()));  // true
//
// A type is immutable and structural: two types are the same when equal() says so. `==` of two TypePtrs compares pointers,
// and only the basic types are single shared objects. Everything here may be called from any thread. An ObjectType names its methods
// and does not own them, so no type owns itself.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tine/value.h"

namespace tine {

enum class TypeKind : uint8_t {
  kAny,
  kNone,
  kBool,
  kInt,
  kFloat,
  kNumber,
  kStr,
  kTensor,
  kList,
  kDict,
  kTuple,
  kOptional,
  kFuture,
  kRRef,      // compound: `of` holds the element types
  kObject,    // an ObjectType
  kVariable,  // `t` in a schema; `name` says which
  kFunction,  // a script function as a compile-time value; `name` is its qualified name
  kEnum,      // an EnumType; without a name any of them
  kUnion,     // `of`: two or more, none of them None, Any or a Union; with None it is an Optional of a Union
};

class Type;
using TypePtr = std::shared_ptr<const Type>;
class NamedTupleType;
class EnumType;
// The named tuples and enums that a text has defined so far.
using TypeNames = std::map<std::string, TypePtr, std::less<>>;

class TINE_API Type : public std::enable_shared_from_this<Type> {
 public:
  const TypeKind kind;
  const std::vector<TypePtr> of;  // List [T], Dict [K, V], Tuple, Union [...], Optional, Future, RRef [T]
  const std::string name;         // variable, object and function types, enums, and tuples of a class
  // How many types it is, with those inside it, each as often as it stands there (at most the largest number), and how many
  // of these stand one inside another: 1 and 0 of an int. What is done with a type takes time and stack by them. Types may
  // share parts, so a short text can be a large type. A class of scripts is counted without its attributes, which come later.
  const uint32_t size;
  const uint32_t depth;

  Type(TypeKind k, std::vector<TypePtr> elements = {}, std::string n = {});
  virtual ~Type() = default;

  // As annotations say it: "List[int]", "Optional[Tensor]", "Tuple[int, str]", "Future[Tensor]",
  // a bare "number" for kNumber, the qualified class name for objects, named tuples and enums, "Function[name]" for functions.
  [[nodiscard]] std::string str() const;
  // As parse_type() reads it: str(), but a named tuple or an enum that is not among the `defined` yet is defined where it
  // stands first, `NamedTuple(app.P, x : int, y : Tensor)`, `Enum(app.Color, int, RED = 1)`. Throws ValueError if two
  // types have one name.
  [[nodiscard]] std::string definition(TypeNames* defined = nullptr) const;
  // As schemas say it: "int[]", "Tensor?", "(int, str)", "Future(Tensor)", "Scalar"; `list_size` for int[2].
  [[nodiscard]] std::string schema_str(int list_size = 0) const;
  // The same, with definitions.
  [[nodiscard]] std::string schema_definition(TypeNames* defined, int list_size = 0) const;

  static const TypePtr& any();
  static const TypePtr& none();
  static const TypePtr& boolean();
  static const TypePtr& integer();
  static const TypePtr& floating();
  static const TypePtr& number();  // int or float
  static const TypePtr& string();
  static const TypePtr& tensor();
  static const TypePtr& scalar_type();  // an int that names a DType; equal to integer()
  static const TypePtr& device();       // a str that names a device; equal to string()
  static TypePtr list(TypePtr element);
  static TypePtr dict(TypePtr key, TypePtr value);
  static TypePtr tuple(std::vector<TypePtr> elements);
  static TypePtr optional(TypePtr element);  // Optional[Optional[T]] is Optional[T]
  static TypePtr future(TypePtr element);
  static TypePtr rref(TypePtr element);
  static const TypePtr& any_enum();  // "AnyEnumType", of schemas
  static TypePtr variable(std::string name);
  static TypePtr function(std::string qualified_name);
  // The least type that all of these fit: without repetitions and what another one includes, Optional if None is among
  // them, a bare T for one. Not for an empty list.
  static TypePtr union_of(std::vector<TypePtr> members);
  // The same type over other elements: of a list, a tuple, a named tuple, ... An enum stays what it is.
  [[nodiscard]] TypePtr over(std::vector<TypePtr> elements) const;

  // This as a tuple whose elements have names; null for all else.
  [[nodiscard]] virtual const NamedTupleType* named_tuple() const noexcept { return nullptr; }

 protected:
  // Without elements; those of `held` are inside it too.
  Type(TypeKind k, std::string n, const std::vector<TypePtr>& held);
};

// A tuple whose elements have names: a class of `typing.NamedTuple` or `collections.namedtuple`. Without a name of its own it
// has no class, as the results of `x.max(dim=1)`. It fits where a plain tuple of its elements does.
class TINE_API NamedTupleType final : public Type {
 public:
  NamedTupleType(std::string qualified_name, std::vector<std::string> f, std::vector<TypePtr> types)
      : Type(TypeKind::kTuple, std::move(types), std::move(qualified_name)), fields(std::move(f)) {}
  const std::vector<std::string> fields;
  [[nodiscard]] int index_of(std::string_view field) const noexcept;  // -1 when there is none
  [[nodiscard]] const NamedTupleType* named_tuple() const noexcept override { return this; }
};

// A class of `enum.Enum` whose values are ints, floats or strs, all of one type: of[0].
class TINE_API EnumType final : public Type {
 public:
  using Member = std::pair<std::string, Value>;  // name and value
  EnumType(std::string qualified_name, TypePtr value_type, std::vector<Member> m)
      : Type(TypeKind::kEnum, {std::move(value_type)}, std::move(qualified_name)), members(std::move(m)) {}
  const std::vector<Member> members;
  [[nodiscard]] int index_of(std::string_view member) const noexcept;  // -1 when there is none
};
// The last part of a qualified name, without the number that tells apart two classes of one name.
[[nodiscard]] TINE_API std::string_view class_name(std::string_view qualified_name) noexcept;
// The member of that number.
[[nodiscard]] TINE_API Value enum_member(std::shared_ptr<const EnumType> type, size_t index);

// The class of objects that scripts hold: a scripted module's, a class of scripts, or an interface. It has named, typed slots. Methods are
// found by "<name>.<method>" in the compilation unit.
//
// The type of a module is whole from the beginning. That of a class is made open: the compiler adds a slot where `__init__`
// first assigns to an attribute, and closes the type at the end of `__init__`. Only the thread that compiles the class may use
// an open type. A slot of a class may be of that class itself (`Optional["Node"]`). It then has a reference, a type of the same
// name that does not own the class; held_type() gives the class for it.
//
// An interface has methods and no slots. Any object fits it as far as fits() can tell. The compiler lets only objects of classes
// with these methods become one; the machine finds the method of the object at hand when it is called, and compares signatures.
class TINE_API ObjectType final : public Type {
 public:
  struct Slot {
    std::string name;
    TypePtr type;
  };
  // Of a module.
  ObjectType(std::string qualified_name, std::vector<Slot> s);
  [[nodiscard]] static std::shared_ptr<const ObjectType> open_class(std::string qualified_name);
  struct Method {
    std::string name;
    std::vector<std::pair<std::string, TypePtr>> parameters;  // without self
    TypePtr result;
  };
  [[nodiscard]] static std::shared_ptr<const ObjectType> interface(std::string qualified_name,
                                                                   std::vector<Method> methods);

  const std::vector<Slot>& slots = slots_;
  [[nodiscard]] int slot_index(std::string_view slot) const noexcept;  // -1 when there is none

  [[nodiscard]] bool is_class() const noexcept { return class_; }
  [[nodiscard]] bool is_interface() const noexcept { return interface_; }
  [[nodiscard]] const std::vector<Method>& methods() const noexcept { return methods_; }  // of an interface
  [[nodiscard]] bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }
  void add_slot(std::string slot, const TypePtr& type) const;
  void close() const noexcept { open_.store(false, std::memory_order_release); }
  // The class that this is a reference to, or null: if it is none, or if the class is gone.
  [[nodiscard]] std::shared_ptr<const ObjectType> referred() const noexcept { return referred_.lock(); }

 private:
  mutable std::vector<Slot> slots_;
  std::vector<Method> methods_;
  bool class_ = false;
  bool interface_ = false;
  mutable std::atomic<bool> open_ = false;
  std::weak_ptr<const ObjectType> referred_;
};

// The type with classes in place of the references to them: what a value from a slot of that type is.
[[nodiscard]] TINE_API TypePtr held_type(const TypePtr& type);
[[nodiscard]] TINE_API bool equal(const TypePtr& a, const TypePtr& b) noexcept;
// A value of type `from` may stand where `to` is asked for, without conversion: equal types,
// T -> Optional[T], None -> Optional[T], T -> Union[T, ...], int|float -> number, anything -> Any, element-wise in tuples, a
// named tuple -> the tuple of its elements.
[[nodiscard]] TINE_API bool is_subtype(const TypePtr& from, const TypePtr& to) noexcept;
// The type of a value as far as it can be told; an empty list is a List[Any].
[[nodiscard]] TINE_API TypePtr type_of(const Value& value);
// Whether the value fits the type as it is, without a conversion. Looks into containers, so it takes as long as they are.
[[nodiscard]] TINE_API bool fits(const Value& value, const TypePtr& type);
// Parses what str() prints, and PyTorch's schema forms (`int[]`, `Tensor?`, `Future(t)`, `t[]`, `Scalar`, `ScalarType`,
// `float`, `str`, `(Tensor, Tensor)`). Another name is a variable when it starts with a small letter and has no dot, and
// otherwise an ObjectType without slots, which is equal to the class of that name. What definition() defines is added to
// `names`, in which other names are looked for first. Throws SyntaxError, which quotes the text. Types may be nested 64 deep, also
// by the names of classes, and one may have a size of 4096, however many of the types in it have names.
[[nodiscard]] TINE_API TypePtr parse_type(std::string_view text, TypeNames* names = nullptr);
// A tuple of that type: of its class, if it has one.
[[nodiscard]] TINE_API Value tuple_of(std::vector<Value> items, const Type& type);
// The value, with plain tuples of the class that the type says, and the value of an enum's member as that member; for what
// comes from where there are no classes.
[[nodiscard]] TINE_API Value with_classes(const Value& value, const TypePtr& type);

}  // namespace tine
