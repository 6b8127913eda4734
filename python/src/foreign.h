// PyForeign: a Python object inside a Value.
//
// It owns one reference. It may be copied and dropped on any thread without the interpreter's lock: the object then goes
// into a queue that the next thread with the lock drains, in the same memory, so dropping allocates nothing. Once the
// interpreter finalizes, the object is leaked. Any thread may call object(), but using the object takes the lock.
#pragma once

#include <tine/value.h>

#include <tine/error.h>

#include <new>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "python/src/gil.h"

namespace tine::python {

class PyForeign final : public Foreign {
 public:
  // Takes over the reference.
  explicit PyForeign(PyObject* object) noexcept : object_(object) {}
  [[nodiscard]] PyObject* object() const noexcept { return object_; }
  [[nodiscard]] std::string type_name() const override;
  [[nodiscard]] std::string repr() const override;  // takes the lock

  static void operator delete(PyForeign* self, std::destroying_delete_t);

 private:
  PyObject* object_;
};

// A new reference to the object goes into the Value.
[[nodiscard]] inline Value foreign_value(PyObject* object) {
  return Value(tine::detail::Ref<Foreign>(tine::detail::make_ref<PyForeign>(Py_NewRef(object))));
}
// The Python object in a foreign Value, borrowed; null when it belongs to another language.
[[nodiscard]] inline PyObject* foreign_object(const Value& value) noexcept {
  const Foreign& foreign = value.as_foreign();
  return typeid(foreign) == typeid(PyForeign) ? static_cast<const PyForeign&>(foreign).object() : nullptr;
}

// The value for a second owner. If the lock is held, a Python object gets a PyForeign of its own: the collector can only
// see through a PyForeign with one owner.
[[nodiscard]] inline Value for_another_owner(const Value& value) noexcept {
  PyObject* const object = value.is(Tag::kForeign) && holds_gil() ? foreign_object(value) : nullptr;
  if (!object) return value;
  try {
    return foreign_value(object);
  } catch (const std::bad_alloc&) {
    return value;
  }
}

// Whether it is a tensor or an array of another library.
[[nodiscard]] bool is_foreign_array(PyObject* object) noexcept;
// What to write in place of another library's array, if there is one in the value; otherwise empty.
[[nodiscard]] std::string array_hint(const Value& value);

// Calls f(), and adds that hint to its TypeErrors. The lock is held.
template <class F>
auto with_array_hint(std::span<const Value> args,
                     std::span<const std::pair<std::string_view, Value>> keywords, F&& f) -> decltype(f()) {
  try {
    return f();
  } catch (const TypeError& e) {
    std::string hint;
    for (size_t i = 0; hint.empty() && i < args.size(); ++i) hint = array_hint(args[i]);
    for (size_t i = 0; hint.empty() && i < keywords.size(); ++i) hint = array_hint(keywords[i].second);
    if (hint.empty()) throw;
    throw TypeError(e.message() + hint);
  }
}

}  // namespace tine::python
