// torch._C.Type and its kinds: what the values of a graph are.
#include <fmt/format.h>

#include <array>

#include "python/src/shown.h"

namespace tine::python {
namespace {

struct Kind {
  TypeKind kind;
  const char* name;            // "tine._C.IntType"
  const TypePtr& (*single)();  // of those that have one
  int elements;                // that the constructor takes; -1: a list of them
  PyTypeObject* type = nullptr;
};

std::array<Kind, 18> kinds = {{
    {TypeKind::kAny, "tine._C.AnyType", &Type::any, 0},
    {TypeKind::kNone, "tine._C.NoneType", &Type::none, 0},
    {TypeKind::kBool, "tine._C.BoolType", &Type::boolean, 0},
    {TypeKind::kInt, "tine._C.IntType", &Type::integer, 0},
    {TypeKind::kFloat, "tine._C.FloatType", &Type::floating, 0},
    {TypeKind::kNumber, "tine._C.NumberType", &Type::number, 0},
    {TypeKind::kStr, "tine._C.StringType", &Type::string, 0},
    {TypeKind::kTensor, "tine._C.TensorType", &Type::tensor, 0},
    {TypeKind::kList, "tine._C.ListType", nullptr, 1},
    {TypeKind::kDict, "tine._C.DictType", nullptr, 2},
    {TypeKind::kTuple, "tine._C.TupleType", nullptr, -1},
    {TypeKind::kOptional, "tine._C.OptionalType", nullptr, 1},
    {TypeKind::kFuture, "tine._C.FutureType", nullptr, 1},
    {TypeKind::kRRef, "tine._C.RRefType", nullptr, 1},
    {TypeKind::kObject, "tine._C.ClassType", nullptr, 0},
    {TypeKind::kFunction, "tine._C.FunctionType", nullptr, 0},
    {TypeKind::kEnum, "tine._C.EnumType", nullptr, 0},
    {TypeKind::kUnion, "tine._C.UnionType", nullptr, -1},
}};

const Kind& kind_of(const Type& type) {
  for (const Kind& kind : kinds) {
    if (kind.kind == type.kind) return kind;
  }
  throw TypeError(fmt::format("{} is not the type of a value", type.str()));
}

std::string str(const TypePtr& type) {
  return type->kind == TypeKind::kNone ? "NoneType" : type->schema_str();
}
std::string annotation(const TypePtr& type) {
  return type->kind == TypeKind::kNone ? "NoneType" : type->str();
}
TypePtr element(const TypePtr& type, size_t at) {
  if (at >= type->of.size()) throw TypeError(fmt::format("{} has no such element type", type->str()));
  return type->of[at];
}
const ObjectType& object_type(const TypePtr& type) {
  const auto* const object = dynamic_cast<const ObjectType*>(type.get());
  if (!object) throw TypeError(fmt::format("{} is not the type of an object", type->str()));
  return *object;
}

// What PyTorch knows of some Tensors and never of these: that they have no fixed shape, dtype and device.
PyObject* unknown(const TypePtr&) { return Py_NewRef(Py_None); }

PyObject* repr(PyObject* self) {
  return guarded([&] { return text_of(annotation(shown_in<TypePtr>(self))).leak(); });
}
PyObject* compare(PyObject* a, PyObject* b, int op) {
  if (!PyObject_TypeCheck(b, shown_type<TypePtr>) || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  return PyBool_FromLong(equal(shown_in<TypePtr>(a), shown_in<TypePtr>(b)) == (op == Py_EQ));
}
Py_hash_t hash(PyObject* self) {
  return static_cast<Py_hash_t>(std::hash<std::string>()(shown_in<TypePtr>(self)->str()));
}

PyObject* annotation_text(PyObject* self, void*) { return repr(self); }

PyMethodDef methods[] = {
    {"kind",
     as_method(
         method<[](const TypePtr& t) -> std::string { return std::string(kind_of(*t).name).substr(8); }>),
     kMethod, "kind($self, /)\n--\n\n\"IntType\", \"ListType\", ...: the name of its class."},
    {"str", as_method(method<&str>), kMethod, "str($self, /)\n--\n\nAs schemas say it: `int[]`, `Tensor?`."},
    {"isSubtypeOf",
     as_method(method<[](const TypePtr& t, const TypePtr& other) { return is_subtype(t, other); }>), kMethod,
     "isSubtypeOf($self, other, /)\n--\n\nWhether its values may stand where one of the other type is asked "
     "for."},
    {"containedTypes", as_method(method<[](const TypePtr& t) { return t->of; }>), kMethod,
     "containedTypes($self, /)\n--\n\nThe types of its elements."},
    {"is_interface_type", as_method(method<[](const TypePtr& t) {
       const auto* const object = dynamic_cast<const ObjectType*>(t.get());
       return object != nullptr && object->is_interface();
     }>),
     kMethod, "is_interface_type($self, /)\n--\n\nWhether it stands for all objects with certain methods."},
    {}};
PyGetSetDef getset[] = {
    {"annotation_str", annotation_text, nullptr, "As annotations say it: `List[int]`.", nullptr}, {}};
PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(shown_dealloc<TypePtr>)},
                       {Py_tp_repr, reinterpret_cast<void*>(repr)},
                       {Py_tp_richcompare, reinterpret_cast<void*>(compare)},
                       {Py_tp_hash, reinterpret_cast<void*>(hash)},
                       {Py_tp_methods, methods},
                       {Py_tp_getset, getset},
                       {Py_tp_doc, const_cast<char*>("The type of a value in a graph.")},
                       {0, nullptr}};
PyType_Spec spec = {"tine._C.Type", sizeof(Shown<TypePtr>), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

// --- The classes of the kinds

template <size_t K>
PyObject* get(PyObject*, PyObject*) {
  return guarded([] { return show_type(kinds[K].single()); });
}

PyObject* make(PyTypeObject* cls, PyObject* args, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    if (keywords && PyDict_Size(keywords) > 0)
      throw TypeError(fmt::format("{} takes no keyword arguments", TypeName(cls).c_str()));
    for (const Kind& kind : kinds) {
      if (kind.type != cls) continue;
      const Py_ssize_t count = PyTuple_GET_SIZE(args);
      if (count != (kind.elements < 0 ? 1 : kind.elements)) {
        throw TypeError(fmt::format("{} takes {}", TypeName(cls).c_str(),
                                    kind.elements < 0    ? "a list of types"
                                    : kind.elements == 1 ? "one type"
                                                         : "two types"));
      }
      std::vector<TypePtr> of = kind.elements < 0
                                    ? Argument_<std::vector<TypePtr>>::from(PyTuple_GET_ITEM(args, 0))
                                    : Argument_<std::vector<TypePtr>>::from(args);
      if (kind.kind == TypeKind::kOptional) return show_type(Type::optional(of[0]));
      if (kind.kind == TypeKind::kUnion) {
        if (of.empty()) throw ValueError("UnionType takes at least one type");
        return show_type(Type::union_of(std::move(of)));
      }
      return show_type(std::make_shared<const Type>(kind.kind, std::move(of)));
    }
    throw TypeError(fmt::format("a {} cannot be made", TypeName(cls).c_str()));
  });
}

using ElementOf = const TypePtr& (*)();
template <ElementOf E>
PyObject* list_of(PyObject*, PyObject*) {
  return guarded([] { return show_type(Type::list(E())); });
}

template <size_t At>
PyObject* element_at(PyObject* self, PyObject*) {
  return guarded([&] { return show_type(element(shown_in<TypePtr>(self), At)); });
}

PyMethodDef list_methods[] = {
    {"getElementType", element_at<0>, METH_NOARGS,
     "getElementType($self, /)\n--\n\nThe type of its elements."},
    {"ofInts", list_of<&Type::integer>, METH_NOARGS | METH_STATIC, "ofInts()\n--\n\nList[int]"},
    {"ofFloats", list_of<&Type::floating>, METH_NOARGS | METH_STATIC, "ofFloats()\n--\n\nList[float]"},
    {"ofBools", list_of<&Type::boolean>, METH_NOARGS | METH_STATIC, "ofBools()\n--\n\nList[bool]"},
    {"ofStrings", list_of<&Type::string>, METH_NOARGS | METH_STATIC, "ofStrings()\n--\n\nList[str]"},
    {"ofTensors", list_of<&Type::tensor>, METH_NOARGS | METH_STATIC, "ofTensors()\n--\n\nList[Tensor]"},
    {}};
PyMethodDef dict_methods[] = {
    {"getKeyType", element_at<0>, METH_NOARGS, "getKeyType($self, /)\n--\n\nThe type of its keys."},
    {"getValueType", element_at<1>, METH_NOARGS, "getValueType($self, /)\n--\n\nThe type of its values."},
    {}};
PyMethodDef tuple_methods[] = {{"elements", as_method(method<[](const TypePtr& t) { return t->of; }>),
                                kMethod, "elements($self, /)\n--\n\nThe types of its elements."},
                               {}};
PyObject* of_tensor(PyObject*, PyObject*) {
  return guarded([] { return show_type(Type::optional(Type::tensor())); });
}
PyMethodDef element_methods[] = {
    {"getElementType", element_at<0>, METH_NOARGS, "getElementType($self, /)\n--\n\nThe type of the value."},
    {}};
PyMethodDef optional_methods[] = {
    {"getElementType", element_at<0>, METH_NOARGS, "getElementType($self, /)\n--\n\nThe type besides None."},
    {"ofTensor", of_tensor, METH_NOARGS | METH_STATIC, "ofTensor()\n--\n\nOptional[Tensor]"},
    {}};
PyMethodDef tensor_methods[] = {
    {"get", get<7>, METH_NOARGS | METH_STATIC, "get()\n--\n\nThe type."},
    {"getInferred", get<7>, METH_NOARGS | METH_STATIC, "getInferred()\n--\n\nThe type."},
    {"scalarType", as_method(method<&unknown>), kMethod,
     "scalarType($self, /)\n--\n\nNone: a graph does not fix it."},
    {"dtype", as_method(method<&unknown>), kMethod, "dtype($self, /)\n--\n\nNone: a graph does not fix it."},
    {"device", as_method(method<&unknown>), kMethod,
     "device($self, /)\n--\n\nNone: a graph does not fix it."},
    {"dim", as_method(method<&unknown>), kMethod, "dim($self, /)\n--\n\nNone: a graph does not fix it."},
    {"sizes", as_method(method<&unknown>), kMethod,
     "sizes($self, /)\n--\n\nNone: a graph does not fix them."},
    {"strides", as_method(method<&unknown>), kMethod,
     "strides($self, /)\n--\n\nNone: a graph does not fix them."},
    {}};
template <size_t K>
PyMethodDef* single_methods() {
  static PyMethodDef methods[] = {{"get", get<K>, METH_NOARGS | METH_STATIC, "get()\n--\n\nThe type."}, {}};
  return methods;
}
PyMethodDef class_methods[] = {
    {"name",
     as_method(
         method<[](const TypePtr& t) -> std::string { return t->name.substr(t->name.rfind('.') + 1); }>),
     kMethod, "name($self, /)\n--\n\nThe last part of the qualified name."},
    {"qualified_name", as_method(method<[](const TypePtr& t) -> std::string { return t->name; }>), kMethod,
     "qualified_name($self, /)\n--\n\nThe name by which methods of the class are found."},
    {"attributes", as_method(method<[](const TypePtr& t) {
       std::vector<std::string> names;
       for (const ObjectType::Slot& slot : object_type(t).slots) names.push_back(slot.name);
       return names;
     }>),
     kMethod, "attributes($self, /)\n--\n\nThe names of its attributes."},
    {"getAttribute", as_method(method<[](const TypePtr& t, std::string_view name) -> TypePtr {
       const ObjectType& object = object_type(t);
       const int at = object.slot_index(name);
       if (at < 0) throw AttributeError(fmt::format("{} has no attribute '{}'", object.name, name));
       return held_type(object.slots[static_cast<size_t>(at)].type);
     }>),
     kMethod, "getAttribute($self, name, /)\n--\n\nThe type of that attribute."},
    {}};
PyMethodDef no_methods[] = {{}};

PyMethodDef* methods_of(size_t at) {
  switch (kinds[at].kind) {
    case TypeKind::kAny: return single_methods<0>();
    case TypeKind::kNone: return single_methods<1>();
    case TypeKind::kBool: return single_methods<2>();
    case TypeKind::kInt: return single_methods<3>();
    case TypeKind::kFloat: return single_methods<4>();
    case TypeKind::kNumber: return single_methods<5>();
    case TypeKind::kStr: return single_methods<6>();
    case TypeKind::kTensor: return tensor_methods;
    case TypeKind::kList: return list_methods;
    case TypeKind::kDict: return dict_methods;
    case TypeKind::kTuple: return tuple_methods;
    case TypeKind::kOptional: return optional_methods;
    case TypeKind::kFuture:
    case TypeKind::kRRef: return element_methods;
    case TypeKind::kObject: return class_methods;
    default: return no_methods;
  }
}

}  // namespace

PyObject* show_type(TypePtr type) {
  PyTypeObject* const cls = kind_of(*type).type;
  return show_as<TypePtr>(cls, std::move(type));
}

TypePtr type_in(PyObject* object) {
  if (!PyObject_TypeCheck(object, shown_type<TypePtr>))
    throw TypeError(
        fmt::format("expected a type (tine._C.TensorType.get()), got a {}", TypeName(object).c_str()));
  return shown_in<TypePtr>(object);
}

bool init_graph_types(PyObject* module) {
  if (!add_type(module, &spec, &shown_type<TypePtr>)) return false;
  const PyRef bases = PyRef::adopt(PyTuple_Pack(1, reinterpret_cast<PyObject*>(shown_type<TypePtr>)));
  if (!bases) return false;
  for (size_t i = 0; i < kinds.size(); ++i) {
    PyType_Slot own[] = {{Py_tp_methods, methods_of(i)}, {0, nullptr}, {0, nullptr}};
    const bool made = kinds[i].elements != 0;
    if (made) own[1] = {Py_tp_new, reinterpret_cast<void*>(make)};
    PyType_Spec of_kind = {
        kinds[i].name, sizeof(Shown<TypePtr>), 0,
        static_cast<unsigned>(Py_TPFLAGS_DEFAULT | (made ? 0 : Py_TPFLAGS_DISALLOW_INSTANTIATION)), own};
    kinds[i].type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &of_kind, bases.get()));
    if (!kinds[i].type || PyModule_AddType(module, kinds[i].type) < 0) return false;
  }
  return true;
}

}  // namespace tine::python
