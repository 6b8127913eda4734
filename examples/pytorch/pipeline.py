"""A model cut into two stages on two workers, fed with micro-batches.

    PYTHONPATH=build/python python3 examples/pytorch/pipeline.py [--backend tensorpipe] [--micro-batches 8]

The driver hands each micro-batch to the first stage and the reference to the result on to the second, without waiting:
while the second works on one, the first works on the next, and what passes between them does not go through the driver.
With two micro-batches each weight gets two gradients and losses repeat exactly. With more, their sum depends on
the order in which they arrive, by the last digits.
"""
import threading
from argparse import Namespace
from typing import Any

import torch
import torch.distributed.autograd as dist_autograd
import torch.distributed.rpc as rpc
from torch import Tensor, nn
from torch.distributed.optim import DistributedOptimizer

import world

WIDTH = 64


class Stage(nn.Module):
    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, outputs))
        self.lock = threading.Lock()  # one micro-batch at a time, as on a device

    def forward(self, x: Any) -> Tensor:
        x = x.to_here()
        with self.lock:
            return self.layers(x)

    def parameter_rrefs(self) -> list[Any]:
        return [rpc.RRef(p) for p in self.parameters()]


def run(name: str, args: Namespace) -> None:
    if name != "driver":
        return
    first = rpc.remote("stage1", Stage, args=(WIDTH,))
    second = rpc.remote("stage2", Stage, args=(1,))
    parameters = first.rpc_sync().parameter_rrefs() + second.rpc_sync().parameter_rrefs()
    optimizer = DistributedOptimizer(torch.optim.SGD, parameters, lr=0.1)
    x = torch.randn(args.batch, WIDTH)
    target = torch.sin(x.sum(1, keepdim=True))

    def step(_: int) -> float:
        with dist_autograd.context() as context:
            outputs = []
            for part in x.chunk(args.micro_batches):
                between = first.remote().forward(rpc.RRef(part))
                outputs.append(second.rpc_async().forward(between))
            loss = nn.functional.mse_loss(torch.cat(torch.futures.wait_all(outputs)), target)
            dist_autograd.backward(context, [loss])
            optimizer.step(context)
        return loss.item()

    world.loop(step, args)


if __name__ == "__main__":
    parser = world.parser(__doc__, steps=100)
    parser.add_argument("--batch", type=int, default=64, help="rows in a step (default: 64)")
    parser.add_argument("--micro-batches", type=int, default=2, help="parts of a batch (default: 2)")
    world.start(run, ["driver", "stage1", "stage2"], parser.parse_args())
