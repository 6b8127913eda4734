"""A variant of the agent that drops and delays messages by their type, for tests: the backend FAULTY_TINE.

    import tine.pytorch.faulty
    rpc.init_rpc(..., backend=rpc.BackendType.FAULTY_TINE, rpc_backend_options=FaultyTineRpcBackendOptions(
        messages_to_fail=["RREF_USER_DELETE"], num_fail_sends=3, messages_to_delay={"PYTHON_CALL": 1.5}))

A message of a type to fail fails at its sender the first num_fail_sends times; one of a type to delay, request or
reply, is held so many seconds before it is sent. The names are PyTorch's, as for its FaultyTensorPipeRpcBackendOptions,
which are taken, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch.distributed.rpc import backend_registry

from tine.pytorch._backend import TineRpcBackendOptions, add_backend, agent_arguments, own_options

NAME = "FAULTY_TINE"


class FaultyTineRpcBackendOptions(TineRpcBackendOptions):
    def __init__(
        self,
        *,
        messages_to_fail: Iterable[str] = (),
        messages_to_delay: Mapping[str, float] | None = None,
        num_fail_sends: int = 0,
        **options: Any,
    ) -> None:
        TineRpcBackendOptions.__init__(self, **options)
        self.messages_to_fail = list(messages_to_fail)
        self.messages_to_delay = dict(messages_to_delay or {})
        self.num_fail_sends = num_fail_sends


def _construct_options(rpc_timeout: float, init_method: str, **more: Any) -> FaultyTineRpcBackendOptions:
    return FaultyTineRpcBackendOptions(rpc_timeout=rpc_timeout, init_method=init_method, **more)


def _init(store: Any, name: str, rank: int, world_size: int | None, rpc_backend_options: Any) -> Any:
    from tine.pytorch._agent_class import FaultyAgent
    from tine.pytorch._group import start

    options = own_options(rpc_backend_options)
    faults = {
        "messages_to_fail": list(getattr(rpc_backend_options, "messages_to_fail", ())),
        "messages_to_delay": dict(getattr(rpc_backend_options, "messages_to_delay", {})),
        "num_fail_sends": getattr(rpc_backend_options, "num_fail_sends", 0),
    }
    return start(FaultyAgent, store, name, rank, world_size, options, {**agent_arguments(options), **faults})


if not backend_registry.backend_registered(NAME):
    add_backend(NAME, _construct_options, _init)
