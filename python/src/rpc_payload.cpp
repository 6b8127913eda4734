#include "python/src/rpc_payload.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "python/src/context.h"
#include "python/src/exchange.h"
#include "python/src/lift.h"
#include "python/src/rpc_modules.h"
#include "python/src/rpc_plain.h"
#include "python/src/rpc_streams.h"
#include "python/src/script.h"

namespace tine::python {
namespace {

using rpc::ErrorBody;
using rpc::ForeignPayload;
using tine::detail::make_ref;
using tine::detail::Ref;

// Never destroyed: foreign threads may come late.
RpcHooks* hooks = nullptr;

RpcHooks& required_hooks() {
  if (!hooks) throw Error("tine.distributed.rpc has not been imported in this process");
  return *hooks;
}

std::span<const std::byte> span_of(PyObject* bytes) {
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(bytes, &data, &size) != 0) throw_error();
  return {reinterpret_cast<const std::byte*>(data), static_cast<size_t>(size)};
}

// Keeps the bytes object that a payload is sent from.
class BytesOwner final : public tine::detail::RefCounted {
 public:
  explicit BytesOwner(PyObject* bytes) : object_(make_ref<PyForeign>(Py_NewRef(bytes))) {}

 private:
  Ref<PyForeign> object_;
};

// The leaves of a payload, for the unpickler. A payload that was made in this process is a call to oneself, or its answer:
// tensors and buffers of other libraries must then be copied, so that caller and callee do not share them.
PyRef leaves_of(const ForeignPayload& payload) {
  const std::vector<Value>& leaves = payload.leaves();
  const bool is_own = dynamic_cast<const BytesOwner*>(payload.owner().get()) != nullptr;
  PyRef list = checked(PyList_New(static_cast<Py_ssize_t>(leaves.size())));
  for (size_t i = 0; i < leaves.size(); ++i) {
    const bool copies = is_own && leaves[i].is(Tag::kTuple);
    PyRef leaf = checked(to_python(copies ? copied_leaf(leaves[i]) : leaves[i]));
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), leaf.leak());
  }
  return list;
}

// What a hook returns: a tuple of so many items.
PyRef tuple_of(PyObject* returned, Py_ssize_t size) {
  PyRef tuple = checked(returned);
  if (!PyTuple_Check(tuple.get()) || PyTuple_GET_SIZE(tuple.get()) != size)
    throw TypeError("a hook of tine.distributed.rpc returned something else than its tuple");
  return tuple;
}

// `what`: what errors call it.
Ref<ForeignPayload> pickled(PyObject* object, const std::string& what) {
  const PyRef text = checked(text_of(what).leak());
  const PyRef parts =
      tuple_of(PyObject_CallFunctionObjArgs(required_hooks().pickle.get(), object, text.get(), nullptr), 2);
  return payload_of(PyTuple_GET_ITEM(parts.get(), 0), PyTuple_GET_ITEM(parts.get(), 1));
}

// The bytes of a payload as Python sees them, for the time of one call.
class View {
 public:
  explicit View(std::span<const std::byte> bytes)
      : view_(checked(PyMemoryView_FromMemory(
            reinterpret_cast<char*>(const_cast<std::byte*>(bytes.data())),  // it is read only
            static_cast<Py_ssize_t>(bytes.size()), PyBUF_READ))) {}
  ~View() {
    const ErrorAside aside;
    if (!PyRef::adopt(PyObject_CallMethod(view_.get(), "release", nullptr))) PyErr_Clear();
  }
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  [[nodiscard]] PyObject* get() const noexcept { return view_.get(); }

 private:
  PyRef view_;
};

std::string result_of(const rpc::IncomingCall& call) { return "the result of " + call.name(); }

using Outcome = std::variant<Value, Future<Value>>;

// A call whose function is about to run.
struct Running {
  explicit Running(rpc::IncomingCall& c)
      : call(c), own(c.wants_stream() ? std::make_shared<const GeneratorContext>(c) : nullptr) {}
  rpc::IncomingCall& call;
  const std::shared_ptr<const GeneratorContext> own;  // where it runs; null: in the thread's
};

// A result as it travels: plain, or pickled. One that stays here, behind an RRef, is the very object.
Value as_answer(const Running& running, PyObject* object) {
  const rpc::IncomingCall& call = running.call;
  const bool by_name = call.target() == rpc::Target::kServed;
  if (running.own) return stream_of(object, call.name(), by_name, running.own);
  if (is_future(object)) rpc::throw_future_cannot_travel(result_of(call));
  if (call.keeps_result()) return to_value_shallow(object);
  return travelling(object, result_of(call), by_name);
}

class Codec final : public rpc::ForeignCodec {
 public:
  Value encode(const Value& value, bool for_all) override {
    const Gil gil;
    if (!gil) throw Abandoned("the Python interpreter of this worker is shutting down");
    return travelling(checked(to_python(value)).get(), "the value", for_all);
  }

  bool owns(const std::exception_ptr& error) const noexcept override { return as_py_error(error) != nullptr; }

  ErrorBody encode_error(const std::exception_ptr& error) override {
    ErrorBody body = ErrorBody::of(error);
    const Gil gil;
    if (!gil || !hooks) return body;
    try {
      const PyRef exception = checked(to_exception(error));
      const PyRef parts =
          tuple_of(PyObject_CallFunctionObjArgs(hooks->describe_error.get(), exception.get(), nullptr), 5);
      const auto part = [&](Py_ssize_t i) { return PyTuple_GET_ITEM(parts.get(), i); };
      body.module = utf8(part(0));
      body.qualname = utf8(part(1));
      body.message = utf8(part(2));
      body.traceback = utf8(part(3));
      std::vector<Hop> trail = calls_in_notes(exception.get());
      trail.insert(trail.end(), std::make_move_iterator(body.trail.begin()),
                   std::make_move_iterator(body.trail.end()));
      body.trail = std::move(trail);
      if (part(4) != Py_None) {
        const auto bytes = span_of(part(4));
        body.pickled.assign(bytes.begin(), bytes.end());
      }
    } catch (const Error&) {
      raise(std::current_exception());
      PyErr_WriteUnraisable(text_of("describing an exception for another worker").get());
    }
    return body;
  }
};

// A call of this worker to itself: its error is the very object.
bool is_own(const rpc::IncomingCall& call) {
  const rpc::Worker& worker = Runtime::instance().rpc();
  return worker.joined() && worker.self().id == call.caller().id;
}

// Whether workers of every language read it.
bool is_for_all(const Value& value) {
  switch (value.tag()) {
    case Tag::kForeign:
    case Tag::kObject: return false;
    case Tag::kList: return std::ranges::all_of(value.as_list().items, is_for_all);
    case Tag::kTuple: return std::ranges::all_of(value.as_tuple().items, is_for_all);
    case Tag::kDict:
      return std::ranges::all_of(value.as_dict().items(), [](const auto& item) {
        return is_for_all(item.first) && is_for_all(item.second);
      });
    default: return true;
  }
}

bool is_async(PyObject* function, PyObject* result) {
  static PyObject* const mark = PyUnicode_InternFromString("_wrapped_async_rpc_function");
  return reinterpret_cast<PyObject*>(Py_TYPE(result)) == required_hooks().coroutine.get() ||
         PyObject_HasAttr(function, mark) != 0;
}

// Calls the function of a call that needs no pickle.
Outcome run_function(const Running& running, const PlainCall& plain) {
  PyObject *const function = plain.function.get(), *const args = plain.args.get();
  const PyRef result = running.own ? running.own->call(function, args, plain.kwargs.get())
                                   : PyRef::adopt(PyObject_Call(function, args, plain.kwargs.get()));
  if (!result) throw_error_of_callee();
  if (!is_async(function, result.get())) return as_answer(running, result.get());
  const PyRef future =
      checked(PyObject_CallFunctionObjArgs(required_hooks().settle.get(), function, result.get(),
                                           is_own(running.call) ? Py_True : Py_False, nullptr));
  if (!is_future(future.get()))
    throw TypeError("a hook of tine.distributed.rpc returned something else than a Future");
  return future_of(future.get());
}

// Calls the function of a call; the lock is held. The Future of an async function is the reply's.
Outcome run(const Running& running) {
  const RpcHooks& with = required_hooks();
  rpc::IncomingCall& call = running.call;
  if (is_plain(call))
    return run_function(running,
                        plain_call(call, with.find.get(), with.find_method.get(), with.arguments.get()));
  ForeignPayload* const payload = call.args().empty() ? nullptr : ForeignPayload::in(call.args().front());
  if (!payload || payload->language() != ForeignPayload::kPythonPickle)
    throw TypeError("a Python call without a pickled function arrived");
  PyRef answer;
  {
    const View view(payload->bytes());
    const PyRef leaves = leaves_of(*payload);
    PyObject *const execute = with.execute.get(), *const own = is_own(call) ? Py_True : Py_False;
    PyRef returned =
        running.own
            ? running.own->run(execute, view.get(), leaves.get(), own)
            : PyRef::adopt(PyObject_CallFunctionObjArgs(execute, view.get(), leaves.get(), own, nullptr));
    answer = tuple_of(returned.leak(), 2);
  }
  PyObject* const result = PyTuple_GET_ITEM(answer.get(), 1);
  if (PyTuple_GET_ITEM(answer.get(), 0) == Py_True) return future_of(result);
  return as_answer(running, result);
}

// The call of a function by its name, wherever that comes from.
template <class Find>
Outcome run_named(const Running& running, const Find& find) {
  PlainCall plain = arguments_of(running.call);
  plain.function = find();
  return run_function(running, plain);
}

// A Python function that another worker calls; runs on a blocking thread.
template <class Run>
void answer(rpc::IncomingCall call, const Run& run) {
  Outcome result;
  {
    const Gil gil;
    if (!gil) {
      call.fail(std::make_exception_ptr(Abandoned("the Python interpreter of this worker is shutting down")));
      return;
    }
    drain_drops();
    const ServedCall served(call);
    result = run(Running(call));
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

// "module:qualname".
PyRef function_at(const std::string& name) {
  const size_t colon = name.find(':');
  const PyRef module = checked(text_of(std::string_view(name).substr(0, colon)).leak());
  const PyRef qualname = checked(text_of(std::string_view(name).substr(colon + 1)).leak());
  return checked(
      PyObject_CallFunctionObjArgs(required_hooks().find.get(), module.get(), qualname.get(), nullptr));
}

void run_python(rpc::IncomingCall call) { answer(std::move(call), run); }
void run_python_by_name(rpc::IncomingCall call) {
  answer(std::move(call),
         [](const Running& r) { return run_named(r, [&] { return function_at(r.call.name()); }); });
}

}  // namespace

Value travelling(PyObject* object, const std::string& what, bool for_all) {
  if (is_future(object)) rpc::throw_future_cannot_travel(what);
  if (for_all) {
    Value value = to_value(object);
    if (is_for_all(value)) return value;
  } else if (std::optional<Value> plain = plain_result(object)) {
    return std::move(*plain);
  }
  return Value(Ref<Foreign>(pickled(object, what)));
}

void throw_error_of_callee() {
  if (!PyErr_ExceptionMatches(PyExc_Exception)) {
    // Its caller must not end because this thread would have.
    const PyRef raised = raised_error();
    const PyRef fresh =
        checked(PyObject_CallFunctionObjArgs(required_hooks().as_exception.get(), raised.get(), nullptr));
    raise_object(fresh.get());
  }
  throw_error();
}

const RpcHooks& rpc_hooks() { return required_hooks(); }

void serve_python(const std::string& name, PyObject* function) {
  const Ref<PyForeign> kept = make_ref<PyForeign>(Py_NewRef(function));
  rpc::serve_calls(Runtime::instance().rpc(), name, [kept](rpc::IncomingCall call) {
    answer(std::move(call),
           [&](const Running& r) { return run_named(r, [&] { return PyRef::share(kept->object()); }); });
  });
}

void set_rpc_hooks(RpcHooks fresh) {
  if (!hooks) hooks = new RpcHooks;
  *hooks = std::move(fresh);
}

std::vector<Value> values_of(PyObject* sequence) {
  std::vector<Value> values;
  values.reserve(static_cast<size_t>(PySequence_Fast_GET_SIZE(sequence)));
  // The size is read each time: converting an item may run Python code.
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence); ++i) {
    const PyRef item = PyRef::share(PySequence_Fast_GET_ITEM(sequence, i));
    values.push_back(to_value(item.get()));
  }
  return values;
}

PyRef unpickled(const ForeignPayload& payload, PyObject* unpickle) {
  const View view(payload.bytes());
  return checked(PyObject_CallFunctionObjArgs(unpickle, view.get(), leaves_of(payload).get(), nullptr));
}

Ref<ForeignPayload> payload_on(PyObject* bytes, uint8_t language, std::vector<Value> leaves) {
  return make_ref<ForeignPayload>(span_of(bytes), make_ref<BytesOwner>(bytes), std::move(leaves), language);
}

Ref<ForeignPayload> payload_of(PyObject* bytes, PyObject* leaves) {
  if (!PyList_Check(leaves) && !PyTuple_Check(leaves))
    throw TypeError("the leaves of a pickle: expected a list");
  return payload_on(bytes, ForeignPayload::kPythonPickle, values_of(leaves));
}

const rpc::Language& python_side() {
  static const rpc::Language& python = *new rpc::Language{new Codec, run_python, run_python_by_name};
  return python;
}

PyObject* wrap_payload(const Value& value) {
  return guarded([&]() -> PyObject* {
    ForeignPayload* const payload = ForeignPayload::in(value);
    if (!payload && rpc::CodeValue::in(value)) return wrap_code(value);
    if (!payload)
      throw TypeError("a value of " + value.as_foreign().type_name() + " cannot be shown in Python");
    // Once, on the first look.
    if (!payload->is_decoded) {
      PyRef object = PyRef::adopt(plain_object(*payload));
      if (!object) object = unpickled(*payload, required_hooks().unpickle.get());
      payload->decoded = foreign_value(object.get());
      payload->is_decoded = true;
    }
    return to_python(payload->decoded);
  });
}

const Value* decoded_in(const Value& value) noexcept {
  const ForeignPayload* const payload = ForeignPayload::in(value);
  return payload && payload->is_decoded ? &payload->decoded : nullptr;
}

PyObject* rebuild_remote_error(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const rpc::RemoteException& e) {
    if (!hooks) return nullptr;
    const ErrorBody& body = e.body();
    const PyRef kind = text_of(body.kind), message = text_of(e.message()), module = text_of(body.module);
    const PyRef qualname = text_of(body.qualname), traceback = text_of(body.traceback);
    const PyRef data = PyRef::adopt(PyBytes_FromStringAndSize(
        reinterpret_cast<const char*>(body.pickled.data()), static_cast<Py_ssize_t>(body.pickled.size())));
    const PyRef calls = PyRef::adopt(PyList_New(0));
    if (!kind || !message || !module || !qualname || !traceback || !data || !calls) return nullptr;
    for (const Hop& hop : e.trail()) {
      if (hop.kind != Hop::Kind::kWorker) continue;
      const PyRef note = PyRef::adopt(note_of(hop));
      if (!note || PyList_Append(calls.get(), note.get()) < 0) return nullptr;
    }
    PyRef rebuilt = PyRef::adopt(
        PyObject_CallFunctionObjArgs(hooks->rebuild_error.get(), kind.get(), message.get(), module.get(),
                                     qualname.get(), traceback.get(), data.get(), calls.get(), nullptr));
    if (rebuilt) add_notes(rebuilt.get(), e.trail());
    return rebuilt.leak();
  } catch (...) {
    return nullptr;
  }
}

}  // namespace tine::python
