"""How an exception comes back from another worker: of its class, with what it holds, and its traceback there as the cause."""

from __future__ import annotations

import _pickle as pickle  # the part in C: the rest takes a megabyte
import copyreg
import importlib
import io

from ... import _C
from ..._trail import Hop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    _Kinds = type[BaseException] | tuple[type[BaseException], ...]

# Exceptions of foreign code that are caught while an error or a value is put together. Ctrl-C passes.
_ANY = (Exception, SystemExit, GeneratorExit)

class CalleeImportError(RuntimeError, ImportError):
    """The callee cannot import what the call names: an ImportError, and a RuntimeError as in PyTorch."""


class RemoteTraceback(Exception):
    """The cause of an exception that another worker raised: its traceback there, as text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


def clean(text: str) -> str:
    """Half a surrogate pair, which cannot be sent, becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


_C_METHOD: type = type(BaseException.__reduce__)
_NO_STR = "<str() of the exception failed"
_CUT = "... (cut)"  # of a text that was too long to be sent whole


def text_of(error: BaseException, catches: _Kinds = BaseException) -> str:
    """str(error), whatever its class does."""
    try:
        return clean(str(error))
    except catches as broken:
        try:
            return clean(f"{_NO_STR}: {broken!r}>")
        except catches:
            return f"{_NO_STR}>"


def _names_of(kind: type) -> tuple[str, str]:
    """Module and qualified name of a class, past its metaclass."""
    module, name = (type.__dict__[what].__get__(kind) for what in ("__module__", "__qualname__"))
    return clean(module) if isinstance(module, str) else "", clean(name)


def _args_of(error: BaseException) -> tuple[Any, ...]:
    """Its args, whatever its class makes of that name."""
    args: tuple[Any, ...] = vars(BaseException)["args"].__get__(error)
    return args


def _full_name(module: str, name: str) -> str:
    return name if module in ("", "builtins") else f"{module}.{name}"


def told(error: BaseException) -> str:
    """Its class and text in one line."""
    name, text = _full_name(*_names_of(type(error))), text_of(error)
    return f"{name}: {text}" if text else name


def as_exception(error: BaseException) -> _C.RemoteError:
    """A SystemExit, KeyboardInterrupt or the like, which is not an Exception, as a RemoteError that names it."""
    fresh = _C.RemoteError(told(error))
    fresh.remote_type = _full_name(*_names_of(type(error)))
    fresh.remote_args = _args_of(error)
    return fresh


def as_cause(error: BaseException) -> _C.RemoteError:
    fresh = as_exception(error)
    fresh.__cause__ = error
    return fresh


_Described = tuple[str, str, str, str, "bytes | None"]


def describe_error(error: BaseException) -> _Described:
    """An exception as (module, qualname, message, traceback, pickle or None). It does not run on a thread of the user's."""
    return _described(error, (), _Known())


class _Known:
    """The exceptions that one holds, as far as they are described."""

    def __init__(self) -> None:
        self.by_id: dict[int, tuple[BaseException, _Described]] = {}  # with the object: else another one could get its id
        self.bytes = 0  # that they take, each as often as it is held

    def add(self, error: BaseException, holders: tuple[BaseException, ...]) -> _Described:
        """Describes it, unless that is done."""
        known = self.by_id.get(id(error))
        if known is None:
            known = self.by_id[id(error)] = error, _described(error, holders, self)
        self.bytes += sum(len(part) for part in known[1] if part is not None)
        return known[1]


def _described(error: BaseException, holders: tuple[BaseException, ...], known: _Known) -> _Described:
    import traceback  # here: what it imports takes memory, also in a worker whose calls never fail

    kind = type(error)
    module, name = _names_of(kind)
    message = text_of(error)
    try:
        text = clean("".join(traceback.format_exception(kind, error, error.__traceback__)))
    except BaseException:
        text = clean("".join(traceback.format_tb(error.__traceback__))) + f"{_full_name(module, name)}: {message}\n"
    return module, name, message, text, _parts_of(kind, error, (*holders, error), known)


_MOST_HOLDERS = 16  # as causes
_MOST_HELD = 1 << 20  # _Known.bytes: exceptions that hold each other many times are many times in there


class _ErrorPickler(pickle.Pickler):
    """Of the parts of the last of the holders, each of which holds the next. What an exception holds travels as it does itself."""

    def __init__(self, file: io.BytesIO, holders: tuple[BaseException, ...], known: _Known) -> None:
        super().__init__(file, 5)
        self.holders, self.known = holders, known

    def reducer_override(self, obj: Any) -> Any:
        if not isinstance(obj, BaseException):
            return NotImplemented
        in_circle = any(obj is holder for holder in self.holders)
        if in_circle or len(self.holders) == _MOST_HOLDERS or self.known.bytes > _MOST_HELD:
            return NotImplemented  # as pickle does it, which knows circles
        return _held, self.known.add(obj, self.holders)


def _held(module: str, qualname: str, message: str, text: str, data: bytes | None) -> BaseException:
    """An exception that another one held."""
    error = _rebuilt(module, qualname, message, data, [])
    error.__cause__ = RemoteTraceback(text)
    return error


def _parts_of(kind: type, error: BaseException, holders: tuple[BaseException, ...], known: _Known) -> bytes | None:
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
    text = text_of(error, _ANY)
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
        error = as_exception(error)
    if text:
        error.__cause__ = RemoteTraceback(text)
    return error


copyreg.pickle(RemoteTraceback, lambda e: (RemoteTraceback, (e.text,)))
