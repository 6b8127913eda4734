#include "python/src/rpc_registered.h"

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "python/src/convert.h"
#include "python/src/exchange.h"
#include "python/src/foreign.h"
#include "python/src/gil.h"
#include "python/src/lift.h"
#include "python/src/script.h"
#include "src/runtime/rpc.h"
#include "tine/runtime.h"

namespace tine::python {
namespace {

using tine::detail::make_ref;
using tine::detail::Ref;

rpc::Worker& worker() { return Runtime::instance().rpc(); }

PyRef arguments_of(const rpc::IncomingCall& call) {
  PyRef tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(call.args().size())));
  for (size_t i = 0; i < call.args().size(); ++i)
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), checked(to_python(call.args()[i])).leak());
  return tuple;
}

PyRef keywords_of(const rpc::IncomingCall& call) {
  PyRef dict = checked(PyDict_New());
  for (const auto& [name, value] : call.kwargs()) {
    const PyRef key = text_of(name), item = checked(to_python(value));
    if (!key || PyDict_SetItem(dict.get(), key.get(), item.get()) < 0) throw_error();
  }
  return dict;
}

// The lock is held.
std::variant<Value, Future<Value>> result_of(const rpc::IncomingCall& call, PyObject* run) {
  const bool is_own = worker().joined() && worker().self().id == call.caller().id;
  const PyRef arguments = arguments_of(call), keywords = keywords_of(call);
  const PyRef answer = checked(PyObject_CallFunctionObjArgs(run, arguments.get(), keywords.get(),
                                                            is_own ? Py_True : Py_False, nullptr));
  if (!PyTuple_Check(answer.get()) || PyTuple_GET_SIZE(answer.get()) != 2)
    throw TypeError("a hook of tine.distributed.rpc returned something else than its tuple");
  PyObject* const result = PyTuple_GET_ITEM(answer.get(), 1);
  if (PyTuple_GET_ITEM(answer.get(), 0) == Py_True) return future_of(result);
  if (is_future(result)) rpc::throw_future_cannot_travel("the result of " + call.name());
  // What stays here is the very object. What travels goes without a pickle where it can, also in lists and dicts.
  return call.keeps_result() ? to_value_shallow(result) : to_value(result);
}

void run_registered(rpc::IncomingCall call, const PyForeign& run) {
  std::variant<Value, Future<Value>> result;
  {
    const Gil gil;
    if (!gil) throw Abandoned("the Python interpreter of this worker is shutting down");
    drain_drops();
    result = result_of(call, run.object());
  }
  // Waiting until there is room, encoding and writing take no lock.
  if (auto* const later = std::get_if<Future<Value>>(&result)) {
    call.reply_with(std::move(*later));
  } else {
    Value& value = std::get<Value>(result);
    call.wait_for_room(value);
    call.reply(std::move(value));
  }
}

}  // namespace

PyObject* serve(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (!takes(count == 2 && PyUnicode_Check(args[0]), "serve")) return nullptr;
  return guarded([=]() -> PyObject* {
    const auto run = make_ref<PyForeign>(Py_NewRef(args[1]));
    rpc::serve_calls(worker(), std::string(utf8(args[0])),
                     [run](rpc::IncomingCall call) { run_registered(std::move(call), *run); });
    Py_RETURN_NONE;
  });
}

PyObject* stop_serving(PyObject*, PyObject* name) {
  return guarded([=]() -> PyObject* {
    worker().stop_serving(utf8(name));
    Py_RETURN_NONE;
  });
}

}  // namespace tine::python
