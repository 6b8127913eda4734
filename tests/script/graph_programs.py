"""Programs whose graphs PyTorch printed into pytorch_graphs.txt: each with the arguments of a call.

`python tests/script/graph_programs.py`, run by a Python that has PyTorch, prints that file anew.
"""

from typing import Dict, List, Optional, Tuple

try:
    import tine as torch
except ImportError:
    import torch  # type: ignore[no-redef]
Tensor = torch.Tensor

# Each entry: the program, and its arguments.
PROGRAMS = []


def program(*args):
    def add(fn):
        PROGRAMS.append((fn, args))
        return fn
    return add


def ones():
    return torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])


def row():
    return torch.tensor([1.0, 2.0, 3.0])


@program(3, 4)
def add_ints(a: int, b: int) -> int:
    return a + b * 2 - 1


@program(7, 3)
def divide_ints(a: int, b: int) -> Tuple[int, int, float]:
    return a // b, a % b, a / b


@program(2.5, 4)
def mix_numbers(a: float, b: int) -> float:
    return a * b + b - a / 2.0


@program(5, 3)
def bits(a: int, b: int) -> Tuple[int, int, int]:
    return a & b, a | b, a ^ b


@program(2.0)
def powers(a: float) -> Tuple[float, float]:
    return a ** 2.0, a ** 0.5


@program(3, 5)
def compare_ints(a: int, b: int) -> List[bool]:
    return [a < b, a <= b, a == b, a != b, a > b, a >= b]


@program(True, False)
def booleans(a: bool, b: bool) -> Tuple[bool, bool, bool]:
    return a and b, a or b, not a


@program(2, 9)
def chains(a: int, b: int) -> bool:
    return 0 < a < b and a != 5


@program(-3)
def absolute(a: int) -> Tuple[int, int, int]:
    return abs(a), min(a, 2), max(a, 2)


@program(2.7)
def conversions(a: float) -> Tuple[int, float, bool, str]:
    return int(a), float(3), bool(a), str(4)


@program(4)
def branch(n: int) -> int:
    if n > 3:
        return n
    else:
        return -n


@program(4)
def early_return(n: int) -> int:
    if n > 3:
        return 1
    n = n * 2
    if n > 5:
        return 2
    return 3


@program(10)
def return_from_loop(n: int) -> int:
    for i in range(n):
        if i * i > 20:
            return i
    return -1


@program(10)
def break_and_continue(n: int) -> int:
    total = 0
    for i in range(n):
        if i == 3:
            continue
        if i == 7:
            break
        total += i
    return total


@program(17)
def while_loop(n: int) -> int:
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


@program(3)
def nested_loops(n: int) -> int:
    total = 0
    for i in range(n):
        for j in range(i):
            total += i * j
    return total


@program(5)
def ranges(n: int) -> List[int]:
    out: List[int] = []
    for i in range(1, n, 2):
        out.append(i)
    for i in range(n, 0, -1):
        out.append(i)
    return out


@program([3, 1, 2])
def over_a_list(xs: List[int]) -> int:
    total = 0
    for x in xs:
        total += x
    return total


@program([3, 1, 2])
def list_methods(xs: List[int]) -> Tuple[int, List[int], int]:
    xs.append(5)
    xs.insert(0, 9)
    last = xs.pop()
    xs.extend([7, 8])
    xs.reverse()
    return last, xs, len(xs)


@program([3, 1, 2])
def list_items(xs: List[int]) -> Tuple[int, int, List[int]]:
    xs[0] = 10
    return xs[0], xs[-1], xs[1:]


@program([3, 1, 2])
def comprehension(xs: List[int]) -> List[int]:
    return [x * 2 for x in xs]


@program([3, 1, 2])
def contains(xs: List[int]) -> Tuple[bool, bool]:
    return 3 in xs, 4 not in xs


@program([1.5, 2.5])
def floats(xs: List[float]) -> float:
    return sum(xs) + xs[0]


@program({"a": 1, "b": 2})
def dicts(d: Dict[str, int]) -> Tuple[int, int, bool]:
    d["c"] = 3
    return d["a"], len(d), "b" in d


@program(2)
def make_dict(n: int) -> Dict[str, int]:
    d = {"one": 1, "n": n}
    d["more"] = n + 1
    return d


@program({"a": 1, "b": 2})
def over_a_dict(d: Dict[str, int]) -> Tuple[List[str], int]:
    names: List[str] = []
    total = 0
    for key in d.keys():
        names.append(key)
    for key, value in d.items():
        total += value
    return names, total


@program(2)
def tuples(n: int) -> Tuple[int, str, float]:
    t = (n, "s", 2.5)
    a, b, c = t
    return a + t[0], b, c


@program(2)
def tuple_slices(n: int) -> Tuple[int, float]:
    t = (n, n + 1, 2.5)
    return t[1:]


@program("ab", "cd")
def strings(a: str, b: str) -> Tuple[str, int, bool, str]:
    return a + b, len(a), a == b, a.upper()


@program("a b c")
def string_methods(s: str) -> Tuple[List[str], str, bool]:
    return s.split(" "), s.replace("a", "x"), s.startswith("a")


@program("hello")
def string_items(s: str) -> Tuple[str, str]:
    return s[0], s[1:3]


@program(2, "x")
def formats(n: int, s: str) -> str:
    return "{} and {}".format(n, s)


@program(2)
def prints(n: int) -> int:
    print("n is", n)
    return n


@program(None)
def optional(n: Optional[int]) -> int:
    if n is None:
        return 0
    return n + 1


@program(4)
def optional_there(n: Optional[int]) -> int:
    if n is not None:
        n = n + 1
    else:
        n = 5
    return n


@program(3)
def optional_results(n: int) -> Optional[int]:
    if n > 2:
        return n
    return None


@program(3)
def raises_sometimes(n: int) -> int:
    if n < 0:
        raise ValueError("n is negative")
    return n


@program(3)
def raises_in_else(n: int) -> int:
    if n > 0:
        m = n * 2
    else:
        raise RuntimeError("not here")
    return m


@program(3)
def asserts(n: int) -> int:
    assert n > 0, "n must be positive"
    return n * 2


@program(True, 2)
def ternary(c: bool, n: int) -> int:
    return n if c else -n


def double(n: int) -> int:
    return n * 2


@program(ones())
def add_tensors(x: Tensor) -> Tensor:
    return x + x * 2 - 1.5


@program(ones())
def arithmetic(x: Tensor) -> Tensor:
    return (x - 1) / 2 + -x ** 2


@program(ones())
def reductions(x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    return x.sum(), x.mean(), x.sum(dim=1)


@program(ones())
def two_results(x: Tensor) -> Tuple[Tensor, Tensor]:
    values, indices = x.max(dim=1)
    return values, indices


@program(ones())
def views(x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    return x.view(3, 2), x.t(), x.reshape(-1)


@program(ones())
def subscripts(x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    return x[0], x[:, 1], x[1, 1:]


@program(ones())
def new_dimensions(x: Tensor) -> Tensor:
    return x[None].unsqueeze(1).squeeze(0)


@program(ones())
def assign_slice(x: Tensor) -> Tensor:
    y = x.clone()
    y[0] = 7.0
    y[:, 1] = 0.0
    return y


@program(ones())
def in_place(x: Tensor) -> Tensor:
    y = x.clone()
    y.add_(1)
    y += 2
    y.mul_(3.0)
    return y


@program(ones())
def sizes(x: Tensor) -> Tuple[int, int, List[int], int]:
    return x.size(0), x.dim(), x.size(), x.numel()


@program(ones())
def shapes(x: Tensor) -> Tuple[int, bool]:
    return x.shape[1], x.dtype == torch.float32


@program(2, 3)
def makes(n: int, m: int) -> Tuple[Tensor, Tensor, Tensor]:
    return torch.zeros(n, m), torch.ones([n, m]), torch.arange(n)


@program(ones())
def likes(x: Tensor) -> Tensor:
    return torch.zeros_like(x) + torch.ones_like(x)


@program(ones())
def activations(x: Tensor) -> Tensor:
    return torch.relu(x) + torch.tanh(x) + torch.sigmoid(x)


@program(ones())
def softmaxes(x: Tensor) -> Tensor:
    return torch.softmax(x, dim=1) + torch.log_softmax(x, dim=1)


@program(ones())
def products(x: Tensor) -> Tensor:
    return torch.mm(x, x.t()) + torch.matmul(x, x.t())


@program(ones())
def concatenations(x: Tensor) -> Tuple[Tensor, Tensor]:
    return torch.cat([x, x], dim=0), torch.stack([x, x])


@program(ones())
def comparisons(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, torch.zeros_like(x))


@program(ones())
def masks(x: Tensor) -> Tensor:
    return x[x > 1.5]


@program(ones())
def scalars(x: Tensor) -> Tuple[float, float]:
    return float(x[0, 0]), float(x[0, 1]) + 1.0


@program(ones())
def tensor_conditions(x: Tensor) -> Tensor:
    if bool(x.sum() > 0):
        return x
    return -x


@program(row())
def over_a_tensor(x: Tensor) -> Tensor:
    total = torch.zeros([])
    for i in range(x.size(0)):
        total = total + x[i] * i
    return total


@program(ones())
def clamps(x: Tensor) -> Tensor:
    return torch.clamp(x, -1.0, 1.0).abs().sqrt()


@program(ones())
def transposes(x: Tensor) -> Tensor:
    return x.transpose(0, 1).permute(1, 0).contiguous()


@program(ones(), None)
def optional_tensor(x: Tensor, bias: Optional[Tensor]) -> Tensor:
    if bias is not None:
        x = x + bias
    return x


@program([row(), row()])
def lists_of_tensors(xs: List[Tensor]) -> Tensor:
    total = torch.zeros_like(xs[0])
    for x in xs:
        total = total + x
    return total


@program(ones())
def casts(x: Tensor) -> Tensor:
    return x.to(torch.float64) + x.to(torch.int64)


@program(ones())
def tensor_literals(x: Tensor) -> Tensor:
    return torch.tensor([1.0, 2.0, 3.0]) + x + torch.tensor(2)


def part(x: Tensor, n: int) -> Tensor:
    return x * n


@program(ones())
def forks(x: Tensor) -> Tensor:
    future = torch.jit.fork(part, x, 2)
    return torch.jit.wait(future) + x


@program(ones())
def many_forks(x: Tensor) -> Tensor:
    futures = [torch.jit.fork(part, x, i) for i in range(3)]
    total = torch.zeros_like(x)
    for future in futures:
        total = total + torch.jit.wait(future)
    return total


@program(ones())
def calls(x: Tensor) -> Tensor:
    return part(part(x, 2), 3)


@program(4)
def calls_of_ints(n: int) -> int:
    return double(n) + double(n + 1)


@program([3, 1, 2])
def enumerates(xs: List[int]) -> int:
    total = 0
    for i, x in enumerate(xs):
        total += i * x
    return total


@program([3, 1], [5, 6])
def zips(xs: List[int], ys: List[int]) -> int:
    total = 0
    for x, y in zip(xs, ys):
        total += x * y
    return total


@program([3, 1, 2])
def sorts(xs: List[int]) -> List[int]:
    xs.sort()
    return sorted(xs)


@program(2)
def nested_lists(n: int) -> List[List[int]]:
    return [[n, n + 1], [n + 2]]


@program([[1, 2], [3]])
def flattens(xs: List[List[int]]) -> List[int]:
    out: List[int] = []
    for x in xs:
        out += x
    return out


@program(5)
def infinite_loop(n: int) -> int:
    i = 0
    while True:
        i += 1
        if i > n:
            break
    return i


@program(5)
def deep_returns(n: int) -> str:
    for i in range(n):
        for j in range(n):
            if i * j == 6:
                return "found {} {}".format(i, j)
    return "none"


def main() -> None:
    import re
    import sys

    import programs

    # Of these PyTorch writes other bytes than those of ASCII so that nobody can read them.
    unreadable = ("case_escapes",)
    cases = [fn for name, fn in vars(programs).items() if name.startswith("case_") and name not in unreadable]
    for fn in [*(fn for fn, _ in PROGRAMS), *cases]:
        try:
            text = str(torch.jit.script(fn).graph).rstrip()
        except Exception as error:  # of several classes
            print(f"PyTorch refuses {fn.__name__}: {error}", file=sys.stderr)
            continue
        text = re.sub(r"# .*?([\w.]+\.py:)", r"# \1", text)
        print(f"==== {fn.__name__}\n{text}")
    # What these call, and a trace and a module: nothing of these is run.
    traced = torch.jit.trace(lambda x: torch.relu(x.view(x.size(0), -1)).sum(dim=1), (ones(),))
    module = torch.jit.script(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()))
    traced_module = torch.jit.trace(torch.nn.Linear(3, 2), (ones(),))
    for name, graph in (("!trace", traced.graph), ("!module", module.graph), ("!inlined_module", module.inlined_graph),
                        ("!traced_module", traced_module.inlined_graph), ("!part", torch.jit.script(part).graph)):
        text = re.sub(r"# .*?([\w.]+\.py:)", r"# \1", str(graph).rstrip())
        print(f"==== {name}\n{text}")


if __name__ == "__main__":
    main()
