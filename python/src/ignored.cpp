#include "python/src/ignored.h"

#include <tine/fork.h>
#include <tine/runtime.h>

#include "python/src/convert.h"
#include "python/src/errors.h"
#include "python/src/exchange.h"
#include "python/src/gil.h"
#include "python/src/script.h"

namespace tine::python {
namespace {

// Guarded by the interpreter's lock, and never dropped: threads may call it until the interpreter ends.
PyObject* call_by_name = nullptr;

Value call_now(const std::string& function, const std::vector<Value>& args) {
  const Gil gil;
  if (!gil) throw Abandoned("the interpreter is shutting down");
  const ErrorAside aside;
  const PyRef name = checked(text_of(function).leak());
  const PyRef given = checked(PyTuple_New(static_cast<Py_ssize_t>(args.size())));
  for (size_t i = 0; i < args.size(); ++i)
    PyTuple_SET_ITEM(given.get(), static_cast<Py_ssize_t>(i), checked(to_python(args[i])).leak());
  const PyRef result = checked(PyObject_CallFunctionObjArgs(call_by_name, name.get(), given.get(), nullptr));
  const script::Function stub = Runtime::instance().scripts().peek(function);
  Value value = to_value(result.get());
  return stub ? as_type(std::move(value), stub.schema().result_type()) : value;
}

Future<Value> call(const std::string& function, const std::vector<Value>& args) {
  return fork(Runtime::instance().callbacks(), [function, args] { return call_now(function, args); });
}

}  // namespace

PyObject* call_ignored_by(PyObject*, PyObject* caller) {
  PyObject* const before = std::exchange(call_by_name, Py_NewRef(caller));
  Py_XDECREF(before);
  Runtime::instance().scripts().call_foreign_by(&call);
  Py_RETURN_NONE;
}

}  // namespace tine::python
