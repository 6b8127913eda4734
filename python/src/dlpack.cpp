#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "python/src/dlpack.h"
#include "python/src/tensor.h"
#include "python/src/tracing.h"

namespace tine::python {
namespace {

using namespace dlpack;

// What a capsule that we made stands on.
struct Export {
  Managed managed;
  Tensor tensor;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
};

Code code_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::kUInt8: return kUInt;
    case DType::kInt64: return kInt;
    case DType::kBool: return kBool;
    default: return kFloat;
  }
}

DType dtype_of(Element e) {
  if (e.lanes == 1) {
    if (e.code == kFloat && e.bits == 32) return DType::kFloat32;
    if (e.code == kFloat && e.bits == 64) return DType::kFloat64;
    if (e.code == kInt && e.bits == 64) return DType::kInt64;
    if (e.code == kUInt && e.bits == 8) return DType::kUInt8;
    if (e.code == kBool && e.bits == 8) return DType::kBool;
  }
  throw TypeError("from_dlpack(): the elements have type code " + std::to_string(e.code) + " with " +
                  std::to_string(e.bits) +
                  " bits, which tine does not have; expected float32, float64, int64, uint8 and bool");
}

void delete_capsule(PyObject* capsule) {
  // The consumer of a used capsule has taken the tensor over and deletes it.
  if (!PyCapsule_IsValid(capsule, kFresh)) return;
  auto* const managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule, kFresh));
  managed->deleter(managed);
}

// PyTorch's `c.conj().imag` has the negative numbers in its memory.
bool is_lazy_negative(PyObject* exporter) {
  const PyRef asked = PyRef::adopt(PyObject_GetAttrString(exporter, "is_neg"));
  const PyRef answer = asked ? PyRef::adopt(PyObject_CallNoArgs(asked.get())) : PyRef();
  return answer && answer.get() == Py_True;
}

}  // namespace

PyObject* tensor_dlpack(PyObject* self, PyObject* const*, Py_ssize_t, PyObject*) {
  return guarded([&]() -> PyObject* {
    const Tensor& tensor = tensor_of(self);
    if (!tensor.is_writable()) {
      PyErr_SetString(PyExc_BufferError,
                      "the tensor's memory was lent as read-only, which DLPack can't say; clone() it");
      return nullptr;
    }
    tell_fixed(tensor, "DLPack capsule");
    auto made = std::make_unique<Export>();
    made->tensor = tensor;
    made->shape.assign(tensor.sizes().begin(), tensor.sizes().end());
    made->strides.assign(tensor.strides().begin(), tensor.strides().end());
    made->managed.tensor = {tensor.data(),
                            kCpu,
                            0,
                            static_cast<int32_t>(tensor.dim()),
                            {code_of(tensor.dtype()), static_cast<uint8_t>(8 * size_of(tensor.dtype())), 1},
                            made->shape.data(),
                            made->strides.data(),
                            0};
    made->managed.context = made.get();
    made->managed.deleter = [](Managed* m) { delete static_cast<Export*>(m->context); };
    PyObject* const capsule = PyCapsule_New(&made->managed, kFresh, delete_capsule);
    if (capsule) (void)made.release();
    return capsule;
  });
}

PyObject* tensor_dlpack_device(PyObject*, PyObject*) { return Py_BuildValue("(ii)", kCpu, 0); }

PyObject* from_dlpack(PyObject*, PyObject* exporter) {
  if (is_lazy_negative(exporter)) {
    PyErr_SetString(
        PyExc_ValueError,
        "from_dlpack(): the tensor stands for the negative of its memory, which DLPack can't say; "
        "call resolve_neg() first");
    return nullptr;
  }
  PyErr_Clear();
  const PyRef capsule = PyCapsule_CheckExact(exporter)
                            ? PyRef::share(exporter)
                            : PyRef::adopt(PyObject_CallMethod(exporter, "__dlpack__", nullptr));
  if (!capsule) {
    if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
      PyErr_Format(PyExc_TypeError, "from_dlpack(): expected an array with __dlpack__ or a capsule, got %s",
                   TypeName(exporter).c_str());
    }
    return nullptr;
  }
  if (!PyCapsule_IsValid(capsule.get(), kFresh)) {
    PyErr_SetString(PyExc_ValueError,
                    "from_dlpack(): the capsule does not hold a DLPack tensor, or has been used already");
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    auto* const managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule.get(), kFresh));
    const DlTensor& t = managed->tensor;
    if (t.device_type != kCpu) {
      throw ValueError("from_dlpack(): the memory is on device type " + std::to_string(t.device_type) +
                       "; tine reads only the CPU's (1)");
    }
    const DType dtype = dtype_of(t.element);
    const std::vector<int64_t> sizes(t.shape, t.shape + t.ndim);
    if (!t.data && std::find(sizes.begin(), sizes.end(), 0) == sizes.end())
      throw ValueError("from_dlpack(): the tensor has no memory; pass a copy of its values");
    std::vector<int64_t> strides(sizes.size());
    int64_t step = 1;
    for (size_t i = sizes.size(); i-- > 0; step *= std::max<int64_t>(sizes[i], 1)) {
      strides[i] = t.strides ? t.strides[i] : step;
      if (strides[i] < 0)
        throw ValueError(
            "from_dlpack(): the tensor has negative strides, which tine's don't have; pass a copy");
    }
    // The producer's deleter takes the interpreter's lock by itself where it needs it.
    Tensor tensor = Tensor::from_blob(
        static_cast<char*>(t.data) + t.byte_offset, sizes, strides, dtype,
        [managed] {
          if (managed->deleter) managed->deleter(managed);
        },
        true);
    PyCapsule_SetName(capsule.get(), kUsed);
    return wrap_tensor(std::move(tensor));
  });
}

}  // namespace tine::python
