"""Runs the text of a program as Python and as a script, and says how they differ."""

import contextlib
import enum
import importlib.util
import io
import os
import pathlib
import re
import signal
import sys
import tempfile
from typing import NamedTuple

import tine as torch

torch.futures.set_unobserved_error_hook(lambda error: None)  # a program may leave with an error before it waits

# What one program may take: of the processor in Python, and as a script. A random one takes a few milliseconds.
PYTHON_SECONDS, SCRIPT_SECONDS = 3.0, 60.0


class Ran(NamedTuple):
    """What one run did: its result, its arguments afterwards, what it printed, and the class and text of its error."""

    value: object = None
    arguments: object = None
    printed: str = ""
    error: tuple | None = None


class Difference(NamedTuple):
    """kind: refused, value, arguments, printed, error. What a smaller program must share to be the same finding."""

    kind: str
    python: str
    script: str

    def same_as(self, other):
        return other is not None and self.kind == other.kind and self.sign() == other.sign()

    def sign(self):
        if self.kind == "refused":
            said = self.script.splitlines()[0]
            return re.sub(r"\S+\.py:\d+:\d+:? ?|'[^']*'|`[^`]*`|\b[fvpEPRCm]\d+\w*\b|\d+", "", said)
        return (self.python.split("(")[0], self.script.split("(")[0]) if self.kind == "error" else None


class TooSlow(Exception):
    pass


class NoProgram(Exception):
    """Not one that can be compared: it fails in Python by itself, or does not end."""


@contextlib.contextmanager
def in_time(seconds):
    def stop(*_):
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextlib.contextmanager
def loaded(text):
    """The text as a module, from a file of its own, so that its source is found."""
    loaded.count += 1
    with tempfile.TemporaryDirectory(prefix="tine-random-") as folder:
        path = pathlib.Path(folder, f"random_program_{os.getpid()}_{loaded.count}.py")
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        module.__dict__["__cached__"] = None
        sys.modules[path.stem] = module
        try:
            exec(compile(text, str(path), "exec", dont_inherit=True), vars(module))
            yield module
        finally:
            del sys.modules[path.stem]


loaded.count = 0


@contextlib.contextmanager
def printed_by_scripts():
    """A function that gives what was written to stdout's descriptor so far."""
    sys.stdout.flush()
    kept = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)

        def text():
            sys.stdout.flush()
            file.seek(0)
            return file.read().decode()

        try:
            yield text
        finally:
            sys.stdout.flush()
            os.dup2(kept, 1)
            os.close(kept)


def shown(value, seen=()):
    """A text that two values share if they are alike down to the last bit and type. Objects are shown by their attributes."""
    if isinstance(value, torch.Tensor):
        return f"tensor({value.tolist()}, {value.dtype}, {tuple(value.shape)})"
    if isinstance(value, (enum.Enum, str, int, float, type(None))):
        return repr(value)
    if id(value) in seen:
        return "..."
    seen = (*seen, id(value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{shown(k, seen)}: {shown(v, seen)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}({', '.join(shown(v, seen) for v in value)})"
    return f"{type(value).__name__}({', '.join(f'{k}={shown(v, seen)}' for k, v in sorted(vars(value).items()))})"


def run(function, arguments, text):
    try:
        value, error = function(*arguments), None
    except TooSlow:
        raise
    except Exception as caught:
        value, error = None, (type(caught).__name__, str(caught))
    return Ran(shown(value), arguments, text(), error)


def in_python(module):
    written = io.StringIO()
    try:
        with in_time(PYTHON_SECONDS), contextlib.redirect_stdout(written):
            return run(module.main, module.arguments(), written.getvalue)
    except TooSlow:
        raise NoProgram("it does not end in Python") from None


def in_script(module):
    scripted = torch.jit.script(module.main, strict=True)  # a race is an error: programs share nothing with their tasks
    with printed_by_scripts() as text, torch.deadline(SCRIPT_SECONDS):
        return run(scripted, module.arguments(), text)


def difference(text):
    """How the program differs in Python and as a script; None if it does not."""
    with loaded(text) as module:
        expected = in_python(module)
        try:
            got = in_script(module)
        except torch.SyntaxError as refusal:
            return Difference("refused", str(expected.error and expected.error[0]), str(refusal))
        return compared(expected, got, module.arguments())


def compared(expected, got, arguments):
    if expected.error != as_python_says(got.error):
        return Difference("error", called(expected.error), called(got.error))
    if expected.printed != got.printed:
        return Difference("printed", expected.printed, got.printed)
    if tensors(expected.arguments) != tensors(got.arguments):
        return Difference("arguments", shown(expected.arguments), shown(got.arguments))
    if not all(shown(a) == shown(b) for a, b in zip(arguments, got.arguments) if not isinstance(a, torch.Tensor)):
        return Difference("arguments", shown(arguments), shown(got.arguments))  # lists and dicts reach a script as copies
    if expected.value != got.value:
        return Difference("value", expected.value, got.value)
    return None


def tensors(arguments):
    return [shown(x) for x in arguments if isinstance(x, torch.Tensor)]


def called(error):
    return f"{error[0]}({error[1]!r})" if error else "no error"


def as_python_says(error):
    """An IndexError of a list also names the index and the length (docs/differences.md)."""
    if error and error[0] == "IndexError":
        return error[0], re.sub(r"^(list index out of range): -?\d+ in a list of \d+$", r"\1", error[1])
    return error
