"""PyTorch's argument names of the futures' methods."""
import pytest

import tine
from tine.futures import Future, collect_all


def test_the_methods_take_their_argument_by_pytorchs_name():
    seen = []
    fut = Future()
    chained = fut.then(callback=lambda f: f.wait() + 1)
    fut.add_done_callback(callback=lambda f: seen.append(f.value()))
    fut.set_result(result=1)
    assert chained.wait() == 2 and seen == [1]
    failed = Future()
    failed.set_exception(result=ValueError("foo"))
    with pytest.raises(ValueError, match="foo"):
        failed.wait()
    assert collect_all(futures=[fut]).wait() == [fut]


@pytest.mark.parametrize("call", [lambda f: f.then(), lambda f: f.then(1, 2), lambda f: f.then(call=print)])
def test_another_name_or_number_is_named(call):
    with pytest.raises(TypeError, match="callback"):
        call(Future())
    assert tine.futures.Future is Future
