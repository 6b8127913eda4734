"""A worker is killed: when do its callers know, and how long does shutdown take? Over tine and over TensorPipe."""

import math
import os
import signal
import socket
import sys
import threading
import time

import _pair
from _world import pairs, row, start

TIMEOUT = 3  # seconds of a call
MOST = 5  # seconds that shutdown gets
CALLS = 8


class Marker:
    """A socket that the victim opens before all others: its end is the moment at which the kernel closes them."""

    def __init__(self, rank):
        name = f"\0tine-bench-{os.environ['MASTER_PORT']}"
        self.socket = socket.socket(socket.AF_UNIX)
        if rank == 0:
            with self.socket as listener:
                listener.bind(name)
                listener.listen()
                self.socket = listener.accept()[0]
            return
        while self.socket.connect_ex(name):
            time.sleep(0.01)  # it does not listen yet

    def watch(self):
        self.ended = None
        self.watcher = threading.Thread(target=self.wait)
        self.watcher.start()

    def wait(self):
        self.socket.recv(1)
        self.ended = time.perf_counter()


def worker(backend, rank):
    import torch
    from torch.distributed import rpc

    marker = Marker(rank)
    start(backend, rank, rpc_timeout=TIMEOUT)
    if rank == 1:
        signal.pause()
    callee = rpc.rpc_sync("worker1", os.getpid)
    pending = [rpc.rpc_async("worker1", time.sleep, args=(60,)) for _ in range(CALLS)]
    rpc.rpc_sync("worker1", torch.add, args=(torch.ones(2), 1))  # behind them: they have arrived
    marker.watch()
    os.kill(callee, signal.SIGKILL)
    failed = 0
    for future in pending:
        try:
            future.wait()
        except RuntimeError:
            failed += 1
    if failed != CALLS:
        sys.exit(f"{CALLS - failed} of {CALLS} calls to a killed worker did not fail")
    seen = time.perf_counter()
    marker.watcher.join()
    results = {"seen": max(seen - marker.ended, 0) * 1000}

    def shutdown():
        try:
            rpc.shutdown()
        except RuntimeError:
            pass  # that it names the stragglers is not this program's matter

    began = time.perf_counter()
    thread = threading.Thread(target=shutdown, daemon=True)
    thread.start()
    thread.join(MOST)
    results["shutdown"] = math.inf if thread.is_alive() else (time.perf_counter() - began) * 1000
    _pair.tell(results)
    os._exit(0)  # one of the two may wait yet


def main():
    found = pairs(__file__, seconds=60)
    row("from its closed socket until calls to a killed worker have failed", found, "seen", "ms", {"at_most": 50})
    row("shutdown after its death", found, "shutdown", "ms", {"at_most": 1000})


if __name__ == "__main__":
    worker(sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 1 else main()
