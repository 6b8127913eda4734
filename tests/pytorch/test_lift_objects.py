"""What PyTorch's tensors are inside of when they are sent: containers, state_dicts, exceptions; what is refused."""

import collections
import types

import lift_callees as there
import pytest
import torch
from lift_world import world

from tine.distributed import rpc


@pytest.fixture(scope="module", autouse=True)
def callee():
    with world():
        yield


HERE_AND_THERE = ["callee", "tests"]
both = pytest.mark.parametrize("to", HERE_AND_THERE)


def echo(to, x):
    return rpc.rpc_sync(to, there.echo, args=(x,))


def rand():
    return torch.rand(300)


CONTAINERS = {
    "list": (lambda x: [x], lambda c: c[0]),
    "tuple": (lambda x: (x,), lambda c: c[0]),
    "dict": (lambda x: {"x": x}, lambda c: c["x"]),
    "OrderedDict": (lambda x: collections.OrderedDict(x=x), lambda c: c["x"]),
    "defaultdict": (lambda x: collections.defaultdict(list, x=[x]), lambda c: c["x"][0]),
    "deque": (lambda x: collections.deque([x], 3), lambda c: c[0]),
    "ChainMap": (lambda x: collections.ChainMap({}, {"x": x}), lambda c: c["x"]),
    "SimpleNamespace": (lambda x: types.SimpleNamespace(x=x), lambda c: c.x),
    "NamedTuple": (lambda x: there.Pair(x, 1), lambda c: c.left),
    "dataclass": (lambda x: there.Record("w", x, {}), lambda c: c.weights),
    "object with slots": (lambda x: there.Slotted(x), lambda c: c.x),
    "list's iterator": (lambda x: iter([x]), next),
    "ParameterList": (lambda x: torch.nn.ParameterList([x]), lambda c: c[0].detach()),
    "ParameterDict": (lambda x: torch.nn.ParameterDict({"x": torch.nn.Parameter(x)}), lambda c: c["x"].detach()),
    "return_types": (lambda x: torch.max(x[None], 0), lambda c: c.values),
    "PackedSequence": (
        lambda x: torch.nn.utils.rnn.pack_padded_sequence(x.view(300, 1, 1), [300]), lambda c: c.data.view(300)),
}


@both
@pytest.mark.parametrize("outer", CONTAINERS)
def test_tensors_travel_in_every_container_and_the_containers_in_each_other(outer, to):
    wrap, unwrap = CONTAINERS[outer]
    x = rand()
    got = echo(to, wrap(x))
    assert type(got) is type(wrap(x)) and torch.equal(unwrap(got), x)
    for inner, (wrap_inner, unwrap_inner) in CONTAINERS.items():
        if outer.startswith("Param") or outer in ("return_types", "PackedSequence"):
            break  # these take tensors only
        sent = rand()
        got = unwrap(echo(to, wrap(wrap_inner(sent))))
        assert torch.equal(unwrap_inner(got), sent), (outer, inner)


@both
def test_a_state_dict_of_3000_tensors_is_loaded_where_it_arrives(to):
    def model():
        return torch.nn.Sequential(*(torch.nn.Linear(8, 20 * (k % 2) + 1) for k in range(1500)))

    sent, other = model(), model()
    got = echo(to, sent.state_dict())
    assert len(got) == 3000 and type(got) is collections.OrderedDict and got._metadata == sent.state_dict()._metadata
    other.load_state_dict(got)
    assert all(torch.equal(a, b) for a, b in zip(sent.parameters(), other.parameters()))
    with torch.no_grad():
        got["0.weight"].zero_()
    assert sent[0].weight.any() and got["2.weight"].any()


def test_an_optimizers_state_is_loaded_where_it_arrives():
    def trained():
        module = torch.nn.Linear(20, 20)
        optimizer = torch.optim.Adam(module.parameters())
        module(torch.rand(3, 20)).sum().backward()
        optimizer.step()
        return optimizer

    sent, other = trained(), trained()
    other.load_state_dict(echo("callee", sent.state_dict()))
    for a, b in zip(sent.state.values(), other.state.values()):
        assert all(torch.equal(a[name], b[name]) for name in ("step", "exp_avg", "exp_avg_sq"))


@both
def test_tensors_in_an_exception_travel_whether_it_is_raised_or_sent(to):
    x = rand()
    sent = there.Failed("with", x, beside=x[1:])
    got = echo(to, sent)
    assert type(got) is there.Failed and torch.equal(got.args[1], x) and torch.equal(got.more["beside"], x[1:])
    with pytest.raises(there.Failed) as caught:
        rpc.rpc_sync(to, there.fail, args=(x,))
    assert torch.equal(caught.value.args[1], x) and torch.equal(caught.value.more["beside"], x[1:])


@both
@pytest.mark.parametrize("make", [
    lambda x: (y for y in [x]),
    lambda x: {"x": x}.keys(), lambda x: {"x": x}.values(), lambda x: {"x": x}.items(),
    lambda x: collections.OrderedDict(x=x).values(),
    lambda x: [1, {"deep": (y for y in [x])}],
])
def test_generators_and_views_of_dicts_are_refused_with_what_to_send(make, to):
    with pytest.raises(TypeError, match=r"cannot pickle '\w+' object, which an argument of .*echo is or holds: send list\(\)"):
        echo(to, make(rand()))


@both
def test_a_generator_that_a_function_returns_is_refused_with_what_to_return(to):
    with pytest.raises(TypeError, match=r"cannot pickle 'generator' object, which the result of .*lazily is or holds: send list"):
        rpc.rpc_sync(to, there.lazily, args=(rand(),))
