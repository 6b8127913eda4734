"""Classes that derive from ScriptModule, `script_method`, and methods from texts."""

from typing import List, Tuple

import pytest

import tine as torch
from tine import nn


def hundredfold(x):
    return x * 100


class Scripted(torch.jit.ScriptModule):
    __constants__ = ["n"]

    def __init__(self, n=2):
        super().__init__()
        self.w = nn.Parameter(torch.ones(2))
        self.n = n
        self.lin = nn.Linear(2, 2)
        self.items = torch.jit.Attribute([1, 2], List[int])
        self.left = object()

    @torch.jit.script_method
    def forward(self, x):
        return self.other(x + self.w) * self.n

    @torch.jit.script_method
    def other(self, x: torch.Tensor):
        """Its text."""
        return hundredfold(x) + len(self.items)

    def in_python(self, x):
        return self.forward(x), self.n, self.left

    @property
    def answer(self):
        return 42


def test_an_object_is_scripted_when_init_has_ended():
    m = Scripted()
    assert m(torch.ones(2)).tolist() == [404.0, 404.0]
    assert isinstance(m, Scripted) and isinstance(m, torch.jit.ScriptModule) and type(m).__name__ == "Scripted"
    assert m.other(torch.zeros(1)).tolist() == [2.0]
    assert m.other.__doc__ == "Its text." and m.other.graph.findNode("aten::add") is not None
    assert m.graph is not None and "other" in m.code
    value, n, left = m.in_python(torch.ones(2))
    assert value.tolist() == [404.0, 404.0] and n == 2 and type(left) is object
    assert m.answer == 42
    assert list(m.state_dict()) == ["w", "lin.weight", "lin.bias"]
    assert isinstance(m.lin, torch.jit.ScriptModule)


def test_assigning():
    m = Scripted()
    m.items = [1, 2, 3]
    assert m.other(torch.zeros(1)).tolist() == [3.0]
    m.w = nn.Parameter(torch.zeros(2))
    assert m(torch.zeros(2)).tolist() == [6.0, 6.0]
    m.tag = "Python's"
    assert m.tag == "Python's"
    del m.tag
    assert not hasattr(m, "tag")
    with pytest.raises(RuntimeError, match="Can't set constant 'n' which has value:2"):
        m.n = 3
    with pytest.raises(RuntimeError, match="cannot add new parameters or modules to a ScriptModule"):
        m.more = nn.Parameter(torch.ones(1))


def test_objects_share_what_is_compiled_and_nothing_else():
    a, b = Scripted(), Scripted()
    assert type(a) is type(b) and a._c is not b._c
    a.items = []
    assert b.items == [1, 2]
    assert Scripted(3)(torch.ones(2)).tolist() == [606.0, 606.0]
    assert type(a)(4)(torch.ones(2)).tolist() == [808.0, 808.0]


def test_inherited_methods():
    class Base(torch.jit.ScriptModule):
        def __init__(self):
            super().__init__()
            self.a = 1

        @torch.jit.script_method
        def forward(self, x):
            return self.step(x)

        @torch.jit.script_method
        def step(self, x):
            return x + self.a

    class Derived(Base):
        def __init__(self):
            super().__init__()
            self.b = 5

        @torch.jit.script_method
        def step(self, x):
            return x * self.b + self.a

    assert Base()(torch.ones(1)).tolist() == [2.0]
    assert Derived()(torch.ones(1)).tolist() == [6.0]


def test_a_forward_that_is_not_marked_is_pythons():
    class Plain(torch.jit.ScriptModule):
        def forward(self, x):
            return "Python", x

    assert Plain()(3) == ("Python", 3)


def test_what_the_class_overrides_is_called():
    class Own(torch.jit.ScriptModule):
        def __init__(self):
            super().__init__()
            self.calls = []

        def train(self, mode=True):
            self.calls = self.calls + [str(mode)]
            return super().train(mode)

        def extra_repr(self):
            return "own"

        def __len__(self):
            return 7

        @torch.jit.script_method
        def forward(self, x):
            return x if self.training else -x

    m = Own()
    assert len(m) == 7 and repr(m) == "Own(own)"
    assert m.eval()(torch.ones(1)).tolist() == [-1.0] and m.calls == ["False"]


def test_in_other_modules():
    class Holder(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Scripted()

        def forward(self, x):
            return self.inner(x)

    assert Holder()(torch.ones(2)).tolist() == [404.0, 404.0]
    assert torch.jit.script(Holder())(torch.ones(2)).tolist() == [404.0, 404.0]
    m = Scripted()
    assert torch.jit.script(m) is m


def test_a_script_method_is_not_there_in_init():
    class Hasty(torch.jit.ScriptModule):
        def __init__(self):
            super().__init__()
            self.go(torch.ones(1))

        @torch.jit.script_method
        def go(self, x):
            return x

    with pytest.raises(AttributeError, match="`Hasty.go` is compiled when `__init__` has ended; it is not there before"):
        Hasty()

    class Careful(Hasty):
        def __init__(self):
            torch.jit.ScriptModule.__init__(self)
            self.had = hasattr(self, "go")

    assert Careful().had is False


def test_an_error_of_the_compiler_ends_the_construction():
    class Wrong(torch.jit.ScriptModule):
        @torch.jit.script_method
        def forward(self, x):
            return x + self.nowhere

    with pytest.raises(torch.SyntaxError, match="has no attribute or method `nowhere`"):
        Wrong()
    with pytest.raises(TypeError, match="script_method: expected a method, got int"):
        torch.jit.script_method(3)


# define

def test_define_in_init():
    class Defined(torch.jit.ScriptModule):
        def __init__(self, text):
            super().__init__()
            self.w = nn.Parameter(torch.ones(1))
            self.define(text)

    times = Defined("""
        def forward(self, x):
            return hundredfold(x) + self.w
    """)
    plus = Defined("def forward(self, x):\n    return x + self.w\n")
    assert times(torch.ones(1)).tolist() == [101.0]
    assert plus(torch.ones(1)).tolist() == [2.0]


def test_define_afterwards():
    m = torch.jit.script(nn.Linear(2, 2))
    m.define("""
        def size(self, more: int = 3) -> int:
            return self.weight.numel() + more

        def all(self, xs: List[Tensor]) -> List[Tensor]:
            return [self(x) for x in xs]
    """)
    assert m.size() == 7 and m.size(5) == 9
    assert [x.tolist() for x in m.all([torch.zeros(2)])] == [m.bias.tolist()]
    same_class = torch.jit.script(nn.Linear(2, 2))
    assert not hasattr(same_class, "none") and same_class.size(1) == 5


def test_a_text_means_what_its_caller_means():
    local = 5
    m = torch.jit.ScriptModule()
    m.define("def forward(self, x: Tensor):\n    return hundredfold(x) + local")
    assert m(torch.ones(1)).tolist() == [105.0]
    assert "local" not in dir(m) and local == 5


@pytest.mark.parametrize("text, message", [
    ("def forward(self, x):\n    return x", "define: `Fresh` has a method `forward` already"),
    ("x = 3", "<define>:1:1: define takes methods, each a `def name(self, ...):` without decorators"),
    ("@torch.jit.ignore\ndef f(self):\n    return 1", "<define>:2:1: define takes methods, each a `def name(self, ...):` without decorators"),
    ("def f(self):\n    return '\0'", "source code string cannot contain null bytes"),
    ("def f(self): return 1\ndef g(self): return self.nowhere", "<define>:2:26: "),
    ("def f(self): return 1\ndef f(self): return 1", "define: `Fresh` has a method `f` already"),
    ("def f(self, x:\n    return x", "<define>:1:6: '(' was never closed"),
    ("def f(self):\n    return self.nowhere", "<define>:2:17: "),
])
def test_what_define_refuses(text, message):
    class Fresh(nn.Module):
        def forward(self, x):
            return x

    m = torch.jit.script(Fresh())
    with pytest.raises(RuntimeError) as caught:
        m.define(text)
    assert message in str(caught.value)
    m.define("def f(self):\n    return 1")  # what failed is not there
    assert m.f() == 1
    with pytest.raises(RuntimeError, match="another module of the class `Fresh` has a different method `f`, and they share"):
        torch.jit.script(Fresh()).define("def f(self):\n    return 2")


def test_methods_of_one_text_call_each_other():
    m = torch.jit.ScriptModule()
    m.define("def a(self):\n    return self.b() + '\u2028'\r\ndef b(self):\r\n    return 'x\u2028y'")
    assert m.a() == "x\u2028y\u2028"


def test_the_same_text_with_other_names_is_another_method():
    class Shared(nn.Module):
        def forward(self, x):
            return x

    def add(m, k):
        m.define("def f(self):\n    return k")
        return m

    assert add(torch.jit.script(Shared()), 1).f() == add(torch.jit.script(Shared()), 1).f() == 1
    with pytest.raises(RuntimeError, match="has a different method `f`"):
        add(torch.jit.script(Shared()), 2)


def test_hooks_around_a_forward_that_init_defines():
    def after(self, input: Tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
        return output * 2

    class Defined(torch.jit.ScriptModule):
        def __init__(self):
            super().__init__()
            self.define("def forward(self, x):\n    return x + 1\n")
            self.register_forward_hook(after)

    assert Defined()(torch.ones(1)).tolist() == [4.0]
