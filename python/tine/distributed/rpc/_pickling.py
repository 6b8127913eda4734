"""How what Python sends is pickled, and what becomes of it at the other end.

Tensors and RRefs are lifted out of a pickle and travel as they are, PyTorch's plain tensors and the large buffers of
NumPy's arrays, bytes, bytearrays and others (PEP 574), too: their memory is the last leaf. Functions and classes are
pickled by name, as the pickle module does: the callee imports them. Both ends have proven the shared secret before.
"""

from __future__ import annotations

import _pickle as pickle  # the part in C: the rest takes a megabyte
import collections
import importlib
import operator
import sys
import threading
import types

from ... import _C
from ._errors import CalleeImportError, as_exception, clean, text_of, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

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
        if issubclass(kind, getattr(_imported("tine.jit._scripted"), "SENT_BY_CODE", ())):
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
    from ...jit import _methods, _travel

    if isinstance(obj, _methods.ScriptMethod):
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
        raise _C.TypeError(f"{what} cannot be sent to another worker: {told(error)}") from error


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
        raise as_exception(error) from error
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
    name = clean(name if isinstance(name, str) else repr(func).partition("(\n")[0])  # of a module its class
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
            raise AttributeError(f"{text_of(error)}; it is the value behind {self.rref!r}: {of_type}") from None
