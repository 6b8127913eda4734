#include "python/src/tensor.h"

#include <array>
#include <cstddef>
#include <string>

#include "python/src/abi.h"

// dtypes (one object each) and Size, the tuple that a shape is.

namespace tine::python {
namespace {

struct PyDType {
  PyObject_HEAD PyObject* name;
  int64_t itemsize;
  DType dtype;
  bool is_floating_point;
};

constexpr std::array kDTypes = {DType::kUInt8, DType::kInt64, DType::kFloat32, DType::kFloat64, DType::kBool};
constinit std::array<PyObject*, 16> objects{};  // by number

PyObject* dtype_repr(PyObject* self) {
  return PyUnicode_FromFormat("tine.%U", reinterpret_cast<PyDType*>(self)->name);
}
// Pickled by name, found again in `tine`.
PyObject* dtype_reduce(PyObject* self, PyObject*) {
  return Py_NewRef(reinterpret_cast<PyDType*>(self)->name);
}
PyObject* dtype_itself(PyObject* self, PyObject*) { return Py_NewRef(self); }
PyObject* dtype_number(PyObject* self, void*) { return PyLong_FromLong(static_cast<long>(dtype_of(self))); }

PyMethodDef dtype_methods[] = {{"__reduce__", dtype_reduce, METH_NOARGS, nullptr},
                               {"__reduce_ex__", dtype_reduce, METH_O, nullptr},
                               {"__copy__", dtype_itself, METH_NOARGS, nullptr},
                               {"__deepcopy__", dtype_itself, METH_O, nullptr},
                               {}};
PyMemberDef dtype_members[] = {
    {"name", T_OBJECT_EX, offsetof(PyDType, name), READONLY, "As in numpy.dtype(name)."},
    {"itemsize", T_LONG, offsetof(PyDType, itemsize), READONLY, "Bytes of one element."},
    {"is_floating_point", T_BOOL, offsetof(PyDType, is_floating_point), READONLY,
     "True for float32 and float64."},
    {}};
PyGetSetDef dtype_getset[] = {
    {"_number", dtype_number, nullptr, "As schemas and saved programs write it; PyTorch's.", nullptr}, {}};
PyType_Slot dtype_slots[] = {{Py_tp_doc, const_cast<char*>("The type of a tensor's elements.")},
                             {Py_tp_repr, reinterpret_cast<void*>(dtype_repr)},
                             {Py_tp_methods, dtype_methods},
                             {Py_tp_members, dtype_members},
                             {Py_tp_getset, dtype_getset},
                             {0, nullptr}};
PyType_Spec dtype_spec = {"tine.dtype", sizeof(PyDType), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                          dtype_slots};

PyObject* size_repr(PyObject* self) {
  const PyRef list = PyRef::adopt(PySequence_List(self));
  return list ? PyUnicode_FromFormat("tine.Size(%R)", list.get()) : nullptr;
}
PyObject* size_numel(PyObject* self, PyObject*) {
  PyRef product = PyRef::adopt(PyLong_FromLong(1));
  for (Py_ssize_t i = 0; product && i < PyTuple_GET_SIZE(self); ++i) {
    product = PyRef::adopt(PyNumber_Multiply(product.get(), PyTuple_GET_ITEM(self, i)));
  }
  return product.leak();
}
PyObject* size_item(PyObject* self, PyObject* index) {
  static const auto of_tuple = reinterpret_cast<binaryfunc>(PyType_GetSlot(&PyTuple_Type, Py_mp_subscript));
  PyRef item = PyRef::adopt(of_tuple(self, index));
  if (!item || !PySlice_Check(index)) return item.leak();
  return PyObject_CallOneArg(reinterpret_cast<PyObject*>(types.size), item.get());
}
PyObject* size_reduce(PyObject* self, PyObject*) {
  const PyRef tuple = PyRef::adopt(PyTuple_GetSlice(self, 0, PyTuple_GET_SIZE(self)));
  return tuple ? Py_BuildValue("O(O)", types.size, tuple.get()) : nullptr;
}
PyMethodDef size_methods[] = {{"numel", size_numel, METH_NOARGS,
                               "numel($self, /)\n--\n\nThe number of elements of a tensor of this shape."},
                              {"__reduce__", size_reduce, METH_NOARGS, nullptr},
                              {}};
PyType_Slot size_slots[] = {{Py_tp_doc, const_cast<char*>("The sizes of a tensor: a tuple of int.")},
                            {Py_tp_repr, reinterpret_cast<void*>(size_repr)},
                            {Py_mp_subscript, reinterpret_cast<void*>(size_item)},
                            {Py_tp_methods, size_methods},
                            {0, nullptr}};
PyType_Spec size_spec = {"tine.Size", 0, 0, Py_TPFLAGS_DEFAULT, size_slots};

bool add_dtype(PyObject* module, DType dtype) {
  PyDType* const self = PyObject_New(PyDType, types.dtype);
  if (!self) return false;
  const std::string name(name_of(dtype));
  self->name = PyUnicode_InternFromString(name.c_str());
  self->itemsize = static_cast<int64_t>(size_of(dtype));
  self->dtype = dtype;
  self->is_floating_point = is_floating(dtype);
  PyObject* const object = reinterpret_cast<PyObject*>(self);
  objects[static_cast<size_t>(dtype)] = object;
  return PyModule_AddObjectRef(module, name.c_str(), object) == 0;
}

}  // namespace

PyObject* wrap_dtype(DType dtype) { return Py_NewRef(objects[static_cast<size_t>(dtype)]); }
DType dtype_of(PyObject* object) noexcept { return reinterpret_cast<PyDType*>(object)->dtype; }

PyObject* make_size(std::span<const int64_t> sizes) {
  PyObject* const size = abi::new_tuple(types.size, static_cast<Py_ssize_t>(sizes.size()));
  if (!size) return nullptr;
  for (size_t i = 0; i < sizes.size(); ++i) {
    PyObject* const n = PyLong_FromLongLong(sizes[i]);
    if (!n) {
      Py_DECREF(size);
      return nullptr;
    }
    PyTuple_SET_ITEM(size, static_cast<Py_ssize_t>(i), n);
  }
  return size;
}

bool init_dtypes(PyObject* module) {
  types.dtype = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&dtype_spec));
  const PyRef bases = PyRef::adopt(PyTuple_Pack(1, &PyTuple_Type));
  if (!types.dtype || !bases) return false;
  types.size = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(&size_spec, bases.get()));
  if (!types.size || PyModule_AddObjectRef(module, "dtype", reinterpret_cast<PyObject*>(types.dtype)) < 0 ||
      PyModule_AddObjectRef(module, "Size", reinterpret_cast<PyObject*>(types.size)) < 0) {
    return false;
  }
  for (const DType dtype : kDTypes) {
    if (!add_dtype(module, dtype)) return false;
  }
  return true;
}

}  // namespace tine::python
