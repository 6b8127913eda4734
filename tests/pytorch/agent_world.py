"""Runs a function as the workers of a world, each in a process of its own, and collects what they return."""

import multiprocessing
import os
import tempfile
import time
import traceback

_BOUND = float(os.environ.get("TINE_TEST_BOUND", 90))  # seconds; what is slow asks for more


class Died(Exception):
    """A worker ended without a result; the exit code is the argument."""


def options(backend, init_method, **more):
    """The backend's member and its options."""
    import torch.distributed.rpc as rpc

    if backend == "tensorpipe":
        return rpc.BackendType.TENSORPIPE, rpc.TensorPipeRpcBackendOptions(init_method=init_method, **more)
    import tine.pytorch

    return rpc.BackendType.TINE, tine.pytorch.TineRpcBackendOptions(init_method=init_method, **more)


def init(rank, world_size, path, backend="tine", **more):
    """init_rpc of worker w<rank>."""
    import torch.distributed.rpc as rpc

    kind, opts = options(backend, f"file://{path}", **more)
    rpc.init_rpc(f"w{rank}", backend=kind, rank=rank, world_size=world_size, rpc_backend_options=opts)


def _worker(connection, function, rank, world_size, path, args):
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    try:
        result = function(rank, world_size, path, *args)
    except BaseException as error:  # noqa: BLE001 - all of it goes to the test
        connection.send((False, f"{type(error).__name__}: {error}", traceback.format_exc()))
    else:
        connection.send((True, result, None))
    connection.close()


def run(function, world_size, *args, expect_death=()):
    """[function(rank, world_size, path, *args) for each rank]: what each returned. What one raised is raised here; of
    those in `expect_death` nothing is expected. Each has ended by then, and a hang fails."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "store")
        processes, ends = [], []
        for rank in range(world_size):
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=_worker, args=(there, function, rank, world_size, path, args))
            process.start()
            there.close()
            processes.append(process)
            ends.append(here)
        until = time.monotonic() + _BOUND
        results = []
        try:
            for rank, (process, end) in enumerate(zip(processes, ends, strict=True)):
                if not end.poll(max(0.0, until - time.monotonic())):
                    raise AssertionError(f"worker {rank} hangs")
                try:
                    good, value, trace = end.recv()
                except EOFError:
                    process.join(10)
                    if rank not in expect_death:
                        raise Died(f"worker {rank}: exit code {process.exitcode}") from None
                    results.append(None)
                    continue
                if not good:
                    raise AssertionError(f"worker {rank}: {value}\n{trace}")
                results.append(value)
            for rank, process in enumerate(processes):
                process.join(max(0.0, until - time.monotonic()))
                assert process.exitcode is not None, f"worker {rank} does not end"
                if rank not in expect_death:
                    assert process.exitcode == 0, f"worker {rank}: exit code {process.exitcode}"
        finally:
            for process in processes:
                if process.is_alive():
                    process.kill()
                process.join()
        return results
