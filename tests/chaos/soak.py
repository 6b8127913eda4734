#!/usr/bin/python3
"""Many calls between real processes, some of which are killed meanwhile.

    make soak                              1,000,000 calls
    PYTHONPATH=build/python tests/chaos/soak.py --calls 50000

This process is worker0 of one world after the other. It calls three others, with calls of all kinds, many at a time; in most
worlds it kills one of them at a call of its choice. Each call ends with its value, or with a PeerDied if it was to the killed
one. What the worlds leave behind in this process is measured: descriptors, threads, memory.
"""

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import tine
from tine.distributed import rpc

WORLD, IN_FLIGHT, PER_WORLD = 4, 512, 25_000
OTHER = """
import os, soak
soak.serve(int(os.environ["RANK"]), os.environ["ADDRESS"])
"""


def options(address):
    return rpc.TensorPipeRpcBackendOptions(init_method=address, rpc_timeout=60)


def serve(rank, address):
    rpc.init_rpc(f"worker{rank}", rank=rank, world_size=WORLD, rpc_backend_options=options(address))
    try:
        rpc.shutdown(timeout=120)
    except tine.PeerDied:
        pass  # the one that was killed


def echo(*args):
    return args


def keep(rref, k):
    return rref.to_here() + k


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{s.getsockname()[1]}"


class World:
    def __init__(self, seed, calls):
        self.chance = random.Random(seed)
        self.calls = calls
        self.ended = self.failed = 0
        address = free_address()
        env = dict(os.environ, ADDRESS=address)
        env["PYTHONPATH"] = os.pathsep.join([os.path.dirname(os.path.abspath(__file__)), env.get("PYTHONPATH", "")])
        self.others = [
            subprocess.Popen([sys.executable, "-c", OTHER], env=dict(env, RANK=str(rank)), stderr=subprocess.PIPE) for rank in range(1, WORLD)
        ]
        rpc.init_rpc("worker0", rank=0, world_size=WORLD, rpc_backend_options=options(address))
        self.victim = self.chance.choice([None, 1, 2, 3, 3])
        self.killed = False

    def begin(self, number):
        to = self.chance.randrange(1, WORLD)
        kind = self.chance.randrange(6)
        x = tine.full((self.chance.choice([1, 8, 1000]),), float(number % 1000))
        if kind == 0:
            return to, rpc.rpc_async(to, tine.add, args=(x, 1)), lambda v: v[0].item() == number % 1000 + 1
        if kind == 1:
            rref = rpc.remote(to, tine.add, args=(x, 2))
            return to, rpc.rpc_async(to, keep, args=(rref, 3)), lambda v: v[0].item() == number % 1000 + 5
        if kind == 2:
            data = bytes(self.chance.choice([0, 100, 20_000, 300_000]))
            return to, rpc.rpc_async(to, echo, args=(number, data)), lambda v: v == (number, data)
        if kind == 3:
            return to, rpc.remote(to, tine.add, args=(x, 4)), lambda v: v[0].item() == number % 1000 + 4
        return to, rpc.rpc_async(to, echo, args=(number,)), lambda v: v == (number,)

    def end(self, call):
        to, answer, is_right = call
        try:
            value = answer.to_here() if isinstance(answer, rpc.RRef) else answer.wait()
        except tine.PeerDied as error:
            assert self.killed and to == self.victim, error
            assert f"worker{to}" in str(error), error
            self.failed += 1
        else:
            assert is_right(value), value
        self.ended += 1

    def run(self):
        kill_at = self.chance.randrange(self.calls)
        under_way = []
        for number in range(self.calls):
            if number == kill_at and self.victim:
                self.killed = True
                os.kill(self.others[self.victim - 1].pid, signal.SIGKILL)
            try:
                under_way.append(self.begin(number))
            except tine.PeerDied:
                assert self.killed
                self.ended += 1
                self.failed += 1
            if len(under_way) == IN_FLIGHT:
                for call in under_way[: IN_FLIGHT // 2]:
                    self.end(call)
                del under_way[: IN_FLIGHT // 2]
        while under_way:
            self.end(under_way.pop(0))
        assert self.ended == self.calls
        began = time.monotonic()
        try:
            rpc.shutdown(timeout=30)
            assert not self.killed, "shutdown says nothing of the death"
        except tine.PeerDied as error:
            assert self.killed and f"worker{self.victim}" in str(error), error
        assert time.monotonic() - began < 35
        for rank, other in enumerate(self.others, 1):
            _, said = other.communicate(timeout=60)
            expected = -signal.SIGKILL if self.killed and rank == self.victim else 0
            assert other.returncode == expected, said.decode()


def left_behind():
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {"descriptors": len(os.listdir("/proc/self/fd")), "threads": len(os.listdir("/proc/self/task")), "resident": resident}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--per-world", type=int, default=PER_WORLD)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    os.environ.setdefault("TINE_AUTH_KEY", "a secret of the soak")
    began, done, failed, kills, worlds = time.monotonic(), 0, 0, 0, 0
    first = None
    while done < given.calls:
        world = World(given.seed + worlds, min(given.per_world, given.calls - done))
        world.run()
        done += world.ended
        failed += world.failed
        kills += world.killed
        worlds += 1
        now = left_behind()
        print(f"{done} calls, {failed} to a dead worker, {kills} kills, {now}", flush=True)
        # The first worlds fill pools and caches.
        if worlds == 2:
            first = now
    if first and worlds > 2:
        assert now["descriptors"] <= first["descriptors"], (first, now)
        assert now["threads"] <= first["threads"] + 4, (first, now)
        assert now["resident"] <= first["resident"] + (64 << 20), (first, now)
    assert threading.active_count() == 1
    print(f"{done} calls in {worlds} worlds with {kills} kills: {time.monotonic() - began:.0f} s; nothing is left behind")


if __name__ == "__main__":
    import soak  # its functions by the name that the others know

    soak.main()
