// PyForeign: a Python object inside a Value.
//
// State      One reference to the object.
// Threads    Copied and dropped on any thread, without the interpreter's lock. object() any thread; to
//            use what it returns takes the lock.
// Ordering   None.
// Ownership  Owns its reference. Dropped without the lock it goes, memory and all, to a queue that the
//            next thread with the lock drains; once the interpreter finalises it is leaked.
// Errors     None.
// Cost       One allocation of 24 bytes; no further one to be dropped.
// Source     DESIGN "Values, operators".
#pragma once

#include <tine/value.h>

#include <new>
#include <string>
#include <typeinfo>

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

}  // namespace tine::python
