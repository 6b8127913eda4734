#include <algorithm>
#include <atomic>
#include <memory>

#include "python/src/future.h"

namespace tine::python {
namespace {

using tine::detail::Node;
using tine::detail::NodeOps;
using tine::detail::Outcome;
using tine::detail::StateBase;

// The combined future's state, and one node for each input. It lives until the last input is done.
class Collect final : public ValueState {
 public:
  Collect(std::vector<Future<Value>> futures, bool fail_fast)
      : ValueState(futures.empty() ? nullptr : futures.front().state()->helper()),
        left_(futures.size()),
        fail_fast_(fail_fast),
        futures_(std::move(futures)),
        inputs_(std::make_unique<Input[]>(futures_.size())) {}

  void start() {
    if (futures_.empty()) {
      complete();
      return;
    }
    this->retain();  // the inputs' reference, dropped by the last of them
    // A copy: the last input may complete, and move them away, while this loop runs.
    const std::vector<Future<Value>> futures = futures_;
    for (size_t i = 0; i < futures.size(); ++i) {
      inputs_[i].owner = this;
      futures[i].state()->subscribe(&inputs_[i]);
    }
  }

 private:
  struct Input final : Node {
    Input() noexcept : Node(&kOps) {}
    static void run(Node* node, StateBase& done) noexcept {
      static_cast<Input*>(node)->owner->on_input(done);
    }
    static constexpr NodeOps kOps{&Input::run, false};
    Collect* owner = nullptr;
  };

  void on_input(StateBase& done) noexcept {
    if (fail_fast_ && done.outcome() != Outcome::kValue && this->claim()) this->fail(done.error());
    if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    complete();
    this->release();
  }

  void complete() noexcept {
    const std::vector<Future<Value>> futures = std::move(futures_);
    if (!this->claim()) return;
    for (const Future<Value>& future : futures) {
      if (future.state()->outcome() == Outcome::kValue) continue;
      this->fail(future.state()->error());
      return;
    }
    try {
      auto list = tine::detail::make_ref<List>();
      list->items.reserve(futures.size());
      for (const Future<Value>& future : futures) list->items.emplace_back(future);
      this->emplace(std::move(list));
    } catch (const std::exception&) {
      this->fail(std::current_exception());
    }
  }

  std::atomic<size_t> left_;
  const bool fail_fast_;
  std::vector<Future<Value>> futures_;
  std::unique_ptr<Input[]> inputs_;
};

// False with the indicator set.
bool read_futures(const char* function, PyObject* sequence, std::vector<Future<Value>>* futures) {
  if (is_future(sequence)) {
    PyErr_Format(PyExc_TypeError,
                 "%s(): expected a list of Future objects, got one Future; write %s([future])", function,
                 function);
    return false;
  }
  const PyRef items = PyRef::adopt(PySequence_Fast(sequence, ""));
  if (!items) {
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
      PyErr_Format(PyExc_TypeError, "%s(): expected a list of Future objects, got %s", function,
                   Py_TYPE(sequence)->tp_name);
    }
    return false;
  }
  const Py_ssize_t size = PySequence_Fast_GET_SIZE(items.get());
  futures->reserve(static_cast<size_t>(size));
  for (Py_ssize_t i = 0; i < size; ++i) {
    PyObject* const item = PySequence_Fast_GET_ITEM(items.get(), i);
    if (!is_future(item)) {
      PyErr_Format(PyExc_TypeError,
                   "%s(): expected a list of Future objects, but element %zd is %R of type %s", function, i,
                   item, Py_TYPE(item)->tp_name);
      return false;
    }
    futures->push_back(future_of(item));
  }
  return true;
}

}  // namespace

Future<Value> collect(std::vector<Future<Value>> inputs, bool fail_fast) {
  const auto state = tine::detail::make_ref<Collect>(std::move(inputs), fail_fast);
  state->start();
  return Future<Value>(state);
}

PyObject* collect_all(PyObject*, PyObject* sequence) {
  return guarded([=]() -> PyObject* {
    std::vector<Future<Value>> futures;
    if (!read_futures("collect_all", sequence, &futures)) return nullptr;
    return wrap_future(collect(std::move(futures), false));
  });
}

PyObject* wait_all(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
  PyObject* sequence = count > 0 ? args[0] : nullptr;
  PyObject* timeout = count > 1 ? args[1] : nullptr;
  bool fits = count <= 2;
  for (Py_ssize_t i = 0; fits && i < named; ++i) {
    PyObject* const name = PyTuple_GET_ITEM(names, i);
    PyObject** const slot = PyUnicode_CompareWithASCIIString(name, "futures") == 0   ? &sequence
                            : PyUnicode_CompareWithASCIIString(name, "timeout") == 0 ? &timeout
                                                                                     : nullptr;
    fits = slot && !*slot;
    if (fits) *slot = args[count + i];
  }
  if (!fits || !sequence) {
    PyErr_SetString(PyExc_TypeError, "wait_all(futures, timeout=None): wrong arguments");
    return nullptr;
  }
  return guarded([=]() -> PyObject* {
    TimePoint deadline = kNoDeadline;
    std::vector<Future<Value>> futures;
    if (!parse_timeout(timeout, &deadline) || !read_futures("wait_all", sequence, &futures)) return nullptr;
    // The wrappers stay alive, so that an error's object is the one that each of them shows.
    PyRef wrappers = PyRef::adopt(PySequence_List(sequence));
    if (!wrappers) return nullptr;
    const bool ready = std::all_of(futures.begin(), futures.end(), [](const auto& f) { return f.ready(); });
    if (!ready) {
      const Future<Value> all = collect(futures, true);
      const int done = wait_done(*all.state(), deadline);
      if (done == 0) {
        const auto pending =
            std::count_if(futures.begin(), futures.end(), [](const auto& f) { return !f.ready(); });
        PyErr_Format(PyExc_TimeoutError,
                     "wait_all(): %zd of %zd futures are still pending at the end of the timeout",
                     static_cast<Py_ssize_t>(pending), static_cast<Py_ssize_t>(futures.size()));
      }
      if (done != 1) return nullptr;
    }
    PyRef values = PyRef::adopt(PyList_New(static_cast<Py_ssize_t>(futures.size())));
    if (!values) return nullptr;
    // A failed one first: with fail-fast others may be pending still.
    for (size_t i = 0; i < futures.size(); ++i) {
      if (!futures[i].ready() || futures[i].state()->outcome() == Outcome::kValue) continue;
      const PyRef wrapper = PyRef::adopt(wrap_future(futures[i]));
      return wrapper ? wait_value(reinterpret_cast<PyFuture*>(wrapper.get()), kNoDeadline) : nullptr;
    }
    for (size_t i = 0; i < futures.size(); ++i) {
      PyObject* const value = to_python(futures[i].state()->value());
      if (!value) return nullptr;
      PyList_SET_ITEM(values.get(), static_cast<Py_ssize_t>(i), value);
    }
    return values.leak();
  });
}

}  // namespace tine::python
