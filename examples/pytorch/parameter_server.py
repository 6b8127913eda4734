"""A parameter server and two trainers, with distributed autograd and DistributedOptimizer.

    PYTHONPATH=build/python python3 examples/pytorch/parameter_server.py [--backend tensorpipe]

The server keeps the weights of a classifier of digits. In each step both trainers pull them, compute the loss of their
half of the batch, and one distributed backward pass, begun by trainer0, takes the gradients back to the server through
both. Two gradients meet at each weight, and a sum of two does not depend on their order: same seed, same losses.
"""
import pathlib
from argparse import Namespace
from typing import Any

import numpy
import torch
import torch.distributed.autograd as dist_autograd
import torch.distributed.rpc as rpc
from torch import Tensor, nn
from torch.distributed.optim import DistributedOptimizer

import world

DIGITS = pathlib.Path(__file__).resolve().parents[1] / "data" / "digits.csv.gz"


class Server:
    def __init__(self) -> None:
        self.model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))

    def weights(self) -> dict[str, Tensor]:
        """Views, since distributed autograd follows tensors into a message, but not Parameters."""
        return {name: p.view_as(p) for name, p in self.model.named_parameters()}

    def weight_rrefs(self) -> list[Any]:
        return [rpc.RRef(p) for p in self.model.parameters()]


def half_loss(server: Any, x: Tensor, target: Tensor) -> Tensor:
    """On either trainer."""
    weights = server.rpc_sync().weights()
    hidden = torch.tanh(nn.functional.linear(x, weights["0.weight"], weights["0.bias"]))
    return nn.functional.cross_entropy(nn.functional.linear(hidden, weights["2.weight"], weights["2.bias"]), target)


def run(name: str, args: Namespace) -> None:
    if name != "trainer0":
        return
    table = torch.tensor(numpy.loadtxt(DIGITS, delimiter=",", dtype=numpy.float32))
    server = rpc.remote("server", Server)
    optimizer = DistributedOptimizer(torch.optim.SGD, server.rpc_sync().weight_rrefs(), lr=0.2)

    def step(i: int) -> float:
        first = i * args.batch % (len(table) - args.batch)
        x, target = table[first : first + args.batch].split([64, 1], dim=1)
        x, target, half = x / 16, target.long().flatten(), args.batch // 2
        with dist_autograd.context() as context:
            other = rpc.rpc_async("trainer1", half_loss, args=(server, x[half:], target[half:]))
            loss = (half_loss(server, x[:half], target[:half]) + other.wait()) / 2
            dist_autograd.backward(context, [loss])
            optimizer.step(context)
        return loss.item()

    world.loop(step, args)


if __name__ == "__main__":
    parser = world.parser(__doc__, steps=100)
    parser.add_argument("--batch", type=int, default=64, help="digits in a step (default: 64)")
    world.start(run, ["trainer0", "trainer1", "server"], parser.parse_args())
