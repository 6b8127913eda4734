"""A parameter server that answers all trainers at once: async_execution.

    PYTHONPATH=build/python python3 examples/pytorch/batched_parameter_server.py [--backend tensorpipe]

A trainer sends its gradients and gets the next weights. The server's method returns a Future and so holds no thread
while it waits for the other trainers; the last one's gradients complete it for all. Gradients are summed in the order
of the trainers, not of their arrival: same seed, same losses.
"""
import threading
from argparse import Namespace
from typing import Any

import torch
import torch.distributed.rpc as rpc
from torch import Tensor, nn

import world

TRAINERS = ["trainer0", "trainer1", "trainer2"]
BATCH = 16


def new_model(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 4))


class Server:
    def __init__(self, args: Namespace) -> None:
        self.model = new_model(args.seed)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.2, momentum=0.9)
        self.lock = threading.Lock()
        self.arrived: dict[int, tuple[Tensor, ...]] = {}
        self.next: torch.futures.Future[list[Tensor]] = torch.futures.Future()

    @staticmethod
    @rpc.functions.async_execution
    def update_and_fetch(rref: Any, rank: int, grads: tuple[Tensor, ...]) -> torch.futures.Future[list[Tensor]]:
        self = rref.local_value()
        with self.lock:
            self.arrived[rank] = grads
            future = self.next
            if len(self.arrived) < len(TRAINERS):
                return future
            for p, *parts in zip(self.model.parameters(), *(self.arrived[r] for r in sorted(self.arrived))):
                p.grad = sum(parts) / len(TRAINERS)
            self.optimizer.step()
            self.arrived, self.next = {}, torch.futures.Future()
            # Copies: the optimizer changes its own in place while these are on their way.
            weights = [p.detach().clone() for p in self.model.parameters()]
        future.set_result(weights)
        return future


def train(rank: int, server: Any, args: Namespace) -> None:
    """On each trainer; the model is there for its shape, its weights come from the server."""
    model = new_model(args.seed)
    generator = torch.Generator().manual_seed(args.seed + rank)

    def step(_: int) -> float:
        x = torch.randn(BATCH, 32, generator=generator)
        loss = nn.functional.cross_entropy(model(x), x[:, :4].argmax(1))
        grads = torch.autograd.grad(loss, list(model.parameters()))
        weights = rpc.rpc_sync(server.owner(), Server.update_and_fetch, (server, rank, grads))
        with torch.no_grad():
            for p, w in zip(model.parameters(), weights):
                p.copy_(w)
        return loss.item()

    world.loop(step, args, show=rank == 0)


def run(name: str, args: Namespace) -> None:
    if name != "server":
        return
    server = rpc.RRef(Server(args))
    torch.futures.wait_all(
        [rpc.rpc_async(trainer, train, (i, server, args), timeout=0) for i, trainer in enumerate(TRAINERS)]
    )


if __name__ == "__main__":
    world.start(run, ["server", *TRAINERS], world.parser(__doc__, steps=200).parse_args())
