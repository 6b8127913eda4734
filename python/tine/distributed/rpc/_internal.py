"""What the core calls of Python's: to run a call that arrived, and to write and read what travels."""

from __future__ import annotations

import _pickle as pickle  # the part in C: the rest takes a megabyte
import types

from ... import _C
from ._async_items import AsyncItems
from ._coroutines import coroutines
from ._errors import CalleeImportError, as_cause, describe_error, rebuild_error, text_of
from ._pickling import MethodCall, from_pickle, name_of, to_pickle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def execute(data: bytes, leaves: list[Any], is_own: bool) -> tuple[bool, Any]:
    """Runs a call that another worker sent, or this one: (True, Future) of an async function, else (False, result)."""
    try:
        is_async, result = _execute(data, leaves)
    except Exception:
        raise
    except BaseException as error:  # its caller must not end because the callee would have
        raise as_cause(error)
    # To another worker an error goes as text; what arrives at the own caller is the object.
    return is_async, _survivable(result) if is_async and is_own else result


def _survivable(future: _C.Future[Any]) -> _C.Future[Any]:
    """The same Future, or one without SystemExit and the like, which would end the thread that waits for it."""
    safe = future.or_else(_as_failed)
    _C._on_cancel(safe, _C._Canceller(future))
    return safe


def _as_failed(error: BaseException) -> _C.Future[Any]:
    failed: _C.Future[Any] = _C.Future()
    failed.set_exception(error if isinstance(error, Exception) else as_cause(error))
    return failed


def _not_found(error: AttributeError | ImportError) -> BaseException:
    """What the caller is told when this worker does not have what it names."""
    if isinstance(error, CalleeImportError):
        return error
    kind = _C.AttributeError if isinstance(error, AttributeError) else CalleeImportError
    fresh = kind(
        f"{text_of(error)}. Default RPC pickler does not serialize function code. Ensure that function definitions "
        "match on caller and callee"
    )
    fresh.__cause__ = error
    if str(getattr(error, "name", None)).partition(".")[0] == "cloudpickle":
        fresh.add_note("the caller sent the code of a lambda or a local function: install cloudpickle on this worker, too")
        return fresh
    fresh.add_note(
        "this worker does not have the function (or class) of the call: it must be importable here under the name "
        "under which it was sent; functions of __main__ exist only where the same program runs"
    )
    return fresh


def find(module: str, qualname: str) -> Any:
    """The function or class of that name, as unpickling it gives it: the module is imported if need be."""
    names = [text.encode("utf-8") for text in (module, qualname)]
    # As pickle writes it: protocol 4, the two texts, STACK_GLOBAL.
    texts = b"".join(b"X" + len(text).to_bytes(4, "little") + text for text in names)
    try:
        return pickle.loads(b"\x80\x04" + texts + b"\x93.")
    except (AttributeError, ImportError) as error:
        raise _not_found(error)


def find_method(rref: _C._rpc.RRef[Any], name: str) -> Any:
    return MethodCall(rref, name).resolve()


def arguments(data: bytes, leaves: list[Any]) -> Any:
    """What a call's pickle holds: (args, kwargs), and the function before them if it does not go by its name."""
    try:
        return from_pickle(data, leaves)
    except (AttributeError, ImportError) as error:
        raise _not_found(error)


def _execute(data: bytes, leaves: list[Any]) -> tuple[bool, Any]:
    func, args, kwargs = arguments(data, leaves)
    if isinstance(func, MethodCall):
        func = func.resolve()
    result = func(*args, **kwargs)
    if type(result) is types.CoroutineType or hasattr(func, "_wrapped_async_rpc_function"):
        return True, _future_of(func, result)
    return False, result


def settle(func: Any, result: Any, is_own: bool) -> _C.Future[Any]:
    """The Future of an async function's result, which is the reply's."""
    future = _future_of(func, result)
    return _survivable(future) if is_own else future


def _future_of(func: Any, result: Any) -> _C.Future[Any]:
    if type(result) is types.CoroutineType:
        return coroutines.run(result)
    if isinstance(result, _C.Future):
        return result
    future = _C._adopted(result)  # another library's
    if future is None:
        raise _C.TypeError(
            "Functions decorated with @rpc.functions.async_execution must return a torch.futures.Future object, "
            f"but {name_of(func)} returned {type(result).__module__}.{type(result).__qualname__}"
        )
    return future


_C._rpc.set_hooks(
    execute, to_pickle, from_pickle, describe_error, rebuild_error, find, find_method, settle, as_cause, types.CoroutineType,
    arguments, AsyncItems,
)
