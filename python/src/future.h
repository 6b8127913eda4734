// Future: the Python object that shows a State<Value>, as torch.futures.Future.
//
// The object owns a reference to the state; the state points back without one. A Future made in Python is the only handle
// that can complete its state: when the object dies first, the state fails with Abandoned. The object refers to its
// callbacks only through the state. The state may be completed on any thread; everything here needs the interpreter's
// lock. wait() on a future that is done does not release the lock.
#pragma once

#include <tine/detail/combine.h>
#include <tine/future.h>

#include <vector>

#include "python/src/convert.h"
#include "python/src/grad_mode.h"

namespace tine::python {

using ValueState = tine::detail::State<Value>;
using tine::detail::Ref;

struct PyFuture {
  PyObject_HEAD ValueState* state;  // owned, never null
  PyObject* weakrefs;               // for the interpreter
  PyObject* error;                  // the exception that shows a native error, made once
  // If it was made in a Context: of a settable one, that Context's node in the list of the state; of another one, the object
  // that shows the Context, owned: to wait for it there needs no look at the Context.
  void* context;
  bool settable;  // made by Future(): only set_result() and set_exception() complete the state
  bool claimed;
  GradMode
      grad_mode;  // of callbacks added while it is pending; if none, that of the thread that completes it
};

// Blocks until the state is done. Returns 1, or 0 when the deadline passed, or -1 with the indicator set (the handler of a
// signal raised, or the Context of this code stopped). `context`: that of PyFuture, may be null. Releases the lock meanwhile, and looks for signals on the main thread. It takes a reference of its own,
// because the caller's Python object may go away while the lock is released.
[[nodiscard]] int wait_done(Ref<tine::detail::StateBase> state, TimePoint deadline,
                            const void* context = nullptr);
// hook(file, line, function) is called from now on when a wait of this thread is about to block, with the user's line; None
// ends that.
void set_blocking_hook(PyObject* hook) noexcept;
// Waits and returns the value, or raises the error; null with the indicator set.
[[nodiscard]] PyObject* wait_value(PyFuture* future, TimePoint deadline);
// The callbacks of a future that this thread has just been given will run in the mode that this thread is in.
void carry_grad_mode(PyObject* future) noexcept;
// A future that C++ code has made in the Context that this object shows; null for none.
void made_in(PyObject* future, PyObject* context) noexcept;
// seconds or None; false with the indicator set.
[[nodiscard]] bool parse_timeout(PyObject* seconds, TimePoint* deadline);

// The exception object of a failed future, new reference: always the same one.
[[nodiscard]] PyObject* exception_of(PyFuture* future);

// callbacks.cpp
using tine::detail::Mode;
// `submit` is the method of the executor that runs the callback; its reference is taken over. Null runs it in place.
[[nodiscard]] Ref<ValueState> then(ValueState& source, Mode mode, PyObject* callback, PyObject* submit,
                                   GradMode grad_mode);
// only_cancelled: calls callback() if the future was cancelled, and drops it otherwise; this does not count as looking at
// an error.
void add_done_callback(ValueState& source, PyObject* callback, bool only_cancelled = false,
                       GradMode grad_mode = {});
// Visits what the state alone keeps alive; the caller is its only owner.
[[nodiscard]] int traverse_state(ValueState& state, visitproc visit, void* arg);
// Visits what those callbacks hold that nobody runs meanwhile: traverse_pending() sees to that.
[[nodiscard]] int traverse_callbacks(ValueState& state, visitproc visit, void* arg);
[[nodiscard]] bool init_callbacks();

// unobserved.cpp
// A callback failed and nobody holds its result: tells the hook. Clears the indicator.
void report_unraisable(PyObject* context);
[[nodiscard]] PyObject* swap_unobserved_hook(PyObject* hook);
// The errors of futures that nobody looked at go the same way from now on.
void init_unobserved();

// collect.cpp
using tine::detail::Rule;
// The Future of many that this node in a future's list keeps alive, borrowed; null for any other node.
[[nodiscard]] PyObject* object_held_by(tine::detail::Node* node) noexcept;
// Visits what the callbacks of a pending state hold that one Future owns alone; nothing when another thread is about to run
// them.
[[nodiscard]] int traverse_pending(ValueState& state, visitproc visit, void* arg);
// Visits the inputs that are done, if the state is a Future of many.
[[nodiscard]] int traverse_inputs(ValueState& state, visitproc visit, void* arg);
// False with the indicator set. items: keeps the objects alive.
[[nodiscard]] bool read_futures(const char* function, PyObject* sequence, PyRef* items,
                                std::vector<Future<Value>>* futures);
[[nodiscard]] PyObject* collect_all(PyObject* module, PyObject* futures);
[[nodiscard]] PyObject* collect_all_settled(PyObject* module, PyObject* futures);
[[nodiscard]] PyObject* collect_any(PyObject* module, PyObject* futures);
[[nodiscard]] PyObject* gather(PyObject* module, PyObject* const* args, Py_ssize_t count);
[[nodiscard]] PyObject* wait_all(PyObject* module, PyObject* const* args, Py_ssize_t count, PyObject* names);

// completed.cpp
[[nodiscard]] PyObject* as_completed(PyObject* module, PyObject* const* args, Py_ssize_t count,
                                     PyObject* names);
// The iterator that this node in a future's list keeps alive, borrowed; null for any other node.
[[nodiscard]] PyObject* iterator_held_by(tine::detail::Node* node) noexcept;
[[nodiscard]] bool init_completed();

// others.cpp: futures of other libraries.
// A state that gets the outcome of `object`, a future of another library. Null without an error if it is not a future, and
// null with one if looking at it raised.
[[nodiscard]] Ref<ValueState> adopt(PyObject* object);
// The state of an object that a callback returned: tine's own, or the adopted one of another library's future; null if it
// is not a future. Throws the exception that adopting it raised.
[[nodiscard]] Ref<ValueState> future_in(PyObject* object);
// Whether the object is a future of tine or of another library. A list or tuple is not.
[[nodiscard]] bool looks_like_future(PyObject* object) noexcept;
// An adopted one that is done came from `source`.
void came_from(ValueState& state, PyObject* source);
// The object that shows a state that is done: the future that was adopted, otherwise its Future. Any thread.
[[nodiscard]] Value handed_out(ValueState& state);
[[nodiscard]] PyObject* hand_out(ValueState& state);  // with the lock
// Visits what an adopted one came from.
[[nodiscard]] int traverse_source(ValueState& state, visitproc visit, void* arg);
// False with the indicator set if this thread must not wait, because it runs the event loop that completes one of them.
[[nodiscard]] bool refuse_to_block(PyObject* items, const std::vector<Future<Value>>& futures);
[[nodiscard]] bool init_others(PyObject* module);

// promise.cpp
// A _Promise that completes the state.
[[nodiscard]] PyObject* make_promise(Ref<ValueState> state);
[[nodiscard]] bool init_promise(PyObject* module);

// pool.cpp: submit, the number of threads, the counters.
[[nodiscard]] bool init_pool(PyObject* module);
// While one is alive, its thread, which is outside the pool and waits with a deadline, does not run the awaited function
// itself: that function may take longer than the deadline allows.
class NotInPlace {
 public:
  NotInPlace() noexcept;
  ~NotInPlace();
  NotInPlace(const NotInPlace&) = delete;
  NotInPlace& operator=(const NotInPlace&) = delete;
  [[nodiscard]] static bool wanted() noexcept;
};

[[nodiscard]] bool init_future(PyObject* module);

}  // namespace tine::python
