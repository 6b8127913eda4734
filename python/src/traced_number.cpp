// TracedNumber: a size of a traced run, or what is computed from sizes.

#include <new>
#include <string>

#include "python/src/tracing.h"

namespace tine::python {
namespace {

struct PyNumber {
  PyObject_HEAD Tensor stand_in;
};

// The rows of the language's operators.
struct Rows {
  OpRows add = op_rows("aten::add"), sub = op_rows("aten::sub"), mul = op_rows("aten::mul");
  OpRows div = op_rows("aten::div"), floordiv = op_rows("aten::floordiv");
  OpRows remainder = op_rows("aten::remainder"), pow = op_rows("aten::pow");
  OpRows neg = op_rows("aten::neg"), abs = op_rows("prim::abs"), invert = op_rows("aten::bitwise_not");
  OpRows both = op_rows("aten::__and__"), either = op_rows("aten::__or__"), differ = op_rows("aten::__xor__");
  OpRows lshift = op_rows("aten::__lshift__"), rshift = op_rows("aten::__rshift__");
  OpRows lt = op_rows("aten::lt"), le = op_rows("aten::le"), eq = op_rows("aten::eq");
  OpRows ne = op_rows("aten::ne"), gt = op_rows("aten::gt"), ge = op_rows("aten::ge");
  OpRows floor = op_rows("aten::floor"), ceil = op_rows("aten::ceil"), trunc = op_rows("aten::trunc");
  OpRows to_int = op_rows("aten::Int"), to_float = op_rows("aten::Float");

  static const Rows& get() {
    static const Rows* const rows = new Rows;
    return *rows;
  }
};

void dealloc(PyObject* self) {
  std::destroy_at(&reinterpret_cast<PyNumber*>(self)->stand_in);
  free_object(self);
}

// The number as a plain Python number. The trace is told that it becomes a constant.
PyObject* fixed(PyObject* self, const char* as) {
  return guarded([&] {
    tell_fixed(stand_in_of(self), as);
    return to_python(number_of(self));
  });
}

// ---- arithmetic

bool is_operand(PyObject* object) {
  return is_traced_number(object) || PyLong_Check(object) || PyFloat_Check(object);
}
// bool counts as int, as in Python.
Value operand(PyObject* object) {
  const Value value = traced_value(object);
  if (value.is_bool()) return Value(static_cast<int64_t>(value.as_bool()));
  const bool is_bool = value.is_tensor() && value.as_tensor().dtype() == DType::kBool;
  return is_bool ? call_op(Rows::get().to_int, {value}) : value;
}

template <OpRows Rows::*Row>
PyObject* binary(PyObject* a, PyObject* b) {
  if (!is_operand(a) || !is_operand(b)) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] { return traced_to_python(call_op(Rows::get().*Row, {operand(a), operand(b)})); });
}
// A script divides by 0 as C does. The traced program gets Python's exception.
template <OpRows Rows::*Row>
PyObject* divide(PyObject* a, PyObject* b) {
  if (is_operand(a) && is_operand(b)) {
    const PyRef divisor = PyRef::adopt(is_traced_number(b) ? to_python(number_of(b)) : Py_NewRef(b));
    if (divisor && PyObject_Not(divisor.get()) == 1) {
      PyErr_SetString(PyExc_ZeroDivisionError, "division by zero");
      return nullptr;
    }
  }
  return binary<Row>(a, b);
}
PyObject* divide_both(PyObject* a, PyObject* b) {
  const PyRef quotient = PyRef::adopt(divide<&Rows::floordiv>(a, b));
  if (!quotient || quotient.get() == Py_NotImplemented) return PyRef(quotient).leak();
  const PyRef rest = PyRef::adopt(divide<&Rows::remainder>(a, b));
  return rest ? PyTuple_Pack(2, quotient.get(), rest.get()) : nullptr;
}
// A power of ints is an int, or a float if the exponent is negative.
PyObject* power(PyObject* a, PyObject* b, PyObject* modulus) {
  if (!is_operand(a) || !is_operand(b) || modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
  return guarded([&] {
    const Rows& rows = Rows::get();
    const Value base = to_value(a), exponent = to_value(b);
    const bool ints = !base.is_float() && !exponent.is_float();
    const bool whole = ints && exponent.to_int() >= 0;
    const Value from = ints && !whole ? call_op(rows.to_float, {operand(a)}) : operand(a);
    const Value result = call_op(rows.pow, {from, operand(b)});
    const bool is_int =
        result.is_int() || (result.is_tensor() && result.as_tensor().dtype() == DType::kInt64);
    return traced_to_python(whole && !is_int ? call_op(rows.to_int, {result}) : result);
  });
}
template <OpRows Rows::*Row>
PyObject* unary(PyObject* a) {
  return guarded([&] { return traced_to_python(call_op(Rows::get().*Row, {operand(a)})); });
}
template <OpRows Rows::*Row>
PyObject* method(PyObject* a, PyObject*) {
  return unary<Row>(a);
}
PyObject* itself(PyObject* a) { return Py_NewRef(a); }
PyObject* itself(PyObject* a, PyObject*) { return Py_NewRef(a); }

PyObject* compare(PyObject* a, PyObject* b, int how) {
  if (!is_operand(b)) Py_RETURN_NOTIMPLEMENTED;
  const Rows& rows = Rows::get();
  const OpRows row = how == Py_EQ   ? rows.eq
                     : how == Py_NE ? rows.ne
                     : how == Py_LT ? rows.lt
                     : how == Py_LE ? rows.le
                     : how == Py_GT ? rows.gt
                                    : rows.ge;
  return guarded([&] { return traced_to_python(call_op(row, {operand(a), operand(b)})); });
}

// ---- where it becomes Python's own

int to_bool(PyObject* self) {
  const PyRef number = PyRef::adopt(fixed(self, "Python boolean"));
  return number ? PyObject_IsTrue(number.get()) : -1;
}
PyObject* to_int(PyObject* self) {
  const PyRef number = PyRef::adopt(fixed(self, "Python integer"));
  return number ? PyNumber_Long(number.get()) : nullptr;
}
PyObject* to_float(PyObject* self) {
  const PyRef number = PyRef::adopt(fixed(self, "Python float"));
  return number ? PyNumber_Float(number.get()) : nullptr;
}
PyObject* to_index(PyObject* self) {
  if (is_floating(stand_in_of(self).dtype())) {
    PyErr_SetString(PyExc_TypeError, "'float' object cannot be interpreted as an integer");
    return nullptr;
  }
  const PyRef number = PyRef::adopt(fixed(self, "Python index"));
  return number ? PyNumber_Long(number.get()) : nullptr;
}
Py_hash_t hash(PyObject* self) {
  const PyRef number = PyRef::adopt(fixed(self, "Python number"));
  return number ? PyObject_Hash(number.get()) : -1;
}
PyObject* repr(PyObject* self) {
  const PyRef number = PyRef::adopt(fixed(self, "Python number"));
  return number ? PyObject_Repr(number.get()) : nullptr;
}
PyObject* format(PyObject* self, PyObject* spec) {
  const PyRef number = PyRef::adopt(fixed(self, "Python number"));
  return number ? PyObject_Format(number.get(), spec) : nullptr;
}
PyObject* reduce(PyObject* self, PyObject* protocol) {
  const PyRef number = PyRef::adopt(fixed(self, "Python number"));
  return number ? PyObject_CallMethod(number.get(), "__reduce_ex__", "O", protocol) : nullptr;
}
PyObject* rounded(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  if (count == 0 && stand_in_of(self).dtype() == DType::kInt64) return Py_NewRef(self);
  const PyRef number = PyRef::adopt(fixed(self, "Python number"));
  const PyRef function = number ? PyRef::adopt(PyObject_GetAttrString(number.get(), "__round__")) : PyRef();
  return function ? PyObject_Vectorcall(function.get(), args, static_cast<size_t>(count), nullptr) : nullptr;
}
// What else ints, floats and bools have.
PyObject* attribute(PyObject* self, PyObject* name) {
  PyObject* const own = PyObject_GenericGetAttr(self, name);
  if (own || !PyErr_ExceptionMatches(PyExc_AttributeError)) return own;
  PyErr_Clear();
  const PyRef number = PyRef::adopt(fixed(self, "Python number"));
  return number ? PyObject_GetAttr(number.get(), name) : nullptr;
}

// isinstance(n, int) looks here.
PyObject* get_class(PyObject* self, void*) {
  const DType dtype = stand_in_of(self).dtype();
  return Py_NewRef(reinterpret_cast<PyObject*>(dtype == DType::kInt64     ? &PyLong_Type
                                               : dtype == DType::kFloat64 ? &PyFloat_Type
                                                                          : &PyBool_Type));
}
PyObject* get_self(PyObject* self, void*) { return Py_NewRef(self); }

PyMethodDef methods[] = {{"__floor__", method<&Rows::floor>, METH_NOARGS, nullptr},
                         {"__ceil__", method<&Rows::ceil>, METH_NOARGS, nullptr},
                         {"__trunc__", method<&Rows::trunc>, METH_NOARGS, nullptr},
                         {"__round__", as_method(rounded), METH_FASTCALL, nullptr},
                         {"conjugate", itself, METH_NOARGS, nullptr},
                         {"__copy__", itself, METH_NOARGS, nullptr},
                         {"__deepcopy__", itself, METH_O, nullptr},
                         {"__format__", format, METH_O, nullptr},
                         {"__reduce_ex__", reduce, METH_O, nullptr},
                         {}};
PyGetSetDef getset[] = {
    {"__class__", get_class, nullptr, nullptr, nullptr}, {"real", get_self, nullptr, nullptr, nullptr}, {}};

template <class F>
void* slot(F* f) {
  return reinterpret_cast<void*>(f);
}
PyType_Slot slots[] = {
    {Py_tp_dealloc, slot(dealloc)},
    {Py_tp_repr, slot(repr)},
    {Py_tp_hash, slot(hash)},
    {Py_tp_richcompare, slot(compare)},
    {Py_tp_getattro, slot(attribute)},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {Py_nb_add, slot(binary<&Rows::add>)},
    {Py_nb_subtract, slot(binary<&Rows::sub>)},
    {Py_nb_multiply, slot(binary<&Rows::mul>)},
    {Py_nb_true_divide, slot(divide<&Rows::div>)},
    {Py_nb_floor_divide, slot(divide<&Rows::floordiv>)},
    {Py_nb_remainder, slot(divide<&Rows::remainder>)},
    {Py_nb_divmod, slot(divide_both)},
    {Py_nb_power, slot(power)},
    {Py_nb_and, slot(binary<&Rows::both>)},
    {Py_nb_or, slot(binary<&Rows::either>)},
    {Py_nb_xor, slot(binary<&Rows::differ>)},
    {Py_nb_lshift, slot(binary<&Rows::lshift>)},
    {Py_nb_rshift, slot(binary<&Rows::rshift>)},
    {Py_nb_negative, slot(unary<&Rows::neg>)},
    {Py_nb_positive, slot<PyObject*(PyObject*)>(itself)},
    {Py_nb_absolute, slot(unary<&Rows::abs>)},
    {Py_nb_invert, slot(unary<&Rows::invert>)},
    {Py_nb_bool, slot(to_bool)},
    {Py_nb_int, slot(to_int)},
    {Py_nb_float, slot(to_float)},
    {Py_nb_index, slot(to_index)},
    {Py_tp_doc,
     const_cast<char*>(
         "A size while a function is traced, or a number computed from sizes: an int, float or bool for "
         "isinstance\n"
         "and arithmetic, and a value of the graph that is being recorded. Where Python itself needs the "
         "number\n"
         "(`if`, range, int(), a key of a dict, text) it gets that of this run, with a TracerWarning.")},
    {0, nullptr}};
PyType_Spec spec = {"tine._C.TracedNumber", sizeof(PyNumber), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

const Tensor& stand_in_of(PyObject* object) noexcept { return reinterpret_cast<PyNumber*>(object)->stand_in; }

Value number_of(PyObject* object) { return script::Tracer::number_in(stand_in_of(object)); }

PyObject* wrap_number(const Tensor& stand_in) {
  PyObject* const made = PyType_GenericAlloc(types.traced_number, 0);
  if (made) std::construct_at(&reinterpret_cast<PyNumber*>(made)->stand_in, stand_in);
  return made;
}

bool init_traced_number(PyObject* module) {
  types.traced_number = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return types.traced_number && PyModule_AddType(module, types.traced_number) == 0;
}

}  // namespace tine::python
