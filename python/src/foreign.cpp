#include "python/src/foreign.h"

#include <new>

namespace tine::python {

std::string PyForeign::type_name() const { return Py_TYPE(object_)->tp_name; }

std::string PyForeign::repr() const {
  const Gil gil;
  if (!gil) return "<" + type_name() + " object>";
  const PyRef text = PyRef::adopt(PyObject_Repr(object_));
  const char* chars = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  if (!chars) {
    PyErr_Clear();
    return "<" + type_name() + " object>";
  }
  return chars;
}

void PyForeign::operator delete(PyForeign* self, std::destroying_delete_t) {
  PyObject* const object = self->object_;
  self->~PyForeign();
  if (!Py_IsInitialized()) return;  // leaked: there is nobody left to give it back to
  if (PyGILState_Check()) {
    ::operator delete(static_cast<void*>(self));
    Py_DECREF(object);
    return;
  }
  static_assert(sizeof(PyForeign) >= sizeof(detail::Orphan));
  detail::push_orphan(new (static_cast<void*>(self)) detail::Orphan{nullptr, object});
}

}  // namespace tine::python
