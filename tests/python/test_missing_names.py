"""A name that PyTorch has and tine lacks is called "not available yet", wherever it is missing; others are not."""

import pickle
import subprocess
import sys
import traceback

import pytest

import tine as torch
from tine import nn
from tine.distributed import rpc

x = torch.ones(2)


def scripted():
    return torch.jit.script(nn.Linear(2, 2))


MISSING = {
    "torch.topk": lambda: torch.topk,
    "torch.optim": lambda: torch.optim,
    "torch.nn.Conv2d": lambda: nn.Conv2d,
    "torch.nn.functional.gelu": lambda: nn.functional.gelu,
    "torch.nn.init.orthogonal_": lambda: nn.init.orthogonal_,
    "torch.jit.save": lambda: torch.jit.save,
    "torch.jit.freeze": lambda: torch.jit.freeze,
    "torch.distributed.all_reduce": lambda: torch.distributed.all_reduce,
    "torch.distributed.rpc.server_process_global_profiler": lambda: rpc.server_process_global_profiler,
    "torch.Tensor.topk": lambda: x.topk,
    "torch.Tensor.int": lambda: x.int,
    "torch.Tensor.sort": lambda: torch.Tensor.sort,
    "torch.nn.Module.half": lambda: nn.Linear(1, 1).half,
    "torch.jit.ScriptModule.save": lambda: scripted().save,
    "torch.jit.ScriptFunction.save": lambda: scripted().forward.save,
}


@pytest.mark.parametrize("name", MISSING)
def test_a_name_of_pytorch_is_not_there_yet(name):
    with pytest.raises(AttributeError) as caught:
        MISSING[name]()
    assert f"`{name}` is not available yet" in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert "Did you mean" not in shown


@pytest.mark.parametrize("holder, word", [(torch, "has no attribute 'nonsense'"), (nn, "has no attribute 'nonsense'"),
                                          (x, "has no attribute 'nonsense'"), (nn.Linear(1, 1), "has no attribute 'nonsense'"),
                                          (torch.futures, "has no attribute 'nonsense'")])
def test_a_name_that_nobody_has_is_only_missing(holder, word):
    with pytest.raises(AttributeError) as caught:
        holder.nonsense
    assert word in str(caught.value) and "not available yet" not in str(caught.value)


def test_python_still_offers_what_a_slip_of_the_hand_meant():
    layer = nn.Linear(1, 1)
    with pytest.raises(AttributeError) as caught:
        layer.weigth
    assert caught.value.name == "weigth" and caught.value.obj is layer


def test_what_is_not_there_yet_is_not_there():
    assert not hasattr(x, "topk") and not hasattr(torch.Tensor, "topk") and getattr(x, "topk", None) is None
    assert "topk" not in dir(x) and "topk" not in dir(torch.Tensor) and "topk" not in vars(torch.Tensor)
    assert "add" in dir(x) and "add" in dir(torch.Tensor)


def test_a_program_may_add_it():
    class Mine(torch.Tensor):
        def topk(self):
            return 3

    assert Mine.topk is not None and nn.Parameter(x).shape == (2,)
    assert pickle.loads(pickle.dumps(x)).tolist() == [1.0, 1.0]


def test_the_names_are_looked_up_only_when_one_is_missing():
    code = "import sys, tine; assert 'tine._missing' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
