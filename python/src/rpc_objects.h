// WorkerInfo and RRef of tine.distributed.rpc.
//
// The caller holds the interpreter's lock. What an object holds is looked at through *_in(): null if it is of another
// class, a TypeError if it was made by __new__ alone and holds nothing.
#pragma once

#include "python/src/future.h"
#include "src/runtime/rpc.h"

namespace tine::python {

using RRef = rpc::RRef<>;

[[nodiscard]] const rpc::WorkerInfo* worker_info_in(PyObject* object);
[[nodiscard]] const RRef* rref_in(PyObject* object);
[[nodiscard]] const RRef* exact_rref_in(PyObject* object);  // null also for a subclass
// New references; a failure is thrown.
[[nodiscard]] PyRef wrap_worker_info(rpc::WorkerInfo info);
[[nodiscard]] PyRef wrap_rref(RRef rref);

// The state of a value behind an RRef, as far as its creator knows: an error of the creation is told like that of any
// future when nobody has looked.
[[nodiscard]] inline ValueState& creation_of(const RRef& rref) { return *rref.confirmed().state(); }

// Puts both classes into the module.
[[nodiscard]] bool init_rpc_objects(PyObject* module);

}  // namespace tine::python
