// Plain calls: of Python functions with arguments that every worker knows, and so without a pickle (docs/spec/wire.md,
// section 4, "Python calls").
//
// Plain are None, bool, int of 64 bits, float, str, bytes, Tensor and RRef, and lists, tuples and dicts (with keys of str or
// int) of these, all of exactly these classes. An object that a pickle would send once and share at the callee, a list that
// comes twice, say, is not plain. Neither is what a pickle sends as well: long texts, and more than 1,024 values. The caller
// holds the interpreter's lock. A plain call takes a quarter of the time of a pickled one.
#pragma once

#include <optional>

#include "python/src/convert.h"
#include "src/runtime/rpc.h"

namespace tine::python {

// The call of a function or class (exactly of these types), or nothing: then its arguments have to be pickled, at least,
// which also says what is wrong. `after` null; or the RRef whose value has the method of the name that `callee` is.
[[nodiscard]] std::optional<rpc::CallRequest> plain_request(PyObject* callee, PyObject* args,
                                                            PyObject* kwargs, const rpc::RRef<>* after);
// Whether a function or class is where its name says, so that the callee finds it by that.
[[nodiscard]] bool has_name(PyObject* callee);
// The call of such a function by its name, with its arguments in a pickle.
[[nodiscard]] rpc::CallRequest request_by_name(PyObject* callee,
                                               tine::detail::Ref<rpc::ForeignPayload> arguments);
// A result that is not in any other form: the receiver sees one object, however often it looks. Empty unless plain.
[[nodiscard]] std::optional<Value> plain_result(PyObject* object);

// Whether an incoming call is a plain one, or one by name whose arguments are pickled.
[[nodiscard]] bool is_plain(const rpc::IncomingCall& call) noexcept;
// What it calls, and its arguments. Throws what unpickling the function would.
struct PlainCall {
  PyRef function, args, kwargs;  // kwargs: empty without any
};
[[nodiscard]] PlainCall plain_call(rpc::IncomingCall& call, PyObject* find, PyObject* find_method,
                                   PyObject* unpickle);  // unpickle: (data, leaves) -> (args, kwargs)

// The arguments of a call from that one on, without the function.
[[nodiscard]] PlainCall arguments_of(rpc::IncomingCall& call, size_t from = 0);

// The object in a payload that is not a pickle; null and no error if it is one.
[[nodiscard]] PyObject* plain_object(const rpc::ForeignPayload& payload);

}  // namespace tine::python
