"""What a large argument takes: a tensor of 128 MiB to a Python function, over tine and over TensorPipe."""

import os
import sys
import time

import _pair
from _world import QUICK, at_most_times, pairs, row, start

MIB = 1 << 20
SIZE = 128 * MIB
MOST_IDLE = 3 if QUICK else 8  # seconds


def take(x):
    return None


class Memory:
    """Of a process: what is resident, and its peak since reset()."""

    def __init__(self, pid):
        self.folder = f"/proc/{pid}"
        self.before = self.resident()
        with open(f"{self.folder}/clear_refs", "w") as file:
            file.write("5")

    def field(self, name):
        with open(f"{self.folder}/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))

    def resident(self):
        return self.field("VmRSS:")

    def more(self):
        return (self.resident() - self.before) / MIB

    def peak(self):
        return (self.field("VmHWM:") - self.before) / MIB


def worker(backend, rank):
    import torch
    from torch.distributed import rpc

    start(backend, rank)
    if rank == 0:
        callee = rpc.rpc_sync("worker1", os.getpid)
        for _ in range(20):
            rpc.rpc_sync("worker1", take, args=(torch.ones(1000),))
        x = torch.ones(SIZE // 4)
        here, there = Memory(os.getpid()), Memory(callee)
        rpc.rpc_sync("worker1", take, args=(x,))
        results = {"caller": here.peak(), "callee": there.peak(), "held": there.more()}
        began = time.monotonic()
        while there.more() > 4 and time.monotonic() - began < MOST_IDLE:
            time.sleep(0.05)
        results |= {"seconds": time.monotonic() - began, "kept": there.more(), "kept here": here.more()}
        _pair.tell(results)
    rpc.shutdown()


def main():
    found = pairs(__file__, seconds=60)
    row("128 MiB argument, peak at the caller, more", found, "caller", "MiB", {"at_most": 4})
    row("128 MiB argument, peak at the callee, more", found, "callee", "MiB", {"at_most": 132})
    row("held by the callee when the call is over", found, "held", "MiB")
    row(f"seconds until it is given back, {MOST_IDLE} at most", found, "seconds", "s")
    row("held by the callee after them", found, "kept", "MiB", {"at_most": 4})
    row("held by the caller after them", found, "kept here", "MiB", {"at_most": 4})


if __name__ == "__main__":
    worker(sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 1 else main()
