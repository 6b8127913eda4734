"""Distributed programs: see :mod:`tine.distributed.rpc`."""
from __future__ import annotations

from . import rpc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def is_available() -> bool:
    """Always True: RPC is part of tine."""
    return True


__all__ = ["rpc", "is_available"]


def __getattr__(name: str) -> NoReturn:
    from .._missing import module_attribute_error

    raise module_attribute_error(__name__, name)
