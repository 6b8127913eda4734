"""Small tensors in Python, where the call costs more than the work; beside torch and NumPy."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from _measure import row  # noqa: E402

import numpy  # noqa: E402

import tine  # noqa: E402

try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None
tine.set_num_threads(1)

TORCH = "PyTorch"
array = numpy.ones(8, dtype=numpy.float32)
x = tine.tensor(array)
t = torch.tensor(array) if torch else None
square = numpy.random.default_rng(0).random((16, 16), dtype=numpy.float32)


def both(text, ours, theirs, plain=None, bar=None):
    peers = {TORCH: (lambda: theirs(t)) if torch else None}
    if plain:
        peers["NumPy"] = lambda: plain(array)
    row(text, lambda: ours(x), peers, bar)


def same(text, function, bar=None):
    both(text, function, function, function, bar)


same("x + y of 8 floats", lambda v: v + v, bar={"at_most": 100})
same("x + 1 of 8 floats", lambda v: v + 1)
both("tanh of 8 floats", tine.tanh, torch.tanh if torch else None, numpy.tanh)
same("x.sum() of 8 floats", lambda v: v.sum())
same("x[3]", lambda v: v[3])
same("x[2:5]", lambda v: v[2:5])
same("x.shape", lambda v: v.shape)
both("ones(8)", lambda _: tine.ones(8), lambda _: torch.ones(8), lambda _: numpy.ones(8, dtype=numpy.float32))
both("item()", lambda _: x[0].item(), lambda _: t[0].item(), lambda v: v[0].item())
a, b = tine.tensor(square), torch.tensor(square) if torch else None
both("16 x 16 matrix product", lambda _: a @ a, lambda _: b @ b, lambda _: square @ square)
both("from_numpy", lambda _: tine.from_numpy(array), lambda _: torch.from_numpy(array))
both("x.numpy()", lambda v: v.numpy(), lambda v: v.numpy())
