"""Enums in scripts: each program runs in plain Python and scripted, and both give the very members."""

import enum
import re
import subprocess
import sys
from enum import Enum
from typing import Any, Dict, List, Optional, Union

import pytest

import tine as torch
from tine import Tensor
from cases import Cases, load, parts, refused, same


class Color(Enum):
    RED = 1
    GREEN = 2
    BLUE = 3


class Word(Enum):
    HELLO = "hello"
    BYE = "good\n\"bye\""


class Rate(Enum):
    SLOW = 0.5
    FAST = 2.0


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Other(Enum):
    RED = 1


CHOSEN = Color.GREEN
case = Cases()
both = case((Color.RED,), (Color.GREEN,))


@both
def a_member_in_and_another_out(c: Color) -> Color:
    if c == Color.RED:
        return Color.GREEN
    return Color.RED


@both
def names_and_values(c: Color):
    return c.name, c.value, Color.BLUE.name, Color.BLUE.value


@case((Word.HELLO,), (Word.BYE,))
def values_that_are_texts(w: Word) -> str:
    return w.name + w.value


@case((Rate.SLOW,))
def values_that_are_floats(r: Rate) -> float:
    return r.value * 2


@both
def equal_and_identical(c: Color):
    return c == Color.RED, c != Color.RED, c is Color.RED, c is not Color.RED


@case((Color.RED,))
def members_of_two_enums_differ(c: Color):
    return c == Other.RED, c != Other.RED


@case(())
def iteration_over_the_class():
    values: List[int] = []
    for c in Color:
        values.append(c.value)
    return values, [c.name for c in Color], list(Color), len(Color)


@both
def keys_of_dicts(c: Color):
    d: Dict[Color, int] = {Color.RED: 1, Color.GREEN: 2}
    d[Color.BLUE] = 5
    d[c] += 10
    return d[c], Color.BLUE in d, d


@both
def in_lists_tuples_and_dicts(c: Color):
    return c in [Color.RED], c in (Color.RED, Color.BLUE), {"a": c}, [c, Color.BLUE], (c, 1)


@case((Color.RED,), (None,))
def an_optional_member(c: Optional[Color]) -> int:
    if c is not None:
        return c.value
    return 0


@case((), (Color.RED,))
def a_default(c: Color = Color.BLUE) -> int:
    return c.value


@both
def a_global(c: Color):
    return c == CHOSEN, CHOSEN.value, CHOSEN


@both
def its_text_is_that_of_python(c: Color):
    return str(c), f"{c}", str([c])


@case((Color.RED,), (2,), (Other.RED,))
def an_any_that_is_one(c: Any) -> int:
    if isinstance(c, Color):
        return c.value
    return -1


@case((Color.GREEN,), (7,), ("a",))
def a_member_of_a_union(c: Union[Color, int, str]) -> int:
    if isinstance(c, Color):
        return c.value
    elif isinstance(c, int):
        return c
    return len(c)


@case((4,))
def through_loops(n: int) -> Color:
    c = Color.RED
    for i in range(n):
        if c == Color.RED:
            c = Color.GREEN
        elif c == Color.GREEN:
            c = Color.BLUE
        else:
            c = Color.RED
    return c


@case((Level.LOW,), (Level.HIGH,))
def an_int_enum(level: Level):
    return level == Level.LOW, level.value + 1, level, [level, Level.HIGH], {level: 1}


@case((Level.HIGH,))
def an_int_enum_for_an_int(n: int) -> int:
    return n + Level.LOW.value


@pytest.mark.parametrize("fn, args", case.params)
def test_a_script_says_what_python_says(fn, args):
    assert same(fn(*args), torch.jit.script(fn)(*args))


def test_forks_give_the_very_member():
    def other(c: Color) -> Color:
        return Color.BLUE if c == Color.RED else c

    @torch.jit.script
    def start(c: Color):
        return torch.jit.fork(other, c)

    assert start(Color.RED).wait() is Color.BLUE


def test_attributes_of_modules():
    class Net(torch.nn.Module):
        class Mode(Enum):
            ADD = "add"
            DROP = "drop"

        fixed: torch.jit.Final[Color]

        def __init__(self):
            super().__init__()
            self.mode = Net.Mode.ADD
            self.fixed = Color.BLUE
            self.all = [Color.RED, Color.GREEN]
            self.names = {"a": Color.RED}
            self.level = Level.HIGH

        def forward(self, x: Tensor, i: int):
            if self.mode == Net.Mode.ADD:
                x = x + 1
            return x, self.all[i], self.names["a"], self.fixed.value, self.level

    net = torch.jit.script(Net())
    x, *rest = net(torch.ones(1), 1)
    assert x.item() == 2 and same(rest, [Color.GREEN, Color.RED, 3, Level.HIGH])
    net.mode = Net.Mode.DROP
    assert net.mode is Net.Mode.DROP and net(torch.ones(1), 0)[0].item() == 1
    with pytest.raises(TypeError, match="attribute 'mode'"):
        net.mode = Color.RED


def test_a_member_of_another_enum_is_refused_and_a_value_stands_for_its_member():
    @torch.jit.script
    def f(c: Color) -> Color:
        return c

    assert f(2) is Color.GREEN and f(c=3) is Color.BLUE
    for wrong in (9, "RED", 1.0, None, [Color.RED]):
        with pytest.raises(TypeError, match="argument 'c' must be .*Color"):
            f(wrong)


def test_text_defines_enums():
    unit = torch.jit.CompilationUnit("""
from enum import Enum

class Mode(Enum):
    ADD = 'add'
    DROP = 'drop'

def f(add: bool) -> Mode:
    return Mode.ADD if add else Mode.DROP

def g(m: Mode) -> str:
    return m.value
""")
    assert unit.f(True).name == "ADD" and unit.g(unit.f(False)) == "drop" and unit.f(True) is unit.f(True)


WRONG = [
    ("Color.GREY", "the enum .*Color has no member `GREY`"),
    ("c.foo", "has no attribute `foo` in scripts"),
    ("Color(1)", "a member of `Color` is named in scripts, as `Color.RED`"),
    ("Color['RED']", "a member of `Color` is named in scripts, as `Color.RED`"),
    ("c + 1", "`\\+` does not take .*Color and int"),
    ("c == 1", "`==` does not take .*Color and int"),
    ("c < c", "`<` does not take"),
    ("Color", "`Color` is a type, not a value"),
]


@pytest.mark.parametrize("text, says", WRONG, ids=[text for text, _ in WRONG])
def test_what_is_wrong_is_refused_with_its_place(text, says, tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text(f"from enum import Enum\nclass Color(Enum):\n    RED = 1\n\ndef f(c: Color):\n    return {text}\n")
    file, line, said, _ = parts(refused(load(path).f))
    assert (file, line) == (str(path), 6) and re.search(says, said)


WRONG_CLASSES = [
    ({"A": 1, "B": "b"}, "whose values are of different types (int, str)"),
    ({"A": 1, "B": 2.0}, "whose values are of different types (float, int)"),
    ({"A": True}, "whose values are of type bool"),
    ({"A": (1, 2)}, "whose values are of type tuple"),
    ({"A": 1 << 70}, "which has a value beyond 64 bits"),
    ({}, "which has no members"),
    ({"\u00e9": 1}, "is not a name in ASCII"),
]


@pytest.mark.parametrize("members, says", WRONG_CLASSES, ids=[says for _, says in WRONG_CLASSES])
def test_an_enum_that_scripts_cannot_have_says_why(members, says):
    Wrong = Enum("Wrong", members)

    def f(c: Optional[Wrong]) -> int:
        return 1

    with pytest.raises(torch.SyntaxError) as caught:  # here, where `Wrong` means something
        torch.jit.script(f)
    assert says in str(caught.value)



TWO_THREADS = """\
import enum, importlib.abc, sys, threading
import tine

class Color(enum.Enum):
    RED = 1

@tine.jit.script
def red(x: int) -> Color:
    return Color.RED

def is_importing(thread):
    frame = sys._current_frames().get(thread.ident)
    while frame is not None and frame.f_code.co_name != "_find_and_load":
        frame = frame.f_back
    return frame is not None

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "tine.jit._received":
            second.start()
            while not is_importing(second):
                if not second.is_alive():
                    sys.exit("the second thread did not import it")

def ask():
    results.append(red(1))

results = []
second = threading.Thread(target=ask, daemon=True)
tine._C._forget_type("__main__.Color")  # as when the class is gone
assert "tine.jit._received" not in sys.modules
sys.meta_path.insert(0, Finder())
ask()
second.join()
assert results == [Color.RED, Color.RED], results
"""


def test_two_threads_that_first_need_what_makes_classes_do_not_wait_for_each_other(tmp_path):
    path = tmp_path / "two_threads.py"
    path.write_text(TWO_THREADS)
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
