"""Builds the agent against the PyTorch that is installed, once, and loads it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import importlib.machinery
import importlib.util
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import IO, Any, Self

import torch
import torch.distributed.rpc as rpc

import tine

_PACKAGE = pathlib.Path(tine.__file__).parent
_SOURCES = pathlib.Path(__file__).parent / "csrc"
# Each is a compilation of its own; the two take about as long as each other.
_UNITS = ("engine.cpp", "bindings.cpp")
_COMPILER_BOUND = 900.0
_OTHER_BUILDER_BOUND = 1200.0
_QUIET = 2.0
_KEPT = 16  # modules, of some 700 KB each
_SCRATCH = "building-"
_ABANDONED = 3600.0  # the age at which a scratch folder has no builder any more, where no lock can tell


class BuildError(RuntimeError):
    """The agent could not be built: the text says what is missing."""


def torch_version() -> str:
    return str(torch.__version__)


def protocol() -> str:
    """What the two ends of a connection must have in common."""
    major, minor = torch_version().split(".")[:2]
    return f"torch.distributed.rpc of torch {major}.{minor}"


def _words(variable: str) -> list[str]:
    """The value of an environment variable, split as a shell would split it."""
    text = os.environ.get(variable, "")
    try:
        return shlex.split(text)
    except ValueError as error:
        raise BuildError(f"{variable} is not the beginning of a command line: {text!r} ({error})") from None


def _compiler() -> list[str]:
    command = _words("CXX")
    if command:
        if not shutil.which(command[0]):
            raise BuildError(
                f"tine.pytorch needs a C++ compiler to build its backend for torch {torch_version()}, but CXX names "
                f"{os.environ['CXX']!r}, which is not there"
            )
        return command
    for name in ("c++", "g++", "clang++"):
        if shutil.which(name):
            return [name]
    raise BuildError(
        f"tine.pytorch needs a C++ compiler to build its backend for torch {torch_version()}, and none of c++, g++ and "
        "clang++ is on PATH: install one (Debian: apt install g++) or name one in CXX"
    )


def _check_torch() -> None:
    include = _torch() / "include"
    missing = None
    if not hasattr(torch._C, "_distributed_rpc"):
        missing = "it was built without torch.distributed.rpc"
    elif not hasattr(torch._C._distributed_rpc, "_set_and_start_rpc_agent"):
        missing = "its torch.distributed.rpc takes no agents from outside"
    elif not (include / "torch/csrc/distributed/rpc/request_callback_impl.h").exists():
        missing = f"its C++ headers are not in {include}"
    elif not getattr(torch._C, "_GLIBCXX_USE_CXX11_ABI", True):
        missing = "it was built with the old C++ ABI (_GLIBCXX_USE_CXX11_ABI=0), as PyPI's wheels before 2.7 were"
    if missing:
        raise BuildError(
            f"tine.pytorch can't be built for torch {torch_version()}: {missing}; install a newer torch (2.13 is tried)"
        )
    if not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists():
        raise BuildError(
            f"tine.pytorch needs Python's C headers to build its backend, and {sysconfig.get_path('include')} has no "
            "Python.h: install them (Debian: apt install python3-dev)"
        )
    if not _SOURCES.is_dir():
        raise BuildError(f"tine.pytorch's C++ sources are not in {_SOURCES}: install tine's Python package as a whole")


def _options() -> list[str]:
    """What the compiler is told besides where things are. CXXFLAGS comes last, at linking, too."""
    options = ["-std=c++20", "-O2", "-g0", "-fPIC", "-fvisibility=hidden", "-w"]
    options += [f"-D_GLIBCXX_USE_CXX11_ABI={int(getattr(torch._C, '_GLIBCXX_USE_CXX11_ABI', True))}"]
    # The bits by which modules recognise each other's classes, where this torch names its own.
    for name in ("COMPILER_TYPE", "STDLIB", "BUILD_ABI"):
        value = getattr(torch._C, f"_PYBIND11_{name}", None)
        if value is not None:
            options.append(f'-DPYBIND11_{name}="{value}"')
    return [*options, *_words("CXXFLAGS")]


def _torch() -> pathlib.Path:
    return pathlib.Path(torch.__file__).parent


def _flags() -> list[str]:
    system = [_torch() / "include", _torch() / "include/torch/csrc/api/include", sysconfig.get_path("include")]
    return [*_options(), f"-I{_PACKAGE / 'include'}", *(f"-isystem{path}" for path in system)]


def _link_flags() -> list[str]:
    # No path to the libraries is written down: they are loaded by then.
    paths = [f"-L{path}" for path in (_torch() / "lib", _PACKAGE)]
    return ["-shared", *_words("CXXFLAGS"), *paths, "-ltorch_python", "-ltorch", "-ltorch_cpu", "-lc10", "-ltine"]


def _digest() -> str:
    digest = hashlib.sha256()
    for folder in (_SOURCES, _PACKAGE / "include" / "tine"):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    # CXX and not the compiler that it leads to: what was built ahead is found where there is none.
    made_with = [os.environ.get("CXX", ""), _options()]
    made_for = [tine.__version__, torch_version(), str(torch.version.git_version), str(torch.__file__), sys.version]
    digest.update(repr([made_with, made_for]).encode())
    return digest.hexdigest()[:16]


def _cache() -> pathlib.Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.expanduser("~/.cache")
    if not os.path.isabs(base):
        raise BuildError(
            "tine.pytorch keeps the backend that it builds in ~/.cache/tine, and this user has no home: name a folder in "
            "XDG_CACHE_HOME"
        )
    return pathlib.Path(base) / "tine"


def path() -> pathlib.Path:
    """Where the module for this tine, torch and Python is, or will be."""
    tag = sys.implementation.cache_tag
    return _cache() / f"pytorch-{tine.__version__}-torch{torch_version()}-{tag}-{_digest()}" / "_agent.so"


def _modified(path: pathlib.Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turns an error of the operating system into one sentence."""
    try:
        yield
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise BuildError(
            f"tine.pytorch can't keep the backend that it builds in {_cache()} ({place}{error.strerror}): see to it that "
            "you can write there and that there is room, or name another folder in XDG_CACHE_HOME"
        ) from error


def _lock(file: IO[Any], how: int) -> bool | None:
    """Whether flock(2) gave the lock at once; None if the file system has no locks."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


@contextlib.contextmanager
def _turn(progress: _Progress) -> Iterator[bool | None]:
    """Of the processes that build, one at a time. Yields whether the others wait, which not every file system can say."""
    _cache().mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(_cache() / "pytorch.lock", "w") as lock:
        end = time.monotonic() + _OTHER_BUILDER_BOUND
        while (alone := _lock(lock, fcntl.LOCK_EX)) is False:
            progress.text = "waiting for another process that builds an RPC backend"
            if time.monotonic() >= end:
                raise BuildError(
                    f"another process has been building tine's backend for {_OTHER_BUILDER_BOUND:.0f} s: end the one that "
                    f"holds {lock.name} (fuser -v shows it)"
                )
            time.sleep(0.1)
        yield alone


def _tidy(alone: bool | None, mine: pathlib.Path) -> None:
    """Removes the files of dead builders, and all modules but the _KEPT that were used last."""
    for scratch in _cache().glob(f"pytorch-*/{_SCRATCH}*"):
        if alone or time.time() - _modified(scratch) > _ABANDONED:
            shutil.rmtree(scratch, ignore_errors=True)
    if alone:
        others = [folder for folder in _cache().glob("pytorch-*") if folder != mine]
        for folder in sorted(others, key=_modified, reverse=True)[_KEPT - 1 :]:
            _remove_unless_used(folder)


def _remove_unless_used(folder: pathlib.Path) -> None:
    try:
        module: AbstractContextManager[IO[bytes] | None] = open(folder / "_agent.so", "r+b")
    except FileNotFoundError:  # of a build that failed
        module = contextlib.nullcontext()
    except OSError:
        return
    with module as file:
        if file is None or _lock(file, fcntl.LOCK_EX):
            shutil.rmtree(folder, ignore_errors=True)


def _use(target: pathlib.Path) -> IO[bytes] | None:
    """The module's file, locked against removal while it is open; None if it has just been removed."""
    try:
        file = open(target, "rb")  # noqa: SIM115 - stays open as long as this process
    except FileNotFoundError:
        return None
    # One that is removed is locked, or has no name any more.
    if _lock(file, fcntl.LOCK_SH) is False or os.fstat(file.fileno()).st_nlink == 0:
        file.close()
        return None
    with contextlib.suppress(OSError):  # a cache that others keep for us
        os.utime(target.parent)
    return file


class _Progress:
    """Tells on stderr what takes so long: once it does, or from the start and each second on a terminal that is `live`."""

    def __init__(self, live: bool) -> None:
        self.text = ""
        self._live = live and sys.stderr.isatty()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="tine-build", daemon=True)

    def _tell(self) -> None:
        began = time.monotonic()
        if self._live:
            while not self._done.wait(0.5):
                print(f"\r\x1b[Ktine: {self.text}, {time.monotonic() - began:.0f} s", end="", file=sys.stderr, flush=True)
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        elif not self._done.wait(_QUIET):
            print(f"tine: {self.text} (this takes about a minute, once)", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def _run_all(commands: list[list[str]], scratch: str) -> tuple[list[str], str] | None:
    """Runs compilers in parallel: (the first command that failed, its output), or None."""
    environment = dict(os.environ, TMPDIR=scratch, LC_ALL="C")
    running = []
    try:
        for command in commands:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # what it starts is ended with it
            )
            running.append((command, process))
        end = time.monotonic() + _COMPILER_BOUND
        for command, process in running:
            output, _ = process.communicate(timeout=max(0.0, end - time.monotonic()))
            if process.returncode != 0:
                return command, output.decode(errors="replace")
        return None
    except subprocess.TimeoutExpired:
        raise BuildError(
            f"the compiler did not finish within {_COMPILER_BOUND:.0f} s and was stopped: {shlex.join(command)}"
        ) from None
    except OSError as error:
        raise BuildError(f"the compiler can't be run: {shlex.join(command)}: {error.strerror}") from error
    finally:
        for _, process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


# What tine's headers and the agent take from C++20: not every compiler that knows -std=c++20 has it.
_CPP20 = """
#include <concepts>
#include <coroutine>
#include <source_location>
#include <span>
template <std::integral T> struct S { T value; bool operator==(const S&) const = default; };
auto here(std::source_location at = std::source_location::current()) { return at.line(); }
int main() { return S{1} == S{.value = 2} && here() && std::span<int>().size(); }
"""


def _check_compiler(compiler: list[str], scratch: str) -> None:
    source = pathlib.Path(scratch, "cpp20.cpp")
    source.write_text(_CPP20)
    if _run_all([[*compiler, *_options(), "-fsyntax-only", str(source)]], scratch):
        raise BuildError(
            f"tine.pytorch needs a compiler of C++20 to build its backend for torch {torch_version()}, and "
            f"{shlex.join(compiler)} is not one, or not with CXXFLAGS={os.environ.get('CXXFLAGS', '')!r}: name another in "
            "CXX (GCC 12 and Clang 16 are)"
        )


def _compile(compiler: list[str], target: pathlib.Path, scratch: str) -> None:
    objects = [os.path.join(scratch, unit + ".o") for unit in _UNITS]
    module = os.path.join(scratch, "_agent.so")
    flags = _flags()
    compilations = [
        [*compiler, *flags, "-c", str(_SOURCES / unit), "-o", out] for unit, out in zip(_UNITS, objects, strict=True)
    ]
    failed = _run_all(compilations, scratch) or _run_all([[*compiler, *objects, *_link_flags(), "-o", module]], scratch)
    if failed:
        command, output = failed
        if (full := os.strerror(errno.ENOSPC)) in output:
            raise OSError(errno.ENOSPC, full, scratch)
        log = target.parent / "build.log"
        log.write_text(f"{shlex.join(command)}\n{output}")
        _check_compiler(compiler, scratch)
        lines = output.strip().splitlines() or ["it printed nothing"]
        first = next((line for line in lines if "error" in line), lines[-1]).strip()
        raise BuildError(
            f"tine.pytorch could not be built for torch {torch_version()} by {shlex.join(compiler)}: {first} (its whole "
            f"output: {log})"
        )
    os.replace(module, target)


def build(live: bool = False) -> pathlib.Path:
    """Builds the backend if that has not been done; the path of the module. live: shows on a terminal how it goes."""
    target = path()
    with _told():
        if target.exists():
            return target
        _check_torch()
        compiler = _compiler()
        with _Progress(live) as progress, _turn(progress) as alone:
            _tidy(alone, target.parent)
            if not target.exists():
                progress.text = f"building the RPC backend for torch {torch_version()}"
                target.parent.mkdir(exist_ok=True)
                with tempfile.TemporaryDirectory(dir=target.parent, prefix=_SCRATCH) as scratch:
                    _compile(compiler, target, scratch)
    return target


_loaded: Any = None
_in_use: IO[bytes] | None = None


def load() -> Any:
    """The extension module, built if need be."""
    global _loaded, _in_use
    if _loaded is None:
        if not rpc.is_available():
            _check_torch()
        name = "tine.pytorch._agent"
        with _told():
            while (_in_use := _use(target := build())) is None:  # removed between the two
                pass
        loader: Any = importlib.machinery.ExtensionFileLoader(name, str(target))
        spec: Any = importlib.util.spec_from_file_location(name, loader.path, loader=loader)
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        sys.modules[name] = module
        _loaded = module
    return _loaded
