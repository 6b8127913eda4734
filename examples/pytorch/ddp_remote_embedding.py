"""Two trainers: dense layers under DistributedDataParallel, an embedding table on a server, one graph over both.

    PYTHONPATH=build/python python3 examples/pytorch/ddp_remote_embedding.py [--backend tensorpipe]

In the backward pass DDP averages the gradients of the dense layers by all-reduce, and distributed autograd takes those
of the table to the server, where each trainer's distributed optimizer applies its own. The trainers step one after the
other, so that losses repeat; take the turns away, and the table is trained in the order of arrivals.
"""
import os
from argparse import Namespace

import torch
import torch.distributed as dist
import torch.distributed.autograd as dist_autograd
import torch.distributed.rpc as rpc
from torch import Tensor, nn
from torch.distributed.nn.api.remote_module import RemoteModule
from torch.distributed.optim import DistributedOptimizer
from torch.nn.parallel import DistributedDataParallel

import world

TRAINERS = ["trainer0", "trainer1"]
WORDS, HIDDEN, CLASSES, BATCH = 200, 32, 8, 16


class Model(nn.Module):
    """The table is a RemoteModule: its forward runs where it lives."""

    def __init__(self, table: RemoteModule) -> None:
        super().__init__()
        self.table = table
        self.dense = DistributedDataParallel(nn.Sequential(nn.Tanh(), nn.Linear(HIDDEN, CLASSES)))

    def forward(self, words: Tensor, offsets: Tensor) -> Tensor:
        return self.dense(self.table.forward(words, offsets))


def train(rank: int, table: RemoteModule, args: Namespace) -> None:
    """On each trainer, told by the driver to begin."""
    dist.init_process_group("gloo", "file://" + os.path.join(args.folder, "ddp"), rank=rank, world_size=len(TRAINERS))
    train_in_group(rank, table, args)
    # The model is gone by now. If it went last it would end the group while it holds Python's lock, and a thread of Gloo may
    # want that lock in order to end: PyTorch then hangs.
    dist.destroy_process_group()


def train_in_group(rank: int, table: RemoteModule, args: Namespace) -> None:
    generator = torch.Generator().manual_seed(args.seed + rank)
    model = Model(table)
    parameters = table.remote_parameters() + [rpc.RRef(p) for p in model.dense.parameters()]
    optimizer = DistributedOptimizer(torch.optim.SGD, parameters, lr=0.5)

    def step(_: int) -> float:
        # Bags of four words of one class; the class of a word is its number modulo CLASSES.
        target = torch.randint(CLASSES, (BATCH,), generator=generator)
        words = torch.randint(WORDS // CLASSES, (4 * BATCH,), generator=generator) * CLASSES + target.repeat_interleave(4)
        with dist_autograd.context() as context:
            loss = nn.functional.cross_entropy(model(words, torch.arange(0, 4 * BATCH, 4)), target)
            dist_autograd.backward(context, [loss])
            for turn in range(len(TRAINERS)):
                if turn == rank:
                    optimizer.step(context)
                dist.barrier()
        mean = loss.detach() / len(TRAINERS)
        dist.all_reduce(mean)
        return mean.item()

    world.loop(step, args, show=rank == 0)


def run(name: str, args: Namespace) -> None:
    if name != "driver":
        return
    table = RemoteModule("server", nn.EmbeddingBag, (WORDS, HIDDEN), {"mode": "sum"})
    torch.futures.wait_all(
        [rpc.rpc_async(trainer, train, (i, table, args), timeout=0) for i, trainer in enumerate(TRAINERS)]
    )


if __name__ == "__main__":
    world.start(run, ["driver", *TRAINERS, "server"], world.parser(__doc__, steps=50).parse_args())
