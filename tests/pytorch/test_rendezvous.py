"""What is read of the rendezvous' store, which everybody who reaches it can write to."""

import multiprocessing
import os

import torch.distributed as dist
import torch.distributed.rpc as rpc

WORDS = "the workers of one world must run the same RPC backend"


class Trap:
    """Its pickle tells who opens it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"echo $PPID >> {self.path}",)


def _join(name, rank, backend, folder, said=None):
    backend = rpc.BackendType[backend]
    options = rpc.backend_registry.construct_rpc_backend_options(
        backend, rpc_timeout=30, init_method=f"file://{folder}/store"
    )
    try:
        rpc.init_rpc(name, backend, rank, 2, options)
    except Exception as error:
        if said is not None:
            said.put(str(error))


def _stranger(folder):
    gather = dist.all_gather_object
    dist.all_gather_object = lambda gathered, _, group: gather(gathered, Trap(f"{folder}/opened"), group)
    _join("stranger", 1, "TENSORPIPE", folder)


def _worker(folder, said):
    import tine.pytorch  # noqa: F401

    _join("worker", 0, "TINE", folder, said)


def test_a_pickle_of_one_who_has_proved_no_secret_is_not_opened(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    said = spawn.Queue()
    worker = spawn.Process(target=_worker, args=(str(tmp_path), said))
    stranger = spawn.Process(target=_stranger, args=(str(tmp_path),))
    for process in worker, stranger:
        process.start()
    try:
        assert WORDS in said.get(timeout=90)
        stranger.join(60)
    finally:
        for process in worker, stranger:
            process.kill()
            process.join()
    # The stranger opens what it has gathered itself: the trap works.
    opened = (tmp_path / "opened").read_text().split()
    assert str(stranger.pid) in opened and str(worker.pid) not in opened
