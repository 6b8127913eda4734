"""What the tests of lifted tensors call on another worker, and what they send there."""
import collections
import dataclasses
import sys

import torch

import tine
from tine.distributed import rpc


def echo(x):
    return x


def lazily(x):
    return (y for y in [x])


class Failed(Exception):
    """With a tensor among its arguments and another beside them."""

    def __init__(self, words, at, **more):
        super().__init__(words, at)
        self.more = more


def fail(x):
    raise Failed("with", x, beside=x[1:])


def numbered(count, size):
    return [torch.full((size,), float(i)) for i in range(count)]


def described(x):
    """A tensor as its receiver sees it."""
    return (str(x.dtype), tuple(x.shape), x.stride(), x.storage_offset(), x.requires_grad, x.is_leaf, x.untyped_storage().nbytes())


def all_described(*tensors):
    return [described(x) for x in tensors]


def add_one(x):
    x.add_(1)
    return x


def add_one_everywhere(xs):
    for x in xs:
        x += 1
    return xs


def see_sharing(a, b):
    """Whether what is written to one shows in the other, both ways, and whether PyTorch sees one storage."""
    with torch.no_grad():
        a.zero_()
        b.fill_(1)
        there = bool((a.to(torch.float64) != 0).any())
        a.zero_()
        back = bool((b.to(torch.float64) == 0).any())
    return there, back, a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def kind(x):
    return type(x).__module__, type(x).__qualname__


def attributes(x):
    return sorted(vars(x))


def resized(x):
    return x.resize_(100)


def step(module, x):
    """Runs a module and trains it here."""
    module(x).sum().backward()
    return [p.grad for p in module.parameters()]


def same_objects(items):
    return [[a is b for b in items] for a in items]


def modules_here(name):
    return name in sys.modules


@rpc.functions.async_execution
def echo_later(x):
    future = tine.futures.Future()
    future.set_result(x)
    return future


@rpc.functions.async_execution
def ask(to, *items):
    """Others' answers, as one list, which nobody here has looked into."""
    return tine.futures.gather(*[rpc.rpc_async(to, echo, args=(item,)) for item in items])


class Subclass(torch.Tensor):
    pass


Pair = collections.namedtuple("Pair", ["left", "right"])


@dataclasses.dataclass
class Record:
    name: str
    weights: torch.Tensor
    more: dict


class Holder:
    def __init__(self, x):
        self.x = x

    def get(self):
        return self.x

    def add(self, y):
        self.x = self.x + y
        return self.x


class Slotted:
    __slots__ = ("x",)

    def __init__(self, x):
        self.x = x

    def __reduce__(self):
        return Slotted, (self.x,)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(32, 32)
        self.second = torch.nn.Linear(32, 32)
        self.second.weight = self.first.weight  # tied
        self.register_buffer("scale", torch.full((32,), 2.0))

    def forward(self, x):
        return self.second(self.first(x)) * self.scale


def fetch(rref):
    return rref.to_here()


def fetch_x(rref):
    return rref.to_here().x


@rpc.functions.async_execution
def fetch_x_later(rref):
    future = tine.futures.Future()
    future.set_result(rref.to_here().x)
    return future
