#!/usr/bin/env python3
"""Programs of torch.distributed.rpc of which one worker is killed, stopped or cut off, at a seeded moment of a seeded phase.

    build/pytorch/bin/python tests/pytorch/chaos.py [--backend tine|tensorpipe] [--runs 20] [--seed 1] [--only SUBSTRING]

Each run is a world of three or four workers: one trains remote modules on all others with distributed autograd, a
distributed optimizer and RRefs; the rest serve it, call each other and hold futures of the victim. What is demanded of
tine: every survivor comes to its end, no worker crashes, each error names the victim, what waits for the victim ends within
its bound, survivors can still call each other, and shutdown is bounded. A run repeats by its seed: --seed S --runs 1.
"""

import argparse
import collections
import dataclasses
import faulthandler
import itertools
import mmap
import multiprocessing.connection
import os
import pathlib
import random
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import forks

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import torch
import torch._dynamo  # PyTorch's log does it at the first error, which takes seconds
import torch.distributed.autograd as dist_autograd
import torch.distributed.rpc as rpc
import torch.nn as nn
from torch.distributed.optim import DistributedOptimizer

HARMS = ["kill", "stop", "cut"]
PLACES = ["any", "forward", "backward", "step", "create", "fetch", "fork", "drop", "shutdown"]
CALL_TIMEOUT = 10  # seconds: rpc_timeout of each world
SILENCE = 4  # seconds after which tine takes a silent worker for dead
FIGURES = ["future", "train", "call", "shutdown"]
RUN_BOUND = 60  # seconds after which a run hangs


@dataclasses.dataclass(frozen=True)
class Plan:
    """One run, all of it drawn from its seed."""

    seed: int
    harm: str
    place: str
    world: int
    victim: int
    trainer: int
    round: int  # of training, in which the harm is done
    delay: float  # seconds by which it comes later, done by another thread; 0: at once, in the middle of the call
    graceful: bool
    store: str  # of the rendezvous: file, or tcp, served by worker0

    @staticmethod
    def draw(seed):
        # Harm and place go round, so that few runs have many pairs; the rest is by chance.
        draw = random.Random(seed)
        pairs = list(itertools.product(HARMS, PLACES))
        harm, place = pairs[seed * 10 % len(pairs)]
        world = draw.choice([3, 4])
        trainer = draw.randrange(world)
        serves = place in ("create", "fetch", "fork", "drop")  # what only a server does
        victim = draw.choice([rank for rank in range(world) if rank != trainer or not serves])
        delay = draw.uniform(0, 0.3) if place == "any" else draw.choice([0, draw.uniform(0, 0.02)])
        graceful = draw.random() < 0.75
        store = "file" if harm == "cut" else draw.choice(["file", "tcp"])
        number = 0 if place == "any" else draw.randrange(3)
        return Plan(seed, harm, place, world, victim, trainer, number, delay, graceful, store)

    def __str__(self):
        who = "trainer" if self.victim == self.trainer else "server"
        late = f" + {self.delay * 1e3:.1f} ms" if self.delay else ""
        shutdown = "graceful" if self.graceful else "local"
        return (
            f"seed {self.seed}: {self.harm} {who} worker{self.victim} of {self.world} at {self.place}{late}, "
            f"round {self.round}, {shutdown} shutdown, {self.store} store"
        )


# ---- in a worker

plan = None
me = None
moment = None  # shared by all: the time of the harm
round_now = 0
harmed = threading.Event()  # and still running: cut off, or going on after a stop
ending = threading.Event()  # lets what rests in this process go


def name_of(rank):
    return f"worker{rank}"


def harm():
    """Done to this process by itself."""
    struct.pack_into("d", moment, 0, time.monotonic())
    if plan.harm == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif plan.harm == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        for entry in os.listdir("/proc/self/fd"):
            try:
                with socket.socket(fileno=os.dup(int(entry))) as copy:
                    copy.getpeername()
                    copy.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # no socket, or not connected
    harmed.set()


struck = threading.Lock()


def strike(place):
    """Where harm may be done: once, at the victim, in the planned round."""
    if me != plan.victim or place != plan.place or round_now < plan.round or not struck.acquire(blocking=False):
        return
    if plan.delay:
        threading.Timer(plan.delay, harm).start()
    else:
        harm()


def noop():
    return me


def set_round(number):
    global round_now
    round_now = number


def rest():
    """A call that lasts until its worker ends."""
    ending.wait(RUN_BOUND)


class Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        strike("backward")
        return gradient


class Part(nn.Module):
    def __init__(self):
        super().__init__()
        strike("create")
        self.linear = nn.Linear(8, 8)

    def forward(self, x):
        strike("forward")
        return Through.apply(torch.tanh(self.linear(x)))

    def parameter_rrefs(self):
        return [rpc.RRef(parameter) for parameter in self.parameters()]


class Descent(torch.optim.SGD):
    def step(self, closure=None):
        strike("step")
        return super().step(closure)


class Parcel:
    """The value of an RRef, which notices that it is fetched."""

    def __init__(self, rank):
        strike("create")
        self.rank = rank

    def __getstate__(self):
        strike("fetch")
        return self.__dict__


kept = []


def keep(rref):
    strike("fork")
    kept.append(rref)


def drop():
    while kept:
        kept.pop()
    strike("drop")


def train(others):
    """The trainer's program: 4 rounds over all others."""
    for number in range(4):
        for other in others:
            rpc.rpc_sync(other, set_round, args=(number,))
        set_round(number)
        parts = [rpc.remote(other, Part) for other in others]
        weights = [w for part in parts for w in part.rpc_sync().parameter_rrefs()]
        optimizer = DistributedOptimizer(Descent, weights, lr=0.01)
        with dist_autograd.context() as context:
            x = torch.full((4, 8), 0.5, requires_grad=True)
            outputs = [part.rpc_async().forward(x) for part in parts]
            strike("forward")
            loss = Through.apply(sum(output.wait() for output in outputs)).sum()
            dist_autograd.backward(context, [loss])
            optimizer.step(context)
            strike("step")
        parcels = [rpc.remote(other, Parcel, args=(number,)) for other in others]
        for parcel, other in zip(parcels, others[1:] + others[:1]):
            rpc.rpc_sync(other, keep, args=(parcel,))
            assert parcel.to_here().rank == number
        del parcels, parcel
        for other in others:
            rpc.rpc_sync(other, drop)


def wait_for(event, otherwise):
    if not event.wait(RUN_BOUND - 15):
        raise TimeoutError(otherwise)


class Story:
    """What a worker has seen, told to the director when it ends."""

    def __init__(self):
        self.events = []

    def add(self, what, began, error=None, **more):
        now = time.monotonic()
        text = None if error is None else f"{type(error).__name__}: {error}"
        self.events.append(dict(what=what, error=text, began=began, ended=now, **more))

    def attempt(self, what, function, *arguments, **more):
        began = time.monotonic()
        try:
            result = function(*arguments)
        except Exception as error:
            self.add(what, began, error, **more)
            return None
        self.add(what, began, **more)
        return result


def worker(the_plan, rank, backend, init_method, shared, orders, reports, log):
    global plan, me, moment
    plan, me, moment = the_plan, rank, shared
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)  # the director asks a worker that hangs
    story = Story()
    torch.set_num_threads(1)
    names = [name_of(other) for other in range(plan.world)]
    victim = names[plan.victim]
    has_heartbeats = backend.name == "TINE"
    more = {"heartbeat_interval": SILENCE / 6, "heartbeat_timeout": SILENCE} if has_heartbeats else {}
    rpc.init_rpc(
        names[rank],
        backend=backend,
        rank=rank,
        world_size=plan.world,
        rpc_backend_options=rpc.backend_registry.construct_rpc_backend_options(
            backend, init_method=init_method, rpc_timeout=CALL_TIMEOUT, num_worker_threads=16, **more
        ),
    )
    others = [other for other in names if other != names[rank]]

    watched = None
    if rank != plan.victim and plan.place != "shutdown":
        began = time.monotonic()
        seen = threading.Event()

        def end(future):
            try:
                future.value()
                story.add("future", began)
            except Exception as error:
                story.add("future", began, error)
            seen.set()

        watched = rpc.rpc_async(victim, rest, timeout=RUN_BOUND if has_heartbeats or plan.harm != "stop" else 20)
        watched.add_done_callback(end)
    strike("any")
    if rank == plan.trainer:
        story.attempt("train", train, others)
    if plan.place == "shutdown":
        reports.send("trained")
        orders.recv()  # all have come this far
    elif rank == plan.victim:
        story.attempt("harm", wait_for, harmed, "the harm was never done")
        for other in others:
            story.attempt("call", lambda: rpc.rpc_sync(other, noop))
    else:
        story.attempt("see", wait_for, seen, "the future of the victim never ended")
        story.attempt("call", lambda: rpc.rpc_sync(victim, noop))
        reports.send("seen")
        orders.recv()  # all survivors have seen it
        for other in others:
            if other != victim:
                story.attempt("survivor", lambda: rpc.rpc_sync(other, noop))
        reports.send("called")
        orders.recv()  # all survivors have called each other
    ending.set()
    strike("shutdown")
    story.attempt("shutdown", lambda: rpc.shutdown(graceful=plan.graceful))
    reports.send(story.events)
    reports.close()


# ---- the director


class Director:
    def __init__(self, backend):
        self.backend = backend
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="tine-chaos-"))

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def run(self, the_plan):
        """What happened, and the files that the workers wrote."""
        shared = mmap.mmap(-1, 8)
        if the_plan.store == "file":
            init_method = f"file://{self.scratch}/store-{the_plan.seed}"
        else:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                init_method = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        orders, reports, processes, logs = [], [], [], []
        for rank in range(the_plan.world):
            # Pipes, no sockets: a worker that is cut off still has them.
            order_read, order_write = torch.multiprocessing.Pipe(duplex=False)
            report_read, report_write = torch.multiprocessing.Pipe(duplex=False)
            forks.only_parents += [order_write.fileno(), report_read.fileno()]
            log = self.scratch / f"{the_plan.seed}-{rank}.log"
            process = forks.ForkedProcess(
                target=worker,
                args=(the_plan, rank, self.backend, init_method, shared, order_read, report_write, log),
            )
            process.start()
            order_read.close()
            report_write.close()
            orders.append(order_write)
            reports.append(report_read)
            processes.append(process)
            logs.append(log)
        try:
            return self.watch(the_plan, orders, reports, processes, shared), logs
        finally:
            forks.only_parents.clear()
            for process, *pipes in zip(processes, orders, reports):
                process.kill()
                process.join()
                for pipe in pipes:
                    pipe.close()

    def watch(self, the_plan, orders, reports, processes, shared):
        deadline = time.monotonic() + RUN_BOUND
        everybody = set(range(the_plan.world))
        survivors = everybody - {the_plan.victim}
        stories, said, gone = {}, collections.defaultdict(set), set()

        def hear(seconds):
            open_pipes = [pipe for rank, pipe in enumerate(reports) if rank not in gone]
            for pipe in select.select(open_pipes, [], [], seconds)[0]:
                rank = reports.index(pipe)
                try:
                    message = pipe.recv()
                except (EOFError, OSError):
                    gone.add(rank)
                    continue
                if isinstance(message, list):
                    stories[rank] = message
                    continue
                said[message].add(rank)
                awaited = everybody if message == "trained" else survivors
                if said[message] | gone >= awaited:
                    self.tell(orders, said[message])

        while not survivors <= gone and time.monotonic() < deadline:
            hear(deadline - time.monotonic())
        ended_by = max(deadline, time.monotonic() + 20)
        for rank in survivors:
            processes[rank].join(max(0, ended_by - time.monotonic()))
        hung = sorted(rank for rank in survivors if processes[rank].exitcode is None)
        if the_plan.harm == "stop":
            # It goes on where it was, among workers that have left, and has to find an end as well.
            os.kill(processes[the_plan.victim].pid, signal.SIGCONT)
        if the_plan.harm != "kill":
            deadline = time.monotonic() + 4 * CALL_TIMEOUT
            while the_plan.victim not in gone and time.monotonic() < deadline:
                hear(deadline - time.monotonic())
            processes[the_plan.victim].join(20)
            if processes[the_plan.victim].exitcode is None:
                hung.append(the_plan.victim)
        for rank in hung:
            os.kill(processes[rank].pid, signal.SIGUSR1)
            time.sleep(0.2)  # for its stacks to be written: it may be too far gone to answer otherwise
        codes = [process.exitcode for process in processes]
        return Outcome(the_plan, stories, codes, struct.unpack_from("d", shared, 0)[0], hung)

    @staticmethod
    def tell(orders, ranks):
        for rank in ranks:
            try:
                orders[rank].send("go")
            except OSError:
                pass  # it died meanwhile


@dataclasses.dataclass
class Outcome:
    plan: Plan
    stories: dict
    codes: list
    struck_at: float
    hung: list

    def complaints(self, bound):
        """What tine promises and did not keep. bound: seconds for what should happen at once."""
        the_plan = self.plan
        victim = name_of(the_plan.victim)
        survivors = [rank for rank in range(the_plan.world) if rank != the_plan.victim]
        found = []
        if not self.struck_at:
            stories = sorted(self.stories.items())
            seen = [f"{name_of(rank)}: {e['what']}: {e['error']}" for rank, story in stories for e in story if e["error"]]
            return ["the harm was never done", *seen]
        found += [f"{name_of(rank)} hangs" for rank in self.hung]
        for rank, code in enumerate(self.codes):
            if rank in self.hung or (rank == the_plan.victim and the_plan.harm == "kill"):
                continue
            if code != 0:
                found.append(f"{name_of(rank)} ended with {code}")
        if self.hung:
            return found
        # Nobody can tell a stopped worker from a slow one before the heartbeats' deadline; on a busy machine they are late.
        patience = 2 * SILENCE if the_plan.harm == "stop" else 0
        for rank in survivors:
            who = name_of(rank)
            for event in self.stories.get(rank, []):
                what, error = event["what"], event["error"]
                took = event["ended"] - max(event["began"], self.struck_at)
                most = bound + patience
                if what == "shutdown":
                    most += 1
                if took > most:
                    found.append(f"{who}: {what} ended {took:.2f} s after the harm, {most:.2f} s at most")
                # Where others see it earlier, and leave, it is they whom this one sees first.
                hearsay = what == "shutdown" and (the_plan.harm == "stop" or the_plan.place == "shutdown")
                named = "worker" if hearsay else victim
                if error and named not in error:
                    found.append(f"{who}: {what}: the error does not name {named}: {error}")
                if what in ("future", "call") and not error:
                    found.append(f"{who}: {what}: no error though {victim} is gone")
                if what == "survivor" and error:
                    found.append(f"{who}: a call to another survivor failed: {error}")
        return found

    def figures(self):
        """The longest time from the harm, or from its own beginning behind it, of each kind of thing at the survivors."""
        longest = dict.fromkeys(FIGURES)
        for rank, story in self.stories.items():
            for event in story:
                what, took = event["what"], event["ended"] - max(event["began"], self.struck_at)
                if rank != self.plan.victim and what in longest and took >= 0:
                    longest[what] = max(longest[what] or 0, took)
        return longest


def backend_of(name):
    if name == "tine":
        import tine.pytorch._agent_class  # registers the backend and loads the agent, here instead of in each worker

        return rpc.backend_registry.BackendType["TINE"]
    return rpc.backend_registry.BackendType["TENSORPIPE"]


def direct(backend, options, plans, report):
    director = Director(backend)
    try:
        for the_plan in plans:
            outcome, logs = director.run(the_plan)
            complaints, figures = outcome.complaints(options.bound), outcome.figures()
            times = [f"{what} " + ("     -" if t is None else f"{t * 1e3:6.0f}") for what, t in figures.items()]
            lines = ["  ".join(times) + f" ms  {the_plan}", *(f"    {complaint}" for complaint in complaints)]
            if complaints and not options.just_show:
                for rank, log in enumerate(logs):
                    text = log.read_text(errors="replace").strip() if log.exists() else ""
                    if text:
                        lines += [f"    -- {name_of(rank)} wrote:", *(f"      {line}" for line in text[-3000:].splitlines())]
            report.send((figures, complaints, "\n".join(lines)))
    finally:
        director.close()


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["tine", "tensorpipe"], default="tine")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; the others follow")
    parser.add_argument("--only", default="", help="of these runs those whose description contains this")
    parser.add_argument("--bound", type=float, default=1.0, help="seconds for what should happen at once")
    parser.add_argument("--just-show", action="store_true", help="report what was seen and demand nothing")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    options = parser.parse_args(arguments)
    backend = backend_of(options.backend)
    forks.ready()
    plans = [Plan.draw(seed) for seed in range(options.seed, options.seed + options.runs)]
    plans = [the_plan for the_plan in plans if options.only in str(the_plan)]
    directors, reports = [], []
    for job in range(options.jobs):
        read, write = torch.multiprocessing.Pipe(duplex=False)
        directors.append(forks.ForkedProcess(target=direct, args=(backend, options, plans[job :: options.jobs], write)))
        directors[-1].start()
        write.close()
        reports.append(read)
    failed, seen = 0, []
    while reports:
        for report in multiprocessing.connection.wait(reports):
            try:
                figures, complaints, text = report.recv()
            except EOFError:
                reports.remove(report)
                continue
            print(text, flush=True)
            seen.append(figures)
            failed += bool(complaints)
    for what in FIGURES:
        times = sorted(figures[what] for figures in seen if figures[what] is not None)
        if times:
            median, most = times[len(times) // 2] * 1e3, times[-1] * 1e3
            print(f"{what}: median {median:.0f} ms, at most {most:.0f} ms, of {len(times)} runs")
    print(f"{options.backend}: {len(seen)} runs, {failed} with complaints")
    if len(seen) != len(plans) or not plans:
        print(f"{len(plans)} runs were to be made")
        return 1
    return 1 if failed and not options.just_show else 0


if __name__ == "__main__":
    import chaos  # functions that travel must be of a module that has a name

    sys.exit(chaos.main(sys.argv[1:]))
