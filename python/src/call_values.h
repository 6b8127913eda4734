// Arguments: the values of a call, on the stack, at most kMost.
//
// A tensor is lent: its Python object, which the caller holds, owns the reference that the Value seems to own. The Value
// is therefore neither counted up nor destroyed. An eager call of two tensors costs 90 ns, and counting them up and down
// would add a tenth. All other values are the Arguments' own. Making them needs the interpreter's lock; keeping and
// dropping lent ones does not.
#pragma once

#include <cstdlib>
#include <new>
#include <span>

#include "python/src/convert.h"
#include "python/src/tensor.h"

namespace tine::python {

class Arguments {
 public:
  static constexpr size_t kMost = 16;

  Arguments() noexcept = default;
  ~Arguments() { clear(); }
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  void lend(const Tensor& tensor) noexcept { new (place()) Value(Tensor::adopt(tensor.impl())); }
  void own(Value value) noexcept {
    owned_ |= 1u << size_;
    new (place()) Value(std::move(value));
  }
  void number(Value value) noexcept { new (place()) Value(std::move(value)); }  // nothing to destroy
  // The value of a Python object. `other` converts objects that are not tensors, numbers or None.
  template <class Other>
  void push(PyObject* object, const Other& other) {
    PyTypeObject* const type = Py_TYPE(object);
    if (type == types.tensor || is_tensor(object)) {
      lend(tensor_of(object));
    } else if (type == &PyFloat_Type) {
      number(Value(PyFloat_AS_DOUBLE(object)));
    } else if (type == &PyLong_Type && std::abs(Py_SIZE(object)) <= 1) {
      number(Value(static_cast<int64_t>(PyLong_AsLong(object))));
    } else if (object == Py_None) {
      number(Value());
    } else {
      own(other(object));
    }
  }
  void clear() noexcept {
    for (size_t i = 0; i < size_; ++i) {
      if (owned_ >> i & 1) at(i).~Value();
    }
    owned_ = 0;
    size_ = 0;
  }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  [[nodiscard]] const Value* data() const noexcept { return reinterpret_cast<const Value*>(storage_); }
  [[nodiscard]] std::span<const Value> span() const noexcept { return {data(), size_}; }

 private:
  Value& at(size_t i) noexcept { return reinterpret_cast<Value*>(storage_)[i]; }
  void* place() noexcept { return storage_ + sizeof(Value) * size_++; }

  alignas(Value) std::byte storage_[sizeof(Value) * kMost];
  uint32_t owned_ = 0;
  size_t size_ = 0;
};

}  // namespace tine::python
