#include "python/src/context.h"

#include <tine/detail/stoppable.h>
#include <tine/runtime.h>

#include <cmath>
#include <memory>

#include "python/src/abi.h"
#include "python/src/errors.h"
#include "python/src/exchange.h"
#include "python/src/future.h"
#include "python/src/rpc_objects.h"

namespace tine::python {

namespace detail {
constinit ContextUse context_use;
}

namespace {

using detail::context_use;
using tine::detail::make_ref;

// The call whose work runs in a Context.
struct Served {
  std::string name;
  rpc::WorkerInfo caller;
  Context context;
};

struct PyContext {
  PyObject_HEAD Context context;
  std::shared_ptr<const Served> served;  // null: work of no call
  int generation;  // a child of fork(2) has none of its parent's Contexts: their timer and their callers are not here
};
struct PySource {
  PyObject_HEAD CancelSource source;
  int generation;  // what was started in the scopes of the parent of a fork(2) is the parent's to cancel
};

constinit PyTypeObject* context_type = nullptr;
constinit PyTypeObject* source_type = nullptr;
constinit PyObject* variable = nullptr;
constinit PyObject* variables_type = nullptr;  // contextvars.Context
constinit thread_local ServedCall* served_here = nullptr;

PyContext* as_context(PyObject* object) noexcept { return reinterpret_cast<PyContext*>(object); }
bool is_context(PyObject* object) noexcept { return Py_IS_TYPE(object, context_type); }

// Null, and the indicator set, without memory.
PyObject* show(Context context, std::shared_ptr<const Served> served) {
  PyObject* const object = PyType_GenericAlloc(context_type, 0);
  if (!object) return nullptr;
  std::construct_at(&as_context(object)->context, std::move(context));
  std::construct_at(&as_context(object)->served, std::move(served));
  as_context(object)->generation = tine::detail::forks_so_far();
  return object;
}

// What the context variable holds: new reference, null for nothing and for None.
PyObject* in_variable() noexcept {
  PyObject* const value = abi::context_value(variable);
  if (!value) {
    PyErr_Clear();
    return nullptr;
  }
  if (is_context(value) && as_context(value)->generation == tine::detail::forks_so_far()) return value;
  Py_DECREF(value);
  return nullptr;
}

PyRef set_variable(PyObject* context) noexcept {
  context_use.set = true;
  return PyRef::adopt(PyObject_CallMethod(variable, "set", "O", context ? context : Py_None));
}

// A century and more is as good as none, and does not overflow the clock.
constexpr double kLongest = 3e9;

PyObject* seconds_until(TimePoint deadline) {
  if (deadline == kNoDeadline) Py_RETURN_NONE;
  return PyFloat_FromDouble(std::chrono::duration<double>(deadline - Clock::now()).count());
}
// On the clock of time.monotonic().
PyObject* seconds_of(TimePoint time) {
  if (time == kNoDeadline) Py_RETURN_NONE;
  return PyFloat_FromDouble(std::chrono::duration<double>(time.time_since_epoch()).count());
}

// --- tine.Context

PyObject* context_current(PyObject*, PyObject*) {
  return guarded([] {
    PyObject* const here = context_to_carry();
    return here ? here : show({}, {});
  });
}
PyObject* context_deadline(PyObject* self, void*) { return seconds_of(as_context(self)->context.deadline()); }
PyObject* context_remaining(PyObject* self, void*) {
  return seconds_until(as_context(self)->context.deadline());
}
PyObject* context_stopped(PyObject* self, void*) {
  return PyBool_FromLong(as_context(self)->context.stopped());
}
PyObject* context_check(PyObject* self, PyObject*) {
  return guarded([=]() -> PyObject* {
    as_context(self)->context.check();
    Py_RETURN_NONE;
  });
}
PyObject* context_with_timeout(PyObject* self, PyObject* given) {
  const double seconds = PyFloat_AsDouble(given);
  if (seconds == -1 && PyErr_Occurred()) return nullptr;
  return guarded([=]() -> PyObject* {
    const PyContext& from = *as_context(self);
    if (!(seconds < kLongest)) return show(from.context, from.served);
    Timer& timer = Runtime::instance().scheduler().timer();
    return show(from.context.with_timeout(timer, std::chrono::duration<double>(seconds)), from.served);
  });
}
PyObject* context_with_source(PyObject* self, PyObject* source) {
  return guarded([=]() -> PyObject* {
    if (!Py_IS_TYPE(source, source_type)) throw TypeError("_with_source(): expected a _CancelSource");
    const PyContext& from = *as_context(self);
    return show(from.context.with_token(reinterpret_cast<PySource*>(source)->source.token()), from.served);
  });
}
// None, or the name, the caller and the Context of the call whose work runs here.
PyObject* context_call(PyObject* self, void*) {
  return guarded([=]() -> PyObject* {
    const std::shared_ptr<const Served> served = as_context(self)->served;
    if (!served) Py_RETURN_NONE;
    const PyRef name = text_of(served->name), caller = wrap_worker_info(served->caller);
    const PyRef context = PyRef::adopt(show(served->context, served));
    if (!name || !caller || !context) return nullptr;
    return PyTuple_Pack(3, name.get(), caller.get(), context.get());
  });
}
PyObject* context_without(PyObject* self, PyObject*) {
  return guarded([=] { return show({}, as_context(self)->served); });
}
void context_dealloc(PyObject* self) {
  std::destroy_at(&as_context(self)->context);
  std::destroy_at(&as_context(self)->served);
  free_object(self);
}

PyMethodDef context_methods[] = {
    {"current", context_current, METH_NOARGS | METH_CLASS,
     "current()\n--\n\nReturns the Context in which this code runs; an empty one if there is none."},
    {"check", context_check, METH_NOARGS,
     "check($self, /)\n--\n\nRaises tine.Cancelled or tine.DeadlineExceeded if the Context has stopped."},
    {"_with_timeout", context_with_timeout, METH_O, nullptr},
    {"_with_source", context_with_source, METH_O, nullptr},
    {"_without", context_without, METH_NOARGS, nullptr},
    {}};
PyGetSetDef context_getset[] = {
    {"deadline", context_deadline, nullptr, "On the clock of time.monotonic(), in seconds; None for none.",
     nullptr},
    {"remaining", context_remaining, nullptr,
     "Seconds until the deadline, negative when it has passed; None for none.", nullptr},
    {"stopped", context_stopped, nullptr, "Whether it was cancelled or its deadline has passed.", nullptr},
    {"_call", context_call, nullptr, nullptr, nullptr},
    {}};
PyType_Slot context_slots[] = {
    {Py_tp_doc, const_cast<char*>("What follows the work instead of its arguments: a deadline and "
                                  "cancellation. deadline() and CancelScope() make one.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(context_dealloc)},
    {Py_tp_methods, context_methods},
    {Py_tp_getset, context_getset},
    {0, nullptr}};
PyType_Spec context_spec = {"tine.Context", sizeof(PyContext), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
                            context_slots};

// --- _CancelSource

PyObject* source_new(PyTypeObject* type, PyObject*, PyObject*) {
  return guarded([=]() -> PyObject* {
    CancelSource source;
    PyObject* const object = PyType_GenericAlloc(type, 0);
    if (!object) return nullptr;
    std::construct_at(&reinterpret_cast<PySource*>(object)->source, std::move(source));
    reinterpret_cast<PySource*>(object)->generation = tine::detail::forks_so_far();
    return object;
  });
}
PyObject* source_cancel(PyObject* self, PyObject*) {
  if (reinterpret_cast<PySource*>(self)->generation != tine::detail::forks_so_far()) Py_RETURN_FALSE;
  const CancelSource source = reinterpret_cast<PySource*>(self)->source;
  return PyBool_FromLong(source.cancel());
}
PyObject* source_cancelled(PyObject* self, PyObject*) {
  return PyBool_FromLong(reinterpret_cast<PySource*>(self)->source.cancelled());
}
void source_dealloc(PyObject* self) {
  std::destroy_at(&reinterpret_cast<PySource*>(self)->source);
  free_object(self);
}
PyMethodDef source_methods[] = {{"cancel", source_cancel, METH_NOARGS, nullptr},
                                {"cancelled", source_cancelled, METH_NOARGS, nullptr},
                                {}};
PyType_Slot source_slots[] = {{Py_tp_new, reinterpret_cast<void*>(source_new)},
                              {Py_tp_dealloc, reinterpret_cast<void*>(source_dealloc)},
                              {Py_tp_methods, source_methods},
                              {0, nullptr}};
PyType_Spec source_spec = {"tine._C._CancelSource", sizeof(PySource), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, source_slots};

// --- the module's functions

PyObject* enter_context(PyObject*, PyObject* context) {
  if (!is_context(context)) {
    PyErr_SetString(PyExc_TypeError, "_enter_context(): expected a Context");
    return nullptr;
  }
  return set_variable(context).leak();
}
PyObject* leave_context(PyObject*, PyObject* token) {
  return PyObject_CallMethod(variable, "reset", "O", token);
}

// Completes its state when the future is done, whatever its outcome.
class Arrival final : private tine::detail::Node {
 public:
  static void tell(ValueState& source, Ref<ValueState> to) { source.subscribe(new Arrival(std::move(to))); }

 private:
  explicit Arrival(Ref<ValueState> to) noexcept : Node(&kOps), to_(std::move(to)) {}
  static void run(tine::detail::Node* node, tine::detail::StateBase&) noexcept {
    const std::unique_ptr<Arrival> self(static_cast<Arrival*>(node));
    self->to_->emplace();
  }
  static constexpr tine::detail::NodeOps kOps{&Arrival::run, false, true};
  const Ref<ValueState> to_;
};

// For `await`: the Future itself or, in a Context that can stop, one that is done when that does, if that comes first.
PyObject* in_context(PyObject*, PyObject* future) {
  if (!is_future(future)) {
    PyErr_SetString(PyExc_TypeError, "_in_context(): expected a Future");
    return nullptr;
  }
  return guarded([=]() -> PyObject* {
    const Context here = context_here();
    if (!here.data().get() || !tine::detail::can_stop(*here.data().get())) return Py_NewRef(future);
    ValueState& source = *reinterpret_cast<PyFuture*>(future)->state;
    const auto first = make_ref<ValueState>(source.helper());
    Arrival::tell(source, first);
    if (!first->done()) tine::detail::join_context(*first, *here.data().get());
    return wrap_future(first);
  });
}

// The Context of this code, to be put in force elsewhere; None for none.
PyObject* context_or_none(PyObject*, PyObject*) {
  return guarded([] {
    PyObject* const here = context_to_carry();
    return here ? here : Py_NewRef(Py_None);
  });
}

PyMethodDef functions[] = {{"_context_here", context_or_none, METH_NOARGS, nullptr},
                           {"_enter_context", enter_context, METH_O, nullptr},
                           {"_leave_context", leave_context, METH_O, nullptr},
                           {"_in_context", in_context, METH_O, nullptr},
                           {}};

bool add_type(PyObject* module, const char* name, PyType_Spec* spec, PyTypeObject** into) {
  PyRef made = PyRef::adopt(PyType_FromSpec(spec));
  if (!made || PyModule_AddObjectRef(module, name, made.get()) < 0) return false;
  *into = reinterpret_cast<PyTypeObject*>(made.leak());
  return true;
}

}  // namespace

PyObject* detail::context_object_here() {
  if (context_use.set) {
    if (PyObject* const held = in_variable()) return held;
  }
  if (served_here && !served_here->of_parent()) return Py_NewRef(served_here->context());
  // A script that runs in a Context has called this code.
  if (tine::detail::ContextData* const threads = tine::detail::current_context()) {
    PyObject* const shown = show(Context(tine::detail::ContextRef(threads)), {});
    if (!shown) throw_error();
    return shown;
  }
  return nullptr;
}

Context context_here() {
  const PyRef here = PyRef::adopt(context_to_carry());
  return here ? as_context(here.get())->context : Context::current();
}

bool detail::join_context_here(tine::detail::StateBase& state) {
  const Context here = context_here();
  if (!here.data().get()) return false;
  tine::detail::join_context(state, *here.data().get());
  return true;
}

const Context& context_in(PyObject* object) noexcept { return as_context(object)->context; }

void PythonsContext::enter() {
  object_ = PyRef::adopt(detail::context_object_here());
  if (!object_) return;
  const tine::detail::ContextRef& data = context_in(object_.get()).data();
  if (data.get() != tine::detail::current_context()) swap_.emplace(data);
}

void CarriedContext::enter(PyObject* context) noexcept {
  entered_ = true;
  before_ = std::exchange(served_here, nullptr);
  if (context) context_use.set = true;
  if (!context_use.set) return;
  const PyRef now = PyRef::adopt(in_variable());
  if (now.get() == context) return;
  token_ = set_variable(context);
  if (!token_) PyErr_Clear();  // no memory: the code runs in the Context that there is
}

void CarriedContext::leave() noexcept {
  served_here = before_;
  if (!token_) return;
  const ErrorAside aside;
  if (!PyRef::adopt(PyObject_CallMethod(variable, "reset", "O", token_.get()))) PyErr_Clear();
}

ServedCall::ServedCall(const rpc::IncomingCall& call) noexcept : call_(call), nothing_carried_(nullptr) {
  context_use.served = true;
  served_here = this;
}
// What is carried nowhere else is restored by its member.
ServedCall::~ServedCall() { served_here = nullptr; }

PyObject* ServedCall::context() {
  if (!context_) {
    Served served{call_.name(), call_.caller(), call_.context(Runtime::instance().scheduler().timer())};
    auto shared = std::make_shared<const Served>(std::move(served));
    context_ = PyRef::adopt(show(shared->context, shared));
    if (!context_) throw_error();
  }
  return context_.get();
}

GeneratorContext::GeneratorContext(const rpc::IncomingCall& call)
    : variables_(make_ref<PyForeign>(checked(PyObject_CallNoArgs(variables_type)).leak())) {
  const Context of_call = call.context(Runtime::instance().scheduler().timer());
  const auto served =
      std::make_shared<const Served>(Served{call.name(), call.caller(), of_call.with_token(stop_.token())});
  const PyRef shown = checked(show(served->context, served));
  const PyRef set = checked(PyObject_GetAttrString(variable, "set"));
  context_use.set = true;
  (void)checked(run(set.get(), shown.get()).leak());
}

PyRef GeneratorContext::call(PyObject* function, PyObject* args, PyObject* kwargs) const {
  const PyRef run = checked(PyObject_GetAttr(variables(), name_of_run()));
  const PyRef first = checked(PyTuple_Pack(1, function));
  const PyRef all = checked(PySequence_Concat(first.get(), args));
  return PyRef::adopt(PyObject_Call(run.get(), all.get(), kwargs));
}

PyObject* GeneratorContext::name_of_run() {
  static PyObject* const name = PyUnicode_InternFromString("run");
  return name;
}

bool init_context(PyObject* module) {
  const PyRef contextvars = PyRef::adopt(PyImport_ImportModule("_contextvars"));
  variable =
      contextvars ? PyObject_CallMethod(contextvars.get(), "ContextVar", "s", "tine.Context") : nullptr;
  variables_type = contextvars ? PyObject_GetAttrString(contextvars.get(), "Context") : nullptr;
  return variable && variables_type && add_type(module, "Context", &context_spec, &context_type) &&
         add_type(module, "_CancelSource", &source_spec, &source_type) &&
         PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tine::python
