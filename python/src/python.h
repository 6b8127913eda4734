// Python.h as every file here includes it: all of the API of one CPython, or the stable ABI (Py_LIMITED_API), by which one
// extension serves CPython 3.12 and every later one.
//
// What the stable ABI lacks, and files here use by its name, stands below: the checked function in place of a macro that
// reads inside an object. Those functions cost 1 to 2 ns each. What needs more than another name is in abi.h.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

// After Python.h.
#include <structmember.h>

#if PY_VERSION_HEX < 0x030B0000
#error "tine needs CPython 3.11 or later; name another one by -DPython3_EXECUTABLE=..."
#endif

#ifdef Py_LIMITED_API

#define PyTuple_GET_SIZE PyTuple_Size
#define PyTuple_GET_ITEM PyTuple_GetItem
#define PyTuple_SET_ITEM PyTuple_SetItem
#define PyList_GET_SIZE PyList_Size
#define PyList_GET_ITEM PyList_GetItem
#define PyList_SET_ITEM PyList_SetItem
#define PyDict_GET_SIZE PyDict_Size
#define PyBytes_GET_SIZE PyBytes_Size
#define PyBytes_AS_STRING PyBytes_AsString
#define PyFloat_AS_DOUBLE PyFloat_AsDouble
#define PyUnicode_GET_LENGTH PyUnicode_GetLength
#define PyStructSequence_SET_ITEM PyStructSequence_SetItem

// The headers of 3.14 and later keep these macros out of the stable ABI.
#ifndef PySequence_Fast_GET_SIZE
inline Py_ssize_t PySequence_Fast_GET_SIZE(PyObject* list_or_tuple) noexcept {
  return PyList_Check(list_or_tuple) ? PyList_Size(list_or_tuple) : PyTuple_Size(list_or_tuple);
}
inline PyObject* PySequence_Fast_GET_ITEM(PyObject* list_or_tuple, Py_ssize_t i) noexcept {
  return PyList_Check(list_or_tuple) ? PyList_GetItem(list_or_tuple, i) : PyTuple_GetItem(list_or_tuple, i);
}
#endif

inline const char* PyUnicode_AsUTF8(PyObject* text) noexcept {
  return PyUnicode_AsUTF8AndSize(text, nullptr);
}

inline PyObject* PyObject_CallOneArg(PyObject* callable, PyObject* argument) {
  PyObject* const args[] = {nullptr, argument};  // the first place is the callee's to use
  return PyObject_Vectorcall(callable, args + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
}

inline PyObject* PyObject_CallMethodNoArgs(PyObject* object, PyObject* name) {
  return PyObject_VectorcallMethod(name, &object, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
}

#endif  // Py_LIMITED_API

namespace tine::python {

// The name of a type for messages: that of its C definition ("numpy.ndarray"), or of its class statement. It lives as long
// as the TypeName. It may be asked for without the lock.
class TypeName {
 public:
  explicit TypeName(PyTypeObject* type) noexcept;
  explicit TypeName(PyObject* object) noexcept : TypeName(Py_TYPE(object)) {}
  ~TypeName() { Py_XDECREF(owner_); }
  TypeName(const TypeName&) = delete;
  TypeName& operator=(const TypeName&) = delete;
  [[nodiscard]] const char* c_str() const noexcept { return chars_; }

 private:
  PyObject* owner_ = nullptr;
  const char* chars_;
};

// Gives an object's memory back, at the end of a tp_dealloc.
inline void free_object(PyTypeObject* type, PyObject* object) noexcept {
#ifdef Py_LIMITED_API
  reinterpret_cast<freefunc>(PyType_GetSlot(type, Py_tp_free))(object);
#else
  type->tp_free(object);
#endif
}
// The end of a tp_dealloc: the memory, and the reference to the class that each object of a heap type has.
inline void free_object(PyObject* object) noexcept {
  PyTypeObject* const type = Py_TYPE(object);
  free_object(type, object);
  Py_DECREF(type);
}

}  // namespace tine::python
