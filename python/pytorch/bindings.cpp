// The module tine.pytorch._agent: what python/tine/pytorch needs of the agent.
#include <torch/csrc/distributed/rpc/request_callback_impl.h>
#include <torch/csrc/utils/pybind.h>

#include "agent.h"
#include "codec.h"
#include "faulty.h"
#include "interpreter.h"
#include "seconds.h"
#include "tine/error.h"

namespace tine::pytorch {
namespace {

namespace py = pybind11;

// KeyboardInterrupt and the like, seen within a wait.
class Signals {
 public:
  [[nodiscard]] std::function<bool()> check() {
    return [this] {
      const py::gil_scoped_acquire lock;
      return raised_ = PyErr_CheckSignals() != 0;
    };
  }
  template <class Wait>
  void run(Wait wait) {
    try {
      const py::gil_scoped_release released;
      wait();
    } catch (const std::exception&) {
      if (!raised_) throw;
    }
    // Also when what was waited for came all the same.
    if (raised_) throw py::error_already_set();
  }

 private:
  bool raised_ = false;
};

// As python/tine/pytorch/_backend.py writes them.
AgentOptions options_of(const py::kwargs& given) {
  const auto seconds = [&](const char* name) { return milliseconds_of(given[name].cast<double>(), name); };
  AgentOptions options{.name = given["name"].cast<std::string>(),
                       .id = given["id"].cast<int>(),
                       .world_size = given["world_size"].cast<std::optional<int>>(),
                       .num_worker_threads = given["num_worker_threads"].cast<int>(),
                       .rpc_timeout = given["rpc_timeout"].cast<double>(),
                       .node = {}};
  options.node.host = given["host"].cast<std::string>();
  options.node.secret = given["secret"].cast<std::string>();
  options.node.protocol = given["protocol"].cast<std::string>();
  options.node.transports = given["transports"].cast<std::vector<std::string>>();
  options.node.plaintext_beyond_loopback = given["plaintext_beyond_loopback"].cast<bool>();
  options.node.heartbeat_interval = seconds("heartbeat_interval");
  options.node.heartbeat_timeout = seconds("heartbeat_timeout");
  options.node.polling = std::chrono::microseconds(given["polling_us"].cast<int>());
  return options;
}

void tell_python(const std::string& name, const std::string& why, bool left) {
  if (!interpreter_open()) return;
  const py::gil_scoped_acquire lock;
  try {
    py::module_::import("tine.pytorch._group").attr("worker_gone")(name, why, left);
  } catch (py::error_already_set& e) {
    e.discard_as_unraisable("tine.pytorch worker_gone");
  }
}

std::unique_ptr<trpc::RequestCallback> callback() { return std::make_unique<trpc::RequestCallbackImpl>(); }

std::vector<rpc::RawWorker> workers_of(const std::vector<std::pair<std::string, int>>& pairs) {
  std::vector<rpc::RawWorker> workers;
  for (const auto& [name, id] : pairs) workers.push_back({name, id});
  return workers;
}

template <class Make>
auto listening(Make make) {
  const py::gil_scoped_release released;
  auto agent = make();
  agent->listen();
  return agent;
}

// The body and segments of a message with that payload and those tensors, as it is sent; and back. For tests of what a
// hostile worker may send.
std::pair<py::bytes, std::vector<py::bytes>> encoded(const std::string& payload,
                                                     std::vector<at::Tensor> tensors) {
  const auto message = c10::make_intrusive<Message>(std::vector<char>(payload.begin(), payload.end()),
                                                    std::move(tensors), trpc::MessageType::PYTHON_CALL);
  const rpc::RawMessage raw = encode(message, Memory::kCopied);
  std::vector<py::bytes> segments;
  for (const rpc::RawBytes& s : raw.segments) segments.emplace_back(s.text().data(), s.size());
  return {py::bytes(raw.body.text().data(), raw.body.size()), std::move(segments)};
}

std::pair<py::bytes, std::vector<at::Tensor>> decoded(const std::string& body,
                                                      const std::vector<std::string>& segments) {
  rpc::RawMessage raw{static_cast<uint32_t>(trpc::MessageType::PYTHON_CALL), rpc::RawBytes::copy(body), {}};
  for (const std::string& s : segments) raw.segments.push_back(rpc::RawBytes::copy(s));
  const auto message = decode(std::move(raw));
  return {py::bytes(message->payload().data(), message->payload().size()), message->tensors()};
}

// A function that PyTorch calls from its handlers, where a thread that the interpreter kills must not unwind PyTorch's
// frames.
PyObject* call_guarded(PyObject* function, PyObject* const* args, Py_ssize_t count) {
  return parked_when_killed(
      [&] { return PyObject_Vectorcall(function, args, static_cast<size_t>(count), nullptr); });
}
PyMethodDef guarded_method{"guarded", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&call_guarded)),
                           METH_FASTCALL, nullptr};

}  // namespace

PYBIND11_MODULE(_agent, m) {
  py::module_::import("torch");
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    const auto raise = [](const std::string& name, const char* text) {
      const py::object type = py::getattr(py::module_::import("tine"), name.c_str(), py::none());
      py::set_error(PyExceptionClass_Check(type.ptr()) ? type.ptr() : PyExc_RuntimeError, text);
    };
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Error& e) {
      raise(std::string(tine::name_of(e.kind())), e.what());
    } catch (const c10::ValueError& e) {
      raise("ValueError", e.what_without_backtrace());
    } catch (const c10::Error& e) {
      py::set_error(PyExc_RuntimeError, e.what_without_backtrace());
    }
  });

  py::class_<Agent, trpc::RpcAgent, std::shared_ptr<Agent>>(m, "Agent")
      .def(py::init([](const py::kwargs& given) {
        AgentOptions options = options_of(given);
        return listening([&] { return Agent::make<Agent>(std::move(options), callback(), tell_python); });
      }))
      .def_property_readonly("card", &Agent::card)
      .def_static("owner_of",
                  [](const std::string& card) {
                    const rpc::RawWorker worker = Agent::owner_of(card);
                    return std::pair(worker.name, worker.id);
                  })
      .def("connect",
           [](Agent& agent, const std::string& card, double seconds) {
             Signals signals;
             signals.run([&] { agent.connect(card, seconds, signals.check()); });
           })
      .def("expect",
           [](Agent& agent, const std::string& name, int id, double seconds) {
             Signals signals;
             signals.run([&] { agent.expect(name, id, seconds, signals.check()); });
           })
      .def("lives",
           [](Agent& agent, const std::string& card, double seconds) {
             Signals signals;
             bool lives = false;
             signals.run([&] { lives = agent.lives(card, seconds, signals.check()); });
             return lives;
           })
      .def("death_of", &Agent::death_of, py::call_guard<py::gil_scoped_release>())
      .def("known",
           [](Agent& agent, const std::vector<std::pair<std::string, int>>& workers) {
             agent.known(workers_of(workers));
           })
      .def("forget", &Agent::forget)
      .def_property_readonly("is_static_group", &Agent::is_static)
      .def("join", &Agent::join, py::arg("shutdown") = false, py::arg("timeout") = 0)
      .def("shutdown", &Agent::shutdown_once)
      .def("get_worker_info",
           static_cast<const trpc::WorkerInfo& (trpc::RpcAgent::*)() const>(&trpc::RpcAgent::getWorkerInfo),
           py::call_guard<py::gil_scoped_release>())
      .def("get_worker_info",
           static_cast<const trpc::WorkerInfo& (Agent::*)(const std::string&) const>(&Agent::getWorkerInfo),
           py::call_guard<py::gil_scoped_release>())
      .def("get_worker_info",
           static_cast<const trpc::WorkerInfo& (Agent::*)(trpc::worker_id_t) const>(&Agent::getWorkerInfo),
           py::call_guard<py::gil_scoped_release>())
      .def("get_worker_infos", &Agent::getWorkerInfos, py::call_guard<py::gil_scoped_release>());

  py::class_<FaultyAgent, Agent, std::shared_ptr<FaultyAgent>>(m, "FaultyAgent")
      .def(py::init([](const py::kwargs& given) {
        AgentOptions options = options_of(given);
        const Faults faults{given["messages_to_fail"].cast<std::vector<std::string>>(),
                            given["messages_to_delay"].cast<std::unordered_map<std::string, float>>(),
                            given["num_fail_sends"].cast<int>()};
        return listening(
            [&] { return Agent::make<FaultyAgent>(std::move(options), faults, callback(), tell_python); });
      }));

  m.def("close_interpreter", &close_interpreter);
  m.def("encode", &encoded);
  m.def("decode", &decoded);
  m.def("guarded", [](const py::object& function) {
    return py::reinterpret_steal<py::object>(PyCFunction_New(&guarded_method, function.ptr()));
  });
}

}  // namespace tine::pytorch
