// Value <-> Python object: the conversions that all bindings share.
//
// The caller holds the interpreter's lock. to_python() returns a new reference, or null with the indicator set. The
// to_value functions borrow the object, and throw PyError or a tine error. Numbers, None, bool and foreign objects allocate
// only the Python object, or the cell that holds it.
#pragma once

#include <tine/future.h>
#include <tine/value.h>

#include <functional>

#include "python/src/errors.h"
#include "python/src/foreign.h"
#include "python/src/gil.h"

namespace tine::python {

// The Python object that shows the value. Lists, tuples and dicts are copied, deep. A foreign value is the object itself.
// A Future or Tensor is the one object that shows it, as long as that object is alive.
[[nodiscard]] PyObject* to_python(const Value& value);

// The form in which a Future holds an object: exact int (64 bits), float, bool, str, None and Tensor natively, everything
// else as a foreign value, so that it comes out as the same object.
[[nodiscard]] Value to_value_shallow(PyObject* object);

// The form that operators, scripts and RPC take: as above, and natively also lists, tuples and dicts (deep), Futures, dtypes
// (as their number), RRefs, scripted objects, and subclasses of int, float and str.
[[nodiscard]] Value to_value(PyObject* object);

// What passes between Python and tine may nest as deep as Python's own recursion goes, and at most 1000 deep: CPython 3.12 and
// later let C go as deep as its stack is only if each level is small. False with the indicator set.
[[nodiscard]] bool enter_nested(const char* where) noexcept;
void leave_nested() noexcept;
class Nested {
 public:
  explicit Nested(const char* where) {
    if (!enter_nested(where)) throw_error();
  }
  ~Nested() { leave_nested(); }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;
};

// For a binding with a Python type for a tag (kRRef, kObject, or kForeign for values that are not Python objects): how a
// value is shown, and how an object is read (false without an error if it is not of that type). Called at import.
using Wrap = PyObject* (*)(const Value& value);
using Unwrap = bool (*)(PyObject* object, Value* value);
void set_conversion(Tag tag, Wrap wrap, Unwrap unwrap);

// Every public type of the module; made at import, never destroyed.
struct Types {
  PyTypeObject* future = nullptr;
  PyTypeObject* tensor = nullptr;
  PyTypeObject* size = nullptr;
  PyTypeObject* dtype = nullptr;
  PyTypeObject* builtin = nullptr;
  PyTypeObject* builtin_method = nullptr;
  PyTypeObject* traced_number = nullptr;
};
extern Types types;

// Future (future.cpp) and Tensor (tensor.cpp). wrap_* return the object that shows it, made if need be.
[[nodiscard]] inline bool is_future(PyObject* object) noexcept {
  return PyObject_TypeCheck(object, types.future);
}
[[nodiscard]] inline bool is_tensor(PyObject* object) noexcept {
  return PyObject_TypeCheck(object, types.tensor);
}
[[nodiscard]] PyObject* wrap_future(tine::detail::Ref<tine::detail::State<Value>> state);
[[nodiscard]] inline PyObject* wrap_future(const Future<Value>& future) {
  return wrap_future(tine::detail::Ref<tine::detail::State<Value>>::share(future.state()));
}
[[nodiscard]] Future<Value> future_of(PyObject* object);  // is_future(object)
[[nodiscard]] PyObject* wrap_tensor(Tensor tensor);
[[nodiscard]] PyObject* wrap_tensor(Value&& value);  // value.is_tensor(); no reference is counted
[[nodiscard]] const Tensor& tensor_of(PyObject* object) noexcept;  // is_tensor(object)
[[nodiscard]] PyObject* wrap_dtype(DType dtype);
[[nodiscard]] DType dtype_of(PyObject* object) noexcept;  // Py_TYPE(object) == types.dtype

// For a PyMethodDef of METH_FASTCALL | METH_KEYWORDS.
using FastMethod = PyObject* (*)(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names);
// A method of one argument that may be given by its name.
template <PyCFunction F, const char* kName>
PyObject* one_argument(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
  if (count + named == 1 &&
      (named == 0 || PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), kName) == 0)) {
    return F(self, args[0]);
  }
  PyErr_Format(PyExc_TypeError, "expected one argument, `%s`, got %zd%s", kName, count + named,
               named ? " with other names" : "");
  return nullptr;
}
[[nodiscard]] inline PyCFunction as_method(FastMethod f) noexcept {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}
// Of METH_FASTCALL.
[[nodiscard]] inline PyCFunction as_method(PyObject* (*f)(PyObject*, PyObject* const*, Py_ssize_t)) noexcept {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

// A str. Bytes that are not UTF-8 are replaced.
[[nodiscard]] PyRef text_of(std::string_view text);
// A tuple of the texts of all items, or of their names.
template <class Items, class Name = std::identity>
[[nodiscard]] PyRef tuple_of_texts(const Items& items, Name name = {}) {
  PyRef texts = PyRef::adopt(PyTuple_New(static_cast<Py_ssize_t>(items.size())));
  if (!texts) throw_error();
  Py_ssize_t at = 0;
  for (const auto& item : items) {
    PyRef text = text_of(std::invoke(name, item));
    if (!text) throw_error();
    PyTuple_SET_ITEM(texts.get(), at++, text.leak());
  }
  return texts;
}

}  // namespace tine::python
