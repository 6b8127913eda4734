"""A recurrent network whose embedding and decoder live on another worker.

    PYTHONPATH=build/python python3 examples/pytorch/rnn.py [--backend tensorpipe]

It learns to predict the next letter of this text. The trainer keeps the LSTM; the server keeps the tables, which are
the large part of a real vocabulary. Embedding, LSTM and decoder are one graph for distributed autograd, and one
optimizer steps the parameters of both workers. A single chain, so nothing depends on the order of arrivals.
"""
from argparse import Namespace
from typing import Any

import torch
import torch.distributed.autograd as dist_autograd
import torch.distributed.rpc as rpc
from torch import Tensor, nn
from torch.distributed.optim import DistributedOptimizer

import world

BATCH, LENGTH, HIDDEN = 8, 12, 32
LETTERS = torch.tensor(list(__doc__.encode()))


class Table(nn.Module):
    """Runs on the server: any module, with a way to get at its parameters from outside."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x)

    def parameter_rrefs(self) -> list[Any]:
        return [rpc.RRef(p) for p in self.parameters()]


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = rpc.remote("server", Table, args=(nn.Embedding(128, HIDDEN),))
        self.lstm = nn.LSTM(HIDDEN, HIDDEN)
        self.decoder = rpc.remote("server", Table, args=(nn.Linear(HIDDEN, 128),))

    def forward(self, letters: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        embedded = self.embedding.rpc_sync().forward(letters)
        output, state = self.lstm(embedded, state)
        return self.decoder.rpc_sync().forward(output), state

    def parameter_rrefs(self) -> list[Any]:
        local = [rpc.RRef(p) for p in self.lstm.parameters()]
        return self.embedding.rpc_sync().parameter_rrefs() + local + self.decoder.rpc_sync().parameter_rrefs()


def run(name: str, args: Namespace) -> None:
    if name != "trainer":
        return
    network = Network()
    optimizer = DistributedOptimizer(torch.optim.SGD, network.parameter_rrefs(), lr=2.0)
    rows = LETTERS[: len(LETTERS) // BATCH * BATCH].view(BATCH, -1).t()  # [time, batch]
    chunks = (len(rows) - 1) // LENGTH
    state = torch.zeros(1, BATCH, HIDDEN), torch.zeros(1, BATCH, HIDDEN)

    def step(i: int) -> float:
        nonlocal state
        first = i % chunks * LENGTH
        letters, following = rows[first : first + LENGTH], rows[first + 1 : first + LENGTH + 1]
        with dist_autograd.context() as context:
            scores, state = network(letters, tuple(s.detach() for s in state))
            loss = nn.functional.cross_entropy(scores.flatten(0, 1), following.flatten())
            dist_autograd.backward(context, [loss])
            optimizer.step(context)
        return loss.item()

    world.loop(step, args)


if __name__ == "__main__":
    world.start(run, ["trainer", "server"], world.parser(__doc__, steps=100).parse_args())
