#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <typeinfo>
#include <utility>

#include "python/src/arguments.h"
#include "python/src/future.h"
#include "python/src/kept.h"

// One future of many. While it waits, each pending input's list holds the Future that shows it, a Python
// reference that the collector sees; it holds none of its inputs until they are done, and then as Kept. So an input
// that nobody can complete any more fails at once, or is found by the collector, whatever was made of it.

namespace tine::python {
namespace {

using tine::detail::make_ref;
using tine::detail::Node;
using tine::detail::NodeOps;
using tine::detail::Outcome;
using tine::detail::StateBase;

// The helper of the first that is not done yet.
tine::detail::WaitHelper* helper_of(const std::vector<Future<Value>>& futures) noexcept {
  for (const auto& future : futures) {
    if (!future.ready()) return future.state()->helper();
  }
  return nullptr;
}

}  // namespace

class Group final : public ValueState {
 public:
  Group(const std::vector<Future<Value>>& futures, Rule rule)
      : ValueState(helper_of(futures)),
        rule_(rule),
        size_(futures.size()),
        left_(futures.size()),
        inputs_(std::make_unique<Input[]>(futures.size())) {}
  ~Group() override = default;

  // holder: the Future that shows this, null for none. The caller keeps the futures for the call.
  void start(const std::vector<Future<Value>>& futures, PyObject* holder) noexcept {
    if (size_ == 0) {
      complete();
      return;
    }
    holder_ = holder;
    for (size_t i = 0; i < size_; ++i) {
      inputs_[i].owner = this;
      inputs_[i].pending = futures[i].state();
      if (rule_ == Rule::kGather) inputs_[i].become(&kGatherOps);
    }
    const Ref<Group> self = Ref<Group>::share(this);
    for (size_t i = 0; i < size_; ++i) {
      hold();
      futures[i].state()->subscribe(&inputs_[i]);
    }
  }

  [[nodiscard]] static PyObject* holder_of(Node* node) noexcept {
    const bool ours = node->ops() == &kOps || node->ops() == &kGatherOps;
    return ours ? static_cast<Input*>(node)->owner->holder_ : nullptr;
  }
  // Inputs may be completed by threads without the interpreter's lock; while this is held none of them runs the
  // callbacks here. False when one does already.
  [[nodiscard]] bool lock_callbacks(std::unique_lock<std::mutex>* lock) {
    *lock = std::unique_lock(mutex_);
    return !finishing_;
  }
  [[nodiscard]] int traverse_inputs(visitproc visit, void* arg) {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < size_; ++i) {
      if (const int stop = inputs_[i].kept.traverse(visit, arg)) return stop;
    }
    return 0;
  }

 private:
  struct Input final : Node {
    Input() noexcept : Node(&kOps) {}
    Group* owner = nullptr;
    ValueState* pending = nullptr;  // borrowed, alive until on_input; mutex_
    Kept kept;                      // once it is done; mutex_
  };
  static void run(Node* node, StateBase&) noexcept {
    auto* const input = static_cast<Input*>(node);
    input->owner->on_input(input);
  }
  static constexpr NodeOps kOps{&Group::run, false};
  static constexpr NodeOps kGatherOps{&Group::run,
                                      true};  // it takes the interpreter's lock to cancel the rest

  void hold() noexcept { holder_ ? Py_INCREF(holder_) : this->retain(); }
  void let_go() noexcept { holder_ ? drop_anywhere(holder_) : this->release(); }

  void on_input(Input* input) noexcept {
    // A count of its own: a completion takes a count of 1, which the Future that shows this has, for nobody looking.
    const Ref<Group> self = Ref<Group>::share(this);
    ValueState& state = *input->pending;
    const bool failed = state.outcome() != Outcome::kValue;
    const bool fails_fast = rule_ == Rule::kGather || rule_ == Rule::kFailFast;
    bool last, decides;
    {
      const std::lock_guard lock(mutex_);
      input->pending = nullptr;
      input->kept = Kept(state);
      last = --left_ == 0;
      decides = !finishing_ && (last || rule_ == Rule::kAny || (fails_fast && failed));
      if (decides) finishing_ = true;
    }
    if (decides && rule_ == Rule::kAny) {
      finish_with([&] {
        return Value(make_ref<Tuple>(
            std::vector<Value>{Value(static_cast<int64_t>(input - inputs_.get())), handed_out(state)}));
      });
    } else if (decides && fails_fast && failed) {
      fail_as(state);
      if (rule_ == Rule::kGather && !last) cancel_rest();
    } else if (decides) {
      complete();
    }
    // Whoever is last here lets go of the inputs: nobody looks at them any more.
    if (left_to_leave_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      for (size_t i = 0; i < size_; ++i) {
        Kept gone;
        const std::lock_guard lock(mutex_);
        gone = std::move(inputs_[i].kept);
      }
    }
    let_go();
  }

  // With the interpreter's lock: a collector that walks the list of a future relies on it.
  void cancel_rest() noexcept {
    const Gil gil;
    if (!gil) return;
    for (size_t i = 0; i < size_; ++i) {
      Ref<ValueState> pending;
      {
        // Not done under the mutex: its on_input has not been, and until then the state lives.
        const std::lock_guard lock(mutex_);
        pending = Ref<ValueState>::share(inputs_[i].pending);
      }
      if (pending) pending->cancel();
    }
  }

  // A cancelled input's is a cancellation.
  void fail_as(ValueState& state) noexcept {
    const Outcome outcome = state.outcome();
    if (outcome == Outcome::kError) {
      this->fail(for_another_owner(*state.stored_error()));
    } else {
      this->cancel(outcome);
    }
  }

  template <class Make>
  void finish_with(Make make) noexcept {
    try {
      this->emplace(make());
    } catch (const std::exception&) {
      this->fail(std::current_exception());
    }
  }

  // All inputs are done.
  void complete() noexcept {
    Input* const end = inputs_.get() + size_;
    Input* const failed =
        rule_ == Rule::kSettled ? end : std::find_if(inputs_.get(), end, [](const Input& i) {
          return i.kept->outcome() != Outcome::kValue;
        });
    if (failed != end) return fail_as(*failed->kept);
    finish_with([&] {
      std::vector<Value> items;
      items.reserve(size_);
      for (size_t i = 0; i < size_; ++i) {
        ValueState& state = *inputs_[i].kept;
        items.push_back(rule_ == Rule::kGather ? for_another_owner(state.value()) : handed_out(state));
      }
      return Value(make_ref<List>(std::move(items)));
    });
  }

  const Rule rule_;
  const size_t size_;
  size_t left_;             // mutex_
  bool finishing_ = false;  // mutex_
  std::atomic<size_t> left_to_leave_{size_};
  std::unique_ptr<Input[]> inputs_;
  PyObject* holder_ = nullptr;  // owned once for each pending input
  std::mutex mutex_;
};

bool lock_callbacks(ValueState& state, std::unique_lock<std::mutex>* lock) {
  return typeid(state) != typeid(Group) || static_cast<Group&>(state).lock_callbacks(lock);
}

int traverse_inputs(ValueState& state, visitproc visit, void* arg) {
  return typeid(state) == typeid(Group) ? static_cast<Group&>(state).traverse_inputs(visit, arg) : 0;
}

PyObject* object_held_by(Node* node) noexcept { return Group::holder_of(node); }

namespace {

// That of all that are pending, none when they differ.
GradMode grad_mode_of(const std::vector<Future<Value>>& futures) noexcept {
  GradMode mode;
  bool first = true;
  for (const auto& future : futures) {
    if (future.ready()) continue;
    const auto* const shown = static_cast<const PyFuture*>(future.state()->binding);
    const GradMode own = shown ? shown->grad_mode : GradMode();
    if (!own || (!first && own != mode)) return {};
    mode = own;
    first = false;
  }
  return mode;
}

PyObject* collect_into(const std::vector<Future<Value>>& futures, Rule rule) {
  const auto state = make_ref<Group>(futures, rule);
  PyRef shown = PyRef::adopt(wrap_future(state));
  if (!shown) return nullptr;
  reinterpret_cast<PyFuture*>(shown.get())->grad_mode = grad_mode_of(futures);
  state->start(futures, shown.get());
  return shown.leak();
}

[[gnu::noinline]] bool add_others(const char* function, PyObject* item, Py_ssize_t i,
                                  std::vector<Future<Value>>* futures) {
  const PyRef keep = PyRef::share(item);  // its own code may drop it from the list
  if (auto other = adopt(item)) {
    futures->emplace_back(std::move(other));
    return true;
  }
  if (!PyErr_Occurred()) {
    PyErr_Format(
        PyExc_TypeError,
        "%s(): expected a list of Future objects, but element %zd is %R of type %s; others' futures are "
        "taken when they have add_done_callback() and value() or result()",
        function, i, item, Py_TYPE(item)->tp_name);
  }
  return false;
}

bool add_future(const char* function, PyObject* item, Py_ssize_t i, std::vector<Future<Value>>* futures) {
  if (!is_future(item)) [[unlikely]]
    return add_others(function, item, i, futures);
  futures->push_back(future_of(item));
  return true;
}

template <Rule kRule>
PyObject* collect_sequence(const char* function, PyObject* sequence) {
  return guarded([=]() -> PyObject* {
    PyRef items;
    std::vector<Future<Value>> futures;
    if (!read_futures(function, sequence, &items, &futures)) return nullptr;
    if (kRule == Rule::kAny && futures.empty()) {
      throw ValueError(std::string(function) + "(): expected at least one Future, got none");
    }
    return collect_into(futures, kRule);
  });
}

}  // namespace

bool read_futures(const char* function, PyObject* sequence, PyRef* items,
                  std::vector<Future<Value>>* futures) {
  if (looks_like_future(sequence)) {
    PyErr_Format(PyExc_TypeError,
                 "%s(): expected a list of Future objects, got one Future; write %s([future])", function,
                 function);
    return false;
  }
  *items = PyRef::adopt(PySequence_Fast(sequence, ""));
  if (!*items) {
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
      PyErr_Format(PyExc_TypeError, "%s(): expected a list of Future objects, got %s", function,
                   Py_TYPE(sequence)->tp_name);
    }
    return false;
  }
  futures->reserve(static_cast<size_t>(PySequence_Fast_GET_SIZE(items->get())));
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items->get()); ++i) {
    if (!add_future(function, PySequence_Fast_GET_ITEM(items->get(), i), i, futures)) return false;
  }
  return true;
}

PyObject* collect_all(PyObject*, PyObject* futures) {
  return collect_sequence<Rule::kAll>("collect_all", futures);
}
PyObject* collect_all_settled(PyObject*, PyObject* futures) {
  return collect_sequence<Rule::kSettled>("collect_all_settled", futures);
}
PyObject* collect_any(PyObject*, PyObject* futures) {
  return collect_sequence<Rule::kAny>("collect_any", futures);
}

PyObject* gather(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count == 1 && !looks_like_future(args[0])) return collect_sequence<Rule::kGather>("gather", args[0]);
  return guarded([=]() -> PyObject* {
    std::vector<Future<Value>> futures;
    for (Py_ssize_t i = 0; i < count; ++i) {
      if (!add_future("gather", args[i], i, &futures)) return nullptr;
    }
    return collect_into(futures, Rule::kGather);
  });
}

PyObject* wait_all(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  static constexpr const char* kNames[] = {"futures", "timeout"};
  PyObject* given[2] = {};
  if (!parse_arguments({"wait_all", kNames, 1, 2}, args, count, names, given)) return nullptr;
  return guarded([&]() -> PyObject* {
    TimePoint deadline = kNoDeadline;
    std::vector<Future<Value>> futures;
    // The wrappers stay alive, so that an error's object is the one that each of them shows.
    PyRef wrappers;
    if (!parse_timeout(given[1], &deadline) || !read_futures("wait_all", given[0], &wrappers, &futures))
      return nullptr;
    const bool ready = std::all_of(futures.begin(), futures.end(), [](const auto& f) { return f.ready(); });
    if (!ready) {
      if (!refuse_to_block(wrappers.get(), futures)) return nullptr;
      const auto all = make_ref<Group>(futures, Rule::kFailFast);
      all->start(futures, nullptr);
      const int done = wait_done(*all, deadline);
      if (done == 0) {
        const auto pending =
            std::count_if(futures.begin(), futures.end(), [](const auto& f) { return !f.ready(); });
        PyErr_Format(PyExc_TimeoutError,
                     "wait_all(): %zd of %zd futures are still pending at the end of the timeout",
                     static_cast<Py_ssize_t>(pending), static_cast<Py_ssize_t>(futures.size()));
      }
      if (done != 1) return nullptr;
    }
    // A failed one first: with fail-fast others may be pending still. The caller has seen that there are
    // failures, so none of the others is reported.
    PyRef failed;
    for (const auto& future : futures) {
      if (!future.ready() || future.state()->outcome() == Outcome::kValue) continue;
      future.state()->observe();
      if (!failed) failed = PyRef::adopt(wrap_future(future));
      if (!failed) return nullptr;
    }
    if (failed) return wait_value(reinterpret_cast<PyFuture*>(failed.get()), kNoDeadline);
    PyRef values = PyRef::adopt(PyList_New(static_cast<Py_ssize_t>(futures.size())));
    if (!values) return nullptr;
    for (size_t i = 0; i < futures.size(); ++i) {
      PyObject* const value = to_python(futures[i].state()->value());
      if (!value) return nullptr;
      PyList_SET_ITEM(values.get(), static_cast<Py_ssize_t>(i), value);
    }
    return values.leak();
  });
}

}  // namespace tine::python
