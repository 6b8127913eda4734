#include <tine/runtime.h>

#include <string>

#include "python/src/context.h"
#include "python/src/future.h"
#include "python/src/place.h"

// The pool that runs forks, seen from Python: functions given to it, its threads, its counters.

namespace tine::python {
namespace {

using tine::detail::ContextSwap;
using tine::detail::low_stack;
using tine::detail::make_ref;

constinit thread_local int not_in_place = 0;
constinit thread_local bool putting_back = false;

// A call of a Python function; its Future's state and the task in one. The pool owns one reference.
class PyTask final : public ValueState, private Task {
 public:
  PyTask(PyRef function, PyRef args, PyRef keywords) noexcept
      : ValueState(tine::detail::task_helper(), 2),
        function_(function.leak()),
        args_(args.leak()),
        keywords_(keywords.leak()) {
    this->made_at(calling_place());
  }
  ~PyTask() override { forget(); }
  // Of the caller: the function runs in it, and is not begun once it has stopped.
  void enter_context() {
    context_ = context_to_carry();
    (void)join_here(*this);
  }

  Task* task() noexcept override { return this; }
  bool run_inline() noexcept override {
    if (NotInPlace::wanted() || !this->start()) return false;
    execute();
    return true;
  }

 private:
  void run() noexcept override {
    if (NotInPlace::wanted() && !putting_back) {
      // This thread's wait took the task from its own queue. It goes back there, for the pool's threads; a full queue runs it
      // in place.
      putting_back = true;
      Runtime::instance().scheduler().post(*this);
      putting_back = false;
      return;
    }
    if (this->start()) execute();
    this->release();
  }
  void abandon() noexcept override {
    if (this->start()) {
      this->fail(make_error(ErrorKind::kAbandoned, "the pool shut down before it ran the function"));
      forget();
    }
    this->release();
  }
  bool spent() const noexcept override { return this->started(); }

  void execute() noexcept {
    const ContextSwap no_context;
    if (low_stack()) {
      this->fail(tine::detail::too_deep_error(this->where()));
    } else if (!this->done()) {  // not if it was cancelled
      const Gil gil;
      if (gil) {
        execute_locked();
      } else {
        this->fail(
            make_error(ErrorKind::kAbandoned, "the interpreter is shutting down: the function was not run"));
      }
    }
    forget();
  }
  void execute_locked() noexcept {
    const ErrorAside aside;
    const GradModeScope scope(grad_mode_);  // callbacks of its Future run in it as well
    const CarriedContext carried(context_);
    try {
      const PyRef result = PyRef::adopt(call());
      if (!result) throw_error();
      // The call's function and arguments are released before its result can be seen.
      forget();
      this->emplace(to_value_shallow(result.get()));
    } catch (const std::exception&) {
      this->fail(std::current_exception());
    }
  }
  [[gnu::noinline]] PyObject* call() {
    ParkKilledThread park;
    PyObject* const result = PyObject_Call(function_, args_, keywords_);
    park.returned = true;
    return result;
  }
  void forget() noexcept {
    for (PyObject** held : {&function_, &args_, &keywords_, &context_})
      drop_anywhere(std::exchange(*held, nullptr));
  }

  const GradMode grad_mode_ = GradMode::here();  // of the caller
  PyObject* function_;
  PyObject* args_;
  PyObject* keywords_;  // null for none
  PyObject* context_ = nullptr;
};

PyObject* submit(PyObject*, PyObject* args, PyObject* keywords) {
  const Py_ssize_t count = PyTuple_GET_SIZE(args);
  PyObject* const function = count > 0 ? PyTuple_GET_ITEM(args, 0) : nullptr;
  if (!function || !PyCallable_Check(function)) {
    return function ? PyErr_Format(PyExc_TypeError, "submit(): expected a callable, got %R of type %s",
                                   function, TypeName(function).c_str())
                    : PyErr_Format(PyExc_TypeError, "submit() missing the required argument 'function'");
  }
  if (gate_closed()) {
    PyErr_SetString(PyExc_RuntimeError, "cannot schedule new futures after interpreter shutdown");
    return nullptr;
  }
  return guarded([=]() -> PyObject* {
    PyRef rest = PyRef::adopt(PyTuple_GetSlice(args, 1, count));
    if (!rest) return nullptr;
    auto* const task = new PyTask(PyRef::share(function), std::move(rest), PyRef::share(keywords));
    PyRef future = PyRef::adopt(wrap_future(Ref<ValueState>::adopt(task)));
    if (!future) {
      task->release();  // the pool's, which has not been given it
      return nullptr;
    }
    task->enter_context();
    Runtime::instance().scheduler().post(*task->task());
    return future.leak();
  });
}

PyObject* get_num_threads(PyObject*, PyObject*) {
  return PyLong_FromLong(Runtime::instance().scheduler().num_threads());
}

PyObject* set_num_threads(PyObject*, PyObject* number) {
  const long n = PyLong_AsLong(number);
  if (n == -1 && PyErr_Occurred()) return nullptr;
  return guarded([=]() -> PyObject* {
    if (n < 1 || n > 1024) {
      throw ValueError("set_num_threads(): expected a number between 1 and 1024, got " + std::to_string(n));
    }
    {
      const GilRelease release;  // a thread that ends may need the lock
      Runtime::instance().scheduler().set_num_threads(static_cast<int>(n));
    }
    Py_RETURN_NONE;
  });
}

PyStructSequence_Field counter_fields[] = {
    {"tasks_run", "tasks that the threads of the pool have run"},
    {"tasks_stolen", "tasks among these that were taken from the queue of another thread"},
    {"parks", "how often a thread went to sleep because there was no work"},
    {"wakes", "how often a thread was woken"},
    {"threads", "threads of the pool now"},
    {"spare_threads", "threads among these that stand in for threads that block in a wait"},
    {"blocked_threads", "threads that block in a wait now"},
    {nullptr, nullptr}};
PyStructSequence_Desc counter_spec = {"tine.SchedulerCounters", "What the pool has done so far.",
                                      counter_fields, 7};
constinit PyTypeObject* counters_type = nullptr;

PyObject* scheduler_counters(PyObject*, PyObject*) {
  const SchedulerCounters now = Runtime::instance().scheduler().counters();
  PyRef shown = PyRef::adopt(PyStructSequence_New(counters_type));
  if (!shown) return nullptr;
  PyObject* const items[] = {PyLong_FromUnsignedLongLong(now.tasks_run),
                             PyLong_FromUnsignedLongLong(now.tasks_stolen),
                             PyLong_FromUnsignedLongLong(now.parks),
                             PyLong_FromUnsignedLongLong(now.wakes),
                             PyLong_FromLong(now.threads),
                             PyLong_FromLong(now.spare_threads),
                             PyLong_FromLong(now.blocked_threads)};
  for (Py_ssize_t i = 0; i < 7; ++i) PyStructSequence_SET_ITEM(shown.get(), i, items[i]);
  return PyErr_Occurred() ? nullptr : shown.leak();
}

PyMethodDef functions[] = {
    {"_submit", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(submit)),
     METH_VARARGS | METH_KEYWORDS,
     "submit(function, /, *args, **kwargs)\n--\n\nReturns a Future of function(*args, **kwargs), which a "
     "thread of the pool runs.\n"
     "\n"
     "If it has not begun, a thread that waits for it without a timeout runs it instead. cancel() before it\n"
     "begins prevents it from running."},
    {"get_num_threads", get_num_threads, METH_NOARGS,
     "get_num_threads($module, /)\n--\n\nReturns the number of threads of the pool that runs forks and "
     "splits large operators.\n"
     "\n"
     "At first this is the number of cores that the process may use, by its affinity and its cgroup's "
     "quota."},
    {"set_num_threads", set_num_threads, METH_O,
     "set_num_threads(n, /)\n--\n\nResizes the pool, also while it runs. ValueError outside of 1 to 1024."},
    {"scheduler_counters", scheduler_counters, METH_NOARGS,
     "scheduler_counters($module, /)\n--\n\nReturns a named tuple of what the pool has done so far.\n"
     "\n"
     "tasks_run, tasks_stolen, parks and wakes count from the start; threads, spare_threads and\n"
     "blocked_threads are the numbers now."},
    {}};

}  // namespace

NotInPlace::NotInPlace() noexcept { ++not_in_place; }
NotInPlace::~NotInPlace() { --not_in_place; }
bool NotInPlace::wanted() noexcept { return not_in_place > 0 && !Scheduler::current(); }

bool init_pool(PyObject* module) {
  counters_type = PyStructSequence_NewType(&counter_spec);
  return counters_type && PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tine::python
