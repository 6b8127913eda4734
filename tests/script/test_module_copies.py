"""copy, deepcopy and pickle of scripted modules."""

import copy
import pickle
import subprocess
import sys

import pytest

import tine as torch
from tine import nn
from tine.jit import script

from test_module_hooks import with_hooks


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(2, 2)
        self.same = self.lin
        self.items = [1]
        self.pair = (1, "a")
        self.register_buffer("steps", torch.zeros(1))
        self.absent = None

    def forward(self, x):
        self.items.append(1)
        self.steps.add_(1)
        return self.lin(x) + len(self.items)

    @torch.jit.export
    def count(self):
        return len(self.items)


def test_a_deep_copy_shares_nothing():
    a = script(Counts())
    a.eval()
    b = copy.deepcopy(a)
    x = torch.ones(2)
    assert b(x).tolist() == a(x).tolist()
    assert type(b) is type(a) and b.original_name == "Counts" and not b.training and not b.lin.training
    assert b.lin is not a.lin and b.same is b.lin
    b.lin.weight.zero_()
    b.items = [5, 5, 5]
    assert a.lin.weight.abs().sum() > 0 and a.count() == 2 and b.count() == 3
    b(x)
    assert (a.steps.item(), b.steps.item()) == (1.0, 2.0)
    assert isinstance(b.lin.weight, nn.Parameter) and list(b.state_dict()) == list(a.state_dict())
    assert b.forward.graph.findNode("prim::CallMethod") is not None
    assert b.absent is None and b.pair == (1, "a")


def test_a_copy_shares_modules_and_tensors():
    a = script(Counts())
    b = copy.copy(a)
    b.items = [5, 5, 5]
    assert a.count() == 1 and b.count() == 3
    assert b.lin is a.lin and b.steps.data_ptr() == a.steps.data_ptr()


def test_what_is_shared_stays_shared():
    a = script(Counts())
    whole, inner, weight = copy.deepcopy([a, a.lin, a.lin.weight])
    assert whole.lin is inner and inner.weight is weight


def test_within_pythons_modules():
    class Holder(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = script(Counts())

        def forward(self, x):
            return self.inner(x)

    a = Holder()
    a.inner.tag = ["Python's"]
    b = copy.deepcopy(a)
    assert b(torch.ones(2)).tolist() == a(torch.ones(2)).tolist()
    assert b.inner is not a.inner and b.inner.tag == ["Python's"] and b.inner.tag is not a.inner.tag


def test_of_traced_modules_and_subclasses():
    traced = torch.jit.trace(nn.Linear(2, 2), torch.ones(2))
    again = copy.deepcopy(traced)
    assert type(again) is type(traced) and again(torch.ones(2)).tolist() == traced(torch.ones(2)).tolist()

    class Own(torch.jit.ScriptModule):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.ones(2))

        @torch.jit.script_method
        def forward(self, x):
            return x + self.w

    a = Own()
    b = copy.deepcopy(a)
    b.w.add_(1)
    assert isinstance(b, Own) and a(torch.zeros(2)).tolist() == [1.0, 1.0] and b(torch.zeros(2)).tolist() == [2.0, 2.0]


def test_hooks_and_defined_methods_are_copied():
    m = torch.jit.ScriptModule()
    m.define("def forward(self, x: int) -> int:\n    return x + 1")
    assert copy.deepcopy(m)(1) == 2


@torch.jit.script
def plus_one(x: int) -> int:
    return x + 1


def test_functions_are_their_own_copies_and_methods_are_of_the_copied_module():
    assert copy.deepcopy(plus_one) is plus_one and copy.copy(plus_one) is plus_one
    m = script(Counts())
    count = copy.deepcopy(m.count)
    m.items = []
    assert (m.count(), count()) == (0, 1)


# pickle

def test_a_pickle_has_the_code_the_attributes_and_the_tensors():
    a = script(Counts())
    a.eval()
    a.items = [7, 7]
    b = pickle.loads(pickle.dumps(a))
    x = torch.ones(2)
    assert b(x).tolist() == a(x).tolist()
    assert b.count() == 3 and b.pair == (1, "a") and not b.training and b.original_name == "Counts"
    assert list(b.state_dict()) == list(a.state_dict()) and isinstance(b.lin.weight, nn.Parameter)
    assert b.same is b.lin
    again = pickle.loads(pickle.dumps(b))
    assert again.count() == 3


def test_a_pickle_is_loaded_where_the_class_is_not(tmp_path):
    path = tmp_path / "module.pickle"
    module = script(with_hooks())
    module.tag = "Python's"
    path.write_bytes(pickle.dumps(module, protocol=4))
    program = f"""
import pickle
import tine as torch
m = pickle.load(open({str(path)!r}, "rb"))
print(m(torch.ones(2)).tolist(), m.calls, m.tag, m.inner.original_name)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[816.0, 816.0] 1 Python's Inner\n", "")


def test_pickles_of_traced_modules_and_of_what_cannot_be():
    traced = torch.jit.trace(nn.Linear(2, 2), torch.ones(2))
    again = pickle.loads(pickle.dumps(traced))
    assert type(again) is type(traced) and again(torch.ones(2)).tolist() == traced(torch.ones(2)).tolist()

    class Calls(nn.Module):
        @torch.jit.ignore
        def python(self, x: int) -> int:
            return x

        def forward(self, x: int) -> int:
            return self.python(x)

    with pytest.raises(RuntimeError, match="@ignore"):
        pickle.dumps(script(Calls()))


def test_a_pickle_with_another_code_is_refused():
    from tine import _C

    whole = pickle.dumps(script(Counts()))
    code = next(part for part in script(Counts()).__reduce__()[1][0] if type(part) is _C._rpc.ScriptCode)
    make, (hash, text) = code.__reduce__()
    assert text in whole
    with pytest.raises(torch.ValueError, match="but its content is"):
        _C._rpc.import_classes(make(hash, text.replace(b"aten::add", b"aten::sub")))
    with pytest.raises(RuntimeError, match="did not come with it"):
        _C._rpc.import_classes(make(hash, b""))
