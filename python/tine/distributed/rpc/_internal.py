"""How Python calls travel: what is pickled, what runs at the callee, how an exception comes back.

Tensors and RRefs are lifted out of a pickle and travel as they are. Functions and classes are pickled by
name, as the pickle module does: the callee imports them. Both ends have proven the shared secret before.
"""
import copyreg
import importlib
import io
import pickle
import threading
import traceback

from ... import _C

_FUTURE_REFUSED = "Can not pickle torch.futures.Future"

_leaves = threading.local()


def _leaf(index):
    """Stands in a pickle for a value that travels beside it."""
    return _leaves.values[index]


class _Pickler(pickle.Pickler):
    def __init__(self, file):
        super().__init__(file, protocol=5)
        self.leaves = []

    def reducer_override(self, obj):
        kind = type(obj)
        if kind is _C.Tensor or kind is _C._rpc.RRef:
            self.leaves.append(obj)
            return _leaf, (len(self.leaves) - 1,)
        if isinstance(obj, _C.Future):
            raise TypeError(
                f"{_FUTURE_REFUSED}: a Future belongs to the process that made it; send its value, or decorate the "
                "callee with @rpc.functions.async_execution"
            )
        return NotImplemented


def to_pickle(obj):
    """The object as (bytes, leaves)."""
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(obj)
    return file.getvalue(), pickler.leaves


def from_pickle(data, leaves):
    """What to_pickle was given."""
    before = getattr(_leaves, "values", None)
    _leaves.values = leaves
    try:
        return pickle.loads(data)
    finally:
        _leaves.values = before


def call_to_pickle(func, args, kwargs):
    """A call of `func`. What cannot be pickled is an error that names the function and the reason."""
    try:
        return to_pickle((func, args, kwargs))
    except Exception as error:
        error.add_note(f"while sending a call of {name_of(func)} to another worker")
        if "<lambda>" in str(error) or "local object" in str(error):
            error.add_note(
                "functions and classes are sent by name: define it at the top level of a file that the other worker has, "
                "or script it (tine.jit.script): then its code is sent"
            )
        raise


def name_of(func):
    """What error messages call a callee."""
    if isinstance(func, MethodCall):
        return f"RRef.{func.method}"
    module = getattr(func, "__module__", None)
    name = getattr(func, "__qualname__", None) or getattr(func, "__name__", None) or repr(func)
    if name.startswith("PyCapsule."):  # what pybind11 calls a method's class
        name = f"{type(getattr(func, '__self__', None)).__qualname__}.{name.partition('.')[2]}"
    return f"{module}.{name}" if module else name


class MethodCall:
    """A callee: a method of the object behind an RRef that the callee's worker owns."""

    def __init__(self, rref, method):
        self.rref = rref
        self.method = method

    def __getstate__(self):
        return (self.rref, self.method)

    def __setstate__(self, state):
        self.rref, self.method = state

    def resolve(self):
        return getattr(self.rref.local_value(), self.method)


def execute(data, leaves):
    """Runs a call that another worker sent: (True, Future) of an async function, else (False, result)."""
    try:
        func, args, kwargs = from_pickle(data, leaves)
    except (AttributeError, ImportError) as error:
        error.add_note(
            "this worker does not have the function (or class) of the call: it must be importable here under the name "
            "under which it was sent; functions of __main__ exist only where the same program runs"
        )
        raise
    if isinstance(func, MethodCall):
        func = func.resolve()
    is_async = hasattr(func, "_wrapped_async_rpc_function")
    result = func(*args, **kwargs)
    if is_async and not isinstance(result, _C.Future):
        raise TypeError(
            "Functions decorated with @rpc.functions.async_execution must return a torch.futures.Future object, "
            f"but {name_of(func)} returned {type(result).__module__}.{type(result).__qualname__}"
        )
    return is_async, result


class RemoteTraceback(Exception):
    """The cause of an exception that another worker raised: its traceback there, as text."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text

    def __str__(self):
        return f"\n{self.text}"


def describe_error(error):
    """An exception as (module, qualname, message, traceback, pickle or None)."""
    kind = type(error)
    text = "".join(traceback.format_exception(kind, error, error.__traceback__))
    notes = [str(note) for note in getattr(error, "__notes__", ())]
    try:
        # The cause travels as text; a state that cannot be pickled leaves class, args and text.
        data = pickle.dumps((kind, error.args, _state_of(error), notes), protocol=5)
        pickle.loads(data)
    except Exception:
        data = None
    try:
        message = str(error)
    except Exception as broken:
        message = f"<str() of the exception failed: {broken!r}>"
    return kind.__module__, kind.__qualname__, message, text, data


def _state_of(error):
    state = {k: v for k, v in getattr(error, "__dict__", {}).items() if k != "__notes__"}
    return state or None


def _class_named(module, qualname):
    try:
        found = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except Exception:
        return None
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


def _rebuilt(module, qualname, message, data):
    if data:
        try:
            kind, args, state, notes = pickle.loads(data)
            error = kind.__new__(kind, *args)
            error.args = args
            try:
                kind.__init__(error, *args)
                error.args = args
            except Exception:
                pass  # an __init__ of another shape: class and args are right all the same
            if state:
                error.__dict__.update(state)
            for note in notes:
                error.add_note(note)
            if str(error) == message:
                return error
        except Exception:
            pass
    kind = _class_named(module, qualname)
    if kind is not None:
        try:
            error = kind(message)
            if str(error) == message:
                return error
        except Exception:
            pass
    return _C.RemoteError(f"{module}.{qualname}: {message}")


_HOP_WORDS = ("in script", "forked from", "on worker", "note:")


def rebuild_error(kind, message, module, qualname, text, data, trail):
    """The exception that another worker raised: same type, args and str(), the remote traceback as its cause."""
    error = _rebuilt(module, qualname, message, data)
    for hop, what, file, line in trail:
        place = f" ({file}:{line})" if file else ""
        error.add_note(f"{_HOP_WORDS[hop]} {what}{place}")
    if text:
        error.__cause__ = RemoteTraceback(text)
    return error


_C._rpc.set_hooks(execute, to_pickle, from_pickle, describe_error, rebuild_error)
copyreg.pickle(RemoteTraceback, lambda e: (RemoteTraceback, (e.text,)))
