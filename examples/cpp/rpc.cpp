// RPC from C++: a server that serves a function, and a client that calls it, an operator, and keeps results there.
//
//   build/release/examples/rpc                            starts both processes itself
//   tine launch -n 2 -- build/release/examples/rpc        `tine launch` does
#include <string>
#include <vector>

#include "launch.h"
#include "tine/fork.h"
#include "tine/operators.h"
#include "tine/rpc.h"
#include "tine/runtime.h"

using tine::Future;
using tine::Tensor;
using tine::Value;
namespace rpc = tine::rpc;

namespace {

void serve(tine::Runtime& runtime, rpc::Worker& worker) {
  const tine::OpTable& ops = runtime.ops();
  worker.serve("scale", [&ops](Tensor x, double by) { return ops.call("aten::mul", x, by); });
  // It gets a reference, and fetches the value when it needs it; a value of this worker is not copied.
  worker.serve("total", [&ops](const rpc::RRef<>& x) { return ops.call("aten::sum", x.to_here().get()); });
  // Its answer is a future: no thread waits here while the pool works.
  worker.serve("later", [](int64_t n) { return tine::fork([n] { return n * n; }); });
  worker.serve("refuse", [](const std::string& why) { throw tine::KeyError(why); });
  worker.join(rpc::JoinOptions::from_environment("server"));
  worker.leave();  // when the client has left, too
}

void ask(tine::Runtime& runtime, rpc::Worker& worker) {
  const tine::OpTable& ops = runtime.ops();
  worker.join(rpc::JoinOptions::from_environment("client"));

  const Tensor ones = ops.call<Tensor>("aten::ones", std::vector{2, 2});
  const Value three = worker.call("server", "aten::add", ones, 2).get();
  const Value six = worker.call("server", "scale", three, 2.0).get();
  fmt::print("3 times 2: {}\n", ops.call<double>("aten::item", ops.call("aten::max", six)));
  expect(ops.call<double>("aten::item", ops.call("aten::max", six)) == 6, "six");

  const rpc::RRef<> kept = worker.remote("server", "scale", six, 0.5);
  const Value total = worker.call("server", "total", kept).get();
  fmt::print("the sum of what {} keeps: {}\n", kept.owner().name, ops.call<double>("aten::item", total));
  expect(ops.call<double>("aten::item", total) == 12, "four times three");

  const Future<Value> square =
      worker.call({.to = "server", .name = "later", .args = {12}, .timeout = rpc::Seconds(30)});
  expect(square.get().to_int() == 144, "a square");

  try {
    (void)worker.call("server", "refuse", "no such key").get();
    expect(false, "an error");
  } catch (const tine::KeyError& e) {
    fmt::print("{}\n", e.story());
    expect(e.trail().back().what == "server", "the worker in the error's trail");
  }
  worker.leave();
}

}  // namespace

int main() {
  const char* const rank = std::getenv("RANK");
  if (!rank) return start_workers(2);
  tine::Runtime& runtime = tine::Runtime::instance();
  if (std::string(rank) == "0") {
    serve(runtime, runtime.rpc());
  } else {
    ask(runtime, runtime.rpc());
  }
}
