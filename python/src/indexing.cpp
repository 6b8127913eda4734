#include <string>
#include <vector>

#include "python/src/abi.h"
#include "python/src/builtin.h"
#include "python/src/tensor.h"
#include "python/src/tracing.h"

// x[index]: the subscript as the list of indices that aten::__getitem__ and aten::_set_item take (its home,
// src/value/ops/subscript.cpp, says what may be in it), so that a trace sees what they are.

namespace tine::python {
namespace {

// The rows that indexing calls, and what stands in its lists.
struct Rows {
  OpRows select = op_rows("aten::select");
  OpRows slice = op_rows("aten::slice");
  OpRows read = op_rows("aten::__getitem__");
  OpRows write = op_rows("aten::_set_item");
  OpRows assign = op_rows("aten::_assign");
  Value ellipsis = Value("...");
  Value slice_follows = Value(":");

  static const Rows& get() {
    static const Rows* const rows = new Rows;
    return *rows;
  }
};

// An int of the program's, or of the trace, which records where it comes from.
Value number(PyObject* object, PyObject* overflow) {
  if (is_traced_number(object) && stand_in_of(object).dtype() == DType::kInt64) [[unlikely]]
    return traced_value(object);
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
  return traced_value(list.get());
}

void add_index(PyObject* item, std::vector<Value>* to) {
  if (PySlice_Check(item)) {
    const abi::Slice s(item);
    to->insert(to->end(), {Rows::get().slice_follows, bound(s.start), bound(s.stop), bound(s.step)});
  } else if (item == Py_None) {
    to->emplace_back();
  } else if (item == Py_Ellipsis) {
    to->push_back(Rows::get().ellipsis);
  } else if (PyBool_Check(item)) {
    to->emplace_back(item == Py_True);
  } else if (is_traced_number(item)) {
    to->push_back(number(item, PyExc_IndexError));
  } else if (is_tensor(item)) {
    to->emplace_back(tensor_of(item));
  } else if (const bool many = PySequence_Check(item) && !PyUnicode_Check(item) && !PyBytes_Check(item);
             many && PyObject_CheckBuffer(item)) {  // an array, which calls itself an index, too
    to->emplace_back(copy_of_buffer(item));
  } else if (is_foreign_array(item)) {
    throw TypeError("a Tensor's index can't be another library's array" + array_hint(foreign_value(item)));
  } else if (many) {
    to->push_back(list_of(item));
  } else if (PyIndex_Check(item)) {
    to->push_back(number(item, PyExc_IndexError));
  } else {
    throw IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None, bools, lists of numbers and int64 or bool "
        "Tensors "
        "are valid indices (got " +
        std::string(TypeName(item).c_str()) + ")");
  }
}

Value indices(PyObject* index) {
  std::vector<Value> items;
  if (PyTuple_Check(index)) {
    items.reserve(static_cast<size_t>(PyTuple_GET_SIZE(index)) + 6);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(index); ++i) add_index(PyTuple_GET_ITEM(index, i), &items);
  } else {
    add_index(index, &items);
  }
  return Value(tine::detail::make_ref<List>(std::move(items)));
}

// Most subscripts are an int or a single slice, which need no list. Empty for all others.
Value simple_index(PyObject* self, PyObject* index) {
  const Tensor& x = tensor_of(self);
  if (x.dim() == 0) return {};
  if (PyLong_CheckExact(index))
    return call_op(Rows::get().select, {Value(x), Value(int64_t{0}), number(index, PyExc_IndexError)});
  if (!PySlice_Check(index)) return {};
  const abi::Slice s(index);
  const Value start = bound(s.start), stop = bound(s.stop);
  const Value step = s.step == Py_None ? Value(int64_t{1}) : bound(s.step);
  if (start.is_tensor() || stop.is_tensor() || step.is_tensor()) return {};  // the list keeps them
  return call_op(Rows::get().slice, {Value(x), Value(int64_t{0}), start, stop, step});
}

}  // namespace

PyObject* tensor_getitem(PyObject* self, PyObject* index) {
  return guarded([&]() -> PyObject* {
    Value view = simple_index(self, index);
    if (!view.is_none()) return wrap_tensor(std::move(view));
    return wrap_tensor(call_op(Rows::get().read, {Value(tensor_of(self)), indices(index)}));
  });
}

int tensor_setitem(PyObject* self, PyObject* index, PyObject* value) {
  if (!value) {
    PyErr_SetString(PyExc_TypeError, "a tensor's elements can't be deleted");
    return -1;
  }
  return guarded([&]() -> int {
    Value to_write = traced_value(value);
    if (to_write.is(Tag::kForeign) && PyObject_CheckBuffer(value) && !PyBytes_Check(value))
      to_write = Value(copy_of_buffer(value));
    const Value view = PySlice_Check(index) ? Value() : simple_index(self, index);
    if (!view.is_none()) {
      (void)call_op(Rows::get().assign, {view, to_write});
    } else {
      (void)call_op(Rows::get().write, {Value(tensor_of(self)), indices(index), to_write});
    }
    return 0;
  });
}

}  // namespace tine::python
