// Torch: how tensors of PyTorch are examined and made without PyTorch's headers. It uses DLPack's C exchange API, or
// PyTorch's capsules of version 0 where that API is missing. What torch.Tensor offers is looked up once, when the class
// is first seen.
//
// The caller holds the interpreter's lock; a tensor that make() returned may be dropped with the lock or without, on any
// thread, and keeps tine's tensor whose memory it shows. look() returns false where PyTorch says that its C functions do
// not apply. make() throws PyError. look() costs 0.1 us and make() 0.3 us; without the table about twice that.
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

// A thing of a Python module, which is imported when it is first asked for, and kept. The initializer of a `static` must not
// import: an import gives the interpreter's lock up, and a thread that waits for C++'s guard keeps it.
struct Imported {
  const char* module;
  const char* name;
  PyObject* object = nullptr;

  // Borrowed; null with the indicator set.
  [[nodiscard]] PyObject* get() {
    if (!object) {
      const PyRef from = PyRef::adopt(PyImport_ImportModule(module));
      PyRef found = PyRef::adopt(from ? PyObject_GetAttrString(from.get(), name) : nullptr);
      if (!object) object = found.leak();  // else another thread was first
    }
    return object;
  }
};

// A plain tensor in the CPU's memory.
struct Look {
  std::byte* data = nullptr;
  dlpack::Element element{};
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;  // in elements, one for each size
};

class Torch {
 public:
  // The Torch of the class torch.Tensor, made once. Throws if `type` is not that class.
  [[nodiscard]] static const Torch& of(PyTypeObject* type);

  // Returns false if the tensor has no memory of the CPU that DLPack can describe.
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
