"""Builds the agent against the PyTorch that is installed, once, and loads it."""

import contextlib
import fcntl
import hashlib
import importlib.machinery
import importlib.util
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time

import torch
import torch.distributed.rpc as rpc

import tine

_PACKAGE = pathlib.Path(tine.__file__).parent
_SOURCES = pathlib.Path(__file__).parent / "csrc"
# Each is a compilation of its own; the two take about as long as each other.
_UNITS = ("engine.cpp", "bindings.cpp")
_OTHER_BUILDER_BOUND = 300.0
_QUIET = 2.0


class BuildError(RuntimeError):
    """The agent could not be built: the text says what is missing."""


def torch_version():
    return str(torch.__version__)


def protocol():
    """What the two ends of a connection must have in common."""
    major, minor = torch_version().split(".")[:2]
    return f"torch.distributed.rpc of torch {major}.{minor}"


def _compiler():
    chosen = os.environ.get("CXX")
    if chosen:
        command = shlex.split(chosen)
        if not shutil.which(command[0]):
            raise BuildError(
                f"tine.pytorch needs a C++ compiler to build its backend for torch {torch_version()}, but CXX names "
                f"{chosen!r}, which is not there"
            )
        return command
    for name in ("c++", "g++", "clang++"):
        if shutil.which(name):
            return [name]
    raise BuildError(
        f"tine.pytorch needs a C++ compiler to build its backend for torch {torch_version()}, and none of c++, g++ and "
        "clang++ is on PATH: install one (Debian: apt install g++) or name one in CXX"
    )


def _check_torch():
    include = pathlib.Path(torch.__file__).parent / "include"
    missing = None
    if not hasattr(torch._C, "_distributed_rpc"):
        missing = "it was built without torch.distributed.rpc"
    elif not hasattr(torch._C._distributed_rpc, "_set_and_start_rpc_agent"):
        missing = "its torch.distributed.rpc takes no agents from outside"
    elif not (include / "torch/csrc/distributed/rpc/request_callback_impl.h").exists():
        missing = f"its C++ headers are not in {include}"
    elif not getattr(torch._C, "_GLIBCXX_USE_CXX11_ABI", True):
        missing = "it was built with the old C++ ABI (_GLIBCXX_USE_CXX11_ABI=0), which tine has not"
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


def _flags():
    import torch.utils.cpp_extension as extension

    flags = ["-std=c++20", "-O2", "-g0", "-fPIC", "-fvisibility=hidden", "-w"]
    flags += [f"-I{_PACKAGE / 'include'}"]
    flags += [f"-isystem{path}" for path in [*extension.include_paths(), sysconfig.get_path("include")]]
    flags += [f"-D_GLIBCXX_USE_CXX11_ABI={int(getattr(torch._C, '_GLIBCXX_USE_CXX11_ABI', True))}"]
    # The bits by which modules recognise each other's classes, where this torch names its own.
    for name in ("COMPILER_TYPE", "STDLIB", "BUILD_ABI"):
        value = getattr(torch._C, f"_PYBIND11_{name}", None)
        if value is not None:
            flags.append(f'-DPYBIND11_{name}="{value}"')
    return flags


def _link_flags():
    import torch.utils.cpp_extension as extension

    flags = ["-shared"]
    flags += [f"-L{path}" for path in [*extension.library_paths(), _PACKAGE]]
    # No path to them is written down: both are loaded by then.
    return [*flags, "-ltorch_python", "-ltorch", "-ltorch_cpu", "-lc10", "-ltine"]


def _digest():
    digest = hashlib.sha256()
    for folder in (_SOURCES, _PACKAGE / "include" / "tine"):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(repr([tine.__version__, torch_version(), str(torch.version.git_version), sys.version]).encode())
    digest.update(str(torch.__file__).encode())
    return digest.hexdigest()[:16]


def _cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "tine"


def path():
    """Where the module for this tine, torch and Python is, or will be."""
    tag = sys.implementation.cache_tag
    return _cache() / f"pytorch-{tine.__version__}-torch{torch_version()}-{tag}-{_digest()}" / "_agent.so"


@contextlib.contextmanager
def _alone(target):
    """Holds the lock of builders of `target`; yields whether it has to be built."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = open(target.with_suffix(".lock"), "w")  # noqa: SIM115 - closed below, with which it is released
    except OSError as error:
        raise BuildError(
            f"tine.pytorch can't write its built backend to {target.parent}: {error.strerror}; name a folder that can "
            "be written in XDG_CACHE_HOME"
        ) from error
    with lock:
        end = time.monotonic() + _OTHER_BUILDER_BOUND
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= end:
                    raise BuildError(
                        f"another process has been building {target} for {_OTHER_BUILDER_BOUND:.0f} s: end it, or remove "
                        f"{lock.name}"
                    ) from None
                time.sleep(0.1)
        yield not target.exists()


class _Progress:
    """Tells on stderr what takes so long, once it does."""

    def __init__(self, text):
        self._text = text
        self._timer = threading.Timer(_QUIET, self._tell)
        self._timer.daemon = True

    def _tell(self):
        print(self._text, file=sys.stderr, flush=True)

    def __enter__(self):
        self._timer.start()

    def __exit__(self, *_):
        self._timer.cancel()


def _run_all(commands):
    """Runs the commands beside each other; the first that fails raises."""
    running = [
        (command, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        for command in commands
    ]
    failed = None
    for command, process in running:
        output, _ = process.communicate()
        if process.returncode != 0 and failed is None:
            failed = (command, output)
    if failed:
        command, output = failed
        tail = "\n".join(output.strip().splitlines()[-30:])
        raise BuildError(
            f"tine.pytorch could not be built for torch {torch_version()} with {command[0]} (it has to know C++20: GCC 12 "
            f"or Clang 16): {shlex.join(command)}\n{tail}"
        )


def build():
    """Builds the backend if that has not been done; the path of the module."""
    target = path()
    if target.exists():
        return target
    _check_torch()
    compiler = _compiler()
    with _alone(target) as needed:
        if needed:
            with (
                _Progress(f"tine: building the RPC backend for torch {torch_version()}, once (about a minute)"),
                tempfile.TemporaryDirectory(dir=target.parent) as folder,
            ):
                objects = [os.path.join(folder, unit + ".o") for unit in _UNITS]
                flags = _flags()
                _run_all(
                    [*compiler, *flags, "-c", str(_SOURCES / unit), "-o", out]
                    for unit, out in zip(_UNITS, objects, strict=True)
                )
                module = os.path.join(folder, "_agent.so")
                _run_all([[*compiler, *objects, *_link_flags(), "-o", module]])
                os.replace(module, target)
    return target


_loaded = None


def load():
    """The extension module, built if need be."""
    global _loaded
    if _loaded is None:
        if not rpc.is_available():
            _check_torch()
        name = "tine.pytorch._agent"
        loader = importlib.machinery.ExtensionFileLoader(name, str(build()))
        spec = importlib.util.spec_from_file_location(name, loader.path, loader=loader)
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        sys.modules[name] = module
        _loaded = module
    return _loaded
