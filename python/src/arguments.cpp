#include "python/src/arguments.h"

#include <string>

namespace tine::python {

namespace {

std::string list_of(const Signature& signature) {
  std::string text;
  for (const char* name : signature.names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

}  // namespace

bool parse_arguments(const Signature& signature, PyObject* const* args, Py_ssize_t count, PyObject* names,
                     PyObject** given) {
  if (count > signature.positional) {
    PyErr_Format(PyExc_TypeError, "%s() takes %zd positional argument%s but %zd were given; it takes %s",
                 signature.function, signature.positional, signature.positional == 1 ? "" : "s", count,
                 list_of(signature).c_str());
    return false;
  }
  for (Py_ssize_t i = 0; i < count; ++i) given[i] = args[i];
  const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
  for (Py_ssize_t i = 0; i < named; ++i) {
    PyObject* const name = PyTuple_GET_ITEM(names, i);
    size_t at = 0;
    while (at < signature.names.size() && PyUnicode_CompareWithASCIIString(name, signature.names[at]) != 0)
      ++at;
    if (at == signature.names.size()) {
      PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument %R; it takes %s",
                   signature.function, name, list_of(signature).c_str());
      return false;
    }
    if (given[at]) {
      PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument %R", signature.function, name);
      return false;
    }
    given[at] = args[count + i];
  }
  for (Py_ssize_t i = 0; i < signature.required; ++i) {
    if (given[i]) continue;
    PyErr_Format(PyExc_TypeError, "%s() missing the required argument '%s'", signature.function,
                 signature.names[static_cast<size_t>(i)]);
    return false;
  }
  return true;
}

}  // namespace tine::python
