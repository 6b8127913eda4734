// What Python is told of workers that come and go: two functions of tine.distributed.rpc.api, which call those of the user.
#pragma once

#include <exception>

#include "python/src/python.h"
#include "tine/rpc.h"

namespace tine::python {

// set_worker_hooks(joined, lost): joined(info), lost(info, cause). With the lock.
PyObject* set_worker_hooks(PyObject*, PyObject* const* args, Py_ssize_t count);

// On any thread, without the lock; nothing where the interpreter is at its end. What the function raises is thrown.
void tell_joined(const rpc::WorkerInfo& worker);
void tell_lost(const rpc::WorkerInfo& worker, const std::exception_ptr& cause);

}  // namespace tine::python
