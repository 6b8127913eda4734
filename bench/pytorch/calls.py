"""PyTorch's RPC over tine and over TensorPipe: calls one after another, many in flight, large ones, and a training step."""

import statistics
import sys
import time

import _pair
from _world import QUICK, at_most_times, p50, pairs, row, start, times_better

MIB = 1 << 20
COUNT = 300 if QUICK else 2000


def identity(x):
    return x


def a_second(call, count, in_flight=256):
    """The median of three rounds, or of what 3 seconds allow; the first does not count."""
    rates, until = [], time.monotonic() + 3
    while len(rates) < 2 or (len(rates) < 4 and time.monotonic() < until):
        began, pending = time.perf_counter(), []
        for i in range(count):
            if i >= in_flight:
                pending[i - in_flight].wait()
            pending.append(call())
        for future in pending[-in_flight:]:
            future.wait()
        rates.append(count / (time.perf_counter() - began))
    return statistics.median(rates[1:])


def worker(backend, where, rank):
    import torch
    from torch import nn
    from torch.distributed import autograd, rpc
    from torch.distributed.optim import DistributedOptimizer

    start(backend, rank)
    if rank == 0:
        x, y = torch.ones(2), torch.ones(2)
        results = {
            "add": p50(lambda: rpc.rpc_sync("worker1", torch.add, args=(x, y)), COUNT),
            "python": p50(lambda: rpc.rpc_sync("worker1", identity, args=(1,)), COUNT),
        }
        layer = rpc.remote("worker1", nn.Linear, args=(64, 64))
        batch = torch.randn(8, 64, requires_grad=True)

        def step(optimizer=None):
            with autograd.context() as context:
                loss = layer.rpc_sync().forward(batch).sum()
                autograd.backward(context, [loss])
                if optimizer:
                    optimizer.step(context)

        results["step"] = p50(step, COUNT // 5)
        if where == "apart":
            held = rpc.remote("worker1", torch.add, args=(x, y))
            results["to_here"] = p50(held.to_here, COUNT)
            results["adds"] = a_second(lambda: rpc.rpc_async("worker1", torch.add, args=(x, y)), COUNT * 3)
            results["pythons"] = a_second(lambda: rpc.rpc_async("worker1", identity, args=(1,)), COUNT)
            big = torch.ones(16 * MIB // 4)
            echo = p50(lambda: rpc.rpc_sync("worker1", identity, args=(big,)), COUNT // 80, warm=3)
            results["echo"] = 2 * 16 * MIB / echo
            parameters = rpc.rpc_sync("worker1", remote_parameters, args=(layer,))
            optimizer = DistributedOptimizer(torch.optim.SGD, parameters, 0.001)
            results["optimized"] = p50(lambda: step(optimizer), COUNT // 5)
        _pair.tell(results)
    rpc.shutdown()


def remote_parameters(layer):
    from torch.distributed import rpc

    return [rpc.RRef(weight) for weight in layer.local_value().parameters()]


def main():
    found = pairs(__file__, "apart", cores=_pair.apart(), seconds=60)
    row("torch.add of 2 elements, p50, cores apart", found, "add", "ns", at_most_times(0.28))
    row("Python function, p50, cores apart", found, "python", "ns", at_most_times(0.25))
    row("to_here, p50, cores apart", found, "to_here", "ns", at_most_times(0.25))
    row("torch.add, 256 in flight", found, "adds", "calls/s", times_better(3), higher=True)
    row("Python function, 256 in flight", found, "pythons", "calls/s", times_better(3.5), higher=True)
    row("16 MiB there and back, one way", found, "echo", "GB/s", times_better(2.5), higher=True)
    row("forward and backward of a remote Linear 64 x 64, batch 8", found, "step", "ns", at_most_times(0.33))
    row("the same and a step of a remote SGD", found, "optimized", "ns", at_most_times(1))
    found = pairs(__file__, "together", cores=_pair.together(), seconds=60)
    row("torch.add of 2 elements, p50, one core", found, "add", "ns", at_most_times(0.3))
    row("Python function, p50, one core", found, "python", "ns", at_most_times(1))
    row("forward and backward of the remote Linear, one core", found, "step", "ns", at_most_times(1))


if __name__ == "__main__":
    worker(sys.argv[1], sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 1 else main()
