"""Neighbour sampling on a graph that is spread over workers, in the manner of PyTorch Geometric.

    PYTHONPATH=build/python python3 examples/pytorch/sampler.py [--backend tensorpipe]

Every worker owns a third of the nodes with their edges and features, and trains the same model on its own nodes. For a
batch it asks the owners for sampled neighbours, for the neighbours' neighbours, and for all their features. Gradients
are averaged by all-gather, in the order of the workers; each call names the seed of its sample: same seed, same losses.
"""
from argparse import Namespace

import torch
import torch.distributed.rpc as rpc
from torch import Tensor, nn
from torch.distributed.rpc.api import _all_gather, _barrier  # what PyTorch Geometric builds on

import world

WORKERS = ["worker0", "worker1", "worker2"]
NODES, DEGREE, CLASSES, FEATURES = 3000, 12, 6, 16  # a node's class is its number modulo CLASSES
BATCH, FANOUT, EPOCH = 32, (4, 4), 10


class Part:
    """A worker's part of the graph: nodes `first` up to `last`, two in three edges into the node's own class."""

    def __init__(self, rank: int, seed: int) -> None:
        self.first, self.last = NODES * rank // len(WORKERS), NODES * (rank + 1) // len(WORKERS)
        generator = torch.Generator().manual_seed(seed + rank)
        nodes = torch.arange(self.first, self.last)
        ends = torch.randint(NODES // CLASSES, (len(nodes), DEGREE), generator=generator) * CLASSES
        alike = torch.rand(len(nodes), DEGREE, generator=generator) < 2 / 3
        strays = torch.randint(CLASSES, (len(nodes), DEGREE), generator=generator)
        self.edges = ends + torch.where(alike, nodes[:, None] % CLASSES, strays)
        self.features = torch.randn(len(nodes), FEATURES, generator=generator)
        self.features[torch.arange(len(nodes)), nodes % CLASSES] += 1  # a weak hint

    # Asked by the other workers.
    def neighbours(self, nodes: Tensor, count: int, seed: int) -> Tensor:
        picked = torch.randint(DEGREE, (len(nodes), count), generator=torch.Generator().manual_seed(seed))
        return self.edges[(nodes - self.first)[:, None], picked]

    def features_of(self, nodes: Tensor) -> Tensor:
        return self.features[nodes - self.first]


class Graph:
    """The whole graph, as one worker sees it."""

    def __init__(self, part: Part) -> None:
        parts = _all_gather((part.first, part.last, rpc.RRef(part)))
        self.parts = [parts[worker] for worker in WORKERS]

    def ask(self, question: str, nodes: Tensor, *more: int) -> Tensor:
        """The answers of the owners of `nodes`, in the order and shape of `nodes`."""
        asked, places = nodes.flatten(), []
        for first, last, _ in self.parts:
            places.append(((asked >= first) & (asked < last)).nonzero().flatten())
        futures = []
        for (_, _, part), place in zip(self.parts, places):
            futures.append(getattr(part.rpc_async(), question)(asked[place], *more))
        answers = torch.cat(torch.futures.wait_all(futures))
        return answers[torch.cat(places).argsort()].view(*nodes.shape, *answers.shape[1:])

    def sample(self, nodes: Tensor, seed: int) -> list[Tensor]:
        """Features of the nodes, of some of their neighbours, and of some of those: [n, f], [n, 4, f], [n, 4, 4, f]."""
        hops = [nodes]
        for hop, count in enumerate(FANOUT):
            hops.append(self.ask("neighbours", hops[-1], count, seed + hop))
        sizes = [h.numel() for h in hops]
        features = self.ask("features_of", torch.cat([h.flatten() for h in hops])).split(sizes)
        return [f.view(*h.shape, FEATURES) for f, h in zip(features, hops)]


class Sage(nn.Module):
    """Two rounds of: each node looks at itself and at the mean of its neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2 * FEATURES, 32), nn.Linear(64, CLASSES)

    def forward(self, own: Tensor, near: Tensor, far: Tensor) -> Tensor:
        own_now = torch.relu(self.first(torch.cat([own, near.mean(1)], dim=-1)))
        near_now = torch.relu(self.first(torch.cat([near, far.mean(2)], dim=-1)))
        return self.second(torch.cat([own_now, near_now.mean(1)], dim=-1))


def run(name: str, args: Namespace) -> None:
    part = Part(WORKERS.index(name), args.seed)
    graph = Graph(part)
    model = Sage()  # the same everywhere: every process has seeded torch alike
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(args.seed + WORKERS.index(name))

    def step(i: int) -> float:
        nodes = torch.randint(part.first, part.last, (BATCH,), generator=generator)
        loss = nn.functional.cross_entropy(model(*graph.sample(nodes, args.seed + i)), nodes % CLASSES)
        grads = torch.autograd.grad(loss, list(model.parameters()))
        everybody = _all_gather((loss.detach(), grads))
        losses, grads = zip(*(everybody[worker] for worker in WORKERS))
        for p, *parts in zip(model.parameters(), *grads):
            p.grad = sum(parts) / len(WORKERS)
        optimizer.step()
        if (i + 1) % EPOCH == 0:
            _barrier(set(WORKERS))  # where a real program would evaluate and save
        return sum(losses).item() / len(WORKERS)

    world.loop(step, args, show=name == "worker0")


if __name__ == "__main__":
    world.start(run, WORKERS, world.parser(__doc__, steps=60).parse_args())
