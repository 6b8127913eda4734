// Builtin: an operator of the table as a Python callable, `tine.add` or `Tensor.add`.
//
// A builtin has its operator's name and its rows, looked up once; it lives in the module or in Tensor's dictionary for good.
// Its callers hold the interpreter's lock. As everywhere in Python's API, null means an error that is set; a call that fits no
// overload is a TypeError that lists them. A call whose arguments fit an overload as they are allocates nothing but its
// result.
#pragma once

#include <initializer_list>
#include <string_view>

#include "python/src/convert.h"
#include "tine/operators.h"

namespace tine::script {
class Tracer;
}

namespace tine::python {

// `tine.add` (types.builtin) and `Tensor.add` (types.builtin_method); the latter binds like a function.
struct PyBuiltin {
  PyObject_HEAD vectorcallfunc vectorcall;
  const Op* const* rows;
  size_t count;
  PyObject* name;        // "add"
  PyObject* full_name;   // "aten::add"
  bool takes_any_array;  // aten::tensor: its first argument may be anything with a buffer
};
[[nodiscard]] inline bool is_builtin(PyObject* object) noexcept {
  return Py_TYPE(object) == types.builtin || Py_TYPE(object) == types.builtin_method;
}
// "aten::add" of a builtin: the name under which scripts, traces and other workers know it.
[[nodiscard]] std::string_view builtin_name(PyObject* builtin) noexcept;

// The rows of one operator, for code that calls it again and again.
struct OpRows {
  const Op* const* rows = nullptr;
  size_t count = 0;
};
[[nodiscard]] OpRows op_rows(std::string_view full_name);  // throws NameError when there is none

// Calls the overload that fits; positions first, then the values named by `names` (a tuple or null).
[[nodiscard]] PyObject* call_op(OpRows rows, PyObject* const* args, Py_ssize_t positional, PyObject* names);
// The same from C++; lets other Python threads run when it is long.
[[nodiscard]] Value call_op(OpRows rows, std::initializer_list<Value> args);

// The trace that makes and records this thread's calls of operators, or null.
inline constinit thread_local script::Tracer* tracer_of_thread = nullptr;

// Makes the types, a builtin in the module for each operator that has to do with tensors, and a method on
// Tensor for each that takes one as `self`.
[[nodiscard]] bool init_builtins(PyObject* module);

}  // namespace tine::python
