#include "python/src/convert.h"

#include <array>
#include <memory>
#include <vector>

#include "python/src/records.h"
#include "python/src/tracing.h"

namespace tine::python {

constinit Types types{};

namespace {

using tine::detail::make_ref;
using tine::detail::Ref;

struct Conversion {
  Wrap wrap = nullptr;
  Unwrap unwrap = nullptr;
};
constinit std::array<Conversion, static_cast<size_t>(Tag::kForeign) + 1> conversions{};

thread_local int nested = 0;

PyObject* checked(PyObject* object) {
  if (!object) throw_error();
  return object;
}

template <class Set>
PyObject* fill(PyObject* container, std::span<const Value> items, Set set) {
  if (!container) return nullptr;
  for (size_t i = 0; i < items.size(); ++i) {
    PyObject* const item = to_python(items[i]);
    if (!item) {
      Py_DECREF(container);
      return nullptr;
    }
    set(container, static_cast<Py_ssize_t>(i), item);
  }
  return container;
}

PyObject* dict_to_python(const Dict& dict) {
  PyRef result = PyRef::adopt(PyDict_New());
  if (!result) return nullptr;
  for (const auto& [key, value] : dict.items()) {
    const PyRef k = PyRef::adopt(to_python(key));
    const PyRef v = k ? PyRef::adopt(to_python(value)) : PyRef();
    if (!v || PyDict_SetItem(result.get(), k.get(), v.get()) < 0) return nullptr;
  }
  return result.leak();
}

PyObject* compound_to_python(const Value& value) {
  if (!enter_nested(" while converting a value")) return nullptr;
  PyObject* result = nullptr;
  if (value.is(Tag::kList)) {
    const auto& items = value.as_list().items;
    result = fill(PyList_New(static_cast<Py_ssize_t>(items.size())), items,
                  [](PyObject* c, Py_ssize_t i, PyObject* o) { PyList_SET_ITEM(c, i, o); });
  } else if (value.is(Tag::kTuple)) {
    const auto& items = value.as_tuple().items;
    result = fill(PyTuple_New(static_cast<Py_ssize_t>(items.size())), items,
                  [](PyObject* c, Py_ssize_t i, PyObject* o) { PyTuple_SET_ITEM(c, i, o); });
    if (const auto& type = value.as_tuple().type; type && result) {
      const PyRef plain = PyRef::adopt(result);
      result = instance_of(*type, result);
    }
  } else {
    result = dict_to_python(value.as_dict());
  }
  leave_nested();
  return result;
}

bool int_to_value(PyObject* object, Value* value) {
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow) return false;
  *value = Value(static_cast<int64_t>(number));
  return true;
}

bool str_to_value(PyObject* object, Value* value) {
  Py_ssize_t size = 0;
  const char* const chars = PyUnicode_AsUTF8AndSize(object, &size);
  if (!chars) {  // lone surrogates
    PyErr_Clear();
    return false;
  }
  *value = Value(std::string_view(chars, static_cast<size_t>(size)));
  return true;
}

std::vector<Value> items_of(PyObject* sequence) {
  std::vector<Value> items;
  items.reserve(static_cast<size_t>(PySequence_Fast_GET_SIZE(sequence)));
  // The size is read each time: converting an item may run Python code.
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence); ++i) {
    const PyRef item = PyRef::share(PySequence_Fast_GET_ITEM(sequence, i));
    items.push_back(to_value(item.get()));
  }
  return items;
}

Value dict_to_value(PyObject* object) {
  auto dict = make_ref<Dict>();
  const PyRef items = PyRef::adopt(checked(PyDict_Items(object)));
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
    PyObject* const pair = PyList_GET_ITEM(items.get(), i);
    Value key = to_value(PyTuple_GET_ITEM(pair, 0));
    if (!key.is_int() && !key.is_string() && !key.is_bool() && !key.is_float() && !key.is(Tag::kEnum))
      return foreign_value(object);
    dict->set(std::move(key), to_value(PyTuple_GET_ITEM(pair, 1)));
  }
  return Value(std::move(dict));
}

}  // namespace

bool enter_nested(const char* where) noexcept {
  constexpr int kDeepest = 1000;
  if (nested == kDeepest) {
    PyErr_Format(PyExc_RecursionError, "maximum recursion depth exceeded%s", where);
    return false;
  }
  if (Py_EnterRecursiveCall(where)) return false;
  ++nested;
  return true;
}

void leave_nested() noexcept {
  --nested;
  Py_LeaveRecursiveCall();
}

void set_conversion(Tag tag, Wrap wrap, Unwrap unwrap) {
  conversions[static_cast<size_t>(tag)] = {wrap, unwrap};
}

PyRef text_of(std::string_view text) {
  return PyRef::adopt(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

PyObject* to_python(const Value& value) {
  switch (value.tag()) {
    case Tag::kNone: Py_RETURN_NONE;
    case Tag::kBool: return PyBool_FromLong(value.as_bool());
    case Tag::kInt: return PyLong_FromLongLong(value.as_int());
    case Tag::kFloat: return PyFloat_FromDouble(value.as_float());
    case Tag::kTensor: return wrap_tensor(value.as_tensor());
    case Tag::kString: return text_of(value.as_string()).leak();
    case Tag::kList:
    case Tag::kTuple:
    case Tag::kDict: return compound_to_python(value);
    case Tag::kFuture: return wrap_future(Ref<tine::detail::State<Value>>::share(value.as_future_state()));
    case Tag::kForeign:
      if (PyObject* const object = foreign_object(value)) return Py_NewRef(object);
      [[fallthrough]];
    case Tag::kObject:
    case Tag::kRRef:
    case Tag::kEnum:
      if (const Wrap wrap = conversions[static_cast<size_t>(value.tag())].wrap) return wrap(value);
      break;
  }
  PyErr_Format(PyExc_TypeError, "a value of type %s has no Python form",
               std::string(name_of(value.tag())).c_str());
  return nullptr;
}

Value to_value_shallow(PyObject* object) {
  PyTypeObject* const type = Py_TYPE(object);
  Value value;
  if (object == Py_None) return value;
  if (type == &PyLong_Type) {
    if (int_to_value(object, &value)) return value;
  } else if (type == &PyFloat_Type) {
    return Value(PyFloat_AS_DOUBLE(object));
  } else if (type == types.tensor) {
    return Value(tensor_of(object));
  } else if (type == &PyBool_Type) {
    return Value(object == Py_True);
  } else if (type == &PyUnicode_Type) {
    if (str_to_value(object, &value)) return value;
  }
  return foreign_value(object);
}

Value to_value(PyObject* object) {
  PyTypeObject* const type = Py_TYPE(object);
  Value value;
  if (object == Py_None) return value;
  if (PyBool_Check(object)) return Value(object == Py_True);
  if (PyLong_Check(object)) {
    return int_to_value(object, &value) ? value : foreign_value(object);
  }
  if (PyFloat_Check(object)) return Value(PyFloat_AS_DOUBLE(object));
  if (is_tensor(object)) return Value(tensor_of(object));
  if (PyUnicode_Check(object)) {
    return str_to_value(object, &value) ? value : foreign_value(object);
  }
  if (type == types.dtype) return Value(static_cast<int64_t>(dtype_of(object)));
  if (type == types.traced_number) return number_of(object);
  if (PyList_Check(object)) {
    const Nested nested(" while converting a list");
    return Value(make_ref<List>(items_of(object)));
  }
  if (PyTuple_Check(object)) {
    const Nested nested(" while converting a tuple");
    Value tuple(make_ref<Tuple>(items_of(object)));
    const TypePtr of_class = PyTuple_CheckExact(object) ? nullptr : type_of_class(type);
    return of_class ? with_classes(tuple, of_class) : tuple;
  }
  if (PyDict_Check(object)) {
    const Nested nested(" while converting a dict");
    return dict_to_value(object);
  }
  if (is_future(object)) return Value(future_of(object));
  for (const Conversion& c : conversions) {
    if (c.unwrap && c.unwrap(object, &value)) return value;
  }
  return foreign_value(object);
}

}  // namespace tine::python
