"""Dicts, lists and containers of modules in scripts, and what parameters may have as defaults."""

from typing import Any, Dict, List, Optional, Tuple

import pytest

import tine as torch
from tine import Tensor, nn
from tine.futures import wait_all
from tine.jit import Future


def neg(x: Tensor) -> Tensor:
    return torch.neg(x)


def fails(x: Tensor) -> Tensor:
    raise ValueError("no")


def test_wait_all_gives_the_values():
    def by_attribute(x: Tensor) -> List[Tensor]:
        fs: List[Future[Tensor]] = [torch.jit.fork(neg, x), torch.jit.fork(neg, x + 1)]
        return torch.futures.wait_all(fs)

    def by_name(x: Tensor) -> List[Tensor]:
        return wait_all([torch.jit.fork(neg, x), torch.jit.fork(neg, x + 1)])

    for fn in (by_attribute, by_name):
        assert [v.item() for v in torch.jit.script(fn)(torch.tensor(1.0))] == [-1.0, -2.0]


def test_collect_all_gives_a_future_of_the_futures():
    def collects(x: Tensor) -> Tensor:
        all_of = torch.futures.collect_all([torch.jit.fork(neg, x), torch.jit.fork(neg, x + 1)])
        total = torch.zeros(1)
        for f in all_of.wait():
            total = total + f.wait()
        return total

    def collects_a_failure(x: Tensor) -> int:
        return len(torch.futures.collect_all([torch.jit.fork(neg, x), torch.jit.fork(fails, x)]).wait())

    assert torch.jit.script(collects)(torch.ones(1)).tolist() == [-3.0]
    with pytest.raises(ValueError, match="no"):
        torch.jit.script(collects_a_failure)(torch.ones(1))


def test_literals_of_any_and_optional_elements():
    def dicts(x: Tensor) -> Dict[str, Any]:
        d: Dict[str, Any] = {"a": x, "b": "s", "c": 3}
        d["d"] = 1.5
        return d

    def lists(x: Tensor) -> List[Any]:
        xs: List[Any] = [x, "s", 3]
        return xs

    def optional() -> List[Optional[float]]:
        return [1, None, 2.5]

    x = torch.ones(1)
    assert torch.jit.script(dicts)(x) == {"a": x, "b": "s", "c": 3, "d": 1.5}
    assert torch.jit.script(lists)(x)[1:] == ["s", 3]
    assert torch.jit.script(optional)() == [1.0, None, 2.5]


def numbered(keys: List[str]) -> Dict[str, int]:
    return {k: i for i, k in enumerate(keys)}


def long_ones(keys: List[str]) -> Dict[str, int]:
    return {k: len(k) for k in keys if len(k) > 1 and k != "dd"}


def of_pairs(keys: List[str]) -> Dict[str, int]:
    return dict([(k, len(k)) for k in keys])


def of_a_zip(keys: List[str]) -> Dict[str, int]:
    return dict(zip(keys, [7, 8, 9]))


def of_keywords(keys: List[str]) -> Dict[str, int]:
    return dict(of_pairs(keys), a=5, z=6)


def of_a_dict(keys: List[str]) -> Dict[str, int]:
    d = of_pairs(keys)
    copy = dict(d)
    copy["new"] = 0
    d["old"] = 1
    return copy


def from_items(keys: List[str]) -> Dict[int, str]:
    return {v: k for k, v in of_pairs(keys).items()}


@pytest.mark.parametrize("fn", [numbered, long_ones, of_pairs, of_a_zip, of_keywords, of_a_dict, from_items],
                         ids=lambda fn: fn.__name__)
def test_dicts_are_what_python_makes_of_them(fn):
    for keys in (["a", "bb", "ccc"], ["dd", "a", "a"], []):
        made, expected = torch.jit.script(fn)(keys), fn(keys)
        assert made == expected and list(made) == list(expected)


class Scale(nn.Module):
    def __init__(self, k: float):
        super().__init__()
        self.k = k

    def forward(self, x):
        return x * self.k


class Shift(nn.Module):
    def forward(self, x):
        return x + 1


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.by_name = nn.ModuleDict({"a": Scale(3.0), "b": Shift()})
        self.layers = nn.ModuleList([Scale(2.0), Shift()])
        self.empty = nn.ModuleDict({})
        self.steps = nn.Sequential()
        self.steps.add_module("first", Scale(2.0))
        self.steps.add_module("second", Shift())


class Values(Heads):
    def forward(self, x: Tensor) -> Tensor:
        for m in self.by_name.values():
            x = m(x)
        return x


class Keys(Heads):
    def forward(self, x: Tensor) -> List[str]:
        names: List[str] = []
        for name in self.by_name.keys():
            names.append(name)
        for name in self.by_name:
            names.append(name + "!")
        for name in self.empty:
            names.append("never")
        return names + list(self.by_name.keys())


class Items(Heads):
    def forward(self, x: Tensor) -> Dict[str, Tensor]:
        out: Dict[str, Tensor] = {}
        for i, (name, m) in enumerate(self.by_name.items()):
            out[name] = m(x) + i
        return out


class Forked(Heads):
    def forward(self, x: Tensor) -> Dict[str, Tensor]:
        futures = {name: torch.jit.fork(m, x) for name, m in self.by_name.items()}
        return {name: torch.jit.wait(f) for name, f in futures.items()}


class Listed(Heads):
    def forward(self, x: Tensor) -> List[Tensor]:
        return [m(x) for m in self.by_name.values()] + [m(x) for m in self.steps]


class Zipped(Heads):
    def forward(self, x: Tensor) -> Tensor:
        for m, layer in zip(self.by_name.values(), self.layers):
            x = m(layer(x))
        return x


class ByName(Heads):
    def forward(self, x: Tensor) -> Tensor:
        for name in self.by_name:
            x = self.by_name[name](x)
        return x


class Contains(Heads):
    def forward(self, x: Tensor) -> int:
        n = len(self.by_name) * 100 + len(self.layers) * 10
        if "a" in self.by_name:
            n += 1
        if "zz" in self.by_name:
            n += self.by_name["zz"].nothing
        if "a" not in self.by_name:
            n += nowhere(n)  # noqa: F821
        return n


@pytest.mark.parametrize("cls", [Values, Keys, Items, Forked, Listed, Zipped, ByName, Contains], ids=lambda c: c.__name__)
def test_containers_of_modules_are_looped_over_as_in_python(cls):
    module = cls()
    x = torch.tensor([1.0, 2.0])
    made, expected = torch.jit.script(module)(x), module(x)
    plain = {Tensor: lambda v: v.tolist(), list: lambda v: [getattr(e, "tolist", lambda: e)() for e in v],
             dict: lambda v: {k: e.tolist() for k, e in v.items()}, int: int}[type(expected)]
    assert plain(made) == plain(expected)


def test_whether_a_module_has_a_name_may_be_asked_at_run_time():
    class Asks(Heads):
        def forward(self, name: str) -> bool:
            return name in self.by_name and name not in self.empty

    made = torch.jit.script(Asks())
    assert made("a") and not made("c")


def test_a_default_is_what_python_evaluated():
    width = 3

    def fn(a: Tensor, b: Tensor = torch.tensor([3.0, 4.0]), *, n: int = width + 1, m: Tuple[int, int] = (1, width)) -> Tensor:
        return a + b * n + m[1]

    made = torch.jit.script(fn)
    assert made(torch.ones(2)).tolist() == [16.0, 20.0]
    assert made(torch.ones(2), torch.zeros(2), n=0).tolist() == [4.0, 4.0]

    def caller(a: Tensor) -> Tensor:
        return fn(a)

    assert torch.jit.script(caller)(torch.ones(2)).tolist() == [16.0, 20.0]


def test_a_default_that_no_script_can_hold_is_refused():
    def fn(a: Tensor, b: int = object()) -> Tensor:
        return a

    with pytest.raises(torch.SyntaxError, match="expected a constant"):
        torch.jit.script(fn)


def test_a_dict_with_nan_keys_takes_and_gives_them():
    def fn(d: Dict[float, int], nan: float) -> Tuple[int, int]:
        first = d.setdefault(nan, 1)
        for i in range(20):
            d[nan] = i
        taken = 0
        while len(d) > 0:
            taken += d.popitem()[1]
        return first, taken

    assert torch.jit.script(fn)({}, float("nan")) == (1, 1 + sum(range(20)))
