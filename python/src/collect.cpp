#include <algorithm>
#include <string>
#include <typeinfo>
#include <utility>

#include <tine/detail/mutex.h>

#include "python/src/arguments.h"
#include "python/src/awaited.h"
#include "python/src/context.h"
#include "python/src/future.h"
#include "python/src/kept.h"

// One future of many. While it waits, the list of each pending input holds the Future that shows it, which is a Python
// reference that the collector sees. It holds no input until that is done, and then as a Kept. So an input that nothing can
// complete any more fails at once, or is found by the collector, whatever was made of it.

namespace tine::python {
namespace {

using tine::detail::make_ref;
using tine::detail::Mutex;
using tine::detail::MutexLock;
using tine::detail::Node;
using tine::detail::Outcome;
using tine::detail::StateBase;

// Others look at a slot of a collection with the interpreter's lock and the mutex, so one of the two is enough to change it.
// With the interpreter's lock the mutex must not be taken: what happens under it may start the garbage collector, which
// takes it. To the analysis, which does not follow conditions, the mutex is held in both cases.
class TINE_SCOPED_CAPABILITY SlotLock {
 public:
  explicit SlotLock(Mutex& mutex) TINE_ACQUIRE(mutex) TINE_NO_THREAD_SAFETY_ANALYSIS
      : mutex_(holds_gil() ? nullptr : &mutex) {
    if (mutex_) mutex_->lock();
  }
  ~SlotLock() TINE_RELEASE() TINE_NO_THREAD_SAFETY_ANALYSIS {
    if (mutex_) mutex_->unlock();
  }
  SlotLock(const SlotLock&) = delete;
  SlotLock& operator=(const SlotLock&) = delete;

 private:
  Mutex* const mutex_;
};

class PyKind {
 public:
  using Result = Value;
  static constexpr bool kGivesUp = false;

  explicit PyKind(Rule rule) noexcept : rule_(rule) {}

  [[nodiscard]] Rule rule() const noexcept { return rule_; }
  // Cancelling the other inputs needs the interpreter's lock.
  [[nodiscard]] bool is_user() const noexcept { return rule_ == Rule::kGather; }

  template <class C>
  Value value(C& collection, size_t i) const {
    const auto input = [&](size_t k) -> ValueState& { return static_cast<ValueState&>(collection.input(k)); };
    if (rule_ == Rule::kFailFast) return {};  // wait_all() looks at the inputs itself
    if (rule_ == Rule::kAny) {
      return Value(make_ref<Tuple>(std::vector<Value>{Value(static_cast<int64_t>(i)), handed_out(input(i))}));
    }
    std::vector<Value> items;
    items.reserve(collection.size());
    for (size_t k = 0; k < collection.size(); ++k) {
      items.push_back(rule_ == Rule::kGather ? for_another_owner(input(k).value()) : handed_out(input(k)));
    }
    return Value(make_ref<List>(std::move(items)));
  }
  static std::exception_ptr error(StateBase& failed) noexcept {
    return for_another_owner(*failed.stored_error());
  }

  struct Slot {
    explicit Slot(StateBase* s) noexcept : pending(static_cast<ValueState*>(s)) {}
    ValueState* pending;  // null once it is done
    Kept kept;
  };
  void keep(Slot& slot) noexcept {
    const SlotLock lock(mutex_);
    slot.kept = Kept(*std::exchange(slot.pending, nullptr));
  }
  void drop(Slot& slot) noexcept {
    Kept gone;
    const SlotLock lock(mutex_);
    gone = std::move(slot.kept);
  }
  void cancel(Slot& slot) noexcept {
    Ref<ValueState> pending;
    {
      const MutexLock lock(mutex_);
      pending = Ref<ValueState>::share(slot.pending);
    }
    if (pending) pending->cancel();
  }
  static StateBase& state(Slot& slot) noexcept { return *slot.kept; }
  template <class C>
  int traverse(C& collection, visitproc visit, void* arg) {
    const MutexLock lock(mutex_);
    for (size_t i = 0; i < collection.size(); ++i) {
      if (const int stop = collection.slot(i).kept.traverse(visit, arg)) return stop;
    }
    return 0;
  }

  // The Future that shows the collection, before it starts.
  void show_in(PyObject* holder) noexcept { holder_ = holder; }
  [[nodiscard]] PyObject* holder() const noexcept { return holder_; }
  // The collector counts them where it finds them.
  static constexpr bool kHeldByEach = true;
  void hold(StateBase& collection, size_t inputs) const noexcept {
    for (; inputs > 0; --inputs) holder_ ? Py_INCREF(holder_) : collection.retain();
  }
  void let_go(StateBase& collection) const noexcept {
    holder_ ? drop_anywhere(holder_) : collection.release();
  }

  void deciding() noexcept {
    const MutexLock lock(mutex_);
    deciding_ = true;
  }
  // Inputs may be completed by threads without the interpreter's lock. While the collector is in here none of them runs
  // the callbacks of the collection. When one does already, there is nothing to visit.
  int traverse_pending(ValueState& collection, visitproc visit, void* arg) {
    const MutexLock lock(mutex_);
    return deciding_ ? 0 : traverse_callbacks(collection, visit, arg);
  }
  // With the interpreter's lock: a collector that walks the list of a future relies on it.
  template <class Body>
  static void cancelling(Body body) noexcept {
    if (const Gil gil; gil) body();
  }

 private:
  const Rule rule_;
  bool deciding_ TINE_GUARDED_BY(mutex_) = false;
  PyObject* holder_ = nullptr;
  Mutex mutex_;
};

using Group = tine::detail::Collection<PyKind>;

Ref<Group> make_group(const std::vector<Future<Value>>& futures, Rule rule) {
  const auto state_of = [&](size_t i) { return futures[i].state(); };
  return make_ref<Group>(tine::detail::helper_of<Value>(futures), futures.size(), state_of, rule);
}
void start(Group& group, const std::vector<Future<Value>>& futures) noexcept {
  group.start([&](size_t i) { return futures[i].state(); });
}

}  // namespace

int traverse_pending(ValueState& state, visitproc visit, void* arg) {
  if (typeid(state) == typeid(Group))
    return static_cast<Group&>(state).kind().traverse_pending(state, visit, arg);
  if (typeid(state) == typeid(Awaited)) return static_cast<Awaited&>(state).traverse_pending(visit, arg);
  return traverse_callbacks(state, visit, arg);
}

int traverse_inputs(ValueState& state, visitproc visit, void* arg) {
  if (typeid(state) != typeid(Group)) return 0;
  auto& group = static_cast<Group&>(state);
  return group.kind().traverse(group, visit, arg);
}

PyObject* object_held_by(Node* node) noexcept {
  Group* const group = Group::of_input(node);
  return group ? group->kind().holder() : nullptr;
}

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
  const auto group = make_group(futures, rule);
  PyRef shown = PyRef::adopt(wrap_future(group));
  if (!shown) return nullptr;
  reinterpret_cast<PyFuture*>(shown.get())->grad_mode = grad_mode_of(futures);
  group->kind().show_in(shown.get());
  start(*group, futures);
  (void)join_here(*group);
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
        function, i, item, TypeName(item).c_str());
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
                   TypeName(sequence).c_str());
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
      const auto all = make_group(futures, Rule::kFailFast);
      start(*all, futures);
      const int done = wait_done(all, deadline);
      if (done == 0) {
        const auto pending =
            std::count_if(futures.begin(), futures.end(), [](const auto& f) { return !f.ready(); });
        PyErr_Format(PyExc_TimeoutError,
                     "wait_all(): %zd of %zd futures are still pending at the end of the timeout",
                     static_cast<Py_ssize_t>(pending), static_cast<Py_ssize_t>(futures.size()));
      }
      if (done != 1) return nullptr;
    }
    // A failed input first, because with fail-fast the others may still be pending. The caller sees one failure, so the
    // errors of the other inputs are not reported.
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
