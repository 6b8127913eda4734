// Builtin: an operator of the table as a Python callable.
//
// State      The operator's name and its rows, looked up once.
// Threads    The caller holds the lock.
// Ordering   None.
// Ownership  Lives in the module and in Tensor's dictionary, for good. Rows belong to the Runtime.
// Errors     As in Python: null and the indicator set; a call that fits no overload is a TypeError that
//            lists them.
// Cost       A call whose arguments fit an overload as they are allocates nothing but its result.
// Source     DESIGN "Values, operators".
#pragma once

#include <initializer_list>
#include <string_view>

#include "python/src/convert.h"
#include "tine/operators.h"

namespace tine::trace {
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

// What makes and records the calls of operators of this thread; null for nobody.
inline constinit thread_local trace::Tracer* tracer_of_thread = nullptr;

// Makes the types, a builtin in the module for each operator that has to do with tensors, and a method on
// Tensor for each that takes one as `self`.
[[nodiscard]] bool init_builtins(PyObject* module);

}  // namespace tine::python
