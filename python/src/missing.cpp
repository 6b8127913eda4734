// Names that PyTorch has and tine does not. Each such name of Tensor is a descriptor that raises an AttributeError which says
// so. (A __getattr__ would slow down every method call.)

#include <fmt/format.h>

#include <new>

#include "python/src/abi.h"
#include "python/src/script.h"
#include "python/src/tensor.h"
#include "tine/detail/torch_names.h"

namespace tine::python {
namespace {

struct PyMissing {
  PyObject_HEAD std::string_view name;
};

constinit PyTypeObject* missing_type = nullptr;
constinit PyTypeObject* tensor_base = nullptr;

PyMissing* as_missing(PyObject* o) noexcept { return reinterpret_cast<PyMissing*>(o); }

PyObject* get(PyObject* self, PyObject* instance, PyObject* owner) {
  return guarded([&]() -> PyObject* {
    const std::string_view name = as_missing(self)->name;
    auto* const type =
        reinterpret_cast<PyTypeObject*>(instance ? reinterpret_cast<PyObject*>(Py_TYPE(instance)) : owner);
    const std::string why = not_there_yet("torch.Tensor", name);
    const std::string text = fmt::format("{}'{}'{} has no attribute '{}': {}", instance ? "" : "type object ",
                                         TypeName(type).c_str(), instance ? " object" : "", name, why);
    // With a name and without an object Python offers no other attribute for it.
    const PyRef arguments = PyRef::adopt(Py_BuildValue("(s)", text.c_str()));
    const PyRef names =
        PyRef::adopt(Py_BuildValue("{s:s#}", "name", name.data(), static_cast<Py_ssize_t>(name.size())));
    const PyRef error = arguments && names
                            ? PyRef::adopt(PyObject_Call(PyExc_AttributeError, arguments.get(), names.get()))
                            : PyRef();
    if (error) PyErr_SetObject(PyExc_AttributeError, error.get());
    return nullptr;
  });
}

void dealloc(PyObject* self) { free_object(self); }

PyType_Slot slots[] = {{Py_tp_descr_get, reinterpret_cast<void*>(get)},
                       {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                       {0, nullptr}};
PyType_Spec spec = {"tine._C.NotThereYet", sizeof(PyMissing), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE, slots};

// dir() of a Tensor or of its class, without these names.
PyObject* list(PyTypeObject* lister, PyObject* self, PyTypeObject* type) {
  const PyRef all =
      PyRef::adopt(PyObject_CallMethod(reinterpret_cast<PyObject*>(lister), "__dir__", "O", self));
  const PyRef names = all ? PyRef::adopt(PySequence_List(all.get())) : PyRef();
  PyRef found = PyRef::adopt(PyList_New(0));
  if (!names || !found) return nullptr;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(names.get()); ++i) {
    PyObject* const name = PyList_GET_ITEM(names.get(), i);
    PyObject* const attribute = abi::defined_in(type, name);
    if (attribute && Py_IS_TYPE(attribute, missing_type)) continue;
    if (PyList_Append(found.get(), name) < 0) return nullptr;
  }
  return found.leak();
}

PyObject* dir(PyObject* self, PyObject*) { return list(&PyBaseObject_Type, self, Py_TYPE(self)); }
PyObject* class_dir(PyObject* self, PyObject*) {
  return list(&PyType_Type, self, reinterpret_cast<PyTypeObject*>(self));
}

PyMethodDef base_methods[] = {{"__dir__", dir, METH_NOARGS, nullptr}, {}};
PyType_Slot base_slots[] = {{Py_tp_methods, base_methods}, {0, nullptr}};
PyType_Spec base_spec = {"tine._C._TensorBase", sizeof(PyObject), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                         base_slots};

// The class of the class, as PyTorch's: there to list what the class has.
PyMethodDef meta_methods[] = {{"__dir__", class_dir, METH_NOARGS, nullptr}, {}};
PyType_Slot meta_slots[] = {{Py_tp_methods, meta_methods}, {0, nullptr}};
PyType_Spec meta_spec = {"tine._C._TensorMeta", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
                         meta_slots};

// (place, name): the sentence, or None where PyTorch has no such name.
PyObject* say_not_there_yet(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    const char *place = nullptr, *name = nullptr;
    if (!PyArg_ParseTuple(args, "ss", &place, &name)) return nullptr;
    const std::string text = not_there_yet(place, name);
    if (text.empty()) Py_RETURN_NONE;
    return text_of(text).leak();
  });
}

PyMethodDef functions[] = {{"_not_there_yet", say_not_there_yet, METH_VARARGS, nullptr}, {}};

}  // namespace

bool init_missing(PyObject* module) {
  if (PyModule_AddFunctions(module, functions) < 0) return false;
  for (const std::string_view name : torch_names("torch.Tensor")) {
    const PyRef key = PyRef::adopt(PyUnicode_InternFromString(std::string(name).c_str()));
    if (!key) return false;
    if (abi::defined_in(types.tensor, key.get())) continue;
    const PyRef made = PyRef::adopt(PyType_GenericAlloc(missing_type, 0));
    if (!made) return false;
    std::construct_at(&as_missing(made.get())->name, name);
    if (PyObject_SetAttr(reinterpret_cast<PyObject*>(tensor_base), key.get(), made.get()) < 0) return false;
  }
  // PyType_FromSpecWithBases does not look at the base's.
  auto* const meta = Py_TYPE(reinterpret_cast<PyObject*>(tensor_base));
  Py_SET_TYPE(reinterpret_cast<PyObject*>(types.tensor),
              reinterpret_cast<PyTypeObject*>(Py_NewRef(reinterpret_cast<PyObject*>(meta))));
  return true;
}

PyObject* make_tensor_base() {
  missing_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  PyObject* const meta = missing_type
                             ? PyType_FromSpecWithBases(&meta_spec, reinterpret_cast<PyObject*>(&PyType_Type))
                             : nullptr;
  PyObject* const base = meta ? PyType_FromSpec(&base_spec) : nullptr;
  if (base) Py_SET_TYPE(base, reinterpret_cast<PyTypeObject*>(meta));
  tensor_base = reinterpret_cast<PyTypeObject*>(Py_XNewRef(base));
  return base;
}

}  // namespace tine::python
