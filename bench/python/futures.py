"""Futures in Python: make, complete, wait, and their callbacks, beside torch's and the standard library's."""

import concurrent.futures
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from _measure import bytes_row, row  # noqa: E402

import tine.futures as ours  # noqa: E402

try:
    import torch.futures as torchs
except ImportError:
    torchs = None

TORCH = "PyTorch"


def make_set_wait(module):
    Future = module.Future

    def run():
        future = Future()
        future.set_result(5)
        return future.wait()

    return run


def make_set_result():
    future = concurrent.futures.Future()
    future.set_result(5)
    return future.result()


def then_set_wait(module):
    Future = module.Future

    def callback(future):
        return future.wait()

    def run():
        future = Future()
        result = future.then(callback)
        future.set_result(5)
        return result.wait()

    return run


def chain(module, links):
    Future = module.Future

    def callback(future):
        return future.wait()

    def run():
        future = end = Future()
        for _ in range(links):
            end = end.then(callback)
        future.set_result(5)
        return end.wait()

    return run


def collect(module, inputs):
    Future, collect_all = module.Future, module.collect_all

    def run():
        futures = [Future() for _ in range(inputs)]
        result = collect_all(futures)
        for future in futures:
            future.set_result(None)
        return result.wait()

    return run


def failure(module):
    Future, error = module.Future, ValueError("foo")

    def run():
        future = Future()
        future.set_exception(error)
        try:
            future.wait()
        except ValueError:
            error.__traceback__ = None

    return run


def floor():
    """Three calls into C that do next to nothing."""
    items = []
    items.append(5)
    return items.pop()


def peers(make, *args):
    return {TORCH: make(torchs, *args) if torchs else None}


def pending_with_callback(module):
    Future = module.Future

    def callback(future):
        pass

    def make():
        future = Future()
        future.add_done_callback(callback)
        return future

    return make


def pending(module):
    return module.Future


bytes_row("Python pending Future, memory of each", pending(ours), peers(pending))
bytes_row("the same with one callback", pending_with_callback(ours), peers(pending_with_callback))
row("Python Future() + set_result + wait", make_set_wait(ours),
    {**peers(make_set_wait), "concurrent.futures": make_set_result, "list, append, pop": floor},
    bar={"peer": TORCH, "times": 10})
row("Python then + set_result + wait", then_set_wait(ours), peers(then_set_wait), bar={"peer": TORCH, "times": 6})
row("Python then chain of 1,000, a link", chain(ours, 1000), peers(chain, 1000), items=1000)
row("Python collect_all of 1,000, an input", collect(ours, 1000), peers(collect, 1000), items=1000)
row("Python set_exception + wait, caught", failure(ours), peers(failure))
