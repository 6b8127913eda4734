// The arguments of a function that is called with METH_FASTCALL | METH_KEYWORDS: the positional ones first, then those
// given by name. They stay borrowed from the caller. A mistake returns false and sets a TypeError in Python's words that
// names the function and what it takes.
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
