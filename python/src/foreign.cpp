#include "python/src/foreign.h"

#include <new>

namespace tine::python {

std::string PyForeign::type_name() const { return TypeName(object_).c_str(); }

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

bool is_foreign_array(PyObject* object) noexcept {
  static PyObject* const dlpack = PyUnicode_InternFromString("__dlpack__");
  return PyObject_HasAttr(reinterpret_cast<PyObject*>(Py_TYPE(object)), dlpack);
}

std::string array_hint(const Value& value) {
  std::string hint;
  const auto look_in = [&hint](std::span<const Value> items) {
    for (size_t i = 0; hint.empty() && i < items.size(); ++i) hint = array_hint(items[i]);
  };
  if (value.is(Tag::kList)) {
    look_in(value.as_list().items);
  } else if (value.is(Tag::kTuple)) {
    look_in(value.as_tuple().items);
  } else if (value.is(Tag::kDict)) {
    for (const auto& item : value.as_dict().items()) look_in({&item.second, 1});
  } else if (value.is(Tag::kForeign)) {
    PyObject* const object = foreign_object(value);
    if (!object || !is_foreign_array(object)) return hint;
    const PyRef module =
        PyRef::adopt(PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(object)), "__module__"));
    const PyRef name = PyRef::adopt(PyType_GetName(Py_TYPE(object)));
    const PyRef full =
        module && name ? PyRef::adopt(PyUnicode_FromFormat("%S.%S", module.get(), name.get())) : PyRef();
    const char* const text = full ? PyUnicode_AsUTF8(full.get()) : nullptr;
    hint = "\na " + std::string(text ? text : TypeName(object).c_str()) +
           " is not a tine Tensor; write tine.from_dlpack(x), which shares its memory";
    PyErr_Clear();
  }
  return hint;
}

void PyForeign::operator delete(PyForeign* self, std::destroying_delete_t) {
  PyObject* const object = self->object_;
  self->~PyForeign();
  if (!Py_IsInitialized()) return;  // leaked: there is nobody left to give it back to
  if (has_lock()) {
    ::operator delete(static_cast<void*>(self));
    Py_DECREF(object);
    return;
  }
  static_assert(sizeof(PyForeign) >= sizeof(detail::Orphan));
  detail::push_orphan(new (static_cast<void*>(self)) detail::Orphan{nullptr, object});
}

}  // namespace tine::python
