#include <memory>
#include <utility>

#include "python/src/future.h"

// What runs when a future is done: nodes in its state's list that take the interpreter's lock.

namespace tine::python {
namespace {

using tine::detail::make_ref;
using tine::detail::Node;
using tine::detail::NodeOps;
using tine::detail::StateBase;

// What raised before a callback ran is still raised afterwards.
class ErrorAside {
 public:
  ErrorAside() noexcept { PyErr_Fetch(&type_, &value_, &traceback_); }
  ~ErrorAside() { PyErr_Restore(type_, value_, traceback_); }
  ErrorAside(const ErrorAside&) = delete;
  ErrorAside& operator=(const ErrorAside&) = delete;

 private:
  PyObject *type_, *value_, *traceback_;
};

// Calls it with the Future of `done`; gives the callback's reference back. Null with the indicator set.
PyObject* call_back(PyObject* callback, StateBase& done) {
  PyObject* const future = wrap_future(Ref<ValueState>::share(static_cast<ValueState*>(&done)));
  PyObject* const result = future ? call_one(callback, future) : nullptr;
  Py_XDECREF(future);
  Py_DECREF(callback);
  return result;
}

// The result's state and the node in one. The source's list owns one reference, its Future another.
class Then final : public ValueState, private Node {
 public:
  Then(tine::detail::WaitHelper* helper, PyObject* callback) noexcept
      : ValueState(helper), Node(&kOps), callback_(Py_NewRef(callback)) {}
  ~Then() override { drop_anywhere(callback_); }

  Node* node() noexcept { return this; }
  [[nodiscard]] static Then* of(Node* node) noexcept {
    return node->ops() == &kOps ? static_cast<Then*>(node) : nullptr;
  }
  [[nodiscard]] PyObject* callback() const noexcept { return callback_; }

 private:
  static void run(Node* node, StateBase& done) noexcept {
    auto* const self = static_cast<Then*>(node);
    if (const Gil gil; gil) {
      self->run_locked(done);
    } else {
      self->fail(
          make_error(ErrorKind::kAbandoned, "the interpreter is shutting down: the callback was not run"));
    }
    self->release();
  }
  static constexpr NodeOps kOps{&Then::run, true};

  void run_locked(StateBase& source) noexcept {
    if (this->done()) return;  // cancelled meanwhile: nobody wants it
    const ErrorAside aside;
    PyObject* const result = call_back(std::exchange(callback_, nullptr), source);
    try {
      if (!result) throw_error();
      const PyRef owned = PyRef::adopt(result);
      this->emplace(to_value_shallow(result));
    } catch (const std::exception&) {
      this->fail(std::current_exception());
    }
  }

  PyObject* callback_;
};

class DoneCallback final : public Node {
 public:
  explicit DoneCallback(PyObject* callback) noexcept : Node(&kOps), callback_(Py_NewRef(callback)) {}

  [[nodiscard]] static DoneCallback* of(Node* node) noexcept {
    return node->ops() == &kOps ? static_cast<DoneCallback*>(node) : nullptr;
  }
  [[nodiscard]] PyObject* callback() const noexcept { return callback_; }

 private:
  static void run(Node* node, StateBase& done) noexcept {
    const std::unique_ptr<DoneCallback> self(static_cast<DoneCallback*>(node));
    const Gil gil;
    if (!gil) return;  // the callback is leaked with the interpreter
    const ErrorAside aside;
    const PyRef context = PyRef::share(self->callback_);
    PyObject* const result = call_back(self->callback_, done);
    Py_XDECREF(result);
    if (!result) report_unobserved(context.get());
  }
  static constexpr NodeOps kOps{&DoneCallback::run, true};

  PyObject* callback_;
};

constinit PyObject* unobserved_hook = nullptr;

// A chain of `then` whose results nobody looks at hangs on its first state; so far down it is followed.
constexpr int kDeepestChain = 200;

int traverse_callbacks(ValueState& state, visitproc visit, void* arg, int depth) {
  for (Node* node = state.newest_callback(); node; node = node->next()) {
    if (DoneCallback* const done = DoneCallback::of(node)) Py_VISIT(done->callback());
    Then* const then = Then::of(node);
    if (!then) continue;
    Py_VISIT(then->callback());
    if (then->sole_owner() && depth < kDeepestChain) {
      if (const int stop = traverse_callbacks(*then, visit, arg, depth + 1)) return stop;
    }
  }
  return 0;
}

}  // namespace

Ref<ValueState> then(ValueState& source, PyObject* callback) {
  const auto state = make_ref<Then>(source.helper(), callback);
  Ref<ValueState> result = state;  // the other reference is the list's
  source.subscribe(Ref<Then>(state).leak()->node());
  return result;
}

void add_done_callback(ValueState& source, PyObject* callback) {
  source.subscribe(new DoneCallback(callback));
}

int traverse_state(ValueState& state, visitproc visit, void* arg) {
  if (const std::exception_ptr* const error = state.stored_error()) {
    Py_VISIT(solely_owned_object(*error));
  } else if (state.outcome() == tine::detail::Outcome::kValue) {
    const Value& value = state.value();
    if (value.is(Tag::kForeign) && value.as_foreign().sole_owner()) Py_VISIT(foreign_object(value));
  } else {
    return traverse_callbacks(state, visit, arg, 0);
  }
  return 0;
}

void report_unobserved(PyObject* context) {
  if (unobserved_hook) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback) PyException_SetTraceback(value, traceback);
    const PyRef hook = PyRef::share(unobserved_hook);
    const PyRef answer = PyRef::adopt(call_one(hook.get(), value));
    if (answer) {
      Py_XDECREF(type);
      Py_XDECREF(value);
      Py_XDECREF(traceback);
      return;
    }
    PyErr_WriteUnraisable(hook.get());  // and the error itself is not lost to a broken hook
    PyErr_Restore(type, value, traceback);
  }
  PyErr_WriteUnraisable(context);
}

PyObject* swap_unobserved_hook(PyObject* hook) {
  PyObject* const before = std::exchange(unobserved_hook, hook == Py_None ? nullptr : Py_NewRef(hook));
  return before ? before : Py_NewRef(Py_None);
}

}  // namespace tine::python
