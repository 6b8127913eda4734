// Operators from C++: fit a line by gradient descent, find operators by name, handle what they refuse.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tine/functions.h"
#include "tine/runtime.h"

using tine::Keyword;
using tine::Tensor;

namespace {

void expect(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "operators: expected %s\n", what);
  std::exit(1);
}

// y = x @ weight.t() + bias, the mean of the squared errors, and its gradients, written out by hand.
struct Line {
  Tensor weight = tine::zeros({1, 1});
  Tensor bias = tine::zeros({1});

  double step(const Tensor& x, const Tensor& y, double rate) {
    const Tensor error = tine::sub(tine::linear(x, weight, bias), y);
    const double scale = 2 * rate / static_cast<double>(tine::numel(error));
    tine::sub_(weight, tine::matmul(tine::t(error), x), scale);
    tine::sub_(bias, tine::sum(error, 0), scale);
    return tine::mean(tine::square(error)).item_as_double();
  }
};

}  // namespace

int main() {
  // Typed: the compiler chooses the overload and checks the arguments.
  const Tensor x = tine::unsqueeze(tine::linspace(-1, 1, 64), 1);
  const Tensor y = tine::add(tine::mul(x, 3), 0.5);
  Line line;
  double loss = 0;
  for (int i = 0; i < 200; ++i) loss = line.step(x, y, 0.2);
  const double slope = line.weight.item_as_double(), offset = line.bias.item_as_double();
  std::printf("y = %.3f x + %.3f, loss %.1e\n", slope, offset, loss);
  expect(std::abs(slope - 3) < 1e-3 && std::abs(offset - 0.5) < 1e-3, "the line to be found");

  // By name: for what is known when the program runs.
  const tine::OpTable& ops = tine::Runtime::instance().ops();
  const auto at_two = ops.call<Tensor>("aten::linear", tine::full({1, 1}, 2.0), line.weight, line.bias);
  expect(std::abs(at_two.item_as_double() - 6.5) < 1e-2, "the same line by name");
  const tine::Value sums = ops.call("aten::sum", y, 0, Keyword("keepdim", true));
  expect(sums.to_tensor().dim() == 2, "the dimension to be kept");
  const auto [values, indices] =
      ops.call<std::tuple<Tensor, Tensor>>("aten::max", y, Keyword("dim", 0), Keyword("keepdim", false));
  std::printf("the largest of %lld values is number %lld\n", static_cast<long long>(tine::numel(y)),
              static_cast<long long>(indices.item_as_int()));
  expect(indices.item_as_int() == 63 && values.item_as_double() == 3.5, "the last to be the largest");

  // What there is.
  std::printf("%zu operators and overloads; of max:\n", ops.all().size());
  for (const tine::Op* op : ops.overloads("aten::max")) std::printf("  %s\n", op->schema.str().c_str());

  // What does not fit is an error that says what would.
  try {
    (void)tine::matmul(x, y);
    expect(false, "the sizes to be refused");
  } catch (const tine::ShapeError& e) {
    std::printf("refused: %s\n", e.message().c_str());
  }
  try {
    (void)ops.call("aten::ad", x, y);
    expect(false, "the name to be unknown");
  } catch (const tine::NameError& e) {
    std::printf("refused: %s\n", e.message().c_str());
  }
}
