"""Remote calls from Python, between two processes on this machine: tine beside torch, the same program.

Beside them stand gRPC, where grpcio is installed, whose calls return the bytes that they are given, and a bare TCP connection, on
which one process sends 64 bytes and the other sends them back.

Rows without a word about cores pin nothing. "cores apart" pins each process to a core of its own, "one core" both to the same one.
The rows of TLS go by TCP; their baseline is TCP without it.
"""
import collections
import importlib.util
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import _pair

QUICK = bool(os.environ.get("TINE_BENCH_QUICK"))
PLACES = {"": None, ", cores apart": _pair.apart(), ", one core": _pair.together()}


def identity(x):
    return x


def percentiles(results, name, call, count):
    for _ in range(count // 20):
        call()
    times = []
    for _ in range(count):
        began = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - began)
    times.sort()
    results[name] = times[len(times) // 2]
    results[name + " p99"] = times[len(times) * 99 // 100]


def with_and_without_a_deadline(results, deadline, call, count):
    """In short turns, so that both see the same machine."""
    figures = {"deadline": [], "without": []}
    for _ in range(20):
        with deadline(1000):
            percentiles(results, "deadline", call, count // 10)
        percentiles(results, "without", call, count // 10)
        for name, found in figures.items():
            found.append(results[name])
    for name, found in figures.items():
        results[name] = statistics.median(found)


def rate(call, count, in_flight=256):
    began = time.perf_counter()
    pending = collections.deque()
    for _ in range(count):
        if len(pending) == in_flight:
            pending.popleft().wait()
        pending.append(call())
    for future in pending:
        future.wait()
    return count / (time.perf_counter() - began)


def gigabytes(call, size):
    call()
    times = []
    for _ in range(5 if QUICK else 20):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return size / statistics.median(times) * 2 / 1e9


def over_grpc(rank):
    import concurrent.futures

    import grpc

    address = f"127.0.0.1:{os.environ['MASTER_PORT']}"
    sizes = [(f"grpc.max_{way}_message_length", 64 << 20) for way in ("send", "receive")]
    if rank == 1:
        pool = concurrent.futures.ThreadPoolExecutor(8)
        server = grpc.server(pool, options=sizes)
        over = threading.Event()
        methods = {"echo": lambda request, _: request, "end": lambda request, _: over.set() or b""}
        handlers = {name: grpc.unary_unary_rpc_method_handler(f) for name, f in methods.items()}
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("bench", handlers)])
        server.add_insecure_port(address)
        server.start()
        over.wait()
        server.stop(10).wait()
        return
    with grpc.insecure_channel(address, options=sizes) as channel:
        grpc.channel_ready_future(channel).result(60)
        echo, results, calls = channel.unary_unary("/bench/echo"), {}, 500 if QUICK else 5000
        percentiles(results, "add", lambda: echo(bytes(64)), calls)
        rate(lambda: Waited(echo.future(bytes(64))), 500)
        results["add rate"] = rate(lambda: Waited(echo.future(bytes(64))), calls)
        results["echo"] = gigabytes(lambda: echo(bytes(16 << 20)), 16 << 20)
        channel.unary_unary("/bench/end")(b"")
    _pair.tell(results)


class Waited:
    """gRPC's future with a wait()."""

    def __init__(self, future):
        self.wait = future.result


def over_socket(rank):
    address = "127.0.0.1", int(os.environ["MASTER_PORT"])
    if rank == 1:
        with socket.create_server(address) as server, server.accept()[0] as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := peer.recv(64):
                peer.sendall(data)
        return
    peer = None
    while peer is None:
        try:
            peer = socket.create_connection(address)
        except ConnectionRefusedError:
            time.sleep(0.01)  # the other process has not come that far
    results = {}
    with peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        percentiles(results, "add", lambda: (peer.sendall(bytes(64)), peer.recv(64)), 500 if QUICK else 5000)
    _pair.tell(results)


def worker(library, rank):
    if library in ("grpc", "socket"):
        return over_grpc(rank) if library == "grpc" else over_socket(rank)
    if library == "torch":
        import torch
        from torch.distributed import rpc

        torch.set_num_threads(1)
    else:
        import tine as torch
        from tine.distributed import rpc
    options = None
    if library in ("tcp", "tls"):
        options = rpc.RpcBackendOptions(transports=["tcp"])
    rpc.init_rpc(f"worker{rank}", rank=rank, world_size=2, rpc_backend_options=options)
    if rank == 0:
        results = {}
        x, y = torch.ones(2), torch.ones(2)
        pickled, big = {1}, torch.ones(4 << 20)  # a set is not one of the types that travel without a pickle

        def sync(function, *args):
            return lambda: rpc.rpc_sync("worker1", function, args=args)

        def asynchronous(function, *args):
            return lambda: rpc.rpc_async("worker1", function, args=args)

        calls = 500 if QUICK else 5000
        percentiles(results, "add", sync(torch.add, x, y), calls)
        results["echo"] = gigabytes(sync(identity, big), 16 << 20)
        if library in ("tine", "torch"):
            percentiles(results, "pickled", sync(identity, pickled), calls)
            percentiles(results, "plain", sync(identity, 1), calls)
            rate(asynchronous(torch.add, x, y), 500)
            results["add rate"] = rate(asynchronous(torch.add, x, y), 4 * calls)
            results["pickled rate"] = rate(asynchronous(identity, pickled), 2 * calls)
            results["plain rate"] = rate(asynchronous(identity, 1), 2 * calls)
            if library == "tine":
                results["shared"] = gigabytes(sync(identity, rpc.shared_empty(4 << 20).fill_(1)), 16 << 20)
            results["bytes"] = gigabytes(sync(identity, bytes(16 << 20)), 16 << 20)
            if importlib.util.find_spec("numpy"):
                import numpy

                results["numpy"] = gigabytes(sync(identity, numpy.ones(4 << 20, numpy.float32)), 16 << 20)
        if library == "tine":
            with_and_without_a_deadline(results, torch.deadline, sync(torch.add, x, y), calls)
        _pair.tell(results)
    rpc.shutdown()


def main():
    runs = 1 if QUICK else 3
    libraries = ["tine", "socket"] + [name for name in ("torch", "grpc") if importlib.util.find_spec(name)]
    names = {"torch": "PyTorch", "grpc": "gRPC", "socket": "bare socket", "tcp": "plain TCP", "free": "without"}

    def row(values, key, text, unit, bar=None, higher=False, peers=("torch",)):
        def figures(library):
            return [r[key] for r in values.get(library, []) if key in r]

        if not figures("tine"):
            return
        print(
            json.dumps(
                {
                    "row": text,
                    "unit": unit,
                    "tine": statistics.median(figures("tine")),
                    "spread": max(figures("tine")) - min(figures("tine")),
                    "peers": {names[p]: statistics.median(figures(p)) if figures(p) else None for p in peers},
                    "bar": bar,
                    "higher": higher,
                }
            ),
            flush=True,
        )

    us, kilo = 1000, 1000
    for place, cores in PLACES.items():
        # The runs of all take turns, so that they see the same machine.
        found = collections.defaultdict(list)
        for _ in range(runs):
            for library in libraries:
                found[library].append(_pair.measure(__file__, library, cores=cores))
        for run in found["tine"]:
            found["free"].append({"deadline": run["without"]})
        apart, together = place == ", cores apart", place == ", one core"

        def bar(of_apart, of_one_core=None, least=False):
            limit = of_apart if apart else of_one_core if together else None
            return limit and {"at_least" if least else "at_most": limit}

        small = ("torch", "grpc", "socket")
        times_8 = {"peer": "PyTorch", "times": 8}
        row(found, "add", f"rpc_sync add of two 2-element tensors, p50{place}", "ns", bar(2.5 * us, 7 * us) or times_8, peers=small)
        row(found, "add p99", f"the same, p99{place}", "ns", bar(3 * us), peers=small)
        within = {"peer": "without", "at_most_times": 1.03} if apart else None
        row(found, "deadline", f"the same in tine.deadline(), p50{place}", "ns", within, peers=("free",))
        row(found, "add rate", f"add, 256 in flight{place}", "calls/s", bar(500 * kilo, least=True), True, ("torch", "grpc"))
        row(found, "pickled", f"Python function, p50{place}", "ns", bar(6 * us))
        row(found, "pickled p99", f"Python function, p99{place}", "ns", bar(30 * us))
        row(found, "pickled rate", f"Python function, 256 in flight{place}", "calls/s", bar(180 * kilo, least=True), True)
        row(found, "plain", f"Python function, plain arguments, p50{place}", "ns", bar(3.5 * us))
        row(found, "plain p99", f"Python function, plain arguments, p99{place}", "ns", bar(30 * us))
        row(found, "plain rate", f"Python function, plain arguments, 256 in flight{place}", "calls/s", bar(250 * kilo, least=True), True)
        large = ("torch", "grpc")
        row(found, "echo", f"16 MB there and back, bytes moved{place}", "GB/s", bar(9, 6, least=True), True, large)
        row(found, "shared", f"16 MB of rpc.shared_empty there and back, bytes not moved{place}", "GB/s", higher=True, peers=())
        row(found, "numpy", f"16 MB of NumPy there and back, bytes moved{place}", "GB/s", bar(7.2, 4.8, least=True), True)
        row(found, "bytes", f"16 MB of bytes there and back, bytes moved{place}", "GB/s", bar(7.2, 4.8, least=True), True)

    found = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        keys = os.path.join(folder, "keys")
        subprocess.run([sys.executable, "-m", "tine", "keys", keys], check=True, capture_output=True)
        files = {"CERT": "any.pem", "KEY": "any.key", "CA": "ca.pem"}
        for _ in range(runs):
            found["tcp"].append(_pair.measure(__file__, "tcp", cores=_pair.apart()))
            os.environ.update({f"TINE_TLS_{what}": os.path.join(keys, name) for what, name in files.items()})
            found["tine"].append(_pair.measure(__file__, "tls", cores=_pair.apart()))
            for what in files:
                del os.environ[f"TINE_TLS_{what}"]
    most = statistics.median(run["add"] for run in found["tcp"]) + 6 * us
    row(found, "add", "add over TLS, p50, cores apart", "ns", {"at_most": most}, peers=("tcp",))
    row(found, "echo", "16 MB there and back over TLS, bytes moved, cores apart", "GB/s", {"at_least": 1}, True, ("tcp",))


if __name__ == "__main__":
    worker(sys.argv[1], int(sys.argv[2])) if len(sys.argv) == 3 else main()
