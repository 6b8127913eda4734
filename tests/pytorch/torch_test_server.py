"""Runs PyTorch's own RPC tests, one after another, for run_torch_tests.py: a request a line on stdin
({"class", "test", "log", "finalize"}), an answer a line on the descriptor of the first argument ({"outcome", "text"}).

The tests are those of the installed wheel, unmodified: a class of torch/testing/_internal/distributed with a fixture
that names the backend, as PyTorch's own test/distributed/rpc does it. Each worker of a test is a fork of this process.
"""

import json
import os
import sys
import traceback
import unittest

BACKEND = os.environ["TINE_TEST_BACKEND"]  # tine, tensorpipe or installed: TensorPipe's names after tine.pytorch.install()
# plain or faulty: the faulty agent registers itself when imported, which replaces the BackendType that other tests name.
GROUP = os.environ["TINE_TEST_GROUP"]

import forks
import torch.distributed.rpc as rpc
import torch.multiprocessing
from torch.testing._internal.distributed import rpc_utils
from torch.testing._internal.distributed.rpc.rpc_agent_test_fixture import RpcAgentTestFixture
from torch.testing._internal.distributed.rpc.tensorpipe_rpc_agent_test_fixture import TensorPipeRpcAgentTestFixture

if GROUP == "faulty":
    from torch.testing._internal.distributed.rpc.faulty_rpc_agent_test_fixture import FaultyRpcAgentTestFixture
if BACKEND != "tensorpipe":
    import tine.pytorch
    import tine.pytorch._agent_class  # loads the agent, here instead of in each worker

    if GROUP == "faulty":
        import tine.pytorch.faulty
if BACKEND == "installed":
    tine.pytorch.install()


class TineFixture(RpcAgentTestFixture):
    @property
    def rpc_backend(self):
        return rpc.backend_registry.BackendType["TINE"]

    @property
    def rpc_backend_options(self):
        return rpc.backend_registry.construct_rpc_backend_options(self.rpc_backend, init_method=self.init_method)

    def get_shutdown_error_regex(self):
        return "worker"  # tine's errors name the worker that is gone

    def get_timeout_error_regex(self):
        return "RPC ran for more than"


class Helper(rpc_utils.SpawnHelper):
    def _spawn_processes(self):
        if os.environ.get("TINE_TEST_SPAWN"):
            super()._spawn_processes()
        else:
            self._start_processes(forks.ForkedProcess)

    def _get_timedout_process_traceback(self):
        super()._get_timedout_process_traceback()
        for rank, process in enumerate(self.processes):
            if process.exitcode is None:
                threads = "\n".join(forks.threads_of(process.pid))
                print(f"Threads of process {rank}:\n{threads}", file=sys.stderr, flush=True)


def add_classes(classes, fixture):
    for test_class in classes:
        made = type(test_class.__name__, (test_class, fixture, Helper), {})
        made.__module__ = __name__
        globals()[test_class.__name__] = made
        tests[test_class.__name__] = made


tests = {}
if GROUP == "plain":
    fixture = TineFixture if BACKEND == "tine" else TensorPipeRpcAgentTestFixture
    add_classes(rpc_utils.GENERIC_TESTS + rpc_utils.TENSORPIPE_TESTS, fixture)
elif BACKEND == "tine":

    class FaultyTineFixture(FaultyRpcAgentTestFixture):
        @property
        def rpc_backend(self):
            return rpc.backend_registry.BackendType["FAULTY_TINE"]

    add_classes(rpc_utils.FAULTY_AGENT_TESTS, FaultyTineFixture)
elif BACKEND == "tensorpipe":
    add_classes(rpc_utils.FAULTY_AGENT_TESTS, FaultyRpcAgentTestFixture)


def names():
    return {name: unittest.defaultTestLoader.getTestCaseNames(made) for name, made in tests.items()}


def run(class_name, test_name):
    made = tests[class_name]
    if getattr(made, "__unittest_skip__", False):
        return {"outcome": "skip", "text": made.__unittest_skip_why__}
    case = made(test_name)
    try:
        case.setUp()
        getattr(case, test_name)()
        result = {"outcome": "pass", "text": ""}
    except unittest.SkipTest as skip:
        result = {"outcome": "skip", "text": str(skip)}
    except Exception:
        result = {"outcome": "fail", "text": traceback.format_exc()}
    for process in case.processes:
        process.kill()
        process.join()
    case.tearDown()
    return result


def serve():
    answers = int(sys.argv[1])
    forks.only_parents.append(answers)

    def say(message):
        os.write(answers, json.dumps(message).encode() + b"\n")

    forks.ready()
    say({"names": names(), "torch": torch.__version__})
    for line in sys.stdin:
        request = json.loads(line)
        forks.finalizing = request["finalize"]
        with open(request["log"], "w") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        threads = forks.threads_of(os.getpid())
        if len(threads) > 1:
            say({"outcome": "fail", "text": "\n".join(["the process that forks has threads:", *threads])})
        else:
            say(run(request["class"], request["test"]))
        sys.stdout.flush()
