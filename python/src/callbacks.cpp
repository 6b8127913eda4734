#include <memory>
#include <utility>

#include "python/src/abi.h"
#include "python/src/context.h"
#include "python/src/future.h"
#include "python/src/place.h"
#include "python/src/rpc_payload.h"

// The callbacks of Python: nodes in a state's list that take the interpreter's lock when the future is done.

namespace tine::python {
namespace {

using tine::detail::Gives;
using tine::detail::Node;
using tine::detail::NodeOps;
using tine::detail::Outcome;
using tine::detail::StateBase;

class PyCallback {
 public:
  using Source = Value;
  using Result = Value;
  // The callbacks of the result run before the lock is released, so a chain takes the lock once.
  static constexpr bool kChains = false;

  // `context`: its reference is taken over; may be null.
  PyCallback(Mode mode, PyObject* callback, PyObject* context, GradMode grad_mode) noexcept
      : mode_(mode), grad_mode_(grad_mode), callback_(Py_NewRef(callback)), context_(context) {}
  ~PyCallback() {
    drop();
    drop_anywhere(context_);
  }
  PyCallback(const PyCallback&) = delete;
  PyCallback& operator=(const PyCallback&) = delete;

  [[nodiscard]] Mode mode() const noexcept { return mode_; }
  [[nodiscard]] GradMode grad_mode() const noexcept { return grad_mode_; }
  [[nodiscard]] PyObject* object() const noexcept { return callback_; }
  [[nodiscard]] PyObject* context() const noexcept { return context_; }

  template <class Body>
  bool enter(Body& body) noexcept {
    const Gil gil;
    if (!gil) return false;
    const ErrorAside aside;
    const GradModeScope scope(grad_mode_);
    const CarriedContext carried(context_);
    body();
    return true;
  }
  static std::exception_ptr refused() noexcept {
    return make_error(ErrorKind::kAbandoned, "the interpreter is shutting down: the callback was not run");
  }
  void drop() noexcept { drop_anywhere(std::exchange(callback_, nullptr)); }

  Gives call(ValueState& to, ValueState& source, std::exception_ptr* error, Ref<ValueState>* inner) noexcept {
    const PyRef callback = PyRef::adopt(std::exchange(callback_, nullptr));
    try {
      if (mode_ == Mode::kFinally) return call_finally(callback.get(), to, source, error);
      const PyRef given = argument(source);
      const PyRef result = PyRef::adopt(given ? call_one(callback.get(), given.get()) : nullptr);
      if (!result) throw_error();
      // If `result` is the last handle of the inner future, that one fails when it goes, and this future fails with it.
      if (mode_ != Mode::kThen && (*inner = future_in(result.get()))) return Gives::kFuture;
      to.construct(to_value_shallow(result.get()));
      return Gives::kValue;
    } catch (const std::exception&) {
      *error = std::current_exception();
      return Gives::kError;
    }
  }
  // Completes with the same value or exception object, or as cancelled.
  static void forward(ValueState& from, ValueState& to, Node** later) noexcept {
    using tine::detail::owning;
    switch (const Outcome outcome = from.outcome()) {
      case Outcome::kValue:
        to.construct(for_another_owner(from.value()));
        to.publish(owning, later);
        break;
      case Outcome::kError: to.fail(owning, for_another_owner(*from.stored_error()), later); break;
      default: to.cancel(owning, outcome, later);
    }
  }
  static void forward_inner(ValueState& from, ValueState& to, Node** later) noexcept {
    forward(from, to, later);
  }

 private:
  // The callback's argument; null with the indicator set.
  [[nodiscard]] PyRef argument(ValueState& source) const {
    if (mode_ == Mode::kAndThen) return PyRef::adopt(to_python(source.value()));
    PyRef future = PyRef::adopt(wrap_future(Ref<ValueState>::share(&source)));
    if (mode_ == Mode::kThen || !future) return future;
    return PyRef::adopt(exception_of(reinterpret_cast<PyFuture*>(future.get())));
  }

  static Gives call_finally(PyObject* callback, ValueState& to, ValueState& source,
                            std::exception_ptr* error) {
    if (PyRef::adopt(call_one(callback, nullptr))) return Gives::kSource;
    if (to.done()) {
      // The result was cancelled or refused before: that outcome stays.
      report_unraisable(callback);
      return Gives::kSource;
    }
    *error = take_error();
    if (const std::exception_ptr before = source.error()) {
      // As in a `finally:`, the earlier exception is kept as the context.
      PyObject* const raised = as_py_error(*error)->object();
      const PyRef context = PyRef::adopt(PyException_GetContext(raised));
      PyRef earlier = context ? PyRef() : PyRef::adopt(to_exception(before));
      if (earlier && earlier.get() != raised) PyException_SetContext(raised, earlier.leak());
      PyErr_Clear();
    }
    return Gives::kError;
  }

  const Mode mode_;
  const GradMode grad_mode_;
  PyObject* callback_;
  PyObject* const context_;  // of the code that added it
};

template <class Self>
class BySubmit;
using Then = tine::detail::Continuation<PyCallback>;
using PostedThen = tine::detail::PostedContinuation<PyCallback, BySubmit>;

// A chain of `then` whose results are not used hangs on its first state. It is followed to this depth.
constexpr int kDeepestChain = 200;

int traverse_list(ValueState& state, visitproc visit, void* arg, int depth);

// What a `then` keeps alive, for the one that has its node.
int traverse_then(Then& then, visitproc visit, void* arg, int depth) {
  Py_VISIT(then.callback().object());
  const uint32_t others = then.binding ? 1 : 0;  // the Future that shows it
  if (depth >= kDeepestChain || then.references() != 1 + others) return 0;
  return traverse_list(then, visit, arg, depth + 1);
}

// The object that an executor gets. Calling it runs the callback; if it is dropped without a call, the result fails.
struct PyPosted {
  PyObject_HEAD PostedThen* then;  // the reference that was the list's; null once it has run
  PyObject* source;                // the Future that is done
};
PyPosted* as_posted(PyObject* object) noexcept { return reinterpret_cast<PyPosted*>(object); }
ValueState& source_of(PyPosted* posted) noexcept {
  return *reinterpret_cast<PyFuture*>(posted->source)->state;
}
constinit PyTypeObject* posted_type = nullptr;

template <class Self>
class BySubmit {
 public:
  static constexpr bool kUser = true;

  // Takes the reference over.
  explicit BySubmit(PyObject* submit) noexcept : submit_(submit) {}
  ~BySubmit() { drop_anywhere(submit_); }
  BySubmit(const BySubmit&) = delete;
  BySubmit& operator=(const BySubmit&) = delete;

  [[nodiscard]] PyObject* object() const noexcept { return submit_; }

  tine::detail::Chained post(Self& self, ValueState& source) noexcept {
    const Gil gil;
    // If the result was cancelled, the executor is not asked.
    if (!gil || !self.wants(source)) return self.settle(source);
    const ErrorAside aside;
    const GradModeScope scope(self.callback().grad_mode());  // tine's pool carries them on
    const CarriedContext carried(self.callback().context());
    const PyRef submit = PyRef::adopt(std::exchange(submit_, nullptr));
    PyRef future = PyRef::adopt(wrap_future(Ref<ValueState>::share(&source)));
    auto* const posted = future ? PyObject_GC_New(PyPosted, posted_type) : nullptr;
    if (posted) {
      posted->then = &self;
      posted->source = future.leak();
      PyObject_GC_Track(posted);
    }
    const PyRef owned = PyRef::adopt(reinterpret_cast<PyObject*>(posted));
    if (posted && PyRef::adopt(call_one(submit.get(), owned.get()))) return {};
    // The executor refused. If it ran the callback in place and raised afterwards, the result is complete already.
    try {
      const std::exception_ptr error = take_error();
      if (!posted) {
        self.decline(source, error);
      } else if (Self* const then = std::exchange(posted->then, nullptr)) {
        then->decline(source, error);
      } else {
        raise(error);
        report_unraisable(submit.get());
      }
    } catch (const std::exception&) {
      // Out of memory: the callback that `owned` still holds is refused.
    }
    return {};
  }

 private:
  PyObject* submit_;
};

PyObject* posted_call(PyObject* object, PyObject*, PyObject*) {
  PyPosted* const self = as_posted(object);
  if (PostedThen* const then = std::exchange(self->then, nullptr)) {
    const PyRef source = PyRef::adopt(self->source);
    ValueState& state = source_of(self);
    self->source = nullptr;
    run_chain(then->settle(state));
  }
  Py_RETURN_NONE;
}

// The callback will not be called any more. The result fails before the collector takes apart what hangs on it.
void posted_finalize(PyObject* object) {
  PyPosted* const self = as_posted(object);
  if (PostedThen* const then = std::exchange(self->then, nullptr)) {
    const ErrorAside aside;
    then->decline(source_of(self),
                  make_error(ErrorKind::kAbandoned, "the executor dropped the callback before it ran"));
  }
}

int posted_traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(as_posted(object)->source);
  PostedThen* const then = as_posted(object)->then;
  return then ? traverse_then(*then, visit, arg, 0) : 0;
}

int posted_clear(PyObject* object) {
  Py_CLEAR(as_posted(object)->source);
  return 0;
}

void posted_dealloc(PyObject* object) {
  if (abi::finalize_in_dealloc(object, posted_finalize) < 0) return;  // a callback kept it
  PyObject_GC_UnTrack(object);
  posted_clear(object);
  free_object(object);
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

class DoneCallback final : public Node {
 public:
  // only_cancelled: the callback is called without an argument if the future was cancelled, and dropped otherwise. So it does
  // not count as having seen an error.
  // `context`: its reference is taken over; may be null.
  DoneCallback(PyObject* callback, bool only_cancelled, PyObject* context, GradMode grad_mode) noexcept
      : Node(only_cancelled ? &kCancelOps : &kOps),
        grad_mode_(grad_mode),
        callback_(Py_NewRef(callback)),
        context_(context) {}
  ~DoneCallback() { drop_anywhere(context_); }
  DoneCallback(const DoneCallback&) = delete;
  DoneCallback& operator=(const DoneCallback&) = delete;

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
    const CarriedContext carried(self->context_);
    const PyRef callback = PyRef::adopt(self->callback_);
    const PyRef future = PyRef::adopt(wrap_future(Ref<ValueState>::share(static_cast<ValueState*>(&done))));
    const PyRef result = PyRef::adopt(future ? call_one(callback.get(), future.get()) : nullptr);
    if (!result) report_unraisable(callback.get());
  }
  static constexpr NodeOps kOps{&DoneCallback::run, true};
  static void run_if_cancelled(Node* node, StateBase& done) noexcept {
    const std::unique_ptr<DoneCallback> self(static_cast<DoneCallback*>(node));
    // The end of the Context in which it was made is a cancellation, too.
    if (done.outcome() != Outcome::kCancelled && done.outcome() != Outcome::kDeadline)
      return drop_anywhere(self->callback_);
    const Gil gil;
    if (!gil) return;
    const ErrorAside aside;
    const CarriedContext carried(self->context_);
    const PyRef callback = PyRef::adopt(self->callback_);
    if (!PyRef::adopt(call_one(callback.get(), nullptr))) report_unraisable(callback.get());
  }
  static constexpr NodeOps kCancelOps{&DoneCallback::run_if_cancelled, true, true};

  const GradMode grad_mode_;
  PyObject* callback_;
  PyObject* const context_;
};

// Visits what the callbacks in the state's list keep alive. They run when the state is completed, so the one that will
// complete it keeps the list alive. The result of a `then` is completed by its node in the source's list; therefore the
// list of such a result is visited from here, whether a Future shows that result or not.
int traverse_list(ValueState& state, visitproc visit, void* arg, int depth) {
  for (Node* node = state.newest_callback(); node; node = node->next()) {
    if (DoneCallback* const done = DoneCallback::of(node)) Py_VISIT(done->callback());
    Py_VISIT(object_held_by(node));
    Py_VISIT(iterator_held_by(node));
    Then* const then = PostedThen::of(node);
    if (!then) continue;
    if (const auto* const by = PostedThen::poster_of(node)) Py_VISIT(by->object());
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
      const std::span<const Value> items =
          value.is(Tag::kList) ? std::span<const Value>(value.as_list().items) : value.as_tuple().items;
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

Ref<ValueState> then(ValueState& source, Mode mode, PyObject* callback, PyObject* submit,
                     GradMode grad_mode) {
  const auto attached = [&source](auto* then) {
    auto result = Ref<ValueState>::adopt(then);
    then->show();
    then->made_at(calling_place());
    source.subscribe(then->node());
    (void)join_here(*then);
    return result;
  };
  PyObject* const context = context_to_carry();
  if (submit) return attached(new PostedThen(source.helper(), submit, mode, callback, context, grad_mode));
  return attached(new Then(source.helper(), mode, callback, context, grad_mode));
}

void add_done_callback(ValueState& source, PyObject* callback, bool only_cancelled, GradMode grad_mode) {
  source.subscribe(new DoneCallback(callback, only_cancelled, context_to_carry(), grad_mode));
}

int traverse_state(ValueState& state, visitproc visit, void* arg) {
  if (const int stop = traverse_source(state, visit, arg)) return stop;
  if (const int stop = traverse_inputs(state, visit, arg)) return stop;
  if (const std::exception_ptr* const error = state.peek_error()) {
    Py_VISIT(solely_owned_object(*error));
    return 0;
  }
  if (state.outcome() == Outcome::kValue) return traverse_value(state.value(), visit, arg, 0);
  return traverse_pending(state, visit, arg);
}

int traverse_callbacks(ValueState& state, visitproc visit, void* arg) {
  return traverse_list(state, visit, arg, 0);
}

bool init_callbacks() {
  posted_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&posted_spec));
  return posted_type != nullptr;
}

}  // namespace tine::python
