// Tensors of PyTorch and buffers (PEP 574) beside a pickle: the sender takes them out of it, and the receiver puts them
// back (docs/spec/wire.md, section 3, "Tensors of other libraries").
//
// The caller holds the interpreter's lock, and a thread that holds it gives the memory back. Tensors and buffers keep the
// order in which the pickler met them. A leaf keeps the storages and buffers that it shows alive, not the tensors, which
// may get other memory meanwhile. liftable() returns None for a tensor that must be pickled; all other functions set the
// error indicator and throw.
//
// Each side takes about 0.5 us for a tensor, and copies nothing but the tensors that copied_leaf() names and the small
// ones of a message of thousands.
#pragma once

#include "python/src/convert.h"

namespace tine::python {

// liftable(tensor): the torch.Tensor to lift in its place, or None; lift(tensors, buffers): the last leaf; restore(type,
// bases, table): its tensors again; PyMethodDefs of METH_FASTCALL.
[[nodiscard]] PyObject* liftable(PyObject* module, PyObject* tensor);
[[nodiscard]] PyObject* lift(PyObject* module, PyObject* const* args, Py_ssize_t count);
[[nodiscard]] PyObject* restore(PyObject* module, PyObject* const* args, Py_ssize_t count);

namespace lifted {
// A row of the table: base, offset in bytes, element and flags, rank, sizes, strides.
inline constexpr size_t kRowHead = 4;
inline constexpr int64_t kNoBase = -1;  // without elements
inline constexpr uint32_t kRequiresGrad = 1;
inline constexpr uint32_t kShares = 2;       // the storage of its base, with others
inline constexpr uint32_t kLooseLayout = 4;  // its base has its sizes, and strides of its own
inline constexpr int64_t kMostRank = 64;
// Of memory that arrives; tensors that travel together in one base begin at as much as their own memory does.
inline constexpr size_t kAlignment = 64;
}  // namespace lifted

// False and a TypeError where a call does not fit.
[[nodiscard]] inline bool takes(bool fits, const char* function) {
  if (!fits) PyErr_Format(PyExc_TypeError, "%s(): other arguments were expected", function);
  return fits;
}

// A last leaf with memory of its own: what a worker sends to itself. Others are returned as they are.
[[nodiscard]] Value copied_leaf(const Value& leaf);

}  // namespace tine::python
