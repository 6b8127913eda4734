// What the bindings tell the trace that records this thread, and the numbers that it hands out.
//
// As in torch.jit.trace, sizes are 0-d tensors to the tracer; to the program they are TracedNumbers, which behave as an
// int, float or bool and never change. The caller holds the interpreter's lock. A trace records the thread that began it
// and no other. Outside of traces the cost is one look at a thread-local pointer. Functions that return a Value throw;
// the others set the error indicator.
#pragma once

#include <span>

#include "python/src/builtin.h"
#include "tine/tracing.h"

namespace tine::python {

[[nodiscard]] inline bool tracing() noexcept { return tracer_of_thread != nullptr; }

// to_value, but for the numbers of the trace: the tensors that stand for them.
[[nodiscard]] Value traced_value(PyObject* object, const script::Tracer* tracer = tracer_of_thread);
// The other way round. New reference.
[[nodiscard]] PyObject* traced_to_python(const Value& value);

// `other` is a handle of its own on all that `of` shows.
void record_same(const Tensor& other, const Tensor& of);
// Python is given the value of a tensor as a plain "Python boolean", "Python list", ...: a TracerWarning.
void tell_fixed(const Tensor& tensor, const char* as);
// The same, in other words.
void tell_trace(const Tensor& tensor, const char* warning);

// TracedNumber (traced_number.cpp).
[[nodiscard]] inline bool is_traced_number(PyObject* object) noexcept {
  return Py_TYPE(object) == types.traced_number;
}
[[nodiscard]] const Tensor& stand_in_of(PyObject* object) noexcept;  // is_traced_number(object)
[[nodiscard]] Value number_of(PyObject* object);                     // is_traced_number(object)
[[nodiscard]] PyObject* wrap_number(const Tensor& stand_in);
[[nodiscard]] bool init_traced_number(PyObject* module);

[[nodiscard]] bool init_tracing(PyObject* module);

}  // namespace tine::python
