// _C._rpc: what tine.distributed.rpc is made of.
#pragma once

#include "python/src/gil.h"

namespace tine::python {

// Adds the submodule _rpc. False with the indicator set.
[[nodiscard]] bool init_rpc(PyObject* module);

}  // namespace tine::python
