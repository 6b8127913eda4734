// The place in a Python program that made a future, for the report of an error that nobody looks at (tine/unobserved.h,
// pointing into a Python file).
//
// A bounded table holds the places seen so far, for the life of the process. It shares the code objects in it, so that no
// two of them can have the same address. The caller holds the interpreter's lock. A place that cannot be found is line 0.
// A place that has been seen costs a few nanoseconds, because no frame object is made.
#pragma once

#include <source_location>

namespace tine::python {

// The innermost line of this thread that is not inside the package.
[[nodiscard]] std::source_location calling_place() noexcept;
// Files in that folder are inside the package; called at import.
void set_package_folder(const char* folder);

}  // namespace tine::python
