// The place in a Python program that made a future, for the report of an error that nobody looks at.
//
// State      A bounded table of the places seen so far; they live as long as the process.
// Threads    The caller holds the lock.
// Ordering   None.
// Ownership  The table shares the code objects in it, so that no two codes have one address.
// Errors     None: a place that cannot be had is line 0.
// Cost       A few nanoseconds for a place that has been seen: the frame is not made an object.
// Source     The place is that of C++ futures (tine/unobserved.h), pointing into a Python file.
#pragma once

#include <source_location>

namespace tine::python {

// The innermost line of this thread that is not inside the package.
[[nodiscard]] std::source_location calling_place() noexcept;
// Files in that folder are inside the package; called at import.
void set_package_folder(const char* folder);

}  // namespace tine::python
