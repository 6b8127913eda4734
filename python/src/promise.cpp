#include "python/src/abi.h"
#include "python/src/future.h"

// A future that only its producer completes, for the bridges that are written in Python; and the means to cancel a
// future without being one of its handles.

namespace tine::python {
namespace {

using tine::detail::make_ref;

// Both are empty once it is kept.
struct PyPromise {
  PyObject_HEAD ValueState* state;  // owned, until it is shown
  PyObject* future;  // what shows it from then on: the state has one owner, so the collector sees through it
};
PyPromise* as_promise(PyObject* object) noexcept { return reinterpret_cast<PyPromise*>(object); }
constinit PyTypeObject* promise_type = nullptr;

PyObject* promise_new(PyTypeObject*, PyObject* args, PyObject* keywords) {
  if (!PyArg_ParseTuple(args, ":_Promise") || (keywords && PyDict_GET_SIZE(keywords))) return nullptr;
  return guarded([=]() -> PyObject* { return make_promise(make_ref<ValueState>()); });
}

// Only these functions complete the state, once and under the lock; a cancellation may come first. The promise gives up its
// state then, so that keeping the promise does not keep the result.
Ref<ValueState> take_state(PyObject* object) noexcept {
  PyPromise* const self = as_promise(object);
  auto state = Ref<ValueState>::adopt(std::exchange(self->state, nullptr));
  const PyRef future = PyRef::adopt(std::exchange(self->future, nullptr));
  return future ? Ref<ValueState>::share(reinterpret_cast<PyFuture*>(future.get())->state) : state;
}
// Null once it is kept.
ValueState* state_of(PyObject* object) noexcept {
  PyPromise* const self = as_promise(object);
  return self->future ? reinterpret_cast<PyFuture*>(self->future)->state : self->state;
}
PyObject* promise_set_result(PyObject* object, PyObject* result) {
  return guarded([=]() -> PyObject* {
    if (const auto state = take_state(object)) state->emplace(to_value_shallow(result));
    Py_RETURN_NONE;
  });
}
PyObject* promise_set_exception(PyObject* object, PyObject* exception) {
  return guarded([=]() -> PyObject* {
    if (const auto state = take_state(object)) state->fail(to_exception_ptr(exception));
    Py_RETURN_NONE;
  });
}
PyObject* promise_cancel(PyObject* object, PyObject*) {
  if (const auto state = take_state(object)) state->cancel();
  Py_RETURN_NONE;
}
PyObject* promise_future(PyObject* object, PyObject*) {
  return guarded([=] {
    PyPromise* const self = as_promise(object);
    if (!state_of(object))
      throw Error(
          "future(): the promise has its value or exception already; call future() before set_value() or "
          "set_exception()");
    if (!self->future) {
      self->future = wrap_future(Ref<ValueState>::share(self->state));
      if (self->future) std::exchange(self->state, nullptr)->release();
    }
    return Py_XNewRef(self->future);
  });
}

PyObject* promise_came_from(PyObject* object, PyObject* source) {
  return guarded([=]() -> PyObject* {
    if (ValueState* const state = state_of(object)) came_from(*state, source);
    Py_RETURN_NONE;
  });
}

// Called before a collector takes apart what hangs on the promise.
void promise_finalize(PyObject* object) {
  ValueState* const state = state_of(object);
  if (!state || state->done()) return;
  // Without another handle and without a callback, nothing can see the failure.
  PyObject* const future = as_promise(object)->future;
  if (state->sole_owner() && !state->newest_callback() && (!future || Py_REFCNT(future) == 1)) return;
  const ErrorAside aside;
  state->fail(make_error(ErrorKind::kAbandoned,
                         "the producer of this Future was dropped before it completed the Future"));
}

int promise_traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(as_promise(object)->future);
  ValueState* const state = as_promise(object)->state;
  return state && state->sole_owner() ? traverse_state(*state, visit, arg) : 0;
}

int promise_clear(PyObject* object) {
  take_state(object);
  return 0;
}

void promise_dealloc(PyObject* object) {
  if (abi::finalize_in_dealloc(object, promise_finalize) < 0) return;  // a callback kept it
  PyObject_GC_UnTrack(object);
  take_state(object);
  free_object(object);
}

PyMethodDef promise_methods[] = {{"set_result", promise_set_result, METH_O, nullptr},
                                 {"set_exception", promise_set_exception, METH_O, nullptr},
                                 {"cancel", promise_cancel, METH_NOARGS, nullptr},
                                 {"future", promise_future, METH_NOARGS, nullptr},
                                 {"came_from", promise_came_from, METH_O, nullptr},
                                 {}};
PyType_Slot promise_slots[] = {{Py_tp_new, reinterpret_cast<void*>(promise_new)},
                               {Py_tp_dealloc, reinterpret_cast<void*>(promise_dealloc)},
                               {Py_tp_finalize, reinterpret_cast<void*>(promise_finalize)},
                               {Py_tp_traverse, reinterpret_cast<void*>(promise_traverse)},
                               {Py_tp_clear, reinterpret_cast<void*>(promise_clear)},
                               {Py_tp_methods, promise_methods},
                               {0, nullptr}};
PyType_Spec promise_spec = {"tine._C._Promise", sizeof(PyPromise), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
                            promise_slots};

// cancel(really=True) cancels the future; cancel(False) only lets go of it. Either happens once. A Future that only its
// handles can complete is held weakly: otherwise it would not fail when the last handle goes.
struct PyCanceller {
  PyObject_HEAD PyObject* held;
};
PyObject*& held_by(PyObject* canceller) noexcept { return reinterpret_cast<PyCanceller*>(canceller)->held; }

PyObject* make_canceller(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject* future = nullptr;
  if (!PyArg_ParseTuple(args, "O!:_Canceller", types.future, &future)) return nullptr;
  const bool settable = reinterpret_cast<PyFuture*>(future)->settable;
  PyRef held = settable ? PyRef::adopt(PyWeakref_NewRef(future, nullptr)) : PyRef::share(future);
  PyObject* const object = held ? PyType_GenericAlloc(type, 0) : nullptr;
  if (object) held_by(object) = held.leak();
  return object;
}
PyObject* canceller_call(PyObject* object, PyObject* args, PyObject*) {
  int really = 1;
  if (!PyArg_ParseTuple(args, "|p:_Canceller", &really)) return nullptr;
  const PyRef held = PyRef::adopt(std::exchange(held_by(object), nullptr));
  if (!really || !held) Py_RETURN_FALSE;
  const PyRef future = is_future(held.get()) ? held : abi::referent(held.get());
  if (!is_future(future.get())) Py_RETURN_FALSE;  // gone
  return PyBool_FromLong(reinterpret_cast<PyFuture*>(future.get())->state->cancel());
}
int canceller_traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(held_by(object));
  return 0;
}
int canceller_clear(PyObject* object) {
  Py_CLEAR(held_by(object));
  return 0;
}
void canceller_dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  canceller_clear(object);
  free_object(object);
}
PyType_Slot canceller_slots[] = {{Py_tp_new, reinterpret_cast<void*>(make_canceller)},
                                 {Py_tp_dealloc, reinterpret_cast<void*>(canceller_dealloc)},
                                 {Py_tp_traverse, reinterpret_cast<void*>(canceller_traverse)},
                                 {Py_tp_clear, reinterpret_cast<void*>(canceller_clear)},
                                 {Py_tp_call, reinterpret_cast<void*>(canceller_call)},
                                 {0, nullptr}};
PyType_Spec canceller_spec = {"tine._C._Canceller", sizeof(PyCanceller), 0,
                              Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
                              canceller_slots};

PyObject* on_cancel(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 2 || !is_future(args[0])) {
    PyErr_SetString(PyExc_TypeError, "_on_cancel(future, callback): wrong arguments");
    return nullptr;
  }
  return guarded([=]() -> PyObject* {
    add_done_callback(*reinterpret_cast<PyFuture*>(args[0])->state, args[1], true);
    Py_RETURN_NONE;
  });
}
PyMethodDef functions[] = {{"_on_cancel", as_method(on_cancel), METH_FASTCALL, nullptr}, {}};

bool add_type(PyObject* module, PyType_Spec* spec, const char* name, PyTypeObject** type = nullptr) {
  PyRef made = PyRef::adopt(PyType_FromSpec(spec));
  if (!made || PyModule_AddObjectRef(module, name, made.get()) < 0) return false;
  if (type) *type = reinterpret_cast<PyTypeObject*>(made.leak());
  return true;
}

}  // namespace

PyObject* make_promise(Ref<ValueState> state) {
  PyObject* const object = PyType_GenericAlloc(promise_type, 0);
  if (object) as_promise(object)->state = state.leak();
  return object;
}

bool init_promise(PyObject* module) {
  return add_type(module, &promise_spec, "_Promise", &promise_type) &&
         add_type(module, &canceller_spec, "_Canceller") && PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tine::python
