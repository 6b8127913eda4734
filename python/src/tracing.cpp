// Tracer: what tine.jit.trace drives while it runs a Python function.

#include "python/src/tracing.h"

#include <fmt/format.h>
#include <tine/runtime.h>

#include <memory>
#include <utility>
#include <vector>

#include "python/src/abi.h"
#include "python/src/records.h"
#include "python/src/script.h"

namespace tine::python {
namespace {

struct PyTracer {
  PyObject_HEAD std::unique_ptr<script::Tracer> tracer;  // null once it is finished
  script::Tracer* before;
  bool active;
};

constinit PyTypeObject* tracer_type = nullptr;

PyTracer* as_tracer(PyObject* o) noexcept { return reinterpret_cast<PyTracer*>(o); }

script::Tracer& open(PyObject* self) {
  if (!as_tracer(self)->tracer) throw ValueError("the trace has ended");
  return *as_tracer(self)->tracer;
}

// The line that runs now, of the innermost function outside the folder `package`.
SourceSpan line_outside(const std::string& package, std::shared_ptr<const Source>* last) {
  for (abi::Frames frames; frames.code(); frames.next()) {
    const PyRef name = abi::file_of(frames.code());
    const char* const file = name ? PyUnicode_AsUTF8(name.get()) : nullptr;
    if (!file) {
      PyErr_Clear();
    } else if (!std::string_view(file).starts_with(package)) {
      if (!*last || (*last)->name != file) *last = std::make_shared<Source>(file);
      return {*last, abi::line_of(frames.code(), frames.offset()), 0};
    }
  }
  return {};
}

PyObject* new_tracer(PyTypeObject* cls, PyObject* args, PyObject*) {
  return guarded([&]() -> PyObject* {
    const char *name = nullptr, *package = nullptr;
    if (!PyArg_ParseTuple(args, "ss", &name, &package)) return nullptr;
    PyObject* const self = PyType_GenericAlloc(cls, 0);
    if (!self) return nullptr;
    auto tracer = std::make_unique<script::Tracer>(name);
    tracer->set_where([folder = std::string(package), last = std::shared_ptr<const Source>()]() mutable {
      return holds_gil() ? line_outside(folder, &last) : SourceSpan();
    });
    std::construct_at(&as_tracer(self)->tracer, std::move(tracer));
    return self;
  });
}

void stop_recording(PyTracer* self) noexcept {
  if (!self->active) return;
  self->active = false;
  tracer_of_thread = self->before;
}

void dealloc(PyObject* self) {
  stop_recording(as_tracer(self));
  std::destroy_at(&as_tracer(self)->tracer);
  free_object(self);
}

PyObject* start(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    script::Tracer& tracer = open(self);
    if (tracing()) throw Error("Tracing can't be nested: this thread is tracing already");
    as_tracer(self)->before = std::exchange(tracer_of_thread, &tracer);
    as_tracer(self)->active = true;
    Py_RETURN_NONE;
  });
}

PyObject* stop(PyObject* self, PyObject*) {
  stop_recording(as_tracer(self));
  Py_RETURN_NONE;
}

PyObject* add_input(PyObject* self, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject* value = nullptr;
    const char* name = nullptr;
    if (!PyArg_ParseTuple(args, "Os", &value, &name)) return nullptr;
    open(self).add_input(to_value(value), name);
    Py_RETURN_NONE;
  });
}

// A ScriptObject: its tensors become attributes that the graph reads.
PyObject* add_self(PyObject* self, PyObject* object) {
  return guarded([&]() -> PyObject* {
    open(self).add_self(to_value(object));
    Py_RETURN_NONE;
  });
}

PyObject* begin_fork(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    open(self).begin_fork();
    Py_RETURN_NONE;
  });
}

PyObject* end_fork(PyObject* self, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *result = nullptr, *future = nullptr;
    if (!PyArg_ParseTuple(args, "OO!", &result, types.future, &future)) return nullptr;
    open(self).end_fork(traced_value(result), Value(future_of(future)));
    Py_RETURN_NONE;
  });
}

PyObject* drop_fork(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    open(self).abort_fork();
    Py_RETURN_NONE;
  });
}

// The future is done; its value is given as Python has it, and comes back with the numbers that the trace knows.
PyObject* record_wait(PyObject* self, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject *future = nullptr, *result = nullptr;
    if (!PyArg_ParseTuple(args, "O!O", types.future, &future, &result)) return nullptr;
    const Op* const row = Runtime::instance().ops().find("aten::wait");
    if (!row) throw Error("the operator table has no aten::wait");
    const Value argument(future_of(future));
    const std::span<const Value> given(&argument, 1);
    return traced_to_python(open(self).record(*row, given, given, traced_value(result)));
  });
}

PyObject* warnings(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    PyRef list = PyRef::adopt(PyList_New(0));
    for (const auto& [place, text] : open(self).warnings()) {
      const PyRef entry = PyRef::adopt(Py_BuildValue(
          "(ssi)", text.c_str(), place.known() ? place.source->name.c_str() : "<unknown>", place.line));
      if (!list || !entry || PyList_Append(list.get(), entry.get()) < 0) return nullptr;
    }
    return list.leak();
  });
}

PyObject* finish(PyObject* self, PyObject* output) {
  return guarded([&]() -> PyObject* {
    stop_recording(as_tracer(self));
    script::Function made = open(self).finish(traced_value(output, &open(self)));
    as_tracer(self)->tracer.reset();
    return wrap_function(std::move(made));
  });
}

PyMethodDef methods[] = {{"start", start, METH_NOARGS, nullptr},
                         {"stop", stop, METH_NOARGS, nullptr},
                         {"add_input", add_input, METH_VARARGS, nullptr},
                         {"add_self", add_self, METH_O, nullptr},
                         {"begin_fork", begin_fork, METH_NOARGS, nullptr},
                         {"end_fork", end_fork, METH_VARARGS, nullptr},
                         {"drop_fork", drop_fork, METH_NOARGS, nullptr},
                         {"record_wait", record_wait, METH_VARARGS, nullptr},
                         {"warnings", warnings, METH_NOARGS, nullptr},
                         {"finish", finish, METH_O, nullptr},
                         {}};
PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(new_tracer)},
                       {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                       {Py_tp_methods, methods},
                       {Py_tp_doc, const_cast<char*>("Tracer(name, package, /)\n--\n\nRecords the operators "
                                                     "that this thread calls. Places are lines outside the "
                                                     "folder package.")},
                       {0, nullptr}};
PyType_Spec spec = {"tine._C.Tracer", sizeof(PyTracer), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
                    slots};

}  // namespace

Value traced_value(PyObject* object, const script::Tracer* tracer) {
  if (!tracer) return to_value(object);
  if (is_traced_number(object)) {
    const Tensor& t = stand_in_of(object);
    return tracer->is_number(t) ? Value(t) : number_of(object);  // one of an earlier trace is a plain number
  }
  if (PyList_Check(object) || PyTuple_Check(object)) {
    std::vector<Value> items;
    const PyRef sequence = PyRef::adopt(PySequence_Tuple(object));
    if (!sequence) throw_error();
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(sequence.get()); ++i)
      items.push_back(traced_value(PyTuple_GET_ITEM(sequence.get(), i), tracer));
    if (PyTuple_Check(object)) return Value(tine::detail::make_ref<Tuple>(std::move(items)));
    return Value(tine::detail::make_ref<List>(std::move(items)));
  }
  Value value = to_value(object);
  if (value.is(Tag::kDict)) {
    const std::vector<Dict::Entry> entries = value.as_dict().items();
    const PyRef items = PyRef::adopt(PyDict_Values(object));
    if (!items) throw_error();
    for (size_t i = 0; i < entries.size(); ++i) {
      value.as_dict().set(entries[i].first,
                          traced_value(PyList_GET_ITEM(items.get(), static_cast<Py_ssize_t>(i)), tracer));
    }
  }
  return value;
}

PyObject* traced_to_python(const Value& value) {
  const script::Tracer* const tracer = tracer_of_thread;
  if (!tracer) return to_python(value);
  if (value.is_tensor()) {
    const Tensor& t = value.as_tensor();
    return t.defined() && tracer->is_number(t) ? wrap_number(t) : to_python(value);
  }
  if (value.is(Tag::kList) || value.is(Tag::kTuple)) {
    const std::span<const Value> items =
        value.is(Tag::kList) ? std::span<const Value>(value.as_list().items) : value.as_tuple().items;
    PyRef list = PyRef::adopt(PyList_New(0));
    for (const Value& item : items) {
      const PyRef object = list ? PyRef::adopt(traced_to_python(item)) : PyRef();
      if (!object || PyList_Append(list.get(), object.get()) < 0) return nullptr;
    }
    if (value.is(Tag::kList) || !list) return list.leak();
    PyRef tuple = PyRef::adopt(PyList_AsTuple(list.get()));
    const auto& type = value.as_tuple().type;
    return type && tuple ? instance_of(*type, tuple.get()) : tuple.leak();
  }
  if (value.is(Tag::kDict)) {
    PyRef dict = PyRef::adopt(PyDict_New());
    for (const auto& [key, item] : value.as_dict().items()) {
      const PyRef name = dict ? PyRef::adopt(to_python(key)) : PyRef();
      const PyRef object = name ? PyRef::adopt(traced_to_python(item)) : PyRef();
      if (!object || PyDict_SetItem(dict.get(), name.get(), object.get()) < 0) return nullptr;
    }
    return dict.leak();
  }
  return to_python(value);
}

void record_same(const Tensor& other, const Tensor& of) {
  if (script::Tracer* const tracer = tracer_of_thread) tracer->same(Value(other), Value(of));
}

void tell_trace(const Tensor& tensor, const char* warning) {
  if (script::Tracer* const tracer = tracer_of_thread) [[unlikely]]
    tracer->warn_fixed(Value(tensor), warning);
}

void tell_fixed(const Tensor& tensor, const char* as) {
  if (!tracing()) [[likely]]
    return;
  tell_trace(tensor,
             fmt::format("Converting a tensor to a {} might cause the trace to be incorrect. We can't "
                         "record the data flow of Python values, so this value will be treated as a "
                         "constant in the future. This means that the trace might not generalize to "
                         "other inputs!",
                         as)
                 .c_str());
}

bool init_tracing(PyObject* module) {
  tracer_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return tracer_type && init_traced_number(module) && PyModule_AddType(module, tracer_type) == 0;
}

}  // namespace tine::python
