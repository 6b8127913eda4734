"""Distributed programs: see :mod:`tine.distributed.rpc`."""
from . import rpc


def is_available() -> bool:
    """Always True: RPC is part of tine."""
    return True


__all__ = ["rpc", "is_available"]


def __getattr__(name):
    from .._missing import module_attribute_error

    raise module_attribute_error(__name__, name)
