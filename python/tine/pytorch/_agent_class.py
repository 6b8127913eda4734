"""The agent as PyTorch's Python code sees it; the work is done in C++ (python/pytorch)."""

from tine.pytorch import _build, _group

_native = _build.load()


def _tensorpipe_agent():
    from torch._C import _distributed_rpc

    return getattr(_distributed_rpc, "TensorPipeAgent", None)


class _Shared:
    """The part that the agent and its faulty variant have in common."""

    # Set by _group.start(), after the native constructor.
    store = None
    _options = None

    @property
    def __class__(self):
        # PyTorch's shutdown() lets a worker leave a group that workers come to and go from if isinstance(agent,
        # TensorPipeAgent), and waits for all of them otherwise.
        return type(self) if self.is_static_group else _tensorpipe_agent() or type(self)

    def _get_backend_options(self):
        return self._options

    def _get_device_map(self, dst):
        return {}

    def _update_group_membership(self, worker_info, my_devices, reverse_device_map, is_join):
        if is_join:
            _group.worker_came(worker_info.name)
            self.known([(worker_info.name, worker_info.id)])
        else:
            self.forget(worker_info.name)

    def shutdown(self):
        try:
            self._native_class.shutdown(self)
        finally:
            _group.ended(self)


class Agent(_Shared, _native.Agent):
    _native_class = _native.Agent

    def join(self, shutdown=False, timeout=0):
        try:
            _native.Agent.join(self, shutdown, timeout)
        except RuntimeError as error:
            raise _group.with_deaths(error) from None
        if shutdown and not self.is_static_group:
            _group.leave(self)


class FaultyAgent(_Shared, _native.FaultyAgent):
    _native_class = _native.FaultyAgent
    join = Agent.join
