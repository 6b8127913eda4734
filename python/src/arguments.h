// The arguments of a function called with METH_FASTCALL | METH_KEYWORDS.
//
// State      None.
// Threads    The caller holds the lock.
// Ordering   Positional ones first, then by name.
// Ownership  What is given is borrowed from the caller.
// Errors     false and a TypeError that names the function and what it takes.
// Cost       A string comparison for each argument given by name.
// Source     Python's own messages.
#pragma once

#include <span>

#include "python/src/gil.h"

namespace tine::python {

struct Signature {
  const char* function;
  std::span<const char* const> names;
  Py_ssize_t required;
  Py_ssize_t positional;  // so many may be given without a name
};

// given[i]: what names[i] was given, null for nothing; all null at the call.
[[nodiscard]] bool parse_arguments(const Signature& signature, PyObject* const* args, Py_ssize_t count,
                                   PyObject* names, PyObject** given);

}  // namespace tine::python
