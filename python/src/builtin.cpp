#include "python/src/builtin.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "python/src/abi.h"
#include "python/src/call_values.h"
#include "python/src/tensor.h"
#include "python/src/tracing.h"
#include "tine/detail/fits.h"
#include "tine/runtime.h"
#include "tine/tracing.h"

namespace tine::python {
namespace {

PyBuiltin* as_builtin(PyObject* object) noexcept { return reinterpret_cast<PyBuiltin*>(object); }

// ---- arguments

// NumPy's scalars are numbers too, without a mention of NumPy.
Value number_like(PyObject* object) {
  const bool is_array = is_foreign_array(object);
  // NumPy's arrays of no dimension stand for their number, no others do.
  if (is_array && !PyObject_CheckBuffer(object)) return foreign_value(object);
  if (PyIndex_Check(object)) {
    const PyRef index = PyRef::adopt(PyNumber_Index(object));
    if (!index && !is_array) throw_error();
    if (index) return to_value(index.get());
    PyErr_Clear();
  }
  if (std::strncmp(TypeName(object).c_str(), "numpy.", 6) == 0 && PyNumber_Check(object) &&
      !PyObject_CheckBuffer(object)) {
    const PyRef number = PyRef::adopt(PyNumber_Float(object));
    if (!number) throw_error();
    return Value(PyFloat_AS_DOUBLE(number.get()));
  }
  // numpy.float32 and numpy.bool_ export a buffer of one element.
  Py_buffer view;
  if (std::strncmp(TypeName(object).c_str(), "numpy.", 6) == 0 && PyObject_CheckBuffer(object) &&
      PyObject_GetBuffer(object, &view, PyBUF_FORMAT | PyBUF_ND) == 0) {
    const bool scalar = view.ndim == 0;
    const char format = view.format ? view.format[0] : 'B';
    PyBuffer_Release(&view);
    if (scalar && format == '?') return Value(PyObject_IsTrue(object) == 1);
    if (scalar && (format == 'f' || format == 'd' || format == 'e')) {
      const double number = PyFloat_AsDouble(object);
      if (number == -1 && PyErr_Occurred()) throw_error();
      return Value(number);
    }
  }
  PyErr_Clear();
  return foreign_value(object);
}

void push(Arguments& args, PyObject* object) {
  args.push(object, [](PyObject* other) {
    Value value = to_value(other);
    return value.is(Tag::kForeign) ? number_like(other) : value;
  });
}

// ---- resolution

// The case of nearly every call: only positional arguments, each of which fits as it is. Adds the defaults after them.
bool fits_quickly(const Schema& schema, Arguments& args) {
  const size_t given = args.size();
  const size_t n = schema.args.size();
  if (given > n || n > Arguments::kMost) return false;
  const Argument* const params = schema.args.data();
  for (size_t i = 0; i < given; ++i) {
    if (params[i].keyword_only || !fits_at_once(args.data()[i], params[i])) return false;
  }
  for (size_t i = given; i < n; ++i) {
    if (!params[i].default_value) return false;
  }
  for (size_t i = given; i < n; ++i) {
    const Value& v = *params[i].default_value;
    if (v.tag() >= Tag::kTensor) {
      args.own(v);
    } else {
      args.number(v);
    }
  }
  return true;
}

// ---- the call

// A kernel that takes less than this is done before another thread could have taken the lock.
constexpr int64_t kWithTheLock = 4'000;

// Most calls are pointwise operators on a few elements, for which the estimate would cost a tenth of the call. No broadcast
// has more elements than the product of the operands' elements, and so few are done in time by the slowest operator.
bool is_small(const Op& op, const Value* args) noexcept {
  const size_t n = op.schema.args.size();
  if (op.traits.cost.rule != Cost::Rule::kResult || n > 3) return false;
  int64_t most = 1;
  for (size_t i = 0; i < n; ++i) {
    if (!args[i].is_tensor()) continue;
    const int64_t elements = args[i].as_tensor().numel();
    if (elements > 16) return false;
    most *= elements;
  }
  return most <= 128;
}

Value run(const Op& op, const Value* args) {
  OpContext& shared = Runtime::instance().ops().context();
  if (!is_small(op, args) && nanoseconds(op, args) > kWithTheLock) {
    const GilRelease release;
    return op.kernel(shared, args);
  }
  return op.kernel(shared, args);
}

// Several named results come as a named tuple, `x.max(0).values`; its type is made once for each row.
PyObject* to_named(const Op& op, const Value& value) {
  static auto& made = *new std::unordered_map<const Op*, PyTypeObject*>;  // under the interpreter's lock
  PyTypeObject*& type = made[&op];
  const size_t n = op.schema.return_notes.size();
  if (!type) {
    auto* const fields = new std::vector<PyStructSequence_Field>;  // the type keeps pointing to the names
    for (const ReturnNote& note : op.schema.return_notes) fields->push_back({note.name.c_str(), nullptr});
    fields->push_back({nullptr, nullptr});
    const auto* const name =
        new std::string("tine.return_types." + op.schema.name.substr(op.schema.name.rfind(':') + 1));
    PyStructSequence_Desc desc{name->c_str(), "Named results of one operator.", fields->data(),
                               static_cast<int>(n)};
    type = PyStructSequence_NewType(&desc);
    if (!type) return nullptr;
  }
  PyRef result = PyRef::adopt(PyStructSequence_New(type));
  for (size_t i = 0; result && i < n; ++i) {
    PyObject* const item = to_python(value.as_tuple().items[i]);
    if (!item) return nullptr;
    PyStructSequence_SET_ITEM(result.get(), static_cast<Py_ssize_t>(i), item);
  }
  return result.leak();
}

bool is_named(const Op& op, const Value& value) {
  const auto& notes = op.schema.return_notes;
  return value.is(Tag::kTuple) && !notes.empty() && !notes[0].name.empty() &&
         value.as_tuple().items.size() == notes.size();
}

PyObject* to_result(const Op& op, Value value) {
  if (value.is_tensor()) [[likely]]
    return wrap_tensor(std::move(value));
  return is_named(op, value) ? to_named(op, value) : to_python(value);
}

PyObject* call_slowly(OpRows rows, std::span<const Value> args, std::span<const Keyword> keywords) {
  std::vector<Value> bound;
  const Op& op = OpTable::resolve({rows.rows, rows.count}, args, keywords, Boundary::kPython, &bound);
  return to_result(op, run(op, bound.data()));
}

// `rows` become those of the operator that the arguments ask for.
void read_arguments(OpRows* rows, PyObject* const* args, Py_ssize_t positional, PyObject* names,
                    std::vector<Value>* values, std::vector<Keyword>* keywords) {
  const auto convert = [](PyObject* object) {
    Value value = traced_value(object);
    return value.is(Tag::kForeign) ? number_like(object) : value;
  };
  values->reserve(static_cast<size_t>(positional));
  for (Py_ssize_t i = 0; i < positional; ++i) values->push_back(convert(args[i]));
  const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
  for (Py_ssize_t i = 0; i < named; ++i) {
    Py_ssize_t size = 0;
    const char* const name = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(names, i), &size);
    if (!name) throw_error();
    const std::string_view text(name, static_cast<size_t>(size));
    // Arguments that PyTorch's operators take and the schemas do not mention.
    if (text == "requires_grad" && args[positional + i] == Py_False) continue;
    if (text == "out" && args[positional + i] == Py_None) continue;
    if (text == "as_tuple" && rows->rows[0]->schema.name == "aten::nonzero") {
      if (!PyBool_Check(args[positional + i])) throw TypeError("nonzero(): argument 'as_tuple' must be bool");
      if (args[positional + i] == Py_True) *rows = op_rows("aten::nonzero_numpy");
      continue;
    }
    keywords->emplace_back(text, convert(args[positional + i]));
  }
}

// nonzero_numpy's list is a tuple in Python.
PyObject* as_asked(OpRows rows, PyObject* result) {
  if (!result || rows.rows[0]->schema.name != "aten::nonzero_numpy") return result;
  const PyRef list = PyRef::adopt(result);
  return PyList_AsTuple(list.get());
}

PyObject* call_many(OpRows rows, PyObject* const* args, Py_ssize_t positional, PyObject* names) {
  std::vector<Value> values;
  std::vector<Keyword> keywords;
  read_arguments(&rows, args, positional, names, &values, &keywords);
  return with_array_hint(values, keywords,
                         [&] { return as_asked(rows, call_slowly(rows, values, keywords)); });
}

// Calls that a trace makes and records.
[[gnu::cold]] Value call_recorded(OpRows rows, std::span<const Value> args, std::span<const Keyword> keywords,
                                  const Op** chosen = nullptr) {
  return with_array_hint(args, keywords, [&] {
    return tracer_of_thread->call_rows({rows.rows, rows.count}, args, keywords, chosen);
  });
}
[[gnu::cold]] PyObject* call_recorded(OpRows rows, PyObject* const* args, Py_ssize_t positional,
                                      PyObject* names) {
  return guarded([&] {
    std::vector<Value> values;
    std::vector<Keyword> keywords;
    read_arguments(&rows, args, positional, names, &values, &keywords);
    const Op* op = nullptr;
    const Value result = call_recorded(rows, values, keywords, &op);
    return as_asked(rows, is_named(*op, result) ? to_named(*op, result) : traced_to_python(result));
  });
}

PyObject* builtin_vectorcall(PyObject* object, PyObject* const* args, size_t count, PyObject* names) {
  PyBuiltin* const self = as_builtin(object);
  const Py_ssize_t positional = PyVectorcall_NARGS(count);
  if (self->takes_any_array && positional > 0 && !PyBytes_Check(args[0]) && PyObject_CheckBuffer(args[0]) &&
      !is_tensor(args[0])) {
    return guarded([&]() -> PyObject* {
      const PyRef array = PyRef::adopt(wrap_tensor(copy_of_buffer(args[0])));
      if (!array) return nullptr;
      std::vector<PyObject*> replaced(args, args + positional + (names ? PyTuple_GET_SIZE(names) : 0));
      replaced[0] = array.get();
      return call_op({self->rows, self->count}, replaced.data(), positional, names);
    });
  }
  return call_op({self->rows, self->count}, args, positional, names);
}

// ---- the objects

PyObject* builtin_repr(PyObject* object) {
  return PyUnicode_FromFormat("<built-in operator %U>", as_builtin(object)->full_name);
}
PyObject* method_get(PyObject* object, PyObject* instance, PyObject*) {
  return instance && instance != Py_None ? abi::bound_method(object, instance) : Py_NewRef(object);
}
// The functions do not bind. With this slot `inspect` and `help()` take them for the routines that they are.
PyObject* function_get(PyObject* object, PyObject*, PyObject*) { return Py_NewRef(object); }
PyObject* builtin_reduce(PyObject* object, PyObject*) {
  if (Py_TYPE(object) == types.builtin)
    return Py_NewRef(as_builtin(object)->name);  // found by name in `tine`
  const PyRef builtins = PyRef::adopt(PyImport_ImportModule("builtins"));
  const PyRef getter = builtins ? PyRef::adopt(PyObject_GetAttrString(builtins.get(), "getattr")) : PyRef();
  return getter ? Py_BuildValue("O(OO)", getter.get(), types.tensor, as_builtin(object)->name) : nullptr;
}
PyObject* get_module(PyObject*, void*) { return PyUnicode_FromString("tine"); }
PyObject* get_qualname(PyObject* object, void*) {
  return Py_TYPE(object) == types.builtin ? Py_NewRef(as_builtin(object)->name)
                                          : PyUnicode_FromFormat("Tensor.%U", as_builtin(object)->name);
}
PyObject* get_doc(PyObject* object, void*) {
  const PyBuiltin* const self = as_builtin(object);
  std::string text = "Operator of tine's table, the same in Python, in scripts and on other workers:\n";
  for (size_t i = 0; i < self->count; ++i) text += "\n    " + self->rows[i]->schema.str();
  text +=
      "\n\nRaises TypeError when no overload fits, ShapeError when sizes do not go together.\n"
      "Source: PyTorch's operator of that name.";
  return text_of(text).leak();
}
PyObject* get_schemas(PyObject* object, void*) {
  return guarded([&] {
    const PyBuiltin& self = *as_builtin(object);
    const auto schema_of = [](const auto& row) { return row->schema.str(); };
    return tuple_of_texts(std::span(self.rows, self.count), schema_of).leak();
  });
}
// The last positional argument of x.view(2, 3).
bool takes_sizes(const std::vector<Argument>& args, size_t at) {
  return !args[at].keyword_only && takes_single_ints(args[at]) &&
         (at + 1 == args.size() || args[at + 1].keyword_only);
}
// Of the row when there is only one; several have none.
PyObject* get_signature(PyObject* object, void*) {
  const PyBuiltin* const self = as_builtin(object);
  if (self->count != 1) Py_RETURN_NONE;
  std::string text = "(";
  bool star = false;
  const auto& args = self->rows[0]->schema.args;
  for (size_t i = 0; i < args.size(); ++i) {
    const Argument& arg = args[i];
    const bool sizes = takes_sizes(args, i);
    if (text.size() > 1) text += ", ";
    if (arg.keyword_only && !star) text += "*, ";
    star = star || sizes || arg.keyword_only;
    // PyTorch's name in functions, which the operators take as well.
    const bool input = arg.name == "self" && Py_TYPE(object) == types.builtin;
    text += (sizes ? "*" : "") + (input ? "input" : arg.name);
    if (arg.default_value && !sizes) text += "=" + arg.default_value->repr();
  }
  // Which Python alone knows: it chooses between two operators.
  if (self->rows[0]->schema.name == "aten::nonzero") text += ", *, as_tuple=False";
  return text_of(text + ")").leak();
}

PyObject* get_signature_object(PyObject* object, void*) {
  const PyRef module = PyRef::adopt(PyImport_ImportModule("tine._signatures"));
  return module ? PyObject_CallMethod(module.get(), "signature_of", "O", object) : nullptr;
}

PyGetSetDef getset[] = {{"__module__", get_module, nullptr, nullptr, nullptr},
                        {"__qualname__", get_qualname, nullptr, nullptr, nullptr},
                        {"__doc__", get_doc, nullptr, nullptr, nullptr},
                        {"__text_signature__", get_signature, nullptr, nullptr, nullptr},
                        {"__signature__", get_signature_object, nullptr, nullptr, nullptr},
                        {"schemas", get_schemas, nullptr, "The overloads of the operator, as text.", nullptr},
                        {}};
PyMemberDef members[] = {
    {"__name__", T_OBJECT_EX, offsetof(PyBuiltin, name), READONLY, nullptr},
    {"op_name", T_OBJECT_EX, offsetof(PyBuiltin, full_name), READONLY, "The name in the operator table."},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(PyBuiltin, vectorcall), READONLY, nullptr},
    {}};
PyMethodDef methods[] = {{"__reduce__", builtin_reduce, METH_NOARGS, nullptr},
                         {"__reduce_ex__", builtin_reduce, METH_O, nullptr},
                         {}};
PyType_Slot function_slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                                {Py_tp_descr_get, reinterpret_cast<void*>(function_get)},
                                {Py_tp_repr, reinterpret_cast<void*>(builtin_repr)},
                                {Py_tp_getset, getset},
                                {Py_tp_members, members},
                                {Py_tp_methods, methods},
                                {0, nullptr}};
PyType_Slot method_slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                              {Py_tp_descr_get, reinterpret_cast<void*>(method_get)},
                              {Py_tp_repr, reinterpret_cast<void*>(builtin_repr)},
                              {Py_tp_getset, getset},
                              {Py_tp_members, members},
                              {Py_tp_methods, methods},
                              {0, nullptr}};
constexpr unsigned kFlags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_IMMUTABLETYPE |
                            Py_TPFLAGS_DISALLOW_INSTANTIATION;
PyType_Spec function_spec = {"tine._C.Builtin", sizeof(PyBuiltin), 0, kFlags, function_slots};
PyType_Spec method_spec = {"tine._C.BuiltinMethod", sizeof(PyBuiltin), 0,
                           kFlags | Py_TPFLAGS_METHOD_DESCRIPTOR, method_slots};

PyObject* make_builtin(PyTypeObject* type, OpRows rows, std::string_view short_name) {
  PyBuiltin* const self = PyObject_New(PyBuiltin, type);
  if (!self) return nullptr;
  self->vectorcall = builtin_vectorcall;
  self->rows = rows.rows;
  self->count = rows.count;
  self->name = text_of(short_name).leak();
  self->full_name = text_of(rows.rows[0]->schema.name).leak();
  self->takes_any_array = rows.rows[0]->schema.name == "aten::tensor";
  return reinterpret_cast<PyObject*>(self);
}

bool mentions_tensor(const TypePtr& type) {
  return type->kind == TypeKind::kTensor || std::any_of(type->of.begin(), type->of.end(), mentions_tensor);
}
bool is_about_tensors(OpRows rows) {
  return std::any_of(rows.rows, rows.rows + rows.count, [](const Op* op) {
    const auto& args = op->schema.args;
    const auto& returns = op->schema.returns;
    return std::any_of(returns.begin(), returns.end(), mentions_tensor) ||
           std::any_of(args.begin(), args.end(), [](const Argument& a) { return mentions_tensor(a.type); });
  });
}
bool is_method(OpRows rows) {
  return std::any_of(rows.rows, rows.rows + rows.count, [](const Op* op) {
    const auto& args = op->schema.args;
    return !args.empty() && args[0].name == "self" && args[0].type->kind == TypeKind::kTensor;
  });
}

}  // namespace

std::string_view builtin_name(PyObject* builtin) noexcept {
  Py_ssize_t size = 0;
  const char* const text = PyUnicode_AsUTF8AndSize(as_builtin(builtin)->full_name, &size);
  return {text, static_cast<size_t>(size)};
}

OpRows op_rows(std::string_view full_name) {
  const auto rows = Runtime::instance().ops().overloads(full_name);
  if (rows.empty()) throw NameError("there is no operator named '" + std::string(full_name) + "'");
  return {rows.data(), rows.size()};
}

PyObject* call_op(OpRows rows, PyObject* const* args, Py_ssize_t positional, PyObject* names) {
  if (tracer_of_thread) [[unlikely]]
    return call_recorded(rows, args, positional, names);
  return guarded([&]() -> PyObject* {
    if (names || positional > static_cast<Py_ssize_t>(Arguments::kMost)) {
      return call_many(rows, args, positional, names);
    }
    Arguments values;
    for (Py_ssize_t i = 0; i < positional; ++i) push(values, args[i]);
    return with_array_hint(values.span(), {}, [&] {
      for (size_t i = 0; i < rows.count; ++i) {
        if (fits_quickly(rows.rows[i]->schema, values))
          return to_result(*rows.rows[i], run(*rows.rows[i], values.data()));
      }
      return call_slowly(rows, values.span(), {});
    });
  });
}

Value call_op(OpRows rows, std::initializer_list<Value> args) {
  if (tracer_of_thread) [[unlikely]]
    return call_recorded(rows, {args.begin(), args.size()}, {});
  Arguments values;
  for (const Value& v : args) {
    if (v.is_tensor()) {
      values.lend(v.as_tensor());
    } else {
      values.own(v);
    }
  }
  const std::span<const Value> all(args.begin(), args.size());
  return with_array_hint(all, {}, [&] {
    for (size_t i = 0; i < rows.count; ++i) {
      if (fits_quickly(rows.rows[i]->schema, values)) return run(*rows.rows[i], values.data());
    }
    std::vector<Value> bound;
    const Op& op = OpTable::resolve({rows.rows, rows.count}, all, {}, Boundary::kPython, &bound);
    return run(op, bound.data());
  });
}

bool init_builtins(PyObject* module) {
  types.builtin = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&function_spec));
  types.builtin_method = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&method_spec));
  if (!types.builtin || !types.builtin_method ||
      PyModule_AddObjectRef(module, "Builtin", reinterpret_cast<PyObject*>(types.builtin)) < 0) {
    return false;
  }
  const PyRef names = PyRef::adopt(PyList_New(0));
  if (!names) return false;
  constexpr std::string_view kNamespace = "aten::";
  std::string_view before;
  for (const Op* op : Runtime::instance().ops().all()) {
    const std::string_view full = op->schema.name;
    if (full == before || full.substr(0, kNamespace.size()) != kNamespace) continue;
    before = full;
    const std::string_view name = full.substr(kNamespace.size());
    const OpRows rows = op_rows(full);
    if (name[0] == '_' || !(name[0] >= 'a' && name[0] <= 'z') || !is_about_tensors(rows)) continue;
    const std::string text(name);
    // `bool` is a dtype in the module, and a method on Tensor.
    if (!PyObject_HasAttrString(module, text.c_str())) {
      const PyRef function = PyRef::adopt(make_builtin(types.builtin, rows, name));
      if (!function || PyModule_AddObjectRef(module, text.c_str(), function.get()) < 0 ||
          PyList_Append(names.get(), as_builtin(function.get())->name) < 0) {
        return false;
      }
    }
    // Tensor's own attributes come first: size() gives a Size, where() starts with the condition.
    if (!is_method(rows)) continue;
    const PyRef key = PyRef::adopt(PyUnicode_InternFromString(text.c_str()));
    if (!key) return false;
    if (abi::defined_in(types.tensor, key.get())) continue;
    const PyRef method = PyRef::adopt(make_builtin(types.builtin_method, rows, name));
    if (!method || PyObject_SetAttr(reinterpret_cast<PyObject*>(types.tensor), key.get(), method.get()) < 0)
      return false;
  }
  return PyModule_AddObjectRef(module, "_operators", names.get()) == 0;
}

}  // namespace tine::python
