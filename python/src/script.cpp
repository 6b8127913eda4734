#include "python/src/script.h"

#include <fmt/format.h>
#include <tine/runtime.h>
#include <unistd.h>

#include <cstddef>
#include <new>
#include <optional>

#include "python/src/builtin.h"
#include "python/src/call_values.h"
#include "python/src/context.h"
#include "python/src/exchange.h"
#include "python/src/future.h"
#include "python/src/ignored.h"
#include "python/src/records.h"
#include "python/src/tracing.h"
#include "tine/detail/fits.h"
#include "tine/detail/torch_names.h"

namespace tine::python {

using script::Function;

constinit PyTypeObject* function_type = nullptr;

namespace {

struct PyScript {
  PyObject_HEAD vectorcallfunc call;
  Function function;
  bool brief;  // a call keeps the interpreter's lock: giving it up and taking it back would take longer
  PyObject* dict;
  PyObject* weakrefs;
};

PyScript* as_script(PyObject* o) noexcept { return reinterpret_cast<PyScript*>(o); }
ScriptStore& store() { return Runtime::instance().scripts(); }

// Signals are handled between two iterations of a loop, on Python's main thread.
void handle_signals() {
  const Gil gil;
  if (!gil) throw Abandoned("the interpreter is shutting down");
  if (PyErr_CheckSignals() < 0) throw_error();
}

// --- Calls ---

bool holds_future(const TypePtr& type) {
  if (type->kind == TypeKind::kFuture) return true;
  for (const TypePtr& element : type->of) {
    if (holds_future(element)) return true;
  }
  return false;
}

// A Future made in Python may hold any object. When a script waits for it, the value is converted and checked.
Value checked_result(const Future<Value>& done, const TypePtr& type) {
  Value value = done.get();
  if (value.is(Tag::kForeign) ? foreign_object(value) != nullptr : !fits(value, type)) {
    const Gil gil;
    if (!gil) throw Abandoned("the interpreter is shutting down");
    const PyRef object = PyRef::adopt(to_python(value));
    if (!object) throw_error();
    value = as_type(to_value(object.get()), type);
  }
  if (fits(value, type)) return value;
  throw TypeError(fmt::format(
      "the Future passed to the script holds a {} where Future[{}] was promised",
      value.is(Tag::kForeign) ? value.as_foreign().type_name() : type_of(value)->str(), type->str()));
}

Value with_checked_futures(Value value, const TypePtr& type) {
  if (value.is_none() || !holds_future(type)) return value;
  switch (type->kind) {
    case TypeKind::kOptional: return with_checked_futures(std::move(value), type->of[0]);
    case TypeKind::kFuture: {
      const TypePtr element = type->of[0];
      return Value(value.to_future().then([element](Future<Value> f) { return checked_result(f, element); }));
    }
    case TypeKind::kList: {
      for (Value& item : value.as_list().items) item = with_checked_futures(std::move(item), type->of[0]);
      return value;
    }
    case TypeKind::kTuple: {
      std::vector<Value> items = value.as_tuple().items.copy();
      for (size_t i = 0; i < items.size(); ++i)
        items[i] = with_checked_futures(std::move(items[i]), type->of[i]);
      return tuple_of(std::move(items), *type);
    }
    default: return value;
  }
}

// One Value for each parameter.
class Bound {
 public:
  Bound(const Function& f, PyObject* const* args, size_t count, PyObject* names) {
    const auto& parameters = f.schema().args;
    if (count > Arguments::kMost) {
      std::vector<Value> given;
      given.reserve(count);
      for (size_t i = 0; i < count; ++i) given.push_back(to_value(args[i]));
      bind(f, given, args + count, names);
      return;
    }
    bool exact = !names && count == parameters.size();
    for (size_t i = 0; i < count; ++i) {
      given_.push(args[i], [](PyObject* object) { return to_value(object); });
      exact = exact && fits_at_once(given_.data()[i], *parameters[i].type);
    }
    if (!exact) bind(f, given_.span(), args + count, names);
  }
  [[nodiscard]] std::span<const Value> values() const noexcept { return converted_ ? bound_ : given_.span(); }
  void clear() noexcept {
    given_.clear();
    bound_.clear();
  }

 private:
  void bind(const Function& f, std::span<const Value> given, PyObject* const* named, PyObject* names) {
    std::vector<Keyword> keywords;
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i) {
      keywords.emplace_back(utf8(PyTuple_GET_ITEM(names, i)), to_value(named[i]));
    }
    // Objects of Python where the function takes objects of a class.
    const auto& parameters = f.schema().args;
    std::vector<Value> made;
    if (std::any_of(parameters.begin(), parameters.end(),
                    [](const Argument& a) { return python::holds_object(*a.type); })) {
      made.assign(given.begin(), given.end());
      for (size_t i = 0; i < std::min(made.size(), parameters.size()); ++i)
        made[i] = with_objects(std::move(made[i]), parameters[i].type);
      for (Keyword& k : keywords) {
        const int at = f.schema().index_of(k.first);
        if (at >= 0) k.second = with_objects(std::move(k.second), parameters[static_cast<size_t>(at)].type);
      }
      given = made;
    }
    bound_ = with_array_hint(given, keywords, [&] { return ScriptStore::bind(f, given, keywords); });
    for (size_t i = 0; i < bound_.size(); ++i) {
      const TypePtr& type = f.schema().args[i].type;
      if (holds_future(type)) bound_[i] = with_checked_futures(std::move(bound_[i]), type);
    }
    converted_ = true;
  }

  Arguments given_;
  std::vector<Value> bound_;
  bool converted_ = false;  // then bound_ counts
};

PyObject* result_of(tine::detail::State<Value>& state) {
  if (state.outcome() == tine::detail::Outcome::kValue) return to_python(state.value());
  raise(state.error());
  return nullptr;
}

// False and the indicator set when it was interrupted; else the Future is done.
bool finished(Future<Value>& done) {
  if (done.ready() || wait_done(Ref<ValueState>::share(done.state()), kNoDeadline) >= 0) return true;
  done.cancel();
  return false;
}

// The same call, with the numbers of the trace in its arguments; it becomes a node.
PyObject* call_traced(const Function& f, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  script::Tracer& tracer = *tracer_of_thread;
  std::vector<Value> plain, written;
  for (Py_ssize_t i = 0; i < count; ++i) written.push_back(traced_value(args[i]));
  for (const Value& value : written) plain.push_back(tracer.plain(value));
  std::vector<Keyword> keywords, written_keywords;
  for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i) {
    written_keywords.emplace_back(utf8(PyTuple_GET_ITEM(names, i)), traced_value(args[count + i]));
    keywords.emplace_back(written_keywords.back().first, tracer.plain(written_keywords.back().second));
  }
  plain = with_array_hint(plain, keywords, [&] { return ScriptStore::bind(f, plain, keywords); });
  written = ScriptStore::bind(f, written, written_keywords, Boundary::kRecorded);
  for (size_t i = 0; i < plain.size(); ++i) {
    const TypePtr& type = f.schema().args[i].type;
    if (holds_future(type)) plain[i] = with_checked_futures(std::move(plain[i]), type);
  }
  Future<Value> done;
  {
    const PythonsContext here;
    const GilRelease release;
    done = store().start(f, plain, interrupt_poll());
  }
  if (!finished(done)) return nullptr;
  if (done.error()) return result_of(*done.state());
  return traced_to_python(tracer.record_call(f, written, done.get()));
}

PyObject* call(PyObject* self, PyObject* const* args, size_t flagged, PyObject* names) {
  return guarded([&]() -> PyObject* {
    const Function& f = as_script(self)->function;
    const Py_ssize_t count = PyVectorcall_NARGS(flagged);
    if (tracing()) [[unlikely]]
      return call_traced(as_script(self)->function, args, count, names);
    Bound bound(f, args, static_cast<size_t>(count), names);
    Future<Value> done;
    {
      const PythonsContext here;
      const bool brief = as_script(self)->brief;
      std::optional<GilRelease> release;
      if (!brief) release.emplace();
      done = store().start(f, bound.values(), brief ? nullptr : interrupt_poll());
      bound.clear();
    }
    PyObject* const result = finished(done) ? result_of(*done.state()) : nullptr;
    // Of a fork, and not one that was here before.
    if (result && done.state()->value().is(Tag::kFuture) && Py_REFCNT(result) == 1) carry_grad_mode(result);
    return result;
  });
}

PyObject* call_async(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return guarded([&]() -> PyObject* {
    const Function& f = as_script(self)->function;
    const Bound bound(f, args, static_cast<size_t>(count), names);
    const PythonsContext here;
    PyObject* const future = wrap_future(store().post(f, bound.values()));
    if (future) carry_grad_mode(future);
    return future;
  });
}

// --- ScriptFunction ---

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_script(self)->dict);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(as_script(self)->dict);
  return 0;
}

void dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  if (as_script(self)->weakrefs) PyObject_ClearWeakRefs(self);
  Py_CLEAR(as_script(self)->dict);
  std::destroy_at(&as_script(self)->function);
  free_object(self);
}

PyObject* repr(PyObject* self) {
  return text_of(fmt::format("<ScriptFunction {}>", as_script(self)->function.qualified_name())).leak();
}

PyObject* compare(PyObject* a, PyObject* b, int op) {
  const Function* const other = function_of(b);
  if (!other || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  return PyBool_FromLong((as_script(a)->function == *other) == (op == Py_EQ));
}

Py_hash_t hash(PyObject* self) {
  return static_cast<Py_hash_t>(std::hash<const void*>()(as_script(self)->function.data()));
}

PyObject* get_graph(PyObject* self, void*) {
  return guarded([&] { return wrap_graph(as_script(self)->function.graph()); });
}
PyObject* get_inlined_graph(PyObject* self, void*) {
  return guarded([&] { return wrap_graph(as_script(self)->function.inlined_graph()); });
}
// The graph that runs depends on no arguments here.
PyObject* graph_for(PyObject* self, PyObject*, PyObject*) { return get_graph(self, nullptr); }
PyObject* get_qualified_name(PyObject* self, void*) {
  return text_of(as_script(self)->function.qualified_name()).leak();
}
PyObject* get_schema(PyObject* self, void*) {
  return guarded([&] { return text_of(as_script(self)->function.signature()).leak(); });
}
PyObject* get_name(PyObject* self, void*) { return text_of(as_script(self)->function.name()).leak(); }
PyObject* get_code(PyObject* self, void*) {
  return guarded([&] {
    const Function& f = as_script(self)->function;
    const Source* const source = f.source().get();
    return text_of(source && !source->text.empty() ? source->text : f.graph().str()).leak();
  });
}

PyObject* instructions(PyObject* self, PyObject*) {
  return guarded([&] { return text_of(as_script(self)->function.instructions()).leak(); });
}

// [(message, file, line of the fork, the places with their source lines), ...]
PyObject* races(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    PyRef list = checked(PyList_New(0));
    for (const script::Race& race : as_script(self)->function.races()) {
      std::string places;
      for (const SourceSpan* place : {&race.fork, &race.write, &race.other}) {
        if (place->known()) places += fmt::format("\n{}\n{}", place->str(), place->excerpt());
      }
      const PyRef one =
          checked(Py_BuildValue("NNiN", text_of(race.message).leak(),
                                text_of(race.fork.known() ? race.fork.source->name : "<script>").leak(),
                                race.fork.line, text_of(places).leak()));
      if (PyList_Append(list.get(), one.get()) < 0) return nullptr;
    }
    return list.leak();
  });
}

PyObject* reduce(PyObject* self, PyObject*) {
  const PyRef module = PyRef::adopt(PyImport_ImportModule("tine.jit._script"));
  const PyRef by_name = module ? PyRef::adopt(PyObject_GetAttrString(module.get(), "_by_name")) : PyRef();
  const PyRef name = PyRef::adopt(get_qualified_name(self, nullptr));
  return by_name && name ? Py_BuildValue("O(O)", by_name.get(), name.get()) : nullptr;
}

PyObject* function_attribute(PyObject* self, PyObject* name);

// A function never changes: it is its own copy, as Python's are.
PyObject* itself(PyObject* self, PyObject*) { return Py_NewRef(self); }

PyMethodDef methods[] = {
    {"call_async", as_method(call_async), METH_FASTCALL | METH_KEYWORDS,
     "call_async($self, /, *args, **kwargs)\n--\n\nRuns the function on the pool. Returns a Future of its "
     "result."},
    {"graph_for", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(graph_for)),
     METH_VARARGS | METH_KEYWORDS,
     "graph_for($self, /, *args, **kwargs)\n--\n\nThe graph that runs for these arguments: the same for "
     "all."},
    {"_races", races, METH_NOARGS, nullptr},
    {"instructions", instructions, METH_NOARGS,
     "instructions($self, /)\n--\n\nThe code that runs: one instruction a line."},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__copy__", itself, METH_NOARGS, nullptr},
    {"__deepcopy__", itself, METH_O, nullptr},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS,
     "ScriptFunction[[int], str], for annotations."},
    {}};
PyGetSetDef getset[] = {
    {"graph", get_graph, nullptr, "The Graph that was compiled. Its str() is the text of the IR.", nullptr},
    {"inlined_graph", get_inlined_graph, nullptr,
     "The same with the functions that it calls in place of the calls.", nullptr},
    {"qualified_name", get_qualified_name, nullptr, "The name by which calls find the function.", nullptr},
    {"name", get_name, nullptr, "The last part of the qualified name.", nullptr},
    {"schema", get_schema, nullptr, "The signature, as text.", nullptr},
    {"code", get_code, nullptr, "The source. For a traced function, the text of the graph.", nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {}};
PyMemberDef members[] = {{"__vectorcalloffset__", T_PYSSIZET, offsetof(PyScript, call), READONLY, nullptr},
                         {"__dictoffset__", T_PYSSIZET, offsetof(PyScript, dict), READONLY, nullptr},
                         {"__weaklistoffset__", T_PYSSIZET, offsetof(PyScript, weakrefs), READONLY, nullptr},
                         {}};
PyType_Slot slots[] = {
    {Py_tp_getattro, reinterpret_cast<void*>(function_attribute)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_repr, reinterpret_cast<void*>(repr)},
    {Py_tp_richcompare, reinterpret_cast<void*>(compare)},
    {Py_tp_hash, reinterpret_cast<void*>(hash)},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {Py_tp_members, members},
    {Py_tp_doc, const_cast<char*>("A compiled function, made by tine.jit.script or tine.jit.trace.")},
    {0, nullptr}};
PyType_Spec spec = {
    "tine.jit.ScriptFunction", sizeof(PyScript), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    slots};

// --- Attributes that are not there ---

PyObject* function_attribute(PyObject* self, PyObject* name) {
  return find_attribute(self, name, "torch.jit.ScriptFunction");
}

// --- The module's functions ---

PyObject* compile_source(PyObject*, PyObject* source) {
  return guarded([&] { return wrap_function(store().compile(*function_source_of(source))); });
}

PyObject* compile_text(PyObject*, PyObject* args) {
  return guarded([&]() -> PyObject* {
    const char *text = nullptr, *name = nullptr, *prefix = nullptr;
    Py_ssize_t size = 0;
    if (!PyArg_ParseTuple(args, "s#ss", &text, &size, &name, &prefix)) return nullptr;
    const std::string source(text, static_cast<size_t>(size));
    PyRef list = PyRef::adopt(PyList_New(0));
    for (Function& f : store().compile_text(std::make_shared<const Source>(name, source), prefix)) {
      const PyRef function = PyRef::adopt(wrap_function(std::move(f)));
      if (!list || !function || PyList_Append(list.get(), function.get()) < 0) return nullptr;
    }
    return list.leak();
  });
}

PyObject* find_script(PyObject*, PyObject* name) {
  return guarded([&]() -> PyObject* {
    const char* const chars = PyUnicode_AsUTF8(name);
    if (!chars) return nullptr;
    Function f = store().function(chars);
    if (!f) Py_RETURN_NONE;
    return wrap_function(std::move(f));
  });
}

// aten::wait: blocks as a Future's own wait does, then the operator's row gives the value.
PyObject* wait(PyObject*, PyObject* object) {
  return guarded([&]() -> PyObject* {
    if (!is_future(object)) {
      throw TypeError(fmt::format("wait(): expected a Future, got {}", TypeName(object).c_str()));
    }
    const Future<Value> future = future_of(object);
    if (wait_done(Ref<ValueState>::share(future.state()), kNoDeadline) < 0) return nullptr;
    const Op* const row = store().ops().find("aten::wait");
    if (!row) throw Error("the operator table has no aten::wait");
    const Value argument(future);
    return to_python(tine::call(*row, Runtime::instance().ops().context(), &argument));
  });
}

PyObject* operator_name(PyObject*, PyObject* object) {
  if (!is_builtin(object)) Py_RETURN_NONE;
  return text_of(builtin_name(object)).leak();
}

PyMethodDef functions[] = {{"_compile", compile_source, METH_O, nullptr},
                           {"_compile_text", compile_text, METH_VARARGS, nullptr},
                           {"_find_script", find_script, METH_O, nullptr},
                           {"_wait", wait, METH_O, nullptr},
                           {"_call_ignored_by", call_ignored_by, METH_O, nullptr},
                           {"_operator_name", operator_name, METH_O, nullptr},
                           {}};

}  // namespace

std::string_view utf8(PyObject* text) {
  Py_ssize_t size = 0;
  const char* const chars = PyUnicode_AsUTF8AndSize(text, &size);
  if (!chars) throw_error();
  return {chars, static_cast<size_t>(size)};
}

bool add_type(PyObject* module, PyType_Spec* spec, PyTypeObject** into) {
  *into = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, spec, nullptr));
  return *into && PyModule_AddType(module, *into) == 0;
}

PyObject* find_attribute(PyObject* self, PyObject* name, std::string_view place) {
  PyObject* const found = PyObject_GenericGetAttr(self, name);
  if (found || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
  std::string why;
  try {
    if (const char* const chars = PyUnicode_AsUTF8(name)) why = not_there_yet(place, chars);
  } catch (const std::bad_alloc&) {
    // Then Python's own words must do.
  }
  if (!why.empty()) {
    PyErr_Clear();
    PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute '%U': %s", TypeName(self).c_str(), name,
                 why.c_str());
  }
  return nullptr;
}

ScriptPoll interrupt_poll() noexcept { return on_main_thread() ? &handle_signals : nullptr; }

PyObject* wrap_function(Function f) {
  auto* const made = PyObject_GC_New(PyScript, function_type);
  if (!made) return nullptr;
  made->call = call;
  const std::string& docstring = f.docstring();
  made->brief = ScriptStore::is_brief(f);
  std::construct_at(&made->function, std::move(f));
  made->dict = PyDict_New();
  made->weakrefs = nullptr;
  auto* const object = reinterpret_cast<PyObject*>(made);
  if (!made->dict) {
    Py_DECREF(object);
    return nullptr;
  }
  PyObject_GC_Track(object);
  const PyRef doc = text_of(docstring);
  if (!doc || PyDict_SetItemString(made->dict, "__doc__", docstring.empty() ? Py_None : doc.get()) < 0) {
    Py_DECREF(object);
    return nullptr;
  }
  return object;
}

const Function* function_of(PyObject* object) noexcept {
  return Py_TYPE(object) == function_type ? &as_script(object)->function : nullptr;
}

bool init_script(PyObject* module) {
  return add_type(module, &spec, &function_type) && init_graph(module) && init_script_objects(module) &&
         init_script_resolver(module) && init_records(module) && init_tracing(module) &&
         PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tine::python
