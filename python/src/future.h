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

#include <tine/future.h>

#include <vector>

#include "python/src/convert.h"

namespace tine::python {

using ValueState = tine::detail::State<Value>;
using tine::detail::Ref;

struct PyFuture {
  PyObject_HEAD ValueState* state;  // owned, never null
  PyObject* weakrefs;               // for the interpreter
  PyObject* error;                  // the exception that shows a native error, made once
  unsigned generation;              // of forks
  bool settable;                    // made by Future(): nobody else completes the state
  bool claimed;
};

// Blocks until it is done: 1, or 0 when the deadline passed, or -1 with the indicator set (a signal's
// handler raised). Gives the lock up meanwhile; on the main thread it looks for signals.
[[nodiscard]] int wait_done(tine::detail::StateBase& state, TimePoint deadline);
// Waits and returns the value, or raises the error; null with the indicator set.
[[nodiscard]] PyObject* wait_value(PyFuture* future, TimePoint deadline);
// seconds or None; false with the indicator set.
[[nodiscard]] bool parse_timeout(PyObject* seconds, TimePoint* deadline);

// callbacks.cpp
[[nodiscard]] Ref<ValueState> then(ValueState& source, PyObject* callback);
void add_done_callback(ValueState& source, PyObject* callback);
// Visits what the state alone keeps alive; the caller is its only owner.
[[nodiscard]] int traverse_state(ValueState& state, visitproc visit, void* arg);
// A callback failed and nobody holds its result: tells the hook. Clears the indicator.
void report_unobserved(PyObject* context);
[[nodiscard]] PyObject* swap_unobserved_hook(PyObject* hook);

// collect.cpp: a future of the list of those futures. fail_fast: fails as soon as one of them does.
[[nodiscard]] Future<Value> collect(std::vector<Future<Value>> inputs, bool fail_fast);
[[nodiscard]] PyObject* collect_all(PyObject* module, PyObject* futures);
[[nodiscard]] PyObject* wait_all(PyObject* module, PyObject* const* args, Py_ssize_t count, PyObject* names);

[[nodiscard]] bool init_future(PyObject* module);

}  // namespace tine::python
