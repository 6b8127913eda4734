#include "python/src/rpc_hooks.h"

#include "python/src/errors.h"
#include "python/src/exchange.h"
#include "python/src/gil.h"
#include "python/src/lift.h"
#include "python/src/rpc_objects.h"

namespace tine::python {
namespace {

// Guarded by the interpreter's lock, and never dropped: threads may call them until the interpreter ends.
PyObject *joined = nullptr, *lost = nullptr;

void call(PyObject* hook, const rpc::WorkerInfo& worker, const std::exception_ptr& cause) {
  const Gil gil;
  if (!gil || !hook) return;
  const PyRef info = wrap_worker_info(worker);
  PyRef error;
  if (cause) error = checked(to_exception(cause));
  (void)checked(PyObject_CallFunctionObjArgs(hook, info.get(), error.get(), nullptr));
}

}  // namespace

PyObject* set_worker_hooks(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (!takes(count == 2, "set_worker_hooks")) return nullptr;
  joined = Py_NewRef(args[0]);
  lost = Py_NewRef(args[1]);
  Py_RETURN_NONE;
}

void tell_joined(const rpc::WorkerInfo& worker) { call(joined, worker, nullptr); }
void tell_lost(const rpc::WorkerInfo& worker, const std::exception_ptr& cause) { call(lost, worker, cause); }

}  // namespace tine::python
