// ObjectType and ScriptObject: a scripted module's slots. Objects of classes of scripts: in Python they are objects of the Python
// class, so what passes the border is made anew.

#include <fmt/format.h>
#include <tine/runtime.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "python/src/exchange.h"
#include "python/src/records.h"
#include "python/src/script.h"
#include "python/src/shown.h"

namespace tine::python {
namespace {

using tine::detail::make_ref;
using tine::detail::Ref;

using ObjectTypePtr = std::shared_ptr<const ObjectType>;
using ObjectRef = Ref<Object>;

const ObjectType& type_shown_by(PyObject* o) noexcept { return *shown_in<ObjectTypePtr>(o); }
Object& object_shown_by(PyObject* o) noexcept { return *shown_in<ObjectRef>(o); }

// A class of scripts. The lock of the interpreter guards the table.
struct KnownClass {
  std::weak_ptr<const ObjectType> type;
  PyObject* cls = nullptr;  // a weak reference to the Python class; null for a module's
};
std::unordered_map<std::string, KnownClass>& known_classes() {
  static auto& classes = *new std::unordered_map<std::string, KnownClass>;
  return classes;
}

// A new reference; null where Python has no such class, or has it no longer.
PyRef python_class(const std::string& type_name) {
  const auto at = known_classes().find(type_name);
  if (at == known_classes().end() || !at->second.cls) return {};
  PyRef cls = PyRef::adopt(PyObject_CallNoArgs(at->second.cls));
  if (!cls) throw_error();
  return cls.get() == Py_None ? PyRef() : std::move(cls);
}

constinit PyObject* find_object = nullptr;  // set by tine.jit

TypePtr with_known_classes(const TypePtr& type) {
  if (type->kind == TypeKind::kObject) {
    const auto at = known_classes().find(type->name);
    TypePtr known = at == known_classes().end() ? nullptr : at->second.type.lock();
    return known ? known : type;
  }
  std::vector<TypePtr> of;
  for (const TypePtr& inner : type->of) of.push_back(with_known_classes(inner));
  return of == type->of ? type : type->over(std::move(of));
}

Value for_slot(PyObject* object, const ObjectType& type, const ObjectType::Slot& slot);

Value object_of_class(PyObject* from, const std::shared_ptr<const ObjectType>& type) {
  const Nested level(" while an object passes between Python and a script");
  std::vector<Value> values;
  for (const ObjectType::Slot& slot : type->slots) {
    const PyRef attribute = PyRef::adopt(PyObject_GetAttrString(from, slot.name.c_str()));
    if (!attribute) {
      if (!PyErr_ExceptionMatches(PyExc_AttributeError)) throw_error();
      PyErr_Clear();
      throw TypeError(fmt::format("expected an object of {}, got a {} without the attribute '{}'", type->name,
                                  TypeName(from).c_str(), slot.name));
    }
    values.push_back(for_slot(attribute.get(), *type, slot));
  }
  return Value(make_ref<Object>(type, std::move(values)));
}

// A Python object as one that has the methods of the interface: find_object gives the class that it is of, or the scripted
// module's object.
Value object_behind(PyObject* from, const std::shared_ptr<const ObjectType>& interface) {
  const PyRef shown = PyRef::adopt(wrap_object_type(interface));
  const PyRef found =
      shown ? PyRef::adopt(PyObject_CallFunctionObjArgs(find_object, from, shown.get(), nullptr)) : PyRef();
  if (!found) throw_error();
  if (auto type = object_type_of(found.get())) return object_of_class(from, type);
  return to_value(found.get());
}

// The value as the slot's type holds it; TypeError naming both.
Value for_slot(PyObject* object, const ObjectType& type, const ObjectType::Slot& slot) {
  Value value = as_type(to_value(object), slot.type);
  if (fits(value, slot.type)) return value;
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
          slot_type = script_type(utf8(type));
        } catch (const SyntaxError& error) {
          throw TypeError(fmt::format("attribute '{}' of {}: {}", utf8(slot_name), name, error.message()));
        }
      }
      slots.push_back({std::string(utf8(slot_name)), std::move(slot_type)});
    }
    return show_as<ObjectTypePtr>(cls, std::make_shared<const ObjectType>(name, std::move(slots)));
  });
}

PyObject* type_index(PyObject* self, PyObject* name) {
  const char* const chars = PyUnicode_AsUTF8(name);
  return chars ? PyLong_FromLong(type_shown_by(self).slot_index(chars)) : nullptr;
}

PyObject* type_slots(PyObject* self, void*) {
  return guarded([&] { return tuple_of_texts(type_shown_by(self).slots, &ObjectType::Slot::name).leak(); });
}
PyObject* type_name(PyObject* self, void*) { return text_of(type_shown_by(self).name).leak(); }

PyObject* open_class(PyObject*, PyObject* name) {
  return guarded([&] {
    auto type = ObjectType::open_class(std::string(utf8(name)));
    known_classes()[type->name] = {type, nullptr};
    return wrap_object_type(std::move(type));
  });
}
PyObject* interface(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *name = nullptr, *list = nullptr;
    if (!PyArg_ParseTuple(args, "UO!", &name, &PyList_Type, &list)) return nullptr;
    std::vector<ObjectType::Method> methods;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
      PyObject *method = nullptr, *source = nullptr;
      if (!PyArg_ParseTuple(PyList_GET_ITEM(list, i), "UO", &method, &source)) return nullptr;
      methods.push_back(Runtime::instance().scripts().signature_in_interface(*function_source_of(source)));
      methods.back().name = utf8(method);
    }
    auto type = ObjectType::interface(std::string(utf8(name)), std::move(methods));
    known_classes()[type->name] = {type, nullptr};
    return wrap_object_type(std::move(type));
  });
}
PyObject* type_methods_of(PyObject* self, void*) {
  return guarded(
      [&] { return tuple_of_texts(type_shown_by(self).methods(), &ObjectType::Method::name).leak(); });
}
PyObject* type_is_interface(PyObject* self, void*) {
  return PyBool_FromLong(type_shown_by(self).is_interface());
}
PyObject* type_close(PyObject* self, PyObject*) {
  type_shown_by(self).close();
  Py_RETURN_NONE;
}
PyObject* type_is_open(PyObject* self, void*) { return PyBool_FromLong(type_shown_by(self).is_open()); }

PyMethodDef type_methods[] = {
    {"open_class", open_class, METH_O | METH_STATIC,
     "open_class(name, /)\n--\n\nThe type of a class of scripts, to which the compiler of its `__init__` "
     "adds the slots."},
    {"interface", interface, METH_VARARGS | METH_STATIC,
     "interface(name, methods, /)\n--\n\nThe type of an interface; `methods` are pairs of a name and a "
     "FunctionSource."},
    {"close", type_close, METH_NOARGS, "close($self, /)\n--\n\nThe class has all its slots."},
    {"index", type_index, METH_O, "index($self, name, /)\n--\n\nThe slot's place, -1 when there is none."},
    {}};
PyGetSetDef type_getset[] = {
    {"name", type_name, nullptr, "The qualified name.", nullptr},
    {"slots", type_slots, nullptr, "The names of the slots.", nullptr},
    {"methods", type_methods_of, nullptr, "The names of an interface's methods.", nullptr},
    {"is_interface", type_is_interface, nullptr, "Whether it is one.", nullptr},
    {"is_open", type_is_open, nullptr, "Whether `__init__` is still to be compiled.", nullptr},
    {}};
PyType_Slot type_slots_table[] = {
    {Py_tp_new, reinterpret_cast<void*>(new_type)},
    {Py_tp_dealloc, reinterpret_cast<void*>(shown_dealloc<ObjectTypePtr>)},
    {Py_tp_methods, type_methods},
    {Py_tp_getset, type_getset},
    {Py_tp_doc, const_cast<char*>("ObjectType(name, slots, /)\n--\n\nA scripted module's class.")},
    {0, nullptr}};
PyType_Spec type_spec = {"tine._C.ObjectType", sizeof(Shown<ObjectTypePtr>), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, type_slots_table};

PyObject* new_object(PyTypeObject* cls, PyObject* args, PyObject*) {
  return guarded([&]() -> PyObject* {
    PyObject *type_object = nullptr, *list = nullptr;
    if (!PyArg_ParseTuple(args, "O!O!", shown_type<ObjectTypePtr>, &type_object, &PyList_Type, &list))
      return nullptr;
    ObjectTypePtr type = shown_in<ObjectTypePtr>(type_object);
    if (static_cast<size_t>(PyList_GET_SIZE(list)) != type->slots.size()) {
      throw ValueError(fmt::format("ScriptObject of {}: expected {} values, got {}", type->name,
                                   type->slots.size(), PyList_GET_SIZE(list)));
    }
    std::vector<Value> values;
    for (size_t i = 0; i < type->slots.size(); ++i) {
      values.push_back(for_slot(PyList_GET_ITEM(list, static_cast<Py_ssize_t>(i)), *type, type->slots[i]));
    }
    return show_as<ObjectRef>(cls, make_ref<Object>(std::move(type), std::move(values)));
  });
}

size_t slot_of(PyObject* self, PyObject* name) {
  const ObjectType& type = *object_shown_by(self).type;
  const std::string_view text = utf8(name);
  const int at = type.slot_index(text);
  if (at < 0) throw AttributeError(fmt::format("{} has no attribute '{}'", type.name, text));
  return static_cast<size_t>(at);
}

PyObject* object_get(PyObject* self, PyObject* name) {
  return guarded([&] { return to_python(Value(object_shown_by(self).slots[slot_of(self, name)])); });
}

PyObject* object_set(PyObject* self, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *name = nullptr, *value = nullptr;
    if (!PyArg_ParseTuple(args, "UO", &name, &value)) return nullptr;
    Object& object = object_shown_by(self);
    const size_t at = slot_of(self, name);
    object.slots[at] = for_slot(value, *object.type, object.type->slots[at]);
    Py_RETURN_NONE;
  });
}

PyObject* object_type(PyObject* self, void*) { return wrap_object_type(object_shown_by(self).type); }

PyMethodDef object_methods[] = {
    {"get", object_get, METH_O,
     "get($self, name, /)\n--\n\nThe slot's value; AttributeError when there is none."},
    {"set", object_set, METH_VARARGS,
     "set($self, name, value, /)\n--\n\nTypeError when the value is not of the slot's type."},
    {}};
PyObject* object_address(PyObject* self, void*) { return PyLong_FromVoidPtr(&object_shown_by(self)); }

PyGetSetDef object_getset[] = {{"type", object_type, nullptr, "Its ObjectType.", nullptr},
                               {"address", object_address, nullptr,
                                "One number for all ScriptObjects of one object, while it lives.", nullptr},
                               {}};
PyType_Slot object_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(new_object)},
    {Py_tp_dealloc, reinterpret_cast<void*>(shown_dealloc<ObjectRef>)},
    {Py_tp_methods, object_methods},
    {Py_tp_getset, object_getset},
    {Py_tp_doc,
     const_cast<char*>("ScriptObject(type, values, /)\n--\n\nAn instance of a scripted module's class.")},
    {0, nullptr}};
PyType_Spec object_spec = {"tine._C.ScriptObject", sizeof(Shown<ObjectRef>), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, object_slots};

// An object of the Python class, whose attributes are the slots that have a value.
PyObject* python_object(const Object& object, const PyRef& cls) {
  const Nested level(" while an object passes between Python and a script");
  PyRef made = PyRef::adopt(PyObject_CallMethod(cls.get(), "__new__", "O", cls.get()));
  if (!made) return nullptr;
  for (size_t i = 0; i < object.slots.size(); ++i) {
    const ObjectType::Slot& slot = object.type->slots[i];
    if (object.slots[i].is_none() && !fits(Value(), slot.type)) continue;  // __init__ did not come so far
    const PyRef value = PyRef::adopt(to_python(object.slots[i]));
    if (!value || PyObject_SetAttrString(made.get(), slot.name.c_str(), value.get()) < 0) return nullptr;
  }
  return made.leak();
}

PyObject* wrap_object(const Value& value) {
  const Object& object = value.as_object();
  if (object.type->is_class()) {
    const PyRef cls = python_class(object.type->name);
    if (cls) return python_object(object, cls);
  }
  return guarded([&] { return show_as(shown_type<ObjectRef>, ObjectRef::share(&value.as_object())); });
}

bool unwrap_object(PyObject* object, Value* value) {
  if (Py_TYPE(object) != shown_type<ObjectRef>) return false;
  *value = Value(shown_in<ObjectRef>(object));
  return true;
}

}  // namespace

TypePtr script_type(std::string_view text) { return with_known_classes(parse_type(text, &known_types())); }

bool holds_object(const Type& type) {
  return type.kind == TypeKind::kObject ||
         std::any_of(type.of.begin(), type.of.end(), [](const TypePtr& part) { return holds_object(*part); });
}

namespace {
// Whether the value is a Python object of the class that the type stands for.
bool is_object_of(const Value& value, const Type& type) {
  PyObject* const from = value.is(Tag::kForeign) ? foreign_object(value) : nullptr;
  if (!from || type.kind != TypeKind::kObject) return false;
  const PyRef cls = python_class(type.name);
  return cls && reinterpret_cast<PyObject*>(Py_TYPE(from)) == cls.get();
}
}  // namespace

Value with_objects(Value value, const TypePtr& type) {
  switch (type->kind) {
    case TypeKind::kOptional: return value.is_none() ? value : with_objects(std::move(value), type->of[0]);
    case TypeKind::kObject: {
      PyObject* const from = value.is(Tag::kForeign) ? foreign_object(value) : nullptr;
      auto to = std::dynamic_pointer_cast<const ObjectType>(held_type(type));
      if (from && to && to->is_class()) return object_of_class(from, to);
      return from && to && to->is_interface() ? object_behind(from, to) : value;
    }
    case TypeKind::kList:
      if (value.is(Tag::kList)) {
        for (Value& item : value.as_list().items) item = with_objects(std::move(item), type->of[0]);
      }
      return value;
    case TypeKind::kDict:
      if (value.is(Tag::kDict)) {
        const auto items = value.as_dict().items();
        for (const auto& [key, item] : items) value.as_dict().set(key, with_objects(item, type->of[1]));
      }
      return value;
    case TypeKind::kTuple: {
      if (!value.is(Tag::kTuple) || value.as_tuple().items.size() != type->of.size()) return value;
      std::vector<Value> items = value.as_tuple().items.copy();
      for (size_t i = 0; i < items.size(); ++i) items[i] = with_objects(std::move(items[i]), type->of[i]);
      return value.as_tuple().type ? tuple_of(std::move(items), *type)
                                   : Value(make_ref<Tuple>(std::move(items)));
    }
    case TypeKind::kUnion:
      for (const TypePtr& member : type->of) {
        if (is_object_of(value, *member)) return with_objects(std::move(value), member);
      }
      return value;
    case TypeKind::kFloat: return value.is_int() ? Value(static_cast<double>(value.as_int())) : value;
    default: return value;
  }
}

Value as_type(Value value, const TypePtr& type) {
  return fits(value, type) ? value : with_classes(with_objects(std::move(value), type), type);
}

PyObject* wrap_object_type(std::shared_ptr<const ObjectType> type) {
  return guarded([&] { return show_as(shown_type<ObjectTypePtr>, std::move(type)); });
}

std::shared_ptr<const ObjectType> object_type_of(PyObject* object) {
  return Py_TYPE(object) == shown_type<ObjectTypePtr> ? shown_in<ObjectTypePtr>(object) : nullptr;
}

namespace {

PyObject* set_class(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *type = nullptr, *cls = nullptr;
    if (!PyArg_ParseTuple(args, "O!O!", shown_type<ObjectTypePtr>, &type, &PyType_Type, &cls)) return nullptr;
    PyRef weak = checked(PyWeakref_NewRef(cls, nullptr));
    const PyRef before =
        PyRef::adopt(std::exchange(known_classes()[type_shown_by(type).name].cls, weak.leak()));
    Py_RETURN_NONE;
  });
}

PyObject* forget_class(PyObject*, PyObject* name) {
  return guarded([&]() -> PyObject* {
    auto gone = known_classes().extract(std::string(utf8(name)));
    if (gone) Py_XDECREF(gone.mapped().cls);
    Py_RETURN_NONE;
  });
}

PyObject* set_object_finder(PyObject*, PyObject* finder) {
  const PyRef before = PyRef::adopt(std::exchange(find_object, Py_NewRef(finder)));
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {{"_set_object_finder", set_object_finder, METH_O, nullptr},
                           {"_set_class", set_class, METH_VARARGS, nullptr},
                           {"_forget_class", forget_class, METH_O, nullptr},
                           {}};

}  // namespace

bool init_script_objects(PyObject* module) {
  if (PyModule_AddFunctions(module, functions) < 0) return false;
  set_conversion(Tag::kObject, wrap_object, unwrap_object);
  return add_type(module, &type_spec, &shown_type<ObjectTypePtr>) &&
         add_type(module, &object_spec, &shown_type<ObjectRef>);
}

}  // namespace tine::python
