// Scripted modules and functions as arguments and results of calls: their code, as tine.jit._travel sees it.
#pragma once

#include "python/src/convert.h"

namespace tine::python {

// Script code among received values; null and no error for other values.
[[nodiscard]] PyObject* wrap_code(const Value& value);
[[nodiscard]] bool unwrap_code(PyObject* object, Value* value);

[[nodiscard]] bool init_rpc_modules(PyObject* module);

}  // namespace tine::python
