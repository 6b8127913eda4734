"""A classifier of handwritten digits, trained by a parameter server and its trainers.

    build/bin/tine launch -n 4 examples/digits_parameter_server.py

Rank 0 holds the parameters, the other ranks train. What to look at:

* ``loss_and_grads`` is a script: it forks one task for each shard of the mini-batch and waits for all of
  them. It runs without the interpreter.
* ``ParameterServer.update_and_fetch`` is an ``async_execution`` method of an object behind an ``RRef``: it
  keeps a trainer's gradients and returns a Future. When all trainers' have arrived it takes one step and
  completes everybody's Future. No thread waits on the server meanwhile.
* A trainer sends gradients with ``rpc_async().then()`` and joins that with the rest by ``collect_all``.

Gradients are summed in the order of the ranks, so a run repeats: same seed, same final loss.
"""
import argparse
import csv
import gzip
import os
import sys
import threading
import time
from pathlib import Path
from typing import Dict, List, Tuple

import tine as torch
from tine import Tensor
from tine.distributed import rpc

DATA = Path(__file__).resolve().parent / "data" / "digits.csv.gz"
PIXELS, HIDDEN, CLASSES = 64, 64, 10
SHARDS = 4
REQUIRED_ACCURACY = 0.95


# ---- The model: 64 -> 64 tanh -> 10 softmax, cross entropy --------------------------------------------------


@torch.jit.script
def shard_loss_and_grads(x: Tensor, target: Tensor, params: List[Tensor]) -> List[Tensor]:
    """Loss and gradients, summed over the shard. x: [n, 64], target: [n, 10] one-hot."""
    w1, b1, w2, b2 = params[0], params[1], params[2], params[3]
    hidden = torch.tanh(torch.matmul(x, w1) + b1)
    probability = torch.softmax(torch.matmul(hidden, w2) + b2, dim=1)
    loss = -(target * torch.log(probability + 1e-12)).sum()
    d_logits = probability - target
    d_hidden = torch.matmul(d_logits, w2.t()) * (1.0 - hidden * hidden)
    return [
        loss,
        torch.matmul(x.t(), d_hidden),
        d_hidden.sum(0),
        torch.matmul(hidden.t(), d_logits),
        d_logits.sum(0),
    ]


@torch.jit.script
def loss_and_grads(x: Tensor, target: Tensor, params: List[Tensor], shards: int) -> List[Tensor]:
    """Mean loss and mean gradients over the batch: one forked task a shard."""
    n = x.size(0)
    futures: List[torch.jit.Future[List[Tensor]]] = []
    for i in range(shards):
        begin = i * n // shards
        end = (i + 1) * n // shards
        futures.append(torch.jit.fork(shard_loss_and_grads, x[begin:end], target[begin:end], params))
    total = torch.jit.wait(futures[0])
    for i in range(1, shards):
        part = torch.jit.wait(futures[i])
        for k in range(len(total)):
            total[k] = total[k] + part[k]
    return [t / n for t in total]


@torch.jit.script
def accuracy(x: Tensor, labels: Tensor, params: List[Tensor]) -> float:
    """The share of rows of x whose most probable class is their label."""
    hidden = torch.tanh(torch.matmul(x, params[0]) + params[1])
    guess = torch.argmax(torch.matmul(hidden, params[2]) + params[3], dim=1)
    return float((guess == labels).sum().item()) / float(x.size(0))


def initial_parameters(seed: int) -> List[Tensor]:
    torch.manual_seed(seed)
    return [
        torch.randn(PIXELS, HIDDEN) * (1.0 / PIXELS**0.5),
        torch.zeros(HIDDEN),
        torch.randn(HIDDEN, CLASSES) * (1.0 / HIDDEN**0.5),
        torch.zeros(CLASSES),
    ]


# ---- The data -----------------------------------------------------------------------------------------------


def load_digits() -> Tuple[List[List[float]], List[int]]:
    """1,797 rows of 64 pixels, scaled to 0..1, and their labels."""
    with gzip.open(DATA, "rt", newline="") as file:
        rows = [[int(cell) for cell in row] for row in csv.reader(file)]
    return [[pixel / 16.0 for pixel in row[:PIXELS]] for row in rows], [row[PIXELS] for row in rows]


def split(held_back: bool) -> Tuple[List[List[float]], List[int]]:
    """Every fifth digit is held back for the test; the rest is for training."""
    images, labels = load_digits()
    chosen = [i for i in range(len(labels)) if (i % 5 == 4) == held_back]
    return [images[i] for i in chosen], [labels[i] for i in chosen]


def one_hot(labels: List[int]) -> Tensor:
    return torch.tensor([[1.0 if k == label else 0.0 for k in range(CLASSES)] for label in labels])


# ---- The server ---------------------------------------------------------------------------------------------


class Progress:
    """A bar that redraws itself in a terminal, a line now and then elsewhere."""

    def __init__(self, total: int):
        self.total = total
        self.live = sys.stdout.isatty() or os.environ.get("TINE_LAUNCH_TERMINAL") == "1"
        self.shown = -1

    def show(self, done: int, loss: float) -> None:
        percent = 100 * done // self.total
        if percent == self.shown or (not self.live and percent % 10 and done != self.total):
            return
        self.shown = percent
        if self.live:
            filled = 30 * done // self.total
            bar = "█" * filled + "░" * (30 - filled)
            print(f"\r{bar} {percent:3d} %  loss {loss:.4f}", end="\n" if done == self.total else "", flush=True)
        else:
            print(f"{percent:3d} %  update {done} of {self.total}  loss {loss:.4f}", flush=True)


class ParameterServer:
    """Holds the parameters; one averaged momentum step whenever every trainer has sent its gradients."""

    def __init__(self, trainers: int, updates: int, learning_rate: float, seed: int):
        self.params = initial_parameters(seed)
        self.velocity = [torch.zeros_like(p) for p in self.params]
        self.trainers = trainers
        self.learning_rate = learning_rate
        self.updates = 0
        self.loss = float("nan")
        self.progress = Progress(updates)
        self.lock = threading.Lock()
        self.arrived: Dict[int, List[Tensor]] = {}
        self.next_params: torch.futures.Future[List[Tensor]] = torch.futures.Future()

    def fetch(self) -> List[Tensor]:
        return self.params

    @rpc.functions.async_execution
    def update_and_fetch(self, rank: int, loss_and_grads: List[Tensor]) -> "torch.futures.Future[List[Tensor]]":
        with self.lock:
            self.arrived[rank] = loss_and_grads
            future = self.next_params
            if len(self.arrived) < self.trainers:
                return future
            self.step([self.arrived[r] for r in sorted(self.arrived)])
            self.arrived = {}
            self.next_params = torch.futures.Future()
            self.progress.show(self.updates, self.loss)
        future.set_result(self.params)
        return future

    def step(self, parts: List[List[Tensor]]) -> None:
        sums = parts[0]
        for part in parts[1:]:
            sums = [a + b for a, b in zip(sums, part)]
        self.loss = sums[0].item() / self.trainers
        # New tensors each time: the old ones may still be on their way to a trainer.
        self.velocity = [0.9 * v + g / self.trainers for v, g in zip(self.velocity, sums[1:])]
        self.params = [p - self.learning_rate * v for p, v in zip(self.params, self.velocity)]
        self.updates += 1


def batches_per_epoch(trainers: int, batch: int) -> int:
    return max(1, (1797 * 4 // 5) // trainers // batch)


# ---- The trainers -------------------------------------------------------------------------------------------


def train(server: "rpc.RRef[ParameterServer]", rank: int, trainers: int, epochs: int, batch: int, seed: int) -> List[float]:
    """Runs on a trainer: returns the seconds that each update_and_fetch took."""
    images, labels = split(held_back=False)
    mine = list(range(rank - 1, len(labels), trainers))
    x_all = torch.tensor([images[i] for i in mine])
    target_all = one_hot([labels[i] for i in mine])
    steps = batches_per_epoch(trainers, batch)
    latencies: List[float] = []

    def next_batch(step: int) -> Tuple[Tensor, Tensor]:
        # A different cut through the data in each epoch, the same for the same seed.
        start = (step * batch + (step // steps) * 17 + seed) % len(mine)
        rows = [(start + k) % len(mine) for k in range(batch)]
        index = torch.tensor(rows)
        return torch.index_select(x_all, 0, index), torch.index_select(target_all, 0, index)

    params = server.rpc_sync().fetch()
    x, target = next_batch(0)
    for step in range(epochs * steps):
        grads = loss_and_grads(x, target, params, SHARDS)
        sent = time.perf_counter()

        def arrived(future: "torch.futures.Future[List[Tensor]]") -> List[Tensor]:
            latencies.append(time.perf_counter() - sent)
            return future.wait()

        # While the server waits for the other trainers, this one cuts its next batch.
        update = server.rpc_async().update_and_fetch(rank, grads).then(arrived)
        cut = torch.jit.fork(next_batch, step + 1)
        update, cut = torch.futures.collect_all([update, cut]).wait()
        params = update.wait()
        x, target = cut.wait()
    return latencies


# ---- Putting it together ------------------------------------------------------------------------------------


def serve(args: argparse.Namespace, trainers: int) -> int:
    updates = args.epochs * batches_per_epoch(trainers, args.batch)
    server = ParameterServer(trainers, updates, args.learning_rate, args.seed)
    rref = rpc.RRef(server)
    started = time.perf_counter()
    runs = [
        rpc.rpc_async(
            f"trainer{rank}",
            train,
            args=(rref, rank, trainers, args.epochs, args.batch, args.seed),
            timeout=0,
        )
        for rank in range(1, trainers + 1)
    ]
    latencies = sorted(seconds for run in torch.futures.wait_all(runs) for seconds in run)
    elapsed = time.perf_counter() - started

    images, labels = split(held_back=True)
    reached = accuracy(torch.tensor(images), torch.tensor(labels), server.params)
    microseconds = [1e6 * latencies[int(q * (len(latencies) - 1))] for q in (0.5, 0.99)]
    print(f"final loss       {server.loss:.6f}")
    print(f"test accuracy    {100 * reached:.2f} %  ({len(labels)} digits held back)")
    print(f"updates          {server.updates}  ({server.updates / elapsed:.0f} a second)")
    print(f"update_and_fetch {microseconds[0]:.0f} us median, {microseconds[1]:.0f} us 99th percentile", flush=True)
    if reached < REQUIRED_ACCURACY:
        print(f"the accuracy is below the required {100 * REQUIRED_ACCURACY:.0f} %", file=sys.stderr)
        return 1
    return 0


class Silent(argparse.ArgumentParser):
    """All ranks are given the same arguments: one of them is enough to explain or refuse them."""

    def _print_message(self, message: str, file: object = None) -> None:
        pass


def main() -> int:
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    parser = (argparse.ArgumentParser if rank == 0 else Silent)(description=__doc__.split("\n\n")[0])
    parser.add_argument("--trainers", type=int, default=None, help="how many ranks train (default: all but rank 0)")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training data (default: 40)")
    parser.add_argument("--batch", type=int, default=48, help="digits a trainer takes for one update (default: 48)")
    parser.add_argument("--learning-rate", type=float, default=0.15, help="step size (default: 0.15)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same final loss (default: 0)")
    parser.epilog = f"Exits with 1 when the test accuracy is below {100 * REQUIRED_ACCURACY:.0f} %."
    args = parser.parse_args()
    if world < 2:
        parser.error("needs at least 2 processes: build/bin/tine launch -n 4 examples/digits_parameter_server.py")
    trainers = world - 1 if args.trainers is None else args.trainers
    if not 1 <= trainers < world:
        parser.error(f"--trainers {trainers}: with {world} processes 1 to {world - 1} can train")
    for name in ("epochs", "batch"):
        if getattr(args, name) < 1:
            parser.error(f"--{name} {getattr(args, name)}: expected 1 or more")
    rpc.init_rpc("server" if rank == 0 else f"trainer{rank}", rank=rank, world_size=world)
    status = serve(args, trainers) if rank == 0 else 0
    rpc.shutdown()
    return status


if __name__ == "__main__":
    sys.exit(main())
