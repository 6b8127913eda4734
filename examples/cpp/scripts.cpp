// Scripts from C++: compile text, call and fork its functions, give them names of the program, stop them, send them on.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tine/context.h"
#include "tine/runtime.h"
#include "tine/script.h"
#include "tine/tracing.h"

using namespace std::chrono_literals;
namespace script = tine::script;
using tine::Future;
using tine::Tensor;
using tine::Value;

namespace {

// A step of gradient descent on the mean of (w * x - y) ** 2. Each half of the data is summed in a task of its own.
constexpr std::string_view kText = R"(
def slope(w: float, x: Tensor, y: Tensor) -> Tensor:
    return ((x * w - y) * x * 2.0).sum()

def step(w: float, x: Tensor, y: Tensor, rate: float = default_rate) -> float:
    half = len(x) // 2
    first = torch.jit.fork(slope, w, x[:half], y[:half])
    second = slope(w, x[half:], y[half:])
    return w - rate * float(torch.jit.wait(first) + second) / len(x)

def descend(x: Tensor, y: Tensor, steps: int) -> float:
    w = 0.0
    for i in range(steps):
        w = step(w, x, y)
    return w

def forever(n: int) -> int:
    while n != 0:
        n = n + 2
    return n
)";

void expect(bool condition, const char* what) {
  if (condition) return;
  fmt::print(stderr, "scripts: expected {}\n", what);
  std::exit(1);
}

}  // namespace

int main() {
  // The names that the text uses and does not define.
  const auto names = std::make_shared<script::Globals>();
  names->set("default_rate", script::Constant{0.05});
  const script::CompilationUnit unit = script::compile(kText, {.file = "descent.py", .names = names});
  const script::Function descend = unit.function("descend"), step = unit.function("step");
  for (const script::Function& f : unit.functions()) fmt::print("compiled: {}\n", f.signature());
  expect(step.schema().args[3].default_value->to_float() == 0.05, "the default to be the program's");

  // Called: on this thread. Forked: in the pool, several at once.
  const tine::OpTable& ops = tine::Runtime::instance().ops();
  const auto x = ops.call<Tensor>("aten::arange", 8.0);
  std::vector<Future<Value>> slopes;
  for (int i = 1; i <= 3; ++i) slopes.push_back(descend.fork(x, ops.call<Tensor>("aten::mul", x, i), 100));
  expect(std::abs(descend.call<double>(x, x, 50) - 1.0) < 1e-6, "the line through x itself");
  for (size_t i = 0; i < slopes.size(); ++i) {
    const double w = slopes[i].get().to_float();
    fmt::print("slope {}: {:.4f}\n", i + 1, w);
    expect(std::abs(w - static_cast<double>(i + 1)) < 1e-6, "each slope to be found");
  }

  // Errors say where in the script.
  try {
    (void)script::compile("def f(x: int) -> int:\n    return y\n", {.file = "wrong.py"});
    expect(false, "the text to be refused");
  } catch (const tine::SyntaxError& error) {
    fmt::print("refused: {}\n", error.message());
  }
  try {
    (void)step("a word", x, x);
    expect(false, "the argument to be refused");
  } catch (const tine::TypeError& error) {
    fmt::print("refused: {}\n", error.message());
  }

  // A script that never ends is stopped by its context.
  {
    const tine::ContextScope scope(
        tine::Context::current().with_timeout(tine::default_scheduler().timer(), 20ms));
    const Future<Value> late = unit.function("forever").fork(1);
    expect(tine::describe(late.error()).starts_with("DeadlineExceeded"), "the deadline to end it");
    fmt::print("stopped: {}\n", tine::describe(late.error()));
  }

  // A function as text, for another process, and back.
  const script::Exported code = descend.exported();
  fmt::print("exported: {} bytes, {}\n", code.text.size(), code.hash.substr(0, 8));
  expect(script::load(code)(x, x, 50).to_float() == descend(x, x, 50).to_float(), "the copy to do the same");

  // A C++ function that is traced: from then on it is a script function.
  const script::Function traced = script::trace(
      "mean_square",
      [](script::Tracer& t, const Value& v) { return t.call("aten::mean", t.call("aten::mul", v, v)); }, x);
  fmt::print("traced: {}", traced.graph().str());
  expect(traced(ops.call<Tensor>("aten::ones", std::vector{4})).to_tensor().item_as_double() == 1.0,
         "the trace to run on other input");
  fmt::print("done\n");
}
