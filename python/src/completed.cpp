#include <memory>
#include <mutex>
#include <vector>

#include "python/src/arguments.h"
#include "python/src/future.h"

// as_completed: the iterator over futures in the order in which they become done.

namespace tine::python {
namespace {

using tine::detail::make_ref;
using tine::detail::Node;
using tine::detail::NodeOps;
using tine::detail::StateBase;

// The inputs that are done and not handed out. Pending ones own it, not the other way round: so one that nobody
// can complete any more fails, and is handed out as failed.
class Arrivals final : public tine::detail::RefCounted {
 public:
  explicit Arrivals(const std::vector<Future<Value>>& futures) : left_(futures.size()) {
    for (const auto& future : futures) {
      if (!helper_ && !future.ready()) helper_ = future.state()->helper();
    }
    // All of them before the first is subscribed: nothing may fail behind that.
    std::vector<std::unique_ptr<Input>> inputs;
    inputs.reserve(futures.size());
    for (size_t i = 0; i < futures.size(); ++i) inputs.push_back(std::make_unique<Input>());
    done_.resize(futures.size());
    for (size_t i = 0; i < futures.size(); ++i) {
      inputs[i]->owner = Ref<Arrivals>::share(this);
      futures[i].state()->subscribe(inputs[i].release());
    }
  }

  // The next one that is done, null when none is.
  Ref<ValueState> take() {
    const std::lock_guard lock(mutex_);
    if (taken_ == arrived_) return {};
    --left_;
    return std::move(done_[taken_++]);
  }
  [[nodiscard]] size_t left() {
    const std::lock_guard lock(mutex_);
    return left_;
  }
  // Done as soon as there is one to take, or none will come.
  Ref<ValueState> arrival() {
    auto state = make_ref<ValueState>(helper_);
    {
      const std::lock_guard lock(mutex_);
      if (taken_ == arrived_ && left_ > 0) {
        if (!awaited_ || awaited_->done())
          awaited_ = std::move(state);  // done: a task that awaited it was cancelled
        return awaited_;
      }
    }
    state->emplace();
    return state;
  }

 private:
  struct Input final : Node {
    Input() noexcept : Node(&kOps) {}
    static void run(Node* node, StateBase& done) noexcept {
      const std::unique_ptr<Input> input(static_cast<Input*>(node));
      input->owner->on_input(static_cast<ValueState&>(done));
    }
    static constexpr NodeOps kOps{&Input::run, false};
    Ref<Arrivals> owner;
  };

  void on_input(ValueState& done) noexcept {
    Ref<ValueState> awaited;
    {
      const std::lock_guard lock(mutex_);
      done_[arrived_++] = Ref<ValueState>::share(&done);
      awaited = std::move(awaited_);
    }
    if (awaited) awaited->emplace();
  }

  tine::detail::WaitHelper* helper_ = nullptr;
  std::mutex mutex_;
  std::vector<Ref<ValueState>> done_;
  size_t arrived_ = 0;
  size_t taken_ = 0;
  size_t left_;
  Ref<ValueState> awaited_;
};

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
      if (auto state = self->arrivals->take()) return hand_out(std::move(state));
      if (self->arrivals->left() == 0) return nullptr;  // StopIteration
      const auto arrival = self->arrivals->arrival();
      const int done = wait_done(*arrival, self->deadline);
      if (done == 0) return time_is_up(self);
      if (done < 0) return nullptr;
    }
  });
}

// For `async for`: the next Future, or one that is done when there may be a next, or None at the end.
PyObject* completed_take(PyObject* object, PyObject*) {
  return guarded([=]() -> PyObject* {
    PyCompleted* const self = as_completed_object(object);
    auto state = self->arrivals->take();
    return state ? hand_out(std::move(state)) : Py_NewRef(Py_None);
  });
}
PyObject* completed_arrival(PyObject* object, PyObject*) {
  return guarded([=] { return wrap_future(as_completed_object(object)->arrivals->arrival()); });
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

void completed_dealloc(PyObject* object) {
  if (Arrivals* const arrivals = as_completed_object(object)->arrivals) arrivals->release();
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
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(completed_next)},
    {Py_am_aiter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_am_anext, reinterpret_cast<void*>(completed_anext)},
    {Py_tp_methods, methods},
    {0, nullptr}};
PyType_Spec spec = {"tine.futures.AsCompleted", sizeof(PyCompleted), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE, slots};

}  // namespace

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
    auto arrivals = make_ref<Arrivals>(futures);
    auto* const self = PyObject_New(PyCompleted, completed_type);
    if (!self) return nullptr;
    self->size = futures.size();
    self->deadline = deadline;
    self->arrivals = arrivals.leak();
    return reinterpret_cast<PyObject*>(self);
  });
}

bool init_completed() {
  completed_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return completed_type != nullptr;
}

}  // namespace tine::python
