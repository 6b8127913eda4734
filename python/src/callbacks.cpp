#include <memory>
#include <mutex>
#include <utility>

#include "python/src/future.h"
#include "python/src/place.h"
#include "python/src/rpc_payload.h"

// What runs when a future is done: nodes in its state's list that take the interpreter's lock.

namespace tine::python {
namespace {

using tine::detail::make_ref;
using tine::detail::Node;
using tine::detail::NodeOps;
using tine::detail::Outcome;
using tine::detail::StateBase;

// Completes it as the source was: the same value, the very exception, a cancellation as one.
void forward(ValueState& source, ValueState& to) noexcept {
  const Outcome outcome = source.outcome();
  if (outcome == Outcome::kValue) {
    to.emplace(for_another_owner(source.value()));
  } else if (outcome == Outcome::kError) {
    to.fail(for_another_owner(*source.stored_error()));
  } else {
    to.cancel(outcome);
  }
}

}  // namespace

// The result's state and the node in one. The source's list owns one reference, its Future another.
class Then : public ValueState, protected Node {
 public:
  Then(tine::detail::WaitHelper* helper, Mode mode, PyObject* callback, GradMode grad_mode,
       const NodeOps* ops = &kOps) noexcept
      : ValueState(helper), Node(ops), mode_(mode), grad_mode_(grad_mode), callback_(Py_NewRef(callback)) {
    this->show();
    this->made_at(calling_place());
  }
  ~Then() override { drop_anywhere(callback_); }

  Node* node() noexcept { return this; }
  [[nodiscard]] static Then* of(Node* node) noexcept {
    const NodeOps* const ops = node->ops();
    return ops == &kOps || ops == &kInnerOps || ops == &kPostOps ? static_cast<Then*>(node) : nullptr;
  }
  // A visit of what it owns besides its own list.
  int traverse(visitproc visit, void* arg) const {
    Py_VISIT(callback_);
    Py_VISIT(submit_);
    return 0;
  }

  // Takes over the list's reference. The lock need not be held.
  void settle(ValueState& source) noexcept {
    if (!wanted(source)) {
      forward(source, *this);
    } else if (const Gil gil; gil) {
      if (run_locked(source)) return;  // the inner future's list has the reference now
    } else {
      this->fail(
          make_error(ErrorKind::kAbandoned, "the interpreter is shutting down: the callback was not run"));
    }
    this->release();
  }
  // The executor will not run it. Takes over the list's reference; the lock is held.
  void refuse(const std::exception_ptr& error) noexcept {
    this->fail(error);
    if (mode_ == Mode::kFinally) run_finally(nullptr);  // it runs in any case
    this->release();
  }

 protected:
  // Whether the callback is to be run.
  [[nodiscard]] bool wanted(const ValueState& source) const noexcept {
    if (mode_ == Mode::kFinally) return true;
    if (this->done()) return false;  // cancelled meanwhile
    return mode_ == Mode::kThen || (mode_ == Mode::kAndThen) == (source.outcome() == Outcome::kValue);
  }

  [[nodiscard]] GradMode grad_mode() const noexcept { return grad_mode_; }

  static const NodeOps kPostOps;
  PyObject* submit_ = nullptr;  // of an executor

 private:
  static void run(Node* node, StateBase& done) noexcept {
    static_cast<Then*>(node)->settle(static_cast<ValueState&>(done));
  }
  static constexpr NodeOps kOps{&Then::run, true};
  // Behind a future that the callback returned.
  static void run_inner(Node* node, StateBase& done) noexcept {
    auto* const self = static_cast<Then*>(node);
    forward(static_cast<ValueState&>(done), *self);
    self->release();
  }
  static constexpr NodeOps kInnerOps{&Then::run_inner, false};

  // The callback's argument; null with the indicator set.
  [[nodiscard]] PyRef argument(ValueState& source) const {
    if (mode_ == Mode::kAndThen) return PyRef::adopt(to_python(source.value()));
    PyRef future = PyRef::adopt(wrap_future(Ref<ValueState>::share(&source)));
    if (mode_ == Mode::kThen || !future) return future;
    return PyRef::adopt(exception_of(reinterpret_cast<PyFuture*>(future.get())));
  }

  // True: the node has gone to the list of the future that the callback returned.
  bool run_locked(ValueState& source) noexcept {
    const ErrorAside aside;
    const GradModeScope scope(grad_mode_);
    if (mode_ == Mode::kFinally) {
      run_finally(&source);
      return false;
    }
    const PyRef callback = PyRef::adopt(std::exchange(callback_, nullptr));
    try {
      const PyRef given = argument(source);
      const PyRef result = PyRef::adopt(given ? call_one(callback.get(), given.get()) : nullptr);
      if (!result) throw_error();
      const Ref<ValueState> inner = mode_ == Mode::kThen ? nullptr : future_in(result.get());
      if (!inner) {
        this->emplace(to_value_shallow(result.get()));
        return false;
      }
      if (inner.get() == this) throw ValueError("the callback returned the very Future that it completes");
      this->become(&kInnerOps);
      // Before the result goes: were it the last handle, the inner future fails, and this one with it.
      inner->subscribe(this);
      return true;
    } catch (const std::exception&) {
      this->fail(std::current_exception());
    }
    return false;
  }

  // source: null when this is completed already.
  void run_finally(ValueState* source) noexcept {
    const PyRef callback = PyRef::adopt(std::exchange(callback_, nullptr));
    const PyRef result = PyRef::adopt(call_one(callback.get(), nullptr));
    if (result) {
      if (source) forward(*source, *this);
      return;
    }
    if (!source || this->done()) {
      report_unraisable(callback.get());
      return;
    }
    try {
      const std::exception_ptr error = take_error();
      if (const std::exception_ptr before = source->error()) {
        // As in a `finally:`, the earlier one is not lost.
        PyObject* const raised = as_py_error(error)->object();
        const PyRef context = PyRef::adopt(PyException_GetContext(raised));
        PyRef earlier = context ? PyRef() : PyRef::adopt(to_exception(before));
        if (earlier && earlier.get() != raised) PyException_SetContext(raised, earlier.leak());
        PyErr_Clear();
      }
      this->fail(error);
    } catch (const std::exception&) {
      this->fail(std::current_exception());
    }
  }

  const Mode mode_;
  const GradMode grad_mode_;
  PyObject* callback_;
};

namespace {

// A chain of `then` whose results nobody looks at hangs on its first state; so far down it is followed.
constexpr int kDeepestChain = 200;

int traverse_callbacks(ValueState& state, visitproc visit, void* arg, int depth);

// What the list that has it keeps alive with it.
int traverse_then(Then& then, visitproc visit, void* arg, int depth) {
  if (const int stop = then.traverse(visit, arg)) return stop;
  const uint32_t others = then.binding ? 1 : 0;  // the Future that shows it
  if (depth >= kDeepestChain || then.references() != 1 + others) return 0;
  return traverse_callbacks(then, visit, arg, depth + 1);
}

// What an executor is given: calling it runs the callback; dropped uncalled it completes the result.
struct PyPosted {
  PyObject_HEAD Then* then;  // the reference that was the list's; null once it has run
  PyObject* source;          // the Future that is done
};
PyPosted* as_posted(PyObject* object) noexcept { return reinterpret_cast<PyPosted*>(object); }

PyObject* posted_call(PyObject* object, PyObject*, PyObject*) {
  PyPosted* const self = as_posted(object);
  if (Then* const then = std::exchange(self->then, nullptr)) {
    const PyRef source = PyRef::adopt(std::exchange(self->source, nullptr));
    then->settle(*reinterpret_cast<PyFuture*>(source.get())->state);
  }
  Py_RETURN_NONE;
}

// Nobody will call it: before a collector takes apart what hangs on it.
void posted_finalize(PyObject* object) {
  if (Then* const then = std::exchange(as_posted(object)->then, nullptr)) {
    const ErrorAside aside;
    then->refuse(make_error(ErrorKind::kAbandoned, "the executor dropped the callback before it ran"));
  }
}

int posted_traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(as_posted(object)->source);
  Then* const then = as_posted(object)->then;
  return then ? traverse_then(*then, visit, arg, 0) : 0;
}

int posted_clear(PyObject* object) {
  Py_CLEAR(as_posted(object)->source);
  return 0;
}

void posted_dealloc(PyObject* object) {
  if (PyObject_CallFinalizerFromDealloc(object) < 0) return;  // a callback kept it
  PyObject_GC_UnTrack(object);
  posted_clear(object);
  PyTypeObject* const type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

PyType_Slot posted_slots[] = {{Py_tp_call, reinterpret_cast<void*>(posted_call)},
                              {Py_tp_finalize, reinterpret_cast<void*>(posted_finalize)},
                              {Py_tp_traverse, reinterpret_cast<void*>(posted_traverse)},
                              {Py_tp_clear, reinterpret_cast<void*>(posted_clear)},
                              {Py_tp_dealloc, reinterpret_cast<void*>(posted_dealloc)},
                              {0, nullptr}};
PyType_Spec posted_spec = {"tine._C._Posted", sizeof(PyPosted), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                           posted_slots};
constinit PyTypeObject* posted_type = nullptr;

class PostedThen final : public Then {
 public:
  // Takes the reference to submit over.
  PostedThen(tine::detail::WaitHelper* helper, Mode mode, PyObject* callback, PyObject* submit,
             GradMode grad_mode) noexcept
      : Then(helper, mode, callback, grad_mode, &kPostOps) {
    submit_ = submit;
  }
  ~PostedThen() override { drop_anywhere(submit_); }

  static void post(Node* node, StateBase& done) noexcept {
    auto* const self = static_cast<PostedThen*>(Then::of(node));
    auto& source = static_cast<ValueState&>(done);
    const Gil gil;
    if (!gil || !self->wanted(source)) {
      self->settle(source);
      return;
    }
    const ErrorAside aside;
    const GradModeScope scope(self->grad_mode());  // tine's pool carries it on
    const PyRef submit = PyRef::adopt(std::exchange(self->submit_, nullptr));
    PyRef future = PyRef::adopt(wrap_future(Ref<ValueState>::share(&source)));
    auto* const posted = future ? PyObject_GC_New(PyPosted, posted_type) : nullptr;
    if (posted) {
      posted->then = self;
      posted->source = future.leak();
      PyObject_GC_Track(posted);
    }
    const PyRef owned = PyRef::adopt(reinterpret_cast<PyObject*>(posted));
    if (posted && PyRef::adopt(call_one(submit.get(), owned.get()))) return;
    // Refused. (An executor that runs it in place and raises behind that has it completed already.)
    try {
      const std::exception_ptr error = take_error();
      if (!posted) {
        self->refuse(error);
      } else if (Then* const then = std::exchange(posted->then, nullptr)) {
        then->refuse(error);
      } else {
        raise(error);
        report_unraisable(submit.get());
      }
    } catch (const std::exception&) {
      // Out of memory: what `owned` still holds is refused with it.
    }
  }
};

class DoneCallback final : public Node {
 public:
  // only_cancelled: it is called without an argument when the future was cancelled, else dropped; so an error has
  // not been seen by it.
  DoneCallback(PyObject* callback, bool only_cancelled, GradMode grad_mode) noexcept
      : Node(only_cancelled ? &kCancelOps : &kOps), grad_mode_(grad_mode), callback_(Py_NewRef(callback)) {}

  [[nodiscard]] static DoneCallback* of(Node* node) noexcept {
    const bool ours = node->ops() == &kOps || node->ops() == &kCancelOps;
    return ours ? static_cast<DoneCallback*>(node) : nullptr;
  }
  [[nodiscard]] PyObject* callback() const noexcept { return callback_; }

 private:
  static void run(Node* node, StateBase& done) noexcept {
    const std::unique_ptr<DoneCallback> self(static_cast<DoneCallback*>(node));
    const Gil gil;
    if (!gil) return;  // the callback is leaked with the interpreter
    const ErrorAside aside;
    const GradModeScope scope(self->grad_mode_);
    const PyRef callback = PyRef::adopt(self->callback_);
    const PyRef future = PyRef::adopt(wrap_future(Ref<ValueState>::share(static_cast<ValueState*>(&done))));
    const PyRef result = PyRef::adopt(future ? call_one(callback.get(), future.get()) : nullptr);
    if (!result) report_unraisable(callback.get());
  }
  static constexpr NodeOps kOps{&DoneCallback::run, true};
  static void run_if_cancelled(Node* node, StateBase& done) noexcept {
    const std::unique_ptr<DoneCallback> self(static_cast<DoneCallback*>(node));
    if (done.outcome() != Outcome::kCancelled) return drop_anywhere(self->callback_);
    const Gil gil;
    if (!gil) return;
    const ErrorAside aside;
    const PyRef callback = PyRef::adopt(self->callback_);
    if (!PyRef::adopt(call_one(callback.get(), nullptr))) report_unraisable(callback.get());
  }
  static constexpr NodeOps kCancelOps{&DoneCallback::run_if_cancelled, true, true};

  const GradMode grad_mode_;
  PyObject* callback_;
};

// What a list keeps alive. It runs when the state is completed, so the state's own pending list is kept alive by
// whoever completes it: of a `then`, by the list that this one is in, also while a Future shows it.
int traverse_callbacks(ValueState& state, visitproc visit, void* arg, int depth) {
  for (Node* node = state.newest_callback(); node; node = node->next()) {
    if (DoneCallback* const done = DoneCallback::of(node)) Py_VISIT(done->callback());
    Py_VISIT(object_held_by(node));
    Py_VISIT(iterator_held_by(node));
    Then* const then = Then::of(node);
    if (!then) continue;
    if (const int stop = traverse_then(*then, visit, arg, depth)) return stop;
  }
  return 0;
}

// What only this value keeps alive.
int traverse_value(const Value& value, visitproc visit, void* arg, int depth) {
  if (depth == kDeepestChain) return 0;
  switch (value.tag()) {
    case Tag::kForeign: {
      if (!value.as_foreign().sole_owner()) return 0;
      Py_VISIT(foreign_object(value));
      const Value* const decoded = decoded_in(value);
      return decoded ? traverse_value(*decoded, visit, arg, depth + 1) : 0;
    }
    case Tag::kList:
    case Tag::kTuple: {
      if (!value.as_counted()->sole_owner()) return 0;
      const auto& items = value.is(Tag::kList) ? value.as_list().items : value.as_tuple().items;
      for (const Value& item : items) {
        if (const int stop = traverse_value(item, visit, arg, depth + 1)) return stop;
      }
      return 0;
    }
    case Tag::kFuture: {
      ValueState& state = *value.as_future_state();
      if (!state.sole_owner() || state.outcome() != Outcome::kValue) return 0;
      return traverse_value(state.value(), visit, arg, depth + 1);
    }
    default: return 0;
  }
}

}  // namespace

const NodeOps Then::kPostOps{&PostedThen::post, true};

Ref<ValueState> then(ValueState& source, Mode mode, PyObject* callback, PyObject* submit,
                     GradMode grad_mode) {
  const Ref<Then> state =
      submit ? Ref<Then>(make_ref<PostedThen>(source.helper(), mode, callback, submit, grad_mode))
             : make_ref<Then>(source.helper(), mode, callback, grad_mode);
  Ref<ValueState> result = state;  // the other reference is the list's
  source.subscribe(Ref<Then>(state).leak()->node());
  return result;
}

void add_done_callback(ValueState& source, PyObject* callback, bool only_cancelled, GradMode grad_mode) {
  source.subscribe(new DoneCallback(callback, only_cancelled, grad_mode));
}

int traverse_state(ValueState& state, visitproc visit, void* arg) {
  if (const int stop = traverse_source(state, visit, arg)) return stop;
  if (const int stop = traverse_inputs(state, visit, arg)) return stop;
  if (const std::exception_ptr* const error = state.peek_error()) {
    Py_VISIT(solely_owned_object(*error));
    return 0;
  }
  if (state.outcome() == Outcome::kValue) return traverse_value(state.value(), visit, arg, 0);
  std::unique_lock<std::mutex> lock;
  return lock_callbacks(state, &lock) ? traverse_callbacks(state, visit, arg, 0) : 0;
}

bool init_callbacks() {
  posted_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&posted_spec));
  return posted_type != nullptr;
}

}  // namespace tine::python
