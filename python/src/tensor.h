// Tensor: the Python object that shows a tine::Tensor.
//
// The object owns the impl, and the impl points back without a reference: while the object lives, it is the one object
// that shows this tensor. Memory lent to NumPy (PEP 3118) keeps the object alive, and memory lent by NumPy keeps the
// array alive. The caller holds the interpreter's lock; operators on much data release it. Objects come from a free list.
#pragma once

#include "python/src/convert.h"

namespace tine::python {

struct PyTensor {
  PyObject_HEAD Tensor tensor;  // defined
  PyObject* weakrefs;           // for the interpreter
};

// dtype.cpp
[[nodiscard]] PyObject* make_size(std::span<const int64_t> sizes);  // a Size, which is a tuple
// missing.cpp: the class that Tensor derives from, and what it is given once Tensor has all that it has.
[[nodiscard]] PyObject* make_tensor_base();
[[nodiscard]] bool init_missing(PyObject* module);
[[nodiscard]] bool init_dtypes(PyObject* module);

// indexing.cpp: x[index], x[index] = value.
[[nodiscard]] PyObject* tensor_getitem(PyObject* self, PyObject* index);
[[nodiscard]] int tensor_setitem(PyObject* self, PyObject* index, PyObject* value);

// buffer.cpp: memory shared with others.
[[nodiscard]] Tensor tensor_on_buffer(PyObject* exporter);  // throws
[[nodiscard]] Tensor copy_of_buffer(PyObject* exporter);    // throws
[[nodiscard]] int tensor_getbuffer(PyObject* self, Py_buffer* view, int flags);
void tensor_releasebuffer(PyObject* self, Py_buffer* view);
[[nodiscard]] PyObject* tensor_numpy(PyObject* self, PyObject*);
[[nodiscard]] PyObject* tensor_array(PyObject* self, PyObject* const* args, Py_ssize_t count,
                                     PyObject* names);
[[nodiscard]] PyObject* tensor_reduce(PyObject* self, PyObject* protocol);
[[nodiscard]] PyObject* from_numpy(PyObject* module, PyObject* array);
[[nodiscard]] PyObject* rebuild_tensor(PyObject* module, PyObject* args);

// dlpack.cpp: the exchange format of array libraries.
[[nodiscard]] PyObject* tensor_dlpack(PyObject* self, PyObject* const* args, Py_ssize_t count,
                                      PyObject* names);
[[nodiscard]] PyObject* tensor_dlpack_device(PyObject* self, PyObject*);
[[nodiscard]] PyObject* from_dlpack(PyObject* module, PyObject* exporter);

[[nodiscard]] bool init_tensor(PyObject* module);

}  // namespace tine::python
