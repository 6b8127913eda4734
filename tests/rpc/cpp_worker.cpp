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
#include "tine/stream.h"

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
  // Streams, of this worker and of the Python one, and results by their types.
  worker.serve("count", [](int64_t n) -> Stream<int64_t> {
    for (int64_t i = 0; i < n; ++i) co_yield i;
  });
  worker.serve("texts", [](std::vector<std::string> texts) -> Stream<std::pair<std::string, Tensor>> {
    const Tensor one = Runtime::instance().ops().call<Tensor>("aten::ones", std::vector<int64_t>{2});
    for (std::string& text : texts) co_yield std::pair(std::move(text), one);
  });
  worker.serve("sum of", [&worker](const std::string& name, int64_t n) -> Future<int64_t> {
    Stream<int64_t> numbers = worker.stream<int64_t>(0, name, n);
    int64_t total = 0;
    while (const auto number = co_await numbers.next()) total += *number;
    co_return total;
  });
  worker.serve("first of",
               [&worker](const std::string& name) { return *worker.stream<int64_t>(0, name).next().get(); });
  worker.serve("list of", [&worker](const std::string& name, int64_t n) {
    return worker.call<std::vector<std::string>>(0, name, n, Keyword("text", "a")).get();
  });
  worker.serve("list behind", [&worker](const std::string& name, int64_t n) {
    return worker.remote<std::vector<std::string>>(0, name, n, Keyword("text", "a")).to_here().get();
  });
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
