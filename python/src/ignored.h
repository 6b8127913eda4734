// Functions that are marked @ignore, called by scripts.
#pragma once

#include "python/src/python.h"

namespace tine::python {

// _call_ignored_by(caller): a script's call of such a function is caller(name, args), with the lock, on a thread of the
// runtime's that runs callbacks. The script is suspended meanwhile.
PyObject* call_ignored_by(PyObject*, PyObject* caller);

}  // namespace tine::python
