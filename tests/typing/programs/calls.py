"""Calls between workers."""

from typing import Any

import tine as torch
from tine.distributed import rpc
from tine.futures import Future


def scale(x: torch.Tensor, by: float = 2.0) -> torch.Tensor:
    return x * by


def many(first: int, *more: int, last: int = 0) -> int:
    return first + sum(more) + last


def nothing() -> None:
    pass


@rpc.register
def registered(x: int) -> int:
    return x


@rpc.register("by name")
def named(x: int) -> str:
    return str(x)


def uses_registered() -> None:
    a: int = rpc.rpc_sync("w1", registered, args=(1,))
    b: str = named(a)
    rpc.rpc_sync("w1", registered, args=(b,))  # error: arg-type
    rpc.RpcBackendOptions(tls=rpc.TlsOptions("c", "k", "a"), allow="registered")


class Counter:
    def __init__(self, start: int = 0) -> None:
        self.value = start

    def add(self, by: int) -> int:
        self.value += by
        return self.value

    @rpc.functions.async_execution
    def add_later(self, by: int) -> Future[int]:
        return rpc.rpc_async("other", many, args=(self.value, by))

    @staticmethod
    @rpc.functions.async_execution
    def stand(by: int) -> Future[int]:
        return rpc.rpc_async("other", many, args=(by,))

    @classmethod
    @rpc.functions.async_execution
    def of_class(cls, by: int) -> Future[int]:
        return rpc.rpc_async("other", many, args=(by,))


@rpc.functions.async_execution
def chained(to: str, x: int, y: int = 0) -> Future[str]:
    return rpc.rpc_async(to, many, args=(x, y)).then(lambda sum: str(sum.value()))


@torch.jit.script
def scripted(x: torch.Tensor, n: int) -> torch.Tensor:
    return x * n


x = torch.ones(2)
rpc.init_rpc("worker0", rank=0, world_size=2, rpc_backend_options=rpc.TensorPipeRpcBackendOptions(num_worker_threads=8))
rpc.init_rpc("worker0", rank="0")  # error: arg-type
rpc.TensorPipeRpcBackendOptions(8)  # error: call-arg

reveal_type(rpc.rpc_async("w", scale, args=(x,)))  # revealed: Future[Tensor]
reveal_type(rpc.rpc_async("w", scale, args=(x, 3.0)))  # revealed: Future[Tensor]
reveal_type(rpc.rpc_async("w", scale, (x,), timeout=3))  # revealed: Future[Tensor]
reveal_type(rpc.rpc_sync(1, scale, args=(x,), kwargs={"by": 3.0}))  # revealed: Tensor
reveal_type(rpc.rpc_sync(1, scale, (x,), {"by": 3.0}))  # revealed: Tensor
reveal_type(rpc.rpc_sync(rpc.get_worker_info(), scale, args=[x]))  # revealed: Tensor
reveal_type(rpc.remote("w", scale, args=(x,)))  # revealed: RRef[Tensor]
reveal_type(rpc.rpc_sync("w", many, args=(1, 2, 3)))  # revealed: int
reveal_type(rpc.rpc_sync("w", many, args=(1,), kwargs={"last": 3}))  # revealed: int
reveal_type(rpc.rpc_sync("w", nothing))  # revealed: None
reveal_type(rpc.rpc_sync("w", Counter(3).add, args=(3,)))  # revealed: int
rpc.rpc_async("w", scale, args=("x",))  # error: arg-type
rpc.rpc_async("w", scale, args=(x, 3.0, 4))  # error: arg-type
rpc.rpc_async("w", scale)  # error: arg-type
rpc.rpc_async("w", scale, args=x)  # error: call-overload
rpc.rpc_sync("w", many, args=(1, "2"))  # error: arg-type
rpc.rpc_sync("w", scale, args=(x,), kwargs=[3.0])  # error: call-overload
rpc.remote("w", Counter, args=("3",))  # error: arg-type
rpc.rpc_async(1.5, nothing)  # error: call-overload
rpc.rpc_async("w", nothing, timeout="3")  # error: call-overload

# Operators, script functions, functions of C++ programs.
reveal_type(rpc.rpc_sync("w", torch.add, args=(x, 3)))  # revealed: Tensor
reveal_type(rpc.rpc_sync("w", torch.max, args=(x, 0)))  # revealed: tuple[Tensor, Tensor, fallback=_ValuesIndices]
reveal_type(rpc.rpc_sync("w", scripted, args=(x, 3)))  # revealed: Tensor
reveal_type(rpc.rpc_sync("w", "aten::add", args=(x, 3)))  # revealed: Any
rpc.rpc_sync("w", scripted, args=(x, "3"))  # error: arg-type


def forwarded(function: Any, *args: Any) -> None:
    reveal_type(rpc.rpc_sync("w", scale, args=args))  # revealed: Tensor
    reveal_type(rpc.rpc_sync("w", function, args=args))  # revealed: Any


# async_execution: what its Future gives.
reveal_type(rpc.rpc_sync("w", chained, args=("v", 1)))  # revealed: str
reveal_type(rpc.rpc_async("w", chained, args=("v", 1, 2)))  # revealed: Future[str]
reveal_type(rpc.remote("w", chained, args=("v",), kwargs={"x": 1}))  # revealed: RRef[str]
reveal_type(rpc.rpc_sync("w", Counter.stand, args=(1,)))  # revealed: int
reveal_type(rpc.rpc_sync("w", Counter.of_class, args=(1,)))  # revealed: int
reveal_type(chained("w", 1))  # revealed: Future[str]
reveal_type(Counter.stand(1))  # revealed: Future[int]
reveal_type(Counter.of_class(1))  # revealed: Future[int]
rpc.rpc_sync("w", chained, args=("v", "1"))  # error: arg-type
chained("w", "1")  # error: arg-type
rpc.functions.async_execution(many)  # error: arg-type

counter = rpc.remote("w", Counter, args=(3,))
reveal_type(counter)  # revealed: RRef[Counter]
reveal_type(counter.to_here())  # revealed: Counter
reveal_type(counter.to_here_async(timeout=3))  # revealed: Future[Counter]
reveal_type(counter.local_value())  # revealed: Counter
reveal_type(counter.owner().name)  # revealed: str
reveal_type(counter.rpc_sync().add(3))  # revealed: int
reveal_type(counter.rpc_sync(timeout=3).add_later(3))  # revealed: Any
reveal_type(counter.rpc_async().add(3))  # revealed: Future[Any]
reveal_type(counter.remote().add(3))  # revealed: RRef[Any]
reveal_type(rpc.RRef(3))  # revealed: RRef[int]
counter.rpc_sync().add("3")  # error: arg-type
counter.rpc_sync().add_later("3")  # error: arg-type
counter.rpc_sync().subtract(3)  # error: attr-defined
counter.rpc_sync(timeout="3").add(3)  # error: arg-type


def owned(rref: rpc.RRef[Counter], by: int) -> int:
    return rref.local_value().add(by)


reveal_type(rpc.rpc_sync(counter.owner(), owned, args=(counter, 3)))  # revealed: int
rpc.rpc_sync(counter.owner(), owned, args=(rpc.RRef(3), 3))  # error: arg-type
rpc.shutdown(graceful=True, timeout=3.0)
