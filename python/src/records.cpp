#include "python/src/records.h"

#include <unordered_map>

#include "python/src/convert.h"
#include "python/src/exchange.h"
#include "python/src/script.h"

namespace tine::python {
namespace {

struct Known {
  std::string name;
  TypePtr type;
};
// Entries go when their classes go. Both are used under the interpreter's lock alone, and never destroyed.
std::unordered_map<PyTypeObject*, Known>& by_class() {
  static auto& all = *new std::unordered_map<PyTypeObject*, Known>;
  return all;
}
std::unordered_map<std::string, PyTypeObject*>& by_name() {
  static auto& all = *new std::unordered_map<std::string, PyTypeObject*>;
  return all;
}

PyRef members_of(const EnumType& type) {
  PyRef members = checked(PyDict_New());
  for (const auto& [name, value] : type.members) {
    const PyRef key = checked(text_of(name).leak()), held = checked(to_python(value));
    if (PyDict_SetItem(members.get(), key.get(), held.get()) < 0) throw_error();
  }
  return members;
}

constinit Imported make_class{"tine.jit._received", "class_of"};

// The class that the type was made from, or one that is like it.
PyRef class_of(const Type& type) {
  if (const auto known = by_name().find(type.name); known != by_name().end()) {
    const TypePtr& own = by_class().at(known->second).type;
    if (own.get() == &type || equal(own, type.shared_from_this()))
      return PyRef::share(reinterpret_cast<PyObject*>(known->second));
  }
  PyObject* const make = make_class.get();
  if (!make) throw_error();
  const NamedTupleType* const named = type.named_tuple();
  const PyRef fields = named ? tuple_of_texts(named->fields) : PyRef::share(Py_None);
  const PyRef members = named ? PyRef::share(Py_None) : members_of(static_cast<const EnumType&>(type));
  const PyRef name = checked(text_of(type.name).leak()),
              definition = checked(text_of(type.definition()).leak());
  return checked(
      PyObject_CallFunctionObjArgs(make, name.get(), definition.get(), fields.get(), members.get(), nullptr));
}

PyObject* show_member(const Value& value) {
  return guarded([&]() -> PyObject* {
    const Enum& member = value.as_enum();
    const PyRef cls = class_of(*member.type);
    const PyRef name = checked(text_of(member.name()).leak());
    return PyObject_GetItem(cls.get(), name.get());
  });
}

PyObject* define_type(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *cls = nullptr, *name = nullptr, *definition = nullptr;
    if (!PyArg_ParseTuple(args, "O!UU", &PyType_Type, &cls, &name, &definition)) return nullptr;
    TypePtr type = script_type(utf8(definition));
    auto* const key = reinterpret_cast<PyTypeObject*>(cls);
    by_class()[key] = {std::string(utf8(name)), std::move(type)};
    by_name()[std::string(utf8(name))] = key;
    Py_RETURN_NONE;
  });
}

PyObject* forget_type(PyObject*, PyObject* name) {
  return guarded([&]() -> PyObject* {
    const std::string text(utf8(name));
    const auto known = by_name().find(text);
    if (known == by_name().end()) Py_RETURN_NONE;
    by_class().erase(known->second);
    by_name().erase(known);
    known_types().erase(text);
    Py_RETURN_NONE;
  });
}

PyMethodDef functions[] = {
    {"_define_type", define_type, METH_VARARGS, nullptr}, {"_forget_type", forget_type, METH_O, nullptr}, {}};

}  // namespace

TypeNames& known_types() {
  static auto& names = *new TypeNames;
  return names;
}

TypePtr type_of_class(PyTypeObject* cls) {
  const auto known = by_class().find(cls);
  return known == by_class().end() ? nullptr : known->second.type;
}

PyObject* instance_of(const NamedTupleType& type, PyObject* tuple) {
  return guarded([&]() -> PyObject* {
    const PyRef cls = class_of(type);
    const PyRef args = checked(PyTuple_Pack(1, tuple));
    // As its _make() does: a class may have a __new__ of its own.
    static const auto make = reinterpret_cast<newfunc>(PyType_GetSlot(&PyTuple_Type, Py_tp_new));
    return make(reinterpret_cast<PyTypeObject*>(cls.get()), args.get(), nullptr);
  });
}

bool enum_to_value(PyObject* object, Value* value) {
  const TypePtr type = type_of_class(Py_TYPE(object));
  if (!type || type->kind != TypeKind::kEnum) return false;
  static PyObject* const name_of = PyUnicode_InternFromString("_name_");
  const PyRef name = PyRef::adopt(PyObject_GetAttr(object, name_of));
  if (!name || !PyUnicode_Check(name.get())) {  // a Flag of several
    PyErr_Clear();
    return false;
  }
  auto of = std::static_pointer_cast<const EnumType>(type);
  const int index = of->index_of(utf8(name.get()));
  if (index < 0) return false;
  *value = enum_member(std::move(of), static_cast<size_t>(index));
  return true;
}

bool init_records(PyObject* module) {
  set_conversion(Tag::kEnum, show_member, enum_to_value);
  return PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tine::python
