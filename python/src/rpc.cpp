#include "python/src/rpc.h"

#include <span>

#include "python/src/context.h"
#include "python/src/exchange.h"
#include "python/src/future.h"
#include "python/src/lift.h"
#include "python/src/place.h"
#include "python/src/rpc_hooks.h"
#include "python/src/rpc_modules.h"
#include "python/src/rpc_objects.h"
#include "python/src/rpc_payload.h"
#include "python/src/rpc_plain.h"
#include "python/src/rpc_streams.h"
#include "python/src/script.h"
#include "src/runtime/script.h"
#include "tine/log.h"

namespace tine::python {
namespace {

using rpc::Destination;
using rpc::Seconds;
using rpc::WorkerInfo;

PyObject* show_rref(const Value& value) {
  return guarded([&] { return wrap_rref(RRef::from(value)).leak(); });
}

bool read_rref(PyObject* object, Value* value) {
  const RRef* const rref = rref_in(object);
  if (!rref) return false;
  creation_of(*rref).observe();  // passed on: the receiver sees the error
  *value = *rref;
  return true;
}

rpc::Worker& worker() { return Runtime::instance().rpc(); }

std::vector<std::pair<std::string, Value>> keywords_of(PyObject* dict) {
  std::vector<std::pair<std::string, Value>> keywords;
  const PyRef items = checked(PyDict_Items(dict));
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
    PyObject* const pair = PyList_GET_ITEM(items.get(), i);
    keywords.emplace_back(utf8(PyTuple_GET_ITEM(pair, 0)), to_value(PyTuple_GET_ITEM(pair, 1)));
  }
  return keywords;
}

Destination destination(PyObject* to, double timeout) {
  if (PyUnicode_Check(to)) return rpc::destination(worker(), to_value(to), Seconds(timeout));
  if (PyLong_Check(to) && !PyBool_Check(to)) {
    int beyond = 0;
    const int64_t rank = PyLong_AsLongLongAndOverflow(to, &beyond);
    if (!beyond) return rpc::destination(worker(), Value(rank), Seconds(timeout));
    const std::vector<WorkerInfo> workers =
        worker().workers();  // throws first if this process has not joined
    throw ValueError("could not find destination: unknown worker with rank " +
                     std::string(utf8(checked(PyObject_Str(to)).get())) + "; ranks go from 0 to " +
                     std::to_string(workers.back().id));
  }
  if (const WorkerInfo* const info = worker_info_in(to))
    return rpc::destination(worker(), Value(info->name), Seconds(timeout));
  (void)worker().self();  // throws first if this process has not joined
  const PyRef api = checked(PyImport_ImportModule("tine.distributed.rpc.api"));
  const PyRef kind = checked(PyObject_GetAttrString(api.get(), "DestinationError"));
  PyErr_Format(kind.get(), "to: expected a worker's name, rank or WorkerInfo, got %R of type %s", to,
               TypeName(to).c_str());
  throw_error();
}

// call_named(to, name, args, kwargs, timeout, async) and remote_named(...): what is called has a name.
rpc::CallRequest named_request(PyObject* const* args) {
  if (!PyTuple_Check(args[2]) || !PyDict_Check(args[3]))
    throw TypeError("expected a tuple and a dict of arguments");
  rpc::CallRequest request =
      rpc::request_for(worker(), std::string(utf8(args[1])), values_of(args[2]), keywords_of(args[3]));
  request.async_execution = args[5] == Py_True;
  const std::vector<Keyword> keywords(request.kwargs.begin(), request.kwargs.end());
  with_array_hint(request.args, keywords, [&] { rpc::check(worker(), request); });
  return request;
}

// call_python(to, name, data, leaves, timeout, after) and remote_python(...): a pickled function and its arguments. Or with
// a function in place of the name, one that has_name(): its arguments alone.
rpc::CallRequest python_request(PyObject* const* args) {
  auto payload = payload_of(args[2], args[3]);
  rpc::CallRequest request = PyUnicode_Check(args[1])
                                 ? rpc::CallRequest::foreign(std::string(utf8(args[1])), std::move(payload))
                                 : request_by_name(args[1], std::move(payload));
  if (const RRef* const after = rref_in(args[5])) {
    creation_of(*after).observe();  // when it has failed, that is the call's answer
    request.after = after->object();
  }
  return request;
}

// Runs f without the lock. A KeyboardInterrupt that was seen meanwhile wins over what f throws.
template <class F>
auto without_lock(F&& f) {
  try {
    const GilRelease release;
    return f();
  } catch (const std::exception&) {
    if (PyErr_Occurred()) throw_error();
    throw;
  }
}

// Polled while this thread waits in the runtime.
bool interrupted() {
  const Gil gil;
  return !gil || PyErr_CheckSignals() != 0;
}

// Whether the values take up no more than `budget` bytes on the way, about; that is taken off.
bool fit(std::span<const Value> values, size_t* budget) {
  constexpr size_t kEach = 16;
  for (const Value& v : values) {
    size_t bytes = kEach;
    if (v.is_tensor()) {
      bytes += static_cast<size_t>(v.as_tensor().numel()) * size_of(v.as_tensor().dtype());
    } else if (v.is_string()) {
      bytes += v.as_string().size();
    } else if (v.is(Tag::kForeign)) {
      const auto* const payload = rpc::ForeignPayload::in(v);
      bytes += payload ? payload->bytes().size() : *budget;
    }
    if (bytes >= *budget) return false;
    *budget -= bytes;
    if (v.is(Tag::kList)) {
      if (!fit(v.as_list().items, budget)) return false;
    } else if (v.is(Tag::kTuple)) {
      if (!fit(v.as_tuple().items, budget)) return false;
    } else if (v.is(Tag::kForeign)) {
      if (!fit(rpc::ForeignPayload::in(v)->leaves(), budget)) return false;
    } else if (v.is(Tag::kDict) || v.is(Tag::kObject)) {
      return false;
    }
  }
  return true;
}

// What sends a request. To another worker one waits until there is room, without the lock, which is also released while a
// large request is encoded and written. A small one takes less time than another thread would keep the lock for.
template <class Send>
auto sent(const Destination& to, rpc::CallRequest request, Send send) {
  constexpr size_t kSmall = 16 << 10;
  size_t budget = kSmall;
  bool is_small = fit(request.args, &budget);
  for (const auto& [name, value] : request.kwargs) is_small = is_small && fit({&value, 1}, &budget);
  if (to.is_self() || (is_small && to.has_room())) return send(std::move(request));
  // The bytes belong to Python objects, which must be released under the lock.
  const Value payload = request.target == rpc::Target::kForeign ? request.args.front() : Value();
  return without_lock([&] {
    to.wait_for_room(interrupted);
    return send(std::move(request));
  });
}

// rpc_async: what is called at the destination.
PyObject* send_call(const Destination& to, rpc::CallRequest request) {
  const PythonsContext here;
  PyRef future = checked(
      wrap_future(sent(to, std::move(request), [&to](rpc::CallRequest r) { return to.call(std::move(r)); })));
  carry_grad_mode(future.get());
  made_in(future.get(), here.object());
  return future.leak();
}

// rpc_sync: the caller waits for it at once.
PyObject* send_awaited(const Destination& to, rpc::CallRequest request) {
  request.awaited = true;
  return send_call(to, std::move(request));
}

// remote: the same, and the value stays there.
PyObject* send_creation(const Destination& to, rpc::CallRequest request) {
  const PythonsContext here;
  const RRef rref =
      sent(to, std::move(request), [&to](rpc::CallRequest r) { return to.remote(std::move(r)); });
  ValueState& creation = creation_of(rref);
  if (creation.where().line() == 0) creation.made_at(calling_place());
  creation.show();
  return wrap_rref(rref).leak();
}

using Request = rpc::CallRequest (*)(PyObject* const* args);
using Send = PyObject* (*)(const Destination& to, rpc::CallRequest request);

template <Request kRequest, Send kSend>
PyObject* call(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (!takes(count == 6 && PyFloat_Check(args[4]), "call")) return nullptr;
  return guarded([=] {
    const Destination d = destination(args[0], PyFloat_AS_DOUBLE(args[4]));
    return kSend(d, kRequest(args));
  });
}

// call_plain(to, function, args, kwargs, timeout, None) and (to, method, args, kwargs, timeout, RRef), remote_plain(...):
// None when the call has to be pickled.
template <Send kSend>
PyObject* call_plain(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (!takes(count == 6 && PyFloat_Check(args[4]), "call_plain")) return nullptr;
  return guarded([=]() -> PyObject* {
    std::optional<rpc::CallRequest> request = plain_request(args[1], args[2], args[3], rref_in(args[5]));
    if (!request) Py_RETURN_NONE;
    return kSend(destination(args[0], PyFloat_AS_DOUBLE(args[4])), std::move(*request));
  });
}

// rpc.stream: what is called at the destination makes a stream. The timeout is that of each item.
PyObject* send_stream(PyObject* to, double timeout, size_t credit, rpc::CallRequest request) {
  const Destination d = destination(to, timeout);
  const PythonsContext here;
  const std::source_location where = calling_place();
  return wrap_stream(sent(d, std::move(request),
                          [&](rpc::CallRequest r) {
                            return d.stream(std::move(r), Seconds(timeout), credit, where);
                          }))
      .leak();
}

size_t credit_of(PyObject* given) {
  const Py_ssize_t credit = PyLong_AsSsize_t(given);
  if (credit == -1 && PyErr_Occurred()) throw_error();
  return credit < 0 ? 0 : static_cast<size_t>(credit);
}

// stream_named(credit, to, name, args, kwargs, timeout, async) and stream_python(...): a capsule.
template <Request kRequest>
PyObject* stream(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (!takes(count == 7 && PyFloat_Check(args[5]), "stream")) return nullptr;
  return guarded([=] {
    return send_stream(args[1], PyFloat_AS_DOUBLE(args[5]), credit_of(args[0]), kRequest(args + 1));
  });
}

// stream_plain(credit, to, function, args, kwargs, timeout, None): None when the call has to be pickled.
PyObject* stream_plain(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (!takes(count == 7 && PyFloat_Check(args[5]), "stream_plain")) return nullptr;
  return guarded([=]() -> PyObject* {
    std::optional<rpc::CallRequest> request = plain_request(args[2], args[3], args[4], rref_in(args[6]));
    if (!request) Py_RETURN_NONE;
    return send_stream(args[1], PyFloat_AS_DOUBLE(args[5]), credit_of(args[0]), std::move(*request));
  });
}

// serve(name, function), stop_serving(name)
PyObject* serve(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (!takes(count == 2, "serve")) return nullptr;
  return guarded([=]() -> PyObject* {
    serve_python(std::string(utf8(args[0])), args[1]);
    Py_RETURN_NONE;
  });
}
PyObject* stop_serving(PyObject*, PyObject* name) {
  return guarded([=]() -> PyObject* {
    worker().stop_serving(utf8(name));
    Py_RETURN_NONE;
  });
}

std::chrono::milliseconds in_milliseconds(double seconds) {
  return std::chrono::ceil<std::chrono::milliseconds>(Seconds(seconds));
}

// (name, rank, world_size, address, rpc_timeout, init_timeout, plaintext_beyond_loopback, handler_threads,
// max_handler_threads, max_send_buffer_bytes, max_mapped_bytes, max_calls_in_flight, heartbeat_interval, heartbeat_timeout,
// polling, transports, (cert, key, ca) of TLS, registered_only)
PyObject* start(PyObject*, PyObject* args) {
  return guarded([=]() -> PyObject* {
    PyObject *name, *address, *transports;
    const char *cert, *key, *ca;
    int rank, world_size, plaintext, handler_threads, max_handler_threads, registered_only;
    Py_ssize_t max_send_buffer_bytes, max_mapped_bytes, max_calls_in_flight;
    double rpc_timeout, init_timeout, heartbeat_interval, heartbeat_timeout, polling;
    if (!PyArg_ParseTuple(args, "UiiUddpiinnndddO(sss)p:start", &name, &rank, &world_size, &address,
                          &rpc_timeout, &init_timeout, &plaintext, &handler_threads, &max_handler_threads,
                          &max_send_buffer_bytes, &max_mapped_bytes, &max_calls_in_flight,
                          &heartbeat_interval, &heartbeat_timeout, &polling, &transports, &cert, &key, &ca,
                          &registered_only))
      return nullptr;
    Runtime::instance().set_handler_threads(handler_threads, max_handler_threads);
    rpc::JoinOptions options;
    options.name = utf8(name);
    options.rank = rank;
    options.world_size = world_size;
    options.address = utf8(address);
    options.rpc_timeout = Seconds(rpc_timeout);
    options.init_timeout = Seconds(init_timeout);
    options.max_send_buffer_bytes = static_cast<size_t>(max_send_buffer_bytes);
    options.max_mapped_bytes = static_cast<size_t>(max_mapped_bytes);
    options.max_calls_in_flight = static_cast<size_t>(max_calls_in_flight);
    options.heartbeat_interval = in_milliseconds(heartbeat_interval);
    options.heartbeat_timeout = in_milliseconds(heartbeat_timeout);
    options.polling = std::chrono::ceil<std::chrono::microseconds>(Seconds(polling));
    options.transports.clear();
    const PyRef list = checked(PySequence_List(transports));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list.get()); ++i)
      options.transports.emplace_back(utf8(PyList_GET_ITEM(list.get(), i)));
    options.plaintext_beyond_loopback = plaintext != 0;
    options.tls = {cert, key, ca};
    options.allow = registered_only != 0 ? rpc::Allow::kRegistered : rpc::Allow::kAll;
    options.interrupted = interrupted;
    options.language = &python_side();
    options.on_worker_joined = tell_joined;
    options.on_worker_lost = tell_lost;
    // Threads that read sockets write log lines here. They must wait neither for the interpreter nor for stderr.
    options.log = [](const std::string& text) { log_line("[tine] " + text, text); };
    without_lock([&, given = options.address] {
      try {
        worker().join(std::move(options));
      } catch (const AuthError& e) {
        // The refused address may be one that this worker chose. The user knows only the one of init_rpc, so that is added.
        if (e.message().find(given) != std::string::npos) throw;
        throw AuthError("init_rpc at " + given + ": " + e.message());
      }
    });
    Py_RETURN_NONE;
  });
}

// (graceful, timeout, failure)
PyObject* stop(PyObject*, PyObject* args) {
  return guarded([=]() -> PyObject* {
    int graceful;
    double timeout;
    PyObject* failure;
    if (!PyArg_ParseTuple(args, "pdU:stop", &graceful, &timeout, &failure)) return nullptr;
    const std::string why(utf8(failure));
    without_lock([&] { graceful ? worker().leave(Seconds(timeout)) : worker().leave_now(why); });
    Py_RETURN_NONE;
  });
}

// (sizes, dtype)
PyObject* shared_empty(PyObject*, PyObject* args) {
  return guarded([=]() -> PyObject* {
    PyObject *sizes, *dtype;
    if (!PyArg_ParseTuple(args, "O!O!:shared_empty", &PyTuple_Type, &sizes, types.dtype, &dtype))
      return nullptr;
    Shape shape;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(sizes); ++i) {
      const long long size = PyLong_AsLongLong(PyTuple_GET_ITEM(sizes, i));
      if (size == -1 && PyErr_Occurred()) return nullptr;
      shape.push_back(size);
    }
    return wrap_tensor(without_lock([&] { return rpc::shared_empty(shape, dtype_of(dtype)); }));
  });
}

PyObject* is_initialized(PyObject*, PyObject*) {
  return PyBool_FromLong(Runtime::exists() && worker().joined());
}

PyObject* self(PyObject*, PyObject*) {
  return guarded([] { return wrap_worker_info(worker().self()).leak(); });
}

PyObject* workers(PyObject*, PyObject*) {
  return guarded([]() -> PyObject* {
    PyRef list = checked(PyList_New(0));
    for (const WorkerInfo& info : worker().workers()) {
      if (PyList_Append(list.get(), wrap_worker_info(info).get()) < 0) return nullptr;
    }
    return list.leak();
  });
}

PyObject* worker_info(PyObject*, PyObject* to) {
  return guarded([=] { return wrap_worker_info(destination(to, 0).worker()).leak(); });
}

PyObject* is_restricted(PyObject*, PyObject* to) {
  return guarded([=] { return PyBool_FromLong(destination(to, 0).is_restricted()); });
}

PyObject* get_rpc_timeout(PyObject*, PyObject*) {
  return guarded([] { return PyFloat_FromDouble(worker().rpc_timeout().count()); });
}

PyObject* set_rpc_timeout(PyObject*, PyObject* given) {
  return guarded([=]() -> PyObject* {
    const double seconds = PyFloat_AsDouble(given);
    if (seconds == -1 && PyErr_Occurred()) return nullptr;
    worker().set_rpc_timeout(Seconds(seconds));
    Py_RETURN_NONE;
  });
}

PyObject* debug_info(PyObject*, PyObject*) {
  return guarded([]() -> PyObject* {
    const rpc::Worker::Counts counts = worker().counts();
    const HandlerCounters handlers = Runtime::instance().handler_counters();
    const std::pair<const char*, size_t> rows[] = {
        {"calls_pending", counts.calls_pending},       {"calls_running", counts.calls_running},
        {"references_owned", counts.references_owned}, {"handler_threads", handlers.threads},
        {"handler_threads_peak", handlers.peak},       {"handler_threads_idle", handlers.idle},
        {"handlers_queued", handlers.queued},          {"handlers_refused", handlers.refused},
    };
    PyRef dict = checked(PyDict_New());
    for (const auto& [name, number] : rows) {
      if (PyDict_SetItemString(dict.get(), name, checked(PyLong_FromSize_t(number)).get()) < 0)
        return nullptr;
    }
    return dict.leak();
  });
}

bool put(const PyRef& dict, const char* name, PyObject* fresh) {
  return PyDict_SetItemString(dict.get(), name, checked(fresh).get()) == 0;
}

PyRef row_of(const rpc::PeerReport& peer) {
  PyRef row = checked(PyDict_New()), calls = checked(PyList_New(0));
  for (const rpc::CallsOfName& of_name : peer.calls) {
    const PyRef call = checked(PyDict_New());
    if (!put(call, "name", text_of(of_name.name).leak()) ||
        !put(call, "count", PyLong_FromSize_t(of_name.count)) ||
        !put(call, "oldest", PyFloat_FromDouble(of_name.oldest.count())) ||
        PyList_Append(calls.get(), call.get()) < 0)
      throw_error();
  }
  const std::string transport = peer.address.substr(0, peer.address.find(':'));
  if (!put(row, "rank", PyLong_FromLong(peer.worker.id)) ||
      !put(row, "name", text_of(peer.worker.name).leak()) ||
      !put(row, "address", text_of(peer.address).leak()) ||
      !put(row, "transport", text_of(transport).leak()) ||
      !put(row, "death", peer.death.empty() ? Py_NewRef(Py_None) : text_of(peer.death).leak()) ||
      !put(row, "calls", calls.leak()) || !put(row, "calls_running", PyLong_FromSize_t(peer.calls_running)) ||
      !put(row, "bytes_queued", PyLong_FromSize_t(peer.bytes_queued)) ||
      !put(row, "frames_sent", PyLong_FromUnsignedLongLong(peer.frames_sent)) ||
      !put(row, "bytes_sent", PyLong_FromUnsignedLongLong(peer.bytes_sent)) ||
      !put(row, "frames_received", PyLong_FromUnsignedLongLong(peer.frames_received)) ||
      !put(row, "bytes_received", PyLong_FromUnsignedLongLong(peer.bytes_received)))
    throw_error();
  return row;
}

// debug_info() and more: references held and passed on, and a row for each worker.
PyObject* report(PyObject* module, PyObject*) {
  return guarded([=]() -> PyObject* {
    const rpc::Report report = rpc::report(worker());
    PyRef dict = checked(debug_info(module, nullptr)), peers = checked(PyList_New(0));
    for (const rpc::PeerReport& peer : report.peers) {
      if (PyList_Append(peers.get(), row_of(peer).get()) < 0) return nullptr;
    }
    if (!put(dict, "references_held", PyLong_FromSize_t(report.references_held)) ||
        !put(dict, "references_passed", PyLong_FromSize_t(report.references_passed)) ||
        !put(dict, "workers", peers.leak()))
      return nullptr;
    return dict.leak();
  });
}

// In the order of RpcHooks.
PyObject* set_hooks(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (!takes(count == 12, "set_hooks")) return nullptr;
  return guarded([=]() -> PyObject* {
    set_rpc_hooks({PyRef::share(args[0]), PyRef::share(args[1]), PyRef::share(args[2]), PyRef::share(args[3]),
                   PyRef::share(args[4]), PyRef::share(args[5]), PyRef::share(args[6]), PyRef::share(args[7]),
                   PyRef::share(args[8]), PyRef::share(args[9]), PyRef::share(args[10]),
                   PyRef::share(args[11])});
    Py_RETURN_NONE;
  });
}

// For the pickler: a Future is refused with one text wherever it turns up.
PyObject* refuse_future(PyObject*, PyObject* what) {
  return guarded([=]() -> PyObject* { rpc::throw_future_cannot_travel(std::string(utf8(what))); });
}

PyObject* has_name_of_its_own(PyObject*, PyObject* callee) {
  return guarded([=]() -> PyObject* { return PyBool_FromLong(has_name(callee)); });
}

// Of this thread: set_blocking_hook().
PyObject* warn_of_waits(PyObject*, PyObject* hook) {
  set_blocking_hook(hook);
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"warn_of_waits", warn_of_waits, METH_O,
     "warn_of_waits(hook): called with file, line and function when a wait of this thread is about to "
     "block."},
    {"has_name", has_name_of_its_own, METH_O, "Whether a function or class is where its name says."},
    {"set_hooks", as_method(set_hooks), METH_FASTCALL, nullptr},
    {"set_worker_hooks", as_method(set_worker_hooks), METH_FASTCALL, "set_worker_hooks(joined, lost)"},
    {"refuse_future", refuse_future, METH_O, nullptr},
    {"liftable", liftable, METH_O, "The torch.Tensor to lift in place of this one, or None: to be pickled."},
    {"lift", as_method(lift), METH_FASTCALL, "lift(tensors, buffers): the last leaf of a pickle."},
    {"restore", as_method(restore), METH_FASTCALL,
     "restore(type, bases, table): the tensors of a last leaf."},
    {"start", start, METH_VARARGS, nullptr},
    {"serve", as_method(serve), METH_FASTCALL, nullptr},
    {"stop_serving", stop_serving, METH_O, nullptr},
    {"stop", stop, METH_VARARGS, nullptr},
    {"shared_empty", shared_empty, METH_VARARGS, nullptr},
    {"is_initialized", is_initialized, METH_NOARGS, nullptr},
    {"self", self, METH_NOARGS, nullptr},
    {"workers", workers, METH_NOARGS, nullptr},
    {"worker_info", worker_info, METH_O, nullptr},
    {"is_restricted", is_restricted, METH_O, nullptr},
    {"get_rpc_timeout", get_rpc_timeout, METH_NOARGS, nullptr},
    {"set_rpc_timeout", set_rpc_timeout, METH_O, nullptr},
    {"debug_info", debug_info, METH_NOARGS, nullptr},
    {"report", report, METH_NOARGS, nullptr},
    {"call_named", as_method(call<named_request, send_call>), METH_FASTCALL, nullptr},
    {"call_python", as_method(call<python_request, send_call>), METH_FASTCALL, nullptr},
    {"call_plain", as_method(call_plain<send_call>), METH_FASTCALL, nullptr},
    {"awaited_named", as_method(call<named_request, send_awaited>), METH_FASTCALL, nullptr},
    {"awaited_python", as_method(call<python_request, send_awaited>), METH_FASTCALL, nullptr},
    {"awaited_plain", as_method(call_plain<send_awaited>), METH_FASTCALL, nullptr},
    {"remote_named", as_method(call<named_request, send_creation>), METH_FASTCALL, nullptr},
    {"stream_named", as_method(stream<named_request>), METH_FASTCALL, nullptr},
    {"stream_plain", as_method(stream_plain), METH_FASTCALL, nullptr},
    {"stream_python", as_method(stream<python_request>), METH_FASTCALL, nullptr},
    {"remote_python", as_method(call<python_request, send_creation>), METH_FASTCALL, nullptr},
    {"remote_plain", as_method(call_plain<send_creation>), METH_FASTCALL, nullptr},
    {}};

// A module inside of tine._C, under both of its names.
PyRef add_module(PyObject* module, const char* name, const char* doc) {
  const std::string full = std::string("tine._C.") + name;
  PyRef added = PyRef::share(PyImport_AddModule(full.c_str()));
  if (!added || PyModule_AddObjectRef(module, name, added.get()) < 0 ||
      (doc && PyModule_SetDocString(added.get(), doc) < 0))
    return {};
  return added;
}

}  // namespace

bool init_rpc(PyObject* module) {
  const PyRef rpc = add_module(module, "_rpc", "Internal: see tine.distributed.rpc.");
  // PyTorch's private name of the classes, for programs that ask for it.
  const PyRef twin = add_module(module, "_distributed_rpc", nullptr);
  if (!rpc || !twin || PyModule_AddFunctions(rpc.get(), functions) < 0 || !init_rpc_objects(rpc.get()) ||
      !init_rpc_streams(rpc.get()) || !init_rpc_modules(rpc.get()))
    return false;
  const std::pair<const char*, const char*> twins[] = {{"PyRRef", "RRef"}, {"WorkerInfo", "WorkerInfo"}};
  for (const auto& [name, of] : twins) {
    const PyRef known = PyRef::adopt(PyObject_GetAttrString(rpc.get(), of));
    if (!known || PyModule_AddObjectRef(twin.get(), name, known.get()) < 0) return false;
  }
  set_conversion(Tag::kRRef, show_rref, read_rref);
  set_conversion(Tag::kForeign, wrap_payload, unwrap_code);
  set_error_conversion(rebuild_remote_error);
  return true;
}

}  // namespace tine::python
