#include "python/src/rpc_payload.h"

#include <utility>
#include <variant>

#include "python/src/lift.h"

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

std::span<const std::byte> span_of(const py::bytes& bytes) {
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(bytes.ptr(), &data, &size) != 0) throw py::error_already_set();
  return {reinterpret_cast<const std::byte*>(data), static_cast<size_t>(size)};
}

// Keeps the bytes object that a payload is sent from.
class BytesOwner final : public tine::detail::RefCounted {
 public:
  explicit BytesOwner(const py::bytes& bytes) : object_(make_ref<PyForeign>(Py_NewRef(bytes.ptr()))) {}

 private:
  Ref<PyForeign> object_;
};

// The leaves of a payload, for the unpickler. A payload that was made in this process is a call to oneself, or its answer:
// tensors and buffers of other libraries must then be copied, so that caller and callee do not share them.
py::list leaves_of(const ForeignPayload& payload) {
  const std::vector<Value>& leaves = payload.leaves();
  const bool is_own = dynamic_cast<const BytesOwner*>(payload.owner().get()) != nullptr;
  py::list list(leaves.size());
  for (size_t i = 0; i < leaves.size(); ++i) {
    const bool copies = is_own && leaves[i].is(Tag::kTuple);
    list[i] = steal(to_python(copies ? copied_leaf(leaves[i]) : leaves[i]));
  }
  return list;
}

// `what`: what errors call it.
Ref<ForeignPayload> pickled(PyObject* object, const std::string& what) {
  const py::tuple parts = required_hooks().pickle(py::reinterpret_borrow<py::object>(object), what);
  return payload_of(py::reinterpret_borrow<py::bytes>(parts[0]), parts[1]);
}

// The bytes of a payload as Python sees them, for the time of one call.
class View {
 public:
  explicit View(std::span<const std::byte> bytes)
      : view_(py::memoryview::from_memory(bytes.data(), static_cast<py::ssize_t>(bytes.size()))) {}
  ~View() {
    const py::error_scope keep;
    if (PyObject* result = PyObject_CallMethod(view_.ptr(), "release", nullptr)) {
      Py_DECREF(result);
    } else {
      PyErr_Clear();
    }
  }
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  [[nodiscard]] const py::memoryview& get() const noexcept { return view_; }

 private:
  py::memoryview view_;
};

// A result as it travels: numbers, strings and tensors as they are, the rest pickled.
Value travelling(PyObject* object, const std::string& what) {
  if (is_future(object)) rpc::throw_future_cannot_travel(what);
  Value value = to_value_shallow(object);
  return value.is(Tag::kForeign) ? Value(Ref<Foreign>(pickled(object, what))) : value;
}

// A result that stays here, behind an RRef: the very object.
Value kept(PyObject* object, const std::string& what) {
  if (is_future(object)) rpc::throw_future_cannot_travel(what);
  return to_value_shallow(object);
}

class Codec final : public rpc::ForeignCodec {
 public:
  Ref<ForeignPayload> encode(const Value& value) override {
    const Gil gil;
    if (!gil) throw Abandoned("the Python interpreter of this worker is shutting down");
    return with_py_errors([&] { return pickled(steal(to_python(value)).ptr(), "the value"); });
  }

  bool owns(const std::exception_ptr& error) const noexcept override { return as_py_error(error) != nullptr; }

  ErrorBody encode_error(const std::exception_ptr& error) override {
    ErrorBody body = ErrorBody::of(error);
    const Gil gil;
    if (!gil || !hooks) return body;
    try {
      const py::tuple parts = hooks->describe_error(steal(to_exception(error)));
      body.module = py::cast<std::string>(parts[0]);
      body.qualname = py::cast<std::string>(parts[1]);
      body.message = py::cast<std::string>(parts[2]);
      body.traceback = py::cast<std::string>(parts[3]);
      if (!parts[4].is_none()) {
        const py::object data = parts[4];
        const auto bytes = span_of(py::reinterpret_borrow<py::bytes>(data));
        body.pickled.assign(bytes.begin(), bytes.end());
      }
    } catch (py::error_already_set& e) {
      e.discard_as_unraisable("describing an exception for another worker");
    }
    return body;
  }
};

// A call of this worker to itself: its error is the very object.
bool is_own(const rpc::IncomingCall& call) {
  const rpc::Worker& worker = Runtime::instance().rpc();
  return worker.joined() && worker.self().id == call.caller().id;
}

// Calls the function of a call; the lock is held. The Future of an async function is the reply's.
std::variant<Value, Future<Value>> result_of(rpc::IncomingCall& call) {
  ForeignPayload* const payload = call.args().empty() ? nullptr : ForeignPayload::in(call.args().front());
  if (!payload) throw TypeError("a Python call without a pickled function arrived");
  py::tuple answer;
  {
    const View view(payload->bytes());
    answer = required_hooks().execute(view.get(), leaves_of(*payload), is_own(call));
  }
  const py::object result = answer[1];
  if (py::cast<bool>(answer[0])) return future_of(result.ptr());
  const std::string what = "the result of " + call.name();
  return call.keeps_result() ? kept(result.ptr(), what) : travelling(result.ptr(), what);
}

// A Python function that another worker calls; runs on a blocking thread.
void run_python(rpc::IncomingCall call) {
  std::variant<Value, Future<Value>> result;
  {
    const Gil gil;
    if (!gil) {
      call.fail(std::make_exception_ptr(Abandoned("the Python interpreter of this worker is shutting down")));
      return;
    }
    drain_drops();
    result = with_py_errors([&] { return result_of(call); });
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

void set_rpc_hooks(RpcHooks fresh) {
  if (!hooks) hooks = new RpcHooks;
  *hooks = std::move(fresh);
}

std::vector<Value> values_of(const py::handle& sequence) {
  std::vector<Value> values;
  values.reserve(py::len(sequence));
  for (const py::handle item : sequence) values.push_back(to_value(item.ptr()));
  return values;
}

Ref<ForeignPayload> payload_of(const py::bytes& bytes, const py::handle& leaves) {
  return make_ref<ForeignPayload>(span_of(bytes), make_ref<BytesOwner>(bytes), values_of(leaves));
}

const rpc::Language& python_side() {
  static const rpc::Language& python = *new rpc::Language{new Codec, run_python};
  return python;
}

PyObject* wrap_payload(const Value& value) {
  return guarded([&]() -> PyObject* {
    ForeignPayload* const payload = ForeignPayload::in(value);
    if (!payload)
      throw TypeError("a value of " + value.as_foreign().type_name() + " cannot be shown in Python");
    return with_py_errors([&] {
      // Unpickled once, on the first look.
      if (!payload->is_decoded) {
        const View view(payload->bytes());
        const py::object object = required_hooks().unpickle(view.get(), leaves_of(*payload));
        payload->decoded = foreign_value(object.ptr());
        payload->is_decoded = true;
      }
      return to_python(payload->decoded);
    });
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
    try {
      const py::bytes data(reinterpret_cast<const char*>(body.pickled.data()), body.pickled.size());
      const py::object rebuilt =
          hooks->rebuild_error(body.kind, e.message(), body.module, body.qualname, body.traceback, data);
      add_notes(rebuilt.ptr(), e.trail());
      return py::object(rebuilt).release().ptr();
    } catch (py::error_already_set& failed) {
      failed.restore();
      return nullptr;
    }
  } catch (...) {
    return nullptr;
  }
}

}  // namespace tine::python
