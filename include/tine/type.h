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
};

class Type;
using TypePtr = std::shared_ptr<const Type>;

class TINE_API Type {
 public:
  const TypeKind kind;
  const std::vector<TypePtr> of;  // List [T], Dict [K, V], Tuple [...], Optional [T], Future [T], RRef [T]
  const std::string name;         // variable, object and function types

  Type(TypeKind k, std::vector<TypePtr> elements = {}, std::string n = {})
      : kind(k), of(std::move(elements)), name(std::move(n)) {}
  virtual ~Type() = default;

  // As annotations say it: "List[int]", "Optional[Tensor]", "Tuple[int, str]", "Future[Tensor]",
  // a bare "number" for kNumber, the qualified class name for objects, "Function[name]" for functions.
  [[nodiscard]] std::string str() const;
  // As schemas say it: "int[]", "Tensor?", "(int, str)", "Future(Tensor)", "Scalar"; `list_size` for int[2].
  [[nodiscard]] std::string schema_str(int list_size = 0) const;

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
  static TypePtr variable(std::string name);
  static TypePtr function(std::string qualified_name);
};

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
  ObjectType(std::string qualified_name, std::vector<Slot> s)
      : Type(TypeKind::kObject, {}, std::move(qualified_name)), slots_(std::move(s)) {}
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
// T -> Optional[T], None -> Optional[T], int|float -> number, anything -> Any, element-wise in tuples.
[[nodiscard]] TINE_API bool is_subtype(const TypePtr& from, const TypePtr& to) noexcept;
// The type of a value as far as it can be told; an empty list is a List[Any].
[[nodiscard]] TINE_API TypePtr type_of(const Value& value);
// Whether the value fits the type as it is, without a conversion. Looks into containers, so it takes as long as they are.
[[nodiscard]] TINE_API bool fits(const Value& value, const TypePtr& type);
// Parses what str() prints, and PyTorch's schema forms (`int[]`, `Tensor?`, `Future(t)`, `t[]`, `Scalar`, `ScalarType`,
// `float`, `str`, `(Tensor, Tensor)`). Another name is a variable when it starts with a small letter and has no dot, and
// otherwise an ObjectType without slots, which is equal to the class of that name. Throws SyntaxError, which quotes the
// text; types may be nested 64 deep.
[[nodiscard]] TINE_API TypePtr parse_type(std::string_view text);

}  // namespace tine
