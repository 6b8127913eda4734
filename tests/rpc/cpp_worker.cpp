// A worker in C++ for test_cpp_workers.py: rank 1 of a world in which Python programs are the others.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "tine/context.h"
#include "tine/fork.h"
#include "tine/operators.h"
#include "tine/rpc.h"
#include "tine/runtime.h"

using namespace tine;

int main() {
  Runtime& runtime = Runtime::instance();
  rpc::Worker& worker = runtime.rpc();
  const OpTable& ops = runtime.ops();

  worker.serve("scale", [&ops](Tensor x, double by) { return ops.call("aten::mul", x, by); });
  worker.serve("later", [](int64_t n) { return fork([n] { return n * n; }); });
  worker.serve("describe", [](const rpc::Invocation& call) {
    std::string text = call.caller.name;
    for (const auto& [name, value] : call.kwargs) text += " " + name + "=" + value.repr();
    return text;
  });
  worker.serve("fail", [](const std::string& text) { throw KeyError(text); });
  worker.serve("total", [&ops](const rpc::RRef<>& x) { return ops.call("aten::sum", x.to_here().get()); });
  // What this worker asks of the Python worker: an operator, and a value that stays there.
  worker.serve("ask back", [&](const rpc::Invocation& call) {
    const rpc::RRef<> there = worker.remote(call.caller, "aten::add", call.args.at(0), 1);
    return std::pair(worker.call(call.caller, "aten::mul", there.to_here().get(), 2).get(), there);
  });
  worker.serve("call by name",
               [&](const std::string& name, const Value& x) { return worker.call(0, name, x); });
  std::atomic<int> entered{0}, stopped{0};
  worker.serve("until stopped", [&] {
    ++entered;
    while (!Context::current().stopped()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ++stopped;
    Context::current().check();
  });
  worker.serve("entered and stopped", [&] { return std::pair(entered.load(), stopped.load()); });

  worker.join(rpc::JoinOptions::from_environment("cpp"));
  worker.leave();
}
