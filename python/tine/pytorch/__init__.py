"""tine as a backend of torch.distributed.rpc, and its futures beside PyTorch's: docs/pytorch.md.

    import tine.pytorch
    import torch.distributed.rpc as rpc

    rpc.init_rpc("worker0", backend=rpc.BackendType.TINE, rank=0, world_size=2)

or, for a program that is to stay as it is, ``tine.pytorch.install()`` before its init_rpc, ``python -m tine.pytorch
program.py`` or ``tine launch --pytorch``. The backend is built on first use against the PyTorch that is installed, or
ahead with ``python -m tine.pytorch build``. The only package of tine's that imports torch.
"""

import sys

try:
    import torch  # noqa: F401 - all that follows needs it
except ModuleNotFoundError as _error:
    if _error.name != "torch":
        raise
    raise ModuleNotFoundError(
        f"tine.pytorch needs PyTorch, and {sys.executable} has none: install torch for it, or run the program with a "
        "Python that has it (tine launch runs the one that TINE_PYTHON names)",
        name="torch",
    ) from None

from tine.pytorch._backend import TineRpcBackendOptions, install, register, uninstall
from tine.pytorch._build import BuildError, build
from tine.pytorch._futures import install_futures, to_torch_future, uninstall_futures

register()

__all__ = [
    "BuildError",
    "TineRpcBackendOptions",
    "build",
    "install",
    "install_futures",
    "to_torch_future",
    "uninstall",
    "uninstall_futures",
]
