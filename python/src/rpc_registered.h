// Python functions that other workers call by a name (rpc.register).
#pragma once

#include "python/src/python.h"

namespace tine::python {

// serve(name, run): calls of that name run `run(args, kwargs, is_own) -> (is_async, result)`, with the interpreter's lock.
[[nodiscard]] PyObject* serve(PyObject*, PyObject* const* args, Py_ssize_t count);
// stop_serving(name)
[[nodiscard]] PyObject* stop_serving(PyObject*, PyObject* name);

}  // namespace tine::python
