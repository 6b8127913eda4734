// One version for the extension and the library.
#pragma once

#include "python/src/python.h"

namespace tine::python {

// That of the extension: `tine.__version__`.
extern const char kVersion[];
// False, with an ImportError that names both files: the extension was loaded with a libtine.so of another version.
bool check_version();

}  // namespace tine::python
