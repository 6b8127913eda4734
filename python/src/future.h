// Future: the Python object that shows a State<Value>.
//
// State      A reference to the state; whether this object is the one that may complete it.
// Threads    The caller holds the lock; the state is completed on any thread.
// Ordering   That of tine::Future.
// Ownership  The object owns a reference to the state, the state points back without one. A Future made
//            in Python is the only handle that can complete its state: when it dies first, the state
//            fails with Abandoned. It holds no reference to its callbacks but through the state.
// Errors     As in Python: null and the indicator set.
// Cost       Object from a free list, state 72 bytes; no lock is given up for a future that is done.
// Source     torch.futures.
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
  bool settable;                    // made by Future(): nobody else completes the state
  bool claimed;
  GradMode grad_mode;  // of callbacks added while it is pending; none: that of whoever completes it
};

// Blocks until it is done: 1, or 0 when the deadline passed, or -1 with the indicator set (a signal's
// handler raised). Gives the lock up meanwhile; on the main thread it looks for signals.
// The one who waits without the lock needs a reference of its own, as what shows the future is used under the lock.
[[nodiscard]] int wait_done(Ref<tine::detail::StateBase> state, TimePoint deadline);
// Waits and returns the value, or raises the error; null with the indicator set.
[[nodiscard]] PyObject* wait_value(PyFuture* future, TimePoint deadline);
// The callbacks of a future that this thread has just been given will run in the mode that this thread is in.
void carry_grad_mode(PyObject* future) noexcept;
// seconds or None; false with the indicator set.
[[nodiscard]] bool parse_timeout(PyObject* seconds, TimePoint* deadline);

// The exception object of a failed future, new reference: always the same one.
[[nodiscard]] PyObject* exception_of(PyFuture* future);

// callbacks.cpp
using tine::detail::Mode;
// submit: of the executor that is to run the callback, its reference taken over; null runs it in place.
[[nodiscard]] Ref<ValueState> then(ValueState& source, Mode mode, PyObject* callback, PyObject* submit,
                                   GradMode grad_mode);
// only_cancelled: callback() when it was cancelled and not otherwise; that is not looking at an error.
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
// Of a node in a future's list: the Future of many that it keeps alive, borrowed; null for any other node.
[[nodiscard]] PyObject* object_held_by(tine::detail::Node* node) noexcept;
// Visits what the callbacks of a pending state hold that one Future owns alone; nothing when another thread is about to run
// them.
[[nodiscard]] int traverse_pending(ValueState& state, visitproc visit, void* arg);
// Visits those inputs of one that are done; nothing for any other state.
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
// Of a node in a future's list: the iterator that it keeps alive, borrowed; null for any other node.
[[nodiscard]] PyObject* iterator_held_by(tine::detail::Node* node) noexcept;
[[nodiscard]] bool init_completed();

// others.cpp: futures of other libraries.
// What becomes what `object` becomes. Empty without an error for what is no future, empty with one when it raised.
[[nodiscard]] Ref<ValueState> adopt(PyObject* object);
// Of what a callback returned: the state of tine's, the adopted one of another's, null for what is not a future. Throws
// what adopting it raised.
[[nodiscard]] Ref<ValueState> future_in(PyObject* object);
// One of tine's, or what can be told when it is done; no list or tuple.
[[nodiscard]] bool looks_like_future(PyObject* object) noexcept;
// An adopted one that is done came from `source`.
void came_from(ValueState& state, PyObject* source);
// What shows a state that is done: the very object that was adopted, else its Future. Any thread.
[[nodiscard]] Value handed_out(ValueState& state);
[[nodiscard]] PyObject* hand_out(ValueState& state);  // with the lock
// Visits what an adopted one came from.
[[nodiscard]] int traverse_source(ValueState& state, visitproc visit, void* arg);
// False with the indicator set when this thread must not wait: it runs the loop that is to complete one of them.
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
