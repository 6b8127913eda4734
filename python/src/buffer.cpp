#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "python/src/builtin.h"
#include "python/src/tensor.h"
#include "python/src/tracing.h"

// Memory shared with NumPy and other exporters of buffers (PEP 3118), and pickling.

namespace tine::python {
namespace {

const char* format_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::kUInt8: return "B";
    case DType::kInt64: return "q";
    case DType::kFloat32: return "f";
    case DType::kFloat64: return "d";
    case DType::kBool: return "?";
  }
  return "B";
}

// True and the dtype when tine has one for the buffer's elements.
bool dtype_of_format(const Py_buffer& view, DType* dtype) noexcept {
  const char* format = view.format ? view.format : "B";
  if (*format == '@' || *format == '=' || *format == '<') ++format;
  if (std::strlen(format) != 1) return false;
  const bool eight = view.itemsize == 8;
  switch (*format) {
    case 'B': *dtype = DType::kUInt8; return true;
    case '?': *dtype = DType::kBool; return true;
    case 'f': *dtype = DType::kFloat32; return true;
    case 'd': *dtype = DType::kFloat64; return true;
    case 'l':
    case 'q': *dtype = DType::kInt64; return eight;
    default: return false;
  }
}

struct ReleaseView {
  void operator()(Py_buffer* view) const {
    PyBuffer_Release(view);
    delete view;
  }
};
using View = std::unique_ptr<Py_buffer, ReleaseView>;

[[noreturn]] void refuse(PyObject* exporter, const std::string& elements) {
  throw TypeError("can't make a tensor of a " + std::string(TypeName(exporter).c_str()) + elements +
                  "; tine has float32, float64, int64, uint8 and bool: convert it with astype() first");
}

[[noreturn]] void refuse_format(PyObject* exporter, const Py_buffer& view) {
  refuse(exporter, std::string(" with elements of format '") + (view.format ? view.format : "B") + "' (" +
                       std::to_string(view.itemsize) + " bytes)");
}

// NumPy's scalar dates call themselves arrays of eight numbers.
bool is_date(PyObject* exporter) {
  const TypeName type(exporter);
  const std::string_view name = type.c_str();
  return name == "numpy.datetime64" || name == "numpy.timedelta64";
}

View view_of(PyObject* exporter) {
  if (is_date(exporter)) refuse(exporter, "");
  auto* const raw = new Py_buffer{};
  // Writable when it can be had.
  if (PyObject_GetBuffer(exporter, raw, PyBUF_STRIDED | PyBUF_FORMAT) < 0) {
    PyErr_Clear();
    if (PyObject_GetBuffer(exporter, raw, PyBUF_STRIDED_RO | PyBUF_FORMAT) < 0) {
      delete raw;
      throw_error();
    }
  }
  return View(raw);
}

// What the Py_buffer of an exported tensor points to.
struct Export {
  std::vector<Py_ssize_t> shape;
  std::vector<Py_ssize_t> strides;  // in bytes
};

// Fortran's order: the first index is the fastest.
bool is_fortran_contiguous(const Tensor& tensor) noexcept {
  if (tensor.numel() == 0) return true;
  int64_t step = 1;
  for (size_t i = 0; i < tensor.sizes().size(); ++i) {
    if (tensor.sizes()[i] != 1 && tensor.strides()[i] != step) return false;
    step *= tensor.sizes()[i];
  }
  return true;
}

}  // namespace

Tensor tensor_on_buffer(PyObject* exporter) {
  const View view = view_of(exporter);
  DType dtype;
  if (!dtype_of_format(*view, &dtype)) refuse_format(exporter, *view);
  std::vector<int64_t> sizes(view->shape, view->shape + view->ndim);
  std::vector<int64_t> strides(static_cast<size_t>(view->ndim));
  for (int i = 0; i < view->ndim; ++i) {
    const auto at = static_cast<size_t>(i);
    if (view->strides[i] < 0) {
      throw ValueError("dimension " + std::to_string(i) + " of the array has a negative stride (" +
                       std::to_string(view->strides[i]) +
                       " bytes), which tensors don't have; pass array.copy()");
    }
    if (view->strides[i] % view->itemsize != 0) {
      throw ValueError("dimension " + std::to_string(i) + " of the array has a stride of " +
                       std::to_string(view->strides[i]) + " bytes, which is not a multiple of its " +
                       std::to_string(view->itemsize) + "-byte elements; pass array.copy()");
    }
    strides[at] = view->strides[i] / view->itemsize;
  }
  // A memoryview keeps the export open; it is dropped with the storage, on whatever thread that is.
  PyObject* const keep = PyMemoryView_FromObject(exporter);
  if (!keep) throw_error();
  return Tensor::from_blob(
      view->buf, sizes, strides, dtype, [keep] { drop_anywhere(keep); }, !view->readonly);
}

Tensor copy_of_buffer(PyObject* exporter) {
  const View view = view_of(exporter);
  DType dtype;
  if (!dtype_of_format(*view, &dtype)) {
    // The integers and floats that tine has no dtype for become those that hold them.
    const PyRef array = PyRef::adopt(PyObject_GetAttrString(exporter, "astype"));
    const char* const format = view->format ? view->format : "B";
    const bool integer = std::strlen(format) == 1 && std::strchr("bhHiIlL", *format);
    const bool half = std::strlen(format) == 1 && *format == 'e';
    if (!array || (!integer && !half)) {
      PyErr_Clear();
      refuse_format(exporter, *view);
    }
    const PyRef converted =
        PyRef::adopt(PyObject_CallFunction(array.get(), "s", integer ? "int64" : "float32"));
    if (!converted) throw_error();
    Tensor tensor = copy_of_buffer(converted.get());
    if (*format == 'L' && view->itemsize == 8) {  // unsigned: numbers that do not fit have become negative
      const auto* const numbers = static_cast<const int64_t*>(tensor.data());
      if (std::any_of(numbers, numbers + tensor.numel(), [](int64_t n) { return n < 0; })) {
        throw OverflowError("can't make a tensor of a " + std::string(TypeName(exporter).c_str()) +
                            " with numbers from 2 ** 63 on; tine's integers are int64 and uint8");
      }
    }
    return tensor;
  }
  const std::vector<int64_t> sizes(view->shape, view->shape + view->ndim);
  Tensor tensor = Tensor::empty(sizes, dtype);
  if (PyBuffer_ToContiguous(tensor.data(), view.get(), view->len, 'C') < 0) throw_error();
  return tensor;
}

int tensor_getbuffer(PyObject* self, Py_buffer* view, int flags) {
  view->obj = nullptr;
  const Tensor& tensor = tensor_of(self);
  const auto refuse = [](const char* why) {
    PyErr_SetString(PyExc_BufferError, why);
    return -1;
  };
  const auto asks = [flags](int for_what) { return (flags & for_what) == for_what; };
  const bool c_order = tensor.is_contiguous();
  if (asks(PyBUF_WRITABLE) && !tensor.is_writable())
    return refuse("the tensor's memory was lent as read-only");
  if (!c_order && !asks(PyBUF_STRIDES))
    return refuse("the tensor is not contiguous and no strides were asked for; call contiguous() first");
  if (!c_order && asks(PyBUF_C_CONTIGUOUS))
    return refuse("the tensor is not contiguous; call contiguous() first");
  if (asks(PyBUF_F_CONTIGUOUS) && !is_fortran_contiguous(tensor))
    return refuse("the tensor is not contiguous in Fortran's order");
  if (asks(PyBUF_ANY_CONTIGUOUS) && !c_order && !is_fortran_contiguous(tensor))
    return refuse("the tensor is contiguous in neither order; call contiguous() first");
  return guarded([&]() -> int {
    tell_fixed(tensor, "NumPy array");
    auto shared = std::make_unique<Export>();
    const auto item = static_cast<Py_ssize_t>(size_of(tensor.dtype()));
    shared->shape.assign(tensor.sizes().begin(), tensor.sizes().end());
    for (const int64_t stride : tensor.strides()) shared->strides.push_back(stride * item);
    view->buf = tensor.data();
    view->len = tensor.numel() * item;
    view->itemsize = item;
    view->readonly = !tensor.is_writable();
    view->ndim = static_cast<int>(tensor.dim());
    view->format = asks(PyBUF_FORMAT) ? const_cast<char*>(format_of(tensor.dtype())) : nullptr;
    view->shape = asks(PyBUF_ND) && view->ndim ? shared->shape.data() : nullptr;
    view->strides = asks(PyBUF_STRIDES) && view->ndim ? shared->strides.data() : nullptr;
    view->suboffsets = nullptr;
    view->internal = shared.release();
    view->obj = Py_NewRef(self);
    return 0;
  });
}

void tensor_releasebuffer(PyObject*, Py_buffer* view) { delete static_cast<Export*>(view->internal); }

PyObject* tensor_numpy(PyObject* self, PyObject*) {
  const PyRef numpy = PyRef::adopt(PyImport_ImportModule("numpy"));
  const PyRef view = numpy ? PyRef::adopt(PyMemoryView_FromObject(self)) : PyRef();
  return view ? PyObject_CallMethod(numpy.get(), "asarray", "O", view.get()) : nullptr;
}

// array(x) and asarray(x, dtype): NumPy converts what comes back.
PyObject* tensor_array(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject*) {
  const PyRef array = PyRef::adopt(tensor_numpy(self, nullptr));
  if (!array || count == 0 || args[0] == Py_None) return PyRef(array).leak();
  return PyObject_CallMethod(array.get(), "astype", "O", args[0]);
}

PyObject* tensor_reduce(PyObject* self, PyObject* protocol) {
  const long version = PyLong_AsLong(protocol);
  if (version == -1 && PyErr_Occurred()) return nullptr;
  return guarded([&]() -> PyObject* {
    tell_fixed(tensor_of(self), "pickled object");
    const PyRef whole = PyRef::adopt(wrap_tensor(tensor_of(self).contiguous()));
    const PyRef rebuild = PyRef::adopt(PyImport_ImportModule("tine._C"));
    const PyRef function =
        rebuild ? PyRef::adopt(PyObject_GetAttrString(rebuild.get(), "_rebuild_tensor")) : PyRef();
    const PyRef sizes = PyRef::adopt(make_size(tensor_of(self).sizes()));
    const PyRef shape =
        sizes ? PyRef::adopt(PyTuple_GetSlice(sizes.get(), 0, PyTuple_GET_SIZE(sizes.get()))) : PyRef();
    const PyRef dtype = PyRef::adopt(wrap_dtype(tensor_of(self).dtype()));
    // With protocol 5 the pickler may send the elements beside the stream, without a copy.
    const PyRef pickle = PyRef::adopt(version >= 5 ? PyImport_ImportModule("pickle") : nullptr);
    PyRef data;
    if (pickle && whole) {
      data = PyRef::adopt(PyObject_CallMethod(pickle.get(), "PickleBuffer", "O", whole.get()));
    } else if (version < 5 && whole) {
      data = PyRef::adopt(PyObject_Bytes(whole.get()));
    }
    if (!function || !shape || !data) return nullptr;
    return Py_BuildValue("O(OOOO)", function.get(), Py_TYPE(self), data.get(), shape.get(), dtype.get());
  });
}

PyObject* rebuild_tensor(PyObject*, PyObject* args) {
  PyObject *type, *data, *shape, *dtype;
  if (!PyArg_ParseTuple(args, "O!OO!O!:_rebuild_tensor", &PyType_Type, &type, &data, &PyTuple_Type, &shape,
                        types.dtype, &dtype)) {
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    std::vector<int64_t> sizes;
    int64_t expected = static_cast<int64_t>(size_of(dtype_of(dtype)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(shape); ++i) {
      const long long n = PyLong_AsLongLong(PyTuple_GET_ITEM(shape, i));
      if (n == -1 && PyErr_Occurred()) return nullptr;
      if (n < 0 || __builtin_mul_overflow(expected, n, &expected))
        throw ValueError("a pickled tensor has an impossible shape");
      sizes.push_back(n);
    }
    auto view = std::make_unique<Py_buffer>();
    if (PyObject_GetBuffer(data, view.get(), PyBUF_SIMPLE) < 0) return nullptr;
    const std::unique_ptr<Py_buffer, void (*)(Py_buffer*)> held(view.get(), PyBuffer_Release);
    if (view->len != expected) {
      throw ValueError("a pickled tensor of " + std::to_string(expected) + " bytes came with " +
                       std::to_string(view->len));
    }
    Tensor tensor;
    if (view->readonly) {
      tensor = Tensor::empty(sizes, dtype_of(dtype));
      std::memcpy(tensor.data(), view->buf, static_cast<size_t>(view->len));
    } else {
      // The elements arrived beside the stream, and their memory is used as it is.
      std::vector<int64_t> strides(sizes.size());
      int64_t step = 1;
      for (size_t i = sizes.size(); i-- > 0; step *= std::max<int64_t>(sizes[i], 1)) strides[i] = step;
      PyObject* const keep = PyMemoryView_FromObject(data);
      if (!keep) return nullptr;
      tensor = Tensor::from_blob(
          view->buf, sizes, strides, dtype_of(dtype), [keep] { drop_anywhere(keep); }, true);
    }
    const PyRef object = PyRef::adopt(wrap_tensor(std::move(tensor)));
    if (!object || type == reinterpret_cast<PyObject*>(types.tensor)) return PyRef(object).leak();
    return PyObject_CallMethod(type, "__new__", "OO", type, object.get());
  });
}

PyObject* from_numpy(PyObject*, PyObject* array) {
  if (is_tensor(array) || !PyObject_CheckBuffer(array) || PyBytes_Check(array)) {
    PyErr_Format(PyExc_TypeError, "from_numpy(): expected np.ndarray (got %s)%s", TypeName(array).c_str(),
                 is_foreign_array(array) ? "; write from_dlpack(x) for another library's array" : "");
    return nullptr;
  }
  return guarded([&] { return wrap_tensor(tensor_on_buffer(array)); });
}

}  // namespace tine::python
