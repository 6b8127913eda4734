#include "python/src/future.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "python/src/abi.h"
#include "python/src/arguments.h"
#include "python/src/context.h"
#include "python/src/place.h"

namespace tine::python {
namespace {

using tine::detail::make_ref;
using tine::detail::Outcome;

// Ctrl-C is seen at least this often by a main thread that waits.
constexpr auto kSignalLatency = std::chrono::milliseconds(50);

constexpr int kFreeListSize = 64;
struct FreeList {
  int size;
  PyFuture* items[kFreeListSize];
};
constinit FreeList free_list{};

PyFuture* as_future(PyObject* object) noexcept { return reinterpret_cast<PyFuture*>(object); }
PyObject* as_object(PyFuture* future) noexcept { return reinterpret_cast<PyObject*>(future); }

PyFuture* allocate(PyTypeObject* type) {
  if (type == types.future && free_list.size > 0) {
    PyFuture* const future = free_list.items[--free_list.size];
    PyObject_Init(as_object(future), type);
    return future;
  }
  return PyObject_GC_New(PyFuture, type);
}

// Takes the state over.
void set_up(PyFuture* future, ValueState* state, bool settable) {
  future->state = state;
  future->weakrefs = nullptr;
  future->error = nullptr;
  future->context = nullptr;
  future->settable = settable;
  future->claimed = false;
  future->grad_mode = {};
  state->binding = future;
}

// Null without memory.
std::unique_ptr<ValueState> new_state() noexcept {
  try {
    auto state = std::make_unique<ValueState>();
    state->show();
    state->made_at(calling_place());
    return state;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

// False with the indicator set.
bool enter_context(PyFuture* future) {
  return guarded([=] {
           if (join_here(*future->state)) future->context = future->state->newest_callback();
           return 0;
         }) == 0;
}

// A settable one, of exactly this type.
PyObject* make(PyTypeObject* type) {
  auto state = new_state();
  if (!state) return PyErr_NoMemory();
  PyFuture* const future = allocate(type);
  if (!future) return nullptr;
  set_up(future, state.release(), true);
  PyObject_GC_Track(future);
  if (detail::context_use.any() && !enter_context(future)) [[unlikely]] {
    Py_DECREF(as_object(future));
    return nullptr;
  }
  return as_object(future);
}

bool check_devices(PyObject* devices) {
  if (!devices || devices == Py_None) return true;
  const PyRef items = PyRef::adopt(PySequence_Fast(devices, "devices must be a list of devices or None"));
  if (!items) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) {
    PyObject* const device = PySequence_Fast_GET_ITEM(items.get(), i);
    const PyRef name = PyRef::adopt(PyObject_Str(device));
    const char* const text = name ? PyUnicode_AsUTF8(name.get()) : nullptr;
    if (!text) return false;
    if (std::string_view(text).substr(0, 3) != "cpu") {
      PyErr_Format(PyExc_ValueError,
                   "Future(devices=...): tine runs on the CPU; devices[%zd] is %R, expected 'cpu'", i,
                   device);
      return false;
    }
  }
  return true;
}

bool check_arguments(PyObject* const* args, Py_ssize_t positional, PyObject* names) {
  if (positional > 0) {
    PyErr_Format(PyExc_TypeError, "Future() takes no positional arguments but %zd were given", positional);
    return false;
  }
  if (!names) return true;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); ++i) {
    PyObject* const name = PyTuple_GET_ITEM(names, i);
    if (PyUnicode_CompareWithASCIIString(name, "devices") != 0) {
      PyErr_Format(PyExc_TypeError, "Future() got an unexpected keyword argument %R; it takes devices only",
                   name);
      return false;
    }
    if (!check_devices(args[i])) return false;
  }
  return true;
}

PyObject* future_vectorcall(PyObject* type, PyObject* const* args, size_t count, PyObject* names) {
  const Py_ssize_t positional = PyVectorcall_NARGS(count);
  if ((positional || names) && !check_arguments(args, positional, names)) return nullptr;
  return make(reinterpret_cast<PyTypeObject*>(type));
}

// A subclass may take other arguments, which its __init__ checks.
PyObject* future_new(PyTypeObject* type, PyObject*, PyObject*) {
  auto state = new_state();
  if (!state) return PyErr_NoMemory();
  PyObject* const object = PyType_GenericAlloc(type, 0);
  if (!object) return nullptr;
  set_up(as_future(object), state.release(), true);
  if (enter_context(as_future(object))) return object;
  Py_DECREF(object);
  return nullptr;
}

int future_init(PyObject*, PyObject* args, PyObject* keywords) {
  static const char* const names[] = {"devices", nullptr};
  PyObject* devices = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$O:Future", const_cast<char**>(names), &devices))
    return -1;
  return check_devices(devices) ? 0 : -1;
}

// Whether the object is the last handle that could complete the state, while others wait for it.
bool would_abandon(PyFuture* self) noexcept {
  return self->settable && !self->claimed && !self->state->done() &&
         (self->state->newest_callback() || !self->state->sole_owner());
}

void abandon(PyFuture* self) {
  self->claimed = true;
  // Nobody but its Context waits: there is nobody to tell.
  if (self->context && self->context == self->state->newest_callback() && self->state->references() == 2) {
    self->state->cancel();
    return;
  }
  self->state->fail(make_error(ErrorKind::kAbandoned,
                               "the Future was dropped before it was given a result or an exception; keep a "
                               "reference to it where set_result will be called"));
}

// Reports an unobserved error before the destructor of the state would.
struct Reported final : ValueState {
  using ValueState::report_unless_observed;
};

void future_finalize(PyObject* object) {
  PyFuture* const self = as_future(object);
  const ErrorAside aside;
  if (would_abandon(self)) abandon(self);
  // A collector clears the exception before it frees the state, so the report must be made here.
  if (self->state->peek_error() && self->state->sole_owner()) {
    (self->state->*&Reported::report_unless_observed)();
    self->state->observe();
  }
}

void future_dealloc(PyObject* object) {
  PyFuture* const self = as_future(object);
  if (would_abandon(self) && abi::finalize_in_dealloc(object, future_finalize) < 0)
    return;  // a callback kept it
  PyObject_GC_UnTrack(object);
  if (self->weakrefs) PyObject_ClearWeakRefs(object);
  PyTypeObject* const type = Py_TYPE(object);
  ValueState* const state = self->state;
  if (state->binding == self) state->binding = nullptr;
  if (would_abandon(self)) abandon(self);  // a subclass's __del__ stood in for the finalizer
  Py_CLEAR(self->error);
  if (!self->settable) Py_XDECREF(static_cast<PyObject*>(self->context));
  state->release();
  if (type == types.future && free_list.size < kFreeListSize && !PyObject_GC_IsFinalized(object)) {
    free_list.items[free_list.size++] = self;
  } else {
    free_object(type, object);
  }
  Py_DECREF(type);
}

int future_traverse(PyObject* object, visitproc visit, void* arg) {
  PyFuture* const self = as_future(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->error);
  // An object with other owners counts as reachable: they may be anywhere.
  return self->state->sole_owner() ? traverse_state(*self->state, visit, arg) : 0;
}

int future_clear(PyObject* object) {
  PyFuture* const self = as_future(object);
  Py_CLEAR(self->error);
  if (!self->state->sole_owner()) return 0;
  // The finalizer has completed the state. The object gets another one, which tells a late caller so.
  auto* const fresh = new_state().release();
  if (!fresh) return 0;
  fresh->cancel();
  ValueState* const old = std::exchange(self->state, fresh);
  fresh->binding = self;
  old->binding = nullptr;
  old->release();
  return 0;
}

// --- completion

bool claim(PyFuture* self) {
  const Outcome outcome = self->state->outcome();
  if (outcome == Outcome::kCancelled && self->settable) return true;  // what is set now is ignored
  const bool completed = outcome == Outcome::kValue || outcome == Outcome::kError;
  if (self->claimed || completed) {
    PyErr_SetString(PyExc_RuntimeError, "Future can only be marked completed once");
    return false;
  }
  if (!self->settable) {
    PyErr_SetString(
        PyExc_RuntimeError,
        "this Future is completed by the fork, the then() or the remote call that made it; only a "
        "Future made by Future() can be given a result");
    return false;
  }
  self->claimed = true;
  return true;
}

// In a child of fork(2), a state that only the parent can complete fails as soon as the child looks at it.
ValueState* looked_at(PyFuture* self) noexcept {
  if (self->state->of_parent() && !self->settable) [[unlikely]]
    self->state->fail_in_child();
  return self->state;
}

PyObject* future_set_result(PyObject* object, PyObject* result) {
  return guarded([=]() -> PyObject* {
    PyFuture* const self = as_future(object);
    if (!claim(self)) return nullptr;
    // Other users of the state hold the interpreter's lock, as this thread does, or a reference. False after cancel(): then
    // the result is ignored.
    self->state->emplace(tine::detail::owning, to_value_shallow(result));
    Py_RETURN_NONE;
  });
}

PyObject* future_set_exception(PyObject* object, PyObject* exception) {
  if (!PyExceptionInstance_Check(exception)) {
    PyErr_Format(PyExc_TypeError,
                 "%R is of type %R, not an Exception: set_exception takes an instance of BaseException",
                 exception, reinterpret_cast<PyObject*>(Py_TYPE(exception)));
    return nullptr;
  }
  return guarded([=]() -> PyObject* {
    PyFuture* const self = as_future(object);
    if (!claim(self)) return nullptr;
    self->state->fail(to_exception_ptr(exception));
    Py_RETURN_NONE;
  });
}

PyObject* future_cancel(PyObject* object, PyObject*) {
  return PyBool_FromLong(looked_at(as_future(object))->cancel());
}

// --- looking

PyObject* result_of(PyFuture* self) {
  if (self->state->outcome() == Outcome::kValue) [[likely]]
    return to_python(self->state->value());
  const PyRef exception = PyRef::adopt(exception_of(self));
  if (exception) raise_object(exception.get());
  return nullptr;
}

bool parse_one(const char* function, PyObject* const* args, Py_ssize_t count, PyObject* names,
               PyObject** timeout) {
  const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
  if (count + named > 1) {
    PyErr_Format(PyExc_TypeError, "%s() takes at most 1 argument (%zd given)", function, count + named);
    return false;
  }
  if (named && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "timeout") != 0) {
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument %R; it takes timeout only",
                 function, PyTuple_GET_ITEM(names, 0));
    return false;
  }
  *timeout = count + named ? args[0] : nullptr;
  return true;
}

// 1 when done; else as wait_done, with TimeoutError for 0.
int wait_or_raise(PyFuture* self, TimePoint deadline) {
  if (looked_at(self)->done()) return 1;
  const PyRef keep = PyRef::share(as_object(self));
  const int done =
      wait_done(Ref<ValueState>::share(self->state), deadline, self->settable ? nullptr : self->context);
  if (done == 0) PyErr_SetString(PyExc_TimeoutError, "the Future is still pending at the end of the timeout");
  return done == 1 ? 1 : -1;
}

PyObject* future_wait(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  PyFuture* const self = as_future(object);
  TimePoint deadline = kNoDeadline;
  if (count || names) {
    PyObject* timeout = nullptr;
    if (!parse_one("wait", args, count, names, &timeout) || !parse_timeout(timeout, &deadline))
      return nullptr;
  }
  if (self->state->outcome() == Outcome::kValue) [[likely]]
    return to_python(self->state->value());
  return wait_value(self, deadline);
}

PyObject* future_exception(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  PyFuture* const self = as_future(object);
  PyObject* timeout = nullptr;
  TimePoint deadline = kNoDeadline;
  if (!parse_one("exception", args, count, names, &timeout) || !parse_timeout(timeout, &deadline))
    return nullptr;
  if (wait_or_raise(self, deadline) < 0) return nullptr;
  if (self->state->outcome() == Outcome::kValue) Py_RETURN_NONE;
  return exception_of(self);
}

PyObject* future_value(PyObject* object, PyObject*) {
  PyFuture* const self = as_future(object);
  if (looked_at(self)->done()) return result_of(self);
  PyErr_SetString(PyExc_RuntimeError, "value(): the Future is still pending; wait() blocks until it is done");
  return nullptr;
}

PyObject* future_done(PyObject* object, PyObject*) {
  return PyBool_FromLong(looked_at(as_future(object))->done());
}

PyObject* future_cancelled(PyObject* object, PyObject*) {
  return PyBool_FromLong(as_future(object)->state->outcome() == Outcome::kCancelled);
}

// --- callbacks

bool check_callable(const char* function, PyObject* callback) {
  if (PyCallable_Check(callback)) return true;
  PyErr_Format(PyExc_TypeError, "%s(): expected a callable that takes the Future, got %R of type %s",
               function, callback, TypeName(callback).c_str());
  return false;
}

template <Mode kMode>
PyObject* future_then(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  static constexpr const char* kFunctions[] = {"then", "and_then", "or_else", "finally_"};
  static constexpr const char* kNames[] = {"callback", "executor"};
  const char* const function = kFunctions[static_cast<size_t>(kMode)];
  PyObject* given[2] = {};
  if (count == 1 && !names) [[likely]] {
    given[0] = args[0];
  } else if (!parse_arguments({function, kNames, 1, 1}, args, count, names, given)) {
    return nullptr;
  }
  if (!check_callable(function, given[0])) return nullptr;
  PyRef submit;
  if (given[1] && given[1] != Py_None) {
    submit = PyRef::adopt(PyObject_GetAttrString(given[1], "submit"));
    if (!submit || !PyCallable_Check(submit.get())) {
      PyErr_Format(PyExc_TypeError,
                   "%s(): expected an executor (tine.futures.pool, or an object with a submit() method), got "
                   "%R of type %s",
                   function, given[1], TypeName(given[1]).c_str());
      return nullptr;
    }
  }
  return guarded([&] {
    ValueState& state = *looked_at(as_future(object));
    const GradMode grad_mode = state.done() ? GradMode() : as_future(object)->grad_mode;
    PyObject* const made = wrap_future(then(state, kMode, given[0], submit.leak(), grad_mode));
    if (made) as_future(made)->grad_mode = grad_mode;
    return made;
  });
}

PyObject* future_add_done_callback(PyObject* object, PyObject* callback) {
  if (!check_callable("add_done_callback", callback)) return nullptr;
  return guarded([=]() -> PyObject* {
    ValueState& state = *looked_at(as_future(object));
    add_done_callback(state, callback, false, state.done() ? GradMode() : as_future(object)->grad_mode);
    Py_RETURN_NONE;
  });
}

// --- the rest

PyObject* future_repr(PyObject* object) {
  PyFuture* const self = as_future(object);
  const TypeName type(object);
  const char* const full = type.c_str();
  const char* const dot = std::strrchr(full, '.');
  const std::string name = Py_TYPE(object) == types.future ? "tine.Future" : dot ? dot + 1 : full;
  std::string what;
  switch (self->state->outcome()) {
    case Outcome::kPending: what = "pending"; break;
    case Outcome::kValue: {
      const Value& value = self->state->value();
      PyObject* const foreign = value.is(Tag::kForeign) ? foreign_object(value) : nullptr;
      what =
          "done: " + (foreign ? std::string(TypeName(foreign).c_str()) : std::string(name_of(value.tag())));
      break;
    }
    case Outcome::kError: {
      // A repr() does not count as looking at the error.
      const PyRef exception =
          PyRef::adopt(self->error ? Py_NewRef(self->error) : to_exception(*self->state->peek_error()));
      if (!exception) return nullptr;
      what = std::string("failed: ") + TypeName(exception.get()).c_str();
      break;
    }
    case Outcome::kCancelled: what = "cancelled"; break;
    case Outcome::kDeadline: what = "failed: deadline exceeded"; break;
    case Outcome::kInherited: what = "failed: inherited over fork(2)"; break;
  }
  return PyUnicode_FromFormat("<%s %s at %p>", name.c_str(), what.c_str(), object);
}

PyObject* future_reduce(PyObject*, PyObject*) {
  PyErr_SetString(
      PyExc_RuntimeError,
      "Can not pickle torch.futures.Future: a Future lives in one process; send what wait() returns");
  return nullptr;
}

// The bridge to asyncio is written in Python and imported by the first await, so other programs do not import asyncio.
PyObject* future_await(PyObject* object) {
  const PyRef module = PyRef::adopt(PyImport_ImportModule("tine._asyncio"));
  return module ? PyObject_CallMethod(module.get(), "await_future", "O", object) : nullptr;
}

// PyTorch's names of the arguments.
constexpr char kResultName[] = "result";
constexpr char kCallbackName[] = "callback";

PyMethodDef methods[] = {
    {"done", future_done, METH_NOARGS,
     "done($self, /)\n--\n\nWhether the Future has a result or an exception, or was cancelled. Never "
     "blocks."},
    {"wait", as_method(future_wait), METH_FASTCALL | METH_KEYWORDS,
     "wait($self, /, timeout=None)\n--\n\nWaits until the Future is done. Returns its value or raises its "
     "exception.\n"
     "\n"
     "timeout: in seconds; None waits without a limit. When the time is up, TimeoutError is raised, and the\n"
     "Future stays pending and can be waited for again. Other threads run meanwhile; Ctrl-C ends the wait."},
    {"value", future_value, METH_NOARGS,
     "value($self, /)\n--\n\nReturns the value of a Future that is done, or raises its exception. "
     "RuntimeError if it is pending."},
    {"set_result", as_method(one_argument<future_set_result, kResultName>), METH_FASTCALL | METH_KEYWORDS,
     "set_result($self, /, result)\n--\n\nCompletes the Future, and runs its callbacks in the order in which "
     "they were added.\n"
     "\n"
     "RuntimeError if the Future has been completed before. After cancel() the result is ignored."},
    {"set_exception", as_method(one_argument<future_set_exception, kResultName>),
     METH_FASTCALL | METH_KEYWORDS,
     "set_exception($self, /, result)\n--\n\nCompletes the Future with an exception. wait() and value() "
     "raise that same object.\n"
     "\n"
     "result: an instance of BaseException, otherwise TypeError. RuntimeError if the Future has been "
     "completed\n"
     "before."},
    {"then", as_method(future_then<Mode::kThen>), METH_FASTCALL | METH_KEYWORDS,
     "then($self, /, callback, *, executor=None)\n--\n\nReturns a new Future of what callback(this Future) "
     "returns or raises.\n"
     "\n"
     "The callback runs on the thread that completes this Future, or at once if it is done already. It runs\n"
     "after a failure too. A Future that it returns is held as a value.\n"
     "\n"
     "executor: runs the callback instead: tine.futures.pool, or an object with submit(), such as an "
     "executor\n"
     "of concurrent.futures. If submit() raises, the new Future fails with that exception."},
    {"and_then", as_method(future_then<Mode::kAndThen>), METH_FASTCALL | METH_KEYWORDS,
     "and_then($self, /, callback, *, executor=None)\n--\n\nReturns a new Future of what callback(value) "
     "returns or raises. A failure is passed on without a call.\n"
     "\n"
     "If the callback returns a Future, also one of another library, the new Future gets its outcome.\n"
     "executor: as for then()."},
    {"or_else", as_method(future_then<Mode::kOrElse>), METH_FASTCALL | METH_KEYWORDS,
     "or_else($self, /, callback, *, executor=None)\n--\n\nReturns a new Future of what callback(exception) "
     "returns or raises. A value is passed on without a call.\n"
     "\n"
     "If the callback returns a Future, also one of another library, the new Future gets its outcome.\n"
     "executor: as for then()."},
    {"finally_", as_method(future_then<Mode::kFinally>), METH_FASTCALL | METH_KEYWORDS,
     "finally_($self, /, callback, *, executor=None)\n--\n\nReturns a new Future with the outcome of this "
     "one, after callback() has run. It always runs.\n"
     "\n"
     "If the callback raises, its exception replaces the outcome; its result is dropped. executor: as for\n"
     "then(), but if submit() raises, the callback runs on the completing thread."},
    {"add_done_callback", as_method(one_argument<future_add_done_callback, kCallbackName>),
     METH_FASTCALL | METH_KEYWORDS,
     "add_done_callback($self, /, callback)\n--\n\nCalls callback(this Future) once it is done. An exception "
     "of the callback goes to the hook for\n"
     "unobserved errors."},
    {"exception", as_method(future_exception), METH_FASTCALL | METH_KEYWORDS,
     "exception($self, /, timeout=None)\n--\n\nWaits as wait() does. Returns the exception, or None if there "
     "is a value."},
    {"cancel", future_cancel, METH_NOARGS,
     "cancel($self, /)\n--\n\nCompletes a pending Future with tine.Cancelled. Returns whether this call "
     "completed it."},
    {"cancelled", future_cancelled, METH_NOARGS,
     "cancelled($self, /)\n--\n\nWhether the Future was completed by cancel()."},
    {"__reduce__", future_reduce, METH_NOARGS, "Refuses: a Future lives in one process."},
    {"__reduce_ex__", future_reduce, METH_O, "Refuses: a Future lives in one process."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "Future[T], for annotations."},
    {}};

PyMemberDef members[] = {{"__weaklistoffset__", T_PYSSIZET, offsetof(PyFuture, weakrefs), READONLY, nullptr},
                         {}};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("Future(*, devices=None)\n--\n\nA value that may not be there yet.\n"
                                  "\n"
                                  "devices: accepted as in PyTorch; tine runs on the CPU. In annotations, "
                                  "Future[T] names the type of the\n"
                                  "value. Source: torch.futures.Future.")},
    {Py_tp_new, reinterpret_cast<void*>(future_new)},
    {Py_tp_init, reinterpret_cast<void*>(future_init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(future_dealloc)},
    {Py_tp_finalize, reinterpret_cast<void*>(future_finalize)},
    {Py_tp_traverse, reinterpret_cast<void*>(future_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(future_clear)},
    {Py_tp_repr, reinterpret_cast<void*>(future_repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_am_await, reinterpret_cast<void*>(future_await)},
    {abi::vectorcall_slot(), reinterpret_cast<void*>(future_vectorcall)},
    {0, nullptr}};

PyType_Spec spec = {"tine.futures.Future", sizeof(PyFuture), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
                    slots};

}  // namespace

PyObject* exception_of(PyFuture* self) {
  self->state->observe();
  if (self->error) return Py_NewRef(self->error);
  const std::exception_ptr* const stored = self->state->stored_error();
  if (stored && as_py_error(*stored)) return to_exception(*stored);
  self->error = to_exception(self->state->error());
  return Py_XNewRef(self->error);
}

void carry_grad_mode(PyObject* future) noexcept { as_future(future)->grad_mode = GradMode::here(); }

void made_in(PyObject* future, PyObject* context) noexcept {
  PyFuture* const self = as_future(future);
  if (context && !self->settable && !self->context) self->context = Py_NewRef(context);
}

bool parse_timeout(PyObject* seconds, TimePoint* deadline) {
  *deadline = kNoDeadline;
  if (!seconds || seconds == Py_None) return true;
  const double value = PyFloat_AsDouble(seconds);
  if (value == -1 && PyErr_Occurred()) {
    PyErr_Format(PyExc_TypeError, "timeout: expected seconds or None, got %R of type %s", seconds,
                 TypeName(seconds).c_str());
    return false;
  }
  if (std::isnan(value)) {
    PyErr_SetString(PyExc_ValueError, "timeout: expected seconds or None, got nan");
    return false;
  }
  constexpr double kCentury = 3e9;  // seconds; more would overflow the clock
  if (value < kCentury) {
    *deadline = Clock::now() +
                std::chrono::ceil<Clock::duration>(std::chrono::duration<double>(value > 0 ? value : 0));
  }
  return true;
}

namespace {

// The object of this code's Context if that can stop.
PyRef context_that_can_stop() {
  PyRef here = PyRef::adopt(context_to_carry());
  const Context* const context = here ? &context_in(here.get()) : nullptr;
  return context && context->data().get() && tine::detail::can_stop(*context->data().get()) ? here : PyRef();
}

// The Context has ended the wait, not the future. The caller learns that; an error that comes later need not be reported.
[[noreturn]] void give_up(const tine::detail::StateBase& state, Outcome how) {
  state.observe();
  tine::detail::throw_stopped(how, state);
}

// What wait_done says of itself; throws when the Context ends the wait.
int wait_in_context(const Ref<tine::detail::StateBase>& state, TimePoint deadline, const void* made_in) {
  const bool main = on_main_thread();  // Python runs signal handlers there only
  const bool guest = inside_gate();    // at exit the interpreter waits for such a thread
  const PyRef here = context_that_can_stop();
  const TimePoint end = here ? std::min(deadline, context_in(here.get()).deadline()) : deadline;
  std::optional<NotInPlace> in_time;
  if (end != kNoDeadline) in_time.emplace();
  Ref<tine::detail::StateBase> awaited = state;
  if (here && here.get() != made_in) {
    const Context& context = context_in(here.get());
    if (!context.stopped()) {
      const GilRelease release;
      if (state->help_until(TimePoint::min())) return 1;
    }
    awaited = tine::detail::until_stopped(*state, *context.data().get());
  }
  for (;;) {
    TimePoint until = end;
    if (main) until = std::min(end, Clock::now() + kSignalLatency);
    // The waiting threads together look at most a thousand times a second.
    if (guest && !main) {
      const auto turn =
          std::max<Clock::duration>(kSignalLatency, std::chrono::milliseconds(threads_inside_gate()));
      until = std::min(end, Clock::now() + turn);
    }
    bool done;
    {
      const GilRelease release;
      done = awaited->wait_until(until);
    }
    if (main && PyErr_CheckSignals() < 0) return -1;
    if (done && (awaited == state || awaited->outcome() == Outcome::kValue)) return 1;
    if (done) give_up(*state, awaited->outcome());
    if (guest && gate_closed()) {
      PyErr_SetString(PyExc_RuntimeError, "the interpreter is shutting down; the Future is still pending");
      return -1;
    }
    if (until != end) continue;
    if (end == deadline) return 0;
    give_up(*state, Outcome::kDeadline);
  }
}

}  // namespace

namespace {
constinit thread_local PyObject* blocking_hook = nullptr;

// What wait_done says of an error, or 0.
int tell_of_block() {
  const std::source_location where = calling_place();
  const PyRef none = PyRef::adopt(
      PyObject_CallFunction(blocking_hook, "sIs", where.file_name(), where.line(), where.function_name()));
  return none ? 0 : -1;
}
}  // namespace

void set_blocking_hook(PyObject* hook) noexcept {
  Py_XDECREF(std::exchange(blocking_hook, hook == Py_None ? nullptr : Py_NewRef(hook)));
}

int wait_done(Ref<tine::detail::StateBase> state, TimePoint deadline, const void* context) {
  if (state->done()) return 1;
  if (blocking_hook && deadline > Clock::now() && tell_of_block() < 0) [[unlikely]]
    return -1;
  return guarded([&] { return wait_in_context(state, deadline, context); });
}

PyObject* wait_value(PyFuture* future, TimePoint deadline) {
  return wait_or_raise(future, deadline) < 0 ? nullptr : result_of(future);
}

PyObject* wrap_future(Ref<ValueState> state) {
  // An object with a reference count of 0 is being torn down by its subclass, and must not be handed out again.
  if (auto* const known = static_cast<PyObject*>(state->binding); known && Py_REFCNT(known) > 0) {
    return Py_NewRef(known);
  }
  PyFuture* const future = allocate(types.future);
  if (!future) return nullptr;
  if (state->where().line() == 0) state->made_at(calling_place());
  state->show();
  set_up(future, state.leak(), false);
  PyObject_GC_Track(future);
  return as_object(future);
}

Future<Value> future_of(PyObject* object) {
  return Future<Value>(Ref<ValueState>::share(as_future(object)->state));
}

bool init_future(PyObject* module) {
  types.future = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (!types.future) return false;
  abi::set_vectorcall(types.future, future_vectorcall, future_finalize);
  return PyModule_AddObjectRef(module, "Future", reinterpret_cast<PyObject*>(types.future)) == 0;
}

}  // namespace tine::python
