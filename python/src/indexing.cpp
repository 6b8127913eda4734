#include <span>
#include <string>
#include <vector>

#include "python/src/builtin.h"
#include "python/src/tensor.h"
#include "python/src/tracing.h"

// x[index] as a chain of operators, so that a trace sees what they are: views for ints, slices, None and
// Ellipsis; index and index_put_ where tensors or lists of numbers take part.

namespace tine::python {
namespace {

// The rows that indexing calls.
struct Rows {
  OpRows select = op_rows("aten::select");
  OpRows slice = op_rows("aten::slice");
  OpRows unsqueeze = op_rows("aten::unsqueeze");
  OpRows index = op_rows("aten::index");
  OpRows index_put = op_rows("aten::index_put_");
  OpRows copy = op_rows("aten::copy_");
  OpRows fill = op_rows("aten::fill_");
  OpRows tensor = op_rows("aten::tensor");
  OpRows type_as = op_rows("aten::type_as");

  static const Rows& get() {
    static const Rows* const rows = new Rows;
    return *rows;
  }
};

// What an index leaves of a tensor: a view, and for each of its dimensions a tensor of indices or none.
struct Indexed {
  Value view;
  std::vector<Value> indices;
  bool advanced = false;
};

bool is_index_tensor(PyObject* item) { return is_tensor(item) || PyList_Check(item); }

// How many of the tensor's dimensions the item takes.
int64_t dims_taken(PyObject* item) {
  if (item == Py_None || item == Py_Ellipsis || PyBool_Check(item)) return 0;
  if (is_tensor(item) && tensor_of(item).dtype() == DType::kBool) {
    return tensor_of(item).dim();
  }
  return 1;
}

// A size of a traced run, or a tensor of one int: a trace records where it comes from.
bool is_traced_int(PyObject* object) {
  if (!tracing()) return false;
  if (is_traced_number(object)) return stand_in_of(object).dtype() == DType::kInt64;
  return is_tensor(object) && tensor_of(object).dim() == 0 && !is_floating(tensor_of(object).dtype()) &&
         tensor_of(object).dtype() != DType::kBool;
}

Value int_or_none(PyObject* object) {
  if (object == Py_None) return {};
  if (is_traced_int(object)) [[unlikely]]
    return traced_value(object);
  const Py_ssize_t n = PyNumber_AsSsize_t(object, nullptr);  // clamps, as slices do
  if (n == -1 && PyErr_Occurred()) throw_error();
  return Value(static_cast<int64_t>(n));
}

Value slice(const Value& view, int64_t dim, PyObject* object) {
  const auto* const s = reinterpret_cast<PySliceObject*>(object);
  const Value step = s->step == Py_None ? Value(int64_t{1}) : int_or_none(s->step);
  const int64_t steps = step.is_tensor() ? step.as_tensor().item_as_int() : step.as_int();
  if (steps <= 0) throw ValueError("slice step must be positive, got " + std::to_string(steps));
  return call_op(Rows::get().slice, {view, Value(dim), int_or_none(s->start), int_or_none(s->stop), step});
}

Value index_tensor(PyObject* item) {
  if (is_tensor(item)) return Value(tensor_of(item));
  return call_op(Rows::get().tensor, {traced_value(item)});
}

Indexed apply(PyObject* self, PyObject* index) {
  std::vector<PyObject*> items;
  if (PyTuple_Check(index)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(index); ++i) items.push_back(PyTuple_GET_ITEM(index, i));
  } else {
    items.push_back(index);
  }
  const int64_t dims = tensor_of(self).dim();
  int64_t taken = 0;
  int ellipses = 0;
  for (PyObject* item : items) {
    taken += dims_taken(item);
    ellipses += item == Py_Ellipsis;
  }
  if (ellipses > 1) throw IndexError("an index can only have a single ellipsis ('...')");
  if (taken > dims) {
    throw IndexError("too many indices for tensor of dimension " + std::to_string(dims) + ": " +
                     std::to_string(taken) + " were given");
  }
  Indexed out{Value(tensor_of(self)), {}, false};
  int64_t dim = 0;
  const auto put = [&](Value tensor) {
    out.indices.resize(static_cast<size_t>(dim));
    out.indices.push_back(std::move(tensor));
    out.advanced = true;
  };
  for (PyObject* item : items) {
    if (item == Py_None) {
      out.view = call_op(Rows::get().unsqueeze, {out.view, Value(dim++)});
    } else if (item == Py_Ellipsis) {
      dim += dims - taken;
    } else if (PySlice_Check(item)) {
      const auto* const s = reinterpret_cast<PySliceObject*>(item);
      if (s->start != Py_None || s->stop != Py_None || s->step != Py_None)
        out.view = slice(out.view, dim, item);
      ++dim;
    } else if (is_traced_int(item)) {
      out.view = call_op(Rows::get().select, {out.view, Value(dim), traced_value(item)});
    } else if (PyBool_Check(item)) {
      out.view = call_op(Rows::get().unsqueeze, {out.view, Value(dim)});
      put(Value(Tensor::scalar(item == Py_True)));
      ++dim;
    } else if (is_index_tensor(item)) {
      const int64_t n = is_tensor(item) ? std::max<int64_t>(dims_taken(item), 1) : 1;
      if (is_tensor(item) && tensor_of(item).dim() == 0 && !is_floating(tensor_of(item).dtype()) &&
          tensor_of(item).dtype() != DType::kBool) {
        out.view = call_op(Rows::get().select, {out.view, Value(dim), Value(tensor_of(item).item_as_int())});
        continue;
      }
      put(index_tensor(item));
      dim += n;
      out.indices.resize(static_cast<size_t>(dim - n + 1));
    } else if (PyIndex_Check(item)) {
      const Py_ssize_t i = PyNumber_AsSsize_t(item, PyExc_IndexError);
      if (i == -1 && PyErr_Occurred()) throw_error();
      out.view = call_op(Rows::get().select, {out.view, Value(dim), Value(static_cast<int64_t>(i))});
    } else {
      throw IndexError(
          "only integers, slices (`:`), ellipsis (`...`), None and long or bool Variables are valid indices "
          "(got " +
          std::string(Py_TYPE(item)->tp_name) + ")");
    }
  }
  return out;
}

}  // namespace

PyObject* tensor_getitem(PyObject* self, PyObject* index) {
  return guarded([&]() -> PyObject* {
    if (PyLong_CheckExact(index) && tensor_of(self).dim() > 0) {  // what most indices are
      const Py_ssize_t i = PyNumber_AsSsize_t(index, PyExc_IndexError);
      if (i == -1 && PyErr_Occurred()) return nullptr;
      return wrap_tensor(call_op(
          Rows::get().select, {Value(tensor_of(self)), Value(int64_t{0}), Value(static_cast<int64_t>(i))}));
    }
    Indexed indexed = apply(self, index);
    if (indexed.advanced) {
      auto list = tine::detail::make_ref<List>(std::move(indexed.indices));
      return wrap_tensor(call_op(Rows::get().index, {indexed.view, Value(std::move(list))}));
    }
    // x[...] and x[:] are views too, not x itself.
    const Tensor& view = indexed.view.as_tensor();
    if (view.impl() == tensor_of(self).impl()) {
      const Tensor other = view.as_strided(view.sizes(), view.strides(), view.storage_offset());
      if (tracing()) [[unlikely]]
        record_same(other, view);
      return wrap_tensor(other);
    }
    return wrap_tensor(std::move(indexed.view));
  });
}

int tensor_setitem(PyObject* self, PyObject* index, PyObject* value) {
  if (!value) {
    PyErr_SetString(PyExc_TypeError, "a tensor's elements can't be deleted");
    return -1;
  }
  return guarded([&]() -> int {
    Value to_write = traced_value(value);
    if (to_write.is(Tag::kForeign) && PyObject_CheckBuffer(value)) to_write = Value(copy_of_buffer(value));
    if (to_write.is(Tag::kList)) to_write = call_op(Rows::get().tensor, {to_write});
    Indexed indexed = apply(self, index);
    if (indexed.advanced) {
      if (is_traced_number(value)) [[unlikely]]
        to_write = call_op(Rows::get().type_as, {call_op(Rows::get().tensor, {to_write}), indexed.view});
      if (!to_write.is_tensor()) {
        const DType dtype = tensor_of(self).dtype();
        to_write = Value(is_floating(dtype)      ? Tensor::scalar(to_write.to_float(), dtype)
                         : dtype == DType::kBool ? Tensor::scalar(to_write.to_int() != 0)
                                                 : Tensor::scalar(to_write.to_int(), dtype));
      }
      auto list = tine::detail::make_ref<List>(std::move(indexed.indices));
      (void)call_op(Rows::get().index_put, {indexed.view, Value(std::move(list)), to_write});
    } else {
      (void)call_op(to_write.is_tensor() ? Rows::get().copy : Rows::get().fill, {indexed.view, to_write});
    }
    return 0;
  });
}

}  // namespace tine::python
