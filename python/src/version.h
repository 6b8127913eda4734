// One version for the extension and the library.
#pragma once

#include <Python.h>

namespace tine::python {

// Adds `__version__` to the module. ImportError names both files if the extension was loaded with a libtine.so of another
// version.
bool init_version(PyObject* module);

}  // namespace tine::python
