// ObjectType and ScriptObject: a scripted module's slots.

#include <fmt/format.h>

#include <new>

#include "python/src/exchange.h"
#include "python/src/records.h"
#include "python/src/script.h"

namespace tine::python {
namespace {

using tine::detail::make_ref;
using tine::detail::Ref;

struct PyObjectType {
  PyObject_HEAD std::shared_ptr<const ObjectType> type;
};

struct PyScriptObject {
  PyObject_HEAD Ref<Object> object;
};

PyObjectType* as_type(PyObject* o) noexcept { return reinterpret_cast<PyObjectType*>(o); }
PyScriptObject* as_object(PyObject* o) noexcept { return reinterpret_cast<PyScriptObject*>(o); }

template <class T>
void dealloc(PyObject* self) {
  std::destroy_at(reinterpret_cast<T*>(self));
  free_object(self);
}

// The value as the slot's type holds it; TypeError naming both.
Value for_slot(PyObject* object, const ObjectType& type, const ObjectType::Slot& slot) {
  Value value = to_value(object);
  if (fits(value, slot.type)) return value;
  if (Value made = with_classes(value, slot.type); fits(made, slot.type)) return made;
  if (slot.type->kind == TypeKind::kFloat && value.is_int())
    return Value(static_cast<double>(value.as_int()));
  throw TypeError(fmt::format("attribute '{}' of {}: expected a value of type {}, got {}", slot.name,
                              type.name, slot.type->str(), type_of(value)->str()));
}

PyObject* new_type(PyTypeObject* cls, PyObject* args, PyObject*) {
  return guarded([&]() -> PyObject* {
    const char* name = nullptr;
    PyObject* list = nullptr;
    if (!PyArg_ParseTuple(args, "sO!", &name, &PyList_Type, &list)) return nullptr;
    std::vector<ObjectType::Slot> slots;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
      PyObject *slot_name = nullptr, *type = nullptr;
      if (!PyArg_ParseTuple(PyList_GET_ITEM(list, i), "UO", &slot_name, &type)) return nullptr;
      TypePtr slot_type = object_type_of(type);
      if (!slot_type) {
        try {
          slot_type = parse_type(utf8(type), &known_types());
        } catch (const SyntaxError& error) {
          throw TypeError(fmt::format("attribute '{}' of {}: {}", utf8(slot_name), name, error.message()));
        }
      }
      slots.push_back({std::string(utf8(slot_name)), std::move(slot_type)});
    }
    PyObject* const self = PyType_GenericAlloc(cls, 0);
    if (!self) return nullptr;
    std::construct_at(&as_type(self)->type, std::make_shared<const ObjectType>(name, std::move(slots)));
    return self;
  });
}

PyObject* type_index(PyObject* self, PyObject* name) {
  const char* const chars = PyUnicode_AsUTF8(name);
  return chars ? PyLong_FromLong(as_type(self)->type->slot_index(chars)) : nullptr;
}

PyObject* type_slots(PyObject* self, void*) {
  return guarded([&] {
    const auto& slots = as_type(self)->type->slots;
    PyRef names = checked(PyTuple_New(static_cast<Py_ssize_t>(slots.size())));
    for (size_t i = 0; i < slots.size(); ++i)
      PyTuple_SET_ITEM(names.get(), static_cast<Py_ssize_t>(i),
                       checked(text_of(slots[i].name).leak()).leak());
    return names.leak();
  });
}
PyObject* type_name(PyObject* self, void*) { return text_of(as_type(self)->type->name).leak(); }

PyMethodDef type_methods[] = {
    {"index", type_index, METH_O, "index($self, name, /)\n--\n\nThe slot's place, -1 when there is none."},
    {}};
PyGetSetDef type_getset[] = {{"name", type_name, nullptr, "The qualified name.", nullptr},
                             {"slots", type_slots, nullptr, "The names of the slots.", nullptr},
                             {}};
PyType_Slot type_slots_table[] = {
    {Py_tp_new, reinterpret_cast<void*>(new_type)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc<PyObjectType>)},
    {Py_tp_methods, type_methods},
    {Py_tp_getset, type_getset},
    {Py_tp_doc, const_cast<char*>("ObjectType(name, slots, /)\n--\n\nA scripted module's class.")},
    {0, nullptr}};
PyType_Spec type_spec = {"tine._C.ObjectType", sizeof(PyObjectType), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, type_slots_table};

PyObject* new_object(PyTypeObject* cls, PyObject* args, PyObject*) {
  return guarded([&]() -> PyObject* {
    PyObject *type_object = nullptr, *list = nullptr;
    if (!PyArg_ParseTuple(args, "O!O!", script_types.object_type, &type_object, &PyList_Type, &list))
      return nullptr;
    auto type = as_type(type_object)->type;
    if (static_cast<size_t>(PyList_GET_SIZE(list)) != type->slots.size()) {
      throw ValueError(fmt::format("ScriptObject of {}: expected {} values, got {}", type->name,
                                   type->slots.size(), PyList_GET_SIZE(list)));
    }
    std::vector<Value> values;
    for (size_t i = 0; i < type->slots.size(); ++i) {
      values.push_back(for_slot(PyList_GET_ITEM(list, static_cast<Py_ssize_t>(i)), *type, type->slots[i]));
    }
    PyObject* const self = PyType_GenericAlloc(cls, 0);
    if (!self) return nullptr;
    std::construct_at(&as_object(self)->object, make_ref<Object>(std::move(type), std::move(values)));
    return self;
  });
}

size_t slot_of(PyObject* self, PyObject* name) {
  const ObjectType& type = *as_object(self)->object->type;
  const std::string_view text = utf8(name);
  const int at = type.slot_index(text);
  if (at < 0) throw AttributeError(fmt::format("{} has no attribute '{}'", type.name, text));
  return static_cast<size_t>(at);
}

PyObject* object_get(PyObject* self, PyObject* name) {
  return guarded([&] { return to_python(Value(as_object(self)->object->slots[slot_of(self, name)])); });
}

PyObject* object_set(PyObject* self, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *name = nullptr, *value = nullptr;
    if (!PyArg_ParseTuple(args, "UO", &name, &value)) return nullptr;
    Object& object = *as_object(self)->object;
    const size_t at = slot_of(self, name);
    object.slots[at] = for_slot(value, *object.type, object.type->slots[at]);
    Py_RETURN_NONE;
  });
}

PyObject* object_type(PyObject* self, void*) { return wrap_object_type(as_object(self)->object->type); }

PyMethodDef object_methods[] = {
    {"get", object_get, METH_O,
     "get($self, name, /)\n--\n\nThe slot's value; AttributeError when there is none."},
    {"set", object_set, METH_VARARGS,
     "set($self, name, value, /)\n--\n\nTypeError when the value is not of the slot's type."},
    {}};
PyGetSetDef object_getset[] = {{"type", object_type, nullptr, "Its ObjectType.", nullptr}, {}};
PyType_Slot object_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(new_object)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc<PyScriptObject>)},
    {Py_tp_methods, object_methods},
    {Py_tp_getset, object_getset},
    {Py_tp_doc,
     const_cast<char*>("ScriptObject(type, values, /)\n--\n\nAn instance of a scripted module's class.")},
    {0, nullptr}};
PyType_Spec object_spec = {"tine._C.ScriptObject", sizeof(PyScriptObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, object_slots};

PyObject* wrap_object(const Value& value) {
  PyObject* const made = PyType_GenericAlloc(script_types.object, 0);
  if (made) std::construct_at(&as_object(made)->object, Ref<Object>::share(&value.as_object()));
  return made;
}

bool unwrap_object(PyObject* object, Value* value) {
  if (Py_TYPE(object) != script_types.object) return false;
  *value = Value(as_object(object)->object);
  return true;
}

}  // namespace

PyObject* wrap_object_type(std::shared_ptr<const ObjectType> type) {
  PyObject* const made = PyType_GenericAlloc(script_types.object_type, 0);
  if (made) std::construct_at(&as_type(made)->type, std::move(type));
  return made;
}

std::shared_ptr<const ObjectType> object_type_of(PyObject* object) {
  return Py_TYPE(object) == script_types.object_type ? as_type(object)->type : nullptr;
}

bool init_script_objects(PyObject* module) {
  set_conversion(Tag::kObject, wrap_object, unwrap_object);
  return add_type(module, &type_spec, &script_types.object_type) &&
         add_type(module, &object_spec, &script_types.object);
}

}  // namespace tine::python
