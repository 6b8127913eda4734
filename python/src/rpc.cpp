#include "python/src/rpc.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <span>

#include "python/src/future.h"
#include "python/src/lift.h"
#include "python/src/place.h"
#include "python/src/rpc_payload.h"
#include "src/runtime/script.h"
#include "tine/log.h"

namespace tine::python {

// What a Python RRef object shows.
using PyRRef = rpc::RRef;

}  // namespace tine::python

namespace pybind11::detail {

// An object of a class whose __init__ has not run (made by __new__ alone) has nothing in it: pybind11 would hand out raw
// memory.
template <class T>
class MadeCaster : public type_caster_base<T> {
 public:
  bool load(handle source, bool convert) {
    if (source && isinstance<T>(source) &&
        !reinterpret_cast<instance*>(source.ptr())->get_value_and_holder().holder_constructed()) {
      const char* const name = Py_TYPE(source.ptr())->tp_name;
      throw type_error(std::string("this ") + name + " was made by __new__ alone and holds nothing; call " +
                       name + "(...)");
    }
    return type_caster_base<T>::load(source, convert);
  }
};
template <>
class type_caster<tine::python::PyRRef> : public MadeCaster<tine::python::PyRRef> {};
template <>
class type_caster<tine::rpc::WorkerInfo> : public MadeCaster<tine::rpc::WorkerInfo> {};

}  // namespace pybind11::detail

namespace tine::python {
namespace {

using rpc::Destination;
using rpc::Seconds;
using rpc::WorkerInfo;

// tine's errors out of a binding: the indicator is set and pybind11 passes it on.
template <class F>
auto translated(F&& f) -> decltype(f()) {
  try {
    return f();
  } catch (const py::error_already_set&) {
    throw;
  } catch (const py::builtin_exception&) {
    throw;
  } catch (const std::exception&) {
    raise(std::current_exception());
  }
  throw py::error_already_set();
}

// The state of a value behind an RRef, as far as its creator knows: an error of the creation is told like that of any
// future when nobody has looked.
ValueState& creation_of(const PyRRef& rref) { return *rref.confirmed().state(); }

PyObject* wrap_rref(const Value& value) {
  return guarded([&]() -> PyObject* {
    return with_py_errors([&] { return py::cast(PyRRef::from(value)).release().ptr(); });
  });
}

bool unwrap_rref(PyObject* object, Value* value) {
  if (!py::isinstance<PyRRef>(object)) return false;
  const auto& rref = py::handle(object).cast<const PyRRef&>();
  creation_of(rref).observe();  // passed on: the receiver sees the error
  *value = rref;
  return true;
}

rpc::Worker& worker() { return Runtime::instance().rpc(); }

py::object shown(const Future<Value>& future) { return steal(wrap_future(future)); }
// As Future.wait does: the lock is released, Ctrl-C is heard.
py::object waited(const Future<Value>& future) { return shown(future).attr("wait")(); }

std::vector<std::pair<std::string, Value>> keywords_of(const py::dict& dict) {
  std::vector<std::pair<std::string, Value>> keywords;
  keywords.reserve(dict.size());
  for (const auto& [key, value] : dict)
    keywords.emplace_back(py::cast<std::string>(key), to_value(value.ptr()));
  return keywords;
}

Destination destination(const py::object& to, double timeout) {
  if (PyUnicode_Check(to.ptr())) return rpc::destination(worker(), to_value(to.ptr()), Seconds(timeout));
  if (PyLong_Check(to.ptr())) {
    const Value rank = to_value(to.ptr());
    // Else too large to be one.
    return rpc::destination(worker(), rank.is_int() ? rank : Value(-1), Seconds(timeout));
  }
  if (py::isinstance<WorkerInfo>(to))
    return rpc::destination(worker(), Value(to.cast<const WorkerInfo&>().name), Seconds(timeout));
  (void)worker().self();  // throws first if this process has not joined
  const py::object kind = py::module_::import("tine.distributed.rpc.api").attr("DestinationError");
  PyErr_Format(kind.ptr(), "to: expected a worker's name, rank or WorkerInfo, got %R of type %s", to.ptr(),
               Py_TYPE(to.ptr())->tp_name);
  throw py::error_already_set();
}

rpc::CallRequest named_request(const std::string& name, const py::tuple& args, const py::dict& kwargs,
                               bool async) {
  rpc::CallRequest request = rpc::request_for(worker(), name, values_of(args), keywords_of(kwargs));
  request.async_execution = async;
  const std::vector<Keyword> keywords(request.kwargs.begin(), request.kwargs.end());
  with_array_hint(request.args, keywords, [&] { rpc::check(worker(), request); });
  return request;
}

rpc::CallRequest python_request(const std::string& name, const py::bytes& data, const py::list& leaves,
                                const std::optional<PyRRef>& after) {
  rpc::CallRequest request = rpc::CallRequest::foreign(name, payload_of(data, leaves));
  if (after) {
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
    if (PyErr_Occurred()) throw py::error_already_set();
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

// rpc_async: what request() makes is called at the destination.
template <class Request>
py::object call(const py::object& to, double timeout, Request&& request) {
  return translated([&] {
    const Destination d = destination(to, timeout);
    py::object future = shown(sent(d, request(), [&d](rpc::CallRequest r) { return d.call(std::move(r)); }));
    carry_grad_mode(future.ptr());
    return future;
  });
}

// remote: the same, and the value stays there.
template <class Request>
PyRRef remote(const py::object& to, double timeout, Request&& request) {
  return translated([&] {
    const Destination d = destination(to, timeout);
    PyRRef rref = sent(d, request(), [&d](rpc::CallRequest r) { return d.remote(std::move(r)); });
    ValueState& creation = creation_of(rref);
    if (creation.where().line() == 0) creation.made_at(calling_place());
    creation.show();
    return rref;
  });
}

void start(const std::string& name, int rank, int world_size, const std::string& address, double rpc_timeout,
           double init_timeout, bool plaintext_beyond_loopback, int handler_threads, int max_handler_threads,
           size_t max_send_buffer_bytes, size_t max_calls_in_flight, double heartbeat_interval,
           double heartbeat_timeout, double polling, std::vector<std::string> transports) {
  translated([&] { Runtime::instance().set_handler_threads(handler_threads, max_handler_threads); });
  rpc::JoinOptions options;
  options.name = name;
  options.rank = rank;
  options.world_size = world_size;
  options.address = address;
  options.rpc_timeout = Seconds(rpc_timeout);
  options.init_timeout = Seconds(init_timeout);
  options.max_send_buffer_bytes = max_send_buffer_bytes;
  options.max_calls_in_flight = max_calls_in_flight;
  options.heartbeat_interval = std::chrono::ceil<std::chrono::milliseconds>(Seconds(heartbeat_interval));
  options.heartbeat_timeout = std::chrono::ceil<std::chrono::milliseconds>(Seconds(heartbeat_timeout));
  options.polling = std::chrono::ceil<std::chrono::microseconds>(Seconds(polling));
  options.transports = std::move(transports);
  options.plaintext_beyond_loopback = plaintext_beyond_loopback;
  options.interrupted = interrupted;
  options.language = &python_side();
  // Threads that read sockets write log lines here. They must wait neither for the interpreter nor for stderr.
  options.log = [](const std::string& text) { log_line("[tine] " + text, text); };
  translated([&] {
    without_lock([&] {
      try {
        worker().join(std::move(options));
      } catch (const AuthError& e) {
        // The refused address may be one that this worker chose. The user knows only the one of init_rpc, so that is added.
        throw AuthError("init_rpc at " + address + ": " + e.message());
      }
    });
  });
}

py::dict debug_info() {
  const rpc::Worker::Counts counts = worker().counts();
  py::dict d;
  d["calls_pending"] = counts.calls_pending;
  d["calls_running"] = counts.calls_running;
  d["references_owned"] = counts.references_owned;
  const HandlerCounters handlers = Runtime::instance().handler_counters();
  d["handler_threads"] = handlers.threads;
  d["handler_threads_peak"] = handlers.peak;
  d["handler_threads_idle"] = handlers.idle;
  d["handlers_queued"] = handlers.queued;
  d["handlers_refused"] = handlers.refused;
  return d;
}

// PyTorch's rule, and its words.
WorkerInfo make_worker_info(const py::object& given, int id) {
  if (!PyUnicode_Check(given.ptr()))
    throw TypeError(std::string("WorkerInfo: name: expected a str, got a ") + Py_TYPE(given.ptr())->tp_name);
  const py::object bytes = steal(PyUnicode_AsEncodedString(given.ptr(), "utf-8", "backslashreplace"));
  const auto name = bytes.cast<std::string>();
  const bool allowed =
      name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:") ==
      std::string::npos;
  if (!allowed || name.empty() || name.size() >= 128) {
    throw ValueError(
        "Worker name must match ^[A-Za-z0-9-_:]*$, and must be non-empty and shorter than 128 chars, "
        "but got " +
        name);
  }
  return {name, id};
}

void define_worker_info(py::module_& m) {
  py::class_<WorkerInfo>(m, "WorkerInfo", "WorkerInfo(name, id): a worker, its name and its rank.")
      .def(py::init([](const py::object& name, int id) {
             return translated([&] { return make_worker_info(name, id); });
           }),
           py::arg("name"), py::arg("id"))
      .def_readonly("name", &WorkerInfo::name)
      .def_readonly("id", &WorkerInfo::id)
      .def("__eq__",
           [](const WorkerInfo& a, const py::object& b) {
             return py::isinstance<WorkerInfo>(b) && a == b.cast<const WorkerInfo&>();
           })
      .def("__hash__", [](const WorkerInfo& a) { return py::hash(py::make_tuple(a.name, a.id)); })
      .def("__repr__",
           [](const WorkerInfo& a) {
             return "WorkerInfo(id=" + std::to_string(a.id) + ", name=" + a.name + ")";
           })
      .def("__reduce__", [](const WorkerInfo& a) {
        return py::make_tuple(py::type::of<WorkerInfo>(), py::make_tuple(a.name, a.id));
      });
}

[[nodiscard]] py::object refuse_pickling() {
  return translated([]() -> py::object {
    throw TypeError(
        "Can not pickle rref in python pickler, rref can only be pickled when using RPC: as an argument or "
        "a result of a call");
  });
}

void define_rref(py::module_& m) {
  py::class_<PyRRef>(
      m, "RRef", py::dynamic_attr(),
      "RRef(value, type_hint=None): a reference to a value that lives on one worker, its owner.")
      .def(py::init([](const py::object& value, const py::object& /*type_hint*/) {
             return translated([&] { return worker().own(to_value_shallow(value.ptr())); });
           }),
           py::arg("value"), py::arg("type_hint") = py::none())
      .def(
          "owner", [](const PyRRef& r) { return r.owner(); },
          "owner(): the WorkerInfo of the worker that holds the value.")
      .def(
          "owner_name", [](const PyRRef& r) { return r.owner().name; },
          "owner_name(): the name of that worker.")
      .def(
          "is_owner", [](const PyRRef& r) { return r.is_owner(); },
          "is_owner(): whether this worker holds the value.")
      .def(
          "confirmed_by_owner",
          [](const PyRRef& r) {
            return translated([&] {
              return creation_of(r).outcome() ==
                     tine::detail::Outcome::kValue;  // this does not count as looking at an error
            });
          },
          "confirmed_by_owner(): whether the owner has said that the value exists.")
      .def(
          "to_here",
          [](const PyRRef& r, double timeout) {
            return translated([&] { return waited(r.to_here(Seconds(timeout))); });
          },
          py::arg("timeout") = -1.0,
          "to_here(timeout=-1.0): the value, copied to this worker (on its owner the very object). Blocks; "
          "timeout in "
          "seconds, 0 for none, -1 for that of init_rpc.")
      .def(
          "local_value", [](const PyRRef& r) { return translated([&] { return waited(r.local_value()); }); },
          "local_value(): the value itself, on its owner; elsewhere RuntimeError.")
      .def(
          "to_here_async",
          [](const PyRRef& r, double timeout) {
            return translated([&] { return shown(r.to_here(Seconds(timeout))); });
          },
          py::arg("timeout") = -1.0, "to_here_async(timeout=-1.0): as to_here, but returns a Future at once.")
      .def(
          "_get_future", [](const PyRRef& r) { return translated([&] { return shown(r.confirmed()); }); },
          "A Future: done when the owner has the value.")
      .def("__repr__", [](const PyRRef& r) { return r.repr(); })
      .def("__eq__",
           [](const PyRRef& a, const py::object& b) {
             return py::isinstance<PyRRef>(b) && a == b.cast<const PyRRef&>();
           })
      .def("__hash__", [](const PyRRef& a) { return py::hash(py::str(a.id())); })
      // Both methods are defined: the default __reduce__ would make an object of pybind11's base class, which throws through the
      // interpreter.
      .def("__reduce__", [](const PyRRef&) { return refuse_pickling(); })
      .def("__reduce_ex__", [](const PyRRef&, int) { return refuse_pickling(); });
}

PyCFunction as_fast(PyObject* (*f)(PyObject*, PyObject* const*, Py_ssize_t)) noexcept {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

void define(py::module_& m) {
  // The docstrings name the arguments themselves, because pybind11's signatures show types that cannot be imported.
  py::options options;
  options.disable_function_signatures();
  define_worker_info(m);
  define_rref(m);
  for (const char* name : {"WorkerInfo", "RRef"}) m.attr(name).attr("__module__") = "tine.distributed.rpc";
  m.def("set_hooks", [](py::object execute, py::object pickle, py::object unpickle, py::object describe,
                        py::object rebuild) {
    set_rpc_hooks({std::move(execute), std::move(pickle), std::move(unpickle), std::move(describe),
                   std::move(rebuild)});
  });
  // For the pickler: a Future is refused with one text wherever it turns up.
  m.def("refuse_future",
        [](const std::string& what) { translated([&] { rpc::throw_future_cannot_travel(what); }); });
  static PyMethodDef lifting[] = {
      {"liftable", liftable, METH_O,
       "The torch.Tensor to lift in place of this one, or None: to be pickled."},
      {"lift", as_fast(lift), METH_FASTCALL, "lift(tensors, buffers): the last leaf of a pickle."},
      {"restore", as_fast(restore), METH_FASTCALL,
       "restore(type, bases, table): the tensors of a last leaf."},
      {}};
  if (PyModule_AddFunctions(m.ptr(), lifting) < 0) throw py::error_already_set();
  m.def("start", start);
  m.def("stop", [](bool graceful, double timeout, const std::string& failure) {
    translated([&] {
      without_lock([&] { graceful ? worker().leave(Seconds(timeout)) : worker().leave_now(failure); });
    });
  });
  m.def("is_initialized", [] { return Runtime::exists() && worker().joined(); });
  m.def("self", [] { return translated([] { return worker().self(); }); });
  m.def("workers", [] { return translated([] { return worker().workers(); }); });
  m.def("worker_info",
        [](const py::object& to) { return translated([&] { return destination(to, 0).worker(); }); });
  m.def("get_rpc_timeout", [] { return translated([] { return worker().rpc_timeout().count(); }); });
  m.def("set_rpc_timeout", [](double s) { translated([&] { worker().set_rpc_timeout(Seconds(s)); }); });
  m.def("debug_info", [] { return translated(debug_info); });

  m.def("call_named", [](const py::object& to, const std::string& name, const py::tuple& args,
                         const py::dict& kwargs, double timeout, bool async) {
    return call(to, timeout, [&] { return named_request(name, args, kwargs, async); });
  });
  m.def("call_python", [](const py::object& to, const std::string& name, const py::bytes& data,
                          const py::list& leaves, double timeout, const std::optional<PyRRef>& after) {
    return call(to, timeout, [&] { return python_request(name, data, leaves, after); });
  });
  m.def("remote_named", [](const py::object& to, const std::string& name, const py::tuple& args,
                           const py::dict& kwargs, double timeout, bool async) {
    return remote(to, timeout, [&] { return named_request(name, args, kwargs, async); });
  });
  m.def("remote_python", [](const py::object& to, const std::string& name, const py::bytes& data,
                            const py::list& leaves, double timeout, const std::optional<PyRRef>& after) {
    return remote(to, timeout, [&] { return python_request(name, data, leaves, after); });
  });
}

}  // namespace

bool init_rpc(PyObject* module) {
  try {
    py::module_ sub = py::reinterpret_borrow<py::module_>(module).def_submodule(
        "_rpc", "Internal: see tine.distributed.rpc.");
    define(sub);
    // PyTorch's private name of the class, for programs that ask for it.
    py::module_ twin = py::reinterpret_borrow<py::module_>(module).def_submodule("_distributed_rpc");
    twin.attr("PyRRef") = sub.attr("RRef");
    twin.attr("WorkerInfo") = sub.attr("WorkerInfo");
    set_conversion(Tag::kRRef, wrap_rref, unwrap_rref);
    set_conversion(Tag::kForeign, wrap_payload, nullptr);
    set_error_conversion(rebuild_remote_error);
    return true;
  } catch (py::error_already_set& e) {
    e.restore();
    return false;
  }
}

}  // namespace tine::python
