"""tine's errors as Python classes."""

import pickle

import pytest

import tine

CLASSES = {
    "ShapeError": (RuntimeError, ValueError),
    "SyntaxError": (RuntimeError, SyntaxError),
    "Cancelled": (RuntimeError,),
    "DeadlineExceeded": (RuntimeError, TimeoutError),
    "Abandoned": (RuntimeError,),
    "PeerDied": (RuntimeError, ConnectionError),
    "RemoteError": (RuntimeError,),
    "AuthError": (RuntimeError, PermissionError),
}


@pytest.mark.parametrize("name", CLASSES)
def test_each_class_is_what_a_python_programmer_would_catch(name):
    cls = getattr(tine, name)
    assert all(issubclass(cls, base) for base in CLASSES[name])
    assert cls.__module__ == "tine" and cls.__doc__


@pytest.mark.parametrize("name", CLASSES)
def test_each_class_keeps_its_message_also_through_pickle(name):
    error = getattr(tine, name)("what went wrong")
    for copy in (error, pickle.loads(pickle.dumps(error))):
        assert type(copy) is type(error) and str(copy) == "what went wrong" and copy.args == ("what went wrong",)


def test_an_operator_that_fails_raises_the_class_of_its_error():
    with pytest.raises(tine.ShapeError, match=r"\[2\].*\[3\]") as caught:
        tine.ones(2) + tine.ones(3)
    assert isinstance(caught.value, RuntimeError) and isinstance(caught.value, ValueError)
    with pytest.raises(IndexError):
        tine.ones(2)[2]
    with pytest.raises(TypeError, match="no overload takes"):
        tine.add(tine.ones(2), "text")


def test_the_same_exception_raised_twice_is_one_object_whose_traceback_grows():
    from tine.futures import Future

    future, error = Future(), KeyError("k")
    future.set_exception(error)
    lengths = []
    for _ in range(2):
        with pytest.raises(KeyError) as caught:
            future.wait()
        assert caught.value is error
        length, tb = 0, error.__traceback__
        while tb:
            length, tb = length + 1, tb.tb_next
        lengths.append(length)
    assert lengths[0] < lengths[1] and str(error) == "'k'"


def test_an_exception_whose_str_fails_still_travels():
    from tine.futures import Future

    class Mute(Exception):
        def __str__(self):
            raise ValueError("no text")

    error, future = Mute(), Future()
    future.set_exception(error)
    assert future.then(lambda f: f.wait()).exception() is error
