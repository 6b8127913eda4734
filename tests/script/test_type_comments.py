"""Types in comments and in texts: the programs run as scripts, and what is not a type stays a comment."""

import textwrap
import types

import pytest

import tine as torch


def compiled(text):
    return torch.jit.CompilationUnit(textwrap.dedent(text)).f


READ = {
    "in front of the first statement": ("""
        def f(a, b):
            # type: (int, str) -> str
            return str(a) + b
        """, (1, "x"), "1x"),
    "on the line of the def": ("""
        def f(a, b):  # type: (int, int) -> int
            return a + b
        """, (1, 2), 3),
    "after the docstring": ("""
        def f(a, b=2):
            '''What it does.'''
            # type: (int, int) -> int
            return a * b
        """, (3,), 6),
    "before the docstring": ("""
        def f(a, b=2):
            # type: (int, int) -> int
            '''What it does.'''
            return a * b
        """, (3,), 6),
    "behind each parameter": ("""
        def f(a,  # type: int
              b,  # type: List[int]
              c=None,  # type: Optional[int]
              ):
            # type: (...) -> int
            if c is not None:
                return c
            return a + b[0]
        """, (1, [2]), 3),
    "behind a last parameter without a comma": ("""
        def f(
            a,  # type: int
            b  # type: int
        ):
            return a + b
        """, (1, 2), 3),
    "without parameters": ("""
        def f():
            # type: () -> int
            return 3
        """, (), 3),
    "of nested types": ("""
        def f(a):
            # type: (Dict[str, List[Tuple[int, float]]]) -> float
            return a["k"][0][1]
        """, ({"k": [(1, 2.5)]},), 2.5),
    "beside an annotation that says the same": ("""
        def f(a: int, b: Dict[str,int]):
            # type: (int, Dict[str, int]) -> int
            return a + b["k"]
        """, (1, {"k": 2}), 3),
    "behind a variable": ("""
        def f(n):
            # type: (int) -> Tuple[List[int], Dict[str, int]]
            x = []  # type: List[int]
            y = {}  # type: Dict[str, int]
            for i in range(n):
                x.append(i)
            y["a"] = n
            return x, y
        """, (2,), ([0, 1], {"a": 2})),
    "of a Union": ("""
        def f(a):
            # type: (int | str) -> int
            return a if isinstance(a, int) else len(a)
        """, ("abc",), 3),
    "that are no types": ("""
        # type: of function that is rare
        def f(a: int):  # type: ignore
            b = a  # type: ignore[misc]
            # types: int
            return b  # type: whatever this is
        """, (1,), 1),
    "a result that is None": ("""
        def f(a):
            # type: (int) -> None
            a + 1
        """, (1,), None),
}


@pytest.mark.parametrize("name", READ)
def test_types_in_comments_are_read(name):
    text, args, result = READ[name]
    assert compiled(text)(*args) == result


class Net(torch.nn.Module):
    def forward(self, x, n):
        # type: (Tensor, int) -> Tensor
        return x + n


def test_a_method_does_not_name_its_own_object():
    assert torch.jit.script(Net())(torch.ones(1), 2).item() == 3


WRONG = {
    "too few": ("""
        def f(a, b):
            # type: (int) -> int
            return a
        """, 5, "this comment has the types of 1 parameters, but `f` takes 2"),
    "another than the annotation": ("""
        def f(a: int):
            # type: (str) -> int
            return a
        """, 5, "the annotation of `a` and this comment are different; keep one"),
    "another result than the annotation": ("""
        def f(a) -> str:
            # type: (int) -> int
            return a
        """, 5, "the annotation of the result and this comment are different; keep one"),
    "star": ("""
        def f(a):
            # type: (*int) -> int
            return a
        """, 5, "`*args` and `**kwargs` are not supported in scripts"),
    "no bracket": ("""
        def f(a):
            # type: (int -> int
            return a
        """, 5, "this `(` is never closed"),
    "an unknown type": ("""
        def f(a):
            # type: (innt) -> int
            return a
        """, 5, "undefined type `innt`"),
    "in a loop": ("""
        def f(n: int):
            for i in range(n):  # type: int
                print(i)
        """, 5, "a type in a comment is read after a parameter"),
    "behind several variables": ("""
        def f(n: int):
            a, b = n, n  # type: int
            return a
        """, 5, "a type in a comment is read after a parameter"),
    "alone": ("""
        def f(n: int):
            x = n
            # type: List[int]
            return x
        """, 6, "a type in a comment is read after a parameter"),
    "of another value": ("""
        def f(n: int):
            x = n  # type: str
            return x
        """, 5, "`x` is declared as str, but this is int"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_comment_is_refused_with_its_place(name):
    text, line, says = WRONG[name]
    with pytest.raises(torch.SyntaxError) as caught:
        compiled(text)
    assert says in str(caught.value) and f">:{line - 2}:" in str(caught.value)


def test_annotations_may_be_texts_and_of_the_newer_forms():
    f = compiled("""
        def f(a: "list[int]", b: "Optional[int]" = None, c: dict[str, tuple[int, float]] | None = None) -> "int":
            x: "int" = a[0]
            if c is not None:
                return c["k"][0]
            return x if b is None else b
        """)
    assert f([1]) == 1 and f([1], 2) == 2 and f([1], c={"k": (3, 1.0)}) == 3


def test_devices_are_texts_with_a_type_and_an_index():
    @torch.jit.script
    def f(x: torch.Tensor, d: torch.device, more: "Optional[torch.device]" = None):  # noqa: F821
        made = torch.device("cpu")
        y = torch.zeros(1, device=d)
        return (d.type, d.index, x.device.type, x.device == made, made.index, str(d), torch.device("cpu", 0).index, y,
                more is None)

    *rest, y, none = f(torch.ones(1), torch.device("cpu:0"))
    assert rest == ["cpu", 0, "cpu", True, None, "cpu:0", 0] and y.tolist() == [0] and none

    class Held(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.device = torch.device("cpu")

        def forward(self, x):
            return x.to(dtype=torch.float64, device=self.device), self.device.type

    y, kind = torch.jit.script(Held())(torch.ones(1))
    assert y.dtype is torch.float64 and kind == "cpu"


def test_sizes_are_lists_of_ints():
    @torch.jit.script
    def f(x):
        return torch.Size([1, 2]), x.size() == torch.Size([2]), x.shape

    assert f(torch.ones(2)) == ([1, 2], True, [2])


def double(x):
    return x * 2


def test_a_variable_may_hold_a_function():
    class Net(torch.nn.Module):
        def helper(self, x):
            return x + 1

        def forward(self, x):
            act = torch.relu
            own = double
            method = self.helper
            bound = x.abs
            if x.sum() > 0:
                y = act(own(x))
            else:
                y = bound()
            return method(y)

    net = torch.jit.script(Net())
    assert net(torch.tensor([3.0])).item() == 7 and net(torch.tensor([-3.0])).item() == 4

    def after(x):
        if x.sum() > 0:
            f = double
        else:
            f = torch.relu
        return f(x)

    def value(x):
        f = double
        return f

    with pytest.raises(torch.SyntaxError, match="`f` is a function, which a variable holds only up to the end of its block"):
        torch.jit.script(after)
    with pytest.raises(torch.SyntaxError, match="is a function"):
        torch.jit.script(value)


def test_an_optional_may_be_unwrapped():
    @torch.jit.script
    def f(x: "Optional[int]") -> int:  # noqa: F821
        return torch.jit._unwrap_optional(x) + 1

    assert f(2) == 3
    with pytest.raises(RuntimeError, match="Unwrapping null optional"):
        f(None)


@torch.jit.ignore
def repeated(x, y):
    # type: (int, str) -> str
    return y * x


@torch.jit.ignore
def behind_each(x,  # type: int
                y=[],  # type: List[int]
                *rest,  # type: int
                last=None  # type: Optional[int]
                ):  # not (a, type)
    """What it does."""
    # type: (...) -> int
    return x + len(y) + (last or 0)


@torch.jit.unused
def unused(x):  # type: (int) -> Tuple[int, str]
    return x, ""


class Ignoring(torch.nn.Module):
    @torch.jit.ignore
    def more(self, x, n):
        # type: (Tensor, int) -> float
        return int(x.sum().item()) + n

    def forward(self, x):
        return self.more(x, 2) / 2


def test_of_functions_that_stay_pythons():
    def f(n: int):
        return repeated(n, "ab"), behind_each(n), behind_each(n, [1, 2])

    def g(n: int) -> int:
        if n > 0:
            x, text = unused(n)
            return x
        return n

    assert torch.jit.script(f)(2) == ("abab", 2, 4)
    assert torch.jit.script(g)(-1) == -1
    assert torch.jit.script(Ignoring())(torch.ones(3)) == 2.5


@torch.jit._overload
def same(x):  # type: (int) -> int
    pass


@torch.jit._overload
def same(x,  # type: str
         n=2,  # type: int
         ):
    # type: (...) -> str
    pass


@torch.jit._overload
def same(x: float) -> float: ...


def same(x, n=2): x = x + x; return x


def test_of_overloads_and_a_body_behind_the_head():
    def f():
        return same(1), same("a"), same(0.5)

    assert torch.jit.script(f)() == (2, "aa", 1.0)


@torch.jit._overload
def lost(x: int) -> int: ...


def lost(x,
         ): y = x; return y + nowhere  # noqa: F821


def test_the_place_of_an_error_in_a_body_behind_the_head():
    def f():
        return lost(1)

    with pytest.raises(torch.SyntaxError, match="undefined name `nowhere`") as caught:
        torch.jit.script(f)
    line = lost.__code__.co_firstlineno + 1
    assert f"test_type_comments.py:{line}:31:" in str(caught.value)


def wrong_number(x, y):
    # type: (int) -> int
    return x


def wrong_text(x):
    # type: (int -> int
    return x


def wrong_place(  # type: int
        x):
    return x


def two_types(x: int):
    # type: (str) -> int
    return x


def two_results(x) -> str:
    # type: (int) -> int
    return x


@pytest.mark.parametrize("fn, says", [
    (wrong_number, "has the types of 1 parameters, but `wrong_number` takes 2"),
    (wrong_text, "the comment `# type: \\(int -> int` cannot be read"),
    (wrong_place, "a type in a comment is read after a parameter"),
    (two_types, "the annotation of `x` and its type in a comment are different; keep one"),
    (two_results, "the annotation of the result and its type in a comment are different; keep one"),
], ids=lambda value: getattr(value, "__name__", None))
def test_a_wrong_comment_of_a_function_that_stays_pythons_is_refused(fn, says):
    stays = torch.jit.ignore(types.FunctionType(fn.__code__, globals(), fn.__name__))

    def f():
        return stays(1, 2)

    with pytest.raises(torch.SyntaxError, match=says):
        torch.jit.script(f)
