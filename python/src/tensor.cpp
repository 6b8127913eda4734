#include "python/src/tensor.h"

#include <bit>
#include <cstddef>
#include <new>
#include <span>
#include <string>

#include "python/src/arguments.h"
#include "python/src/builtin.h"
#include "python/src/tracing.h"
#include "tine/convert.h"
#include "tine/runtime.h"

namespace tine::python {
namespace {

constexpr int kFreeListSize = 64;
struct FreeList {
  int size;
  PyTensor* items[kFreeListSize];
};
constinit FreeList free_list{};

PyTensor* as_tensor(PyObject* object) noexcept { return reinterpret_cast<PyTensor*>(object); }
PyObject* as_object(PyTensor* tensor) noexcept { return reinterpret_cast<PyObject*>(tensor); }

PyObject* adopt(Tensor&& tensor) {
  PyTensor* self;
  if (free_list.size > 0) {
    self = free_list.items[--free_list.size];
    PyObject_Init(as_object(self), types.tensor);
  } else {
    self = PyObject_New(PyTensor, types.tensor);
    if (!self) return nullptr;
  }
  new (&self->tensor) Tensor(std::move(tensor));
  self->weakrefs = nullptr;
  self->tensor.impl()->binding = self;
  return as_object(self);
}

// The same elements behind another handle: what a subclass shows, so that the tensor keeps its own object.
Tensor alias(const Tensor& t) {
  Tensor other = t.as_strided(t.sizes(), t.strides(), t.storage_offset());
  if (tracing()) [[unlikely]]
    record_same(other, t);
  return other;
}

PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject*) {
  static const OpRows& make = *new OpRows(op_rows("aten::tensor"));
  static const OpRows& empty = *new OpRows(op_rows("aten::empty"));
  return guarded([&]() -> PyObject* {
    Tensor tensor;
    PyObject* const first = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : nullptr;
    if (first && is_tensor(first)) {
      tensor = alias(tensor_of(first));
    } else if (first && (PyLong_Check(first) || is_traced_number(first) || Py_TYPE(first) == types.size)) {
      // Sizes.
      const Value sizes = traced_value(Py_TYPE(first) == types.size ? first : args);
      tensor = call_op(empty, {sizes}).as_tensor();
    } else if (first && PyObject_CheckBuffer(first)) {
      tensor = copy_of_buffer(first).to(DType::kFloat32);
    } else if (first) {
      tensor = call_op(make, {to_value(first)}).as_tensor().to(DType::kFloat32);
    } else {
      const int64_t none[] = {0};
      tensor = Tensor::empty(none, DType::kFloat32);
    }
    if (type == types.tensor) return wrap_tensor(std::move(tensor));
    PyObject* const object = PyType_GenericAlloc(type, 0);
    if (!object) return nullptr;
    PyTensor* const self = as_tensor(object);
    if (tensor.impl()->binding) tensor = alias(tensor);
    new (&self->tensor) Tensor(std::move(tensor));
    self->tensor.impl()->binding = self;
    return object;
  });
}

void tensor_dealloc(PyObject* object) {
  PyTensor* const self = as_tensor(object);
  PyTypeObject* const type = Py_TYPE(object);
  if (type != types.tensor && PyType_HasFeature(type, Py_TPFLAGS_HAVE_GC)) PyObject_GC_UnTrack(object);
  if (self->weakrefs) PyObject_ClearWeakRefs(object);
  if (self->tensor.defined() && self->tensor.impl()->binding == self) self->tensor.impl()->binding = nullptr;
  self->tensor.~Tensor();
  if (type == types.tensor && free_list.size < kFreeListSize) {
    free_list.items[free_list.size++] = self;
  } else {
    free_object(type, object);
  }
  Py_DECREF(type);
}

// ---- operators of the language

// The slots' operators, looked up once.
struct Slots {
// The formatter never comes to rest here.
// clang-format off
#define TINE_SLOTS(_) \
  _(add) _(sub) _(mul) _(div) _(floor_divide) _(remainder) _(pow) _(matmul) _(neg) _(abs) _(eq) \
  _(ne) _(lt) _(le) _(gt) _(ge) _(add_) _(sub_) _(mul_) _(div_) _(bitwise_and) _(bitwise_or) \
  _(bitwise_xor) _(bitwise_not) _(logical_and) _(logical_or) _(logical_xor) _(logical_not) \
  _(unbind) _(numpy_T) _(clone)
// clang-format on
#define TINE_SLOT(name) OpRows name = find("aten::" #name);
  TINE_SLOTS(TINE_SLOT)
#undef TINE_SLOT
#undef TINE_SLOTS

  static const Slots& get() {
    static const Slots* const slots = new Slots;
    return *slots;
  }
  // Empty where the table has no such row: then the slot is not implemented.
  static OpRows find(const char* name) {
    const auto rows = Runtime::instance().ops().overloads(name);
    return {rows.data(), rows.size()};
  }
};

// An object that an operator may take; anything else gets its own turn with __radd__ and the like.
bool is_operand(PyObject* o) {
  return is_tensor(o) || PyLong_Check(o) || PyFloat_Check(o) || PyIndex_Check(o) || PyObject_CheckBuffer(o);
}

template <OpRows Slots::*Row>
PyObject* binary(PyObject* a, PyObject* b) {
  const OpRows rows = Slots::get().*Row;
  if (!rows.count || !is_operand(a) || !is_operand(b)) Py_RETURN_NOTIMPLEMENTED;
  PyObject* const args[] = {a, b};
  return call_op(rows, args, 2, nullptr);
}
template <OpRows Slots::*Row>
PyObject* unary(PyObject* a) {
  const OpRows rows = Slots::get().*Row;
  if (!rows.count) Py_RETURN_NOTIMPLEMENTED;
  return call_op(rows, &a, 1, nullptr);
}
// Bitwise where the table has it, else logical, which is the same for bool.
template <OpRows Slots::*Bitwise, OpRows Slots::*Logical>
PyObject* bits(PyObject* a, PyObject* b) {
  const OpRows rows = (Slots::get().*Bitwise).count ? Slots::get().*Bitwise : Slots::get().*Logical;
  if (!rows.count || !is_operand(a) || !is_operand(b)) Py_RETURN_NOTIMPLEMENTED;
  PyObject* const args[] = {a, b};
  return call_op(rows, args, 2, nullptr);
}
PyObject* invert(PyObject* a) {
  const Slots& slots = Slots::get();
  const OpRows rows = slots.bitwise_not.count ? slots.bitwise_not : slots.logical_not;
  return call_op(rows, &a, 1, nullptr);
}
PyObject* power(PyObject* a, PyObject* b, PyObject* modulus) {
  if (modulus != Py_None) {
    PyErr_SetString(PyExc_TypeError, "pow() of a tensor takes no modulus");
    return nullptr;
  }
  return binary<&Slots::pow>(a, b);
}
PyObject* positive(PyObject* a) { return Py_NewRef(a); }

PyObject* compare(PyObject* a, PyObject* b, int how) {
  const Slots& slots = Slots::get();
  if (!is_operand(b)) Py_RETURN_NOTIMPLEMENTED;
  const OpRows rows = how == Py_EQ   ? slots.eq
                      : how == Py_NE ? slots.ne
                      : how == Py_LT ? slots.lt
                      : how == Py_LE ? slots.le
                      : how == Py_GT ? slots.gt
                                     : slots.ge;
  PyObject* const args[] = {a, b};
  return call_op(rows, args, 2, nullptr);
}

// ---- one element

int to_bool(PyObject* object) {
  const Tensor& t = tensor_of(object);
  if (t.numel() != 1) {
    PyErr_SetString(PyExc_RuntimeError, t.numel()
                                            ? "Boolean value of Tensor with more than one value is ambiguous"
                                            : "Boolean value of Tensor with no values is ambiguous");
    return -1;
  }
  return guarded([&]() -> int {
    tell_fixed(t, "Python boolean");
    return is_floating(t.dtype()) ? t.item_as_double() != 0 : t.item_as_int() != 0;
  });
}
PyObject* number_in(PyObject* object, const char* as) {
  const Tensor& t = tensor_of(object);
  if (t.numel() != 1) {
    PyErr_Format(PyExc_RuntimeError, "a Tensor with %lld elements cannot be converted to Scalar",
                 static_cast<long long>(t.numel()));
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    tell_fixed(t, as);
    if (t.dtype() == DType::kBool) return PyBool_FromLong(t.item_as_bool());
    return is_floating(t.dtype()) ? PyFloat_FromDouble(t.item_as_double())
                                  : PyLong_FromLongLong(t.item_as_int());
  });
}
PyObject* item(PyObject* object, PyObject*) { return number_in(object, "Python number"); }
PyObject* to_float(PyObject* object) {
  const PyRef number = PyRef::adopt(number_in(object, "Python float"));
  return number ? PyNumber_Float(number.get()) : nullptr;
}
PyObject* as_int(PyObject* object, const char* as) {
  const PyRef number = PyRef::adopt(number_in(object, as));
  return number ? PyNumber_Long(number.get()) : nullptr;
}
PyObject* to_int(PyObject* object) { return as_int(object, "Python integer"); }
PyObject* to_index(PyObject* object) {
  const Tensor& t = tensor_of(object);
  if (is_floating(t.dtype()) || t.numel() != 1) {
    PyErr_SetString(PyExc_TypeError, "only integer tensors of a single element can be converted to an index");
    return nullptr;
  }
  return as_int(object, "Python index");
}

PyObject* list_from(const char* data, std::span<const int64_t> sizes, std::span<const int64_t> strides,
                    DType dtype) {
  if (sizes.empty()) {
    switch (dtype) {
      case DType::kFloat32: return PyFloat_FromDouble(*reinterpret_cast<const float*>(data));
      case DType::kFloat64: return PyFloat_FromDouble(*reinterpret_cast<const double*>(data));
      case DType::kInt64: return PyLong_FromLongLong(*reinterpret_cast<const int64_t*>(data));
      case DType::kUInt8: return PyLong_FromLong(*reinterpret_cast<const uint8_t*>(data));
      case DType::kBool: return PyBool_FromLong(*data);
    }
  }
  PyRef list = PyRef::adopt(PyList_New(static_cast<Py_ssize_t>(sizes[0])));
  for (int64_t i = 0; list && i < sizes[0]; ++i) {
    PyObject* const element = list_from(data + i * strides[0] * static_cast<int64_t>(size_of(dtype)),
                                        sizes.subspan(1), strides.subspan(1), dtype);
    if (!element) return nullptr;
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), element);
  }
  return list.leak();
}
PyObject* tolist(PyObject* object, PyObject*) {
  const Tensor& t = tensor_of(object);
  tell_fixed(t, "Python list");
  return list_from(static_cast<const char*>(t.data()), t.sizes(), t.strides(), t.dtype());
}

// ---- shape

// What a trace answers itself: a number that it knows again.
PyObject* traced(const char* op, PyObject* object, PyObject* argument = nullptr) {
  PyObject* const args[] = {object, argument};
  return call_op(op_rows(op), args, argument ? 2 : 1, nullptr);
}
// All sizes (or strides), one by one: a program may need one of them only.
PyObject* traced_all(const char* op, PyObject* object) {
  const auto dims = static_cast<Py_ssize_t>(tensor_of(object).dim());
  PyRef tuple = PyRef::adopt(PyType_GenericAlloc(types.size, dims));
  for (Py_ssize_t i = 0; tuple && i < dims; ++i) {
    const PyRef dim = PyRef::adopt(PyLong_FromSsize_t(i));
    PyObject* const number = dim ? traced(op, object, dim.get()) : nullptr;
    if (!number) return nullptr;
    PyTuple_SET_ITEM(tuple.get(), i, number);
  }
  return tuple.leak();
}

PyObject* shape(PyObject* object) {
  if (tracing()) [[unlikely]]
    return traced_all("aten::size", object);
  return make_size(tensor_of(object).sizes());
}
// The argument of size() and stride(), null for none or None.
bool parse_dim(const char* function, PyObject* const* args, Py_ssize_t count, PyObject* names,
               PyObject** dim) {
  static const char* const kNames[] = {"dim"};
  *dim = count == 1 && !names ? args[0] : nullptr;
  if ((count > 1 || names) && !parse_arguments({function, kNames, 0, 1}, args, count, names, dim))
    return false;
  if (*dim == Py_None) *dim = nullptr;
  return true;
}
PyObject* size(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  PyObject* given = nullptr;
  if (!parse_dim("size", args, count, names, &given)) return nullptr;
  if (!given) return shape(object);
  if (tracing()) [[unlikely]]
    return traced("aten::size", object, given);
  const long long dim = PyLong_AsLongLong(given);
  if (dim == -1 && PyErr_Occurred()) return nullptr;
  return guarded([&] { return PyLong_FromLongLong(tensor_of(object).size(dim)); });
}
PyObject* stride(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  PyObject* given = nullptr;
  if (!parse_dim("stride", args, count, names, &given)) return nullptr;
  const std::span<const int64_t> strides = tensor_of(object).strides();
  const auto dims = static_cast<long long>(strides.size());
  if (tracing()) [[unlikely]] {
    const PyRef list = PyRef::adopt(traced("aten::stride", object));
    if (!list) return nullptr;
    return given ? PyObject_GetItem(list.get(), given) : PySequence_Tuple(list.get());
  }
  if (!given) {
    const PyRef tuple = PyRef::adopt(make_size(strides));
    return tuple ? PyTuple_GetSlice(tuple.get(), 0, PyTuple_GET_SIZE(tuple.get())) : nullptr;
  }
  const long long dim = PyLong_AsLongLong(given);
  if (dim == -1 && PyErr_Occurred()) return nullptr;
  if (dim < -dims || dim >= dims) {
    PyErr_Format(PyExc_IndexError,
                 "Dimension out of range (expected to be in range of [%lld, %lld], but got %lld)", -dims,
                 dims - 1, dim);
    return nullptr;
  }
  return PyLong_FromLongLong(strides[static_cast<size_t>(dim < 0 ? dim + dims : dim)]);
}
Py_ssize_t length(PyObject* object) {
  const Tensor& t = tensor_of(object);
  if (t.dim() > 0) {
    tell_trace(
        t,
        "Using len to get tensor shape might cause the trace to be incorrect. Recommended usage would be "
        "tensor.shape[0]. Passing a tensor of different shape might lead to errors or silently give "
        "incorrect results.");
    return static_cast<Py_ssize_t>(t.sizes()[0]);
  }
  PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor");
  return -1;
}
PyObject* iterate(PyObject* object) {
  if (tensor_of(object).dim() == 0) {
    PyErr_SetString(PyExc_TypeError, "iteration over a 0-d tensor");
    return nullptr;
  }
  tell_trace(
      tensor_of(object),
      "Iterating over a tensor might cause the trace to be incorrect. Passing a tensor of different shape "
      "won't change the number of iterations executed (and might lead to errors or silently give "
      "incorrect results).");
  const PyRef rows = PyRef::adopt(unary<&Slots::unbind>(object));
  return rows ? PyObject_GetIter(rows.get()) : nullptr;
}
int contains(PyObject* object, PyObject* element) {
  const PyRef equal = PyRef::adopt(compare(object, element, Py_EQ));
  if (!equal) return -1;
  if (!is_tensor(equal.get())) return 0;
  const PyRef any = PyRef::adopt(PyObject_CallMethod(equal.get(), "any", nullptr));
  return any ? PyObject_IsTrue(any.get()) : -1;
}
PyObject* dim(PyObject* object, PyObject*) {
  if (tracing()) [[unlikely]]
    return traced("aten::dim", object);
  return PyLong_FromLongLong(tensor_of(object).dim());
}
PyObject* numel(PyObject* object, PyObject*) {
  if (tracing()) [[unlikely]]
    return traced("aten::numel", object);
  return PyLong_FromLongLong(tensor_of(object).numel());
}
PyObject* data_ptr(PyObject* object, PyObject*) { return PyLong_FromVoidPtr(tensor_of(object).data()); }
PyObject* storage_offset(PyObject* object, PyObject*) {
  return PyLong_FromLongLong(tensor_of(object).storage_offset());
}
PyObject* element_size(PyObject* object, PyObject*) {
  return PyLong_FromSize_t(size_of(tensor_of(object).dtype()));
}

PyObject* get_shape(PyObject* object, void*) { return shape(object); }
PyObject* get_dtype(PyObject* object, void*) { return wrap_dtype(tensor_of(object).dtype()); }
PyObject* get_ndim(PyObject* object, void*) { return dim(object, nullptr); }
PyObject* get_t(PyObject* object, void*) { return unary<&Slots::numpy_T>(object); }
PyObject* get_false(PyObject*, void*) { Py_RETURN_FALSE; }
PyObject* get_true(PyObject*, void*) { Py_RETURN_TRUE; }
PyObject* get_none(PyObject*, void*) { Py_RETURN_NONE; }
PyObject* get_device(PyObject*, void*) {
  const PyRef tine = PyRef::adopt(PyImport_ImportModule("tine"));
  return tine ? PyObject_GetAttrString(tine.get(), "_cpu") : nullptr;
}
PyObject* get_priority(PyObject*, void*) { return PyLong_FromLong(1000); }
PyObject* get_data(PyObject* object, void*) {
  return guarded([&] { return wrap_tensor(alias(tensor_of(object))); });
}
PyObject* get_nbytes(PyObject* object, void*) {
  const PyRef elements = PyRef::adopt(numel(object, nullptr));
  const PyRef bytes = PyRef::adopt(element_size(object, nullptr));
  return elements && bytes ? PyNumber_Multiply(elements.get(), bytes.get()) : nullptr;
}
int refuse_grad(PyObject* on) {
  const int wanted = PyObject_IsTrue(on);
  if (wanted > 0) {
    PyErr_SetString(
        PyExc_NotImplementedError,
        "requires_grad=True: tine has no automatic differentiation; write the gradient as a function");
  }
  return wanted == 0 ? 0 : -1;
}
int set_requires_grad(PyObject*, PyObject* on, void*) {
  if (on) return refuse_grad(on);
  PyErr_SetString(PyExc_AttributeError, "requires_grad can't be deleted");
  return -1;
}
PyObject* requires_grad_(PyObject* object, PyObject* const* args, Py_ssize_t count) {
  if (refuse_grad(count ? args[0] : Py_True) < 0) return nullptr;
  return Py_NewRef(object);
}

// ---- text, copies

PyObject* repr(PyObject* object) {
  return guarded([&] { return text_of(tensor_of(object).repr()).leak(); });
}
PyObject* format(PyObject* object, PyObject* spec) {
  if (PyUnicode_GetLength(spec) == 0 || tensor_of(object).dim() > 0) {
    const PyRef text = PyRef::adopt(PyObject_Str(object));
    return text ? PyObject_Format(text.get(), spec) : nullptr;
  }
  const PyRef number = PyRef::adopt(item(object, nullptr));
  return number ? PyObject_Format(number.get(), spec) : nullptr;
}
PyObject* copy(PyObject* object, PyObject*) { return get_data(object, nullptr); }
PyObject* deepcopy(PyObject* object, PyObject* memo) {
  PyRef made = PyRef::adopt(unary<&Slots::clone>(object));
  if (made && Py_TYPE(object) != types.tensor) {
    made = PyRef::adopt(PyObject_CallMethod(reinterpret_cast<PyObject*>(Py_TYPE(object)), "__new__", "OO",
                                            Py_TYPE(object), made.get()));
  }
  const PyRef key = PyRef::adopt(PyLong_FromVoidPtr(object));
  if (!made || !key || (PyDict_Check(memo) && PyDict_SetItem(memo, key.get(), made.get()) < 0))
    return nullptr;
  return made.leak();
}

PyMethodDef methods[] = {
    {"item", item, METH_NOARGS,
     "item($self, /)\n--\n\nThe only element as a Python number; RuntimeError when there is not exactly "
     "one."},
    {"tolist", tolist, METH_NOARGS,
     "tolist($self, /)\n--\n\nNested lists of Python numbers; a number for a 0-d tensor."},
    {"numpy", tensor_numpy, METH_NOARGS,
     "numpy($self, /)\n--\n\nA NumPy array on the same memory, which stays alive as long as either."},
    {"__array__", as_method(tensor_array), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"size", as_method(size), METH_FASTCALL | METH_KEYWORDS,
     "size($self, /, dim=None)\n--\n\nThe shape, or the size of one dimension (negative counts from the "
     "end)."},
    {"stride", as_method(stride), METH_FASTCALL | METH_KEYWORDS,
     "stride($self, /, dim=None)\n--\n\nElements to step over in memory, for each dimension or one."},
    {"dim", dim, METH_NOARGS, "dim($self, /)\n--\n\nThe number of dimensions."},
    {"numel", numel, METH_NOARGS, "numel($self, /)\n--\n\nThe number of elements."},
    {"nelement", numel, METH_NOARGS, "nelement($self, /)\n--\n\nThe number of elements."},
    {"data_ptr", data_ptr, METH_NOARGS, "data_ptr($self, /)\n--\n\nThe address of the first element."},
    {"storage_offset", storage_offset, METH_NOARGS,
     "storage_offset($self, /)\n--\n\nElements before the first one in its storage."},
    {"element_size", element_size, METH_NOARGS, "element_size($self, /)\n--\n\nBytes of one element."},
    {"requires_grad_", as_method(requires_grad_), METH_FASTCALL,
     "requires_grad_($self, requires_grad=True, /)\n--\n\n"
     "The tensor itself for False; NotImplementedError for True: tine has no automatic differentiation."},
    {"__dlpack__", as_method(tensor_dlpack), METH_FASTCALL | METH_KEYWORDS,
     "__dlpack__($self, /, *, stream=None)\n--\n\nA DLPack capsule on the tensor's memory, for from_dlpack() "
     "of others."},
    {"__dlpack_device__", tensor_dlpack_device, METH_NOARGS,
     "__dlpack_device__($self, /)\n--\n\n(1, 0): the CPU, in DLPack's numbers."},
    {"__format__", format, METH_O, nullptr},
    {"__copy__", copy, METH_NOARGS, nullptr},
    {"__deepcopy__", deepcopy, METH_O, nullptr},
    {"__reduce_ex__", tensor_reduce, METH_O, nullptr},
    {}};

PyGetSetDef getset[] = {
    {"shape", get_shape, nullptr, "The sizes, a Size.", nullptr},
    {"dtype", get_dtype, nullptr, "The type of the elements.", nullptr},
    {"ndim", get_ndim, nullptr, "The number of dimensions.", nullptr},
    {"T", get_t, nullptr, "A view with the dimensions in reverse order.", nullptr},
    {"device", get_device, nullptr, "tine.device('cpu'): where all tensors are.", nullptr},
    {"data", get_data, nullptr, "Another tensor on the same memory.", nullptr},
    {"nbytes", get_nbytes, nullptr, "Bytes of all elements.", nullptr},
    {"requires_grad", get_false, set_requires_grad, "False: tine has no automatic differentiation.", nullptr},
    {"grad", get_none, nullptr, "None: tine has no automatic differentiation.", nullptr},
    {"is_leaf", get_true, nullptr, "True: tine has no automatic differentiation.", nullptr},
    {"is_cuda", get_false, nullptr, "False.", nullptr},
    {"__array_priority__", get_priority, nullptr, nullptr, nullptr},
    {}};

PyMemberDef members[] = {{"__weaklistoffset__", T_PYSSIZET, offsetof(PyTensor, weakrefs), READONLY, nullptr},
                         {}};

// By the address, as object's own; its low bits are always the same.
Py_hash_t hash(PyObject* object) noexcept {
  return static_cast<Py_hash_t>(std::rotr(reinterpret_cast<uintptr_t>(object), 4));
}

template <class F>
void* slot(F* f) {
  return reinterpret_cast<void*>(f);
}

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "Tensor(*data)\n--\n\nAn n-dimensional array; a handle on memory that views share.\n\n"
         "Made by tine.tensor, ones, zeros, from_numpy and the like. Its methods are tine's operators with\n"
         "the tensor as `self`. Source: torch.Tensor.")},
    {Py_tp_new, slot(tensor_new)},
    {Py_tp_dealloc, slot(tensor_dealloc)},
    {Py_tp_repr, slot(repr)},
    {Py_tp_hash, slot(hash)},
    {Py_tp_richcompare, slot(compare)},
    {Py_tp_iter, slot(iterate)},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {Py_tp_members, members},
    {Py_nb_add, slot(binary<&Slots::add>)},
    {Py_nb_subtract, slot(binary<&Slots::sub>)},
    {Py_nb_multiply, slot(binary<&Slots::mul>)},
    {Py_nb_true_divide, slot(binary<&Slots::div>)},
    {Py_nb_floor_divide, slot(binary<&Slots::floor_divide>)},
    {Py_nb_remainder, slot(binary<&Slots::remainder>)},
    {Py_nb_power, slot(power)},
    {Py_nb_matrix_multiply, slot(binary<&Slots::matmul>)},
    {Py_nb_inplace_add, slot(binary<&Slots::add_>)},
    {Py_nb_inplace_subtract, slot(binary<&Slots::sub_>)},
    {Py_nb_inplace_multiply, slot(binary<&Slots::mul_>)},
    {Py_nb_inplace_true_divide, slot(binary<&Slots::div_>)},
    {Py_nb_and, slot(bits<&Slots::bitwise_and, &Slots::logical_and>)},
    {Py_nb_or, slot(bits<&Slots::bitwise_or, &Slots::logical_or>)},
    {Py_nb_xor, slot(bits<&Slots::bitwise_xor, &Slots::logical_xor>)},
    {Py_nb_invert, slot(invert)},
    {Py_nb_negative, slot(unary<&Slots::neg>)},
    {Py_nb_positive, slot(positive)},
    {Py_nb_absolute, slot(unary<&Slots::abs>)},
    {Py_nb_bool, slot(to_bool)},
    {Py_nb_float, slot(to_float)},
    {Py_nb_int, slot(to_int)},
    {Py_nb_index, slot(to_index)},
    {Py_mp_length, slot(length)},
    {Py_mp_subscript, slot(tensor_getitem)},
    {Py_mp_ass_subscript, slot(tensor_setitem)},
    {Py_sq_contains, slot(contains)},
    {Py_bf_getbuffer, slot(tensor_getbuffer)},
    {Py_bf_releasebuffer, slot(tensor_releasebuffer)},
    {0, nullptr}};

// Not immutable: people add methods to it.
PyType_Spec spec = {"tine.Tensor", sizeof(PyTensor), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

const Tensor& tensor_of(PyObject* object) noexcept { return as_tensor(object)->tensor; }

PyObject* wrap_tensor(Tensor tensor) {
  if (!tensor.defined()) Py_RETURN_NONE;  // PyTorch shows an undefined tensor as None
  // One whose count is 0 is being torn down by its subclass: it must not be seen again.
  if (auto* const known = static_cast<PyObject*>(tensor.impl()->binding); known && Py_REFCNT(known) > 0) {
    return Py_NewRef(known);
  }
  return adopt(std::move(tensor));
}

PyObject* wrap_tensor(Value&& value) { return wrap_tensor(tine::detail::take_tensor(std::move(value))); }

bool init_tensor(PyObject* module) {
  // Its base class has the names that tine lacks (missing.cpp).
  const PyRef base = PyRef::adopt(make_tensor_base());
  if (!base) return false;
  types.tensor = reinterpret_cast<PyTypeObject*>(PyType_FromSpecWithBases(&spec, base.get()));
  return types.tensor &&
         PyModule_AddObjectRef(module, "Tensor", reinterpret_cast<PyObject*>(types.tensor)) == 0;
}

}  // namespace tine::python
