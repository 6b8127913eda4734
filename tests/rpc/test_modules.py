"""Scripted and traced modules and functions as arguments, results, values of RRefs and callees (docs/spec/wire.md, section 3)."""
from cluster import run

MODULES = """
from typing import Dict, List, Optional, Tuple
nn = torch.nn

class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(600).reshape(300, 2) * 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight

class Net(nn.Module):
    scale: torch.jit.Final[int]

    def __init__(self, scale=7):
        super().__init__()
        self.a = Inner()
        self.b = Inner()
        self.b.weight = self.a.weight
        self.twice = self.a
        self.layers = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        self.none: Optional[Tensor] = None
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("scratch", torch.ones(2), persistent=False)
        self.names = ["x", "y"]
        self.table = {"k": (1, 2.5)}
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        f = torch.jit.fork(self.total, x)
        return self.layers(self.b(self.a(x))) * self.scale + torch.jit.wait(f)

    def total(self, x: Tensor) -> Tensor:
        return x.sum()

    @torch.jit.export
    def label(self, i: int) -> str:
        return self.names[i]

x = torch.ones(300, 2)

def same(value):
    return value

def use(module, x):
    return module(x)

def net(scale=7):
    return torch.jit.script(Net(scale))

def sent(work):
    before = {p["name"]: p["bytes_sent"] for p in rpc.debug_info()["workers"]}["worker1"]
    result = work()
    return result, {p["name"]: p["bytes_sent"] for p in rpc.debug_info()["workers"]}["worker1"] - before
"""


def _on_two(program):
    """`program` runs on worker 0."""
    import textwrap

    return run(2, MODULES + "\nrpc.init_rpc(NAME)\nif RANK == 0:\n" + textwrap.indent(textwrap.dedent(program), "    ") + "\nrpc.shutdown()\n")


def test_a_scripted_module_arrives_as_one_of_its_own_with_the_same_state():
    _on_two(
        """
        module = net()
        module.eval()
        expected = module(x)
        copy = rpc.rpc_sync("worker1", same, args=(module,))
        assert type(copy) is type(module) and copy is not module and repr(copy) == repr(module)
        assert list(copy.state_dict()) == list(module.state_dict())
        for name, tensor in module.state_dict().items():
            assert torch.equal(copy.state_dict()[name], tensor), name
        assert [n for n, _ in copy.named_parameters()] == [n for n, _ in module.named_parameters()]
        assert [n for n, _ in copy.named_buffers()] == [n for n, _ in module.named_buffers()]
        assert all(isinstance(p, nn.Parameter) for p in copy.parameters())
        assert copy.training is False and copy.layers[0].training is False and len(copy.layers) == 2
        assert copy.names == ["x", "y"] and copy.table == {"k": (1, 2.5)} and copy.scale == 7 and copy.none is None
        assert copy.original_name == "Net" and copy.layers.original_name == "Sequential"
        assert torch.allclose(copy(x), expected) and copy.label(1) == "y"
        assert module.calls.item() == 1 and copy.calls.item() == 2  # each has its own
        copy.train()
        copy.load_state_dict(module.state_dict())
        copy.names = ["other"]
        assert copy.layers.training and copy.calls.item() == 1 and copy.label(0) == "other" and module.label(0) == "x"
        try:
            copy.scale = 8
        except RuntimeError as error:
            assert "constant 'scale'" in str(error)
        else:
            raise AssertionError("a Final attribute was set")
        """
    )


def test_what_a_module_shares_within_itself_stays_shared():
    _on_two(
        """
        copy = rpc.rpc_sync("worker1", same, args=(net(),))
        assert copy.a.weight is copy.b.weight and copy.twice is copy.a and copy.b is not copy.a
        copy.a.weight.zero_()
        assert copy.b.weight.sum().item() == 0
        """
    )


def test_modules_travel_within_containers_and_as_one_object_where_they_come_twice():
    _on_two(
        """
        module = net()
        back = rpc.rpc_sync("worker1", same, args=([module, {"again": module, "pair": (module, 1)}],))
        assert back[1]["again"] is back[0] and back[1]["pair"] == (back[0], 1) and back[0] is not module
        assert torch.allclose(rpc.rpc_async("worker1", use, args=(module, x)).wait(), module(x))
        assert torch.allclose(rpc.remote("worker1", use, kwargs={"module": module, "x": x}).to_here(), module(x))
        """
    )


def test_a_module_that_loops_over_its_modules_and_one_that_holds_references_travel():
    _on_two(
        """
        class Loops(nn.Module):
            def __init__(self):
                super().__init__()
                self.named = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.ReLU()})
                self.listed = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])

            def forward(self, x: Tensor) -> Tensor:
                for name, module in self.named.items():
                    x = module(x)
                for module in self.listed:
                    x = module(x)
                return x

        class Refers(nn.Module):
            refs: List[rpc.RRef[Tensor]]

            def __init__(self, *refs):
                super().__init__()
                self.refs = list(refs)

            def forward(self) -> Tensor:
                total = torch.zeros(2)
                for ref in self.refs:
                    total = total + ref.to_here()
                return total

        loops = torch.jit.script(Loops())
        copy = rpc.rpc_sync("worker1", same, args=(loops,))
        assert torch.equal(copy(x), loops(x)) and len(copy.listed) == 2 and torch.equal(copy.named["a"].weight, loops.named["a"].weight)
        assert torch.equal(rpc.rpc_sync("worker1", use, args=(loops, x)), loops(x))
        refers = torch.jit.script(Refers(rpc.RRef(torch.ones(2)), rpc.remote("worker1", torch.add, args=(torch.ones(2), 1))))
        assert rpc.rpc_sync("worker1", refers).tolist() == [3, 3]
        """
    )


def test_what_a_method_calls_on_other_workers_travels_with_its_module():
    _on_two(
        """
        @torch.jit.script
        def far(x: Tensor) -> Tensor:
            return x * 5

        class Calls(nn.Module):
            def __init__(self):
                super().__init__()
                self.to = "worker0"

            def forward(self, x: Tensor) -> Tensor:
                return rpc.rpc_sync(self.to, far, args=(x,)) + 1

        module = torch.jit.script(Calls())
        assert rpc.rpc_sync("worker1", use, args=(module, torch.ones(2))).tolist() == [6, 6]
        back = rpc.rpc_sync("worker1", same, args=(module,))
        back.to = "worker1"
        assert back(torch.ones(2)).tolist() == [6, 6]
        """
    )


def test_modules_are_items_of_streams_and_results_of_async_functions():
    run(
        2,
        MODULES
        + """
def some(n):
    for i in range(n):
        yield net(i)

async def later():
    return {"net": net(9)}

rpc.init_rpc(NAME)
if RANK == 0:
    assert [module.scale for module in rpc.stream("worker1", some, args=(3,))] == [0, 1, 2]
    assert rpc.rpc_sync("worker1", later)["net"].scale == 9
rpc.shutdown()
"""
    )


def test_a_module_that_another_worker_made_runs_here_and_goes_on_to_a_third():
    run(
        3,
        MODULES
        + """
rpc.init_rpc(NAME)
if RANK == 0:
    module = rpc.rpc_sync("worker1", net, args=(3,))
    assert module.scale == 3 and module.label(0) == "x"
    assert torch.allclose(rpc.rpc_sync("worker2", use, args=(module, x)), module(x))
    again = rpc.rpc_sync("worker2", same, args=(module,))
    assert again.a.weight is again.b.weight and again.original_name == "Net" and again.scale == 3

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = module

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x) + self.inner.scale

    outer = torch.jit.script(Outer())
    assert torch.allclose(rpc.rpc_sync("worker2", use, args=(outer, x)), outer(x))
rpc.shutdown()
"""
    )


def test_a_traced_module_and_a_traced_function_travel():
    _on_two(
        """
        traced = torch.jit.trace(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), torch.ones(1, 2))
        copy = rpc.rpc_sync("worker1", same, args=(traced,))
        assert torch.equal(copy(x), traced(x))
        assert [type(module) for module in copy.modules()] == [type(module) for module in traced.modules()]
        assert torch.equal(rpc.rpc_sync("worker1", use, args=(traced, x)), traced(x))
        function = torch.jit.trace(lambda x: x * 2 + 1, torch.ones(2))
        assert rpc.rpc_sync("worker1", use, args=(function, torch.ones(2))).tolist() == [3, 3]
        assert rpc.rpc_sync("worker1", same, args=([function],))[0](torch.ones(1)).tolist() == [3]
        """
    )


def test_a_script_function_that_the_other_side_lacks_travels_by_its_code_and_one_that_it_has_is_its_own():
    _on_two(
        """
        @torch.jit.script
        def less(x: Tensor, by: int = 2) -> Tensor:
            return x - by

        assert rpc.rpc_sync("worker1", use, args=(less, torch.ones(2))).tolist() == [-1, -1]
        mine = rpc.rpc_sync("worker1", same, args=({"f": less},))["f"]
        assert mine is not less or mine == less
        assert mine(torch.ones(1), 1).tolist() == [0]
        """
    )
    run(
        2,
        """
        @torch.jit.script
        def more(x: Tensor) -> Tensor:
            return x + 1

        def is_mine(f):
            return f == more

        rpc.init_rpc(NAME)
        if RANK == 0:
            assert rpc.rpc_sync("worker1", is_mine, args=(more,))
        rpc.shutdown()
        """,
    )


def test_a_script_function_that_was_called_can_be_sent_and_one_that_was_sent_can_be_called():
    _on_two(
        """
        @torch.jit.script
        def called_first(x: Tensor) -> Tensor:
            return x - 1

        @torch.jit.script
        def sent_first(x: Tensor) -> Tensor:
            return x - 2

        one = torch.ones(1)
        for _ in range(2):
            assert rpc.rpc_sync("worker1", called_first, args=(one,)).tolist() == [0]
        for _ in range(2):
            assert rpc.rpc_sync("worker1", use, args=(called_first, one)).tolist() == [0]
            assert rpc.rpc_sync("worker1", use, args=(sent_first, one)).tolist() == [-1]
        for _ in range(2):
            assert rpc.rpc_sync("worker1", sent_first, args=(one,)).tolist() == [-1]
        """
    )


def test_the_code_of_a_module_is_sent_once_to_each_worker_and_its_parameters_each_time():
    _on_two(
        """
        module = net()
        assert rpc.rpc_sync("worker1", same, args=(1,)) == 1
        _, first = sent(lambda: rpc.rpc_sync("worker1", use, args=(module, x)))
        later = [sent(lambda: rpc.rpc_sync("worker1", use, args=(module, x)))[1] for _ in range(3)]
        _, other = sent(lambda: rpc.rpc_sync("worker1", use, args=(net(), x)))  # the same class
        parameters = sum(p.numel() * 4 for p in module.parameters())
        assert all(parameters < size < first - 2000 for size in later + [other]), (first, later, other, parameters)
        """
    )


def test_the_code_of_a_result_is_sent_once_too():
    _on_two(
        """
        def received():
            return {p["name"]: p["bytes_received"] for p in rpc.debug_info()["workers"]}["worker1"]

        sizes = []
        for _ in range(4):
            before = received()
            assert rpc.rpc_sync("worker1", net).label(0) == "x"
            sizes.append(received() - before)
        assert all(size < sizes[0] - 2000 for size in sizes[1:]), sizes
        """
    )


def test_what_came_last_stays_compiled_and_the_rest_goes_with_its_last_user():
    run(
        2,
        MODULES
        + """
import gc

def name_of(scripted):
    return scripted.forward.qualified_name if isinstance(scripted, nn.Module) else scripted.qualified_name

def known(names):
    gc.collect()
    return [torch._C._find_script(name) is not None for name in names]

class Adds(nn.Module):
    by: torch.jit.Final[int]

    def __init__(self, by):
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        return x + self.by

rpc.init_rpc(NAME)
if RANK == 0:
    sent = [torch.jit.CompilationUnit(f"def f(x: Tensor) -> Tensor:\\n    return x + {i}").f for i in range(40)]
    sent += [torch.jit.script(Adds(i)) for i in range(40)]
    names = [rpc.rpc_sync("worker1", name_of, args=(each,)) for each in sent]
    assert len(set(names)) == 80
    end = time.monotonic() + 30
    while (found := rpc.rpc_sync("worker1", known, args=(names,))).count(True) > 64 and time.monotonic() < end:
        time.sleep(0.01)
    assert found[-64:] == [True] * 64 and found[:16] == [False] * 16, found
    for each in (sent[3], sent[45], sent[79]):  # their texts are there, also of those that went
        assert rpc.rpc_sync("worker1", use, args=(each, torch.ones(1))).tolist() == each(torch.ones(1)).tolist()
rpc.shutdown()
"""
    )


def test_parameters_are_sent_from_where_they_lie():
    _on_two(
        """
        class Large(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = nn.Parameter(torch.ones(1 << 20))

            def forward(self, x: Tensor) -> Tensor:
                return self.weight[:2] + x

        from tine.distributed.rpc import _pickling
        module = torch.jit.script(Large())
        data, leaves = _pickling.to_pickle(module, "the module")
        assert len(data) < 200 and leaves[0][3][0] is module.weight
        assert rpc.rpc_sync("worker1", use, args=(module, torch.ones(2))).tolist() == [2, 2]
        """
    )


def test_a_scripted_module_is_the_value_of_an_rref_and_its_methods_are_callees():
    _on_two(
        """
        module = net()
        far = rpc.remote("worker1", net)
        assert far._get_type() is type(module)
        assert far.rpc_sync().label(1) == "y" and far.rpc_async().label(0).wait() == "x"
        out = far.rpc_sync().forward(x)
        assert far.remote().forward(x).to_here().shape == out.shape
        assert far.to_here().calls.item() == 2
        try:
            far.rpc_sync().nothing(x)
        except AttributeError as error:
            assert "nothing" in str(error)
        else:
            raise AssertionError("no error")
        placed = rpc.remote("worker1", same, args=(module,))  # a copy, which lives there
        assert torch.allclose(placed.rpc_sync().forward(x), module(x))
        own = rpc.RRef(module)
        assert own.local_value() is module and own.rpc_sync().label(0) == "x"
        assert rpc.rpc_sync("worker1", same, args=(own,)).to_here() is module
        """
    )


def test_a_method_of_a_scripted_module_is_a_callee_which_takes_its_module_along():
    _on_two(
        """
        module = net()
        expected = module(x)
        assert torch.allclose(rpc.rpc_sync("worker1", module.forward, args=(x,)), expected)
        assert torch.allclose(rpc.rpc_sync("worker1", module, args=(x,)), expected)
        assert rpc.rpc_async("worker1", module.label, kwargs={"i": 1}).wait() == "y"
        assert rpc.remote("worker1", module.label, args=(0,)).to_here() == "x"
        assert module.calls.item() == 1
        try:
            rpc.rpc_sync("worker1", module.label, args=(5,))
        except IndexError as error:
            assert any("Net.label" in note for note in error.__notes__), error.__notes__
        else:
            raise AssertionError("no error")
        try:
            rpc.rpc_sync("worker1", module, args=(torch.ones(7),))
        except RuntimeError as error:
            assert all("\\n" not in note for note in error.__notes__ if "worker" in note), error.__notes__
            assert any("RecursiveScriptModule (" in note for note in error.__notes__), error.__notes__
        else:
            raise AssertionError("no error")
        """
    )


def test_a_module_in_a_call_to_oneself_is_another_one_that_shares_the_tensors():
    _on_two(
        """
        module = net()
        copy = rpc.rpc_sync("worker0", same, args=(module,))
        assert copy is not module and copy.label(1) == "y" and torch.allclose(copy(x), module(x))
        copy.a.weight.zero_()
        assert module.a.weight.sum().item() == 0
        """
    )


def test_what_a_module_holds_and_cannot_be_sent_is_named():
    _on_two(
        """
        class Waits(nn.Module):
            later: torch.jit.Future[Tensor]

            def __init__(self):
                super().__init__()
                self.later = torch.jit.Future()

            def forward(self, x: Tensor) -> Tensor:
                return x

        try:
            rpc.rpc_sync("worker1", same, args=(torch.jit.script(Waits()),))
        except TypeError as error:
            assert "attribute 'later' of Waits is or holds a Future" in str(error), error
        else:
            raise AssertionError("no error")
        """
    )


def test_a_worker_that_runs_registered_functions_alone_takes_no_module():
    run(
        2,
        MODULES
        + """
@rpc.register("keep")
def keep(value):
    return 1

def plain(x: Tensor) -> Tensor:
    return x

rpc.init_rpc(NAME, rpc_backend_options=rpc.RpcBackendOptions(allow="registered" if RANK == 1 else "all"))
if RANK == 0:
    for value in (net(), net().forward, torch.jit.script(plain)):
        try:
            rpc.rpc_sync("worker1", keep, args=(value,))
        except PermissionError as error:
            assert 'allow="registered"' in str(error), error
        else:
            raise AssertionError("no error")
    assert rpc.rpc_sync("worker1", keep, args=(2,)) == 1
rpc.shutdown()
"""
    )


# What a peer may send in place of the parts of a module: each is an error of the callee, which goes on.
LIES = """
import copy
from tine.distributed.rpc import _pickling
from tine.jit import _travel

module = net()
good = _travel.parts_of(module)
honest = _travel.parts_of

class Code:
    pass

def changed(change):
    parts = [good[0], good[1], list(good[2]), list(good[3]), copy.deepcopy(good[4])]
    change(parts)
    return parts

def cyclic(parts):
    root = parts[4][-1]
    root[1] = [("m", len(parts[4]) - 1) if isinstance(s, tuple) and s[0] == "m" else s for s in root[1]]

def set_slot(kind, value):
    def change(parts):
        root = parts[4][-1]
        root[1] = [value if (s[0] if isinstance(s, tuple) else type(s)) == kind else s for s in root[1]]
    return change

def item(at, value):
    def change(parts):
        parts[at] = value
    return change

LIES = {
    "cyclic": cyclic,
    "a module number beyond": set_slot("m", ("m", 99)),
    "a negative module": set_slot("m", ("m", -1)),
    "a module for a tensor": set_slot("t", ("m", 0)),
    "a tensor number beyond": set_slot("t", ("t", 99)),
    "no tensor": set_slot("t", None),
    "a number for a tensor": set_slot("t", 3),
    "a text for a list": set_slot(list, "xy"),
    "a tuple of no kind": set_slot("t", ()),
    "missing parameters": item(3, []),
    "numbers for parameters": item(3, [1, 2]),
    "kinds of no number": item(2, "x"),
    "no objects": item(4, []),
    "objects of no form": item(4, [1, "x"]),
    "a class beyond": lambda parts: parts[4][-1].__setitem__(0, 99),
    "too few attributes": lambda parts: parts[4][-1].__setitem__(1, parts[4][-1][1][:-1]),
    "a parameter that is none": lambda parts: parts[4][-1].__setitem__(2, ["names"]),
    "a buffer of no name": lambda parts: parts[4][-1].__setitem__(3, [7]),
    "a method that is none": lambda parts: parts[4][-1].__setitem__(5, ["run"]),
    "a class of another module": lambda parts: parts[4][-1].__setitem__(0, 0),
    "no code": item(1, "code"),
    "no parts": lambda parts: parts.clear(),
    "no kind of thing": item(0, "class"),
    "code of a function": item(1, _travel._C._rpc.export_function(torch.jit.script(plain))),
}
"""


def test_a_module_that_is_not_one_is_an_error_and_nothing_worse():
    run(
        2,
        MODULES
        + "def plain(x: Tensor) -> Tensor:\n    return x\n"
        + LIES
        + """
rpc.init_rpc(NAME)
if RANK == 0:
    for what, change in LIES.items():
        _travel.parts_of = lambda obj: changed(change)
        try:
            rpc.rpc_sync("worker1", use, args=(module, x), timeout=20)
        except (ValueError, TypeError) as error:
            pass
        else:
            raise AssertionError(f"{what}: no error")
    _travel.parts_of = honest
    assert torch.allclose(rpc.rpc_sync("worker1", use, args=(module, x)), module(x))
rpc.shutdown()
"""
    )
