"""How Python calls travel: what is pickled, what runs at the callee, how an exception comes back.

Tensors and RRefs are lifted out of a pickle and travel as they are, PyTorch's plain tensors and the large buffers of
NumPy's arrays, bytes, bytearrays and others (PEP 574), too: their memory is the last leaf. Functions and classes are
pickled by name, as the pickle module does: the callee imports them. Both ends have proven the shared secret before.
"""
from __future__ import annotations

import _pickle as pickle  # the part in C: the rest takes a megabyte
import collections
import copyreg
import importlib
import io
import operator
import sys
import threading
import types

from ... import _C
from ..._trail import Hop
from ._async_items import AsyncItems
from ._coroutines import coroutines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    _Kinds = type[BaseException] | tuple[type[BaseException], ...]

# Exceptions of foreign code that are caught while an error or a value is put together. Ctrl-C passes.
_ANY = (Exception, SystemExit, GeneratorExit)

_leaves = threading.local()


def _leaf(index: int) -> Any:
    """Stands in a pickle for a value that travels beside it."""
    return _leaves.values[index]


def _lifted(index: int) -> Any:
    """Stands in a pickle for a torch.Tensor of the last leaf."""
    return _leaves.values[-1][index]


def _scripted(index: int) -> Any:
    """Stands in a pickle for a scripted module or function that travels beside it."""
    from ...jit._travel import received

    return received(_leaves.values[index])


def _read_only(array: Any) -> Any:
    array.flags.writeable = False
    return array


def _array(shape: Any, dtype: Any, order: Any, data: Any) -> Any:
    """A NumPy array on a buffer."""
    import numpy

    return numpy.ndarray(shape, dtype, data, 0, None, order)


_imported = sys.modules.get
# Buffers up to this size are cheaper inside the pickle. The body of a message also holds tensors up to this size.
_SMALL = 512
# A frame has at most 65,536 segments. After this many buffers, only large ones travel beside the pickle.
_MANY, _LARGE = 4096, 65536
_KINDS = "biufcmMSUV"  # of NumPy's types, those whose elements lie in the array
_NUMBERS = frozenset("?bBhHiIlLqQefdgFDG")  # those that their letter says all about


class _Buffers(list[memoryview]):
    """The buffers of one pickle that travel beside it. The pickler calls this with each buffer."""

    __slots__ = ("chunks", "places")

    def __init__(self, chunks: list[Any]) -> None:
        super().__init__()
        self.chunks = chunks
        self.places: list[int] = []  # of each: how many chunks were written before it

    def __call__(self, buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes <= (_SMALL if len(self) < _MANY else _LARGE):
            return True
        self.append(view)
        self.places.append(len(self.chunks))
        return False


# The content of a bytes or bytearray of at least this size is a chunk by itself, the very object, as the pickler in C writes
# it. Before it there is one of these opcodes with the size (4 or 8 bytes of it).
_BY_ITSELF = 65536
_OPCODES = ((bytes, b"B", 4), (bytes, b"\x8e", 8), (bytearray, b"\x96", 8))
# In its place: the class, called with the next buffer (NEXT_BUFFER, TUPLE1, REDUCE).
_FROM_BUFFER: dict[Any, bytes] = {bytes: b"cbuiltins\nbytes\n\x97\x85R", bytearray: b"cbuiltins\nbytearray\n\x97\x85R"}


def _joined(chunks: list[Any], buffers: _Buffers, memo: Callable[[], dict[int, Any]]) -> bytes:
    """The pickle in one piece. What large bytes and bytearrays hold becomes a buffer, uncopied."""
    known = None
    found = []
    for i in range(1, len(chunks)):
        chunk = chunks[i]
        if type(chunk) not in _FROM_BUFFER or len(chunk) < _BY_ITSELF:
            continue
        head, size = chunks[i - 1], len(chunk)
        for kind, opcode, width in _OPCODES:
            if type(chunk) is kind and size >> 8 * width == 0 and head.endswith(opcode + size.to_bytes(width, "little")):
                known = known or memo()
                if id(chunk) in known:  # else it only looks like one
                    chunks[i - 1] = head[: -1 - width] + _FROM_BUFFER[kind]
                    chunks[i] = b""
                    found.append((i, memoryview(chunk)))
                    break
    if found:
        all_of_them = sorted([*zip(buffers.places, buffers), *found], key=operator.itemgetter(0))
        buffers[:] = [buffer for _, buffer in all_of_them]
    return b"".join(chunks)


class _Pickler(pickle.Pickler):
    """A pickler that is reused, because making one takes longer than most pickles."""

    of: Any  # what errors say that it pickles: a text, or a function, of whose arguments it is one
    leaves: list[Any]
    tensors: list[Any]

    def __init__(self) -> None:
        self.leaves, self.tensors = [], []
        self.chunks: list[Any] = []
        self.buffers = _Buffers(self.chunks)
        super().__init__(types.SimpleNamespace(write=self.chunks.append), 5, buffer_callback=self.buffers)

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is _C.Tensor or kind is _C._rpc.RRef:
            self.leaves.append(obj)
            return _leaf, (len(self.leaves) - 1,)
        if isinstance(obj, _C.Future):
            _C._rpc.refuse_future(_what(self.of))
        # Another thread may be importing it.
        if issubclass(kind, getattr(_imported("tine.jit._script"), "SENT_BY_CODE", ())):
            return _reduced_script(obj, self.leaves)
        torch = _imported("torch")
        if torch is not None and kind is getattr(torch, "Tensor", None):
            plain = _C._rpc.liftable(obj)
            if plain is not None:
                self.tensors.append(plain)
                return _lifted, (len(self.tensors) - 1,)
        numpy = _imported("numpy")
        if numpy is not None and kind is getattr(numpy, "ndarray", None):
            return _reduced(numpy, obj)
        if kind in _VIEWS:
            raise TypeError(f"cannot pickle '{kind.__name__}' object, which {_what(self.of)} is or holds: send list() of it")
        return NotImplemented


def _reduced_script(obj: Any, leaves: Any) -> Any:
    """A scripted function or module goes beside the pickle, a scripted method as its module and its name."""
    from ...jit import _script, _travel

    if isinstance(obj, _script.ScriptMethod):
        return getattr, (obj.owner, obj.name)
    leaves.append(_travel.parts_of(obj))
    return _scripted, (len(leaves) - 1,)


def _what(of: Any) -> str:
    return of if isinstance(of, str) else f"an argument of {name_of(of)}"


# Of what is elsewhere or still to come.
_MAPPINGS: tuple[dict[Any, Any], ...] = ({}, collections.OrderedDict())
_VIEWS = frozenset(
    type(view)
    for mapping in _MAPPINGS
    for view in (mapping.keys(), mapping.values(), mapping.items())
) | {types.GeneratorType}


def _reduced(numpy: Any, array: Any) -> Any:
    """How an array without Python objects is pickled: on a buffer that is writable or not as the array is.

    NumPy's own way copies what is in no order, forgets that dates are read-only, and takes three times as long.
    """
    dtype, flags = array.dtype, array.flags
    if dtype.kind not in _KINDS or dtype.hasobject:
        return NotImplemented
    if not array.nbytes:  # there is no buffer to send
        return NotImplemented if flags.writeable else (_read_only, (array.copy(order="K"),))
    if not flags.forc:
        array = numpy.ascontiguousarray(array)
        array.flags.writeable = flags.writeable
        flags = array.flags
    order = "C" if flags.c_contiguous else "F"
    if dtype.isnative and dtype.char in _NUMBERS and dtype.metadata is None:
        return _array, (array.shape, dtype.char, order, pickle.PickleBuffer(array))
    return _array, (array.shape, dtype, order, pickle.PickleBuffer(array.reshape(-1, order="A").view(numpy.uint8)))


_idle: list[_Pickler] = []


def _pickled(obj: object, of: Any) -> tuple[bytes, list[Any]]:
    try:
        pickler = _idle.pop()
    except IndexError:
        pickler = _Pickler()
    try:
        data, leaves = _dumped(pickler, obj, of)  # a pickler that raised is not used again
    except Exception as error:
        by_value = _pickler_by_value() if _is_of_no_name(error) else None
        if by_value is None:
            raise
        return _dumped(by_value, obj, of)
    if len(data) <= 4096:  # a large one keeps large tables
        pickler.chunks.clear()
        pickler.clear_memo()
        pickler.of = None  # it may hold an RRef
        _idle.append(pickler)
    return data, leaves


def _is_of_no_name(error: Exception) -> bool:
    """Whether the pickler met a lambda, or a function or class of a function: those have no name that the callee knows."""
    text = str(error)
    return "<lambda>" in text or "<locals>" in text or "local object" in text


def _has_name(obj: Any) -> bool:
    found = _imported(obj.__module__)
    for part in obj.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is obj


def _pickler_by_value() -> Any:
    """A pickler that sends the code of what has no name, where cloudpickle is installed; else None."""
    global _ByValue
    if _ByValue is None:
        try:
            base: Any = importlib.import_module("cloudpickle").CloudPickler
        except ImportError:
            return None

        def make(self: Any) -> None:
            self.leaves, self.tensors, self.chunks = [], [], []
            self.buffers = _Buffers(self.chunks)
            base.__init__(self, types.SimpleNamespace(write=self.chunks.append), 5, self.buffers)

        def reducer_override(self: Any, obj: Any) -> Any:
            reduced = _Pickler.reducer_override(self, obj)
            if reduced is not NotImplemented or (isinstance(obj, (type, types.FunctionType)) and _has_name(obj)):
                return reduced
            return base.reducer_override(self, obj)

        _ByValue = type("ByValue", (base,), {"__init__": make, "reducer_override": reducer_override})
    return _ByValue()


_ByValue: Any = None


def _dumped(pickler: Any, obj: object, of: Any) -> tuple[bytes, list[Any]]:
    pickler.of = of
    chunks, buffers = pickler.chunks, pickler.buffers
    pickler.dump(obj)
    data = chunks[0] if len(chunks) == 1 else _joined(chunks, buffers, pickler.memo.copy)
    if pickler.tensors or buffers:
        pickler.leaves.append(_C._rpc.lift(pickler.tensors, buffers))
        pickler.tensors = []
        buffers.clear()
        buffers.places.clear()
    leaves, pickler.leaves = pickler.leaves, []
    return data, leaves


_ONE_TENSOR = b"\x80\x05N."  # the pickle of a tensor alone: with the last leaf beside it, that one's first


_torch_tensor = None  # PyTorch's class, once it was needed


def _restored(bases: Any, table: Any) -> list[Any]:
    """The tensors of a last leaf."""
    return _C._rpc.restore(_torch_tensor or _class_of_torch(), bases, table)


def _class_of_torch() -> Any:
    global _torch_tensor
    try:
        import torch
    except ImportError as error:
        raise _no_torch(error) from error
    if torch.Tensor is _C.Tensor:
        raise _no_torch("torch is another name of tine here")
    _torch_tensor = torch.Tensor
    return _torch_tensor


def _no_torch(why: object) -> CalleeImportError:
    return CalleeImportError(
        f"a torch.Tensor arrived from another worker, but this worker cannot import PyTorch: {why}; install it here "
        "or send what needs none: tine.from_dlpack(x)"
    )


def to_pickle(obj: object, what: str) -> tuple[bytes, list[Any]]:
    """The object as (bytes, leaves). What cannot be pickled is a TypeError that says what it was and why."""
    torch = _imported("torch")
    if torch is not None and type(obj) is getattr(torch, "Tensor", None):
        plain = _C._rpc.liftable(obj)
        if plain is not None:
            return _ONE_TENSOR, [_C._rpc.lift([plain], [])]
    try:
        return _pickled(obj, what)
    except BaseException as error:
        if isinstance(error, _C.TypeError):
            raise
        raise _C.TypeError(f"{what} cannot be sent to another worker: {_told(error)}") from error


def from_pickle(data: bytes, leaves: list[Any]) -> Any:
    """What to_pickle was given."""
    buffers = None
    if leaves and type(leaves[-1]) is tuple:
        buffers, *of_torch = leaves[-1]
        leaves[-1] = _restored(*of_torch) if of_torch else None
        if data == _ONE_TENSOR:
            return leaves[-1][0]
        buffers = map(memoryview, buffers)
    before = getattr(_leaves, "values", None)
    _leaves.values = leaves
    try:
        return pickle.loads(data, buffers=buffers)
    except (SystemExit, GeneratorExit) as error:
        raise _as_exception(error) from error
    finally:
        _leaves.values = before


def call_to_pickle(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], by_name: bool = False) -> tuple[bytes, list[Any]]:
    """A call of `func`, or its arguments alone. What cannot be pickled is an error that names the function and the reason."""
    try:
        return _pickled((args, kwargs) if by_name else (func, args, kwargs), func)
    except Exception as error:
        error.add_note(f"while sending a call of {name_of(func)} to another worker")
        if _is_of_no_name(error):
            error.add_note(
                "functions and classes are sent by name: define it at the top level of a file that the other worker has, "
                "or script it (tine.jit.script) or install cloudpickle on both workers: then its code is sent"
            )
        raise


def name_of(func: Any) -> str:
    """What error messages call a callee."""
    if isinstance(func, MethodCall):
        return f"RRef.{func.method}"
    module = getattr(func, "__module__", None)
    name = getattr(func, "__qualname__", None) or getattr(func, "__name__", None)
    name = _clean(name if isinstance(name, str) else repr(func).partition("(\n")[0])  # of a module its class
    return f"{module}.{name}" if module else name


class MethodCall:
    """A callee: a method of the object behind an RRef that the callee's worker owns."""

    def __init__(self, rref: _C._rpc.RRef[Any], method: str) -> None:
        self.rref = rref
        self.method = method

    def __getstate__(self) -> tuple[_C._rpc.RRef[Any], str]:
        return (self.rref, self.method)

    def __setstate__(self, state: tuple[_C._rpc.RRef[Any], str]) -> None:
        self.rref, self.method = state

    def resolve(self) -> Any:
        target = self.rref.local_value()
        try:
            return getattr(target, self.method)
        except AttributeError as error:
            try:
                import inspect

                inspect.getattr_static(target, self.method)
            except AttributeError:
                pass
            else:
                raise  # out of a property or the like: its own error
            methods = [n for n in dir(type(target)) if n[0] != "_" and callable(getattr(type(target), n, None))]
            of_type = f"its methods are {', '.join(methods)}" if methods else "it has no public methods"
            raise AttributeError(f"{_text(error)}; it is the value behind {self.rref!r}: {of_type}") from None


class CalleeImportError(RuntimeError, ImportError):
    """The callee cannot import what the call names: an ImportError, and a RuntimeError as in PyTorch."""


def execute(data: bytes, leaves: list[Any], is_own: bool) -> tuple[bool, Any]:
    """Runs a call that another worker sent, or this one: (True, Future) of an async function, else (False, result)."""
    try:
        is_async, result = _execute(data, leaves)
    except Exception:
        raise
    except BaseException as error:  # its caller must not end because the callee would have
        raise _as_cause(error)
    # To another worker an error goes as text; what arrives at the own caller is the object.
    return is_async, _survivable(result) if is_async and is_own else result


def _survivable(future: _C.Future[Any]) -> _C.Future[Any]:
    """The same Future, or one without SystemExit and the like, which would end the thread that waits for it."""
    safe = future.or_else(_as_failed)
    _C._on_cancel(safe, _C._Canceller(future))
    return safe


def _as_failed(error: BaseException) -> _C.Future[Any]:
    failed: _C.Future[Any] = _C.Future()
    failed.set_exception(error if isinstance(error, Exception) else _as_cause(error))
    return failed


def _not_found(error: AttributeError | ImportError) -> BaseException:
    """What the caller is told when this worker does not have what it names."""
    if isinstance(error, CalleeImportError):
        return error
    kind = _C.AttributeError if isinstance(error, AttributeError) else CalleeImportError
    fresh = kind(
        f"{_text(error)}. Default RPC pickler does not serialize function code. Ensure that function definitions "
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


class RemoteTraceback(Exception):
    """The cause of an exception that another worker raised: its traceback there, as text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


def _clean(text: str) -> str:
    """Half a surrogate pair, which cannot be sent, becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


_C_METHOD: type = type(BaseException.__reduce__)
_NO_STR = "<str() of the exception failed"
_CUT = "... (cut)"  # of a text that was too long to be sent whole


def _text(error: BaseException, catches: _Kinds = BaseException) -> str:
    """str(error), whatever its class does."""
    try:
        return _clean(str(error))
    except catches as broken:
        try:
            return _clean(f"{_NO_STR}: {broken!r}>")
        except catches:
            return f"{_NO_STR}>"


def _names_of(kind: type) -> tuple[str, str]:
    """Module and qualified name of a class, past its metaclass."""
    module, name = (type.__dict__[what].__get__(kind) for what in ("__module__", "__qualname__"))
    return _clean(module) if isinstance(module, str) else "", _clean(name)


def _args_of(error: BaseException) -> tuple[Any, ...]:
    """Its args, whatever its class makes of that name."""
    args: tuple[Any, ...] = vars(BaseException)["args"].__get__(error)
    return args


def _full_name(module: str, name: str) -> str:
    return name if module in ("", "builtins") else f"{module}.{name}"


def _told(error: BaseException) -> str:
    """Its class and text in one line."""
    name, text = _full_name(*_names_of(type(error))), _text(error)
    return f"{name}: {text}" if text else name


def _as_exception(error: BaseException) -> _C.RemoteError:
    """A SystemExit, KeyboardInterrupt or the like, which is not an Exception, as a RemoteError that names it."""
    fresh = _C.RemoteError(_told(error))
    fresh.remote_type = _full_name(*_names_of(type(error)))
    fresh.remote_args = _args_of(error)
    return fresh


def _as_cause(error: BaseException) -> _C.RemoteError:
    fresh = _as_exception(error)
    fresh.__cause__ = error
    return fresh


_Described = tuple[str, str, str, str, "bytes | None"]


def describe_error(error: BaseException) -> _Described:
    """An exception as (module, qualname, message, traceback, pickle or None). It does not run on a thread of the user's."""
    return _described(error, (), {})


def _described(error: BaseException, holders: tuple[BaseException, ...], known: dict[int, _Described]) -> _Described:
    import traceback  # here: what it imports takes memory, also in a worker whose calls never fail

    kind = type(error)
    module, name = _names_of(kind)
    message = _text(error)
    try:
        text = _clean("".join(traceback.format_exception(kind, error, error.__traceback__)))
    except BaseException:
        text = _clean("".join(traceback.format_tb(error.__traceback__))) + f"{_full_name(module, name)}: {message}\n"
    return module, name, message, text, _parts_of(kind, error, (*holders, error), known)


_MOST_HOLDERS = 16  # as causes
_MOST_HELD = 1 << 20  # bytes of all that is described: exceptions that hold each other many times are many times in there


class _ErrorPickler(pickle.Pickler):
    """Of the parts of the last of the holders, each of which holds the next. What an exception holds travels as it does itself."""

    def __init__(self, file: io.BytesIO, holders: tuple[BaseException, ...], known: dict[int, _Described]) -> None:
        super().__init__(file, 5)
        self.holders, self.known = holders, known  # by identity: what was described already

    def reducer_override(self, obj: Any) -> Any:
        if not isinstance(obj, BaseException):
            return NotImplemented
        if any(obj is holder for holder in self.holders) or len(self.holders) == _MOST_HOLDERS:
            return NotImplemented  # as pickle does it, which knows circles
        described = self.known.get(id(obj))
        if sum(len(each[4] or b"") for each in self.known.values()) > _MOST_HELD:
            return NotImplemented
        if described is None:
            described = self.known[id(obj)] = _described(obj, self.holders, self.known)
        return _held, described


def _held(module: str, qualname: str, message: str, text: str, data: bytes | None) -> BaseException:
    """An exception that another one held."""
    error = _rebuilt(module, qualname, message, data, [])
    error.__cause__ = RemoteTraceback(text)
    return error


def _parts_of(kind: type, error: BaseException, holders: tuple[BaseException, ...], known: dict[int, _Described]) -> bytes | None:
    """Class, what makes one, args, attributes and notes as a pickle, or None. The cause travels as text."""
    given = getattr(error, "__notes__", None)
    notes: list[Any] = [note for note in given if type(note) in (str, Hop)] if type(given) is list else []
    if len(holders) == 1:
        # The calls that it came through travel as such; a number says where among the notes they stand.
        count = iter(range(len(notes)))
        notes = [next(count) if type(note) is Hop else note for note in notes]
    args = _args_of(error)
    made_of: Any = args
    try:
        if isinstance(error, BaseExceptionGroup):  # whose class may be called with something else, of which args tell
            made_of = error.message, error.exceptions
        elif type(kind.__reduce__) is _C_METHOD:  # Python's own, which knows what args lack: the file of an OSError
            made_of = error.__reduce__()[1]
    except BaseException:
        pass  # a metaclass of a kind
    # An attribute that cannot be pickled leaves class, args and text. What cannot be unpickled is the receiver's affair.
    for state in (_state_of(error), {}):
        file = io.BytesIO()
        try:
            _ErrorPickler(file, holders, known).dump((kind, made_of, args, state, notes))
            return file.getvalue()
        except BaseException:
            pass
    return None


def _state_of(error: BaseException) -> dict[str, Any]:
    try:
        return {k: v for k, v in error.__dict__.items() if k != "__notes__"}
    except Exception:
        return {}


def _class_named(module: str, qualname: str) -> type[BaseException] | None:
    try:
        found = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except _ANY:
        return None
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


def _uninitialised(kind: type[BaseException]) -> Callable[[str], BaseException]:
    """Makes an exception of a class whose __init__ does not take a text."""

    def make(message: str) -> BaseException:
        error = kind.__new__(kind, message)
        error.args = (message,)
        return error

    return make


def _has_text(error: BaseException, message: str) -> bool:
    if message.startswith(_NO_STR):
        return True
    text = _text(error, _ANY)
    return text == message or (message.endswith(_CUT) and text.startswith(message[: -len(_CUT)]))


def _rebuilt(module: str, qualname: str, message: str, data: bytes | None, calls: list[Hop]) -> BaseException:
    if data:
        try:
            kind, made_of, args, state, notes = pickle.loads(data)
            is_group = issubclass(kind, BaseExceptionGroup)
            make: Any = BaseExceptionGroup.__new__ if is_group else kind.__new__
            error: BaseException = make(kind, *made_of)
            try:
                kind.__init__(error, *(args if is_group else made_of))
            except _ANY:
                pass  # an __init__ of another shape: class and args are right all the same
            error.args = args
            if state:
                error.__dict__.update(state)
            for note in notes:
                error.add_note(calls[note] if type(note) is int else note)
            if _has_text(error, message):
                return error
        except _ANY:
            pass
    kind = _class_named(module, qualname)
    if kind is not None:
        for make in (kind, _uninitialised(kind)):
            try:
                error = make(message)
                if _has_text(error, message):
                    return error
            except _ANY:
                pass
    return _C.RemoteError(f"{_full_name(module, qualname)}: {message}")


def rebuild_error(
    kind: object, message: str, module: str, qualname: str, text: str, data: bytes | None, calls: list[Hop]
) -> BaseException:
    """The exception that another worker raised: same type, args and str(), the remote traceback as its cause."""
    error = _rebuilt(module, qualname, message, data, calls)
    if not isinstance(error, Exception):
        error = _as_exception(error)
    if text:
        error.__cause__ = RemoteTraceback(text)
    return error


_C._rpc.set_hooks(
    execute, to_pickle, from_pickle, describe_error, rebuild_error, find, find_method, settle, _as_cause, types.CoroutineType,
    arguments, AsyncItems,
)
copyreg.pickle(RemoteTraceback, lambda e: (RemoteTraceback, (e.text,)))
