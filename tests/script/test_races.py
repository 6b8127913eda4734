"""Forks that race are reported when they are compiled, with both places; forks that do not are not.

Each program is the text of some functions, of which `f` forks. The line that ends in `# W` is where the write is, and the one
that ends in `# O` the other access; both may be the same line.
"""

import warnings

import pytest

import tine as torch

HELPERS = """
def adds(x: Tensor) -> Tensor:
    x.add_(1)
    return x

def reads(x: Tensor) -> Tensor:
    return x * 2

def appends(xs: List[int]) -> int:
    xs.append(1)
    return len(xs)

def sets(d: Dict[str, int]) -> int:
    d["a"] = 1
    return 0

def pure(n: int) -> int:
    return n + 1

def fills(x: Tensor, i: int) -> int:
    x[i] = 1.0
    return i

def first(xs: List[Tensor]) -> Tensor:
    xs[0].add_(1)
    return xs[0]

def adds_through_view(x: Tensor) -> int:
    x.view(-1)[0:2].mul_(2)
    return 0

def adds_deeper(x: Tensor) -> int:
    adds(x)
    return 0

def forks_inside(x: Tensor) -> int:
    inner = torch.jit.fork(adds, x)
    torch.jit.wait(inner)
    return 0

def gives_back(x: Tensor) -> Tensor:
    return x
"""

RACES = {
    "reads what the task writes": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    y = x * 2
    torch.jit.wait(t)
    return y
""",
    "writes what the task writes": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    x.mul_(2)
    return torch.jit.wait(t)
""",
    "writes what the task reads": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(reads, x)
    x.mul_(2)
    return torch.jit.wait(t)
""",
    "two tasks write": """
def f(x: Tensor) -> Tensor:
    a = torch.jit.fork(adds, x)
    b = torch.jit.fork(adds, x)
    return torch.jit.wait(a) + torch.jit.wait(b)
""",
    "one task writes, the other reads": """
def f(x: Tensor) -> Tensor:
    a = torch.jit.fork(adds, x)
    b = torch.jit.fork(reads, x)
    return torch.jit.wait(a) + torch.jit.wait(b)
""",
    "one task reads, the other writes": """
def f(x: Tensor) -> Tensor:
    a = torch.jit.fork(reads, x)
    b = torch.jit.fork(adds, x)
    return torch.jit.wait(a) + torch.jit.wait(b)
""",
    "a list is appended to": """
def f(xs: List[int]) -> int:
    t = torch.jit.fork(appends, xs)
    n = len(xs)
    return n + torch.jit.wait(t)
""",
    "both append": """
def f(xs: List[int]) -> int:
    t = torch.jit.fork(appends, xs)
    xs.append(2)
    return torch.jit.wait(t)
""",
    "a dict": """
def f(d: Dict[str, int]) -> int:
    t = torch.jit.fork(sets, d)
    n = d["b"]
    return n + torch.jit.wait(t)
""",
    "a dict is written": """
def f(d: Dict[str, int]) -> int:
    t = torch.jit.fork(sets, d)
    d["b"] = 2
    return torch.jit.wait(t)
""",
    "a list of its own": """
def f(n: int) -> int:
    xs: List[int] = []
    t = torch.jit.fork(appends, xs)
    xs.append(n)
    return torch.jit.wait(t)
""",
    "a Tensor of its own": """
def f(n: int) -> Tensor:
    x = torch.zeros(n)
    t = torch.jit.fork(adds, x)
    y = x + 1
    torch.jit.wait(t)
    return y
""",
    "a view was made before": """
def f(x: Tensor) -> Tensor:
    v = x.view(-1)
    t = torch.jit.fork(adds, x)
    y = v + 1
    torch.jit.wait(t)
    return y
""",
    "the task gets a view": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x.t())
    y = x + 1
    torch.jit.wait(t)
    return y
""",
    "the task writes through a view": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds_through_view, x)
    y = x + 1
    torch.jit.wait(t)
    return y
""",
    "the same row": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x[0])
    y = x[0] + 1
    torch.jit.wait(t)
    return y
""",
    "a row and the whole": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x[0])
    y = x.sum()
    torch.jit.wait(t)
    return y
""",
    "a row and a column": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x[0])
    y = x[:, 1] + 1
    torch.jit.wait(t)
    return y
""",
    "slices that overlap": """
def f(x: Tensor) -> Tensor:
    a = torch.jit.fork(adds, x[0:5])
    b = torch.jit.fork(adds, x[4:8])
    return torch.jit.wait(a).sum() + torch.jit.wait(b).sum()
""",
    "a row in a slice": """
def f(x: Tensor) -> Tensor:
    a = torch.jit.fork(adds, x[0:5])
    y = x[3] + 1
    torch.jit.wait(a)
    return y
""",
    "assigned by a subscript": """
def f(x: Tensor) -> int:
    a = torch.jit.fork(fills, x, 0)
    b = torch.jit.fork(fills, x, 0)
    return torch.jit.wait(a) + torch.jit.wait(b)
""",
    "the same index twice": """
def f(x: Tensor, i: int) -> int:
    a = torch.jit.fork(fills, x, i)
    x[i] = 2.0
    return torch.jit.wait(a)
""",
    "in a list of Tensors": """
def f(x: Tensor) -> Tensor:
    xs = [x, x + 1]
    t = torch.jit.fork(first, xs)
    y = x + 1
    torch.jit.wait(t)
    return y
""",
    "an element of a list of Tensors": """
def f(xs: List[Tensor]) -> Tensor:
    t = torch.jit.fork(first, xs)
    y = xs[0] + 1
    torch.jit.wait(t)
    return y
""",
    "out of a tuple": """
def f(x: Tensor) -> Tensor:
    both = (x, x + 1)
    t = torch.jit.fork(adds, both[0])
    y = x + 1
    torch.jit.wait(t)
    return y
""",
    "through a call": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds_deeper, x)
    y = reads(x)
    torch.jit.wait(t)
    return y
""",
    "through a result": """
def f(x: Tensor) -> Tensor:
    same = gives_back(x)
    t = torch.jit.fork(adds, x)
    y = same + 1
    torch.jit.wait(t)
    return y
""",
    "the task forks the write": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(forks_inside, x)
    y = x + 1
    torch.jit.wait(t)
    return y
""",
    "tasks of a loop write one": """
def f(x: Tensor, n: int) -> Tensor:
    ts: List[Future[Tensor]] = []
    for i in range(n):
        ts.append(torch.jit.fork(adds, x))
    for t in ts:
        torch.jit.wait(t)
    return x
""",
    "tasks of a comprehension write one": """
def f(x: Tensor, n: int) -> Tensor:
    ts = [torch.jit.fork(adds, x) for i in range(n)]
    for t in ts:
        torch.jit.wait(t)
    return x
""",
    "a write in the loop that forks": """
def f(x: Tensor, n: int) -> Tensor:
    ts: List[Future[Tensor]] = []
    for i in range(n):
        ts.append(torch.jit.fork(reads, x))
        x.add_(1)
    for t in ts:
        torch.jit.wait(t)
    return x
""",
    "a read in one branch": """
def f(x: Tensor, c: bool) -> Tensor:
    t = torch.jit.fork(adds, x)
    y = torch.zeros(1)
    if c:
        y = x + 1
    torch.jit.wait(t)
    return y
""",
    "forked in one branch": """
def f(x: Tensor, c: bool) -> Tensor:
    if c:
        t = torch.jit.fork(adds, x)
    else:
        t = torch.jit.fork(reads, x)
    y = x + 1
    torch.jit.wait(t)
    return y
""",
    "either of two": """
def f(x: Tensor, z: Tensor, c: bool) -> Tensor:
    chosen = x if c else z
    t = torch.jit.fork(adds, chosen)
    y = z + 1
    torch.jit.wait(t)
    return y
""",
    "another one is waited for": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    other = torch.jit.fork(pure, 3)
    n = torch.jit.wait(other)
    y = x + n
    torch.jit.wait(t)
    return y
""",
    "never waited for": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    return x + 1
""",
    "printed": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    print(x)
    return torch.jit.wait(t)
""",
    "in a while loop": """
def f(x: Tensor, n: int) -> Tensor:
    t = torch.jit.fork(adds, x)
    while n > 0:
        x.mul_(2)
        n -= 1
    return torch.jit.wait(t)
""",
    "concatenated": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    y = torch.cat([x, x])
    torch.jit.wait(t)
    return y
""",
    "copied into": """
def f(x: Tensor, z: Tensor) -> Tensor:
    t = torch.jit.fork(reads, x)
    x.copy_(z)
    return torch.jit.wait(t)
""",
    "by an augmented assignment": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(reads, x)
    x += 1
    return torch.jit.wait(t)
""",
    "in a helper that forks": """
def helper(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    y = x + 1
    torch.jit.wait(t)
    return y

def f(x: Tensor) -> Tensor:
    return helper(x)
""",
    "two pieces of a list": """
def f(x: Tensor) -> Tensor:
    halves = x.chunk(2)
    t = torch.jit.fork(adds, halves[0])
    y = x + 1
    torch.jit.wait(t)
    return y
""",
    "an expanded one": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x.unsqueeze(0))
    y = x.reshape(-1).sum()
    torch.jit.wait(t)
    return y
""",
    "item of a dict of Tensors": """
def f(d: Dict[str, Tensor]) -> Tensor:
    t = torch.jit.fork(adds, d["a"])
    y = d["a"] + 1
    torch.jit.wait(t)
    return y
""",
}

FINE = {
    "waits first": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    torch.jit.wait(t)
    return x + 1
""",
    "both only read": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(reads, x)
    y = x + 1
    return y + torch.jit.wait(t)
""",
    "two tasks read": """
def f(x: Tensor) -> Tensor:
    a = torch.jit.fork(reads, x)
    b = torch.jit.fork(reads, x)
    return torch.jit.wait(a) + torch.jit.wait(b)
""",
    "a copy": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x.clone())
    return x + torch.jit.wait(t)
""",
    "a new Tensor": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x + 1)
    return x + torch.jit.wait(t)
""",
    "a copy of its own to write": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(reads, x)
    y = x.clone()
    y.add_(1)
    return y + torch.jit.wait(t)
""",
    "two inputs": """
def f(x: Tensor, z: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    y = z + 1
    torch.jit.wait(t)
    return y
""",
    "tasks of two inputs": """
def f(x: Tensor, z: Tensor) -> Tensor:
    a = torch.jit.fork(adds, x)
    b = torch.jit.fork(adds, z)
    return torch.jit.wait(a) + torch.jit.wait(b)
""",
    "numbers": """
def f(n: int) -> int:
    t = torch.jit.fork(pure, n)
    n += 1
    return n + torch.jit.wait(t)
""",
    "the write was before": """
def f(x: Tensor) -> Tensor:
    x.add_(1)
    t = torch.jit.fork(reads, x)
    return torch.jit.wait(t)
""",
    "the write comes after": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(reads, x)
    y = torch.jit.wait(t)
    x.add_(1)
    return y
""",
    "one after the other": """
def f(x: Tensor) -> Tensor:
    torch.jit.wait(torch.jit.fork(adds, x))
    torch.jit.wait(torch.jit.fork(adds, x))
    return x
""",
    "another row": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x[0])
    y = x[1] + 1
    torch.jit.wait(t)
    return y
""",
    "two rows": """
def f(x: Tensor) -> Tensor:
    a = torch.jit.fork(adds, x[0])
    b = torch.jit.fork(adds, x[1])
    return torch.jit.wait(a) + torch.jit.wait(b)
""",
    "two columns": """
def f(x: Tensor) -> Tensor:
    a = torch.jit.fork(adds, x[:, 0])
    b = torch.jit.fork(adds, x[:, 1])
    return torch.jit.wait(a) + torch.jit.wait(b)
""",
    "slices that meet": """
def f(x: Tensor) -> Tensor:
    a = torch.jit.fork(adds, x[0:4])
    b = torch.jit.fork(adds, x[4:8])
    return torch.jit.wait(a) + torch.jit.wait(b)
""",
    "halves": """
def f(x: Tensor, n: int) -> Tensor:
    a = torch.jit.fork(adds, x[:n])
    b = torch.jit.fork(adds, x[n:])
    return torch.jit.wait(a).sum() + torch.jit.wait(b).sum()
""",
    "a row for each task": """
def f(x: Tensor) -> Tensor:
    ts: List[Future[Tensor]] = []
    for i in range(x.size(0)):
        ts.append(torch.jit.fork(adds, x[i]))
    for t in ts:
        torch.jit.wait(t)
    return x
""",
    "an index for each task": """
def f(x: Tensor, n: int) -> int:
    ts = [torch.jit.fork(fills, x, i) for i in range(n)]
    total = 0
    for t in ts:
        total += torch.jit.wait(t)
    return total
""",
    "two indices": """
def f(x: Tensor) -> int:
    a = torch.jit.fork(fills, x, 0)
    b = torch.jit.fork(fills, x, 1)
    return torch.jit.wait(a) + torch.jit.wait(b)
""",
    "an element for each task": """
def f(xs: List[Tensor]) -> Tensor:
    ts = [torch.jit.fork(adds, x) for x in xs]
    total = torch.zeros(1)
    for t in ts:
        total = total + torch.jit.wait(t)
    return total
""",
    "two elements": """
def f(xs: List[Tensor]) -> Tensor:
    a = torch.jit.fork(adds, xs[0])
    b = torch.jit.fork(adds, xs[1])
    return torch.jit.wait(a) + torch.jit.wait(b)
""",
    "elements of a list that was made here": """
def f(x: Tensor, z: Tensor) -> Tensor:
    xs = [x, z]
    t = torch.jit.fork(adds, xs[0])
    y = z + 1
    torch.jit.wait(t)
    return y
""",
    "elements of a tuple": """
def f(x: Tensor, z: Tensor) -> Tensor:
    both = (x, z)
    t = torch.jit.fork(adds, both[0])
    y = both[1] + 1
    torch.jit.wait(t)
    return y
""",
    "made anew in each turn": """
def f(n: int) -> Tensor:
    ts: List[Future[Tensor]] = []
    for i in range(n):
        x = torch.zeros(3)
        x.add_(i)
        ts.append(torch.jit.fork(adds, x))
    total = torch.zeros(3)
    for t in ts:
        total = total + torch.jit.wait(t)
    return total
""",
    "waited for in each turn": """
def f(x: Tensor, n: int) -> Tensor:
    for i in range(n):
        t = torch.jit.fork(adds, x)
        torch.jit.wait(t)
        x.mul_(2)
    return x
""",
    "waited for in both branches": """
def f(x: Tensor, c: bool) -> Tensor:
    t = torch.jit.fork(adds, x)
    if c:
        y = torch.jit.wait(t)
    else:
        y = torch.jit.wait(t) + 1
    return y + x
""",
    "in the other branch": """
def f(x: Tensor, c: bool) -> Tensor:
    if c:
        t = torch.jit.fork(adds, x)
        y = torch.jit.wait(t)
    else:
        y = x + 1
    return y
""",
    "all waited for": """
def f(x: Tensor, n: int) -> Tensor:
    ts = [torch.jit.fork(reads, x) for i in range(n)]
    for t in ts:
        torch.jit.wait(t)
    x.add_(1)
    return x
""",
    "by the method": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    y = t.wait()
    return y + x
""",
    "only the shape": """
def f(x: Tensor) -> int:
    t = torch.jit.fork(adds, x)
    n = x.size(0) + x.dim() + x.numel()
    torch.jit.wait(t)
    return n
""",
    "only a view is made": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    v = x.view(-1)
    torch.jit.wait(t)
    return v + 1
""",
    "likes of it": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    z = torch.zeros_like(x)
    return z + torch.jit.wait(t)
""",
    "a copy of the list": """
def f(xs: List[int]) -> int:
    t = torch.jit.fork(appends, xs.copy())
    return len(xs) + torch.jit.wait(t)
""",
    "a list of its own each": """
def f(n: int) -> int:
    a = torch.jit.fork(appends, [n])
    b = torch.jit.fork(appends, [n])
    return torch.jit.wait(a) + torch.jit.wait(b)
""",
    "is it None": """
def f(x: Optional[Tensor]) -> int:
    if x is not None:
        t = torch.jit.fork(adds, x)
        n = 1 if x is not None else 2
        torch.jit.wait(t)
        return n
    return 0
""",
    "passed on to be waited for": """
def waits(t: Future[Tensor]) -> Tensor:
    return torch.jit.wait(t)

def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    y = waits(t)
    return y + x
""",
    "read through a call": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(reads, x)
    y = reads(x)
    return y + torch.jit.wait(t)
""",
    "the result is written": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(reads, x)
    y = torch.jit.wait(t)
    y.add_(x)
    return y
""",
    "returns while it runs": """
def f(x: Tensor, c: bool) -> Future[Tensor]:
    t = torch.jit.fork(adds, x)
    return t
""",
    "leaves first": """
def f(x: Tensor, c: bool) -> Tensor:
    if c:
        t = torch.jit.fork(adds, x)
        return torch.jit.wait(t)
    return x + 1
""",
    "fork and join": """
def f(n: int) -> int:
    if n < 2:
        return n
    t = torch.jit.fork(pure, n - 1)
    return pure(n - 2) + torch.jit.wait(t)
""",
    "two items of a dict": """
def f(d: Dict[str, Tensor]) -> Tensor:
    t = torch.jit.fork(adds, d["a"])
    y = d["b"] + 1
    torch.jit.wait(t)
    return y
""",
    "all collected": """
def f(x: Tensor) -> Tensor:
    ts = [torch.jit.fork(adds, x.clone()), torch.jit.fork(reads, x)]
    ys = torch.futures.wait_all(ts)
    x.add_(1)
    return x + ys[0]
""",
}

CLASSES = """
class Counter(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 0
        self.other = 0
        self.register_buffer("total", torch.zeros(2))
        self.register_buffer("spare", torch.zeros(2))

    def bump(self) -> int:
        self.count = self.count + 1
        return self.count

    def adds(self, x: Tensor) -> int:
        self.total.add_(x)
        return 0

    def forward(self, x: Tensor) -> Tensor:
"""

MODULE_RACES = {
    "an attribute": """
        t = torch.jit.fork(self.bump)
        n = self.count
        return x + n + torch.jit.wait(t)
""",
    "a buffer": """
        t = torch.jit.fork(self.adds, x)
        y = self.total + 1
        torch.jit.wait(t)
        return y
""",
    "two tasks and a buffer": """
        a = torch.jit.fork(self.adds, x)
        b = torch.jit.fork(self.adds, x)
        return x + torch.jit.wait(a) + torch.jit.wait(b)
""",
    "an attribute in a method": """
        t = torch.jit.fork(self.bump)
        n = self.bump()
        return x + n + torch.jit.wait(t)
""",
}
MODULE_FINE = {
    "another attribute": """
        t = torch.jit.fork(self.bump)
        self.other = 3
        return x + self.other + torch.jit.wait(t)
""",
    "another buffer": """
        t = torch.jit.fork(self.adds, x)
        y = self.spare + x
        return y + torch.jit.wait(t)
""",
    "the attribute afterwards": """
        t = torch.jit.fork(self.bump)
        n = torch.jit.wait(t)
        return x + self.count + n
""",
}


def races_of(text):
    """What is told of a unit with that text, whatever the order."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        torch.jit.CompilationUnit(HELPERS + text)
    return [w for w in told if issubclass(w.category, torch.jit.RaceWarning)]


def module_of(tmp_path, body, monkeypatch):
    import importlib.util

    path = tmp_path / "counter_module.py"
    path.write_text("import tine as torch\nfrom tine import Tensor\n" + CLASSES + body.strip("\n") + "\n")
    spec = importlib.util.spec_from_file_location("counter_module", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Counter()


def test_there_are_enough_programs():
    assert len(RACES) + len(MODULE_RACES) >= 40 and len(FINE) + len(MODULE_FINE) >= 40


@pytest.mark.parametrize("name", RACES)
def test_a_race_is_reported_with_both_places(name):
    told = races_of(RACES[name])
    assert told, name
    for warning in told:
        message = str(warning.message)
        assert message.startswith("a race: ") and "wait for it first, or give it a copy" in message
        first = message.splitlines()[0]
        assert first.count("<__") + first.count(":") >= 4, first  # two places with lines and columns
        assert "^" in message
        assert "torch.jit.fork" in (HELPERS + RACES[name]).splitlines()[warning.lineno - 1]
    with pytest.raises(torch.SyntaxError, match="a race: "):
        torch.jit.CompilationUnit(HELPERS + RACES[name], strict=True)


@pytest.mark.parametrize("name", FINE)
def test_what_is_no_race_is_not_reported(name):
    assert [str(w.message) for w in races_of(FINE[name])] == []
    torch.jit.CompilationUnit(HELPERS + FINE[name], strict=True)


@pytest.mark.parametrize("name", MODULE_RACES)
def test_a_race_on_an_attribute_is_reported(name, tmp_path, monkeypatch):
    with pytest.warns(torch.jit.RaceWarning, match="a race: "):
        torch.jit.script(module_of(tmp_path, MODULE_RACES[name], monkeypatch))
    with pytest.raises(torch.SyntaxError, match="a race: "):
        torch.jit.script(module_of(tmp_path, MODULE_RACES[name], monkeypatch), strict=True)


@pytest.mark.parametrize("name", MODULE_FINE)
def test_other_attributes_are_no_race(name, tmp_path, monkeypatch):
    torch.jit.script(module_of(tmp_path, MODULE_FINE[name], monkeypatch), strict=True)


def test_the_places_are_those_of_the_write_and_of_the_other_access():
    (told,) = races_of(RACES["reads what the task writes"])
    lines = (HELPERS + RACES["reads what the task writes"]).splitlines()
    write = lines.index("    x.add_(1)") + 1
    read = lines.index("    y = x * 2") + 1
    first = str(told.message).splitlines()[0]
    assert f":{write}:5 to what its forker reads at" in first and f":{read}:9 before the task is waited for" in first
    assert "    x.add_(1)" in str(told.message) and "    y = x * 2" in str(told.message)


def test_the_forker_that_writes_is_told_so():
    (told,) = races_of(RACES["writes what the task reads"])
    assert "a race: the forker writes at" in str(told.message) and "to what the task that is forked here reads at" in str(told.message)


def raced(x: torch.Tensor) -> torch.Tensor:
    later = torch.jit.fork(double_in_place, x)
    y = x + 1
    torch.jit.wait(later)
    return y


def double_in_place(x: torch.Tensor) -> torch.Tensor:
    return x.mul_(2)


def test_a_function_of_python_is_told_where_it_forks():
    with pytest.raises(torch.SyntaxError, match=r"test_races\.py:\d+: a race"):
        torch.jit.script(raced, strict=True)
    with pytest.warns(torch.jit.RaceWarning) as told:
        torch.jit.script(raced)
    assert told[0].filename == __file__ and told[0].lineno == raced.__code__.co_firstlineno + 1


def class_that_races():
    class Doubles:
        def __init__(self, x: torch.Tensor):
            self.x = x

        def run(self) -> torch.Tensor:
            later = torch.jit.fork(double_in_place, self.x)
            y = self.x + 1
            torch.jit.wait(later)
            return y

    return Doubles


def test_a_class_is_told_where_its_methods_fork():
    with pytest.warns(torch.jit.RaceWarning, match="a race: ") as told:
        cls = class_that_races()
        torch.jit.script(cls)
    assert told[0].filename == __file__ and told[0].lineno == cls.run.__code__.co_firstlineno + 1
    cls = class_that_races()
    for _ in range(2):  # a class that was refused is not there the second time either
        with pytest.raises(torch.SyntaxError, match=r"test_races\.py:\d+: a race"):
            torch.jit.script(cls, strict=True)
