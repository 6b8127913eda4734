#include <string>
#include <vector>

#include "python/src/builtin.h"
#include "python/src/tensor.h"

// x[index]: the subscript as the list of indices that aten::__getitem__ and aten::_set_item take (its home,
// src/value/ops/subscript.cpp, says what may be in it), so that a trace sees what they are.

namespace tine::python {
namespace {

// The rows that indexing calls.
struct Rows {
  OpRows select = op_rows("aten::select");
  OpRows get = op_rows("aten::__getitem__");
  OpRows set = op_rows("aten::_set_item");

  static const Rows& get_rows() {
    static const Rows* const rows = new Rows;
    return *rows;
  }
};

Value number(PyObject* object, PyObject* overflow) {
  const Py_ssize_t n = PyNumber_AsSsize_t(object, overflow);
  if (n == -1 && PyErr_Occurred()) throw_error();
  return Value(static_cast<int64_t>(n));
}

// Of a slice. A Tensor stays one: a trace then keeps where it came from.
Value bound(PyObject* object) {
  if (object == Py_None) return {};
  if (is_tensor(object)) return Value(tensor_of(object));
  return number(object, nullptr);  // clamps, as slices do
}

Value list_of(PyObject* sequence) {
  const PyRef list = PyRef::adopt(PySequence_List(sequence));
  if (!list) throw_error();
  return to_value(list.get());
}

Value index_value(PyObject* item) {
  if (item == Py_None) return {};
  if (item == Py_Ellipsis) return Value("...");
  if (PyBool_Check(item)) return Value(item == Py_True);
  if (is_tensor(item)) return Value(tensor_of(item));
  if (PyIndex_Check(item)) return number(item, PyExc_IndexError);
  if (PySlice_Check(item)) {
    const auto* const s = reinterpret_cast<PySliceObject*>(item);
    return Value(tine::detail::make_ref<Tuple>(std::vector<Value>{bound(s->start), bound(s->stop), bound(s->step)}));
  }
  if (!PyUnicode_Check(item) && !PyBytes_Check(item)) {
    if (PyObject_CheckBuffer(item)) return Value(copy_of_buffer(item));
    if (PySequence_Check(item)) return list_of(item);
  }
  throw IndexError(
      "only integers, slices (`:`), ellipsis (`...`), None, bools, lists of numbers and int64 or bool Tensors are "
      "valid indices (got " +
      std::string(Py_TYPE(item)->tp_name) + ")");
}

Value indices(PyObject* index) {
  std::vector<Value> items;
  if (PyTuple_Check(index)) {
    items.reserve(static_cast<size_t>(PyTuple_GET_SIZE(index)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(index); ++i)
      items.push_back(index_value(PyTuple_GET_ITEM(index, i)));
  } else {
    items.push_back(index_value(index));
  }
  return Value(tine::detail::make_ref<List>(std::move(items)));
}

}  // namespace

PyObject* tensor_getitem(PyObject* self, PyObject* index) {
  return guarded([&]() -> PyObject* {
    if (PyLong_CheckExact(index) && tensor_of(self).dim() > 0) {  // what most indices are
      return wrap_tensor(call_op(Rows::get_rows().select, {Value(tensor_of(self)), Value(int64_t{0}),
                                                           number(index, PyExc_IndexError)}));
    }
    return wrap_tensor(call_op(Rows::get_rows().get, {Value(tensor_of(self)), indices(index)}));
  });
}

int tensor_setitem(PyObject* self, PyObject* index, PyObject* value) {
  if (!value) {
    PyErr_SetString(PyExc_TypeError, "a tensor's elements can't be deleted");
    return -1;
  }
  return guarded([&]() -> int {
    Value to_write = to_value(value);
    if (to_write.is(Tag::kForeign) && PyObject_CheckBuffer(value)) to_write = Value(copy_of_buffer(value));
    (void)call_op(Rows::get_rows().set, {Value(tensor_of(self)), indices(index), to_write});
    return 0;
  });
}

}  // namespace tine::python
