// Tensors of PyTorch and buffers (PEP 574) beside a pickle: out of it at the sender, into it at the receiver.
//
// State      None.
// Threads    The caller holds the lock. The memory is given back by a thread that holds it, too.
// Ordering   Tensors and buffers keep the order in which the pickler met them.
// Ownership  A leaf keeps the storages and buffers that it shows, not the tensors: these may get other memory meanwhile.
// Errors     liftable: None where a tensor must be pickled. Everything else throws through the indicator.
// Cost       About 0.5 us a tensor on each side; no copy, but for those that copied_leaf says and the small ones of a
//            message of thousands.
// Source     docs/spec/wire.md, section 3 ("Tensors of other libraries").
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
