// Tracer: what tine.jit.trace drives while it runs a Python function.

#include "python/src/tracing.h"

#include <fmt/format.h>
#include <tine/runtime.h>

#include <memory>

#include "python/src/script.h"
#include "src/runtime/tracing.h"

namespace tine::python {
namespace {

struct PyTracer {
  PyObject_HEAD std::unique_ptr<trace::Tracer> tracer;  // null once it is finished
  Recorder* before;
  bool active;
};

constinit PyTypeObject* tracer_type = nullptr;

PyTracer* as_tracer(PyObject* o) noexcept { return reinterpret_cast<PyTracer*>(o); }

trace::Tracer& open(PyObject* self) {
  if (!as_tracer(self)->tracer) throw ValueError("the trace has ended");
  return *as_tracer(self)->tracer;
}

trace::Tracer* current() noexcept { return dynamic_cast<trace::Tracer*>(current_recorder()); }

// The line that runs now, of the innermost function outside the folder `package`.
SourceSpan line_outside(const std::string& package, std::shared_ptr<const Source>* last) {
  PyRef frame = PyRef::share(reinterpret_cast<PyObject*>(PyEval_GetFrame()));
  while (frame) {
    auto* const f = reinterpret_cast<PyFrameObject*>(frame.get());
    const PyRef code = PyRef::adopt(reinterpret_cast<PyObject*>(PyFrame_GetCode(f)));
    const char* const file = PyUnicode_AsUTF8(reinterpret_cast<PyCodeObject*>(code.get())->co_filename);
    if (!file) {
      PyErr_Clear();
    } else if (!std::string_view(file).starts_with(package)) {
      if (!*last || (*last)->name != file) *last = std::make_shared<Source>(file);
      return {*last, PyFrame_GetLineNumber(f), 0};
    }
    frame = PyRef::adopt(reinterpret_cast<PyObject*>(PyFrame_GetBack(f)));
  }
  return {};
}

PyObject* new_tracer(PyTypeObject* cls, PyObject* args, PyObject*) {
  return guarded([&]() -> PyObject* {
    const char *name = nullptr, *package = nullptr;
    if (!PyArg_ParseTuple(args, "ss", &name, &package)) return nullptr;
    PyObject* const self = cls->tp_alloc(cls, 0);
    if (!self) return nullptr;
    auto tracer = std::make_unique<trace::Tracer>(name, Runtime::instance().ops());
    tracer->where = [folder = std::string(package), last = std::shared_ptr<const Source>()]() mutable {
      return holds_gil() ? line_outside(folder, &last) : SourceSpan();
    };
    std::construct_at(&as_tracer(self)->tracer, std::move(tracer));
    return self;
  });
}

void stop_recording(PyTracer* self) noexcept {
  if (!self->active) return;
  self->active = false;
  set_recorder(self->before);
}

void dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  stop_recording(as_tracer(self));
  std::destroy_at(&as_tracer(self)->tracer);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* start(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    trace::Tracer& tracer = open(self);
    if (current_recorder()) throw Error("Tracing can't be nested: this thread is tracing already");
    as_tracer(self)->before = set_recorder(&tracer);
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
    open(self).end_fork(to_value(result), Value(future_of(future)));
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
    Value value = to_value(result);
    open(self).record(*row, &argument, &value);
    return to_python(value);
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

PyObject* finish(PyObject* self, PyObject* args) {
  return guarded([&]() -> PyObject* {
    PyObject* output = nullptr;
    const char* name = nullptr;
    if (!PyArg_ParseTuple(args, "Os", &output, &name)) return nullptr;
    stop_recording(as_tracer(self));
    std::shared_ptr<ir::Graph> graph = open(self).finish(to_value(output));
    as_tracer(self)->tracer.reset();
    return wrap_function(define_traced(Runtime::instance().scripts(), std::move(graph), name));
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
                         {"finish", finish, METH_VARARGS, nullptr},
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

void record_script_call(const ScriptFunction& f, std::span<const Value> args, Value* result) {
  trace::Tracer* const tracer = current();
  if (!tracer) return;
  std::vector<TypePtr> types;
  for (const Argument& arg : f.schema.args) types.push_back(arg.type);
  tracer->record_call(f.name, args, types, f.schema.result_type(), result);
}

void record_same(const Tensor& other, const Tensor& of) {
  if (trace::Tracer* const tracer = current()) tracer->same(Value(other), Value(of));
}

void tell_trace(const Value& value, const char* warning) {
  if (trace::Tracer* const tracer = current()) [[unlikely]]
    tracer->warn_fixed(value, warning);
}

void tell_fixed(const Value& value, const char* as) {
  if (!tracing()) [[likely]]
    return;
  tell_trace(value, fmt::format("Converting a tensor to a {} might cause the trace to be incorrect. We can't "
                                "record the data flow of Python values, so this value will be treated as a "
                                "constant in the future. This means that the trace might not generalize to "
                                "other inputs!",
                                as)
                        .c_str());
}

bool is_recorded(const Value& value) noexcept {
  const trace::Tracer* const tracer = current();
  return tracer && tracer->varies(value);
}

Value with_marks(Value value) {
  trace::Tracer* const tracer = current();
  if (!tracer) return value;
  if (value.is_tensor() && value.as_tensor().dim() == 0)
    return std::move(value).marked(tracer->mark_of(value));
  if (value.is(Tag::kList)) {
    for (Value& item : value.as_list().items) item = with_marks(std::move(item));
  } else if (value.is(Tag::kTuple)) {
    std::vector<Value> items;
    for (const Value& item : value.as_tuple().items) items.push_back(with_marks(item));
    return Value(tine::detail::make_ref<Tuple>(std::move(items)));
  }
  return value;
}

bool init_tracing(PyObject* module) {
  tracer_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return tracer_type && init_traced_number(module) && PyModule_AddType(module, tracer_type) == 0;
}

}  // namespace tine::python
