"""Forks that race are reported when they are compiled, with both places; forks that do not are not.

Each program is the text of some functions, of which `f` forks. A line of it that ends in `# W` is where the write is, one that
ends in `# O` is the other access. Where these are in functions that it calls, their lines end in the names that stand beside
the program, that of the write first.
"""

import re
import warnings

import pytest
from cases import load, refused

import tine as torch

HELPERS = """
def adds(x: Tensor) -> Tensor:
    x.add_(1)  # adds
    return x

def reads(x: Tensor) -> Tensor:
    return x * 2  # reads

def appends(xs: List[int]) -> int:
    xs.append(1)  # appends
    return len(xs)

def sets(d: Dict[str, int]) -> int:
    d["a"] = 1  # sets
    return 0

def pure(n: int) -> int:
    return n + 1

def fills(x: Tensor, i: int) -> int:
    x[i] = 1.0  # fills
    return i

def first(xs: List[Tensor]) -> Tensor:
    xs[0].add_(1)  # first
    return xs[0]

def adds_through_view(x: Tensor) -> int:
    x.view(-1)[0:2].mul_(2)  # adds_through_view
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


# What f does while one task runs: its parameters, what it does before, what it forks, what it does meanwhile.
def one_task(parameters, before, forked, meanwhile):
    return f"""
def f({parameters}):
    {before}
    t = torch.jit.fork({forked})
    {meanwhile}
    torch.jit.wait(t)
"""


def two_tasks(parameters, one, other):
    return f"""
def f({parameters}):
    a = torch.jit.fork({one})
    b = torch.jit.fork({other})
    torch.jit.wait(a)
    torch.jit.wait(b)
"""


# Of each its name, the two places, and the arguments of one_task.
ONE_TASK_RACES = [
    ("reads what the task writes", "adds", "O", "x: Tensor", "pass", "adds, x", "y = x * 2  # O"),
    ("writes what the task writes", "adds", "O", "x: Tensor", "pass", "adds, x", "x.mul_(2)  # O"),
    ("writes what the task reads", "W", "reads", "x: Tensor", "pass", "reads, x", "x.mul_(2)  # W"),
    ("a list is appended to", "appends", "O", "xs: List[int]", "pass", "appends, xs", "n = len(xs)  # O"),
    ("both append", "appends", "O", "xs: List[int]", "pass", "appends, xs", "xs.append(2)  # O"),
    ("a dict", "sets", "O", "d: Dict[str, int]", "pass", "sets, d", "n = d['b']  # O"),
    ("a dict is written", "sets", "O", "d: Dict[str, int]", "pass", "sets, d", "d['b'] = 2  # O"),
    ("a list of its own", "appends", "O", "n: int", "xs: List[int] = []", "appends, xs", "xs.append(n)  # O"),
    ("a Tensor of its own", "adds", "O", "n: int", "x = torch.zeros(n)", "adds, x", "y = x + 1  # O"),
    ("a view was made before", "adds", "O", "x: Tensor", "v = x.view(-1)", "adds, x", "y = v + 1  # O"),
    ("the task gets a view", "adds", "O", "x: Tensor", "pass", "adds, x.t()", "y = x + 1  # O"),
    ("the task writes through a view", "adds_through_view", "O", "x: Tensor", "pass", "adds_through_view, x", "y = x + 1  # O"),
    ("the same row", "adds", "O", "x: Tensor", "pass", "adds, x[0]", "y = x[0] + 1  # O"),
    ("a row and the whole", "adds", "O", "x: Tensor", "pass", "adds, x[0]", "y = x.sum()  # O"),
    ("a row and a column", "adds", "O", "x: Tensor", "pass", "adds, x[0]", "y = x[:, 1] + 1  # O"),
    ("a row in a slice", "adds", "O", "x: Tensor", "pass", "adds, x[0:5]", "y = x[3] + 1  # O"),
    ("the same index twice", "fills", "O", "x: Tensor, i: int", "pass", "fills, x, i", "x[i] = 2.0  # O"),
    ("in a list of Tensors", "first", "O", "x: Tensor", "xs = [x, x + 1]", "first, xs", "y = x + 1  # O"),
    ("an element of a list of Tensors", "first", "O", "xs: List[Tensor]", "pass", "first, xs", "y = xs[0] + 1  # O"),
    ("out of a tuple", "adds", "O", "x: Tensor", "both = (x, x + 1)", "adds, both[0]", "y = x + 1  # O"),
    ("through a call", "adds", "reads", "x: Tensor", "pass", "adds_deeper, x", "y = reads(x)"),
    ("through a result", "adds", "O", "x: Tensor", "same = gives_back(x)", "adds, x", "y = same + 1  # O"),
    ("the task forks the write", "adds", "O", "x: Tensor", "pass", "forks_inside, x", "y = x + 1  # O"),
    ("either of two", "adds", "O", "x: Tensor, z: Tensor, c: bool", "chosen = x if c else z", "adds, chosen", "y = z + 1  # O"),
    ("printed", "adds", "O", "x: Tensor", "pass", "adds, x", "print(x)  # O"),
    ("concatenated", "adds", "O", "x: Tensor", "pass", "adds, x", "y = torch.cat([x, x])  # O"),
    ("copied into", "W", "reads", "x: Tensor, z: Tensor", "pass", "reads, x", "x.copy_(z)  # W"),
    ("by an augmented assignment", "W", "reads", "x: Tensor", "pass", "reads, x", "x += 1  # W"),
    ("two pieces of a list", "adds", "O", "x: Tensor", "halves = x.chunk(2)", "adds, halves[0]", "y = x + 1  # O"),
    ("an expanded one", "adds", "O", "x: Tensor", "pass", "adds, x.unsqueeze(0)", "y = x.reshape(-1).sum()  # O"),
    ("item of a dict of Tensors", "adds", "O", "d: Dict[str, Tensor]", "pass", "adds, d['a']", "y = d['a'] + 1  # O"),
    ("the result of a task", "adds", "O", "x: Tensor", "y = torch.jit.wait(torch.jit.fork(gives_back, x))", "adds, x",
     "z = y + 1  # O"),
]
TWO_TASKS_RACE = [
    ("two tasks write", "adds", "adds", "x: Tensor", "adds, x", "adds, x"),
    ("one task writes, the other reads", "adds", "reads", "x: Tensor", "adds, x", "reads, x"),
    ("one task reads, the other writes", "adds", "reads", "x: Tensor", "reads, x", "adds, x"),
    ("slices that overlap", "adds", "adds", "x: Tensor", "adds, x[0:5]", "adds, x[4:8]"),
    ("assigned by a subscript", "fills", "fills", "x: Tensor", "fills, x, 0", "fills, x, 0"),
]
RACES = {
    **{name: (write, other, one_task(*program)) for name, write, other, *program in ONE_TASK_RACES},
    **{name: (write, other, two_tasks(*program)) for name, write, other, *program in TWO_TASKS_RACE},
    "tasks of a loop write one": ("adds", "adds", """
def f(x: Tensor, n: int) -> Tensor:
    ts: List[Future[Tensor]] = []
    for i in range(n):
        ts.append(torch.jit.fork(adds, x))
    for t in ts:
        torch.jit.wait(t)
    return x
"""),
    "tasks of a comprehension write one": ("adds", "adds", """
def f(x: Tensor, n: int) -> Tensor:
    ts = [torch.jit.fork(adds, x) for i in range(n)]
    for t in ts:
        torch.jit.wait(t)
    return x
"""),
    "a write in the loop that forks": ("W", "reads", """
def f(x: Tensor, n: int) -> Tensor:
    ts: List[Future[Tensor]] = []
    for i in range(n):
        ts.append(torch.jit.fork(reads, x))
        x.add_(1)  # W
    for t in ts:
        torch.jit.wait(t)
    return x
"""),
    "a read in one branch": ("adds", "O", """
def f(x: Tensor, c: bool) -> Tensor:
    t = torch.jit.fork(adds, x)
    y = torch.zeros(1)
    if c:
        y = x + 1  # O
    torch.jit.wait(t)
    return y
"""),
    "forked in one branch": ("adds", "O", """
def f(x: Tensor, c: bool) -> Tensor:
    if c:
        t = torch.jit.fork(adds, x)
    else:
        t = torch.jit.fork(reads, x)
    y = x + 1  # O
    torch.jit.wait(t)
    return y
"""),
    "another one is waited for": ("adds", "O", """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    other = torch.jit.fork(pure, 3)
    n = torch.jit.wait(other)
    y = x + n  # O
    torch.jit.wait(t)
    return y
"""),
    "never waited for": ("adds", "O", """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    return x + 1  # O
"""),
    "in a while loop": ("adds", "O", """
def f(x: Tensor, n: int) -> Tensor:
    t = torch.jit.fork(adds, x)
    while n > 0:
        x.mul_(2)  # O
        n -= 1
    return torch.jit.wait(t)
"""),
    "in a helper that forks": ("adds", "O", """
def helper(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    y = x + 1  # O
    torch.jit.wait(t)
    return y

def f(x: Tensor) -> Tensor:
    return helper(x)
"""),
}

FINE = {
    "both only read": one_task("x: Tensor", "pass", "reads, x", "y = x + 1"),
    "a copy": one_task("x: Tensor", "pass", "adds, x.clone()", "y = x + 1"),
    "a new Tensor": one_task("x: Tensor", "pass", "adds, x + 1", "y = x + 1"),
    "a copy of its own to write": one_task("x: Tensor", "pass", "reads, x", "y = x.clone().add_(1)"),
    "two inputs": one_task("x: Tensor, z: Tensor", "pass", "adds, x", "y = z + 1"),
    "numbers": one_task("n: int", "pass", "pure, n", "n += 1"),
    "the write was before": one_task("x: Tensor", "x.add_(1)", "reads, x", "pass"),
    "another row": one_task("x: Tensor", "pass", "adds, x[0]", "y = x[1] + 1"),
    "elements of a list that was made here": one_task("x: Tensor, z: Tensor", "xs = [x, z]", "adds, xs[0]", "y = z + 1"),
    "elements of a tuple": one_task("x: Tensor, z: Tensor", "both = (x, z)", "adds, both[0]", "y = both[1] + 1"),
    "only the shape": one_task("x: Tensor", "pass", "adds, x", "n = x.size(0) + x.dim() + x.numel()"),
    "likes of it": one_task("x: Tensor", "pass", "adds, x", "z = torch.zeros_like(x)"),
    "a copy of the list": one_task("xs: List[int]", "pass", "appends, xs.copy()", "n = len(xs)"),
    "read through a call": one_task("x: Tensor", "pass", "reads, x", "y = reads(x)"),
    "two items of a dict": one_task("d: Dict[str, Tensor]", "pass", "adds, d['a']", "y = d['b'] + 1"),
    "two tasks read": two_tasks("x: Tensor", "reads, x", "reads, x"),
    "tasks of two inputs": two_tasks("x: Tensor, z: Tensor", "adds, x", "adds, z"),
    "two rows": two_tasks("x: Tensor", "adds, x[0]", "adds, x[1]"),
    "two columns": two_tasks("x: Tensor", "adds, x[:, 0]", "adds, x[:, 1]"),
    "slices that meet": two_tasks("x: Tensor", "adds, x[0:4]", "adds, x[4:8]"),
    "halves": two_tasks("x: Tensor, n: int", "adds, x[:n]", "adds, x[n:]"),
    "the result of one half is read while the other is written": """
def f(x: Tensor, n: int) -> Tensor:
    a = torch.jit.fork(adds, x[:n])
    b = torch.jit.fork(adds, x[n:])
    return torch.jit.wait(a).sum() + torch.jit.wait(b).sum()
""",
    "two indices": two_tasks("x: Tensor", "fills, x, 0", "fills, x, 1"),
    "two elements": two_tasks("xs: List[Tensor]", "adds, xs[0]", "adds, xs[1]"),
    "a list of its own each": two_tasks("n: int", "appends, [n]", "appends, [n]"),
    "waits first": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    torch.jit.wait(t)
    return x + 1
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
    "an element for each task": """
def f(xs: List[Tensor]) -> Tensor:
    ts = [torch.jit.fork(adds, x) for x in xs]
    total = torch.zeros(1)
    for t in ts:
        total = total + torch.jit.wait(t)
    return total
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
    "only a view is made": """
def f(x: Tensor) -> Tensor:
    t = torch.jit.fork(adds, x)
    v = x.view(-1)
    torch.jit.wait(t)
    return v + 1
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
        self.count = self.count + 1  # bump
        return self.count

    def adds(self, x: Tensor) -> int:
        self.total.add_(x)  # adds
        return 0

    def forward(self, x: Tensor) -> Tensor:
"""

MODULE_RACES = {
    "an attribute": ("bump", "O", """
        t = torch.jit.fork(self.bump)
        n = self.count  # O
        return x + n + torch.jit.wait(t)
"""),
    "a buffer": ("adds", "O", """
        t = torch.jit.fork(self.adds, x)
        y = self.total + 1  # O
        torch.jit.wait(t)
        return y
"""),
    "two tasks and a buffer": ("adds", "adds", """
        a = torch.jit.fork(self.adds, x)
        b = torch.jit.fork(self.adds, x)
        return x + torch.jit.wait(a) + torch.jit.wait(b)
"""),
    "an attribute in a method": ("bump", "bump", """
        t = torch.jit.fork(self.bump)
        n = self.bump()
        return x + n + torch.jit.wait(t)
"""),
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


def counter(tmp_path, body):
    path = tmp_path / "counter_module.py"
    path.write_text("import tine as torch\nfrom tine import Tensor\n" + CLASSES + body.strip("\n") + "\n")
    return load(path).Counter()


SAID = re.compile(r"a race: (?P<writer>[a-z ]+) writes at [^:]+:(?P<write>\d+):\d+ to what (?P<who>[a-z ]+?) "
                  r"(?:reads|writes to) at [^:]+:(?P<other>\d+):\d+ "
                  r"(?:before the task is waited for|and is not waited for before); "
                  r"wait for it first, or give it a copy \(`x.clone\(\)`\)")


def check(warning, source, write, other):
    """It stands where the source forks, and says and shows the lines that have those marks."""
    lines = source.splitlines()
    marked = [number for mark in (write, other) for number, line in enumerate(lines, 1) if line.endswith("  # " + mark)]
    first, *shown = str(warning.message).splitlines()
    said = SAID.fullmatch(first)
    assert said, first
    assert [int(said["write"]), int(said["other"])] == marked, first
    assert "torch.jit.fork(" in lines[warning.lineno - 1]
    places, texts, carets = shown[0::3], shown[1::3], shown[2::3]
    assert [int(place.split(":")[-2]) for place in places] == [warning.lineno, *marked]
    for text, caret in zip(texts, carets, strict=True):
        assert re.fullmatch(r" +\^+", caret)
    assert [text.strip() for text in texts] == [lines[number - 1].strip() for number in (warning.lineno, *marked)]


def test_there_are_enough_programs():
    assert len(RACES) + len(MODULE_RACES) >= 40 and len(FINE) + len(MODULE_FINE) >= 40


@pytest.mark.parametrize("name", RACES)
def test_a_race_is_reported_with_both_places(name):
    write, other, text = RACES[name]
    (told,) = races_of(text)
    check(told, HELPERS + text, write, other)
    with pytest.raises(torch.SyntaxError, match="a race: "):
        torch.jit.CompilationUnit(HELPERS + text, strict=True)


@pytest.mark.parametrize("name", FINE)
def test_what_is_no_race_is_not_reported(name):
    assert [str(w.message) for w in races_of(FINE[name])] == []
    torch.jit.CompilationUnit(HELPERS + FINE[name], strict=True)


@pytest.mark.parametrize("name", MODULE_RACES)
def test_a_race_on_an_attribute_is_reported(name, tmp_path):
    write, other, body = MODULE_RACES[name]
    with pytest.warns(torch.jit.RaceWarning) as told:
        torch.jit.script(counter(tmp_path, body))
    check(told[0], (tmp_path / "counter_module.py").read_text(), write, other)
    assert len(told) == 1 and "a race: " in refused(counter(tmp_path, body), strict=True)


@pytest.mark.parametrize("name", MODULE_FINE)
def test_other_attributes_are_no_race(name, tmp_path):
    torch.jit.script(counter(tmp_path, MODULE_FINE[name]), strict=True)


@pytest.mark.parametrize("name, start", [
    ("reads what the task writes", "the task that is forked here writes at U:3:5 to what its forker reads at U:47:9 before"),
    ("writes what the task writes", "the task that is forked here writes at U:3:5 to what its forker writes to at U:47:5 before"),
    ("writes what the task reads", "the forker writes at U:47:5 to what the task that is forked here reads at U:7:12 and"),
    ("two tasks write", "the task that is forked here writes at U:3:5 to what another task writes to at U:3:5 before"),
    ("one task reads, the other writes", "another task writes at U:3:5 to what the task that is forked here reads at U:7:12 and"),
])
def test_it_says_who_does_what_at_which_column(name, start):
    (told,) = races_of(RACES[name][2])
    assert re.sub(r"<__tine__\.unit\d+>", "U", str(told.message)).startswith("a race: " + start)


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
