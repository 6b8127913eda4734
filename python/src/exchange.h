// Torch: how tensors of PyTorch are looked into and made, without PyTorch's headers.
//
// State      What was found on torch.Tensor when it was first seen: its table of C functions, or that there is none.
// Threads    The caller holds the lock. What `make` returns may be dropped on any thread, with the lock or without.
// Ordering   None.
// Ownership  A Look borrows nothing. A tensor that was made keeps tine's tensor whose memory it shows.
// Errors     look(): false where PyTorch says that its C functions do not apply. make() throws PyError.
// Cost       look(): 0.1 us, make(): 0.3 us; without the table about twice that.
// Source     DLPack's C exchange API; where it is missing, PyTorch's capsules of version 0.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "python/src/convert.h"
#include "python/src/dlpack.h"

namespace tine::python {

// What the C API returned; a failure is thrown.
[[nodiscard]] inline PyRef checked(PyObject* object) {
  if (!object) throw_error();
  return PyRef::adopt(object);
}

// A plain tensor in the CPU's memory.
struct Look {
  std::byte* data = nullptr;
  dlpack::Element element{};
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;  // in elements, one for each size
};

class Torch {
 public:
  // Of torch.Tensor; made once for each class (there is one). Throws where it is no such class.
  [[nodiscard]] static const Torch& of(PyTypeObject* type);

  // False where the tensor has no memory of the CPU's that DLPack can describe.
  [[nodiscard]] bool look(PyObject* tensor, Look* out) const;
  // A torch.Tensor on memory that `keep` owns.
  [[nodiscard]] PyRef make(const Tensor& keep, std::byte* data, dlpack::Element element,
                           std::span<const int64_t> sizes, std::span<const int64_t> strides) const;

 private:
  explicit Torch(PyTypeObject* type);
  bool look_by_table(PyObject* tensor, Look* out) const;
  bool look_by_capsule(PyObject* tensor, Look* out) const;

  PyTypeObject* type_;
  const dlpack::Exchange* table_ = nullptr;
  bool has_storages_ = false;  // what keeps memory while it is sent; before PyTorch 2.0 there is none
  PyRef to_capsule_, from_capsule_;
  PyRef int8_, uint8_;
};

}  // namespace tine::python
