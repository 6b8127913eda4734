// Python objects on their way to another worker and back: pickles, exceptions, handlers (docs/spec/wire.md).
//
// The import of tine.distributed.rpc sets the Python functions that do the pickling. The codec and run_python take the
// interpreter's lock; everything else needs it held. Errors are Python's exceptions, as PyError.
//
// A call is plain (rpc_plain.h) or one pickle. Tensors (tine's and PyTorch's), buffers and RRefs are lifted out of it and travel as they are. A
// payload shares the bytes object that Python made and is sent from there. Values that a worker sends to itself are
// passed on, except for PyTorch's tensors and buffers, which are copied.
#pragma once

#include "python/src/convert.h"
#include "src/runtime/rpc.h"
#include "tine/runtime.h"

namespace tine::python {

// The functions of tine.distributed.rpc._internal that the C++ side calls.
struct RpcHooks {
  PyRef execute;         // (data, leaves, is_own) -> (is_async, result)
  PyRef pickle;          // (object, what errors call it) -> (bytes, leaves)
  PyRef unpickle;        // (data, leaves) -> object
  PyRef describe_error;  // (exception) -> (module, qualname, message, traceback, bytes | None)
  PyRef rebuild_error;   // (kind, message, module, qualname, traceback, data, calls) -> exception
  PyRef find;            // (module, qualname) -> what unpickling that name gives
  PyRef find_method;     // (RRef, name) -> the method of its value
  PyRef settle;          // (function, result, is_own) -> the Future of an async function's result
  PyRef as_exception;    // (error that is not an Exception) -> an Exception
  PyRef coroutine;       // the class of what an `async def` function returns
  PyRef arguments;       // (data, leaves) -> (args, kwargs)
  PyRef async_items;     // (async iterator) -> an object with next(END) and close(): Futures
};
void set_rpc_hooks(RpcHooks hooks);
[[nodiscard]] const RpcHooks& rpc_hooks();  // throws Error when they are not set

// A result or item as it travels: plain, or pickled. `for_all`: what is plain is a value that workers of every language read.
[[nodiscard]] Value travelling(PyObject* object, const std::string& what, bool for_all);
// Throws the error that a callee has raised, as an Exception.
[[noreturn]] void throw_error_of_callee();
// From now on other workers may call the function by that name: rpc.register().
void serve_python(const std::string& name, PyObject* function);

// Of a list or a tuple.
[[nodiscard]] std::vector<Value> values_of(PyObject* sequence);
[[nodiscard]] tine::detail::Ref<rpc::ForeignPayload> payload_of(PyObject* bytes, PyObject* leaves);
// What unpickle(data, leaves) gives for a payload.
[[nodiscard]] PyRef unpickled(const rpc::ForeignPayload& payload, PyObject* unpickle);
// On the memory of a bytes object.
[[nodiscard]] tine::detail::Ref<rpc::ForeignPayload> payload_on(PyObject* bytes, uint8_t language,
                                                                std::vector<Value> leaves = {});

// The other side of the agent: its codec and its handler of Python calls.
[[nodiscard]] const rpc::Language& python_side();
// Registered with convert.h and errors.h.
[[nodiscard]] PyObject* wrap_payload(const Value& value);
// The object that a payload was unpickled to, null for every other value.
[[nodiscard]] const Value* decoded_in(const Value& value) noexcept;
[[nodiscard]] PyObject* rebuild_remote_error(const std::exception_ptr& error);

}  // namespace tine::python
