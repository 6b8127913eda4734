// Value: the one dynamic type that scripts, Python, operators and RPC exchange.
//
//   Value v(detail::make_ref<List>(std::vector<Value>{1, 2.5, "three"}));
//   if (v.is(Tag::kList)) use(v.as_list().items[0].to_int());
//
// A Value is a tag and eight bytes: a number, or a counted reference to an object. Copying a number copies 16 bytes; copying an
// object adds one to its count. Different Values may be used by different threads; one Value is as safe as an int. Lists, dicts
// and objects are shared by reference and not locked: tasks that share one must order their accesses.
//
// as_...() does not check the tag. to_...() does, and throws TypeError naming what it found. A foreign Value (an object of
// Python, say) may be copied and dropped on any thread. No Value is destroyed while tine holds a lock, so a destructor may call
// tine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tine/detail/block.h"
#include "tine/detail/export.h"
#include "tine/detail/ref.h"
#include "tine/error.h"
#include "tine/tensor.h"

namespace tine {

template <class T>
class Future;
class Value;

namespace detail {
template <class T>
class State;
}

enum class Tag : uint32_t {
  kNone,
  kBool,
  kInt,
  kFloat,
  // From here on the payload is a reference to a counted object.
  kTensor,
  kString,
  kList,
  kDict,
  kTuple,
  kObject,
  kFuture,
  kRRef,
  kEnum,
  kForeign,
};
TINE_API std::string_view name_of(Tag tag) noexcept;  // "NoneType", "int", "Tensor", "list", ...

struct TINE_API String final : detail::RefCounted {
  explicit String(std::string t) : text(std::move(t)) {}
  const std::string text;
};
struct List;
struct Dict;
struct Tuple;
struct Object;
struct Enum;

// A reference to a value on another worker: rpc.h.
class TINE_API RRefObject : public detail::RefCounted {
 public:
  [[nodiscard]] virtual std::string repr() const = 0;
};

// An object that only another language understands. Its destructor runs on any thread, also on one that does not hold that
// language's lock.
class TINE_API Foreign : public detail::RefCounted {
 public:
  [[nodiscard]] virtual std::string type_name() const = 0;
  [[nodiscard]] virtual std::string repr() const = 0;
};

class TINE_API Value {
 public:
  Value() noexcept = default;
  Value(bool v) noexcept : tag_(Tag::kBool) { payload_.i = v; }
  Value(int v) noexcept : tag_(Tag::kInt) { payload_.i = v; }
  Value(int64_t v) noexcept : tag_(Tag::kInt) { payload_.i = v; }
  Value(double v) noexcept : tag_(Tag::kFloat) { payload_.d = v; }
  Value(Tensor v) noexcept;
  Value(std::string v);
  Value(std::string_view v) : Value(std::string(v)) {}
  Value(const char* v) : Value(std::string(v)) {}
  template <class T>
  Value(T*) = delete;  // a pointer would become a bool
  Value(detail::Ref<String> v) noexcept : Value(Tag::kString, v.leak()) {}
  Value(detail::Ref<List> v) noexcept;
  Value(detail::Ref<Dict> v) noexcept;
  Value(detail::Ref<Tuple> v) noexcept;
  Value(detail::Ref<Object> v) noexcept;
  Value(detail::Ref<Enum> v) noexcept;
  Value(Future<Value> v) noexcept;
  Value(detail::Ref<RRefObject> v) noexcept : Value(Tag::kRRef, v.leak()) {}
  Value(detail::Ref<Foreign> v) noexcept : Value(Tag::kForeign, v.leak()) {}

  Value(const Value& o) noexcept : tag_(o.tag_), payload_(o.payload_) {
    if (counted()) counted_object()->retain();
  }
  Value(Value&& o) noexcept : tag_(std::exchange(o.tag_, Tag::kNone)), payload_(o.payload_) {}
  Value& operator=(const Value& o) noexcept {
    Value copy(o);
    swap(copy);
    return *this;
  }
  Value& operator=(Value&& o) noexcept {
    Value moved(std::move(o));
    swap(moved);
    return *this;
  }
  ~Value() {
    if (counted()) counted_object()->release();
  }
  void swap(Value& o) noexcept {
    std::swap(tag_, o.tag_);
    std::swap(payload_, o.payload_);
  }

  [[nodiscard]] Tag tag() const noexcept { return tag_; }
  [[nodiscard]] bool is(Tag t) const noexcept { return tag_ == t; }
  [[nodiscard]] bool is_none() const noexcept { return tag_ == Tag::kNone; }
  [[nodiscard]] bool is_bool() const noexcept { return tag_ == Tag::kBool; }
  [[nodiscard]] bool is_int() const noexcept { return tag_ == Tag::kInt; }
  [[nodiscard]] bool is_float() const noexcept { return tag_ == Tag::kFloat; }
  [[nodiscard]] bool is_tensor() const noexcept { return tag_ == Tag::kTensor; }
  [[nodiscard]] bool is_string() const noexcept { return tag_ == Tag::kString; }
  [[nodiscard]] bool is_future() const noexcept { return tag_ == Tag::kFuture; }

  // Not checked: only for a Value of that tag. References stay valid while this Value, or another owner, keeps the object.
  [[nodiscard]] bool as_bool() const noexcept { return payload_.i != 0; }
  [[nodiscard]] int64_t as_int() const noexcept { return payload_.i; }
  [[nodiscard]] double as_float() const noexcept { return payload_.d; }
  [[nodiscard]] const Tensor& as_tensor() const noexcept;
  [[nodiscard]] const std::string& as_string() const noexcept {
    return static_cast<String*>(counted_object())->text;
  }
  [[nodiscard]] List& as_list() const noexcept;
  [[nodiscard]] Dict& as_dict() const noexcept;
  [[nodiscard]] Tuple& as_tuple() const noexcept;
  [[nodiscard]] Object& as_object() const noexcept;
  [[nodiscard]] Enum& as_enum() const noexcept;
  [[nodiscard]] RRefObject& as_rref() const noexcept { return *static_cast<RRefObject*>(counted_object()); }
  [[nodiscard]] Foreign& as_foreign() const noexcept { return *static_cast<Foreign*>(counted_object()); }
  [[nodiscard]] detail::State<Value>* as_future_state() const noexcept;  // not a new reference
  [[nodiscard]] detail::RefCounted* as_counted() const noexcept { return counted_object(); }

  // Checked: TypeError for another tag. to_float also takes an int; to_int and to_float also take a bool.
  [[nodiscard]] bool to_bool() const;
  [[nodiscard]] int64_t to_int() const;
  [[nodiscard]] double to_float() const;
  [[nodiscard]] const Tensor& to_tensor() const;
  [[nodiscard]] const std::string& to_string() const;
  [[nodiscard]] List& to_list() const;
  [[nodiscard]] Dict& to_dict() const;
  [[nodiscard]] Tuple& to_tuple() const;
  [[nodiscard]] Object& to_object() const;
  [[nodiscard]] Future<Value> to_future() const;

  // As Python's repr shows it; tensors as PyTorch prints them.
  [[nodiscard]] std::string repr() const;

 private:
  Value(Tag t, detail::RefCounted* p) noexcept : tag_(p ? t : Tag::kNone) {
    std::memcpy(static_cast<void*>(&payload_), &p, sizeof p);
  }
  [[nodiscard]] bool counted() const noexcept { return tag_ >= Tag::kTensor; }

  // A pointer goes in and out as bytes, because as_tensor() looks at the same bytes as a Tensor.
  [[nodiscard]] detail::RefCounted* counted_object() const noexcept {
    detail::RefCounted* p;
    std::memcpy(&p, static_cast<const void*>(&payload_), sizeof p);
    return p;
  }

  Tag tag_ = Tag::kNone;
  union Payload {
    Payload() noexcept : i(0) {}
    Payload(const Payload& o) noexcept { std::memcpy(static_cast<void*>(this), &o, sizeof *this); }
    Payload& operator=(const Payload& o) noexcept {
      std::memcpy(static_cast<void*>(this), &o, sizeof *this);
      return *this;
    }
    ~Payload() {}
    int64_t i;
    double d;
    Tensor tensor;
  } payload_;
};
static_assert(sizeof(Value) == 16);

struct TINE_API List final : detail::RefCounted {
  List() = default;
  explicit List(std::vector<Value> v) : items(std::move(v)) {}
  std::vector<Value> items;
};
class NamedTupleType;  // tine/type.h
// `type` is that of a named tuple of a class; null for all others.
struct TINE_API Tuple final : detail::RefCounted {
  explicit Tuple(std::vector<Value> v, std::shared_ptr<const NamedTupleType> t = nullptr)
      : Tuple(
            v.size(), [&v](size_t i) noexcept { return std::move(v[i]); }, std::move(t)) {}
  // item_of(i) gives each item, in order, and throws nothing.
  template <class F>
  Tuple(size_t size, F item_of, std::shared_ptr<const NamedTupleType> t)
      : items(size, item_of), type(std::move(t)) {}
  static void* operator new(size_t bytes) { return detail::allocate_block(bytes); }
  static void operator delete(void* tuple, size_t bytes) noexcept { detail::free_block(tuple, bytes); }

  // A range of Values that never changes; it is passed on as a span.
  class Items {
   public:
    template <class F>
    Items(size_t size, F item_of) : size_(size), first_(inside()) {
      if (size > kInside) first_ = static_cast<Value*>(::operator new(size * sizeof(Value)));
      for (size_t i = 0; i < size; ++i) new (&first_[i]) Value(item_of(i));
    }
    Items(const Items&) = delete;
    Items& operator=(const Items&) = delete;
    ~Items() {
      for (const Value& item : *this) item.~Value();
      if (size_ > kInside) ::operator delete(first_);
    }
    [[nodiscard]] size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] const Value* data() const noexcept { return first_; }
    [[nodiscard]] const Value* begin() const noexcept { return first_; }
    [[nodiscard]] const Value* end() const noexcept { return first_ + size_; }
    [[nodiscard]] const Value& operator[](size_t i) const noexcept { return first_[i]; }
    // Throws std::out_of_range.
    [[nodiscard]] const Value& at(size_t i) const {
      if (i >= size_) throw std::out_of_range("a tuple has no item of that index");
      return first_[i];
    }
    [[nodiscard]] const Value& front() const noexcept { return *first_; }
    [[nodiscard]] const Value& back() const noexcept { return first_[size_ - 1]; }
    [[nodiscard]] std::vector<Value> copy() const { return std::vector<Value>(begin(), end()); }

   private:
    // Most tuples have no more, and are one block of memory then.
    static constexpr size_t kInside = 4;
    [[nodiscard]] Value* inside() noexcept { return reinterpret_cast<Value*>(inside_); }
    const size_t size_;
    Value* first_;
    alignas(Value) std::byte inside_[kInside * sizeof(Value)];
  };
  const Items items;
  const std::shared_ptr<const NamedTupleType> type;
};
// Keeps the order of insertion, as Python's dict does. Keys are str, int, bool, float and enums; numbers that are equal are the same
// key. find, set and take_last cost one hash; erase is linear.
struct TINE_API Dict final : detail::RefCounted {
  using Entry = std::pair<Value, Value>;

  [[nodiscard]] const std::vector<Entry>& items() const noexcept { return items_; }
  [[nodiscard]] size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] const Value* find(const Value& key) const noexcept;  // null: not there
  void set(Value key, Value value);                                  // TypeError for what cannot be a key
  bool erase(const Value& key);                                      // true: it was there
  Entry take_last();  // only if size() > 0; its key may be a NaN
  void clear() noexcept;

 private:
  [[nodiscard]] size_t index_of(const Value& key) const noexcept;  // size(): not there
  void rehash(size_t slots);

  std::vector<Entry> items_;
  std::vector<uint32_t> slots_;  // open addressing, index + 1; empty while a scan is quicker
};

// An instance of a scripted module or class. `type` names the slots.
class ObjectType;  // tine/type.h
struct TINE_API Object final : detail::RefCounted {
  Object(std::shared_ptr<const ObjectType> t, std::vector<Value> s)
      : type(std::move(t)), slots(std::move(s)) {}
  const std::shared_ptr<const ObjectType> type;
  std::vector<Value> slots;
};

// A member of an enum. Two are equal if they have one type and one place in it.
class EnumType;  // tine/type.h
struct TINE_API Enum final : detail::RefCounted {
  Enum(std::shared_ptr<const EnumType> t, size_t i) : type(std::move(t)), index(i) {}
  const std::shared_ptr<const EnumType> type;
  const size_t index;
  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] const Value& value() const noexcept;
};

inline Value::Value(detail::Ref<List> v) noexcept : Value(Tag::kList, v.leak()) {}
inline Value::Value(detail::Ref<Dict> v) noexcept : Value(Tag::kDict, v.leak()) {}
inline Value::Value(detail::Ref<Tuple> v) noexcept : Value(Tag::kTuple, v.leak()) {}
inline Value::Value(detail::Ref<Object> v) noexcept : Value(Tag::kObject, v.leak()) {}
inline Value::Value(detail::Ref<Enum> v) noexcept : Value(Tag::kEnum, v.leak()) {}
inline Value::Value(Tensor v) noexcept : Value(Tag::kTensor, v.leak_impl()) {}
inline List& Value::as_list() const noexcept { return *static_cast<List*>(counted_object()); }
inline Dict& Value::as_dict() const noexcept { return *static_cast<Dict*>(counted_object()); }
inline Tuple& Value::as_tuple() const noexcept { return *static_cast<Tuple*>(counted_object()); }
inline Object& Value::as_object() const noexcept { return *static_cast<Object*>(counted_object()); }
inline Enum& Value::as_enum() const noexcept { return *static_cast<Enum*>(counted_object()); }
// A Tensor consists of its reference and nothing else, so the payload's bytes are one.
inline const Tensor& Value::as_tensor() const noexcept {
  static_assert(sizeof(Tensor) == sizeof(detail::RefCounted*));
  return payload_.tensor;
}

}  // namespace tine
