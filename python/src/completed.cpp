#include <memory>
#include <mutex>
#include <vector>

#include "python/src/arguments.h"
#include "python/src/future.h"
#include "python/src/kept.h"

// as_completed: the iterator over futures in the order in which they become done.

namespace tine::python {
namespace {

using tine::detail::make_ref;
using tine::detail::Node;
using tine::detail::NodeOps;
using tine::detail::StateBase;

class Arrivals;

// In an input's list. It owns the iterator, which has the arrivals; the collector sees it there.
struct ArrivalNode final : Node {
  ArrivalNode(Arrivals* owner, PyObject* iterator) noexcept
      : Node(&kOps), arrivals(owner), held(Py_NewRef(iterator)) {}
  ~ArrivalNode() { drop_anywhere(held); }
  static void run(Node* node, StateBase& done) noexcept;
  static constexpr NodeOps kOps{&ArrivalNode::run, false};
  Arrivals* const arrivals;
  PyObject* const held;
};

// The inputs that are done and not handed out. Those that are pending own it, not the other way round: so one that
// nobody can complete any more fails, and is handed out as failed.
class Arrivals {
 public:
  explicit Arrivals(size_t size) : done_(size), left_(size) {}

  // Once. iterator: the Python object that has this.
  void watch(const std::vector<Future<Value>>& futures, PyObject* iterator) {
    for (const auto& future : futures) {
      if (!helper_ && !future.ready()) helper_ = future.state()->helper();
    }
    // All of them before the first is subscribed: nothing may fail after that.
    std::vector<std::unique_ptr<ArrivalNode>> nodes;
    nodes.reserve(futures.size());
    for (size_t i = 0; i < futures.size(); ++i)
      nodes.push_back(std::make_unique<ArrivalNode>(this, iterator));
    for (size_t i = 0; i < futures.size(); ++i) futures[i].state()->subscribe(nodes[i].release());
  }

  // Any thread.
  void add(ValueState& done) noexcept {
    Kept awaited;
    {
      const std::lock_guard lock(mutex_);
      done_[arrived_++] = Kept(done);
      awaited = std::move(awaited_);
    }
    if (awaited) awaited->emplace();
  }
  // The next one that is done, empty when none is.
  [[nodiscard]] Kept take() {
    const std::lock_guard lock(mutex_);
    if (taken_ == arrived_) return {};
    --left_;
    return std::move(done_[taken_++]);
  }
  [[nodiscard]] size_t left() {
    const std::lock_guard lock(mutex_);
    return left_;
  }
  // A Future that is done as soon as there is one to take, or none will come; null with the indicator set.
  [[nodiscard]] PyRef arrival() {
    PyRef shown = PyRef::adopt(wrap_future(make_ref<ValueState>(helper_)));
    if (!shown) return shown;
    {
      const std::lock_guard lock(mutex_);
      if (taken_ == arrived_ && left_ > 0) {
        // One that is done: a task that awaited it was cancelled.
        if (awaited_ && !awaited_->done()) return PyRef::adopt(awaited_.object());
        awaited_ = Kept(state_of(shown));
        return shown;
      }
    }
    state_of(shown).emplace();
    return shown;
  }

  [[nodiscard]] int traverse(visitproc visit, void* arg) {
    const std::lock_guard lock(mutex_);
    if (const int stop = awaited_.traverse(visit, arg)) return stop;
    for (size_t i = taken_; i < arrived_; ++i) {
      if (const int stop = done_[i].traverse(visit, arg)) return stop;
    }
    return 0;
  }

  static ValueState& state_of(const PyRef& future) noexcept {
    return *reinterpret_cast<PyFuture*>(future.get())->state;
  }

 private:
  tine::detail::WaitHelper* helper_ = nullptr;
  std::mutex mutex_;
  std::vector<Kept> done_;
  size_t arrived_ = 0;
  size_t taken_ = 0;
  size_t left_;
  Kept awaited_;
};

void ArrivalNode::run(Node* node, StateBase& done) noexcept {
  const std::unique_ptr<ArrivalNode> self(static_cast<ArrivalNode*>(node));
  self->arrivals->add(static_cast<ValueState&>(done));
}

struct PyCompleted {
  PyObject_HEAD Arrivals* arrivals;
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
      const PyRef arrival = self->arrivals->arrival();
      const int done = arrival ? wait_done(Arrivals::state_of(arrival), self->deadline) : -1;
      if (done == 0) return time_is_up(self);
      if (done < 0) return nullptr;
    }
  });
}

// For `async for`: the next Future, or one that is done when there may be a next, or None at the end.
PyObject* completed_take(PyObject* object, PyObject*) {
  return guarded([=]() -> PyObject* {
    const Kept done = as_completed_object(object)->arrivals->take();
    return done ? hand_out(*done) : Py_NewRef(Py_None);
  });
}
PyObject* completed_arrival(PyObject* object, PyObject*) {
  return guarded([=] { return as_completed_object(object)->arrivals->arrival().leak(); });
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
  return as_completed_object(object)->arrivals->traverse(visit, arg);
}

int completed_clear(PyObject* object) {
  while (as_completed_object(object)->arrivals->take()) {
  }
  return 0;
}

void completed_dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  delete as_completed_object(object)->arrivals;
  PyTypeObject* const type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
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
  return node->ops() == &ArrivalNode::kOps ? static_cast<ArrivalNode*>(node)->held : nullptr;
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
    auto arrivals = std::make_unique<Arrivals>(futures.size());
    auto* const self = PyObject_GC_New(PyCompleted, completed_type);
    if (!self) return nullptr;
    self->size = futures.size();
    self->deadline = deadline;
    self->arrivals = arrivals.release();
    PyRef iterator = PyRef::adopt(reinterpret_cast<PyObject*>(self));
    PyObject_GC_Track(self);
    self->arrivals->watch(futures, iterator.get());
    return iterator.leak();
  });
}

bool init_completed() {
  completed_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return completed_type != nullptr;
}

}  // namespace tine::python
