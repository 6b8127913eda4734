"""Scripted modules: state, methods, submodules."""

import gc
from typing import Dict, List, Optional, Tuple

import pytest

import tine as torch
from tine import Tensor, nn


class Scale(nn.Module):
    factor: float

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class Counter(nn.Module):
    count: int
    seen: List[int]
    label: Optional[str]

    def __init__(self):
        super().__init__()
        self.count = 0
        self.seen = []
        self.label = None
        self.register_buffer("total", torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        self.seen.append(self.count)
        self.total = self.total + x
        return self.total * self.count

    @torch.jit.export
    def describe(self, prefix: str = "n") -> str:
        label = self.label
        if label is not None:
            return prefix + label
        return prefix + str(self.count)

    def helper(self) -> int:
        return self.count


def twice(x: Tensor) -> Tensor:
    return x * 2


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.act = nn.Tanh()
        self.second = nn.Linear(8, 3, bias=False)
        self.scale = Scale(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.finish(self.second(self.act(self.first(x))))

    def finish(self, x: Tensor) -> Tensor:
        return nn.functional.softmax(self.scale(x), dim=-1)


def test_a_scripted_module_computes_what_the_module_computes():
    net = Net()
    scripted = torch.jit.script(net)
    x = torch.randn(5, 4)
    assert torch.allclose(scripted(x), net(x))
    assert torch.allclose(scripted.forward(x), net(x))


def test_parameters_are_shared_with_the_module():
    net = Net()
    scripted = torch.jit.script(net)
    x = torch.randn(5, 4)
    net.first.weight.mul_(0)
    assert torch.allclose(scripted(x), net(x))
    assert dict(scripted.named_parameters()).keys() == dict(net.named_parameters()).keys()
    assert all(a is b for a, b in zip(scripted.parameters(), net.parameters()))


def test_parameters_stay_parameters_when_the_module_is_gone():
    scripted = torch.jit.script(nn.Linear(2, 2))
    gc.collect()
    assert all(isinstance(p, nn.Parameter) for p in scripted.parameters())
    assert len(list(scripted.parameters())) == 2


def test_state_dict_goes_through():
    one, two = Net(), torch.jit.script(Net())
    assert list(two.state_dict()) == list(one.state_dict())
    two.load_state_dict(one.state_dict())
    x = torch.randn(2, 4)
    assert torch.allclose(one(x), two(x))


def test_methods_change_attributes_and_python_sees_it():
    counter = torch.jit.script(Counter())
    x = torch.ones(2)
    assert torch.equal(counter(x), torch.tensor([1.0, 1.0]))
    assert torch.equal(counter(x), torch.tensor([4.0, 4.0]))
    assert counter.count == 2 and counter.seen == [1, 2]
    assert torch.equal(counter.total, torch.tensor([2.0, 2.0]))


def test_python_sets_attributes_and_methods_see_it():
    counter = torch.jit.script(Counter())
    counter.count = 41
    counter(torch.ones(2))
    assert counter.count == 42
    assert counter.describe() == "n42"
    counter.label = "x"
    assert counter.describe(prefix="p") == "px"


def test_an_attribute_keeps_its_type():
    counter = torch.jit.script(Counter())
    with pytest.raises(TypeError, match="attribute 'count'.*int.*str"):
        counter.count = "many"
    counter.other = 3  # Python's alone, as in PyTorch
    assert counter.other == 3
    assert counter._tine_class.type.index("other") < 0
    counter.forward = lambda x: "Python's"
    assert counter(torch.ones(2)) == counter.forward(1) == "Python's"
    del counter.forward, counter.other
    assert counter(torch.ones(2)).tolist() and not hasattr(counter, "other")


def test_a_method_that_nobody_calls_needs_export():
    counter = torch.jit.script(Counter())
    with pytest.raises(AttributeError, match="@tine.jit.export"):
        counter.helper()


def test_modules_of_one_class_have_their_own_state():
    a, b = torch.jit.script(Scale(2.0)), torch.jit.script(Scale(3.0))
    assert torch.equal(a(torch.ones(1)), torch.tensor([2.0]))
    assert torch.equal(b(torch.ones(1)), torch.tensor([3.0]))


def test_sequential_is_scripted():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 2), nn.Sigmoid()))
    scripted = torch.jit.script(net)
    x = torch.randn(6, 3)
    assert torch.allclose(scripted(x), net(x))
    assert len(scripted) == 3 and torch.allclose(scripted[0](x), net[0](x))


def test_a_module_list_is_looped_over():
    class Stack(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2)])

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x)
            return x

    net = Stack()
    x = torch.randn(2, 3)
    assert torch.allclose(torch.jit.script(net)(x), net(x))


def test_modules_in_containers_are_indexed_by_constants():
    class Held(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Tanh()])
            self.named = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Sigmoid()})

        def forward(self, x: Tensor) -> Tensor:
            x = self.layers[-1](self.layers[0](x)) * len(self.layers)
            return self.named["b"](self.named["a"](x))

    net = Held()
    x = torch.randn(3, 2)
    assert torch.allclose(torch.jit.script(net)(x), net(x))

    class Pops(Held):
        def forward(self, x: Tensor) -> Tensor:
            return self.named.pop("a")(x)

    with pytest.raises(torch.SyntaxError, match="`pop` of ModuleDict is not available in scripts"):
        torch.jit.script(Pops())


def test_an_optional_submodule_is_tested_for_none():
    class Maybe(nn.Module):
        def __init__(self, down):
            super().__init__()
            self.down = down

        def forward(self, x: Tensor) -> Tensor:
            if self.down is not None:
                x = self.down(x)
            return x

    x = torch.randn(3, 2)
    for net in (Maybe(None), Maybe(nn.Linear(2, 4))):
        assert torch.allclose(torch.jit.script(net)(x), net(x))


class WithStatic(nn.Module):
    @staticmethod
    def add(a: int, b: int) -> int:
        return a + b

    def forward(self, x: int) -> int:
        return self.add(x, 2) + torch.jit.wait(torch.jit.fork(self.add, x, b=3))


class WithFunction(nn.Module):
    def __init__(self, act):
        super().__init__()
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x) + torch.jit.wait(torch.jit.fork(self.act, x))


def test_static_methods_are_called_without_self():
    assert torch.jit.script(WithStatic())(4) == WithStatic()(4) == 13


def test_functions_in_attributes_are_called():
    x = torch.tensor([-1.0, 1.0])
    for act in (nn.functional.relu, torch.tanh, torch.jit.script(twice)):
        net = WithFunction(act)
        assert torch.allclose(torch.jit.script(net)(x), net(x))


def test_fork_of_methods_and_submodules():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(3, 3), nn.Linear(3, 3)

        def half(self, x: Tensor, scale: float) -> Tensor:
            return x * scale

        def forward(self, x: Tensor) -> Tensor:
            a = torch.jit.fork(self.left, x)
            b = torch.jit.fork(self.right.forward, x)
            c = torch.jit.fork(self.half, x, scale=0.5)
            return torch.jit.wait(a) + torch.jit.wait(b) + torch.jit.wait(c)

    net = Both()
    x = torch.randn(2, 3)
    assert torch.allclose(torch.jit.script(net)(x), net(x))


def test_attributes_of_all_kinds():
    class Kinds(nn.Module):
        table: Dict[str, int]

        def __init__(self):
            super().__init__()
            self.n, self.x, self.b, self.s = 3, 0.5, True, "text"
            self.sizes = [1, 2, 3]
            self.pair = (1, "x")
            self.table = {"a": 5}
            self.dtype = torch.float64

        def forward(self) -> Tuple[float, str, int]:
            return self.n * self.x, self.s + self.pair[1], self.sizes[2] + self.table["a"] + int(self.b)

        @torch.jit.export
        def make(self) -> Tensor:
            return torch.zeros([2], dtype=self.dtype)

    scripted = torch.jit.script(Kinds())
    assert scripted() == (1.5, "textx", 9)
    assert scripted.make().dtype is torch.float64


def test_an_attribute_that_scripts_cannot_hold_is_refused_where_it_is_used():
    class Holds(nn.Module):
        def __init__(self):
            super().__init__()
            self.thing = object()
            self.fine = 3

        def forward(self) -> int:
            return self.fine

        @torch.jit.ignore
        def log(self):
            print(self.thing)

    assert torch.jit.script(Holds())() == 3

    class Uses(Holds):
        def forward(self) -> int:
            return self.thing

    with pytest.raises(torch.SyntaxError, match="attribute `thing` of `Uses` is a value of type object"):
        torch.jit.script(Uses())


def test_train_and_eval_reach_the_scripted_methods():
    class Mode(nn.Module):
        def forward(self) -> bool:
            return self.training

    scripted = torch.jit.script(Mode())
    assert scripted() is True
    scripted.eval()
    assert scripted() is False and scripted.training is False


def test_a_scripted_module_is_printed_with_its_class():
    text = repr(torch.jit.script(Net()))
    assert text.startswith("RecursiveScriptModule(\n  original_name=Net\n  (first): RecursiveScriptModule(original_name=Linear)")


def test_recursive_methods():
    class Down(nn.Module):
        def forward(self, n: int) -> int:
            if n == 0:
                return 0
            return self.forward(n - 1) + 1

    assert torch.jit.script(Down())(1000) == 1000


def test_a_module_without_forward_is_scripted_for_its_exports():
    class Only(nn.Module):
        @torch.jit.export
        def twice(self, x: int) -> int:
            return 2 * x

    scripted = torch.jit.script(Only())
    assert scripted.twice(4) == 8
    with pytest.raises(NotImplementedError):
        scripted(1)


def test_the_graph_of_a_module_reads_attributes():
    text = str(torch.jit.script(Net()).graph)
    assert "prim::GetAttr[name=\"first\"]" in text and "prim::CallMethod[name=" in text


def test_a_module_class_is_not_scripted():
    with pytest.raises(torch.SyntaxError, match="script an instance"):
        torch.jit.script(Net)


def test_scripting_a_scripted_module_gives_it_back():
    scripted = torch.jit.script(Net())
    assert torch.jit.script(scripted) is scripted
