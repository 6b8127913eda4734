"""Processes that run one function: torch.multiprocessing's spawn, over the standard library.

Everything of the standard library's multiprocessing is here, too. Tensors go from process to process as copies.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from multiprocessing import *  # noqa: F403
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, Literal, cast, overload

if TYPE_CHECKING:
    from typing import TypeVarTuple, Unpack

    _Ts = TypeVarTuple("_Ts")
    _Function = Callable[[int, Unpack[_Ts]], object]
    _Args = tuple[()] | tuple[Unpack[_Ts]] | list[Any]

if not TYPE_CHECKING:  # mypy exports what a star imports, but for a list that it cannot read
    __all__ = [
        *multiprocessing.__all__,
        "ProcessContext",
        "ProcessException",
        "ProcessExitedException",
        "ProcessRaisedException",
        "spawn",
        "start_processes",
    ]

_PR_SET_PDEATHSIG = 1


class ProcessException(Exception):
    """A process that start_processes began did not end well: its index and its id."""

    def __init__(self, msg: str, error_index: int, error_pid: int | None) -> None:
        super().__init__(msg)
        self.msg = msg
        self.error_index = error_index
        self.error_pid = error_pid

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.msg, self.error_index, self.error_pid)


class ProcessRaisedException(ProcessException):
    """Its function raised; the text has the traceback."""


class ProcessExitedException(ProcessException):
    """A signal ended it, or it exited with another code than 0."""

    def __init__(
        self, msg: str, error_index: int, error_pid: int | None, exit_code: int, signal_name: str | None = None
    ) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code
        self.signal_name = signal_name

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.msg, self.error_index, self.error_pid, self.exit_code, self.signal_name)


def _run(fn: Callable[..., object], index: int, args: tuple[Any, ...], traceback_file: str, parent: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:  # it went before it could be watched
            return
    try:
        fn(index, *args)
    except KeyboardInterrupt:
        pass  # a child of the parent process, which reaps it
    except Exception:
        with open(traceback_file, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(traceback.format_exc())
        sys.exit(1)


class ProcessContext:
    """Processes that run; join() waits for them."""

    def __init__(self, processes: Sequence[BaseProcess], folder: tempfile.TemporaryDirectory[str]) -> None:
        self.processes = processes
        self._folder = folder  # removed with this object
        self._running = {process.sentinel: index for index, process in enumerate(processes)}

    def pids(self) -> list[int | None]:
        """The ids of the processes, in the order of their indices."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """True once all processes have ended well, False when `timeout` seconds passed, or only some have ended.

        When one did not end well the others are ended, and ProcessRaisedException or ProcessExitedException says which
        it was. grace_period: seconds that the others have to end by themselves, and then after SIGTERM.
        """
        for sentinel in multiprocessing.connection.wait(self._running, timeout) if self._running else ():
            index = self._running.pop(cast(int, sentinel))
            process = self.processes[index]
            process.join()
            if process.exitcode != 0:
                self._end_all(grace_period)
                raise self._failure(index)
        return not self._running

    def _end_all(self, grace_period: float | None) -> None:
        if grace_period is not None:
            self._wait_all(grace_period)
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        self._wait_all(30 if grace_period is None else grace_period)
        for process in self.processes:
            if process.is_alive():
                process.kill()
            process.join()

    def _wait_all(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(0, end - time.monotonic()))

    def _failure(self, index: int) -> ProcessException:
        process = self.processes[index]
        try:
            with open(_traceback_file(self._folder, index), encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            text = ""
        if text:
            text = f"\n\n-- Process {index} terminated with the following error:\n{text}"
            return ProcessRaisedException(text, index, process.pid)
        code = cast(int, process.exitcode)
        if code > 0:
            text = f"process {index} terminated with exit code {code}"
            return ProcessExitedException(text, index, process.pid, code)
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"<Unknown signal {-code}>"
        return ProcessExitedException(f"process {index} terminated with signal {name}", index, process.pid, code, name)


def _traceback_file(folder: tempfile.TemporaryDirectory[str], index: int) -> str:
    return os.path.join(folder.name, str(index))


@overload
def start_processes(
    fn: _Function[Unpack[_Ts]], args: _Args[Unpack[_Ts]] = ..., nprocs: int = 1, join: Literal[True] = True,
    daemon: bool = False, start_method: str = "spawn",
) -> None: ...
@overload
def start_processes(
    fn: _Function[Unpack[_Ts]], args: _Args[Unpack[_Ts]] = ..., nprocs: int = 1, *, join: Literal[False],
    daemon: bool = False, start_method: str = "spawn",
) -> ProcessContext: ...
@overload
def start_processes(
    fn: _Function[Unpack[_Ts]], args: _Args[Unpack[_Ts]], nprocs: int, join: bool, daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None: ...
def start_processes(
    fn: Callable[..., object],
    args: Iterable[Any] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Runs fn(i, *args) in `nprocs` processes, i from 0.

    fn: importable in them: at the top level of a file. join: waits for all and returns None, or raises what
    ProcessContext.join raises; False returns the ProcessContext. start_method: of the standard library.
    """
    given = tuple(args)
    context: Any = multiprocessing.get_context(start_method)
    folder = tempfile.TemporaryDirectory(prefix="tine-processes-")
    processes = []
    try:
        for index in range(nprocs):
            process = context.Process(
                target=_run, args=(fn, index, given, _traceback_file(folder, index), os.getpid()), daemon=daemon
            )
            process.start()
            processes.append(process)
    except BaseException:
        for process in processes:
            process.terminate()
        raise
    started = ProcessContext(processes, folder)
    if not join:
        return started
    while not started.join():
        pass
    return None


@overload
def spawn(
    fn: _Function[Unpack[_Ts]], args: _Args[Unpack[_Ts]] = ..., nprocs: int = 1, join: Literal[True] = True,
    daemon: bool = False, start_method: str = "spawn",
) -> None: ...
@overload
def spawn(
    fn: _Function[Unpack[_Ts]], args: _Args[Unpack[_Ts]] = ..., nprocs: int = 1, *, join: Literal[False],
    daemon: bool = False, start_method: str = "spawn",
) -> ProcessContext: ...
@overload
def spawn(
    fn: _Function[Unpack[_Ts]], args: _Args[Unpack[_Ts]], nprocs: int, join: bool, daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None: ...
def spawn(
    fn: Callable[..., object],
    args: Iterable[Any] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """start_processes with new interpreters. Source: ``torch.multiprocessing.spawn``."""
    if start_method != "spawn":
        warnings.warn(
            f"multiprocessing.spawn always starts new interpreters (got start_method={start_method!r}); use "
            "multiprocessing.start_processes(...) for another start method",
            FutureWarning,
            stacklevel=2,
        )
    return start_processes(fn, tuple(args), nprocs, join, daemon, "spawn")
