#include <vector>

#include <tine/detail/arrivals.h>

#include "python/src/arguments.h"
#include "python/src/awaited.h"
#include "python/src/future.h"
#include "python/src/kept.h"

// as_completed: the iterator over futures in the order in which they become done.

namespace tine::python {
namespace {

using tine::detail::make_ref;
using tine::detail::Node;
using tine::detail::RefCounted;

ValueState& state_of(const PyRef& future) noexcept {
  return *reinterpret_cast<PyFuture*>(future.get())->state;
}

// The inputs' nodes keep the iterator, where the collector sees it, and that keeps the arrivals.
struct PyArrivalKind {
  using Input = ValueState;
  using Kept = tine::python::Kept;
  using Signal = tine::python::Kept;
  using Waited = PyRef;  // a Future, which can be awaited
  static PyRef waited(const Kept& signal) { return PyRef::adopt(signal.object()); }
  static void complete(const Kept& signal) noexcept { static_cast<Awaited&>(*signal).come(); }
  static constexpr bool kHeldByEach = true;
  void hold(RefCounted&, size_t inputs) const noexcept {
    for (; inputs > 0; --inputs) Py_INCREF(iterator);
  }
  void let_go(RefCounted&) const noexcept { drop_anywhere(iterator); }

  explicit PyArrivalKind(PyObject* i) noexcept : iterator(i) {}
  PyObject* const iterator;
};
using Arrivals = tine::detail::Arrivals<PyArrivalKind>;

// A Future that is done as soon as there is one to take, or none will come; null with the indicator set.
PyRef arrival_of(Arrivals& arrivals) {
  const PyRef fresh = PyRef::adopt(wrap_future(make_ref<Awaited>(arrivals.helper())));
  return fresh ? arrivals.arrival(Kept(state_of(fresh))) : PyRef();
}

struct PyCompleted {
  PyObject_HEAD Arrivals* arrivals;  // owned
  size_t size;
  TimePoint deadline;
};
PyCompleted* as_completed_object(PyObject* object) noexcept { return reinterpret_cast<PyCompleted*>(object); }
constinit PyTypeObject* completed_type = nullptr;

PyObject* time_is_up(PyCompleted* self) {
  return PyErr_Format(PyExc_TimeoutError,
                      "as_completed(): %zu of %zu futures are still pending at the end of the timeout",
                      self->arrivals->left(), self->size);
}

PyObject* completed_next(PyObject* object) {
  return guarded([=]() -> PyObject* {
    PyCompleted* const self = as_completed_object(object);
    const PyRef keep = PyRef::share(object);
    for (;;) {
      if (const Kept done = self->arrivals->take()) return hand_out(*done);
      if (self->arrivals->left() == 0) return nullptr;  // StopIteration
      const PyRef arrival = arrival_of(*self->arrivals);
      const int done = arrival ? wait_done(Ref<ValueState>::share(&state_of(arrival)), self->deadline) : -1;
      if (done == 0) return time_is_up(self);
      if (done < 0) return nullptr;
    }
  });
}

// For `async for`, which is written in Python. _take() returns the next future that is done, or None; _arrival() returns a
// Future that is done as soon as there is one to take, or none will come.
PyObject* completed_take(PyObject* object, PyObject*) {
  return guarded([=]() -> PyObject* {
    const Kept done = as_completed_object(object)->arrivals->take();
    return done ? hand_out(*done) : Py_NewRef(Py_None);
  });
}
PyObject* completed_arrival(PyObject* object, PyObject*) {
  return guarded([=] { return arrival_of(*as_completed_object(object)->arrivals).leak(); });
}
PyObject* completed_seconds_left(PyObject* object, PyObject*) {
  const TimePoint deadline = as_completed_object(object)->deadline;
  if (deadline == kNoDeadline) Py_RETURN_NONE;
  return PyFloat_FromDouble(std::chrono::duration<double>(deadline - Clock::now()).count());
}
PyObject* completed_time_is_up(PyObject* object, PyObject*) {
  return time_is_up(as_completed_object(object));
}

Py_ssize_t completed_left(PyObject* object) {
  return static_cast<Py_ssize_t>(as_completed_object(object)->arrivals->left());
}
PyObject* completed_length_hint(PyObject* object, PyObject*) {
  return PyLong_FromSsize_t(completed_left(object));
}

PyObject* completed_anext(PyObject* object) {
  const PyRef module = PyRef::adopt(PyImport_ImportModule("tine._asyncio"));
  return module ? PyObject_CallMethod(module.get(), "next_completed", "O", object) : nullptr;
}

int completed_traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  return as_completed_object(object)->arrivals->look_at_kept(
      [=](const Kept& kept) { return kept.traverse(visit, arg); });
}

int completed_clear(PyObject* object) {
  while (as_completed_object(object)->arrivals->take()) {
  }
  return 0;
}

void completed_dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  if (Arrivals* const arrivals = as_completed_object(object)->arrivals) arrivals->release();
  free_object(object);
}

PyMethodDef methods[] = {{"_take", completed_take, METH_NOARGS, nullptr},
                         {"_arrival", completed_arrival, METH_NOARGS, nullptr},
                         {"_seconds_left", completed_seconds_left, METH_NOARGS, nullptr},
                         {"_time_is_up", completed_time_is_up, METH_NOARGS, nullptr},
                         {"__length_hint__", completed_length_hint, METH_NOARGS, nullptr},
                         {}};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("What as_completed() returns: an iterator, for `async for` as well.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(completed_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(completed_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(completed_clear)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(completed_next)},
    {Py_am_aiter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_am_anext, reinterpret_cast<void*>(completed_anext)},
    {Py_tp_methods, methods},
    {0, nullptr}};
PyType_Spec spec = {
    "tine.futures.AsCompleted", sizeof(PyCompleted), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    slots};

}  // namespace

PyObject* iterator_held_by(Node* node) noexcept {
  Arrivals* const arrivals = Arrivals::of_input(node);
  return arrivals ? arrivals->kind().iterator : nullptr;
}

PyObject* as_completed(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  static constexpr const char* kNames[] = {"futures", "timeout"};
  PyObject* given[2] = {};
  if (!parse_arguments({"as_completed", kNames, 1, 2}, args, count, names, given)) return nullptr;
  return guarded([&]() -> PyObject* {
    TimePoint deadline = kNoDeadline;
    PyRef items;
    std::vector<Future<Value>> futures;
    if (!parse_timeout(given[1], &deadline) || !read_futures("as_completed", given[0], &items, &futures))
      return nullptr;
    auto* const self = PyObject_GC_New(PyCompleted, completed_type);
    if (!self) return nullptr;
    PyRef iterator = PyRef::adopt(reinterpret_cast<PyObject*>(self));
    self->size = futures.size();
    self->deadline = deadline;
    self->arrivals = nullptr;
    self->arrivals = make_ref<Arrivals>(futures.size(), iterator.get()).leak();
    PyObject_GC_Track(self);
    self->arrivals->start([&](size_t i) { return futures[i].state(); });
    return iterator.leak();
  });
}

bool init_completed() {
  completed_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return completed_type != nullptr;
}

}  // namespace tine::python
