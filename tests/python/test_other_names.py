"""tine under the name of torch, and the modules of torch around RPC that its programs start with."""

import pathlib
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from programs_of_futures import run_program

import tine as torch


@pytest.mark.parametrize(
    "line",
    [
        "from torch.jit import Future; same = Future is tine.futures.Future",
        "import torch.jit; same = torch.jit is tine.jit and sys.modules['torch.jit'] is tine.jit",
        "import torch.distributed.rpc as rpc; same = rpc is tine.distributed.rpc",
        "from torch.distributed import rpc; same = rpc is tine.distributed.rpc",
        "from torch.distributed.rpc.functions import async_execution; same = async_execution is tine.distributed.rpc.functions.async_execution",
        "import torch.nn.functional as F; same = F is tine.nn.functional",
        "from torch import nn, Tensor; same = nn is tine.nn and Tensor is tine.Tensor",
        "import torch.futures; same = torch.futures is tine.futures",
        "import torch._C; same = torch._C is tine._C",
        "from torch._C._distributed_rpc import PyRRef; same = PyRRef is tine.distributed.rpc.RRef",
        "import torch.multiprocessing as mp; same = mp.spawn is tine.multiprocessing.spawn",
        "from importlib import import_module, reload; same = import_module('torch.jit') is tine.jit and reload(tine.futures) is tine.futures",
    ],
)
@pytest.mark.parametrize("before", ["", "import tine.jit, tine.nn, tine.distributed.rpc"])
def test_a_submodule_found_under_another_name_is_the_same_module(line, before):
    run_program(f"""
        import sys, tine
        {before}
        sys.modules["torch"] = tine
        import torch
        spec = lambda: {{name: m.__spec__.name for name, m in list(sys.modules.items()) if name.startswith("tine") and m.__spec__}}
        {line}
        assert same
        assert all(name == own for name, own in spec().items()), spec()
        assert tine.jit.trace(lambda x: x + 1, tine.ones(1))(tine.ones(1)).tolist() == [2]
    """)


def test_what_is_not_there_under_the_other_name_is_a_missing_module_and_nothing_is_loaded_twice():
    run_program("""
        import sys, tine
        sys.modules["torch"] = tine
        sys.modules["other.name"] = tine.distributed
        for name in ("torch.cuda", "torch.distributed.nothing", "torch.jit.nothing"):
            try: __import__(name)
            except ModuleNotFoundError as error: assert error.name == name, error.name
            else: raise SystemExit(name)
        import other.name.rpc as rpc
    """, expected=1)  # `other` itself is no module
    run_program("""
        import importlib.util, sys, tine
        from tine import _C
        spec = importlib.util.spec_from_file_location("elsewhere._C", _C.__file__)
        try: importlib.util.module_from_spec(spec)
        except ImportError as error: assert "loaded already" in str(error), error
        else: raise SystemExit("loaded twice")
        from tine.distributed import rpc
        assert repr(rpc.WorkerInfo("a", 0))
    """)


def test_the_pool_of_forks_has_pytorchs_other_name():
    before = torch.get_num_threads()
    try:
        torch.set_num_interop_threads(3)
        assert torch.get_num_interop_threads() == torch.get_num_threads() == 3
        with pytest.raises(ValueError):
            torch.set_num_interop_threads(0)
    finally:
        torch.set_num_threads(before)


# --- multiprocessing


def run_main(tmp_path, body, main, expected=0):
    """A program in a file: spawn imports it again."""
    path = tmp_path / "program.py"
    path.write_text("import os, signal, sys, threading, time\nimport tine as torch\nimport tine.multiprocessing as mp\n" + textwrap.dedent(body)
                    + "\nif __name__ == '__main__':\n" + textwrap.indent(textwrap.dedent(main), "    "))
    ended = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=100)
    assert ended.returncode == expected, (ended.returncode, ended.stdout, ended.stderr)
    return ended


BODY = """
    def note(i, folder, text="x"):
        with open(os.path.join(folder, str(i)), "w") as file: file.write(text)
    def fails(i, folder):
        if i == 1: raise KeyError("in process one")
        time.sleep(600)
    def exits(i, folder):
        if i == 1: sys.exit(7)
        time.sleep(600)
    def dies(i, folder):
        if i == 1: os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(600)
    def waits(i, folder):
        time.sleep(600)
    def quick(i, folder):
        pass
"""


def test_spawn_runs_the_function_in_each_process_with_its_index(tmp_path):
    run_main(tmp_path, BODY, f"""
        assert mp.spawn(note, args=({str(tmp_path)!r}, "text"), nprocs=3) is None
        context = torch.multiprocessing.spawn(quick, ("x",), 2, False, True)
        assert len(context.pids()) == 2 and all(p.daemon for p in context.processes)
        while not context.join(timeout=20): pass
        assert context.join() and [p.exitcode for p in context.processes] == [0, 0]
        context = mp.spawn(waits, ("x",), 1, join=False)
        assert context.join(timeout=0.01) is False
        context.processes[0].terminate()
        try: context.join()
        except mp.ProcessExitedException as error: assert error.signal_name == "SIGTERM", error
        else: raise SystemExit("no error")
    """)
    assert [(tmp_path / str(i)).read_text() for i in range(3)] == ["text"] * 3


def test_every_process_gets_what_an_iterator_gives_once(tmp_path):
    run_main(tmp_path, BODY, f"""
        mp.start_processes(note, iter(({str(tmp_path)!r}, "text")), 2, start_method="fork")
    """)
    assert [(tmp_path / str(i)).read_text() for i in range(2)] == ["text"] * 2


@pytest.mark.parametrize(
    "function, kind, words",
    [
        ("fails", "ProcessRaisedException", ["-- Process 1 terminated with the following error:", "KeyError: 'in process one'", "in fails"]),
        ("exits", "ProcessExitedException", ["process 1 terminated with exit code 7"]),
        ("dies", "ProcessExitedException", ["process 1 terminated with signal SIGKILL"]),
    ],
)
def test_a_process_that_fails_ends_the_others_and_is_named(tmp_path, function, kind, words):
    run_main(tmp_path, BODY, f"""
        import pickle
        for start in (mp.spawn, lambda *a, **k: mp.start_processes(*a, start_method="fork", **k)):
            try: start({function}, ("x",), nprocs=3)
            except mp.{kind} as error:
                for word in {words!r}: assert word in str(error), (word, str(error))
                assert error.error_index == 1 and error.error_pid > 0 and isinstance(error, mp.ProcessException)
                again = pickle.loads(pickle.dumps(error))
                assert type(again) is type(error) and str(again) == str(error) and again.error_pid == error.error_pid
            else: raise SystemExit("no error")
            assert not mp.active_children()
    """)


def test_spawned_processes_end_with_their_parent(tmp_path):
    ended = run_main(tmp_path, BODY, """
        context = mp.spawn(waits, ("x",), 2, join=False)
        print(*context.pids(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """, expected=-signal.SIGKILL)
    end = time.monotonic() + 30
    for pid in map(int, ended.stdout.split()):
        stat = pathlib.Path(f"/proc/{pid}/stat")
        while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
            assert time.monotonic() < end, pid
            time.sleep(0.01)


def test_spawn_says_that_it_knows_one_start_method(tmp_path):
    ended = run_main(tmp_path, BODY, 'mp.spawn(quick, ("x",), start_method="fork")')
    assert "FutureWarning" in ended.stderr and "start_processes" in ended.stderr
