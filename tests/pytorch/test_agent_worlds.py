"""How workers find each other, come and go, and what a program has to change: nothing, or one line."""

import os
import subprocess
import sys
import textwrap
import time

import pytest
import torch
import torch.distributed.rpc as rpc
from agent_world import init, options, run
from torch.distributed.rpc import backend_registry


def add(x, y):
    return x + y


def names():
    return sorted(w.name for w in rpc.api._get_current_rpc_agent().get_worker_infos())


def _mixed(rank, world_size, path):
    backend = "tine" if rank == 1 else "tensorpipe"
    began = time.monotonic()
    with pytest.raises((RuntimeError, ValueError)) as error:
        init(rank, world_size, path, backend)
    return str(error.value), time.monotonic() - began


@pytest.mark.parametrize("world_size", [2, 3])
def test_a_world_of_two_backends_fails_with_words_on_both_sides(world_size):
    for text, took in run(_mixed, world_size):
        assert "TINE" in text and "TENSORPIPE" in text and "start all of them with the same one" in text
        assert took < 30


def _joins_the_other(rank, world_size, path, backends):
    if rank == 0:
        init(0, None, path, backends[0])
        _did(path, "came", 0)
        _after(path, "refused", 1)
        rpc.shutdown(graceful=False)  # PyTorch's agent, refused, keeps the token of those who come and go
        return None
    _after(path, "came", 0)
    with pytest.raises(RuntimeError) as error:
        init(1, None, path, backends[1])
    _did(path, "refused", 1)
    return str(error.value)


@pytest.mark.parametrize("backends", [("tine", "tensorpipe"), ("tensorpipe", "tine")])
def test_who_comes_to_a_group_of_the_other_backend_is_told(backends):
    # PyTorch's agent knows only that the group is none of its kinds.
    assert ("TINE" if backends[1] == "tine" else "RPC group mixes") in run(_joins_the_other, 2, backends)[1]


def _kinds(rank, world_size, path):
    with pytest.raises(RuntimeError) as error:
        if rank == 0:
            init(rank, None, path)
            raise RuntimeError("first")
        until = time.monotonic() + 30
        while not os.path.exists(path + ".ready") and time.monotonic() < until:
            time.sleep(0.01)
        init(rank, world_size, path)
    if rank == 0:
        open(path + ".ready", "w").close()
        time.sleep(0.1)
        rpc.shutdown(graceful=False)
    return str(error.value)


def test_a_group_is_either_static_or_not():
    assert "RPC group mixes statically and dynamically initialized members which is not supported" in run(_kinds, 2)[1]


def _same_name(rank, world_size, path):
    kind, opts = options("tine", f"file://{path}")
    with pytest.raises(RuntimeError, match="RPC worker name twin is not unique"):
        rpc.init_rpc("twin", backend=kind, rank=rank, world_size=world_size, rpc_backend_options=opts)


def test_two_workers_of_one_name_are_refused():
    run(_same_name, 2)


def _same_name_dynamic(rank, world_size, path):
    kind, opts = options("tine", f"file://{path}")
    if rank == 0:
        rpc.init_rpc("twin", backend=kind, rank=0, rpc_backend_options=opts)
        _did(path, "came", 0)
        _after(path, "refused", 1)
        assert names() == ["twin"]
        rpc.shutdown()
        return
    _after(path, "came", 0)
    for its_id in (1,):
        with pytest.raises(RuntimeError, match="is not unique"):
            rpc.init_rpc("twin", backend=kind, rank=its_id, rpc_backend_options=opts)
    _did(path, "refused", 1)


def test_who_comes_to_a_group_under_a_name_that_is_taken_is_refused_and_the_group_goes_on():
    run(_same_name_dynamic, 2)


def _alone(rank, world_size, path):
    from tine.pytorch import _group

    _group.LEAST_MEETING_TIME = 1.0
    with pytest.raises(RuntimeError, match="waited 1.0 s for rank 1, 2 of 3"):
        init(0, 3, path, rpc_timeout=1.0)
    assert not rpc._is_current_rpc_agent_set()


def test_a_worker_that_waits_in_vain_names_the_ranks_that_did_not_come():
    run(_alone, 1)


def _after(path, what, rank):
    until = time.monotonic() + 60
    while not os.path.exists(f"{path}.{what}{rank}"):
        assert time.monotonic() < until, f"worker {rank} never did {what}"
        time.sleep(0.01)


def _did(path, what, rank):
    open(f"{path}.{what}{rank}", "w").close()


def _dynamic(rank, world_size, path, backend):
    """They come one by one, and go in the same order."""
    if rank > 0:
        _after(path, "came", rank - 1)
    init(rank, None, path, backend)
    came = names()
    assert not rpc.api._get_current_rpc_agent().is_static_group
    for name in came:
        assert rpc.rpc_sync(name, add, args=(torch.ones(1), 1)).item() == 2
        assert f"w{rank}" in rpc.rpc_sync(name, names)
    _did(path, "came", rank)
    if rank > 0:
        _after(path, "left", rank - 1)
    else:
        _after(path, "came", world_size - 1)
    left = names()
    rpc.shutdown()
    _did(path, "left", rank)
    return came, left


def test_workers_come_and_go_as_with_tensorpipe():
    seen = run(_dynamic, 3, "tine")
    assert seen == [
        (["w0"], ["w0", "w1", "w2"]), (["w0", "w1"], ["w1", "w2"]), (["w0", "w1", "w2"], ["w2"]),
    ]  # fmt: skip
    assert seen == run(_dynamic, 3, "tensorpipe")


def _comes_back(rank, world_size, path):
    """Worker 1 again and again, in a process of its own each time: PyTorch gives each init_rpc() of a process another
    place in the store."""
    if rank == 0:
        init(0, None, path)
        _did(path, "left", 0)
        _after(path, "left", world_size - 1)
        assert names() == ["w0"]
    else:
        _after(path, "left", rank - 1)
        init(1, None, path)
        assert names() == ["w0", "w1"]
        assert rpc.rpc_sync("w0", add, args=(torch.ones(1), 1)).item() == 2
    rpc.shutdown()
    if rank > 0:
        _did(path, "left", rank)


def test_a_worker_that_left_comes_back_under_its_name():
    run(_comes_back, 4)


def _crashes(rank, world_size, path):
    if rank == 1:
        _after(path, "came", 0)
        init(1, None, path)
        _after(path, "saw", 0)
        os._exit(9)
    if rank == 2:
        _after(path, "gone", 1)
        init(2, None, path)
        assert names() == ["w0", "w2"]
        _did(path, "came", 2)
        _after(path, "met", 0)
        rpc.shutdown()
        return
    init(0, None, path)
    _did(path, "came", 0)
    until = time.monotonic() + 60
    seen = False
    while not (seen and names() == ["w0"]):
        if not seen and len(names()) == 2:
            seen = True
            _did(path, "saw", 0)
        assert time.monotonic() < until
        time.sleep(0.001)
    _did(path, "gone", 1)
    _after(path, "came", 2)
    assert names() == ["w0", "w2"]
    _did(path, "met", 0)
    while names() != ["w0"]:
        assert time.monotonic() < until
        time.sleep(0.001)
    rpc.shutdown()


def test_who_crashes_in_a_dynamic_group_is_forgotten_and_others_come_and_go():
    run(_crashes, 3, expect_death={1})


def test_env_and_tcp_are_taken_as_well(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import os, sys
            import torch, torch.distributed.rpc as rpc
            rank = int(os.environ["RANK"])
            method = "env://" if sys.argv[1] == "env" else f"tcp://127.0.0.1:{os.environ['MASTER_PORT']}"
            rpc.init_rpc(f"w{rank}", rank=rank, world_size=2,
                         rpc_backend_options=rpc.TensorPipeRpcBackendOptions(init_method=method))
            assert type(rpc.api._get_current_rpc_agent()).__module__ == "tine.pytorch._agent_class"
            assert rpc.rpc_sync(f"w{1 - rank}", torch.add, args=(torch.ones(2), 1)).sum() == 4
            rpc.shutdown()
            print("good", flush=True)
            """
        )
    )
    build = os.environ.get("TINE_BUILD_DIR") or os.path.dirname(os.path.dirname(_package()))
    tine = os.path.join(build, "bin", "tine")
    for method in ("env", "tcp"):
        done = subprocess.run(
            [tine, "launch", "--pytorch", "-n", "2", program, method],
            env={**os.environ, "TINE_PYTHON": sys.executable}, capture_output=True, text=True, timeout=90,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("good") == 2


def _package():
    import tine

    return os.path.join(os.path.dirname(tine.__file__))


PROGRAM = """
import os, sys
import torch
import torch.distributed.rpc as rpc
import torch.multiprocessing as mp


def where():
    return type(rpc.api._get_current_rpc_agent()).__module__


def run(rank, path):
    options = rpc.TensorPipeRpcBackendOptions(init_method="file://" + path, num_worker_threads=4)
    rpc.init_rpc(f"w{rank}", rank=rank, world_size=2, rpc_backend_options=options)
    assert rpc.rpc_sync(f"w{1 - rank}", where) == where()
    if rank == 0:
        print(where(), __name__, flush=True)
    rpc.shutdown()


if __name__ == "__main__":
    print(sys.argv[1:], flush=True)
    mp.spawn(run, args=(sys.argv[1],), nprocs=2)
"""


@pytest.mark.parametrize("as_module", [False, True])
def test_a_program_runs_unchanged_its_spawned_children_too(tmp_path, as_module):
    (tmp_path / "program.py").write_text(PROGRAM)
    how = ["-m", "program"] if as_module else ["program.py"]
    store = str(tmp_path / "store")
    done = subprocess.run(
        [sys.executable, "-m", "tine.pytorch", *how, store], cwd=tmp_path, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"['{store}']\ntine.pytorch._agent_class __mp_main__\n"
    done = subprocess.run(
        [sys.executable, "program.py", store], cwd=tmp_path, capture_output=True, text=True, timeout=90
    )
    assert done.stdout.endswith("torch._C._distributed_rpc __mp_main__\n"), done.stderr


def _install(rank, world_size, path):
    import tine.pytorch

    before = rpc.BackendType.TENSORPIPE.value
    tine.pytorch.install()
    tine.pytorch.install()
    kinds = []
    for life, (backend, opts) in enumerate(
        [
            (None, rpc.TensorPipeRpcBackendOptions(init_method=f"file://{path}1")),
            (rpc.BackendType.TENSORPIPE, rpc.TensorPipeRpcBackendOptions(init_method=f"file://{path}2")),
            (rpc.BackendType.TENSORPIPE,
             backend_registry.construct_rpc_backend_options(rpc.BackendType.TENSORPIPE, init_method=f"file://{path}3")),
            (None, tine.pytorch.TineRpcBackendOptions(init_method=f"file://{path}4")),
        ]
    ):  # fmt: skip
        rpc.init_rpc(f"w{rank}", backend=backend, rank=rank, world_size=world_size, rpc_backend_options=opts)
        kinds.append(type(rpc.api._get_current_rpc_agent()).__name__)
        assert rpc.rpc_sync(f"w{rank}", add, args=(life, 1)) == life + 1
        rpc.shutdown()
    with pytest.raises(ValueError, match="tine has no device maps yet"):
        rpc.init_rpc(
            f"w{rank}", rank=rank, world_size=world_size,
            rpc_backend_options=rpc.TensorPipeRpcBackendOptions(
                init_method=f"file://{path}5", device_maps={"w1": {"cuda:0": "cuda:1"}}),
        )  # fmt: skip
    tine.pytorch.uninstall()
    assert rpc.BackendType.TENSORPIPE.value == before
    init(rank, world_size, path + "6", "tensorpipe")
    kinds.append(type(rpc.api._get_current_rpc_agent()).__name__)
    rpc.shutdown()
    return kinds


def test_install_takes_the_place_of_tensorpipe_and_uninstall_gives_it_back():
    assert run(_install, 1) == [["Agent"] * 4 + ["TensorPipeAgent"]]


def _enum(rank, world_size, path):
    from torch.distributed.rpc import BackendType as early

    import tine.pytorch
    import tine.pytorch.faulty  # noqa: F401

    for kind in (early, rpc.BackendType, backend_registry.BackendType):
        assert {"TINE", "FAULTY_TINE", "TENSORPIPE"} <= set(kind.__members__)
        for name in ("TINE", "TENSORPIPE"):
            assert isinstance(getattr(kind, name), backend_registry.BackendType)
            assert kind[name] is getattr(kind, name) is backend_registry.BackendType[name]
    opts = tine.pytorch.TineRpcBackendOptions(init_method=f"file://{path}", num_worker_threads=2, rpc_timeout=7)
    assert (opts.num_worker_threads, opts.rpc_timeout, opts.init_method) == (2, 7, f"file://{path}")
    with pytest.raises(ValueError, match="num_worker_threads must be positive, got 0"):
        tine.pytorch.TineRpcBackendOptions(num_worker_threads=0)
    rpc.init_rpc("w0", backend=early.TINE, rank=0, world_size=1, rpc_backend_options=opts)
    rpc.shutdown()


def test_who_imported_the_enum_of_backends_early_finds_tine_in_it():
    run(_enum, 1)
