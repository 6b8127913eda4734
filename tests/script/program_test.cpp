// Source text to result: programs whose answers Python gives, too.
#include "src/compile/compile.h"
#include "src/ir/passes/simplify.h"
#include "tests/script/fixture.h"

namespace tine::test {
namespace {

class Program : public Script, public ::testing::WithParamInterface<bool> {
 protected:
  const bool simplified = GetParam();
  // Compiles a text; each function also goes by way of its IR text, as it would travel.
  void program(const std::string& text) {
    for (const auto& f : compile::compile_text(ops, std::make_shared<const Source>("prog.py", text), "m")) {
      ir::verify(*f.graph);
      const std::string name = f.schema.name;
      const auto again = ir::parse(ir::print(*f.graph, {.exact = true}), ops, name);
      EXPECT_EQ(ir::content_hash(*again), ir::content_hash(*f.graph));
      if (simplified) {
        ir::simplify(*again);
        ir::verify(*again);
      }
      library.define(compile::emit(*again, name));
    }
  }
  template <class... Args>
  std::string result(const std::string& name, Args&&... args) {
    return run("m." + name, std::forward<Args>(args)...).repr();
  }
};

TEST_P(Program, ControlFlow) {
  program(R"(
def collatz(n: int) -> int:
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps

def primes(limit: int) -> List[int]:
    found: List[int] = []
    for n in range(2, limit):
        prime = True
        for p in found:
            if p * p > n:
                break
            if n % p == 0:
                prime = False
                break
        if not prime:
            continue
        found.append(n)
    return found

def first_over(xs: List[int], limit: int) -> int:
    for i, x in enumerate(xs):
        if x > limit:
            return i
    return -1

def nested(n: int) -> int:
    total = 0
    for i in range(n):
        for j in range(n):
            if j > i:
                break
            if (i + j) % 3 == 0:
                continue
            k = 0
            while True:
                k += 1
                if k * k > i + j:
                    total += k
                    break
                if k == 3 and i == 7:
                    return total
    return total

def classify(x: float) -> str:
    if x < 0:
        return "negative"
    elif x == 0:
        return "zero"
    elif 0 < x <= 1 or x == 42.0:
        return "special"
    return "positive"

def swap(a: int, b: int, n: int) -> Tuple[int, int]:
    for _ in range(n):
        a, b = b, a + b
    return a, b

def gcd(a: int, b: int) -> int:
    return a if b == 0 else gcd(b, a % b)

def steps_down(n: int) -> List[int]:
    out: List[int] = []
    for i in range(n, -1, -3):
        out.append(i)
    return out
)");
  EXPECT_EQ(result("collatz", 27), "111");
  EXPECT_EQ(result("primes", 30), "[2, 3, 5, 7, 11, 13, 17, 19, 23, 29]");
  const auto xs = detail::make_ref<List>(std::vector<Value>{Value(1), Value(5), Value(9)});
  EXPECT_EQ(result("first_over", Value(xs), 4), "1");
  EXPECT_EQ(result("first_over", Value(xs), 40), "-1");
  EXPECT_EQ(result("nested", 6), "40");
  EXPECT_EQ(result("nested", 12), "60");
  EXPECT_EQ(result("classify", -1.0), "'negative'");
  EXPECT_EQ(result("classify", 0.0), "'zero'");
  EXPECT_EQ(result("classify", 0.5), "'special'");
  EXPECT_EQ(result("classify", 42.0), "'special'");
  EXPECT_EQ(result("classify", 2.0), "'positive'");
  EXPECT_EQ(result("swap", 0, 1, 10), "(55, 89)");
  EXPECT_EQ(result("gcd", 48, 36), "12");
  EXPECT_EQ(result("steps_down", 10), "[10, 7, 4, 1]");
}

TEST_P(Program, StringsListsDictsAndOptionals) {
  program(R"(
def count(words: List[str]) -> Dict[str, int]:
    seen: Dict[str, int] = {}
    for w in words:
        if w in seen:
            seen[w] += 1
        else:
            seen[w] = 1
    return seen

def find(d: Dict[str, int], key: str) -> Optional[int]:
    if key in d:
        return d[key]
    return None

def or_zero(d: Dict[str, int], key: str) -> int:
    v = find(d, key)
    if v is None:
        return 0
    return v + 1

def last_or(xs: List[str], other: Optional[str]) -> str:
    best = other
    for x in xs:
        if len(x) > 2:
            best = x
    if best is None:
        best = "none"
    return best

def reverse(s: List[int]) -> List[int]:
    out: List[int] = []
    i = len(s)
    while i > 0:
        i -= 1
        out.append(s[i])
    return out

def pairs(n: int) -> List[Tuple[int, str]]:
    out: List[Tuple[int, str]] = []
    for i in range(n):
        out.append((i, str(i * i)))
    return out

def mixed(n: int) -> float:
    total = 0.0
    for i in range(n):
        total += i / 2
    return total * 2
)");
  const auto words = detail::make_ref<List>();
  for (const char* w : {"a", "b", "a", "abc", "a"}) words->items.emplace_back(w);
  const Value counted = run("m.count", Value(words));
  EXPECT_EQ(counted.repr(), "{'a': 3, 'b': 1, 'abc': 1}");
  EXPECT_EQ(result("find", counted, "a"), "3");
  EXPECT_EQ(result("find", counted, "z"), "None");
  EXPECT_EQ(result("or_zero", counted, "b"), "2");
  EXPECT_EQ(result("or_zero", counted, "z"), "0");
  EXPECT_EQ(result("last_or", Value(words), Value()), "'abc'");
  EXPECT_EQ(result("last_or", Value(detail::make_ref<List>()), Value()), "'none'");
  EXPECT_EQ(result("last_or", Value(detail::make_ref<List>()), "x"), "'x'");
  const auto xs = detail::make_ref<List>(std::vector<Value>{Value(1), Value(5), Value(9)});
  EXPECT_EQ(result("reverse", Value(xs)), "[9, 5, 1]");
  EXPECT_EQ(result("pairs", 3), "[(0, '0'), (1, '1'), (2, '4')]");
  EXPECT_EQ(result("mixed", 10), "45.0");
}

TEST_P(Program, ForksWaitsAndTensors) {
  program(R"(
import torch

def foo(a: Tensor, b: int) -> Tensor:
    return a + b

def bar(a):
    fut: torch.jit.Future[Tensor] = torch.jit.fork(foo, a, b=2)
    return torch.jit.wait(fut)

def spread(a: Tensor, n: int) -> Tensor:
    futures: List[torch.jit.Future[Tensor]] = []
    for i in range(n):
        futures.append(torch.jit.fork(foo, a, i))
    total = torch.zeros([])
    for f in futures:
        total = total + torch.jit.wait(f)
    return total

def fib(n: int) -> int:
    if n < 2:
        return n
    f = torch.jit.fork(fib, n - 1)
    return fib(n - 2) + torch.jit.wait(f)
)");
  EXPECT_EQ(run("m.bar", Tensor::scalar(int64_t{2})).as_tensor().item_as_int(), 4);
  EXPECT_EQ(run("m.spread", Tensor::scalar(1.0, DType::kFloat32), 100).as_tensor().item_as_double(),
            100 + 4950);
  EXPECT_EQ(result("fib", 16), "987");
}

TEST_P(Program, ErrorsShowEveryLineTheyCameThrough) {
  program(R"(
import torch

def divide(a: int, b: int) -> int:
    return a // b

def check(x: int) -> int:
    assert x > 0, "x must be positive"
    if x > 100:
        raise ValueError("too large")
    return x

def twice(x: int) -> int:
    f = torch.jit.fork(divide, x, 0)
    return torch.jit.wait(f)
)");
  const Error error = error_of([&] { run("m.twice", 4); });
  EXPECT_EQ(error.kind(), ErrorKind::kZeroDivision);
  std::string lines;
  for (const Hop& hop : error.trail()) lines += hop.what + ":" + std::to_string(hop.line) + " ";
  EXPECT_EQ(lines, "m.divide:5 m.twice:14 m.twice:15 ");
  EXPECT_EQ(error_of([&] { run("m.check", -1); }).kind(), ErrorKind::kAssertion);
  EXPECT_EQ(error_of([&] { run("m.check", 1000); }).message(), "too large");
  EXPECT_EQ(result("check", 5), "5");
}

INSTANTIATE_TEST_SUITE_P(Passes, Program, ::testing::Values(false, true),
                         [](const auto& info) { return info.param ? "Simplified" : "AsWritten"; });

}  // namespace
}  // namespace tine::test
