// What the bindings tell the trace that records this thread, and the numbers that it hands out.
//
// State      A TracedNumber is an int, float or bool with the mark by which its trace knows it; it never changes.
// Threads    The caller holds the lock. A trace records the thread that began it, no other.
// Ordering   None.
// Ownership  As usual in Python.
// Errors     As in Python; functions that return a Value throw.
// Cost       Outside of traces: one look at a thread-local pointer.
// Source     torch.jit.trace, whose sizes are 0-d tensors while it traces; here they are numbers.
#pragma once

#include <span>

#include "python/src/builtin.h"
#include "src/runtime/script.h"

namespace tine::python {

[[nodiscard]] inline bool tracing() noexcept { return current_recorder() != nullptr; }

// A call of a script function becomes a node; marks the numbers in the result.
void record_script_call(const ScriptFunction& f, std::span<const Value> args, Value* result);
// `other` is a handle of its own on all that `of` shows.
void record_same(const Tensor& other, const Tensor& of);
// Python is given the value of a tensor or a number as a plain "boolean", "integer", "list", ...: a TracerWarning.
void tell_fixed(const Value& value, const char* as);
// The same, in other words.
void tell_trace(const Value& value, const char* warning);

// Whether the trace of this thread, if there is one, knows where the value comes from.
[[nodiscard]] bool is_recorded(const Value& value) noexcept;
// An argument of a call that is recorded: 0-d tensors can be told from the numbers that they may become.
[[nodiscard]] Value with_marks(Value value);

// TracedNumber (traced_number.cpp).
[[nodiscard]] inline bool is_traced_number(PyObject* object) noexcept {
  return Py_TYPE(object) == types.traced_number;
}
[[nodiscard]] const Value& number_of(PyObject* object) noexcept;  // is_traced_number(object)
[[nodiscard]] PyObject* wrap_number(const Value& value);
[[nodiscard]] bool init_traced_number(PyObject* module);

[[nodiscard]] bool init_tracing(PyObject* module);

}  // namespace tine::python
