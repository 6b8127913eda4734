"""tine.nn without scripts: registration, walking, state, printing."""

import copy
import pickle

import pytest

import tine as torch
from tine import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.act = nn.ReLU()
        self.second = nn.Linear(8, 3, bias=False)
        self.register_buffer("steps", torch.zeros(1))

    def forward(self, x):
        return self.second(self.act(self.first(x)))


def test_a_module_is_printed_as_pytorch_prints_it():
    assert repr(Net()) == (
        "Net(\n"
        "  (first): Linear(in_features=4, out_features=8, bias=True)\n"
        "  (act): ReLU()\n"
        "  (second): Linear(in_features=8, out_features=3, bias=False)\n"
        ")"
    )
    assert repr(nn.Sequential(nn.Softmax(dim=1), nn.Sequential(nn.Tanh()))) == (
        "Sequential(\n  (0): Softmax(dim=1)\n  (1): Sequential(\n    (0): Tanh()\n  )\n)"
    )
    assert repr(nn.ReLU(inplace=True)) == "ReLU(inplace=True)"


def test_parameters_buffers_and_modules_are_listed_by_dotted_name():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == ["first.weight", "first.bias", "second.weight"]
    assert [n for n, _ in net.named_buffers()] == ["steps"]
    assert [n for n, _ in net.named_modules()] == ["", "first", "act", "second"]
    assert [n for n, _ in net.named_children()] == ["first", "act", "second"]
    assert list(net.state_dict()) == ["steps", "first.weight", "first.bias", "second.weight"]
    assert all(isinstance(p, nn.Parameter) and isinstance(p, torch.Tensor) for p in net.parameters())


def test_a_shared_parameter_is_listed_once():
    net = Net()
    net.third = net.first
    assert len(list(net.parameters())) == 3
    assert len(list(net.modules())) == 4


def test_linear_is_x_times_the_transposed_weight_plus_bias():
    linear = nn.Linear(3, 2)
    x = torch.randn(5, 3)
    assert torch.allclose(linear(x), x @ linear.weight.t() + linear.bias)
    bound = 3**-0.5
    assert (linear.weight <= bound).all() and (linear.weight >= -bound).all()


def test_a_parameter_shares_its_data_and_computes_as_a_tensor():
    data = torch.ones(2)
    p = nn.Parameter(data)
    data.mul_(3)
    assert torch.equal(p, torch.tensor([3.0, 3.0])) and torch.equal(p + 1, torch.tensor([4.0, 4.0]))
    assert repr(p) == "Parameter containing:\ntensor([3., 3.])"
    assert p.requires_grad is True
    with pytest.raises(TypeError, match="expected a Tensor as data, got list"):
        nn.Parameter([1.0])


def test_assignment_registers_and_checks():
    net = Net()
    with pytest.raises(TypeError, match="cannot assign 'int' as parameter 'weight'"):
        net.first.weight = 3
    with pytest.raises(TypeError, match="cannot assign 'int' as child module 'first'"):
        net.first = 3
    net.first = None
    assert [n for n, _ in net.named_children()] == ["act", "second"]
    net.scale = nn.Parameter(torch.ones(1))
    assert "scale" in dict(net.named_parameters())
    del net.scale
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'scale'"):
        net.scale  # noqa: B018


def test_super_init_must_come_first():
    class Early(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"cannot assign module before Module.__init__\(\) call"):
        Early()


def test_a_state_dict_is_loaded_and_nothing_when_it_does_not_fit():
    one, two = Net(), Net()
    two.load_state_dict(one.state_dict())
    x = torch.randn(2, 4)
    assert torch.equal(one(x), two(x))
    state = one.state_dict()
    del state["steps"]
    state["extra"] = torch.zeros(1)
    state["first.weight"] = torch.zeros(2, 2)
    before = two.second.weight.clone()
    with pytest.raises(RuntimeError) as caught:
        two.load_state_dict(state)
    text = str(caught.value)
    assert 'Missing key(s) in state_dict: "steps".' in text and 'Unexpected key(s) in state_dict: "extra".' in text
    assert "size mismatch for first.weight" in text
    assert torch.equal(before, two.second.weight)


def test_train_and_eval_reach_all_modules():
    net = Net().eval()
    assert not any(m.training for m in net.modules())
    assert all(m.training for m in net.train().modules())


def test_containers():
    layers = nn.ModuleList([nn.Linear(1, 1), nn.Tanh()])
    layers.append(nn.ReLU())
    layers.insert(0, nn.Identity())
    assert [type(m).__name__ for m in layers] == ["Identity", "Linear", "Tanh", "ReLU"]
    assert layers[-1] is layers[3] and len(layers[1:3]) == 2
    del layers[0]
    assert [n for n, _ in layers.named_children()] == ["0", "1", "2"]
    with pytest.raises(IndexError):
        layers[3]
    named = nn.ModuleDict({"a": nn.Tanh()})
    named["b"] = nn.ReLU()
    assert list(named) == ["a", "b"] and "a" in named and len(named) == 2
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    assert isinstance(net[1], nn.Tanh) and len(net[:1]) == 1


def test_losses_agree_with_their_definitions():
    logits, target = torch.randn(6, 4), torch.tensor([0, 3, 1, 2, 2, 0])
    log_p = torch.log_softmax(logits, 1)
    by_hand = sum(-log_p[i, int(target[i])] for i in range(6)) / 6
    assert torch.allclose(nn.CrossEntropyLoss()(logits, target), by_hand)
    assert torch.allclose(nn.functional.nll_loss(log_p, target), by_hand)
    assert nn.functional.cross_entropy(logits, target, reduction="none").shape == (6,)
    a, b = torch.randn(3), torch.randn(3)
    assert torch.allclose(nn.MSELoss(reduction="sum")(a, b), ((a - b) ** 2).sum())
    with pytest.raises(ValueError, match="big is not a valid value for reduction"):
        nn.MSELoss(reduction="big")


def test_modules_are_copied_and_pickled():
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    x = torch.randn(4, 2)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(net(x), other(x))
        other[0].weight.mul_(0)
        assert not torch.equal(net(x), other(x))
        assert isinstance(other[0].weight, nn.Parameter)


# Hooks


def ones_times(weight):
    linear = nn.Linear(2, 1, bias=False)
    linear.weight.copy_(torch.full((1, 2), weight))
    return linear


def test_hooks_see_and_change_what_goes_in_and_what_comes_out():
    m, seen = ones_times(1.0), []
    before = m.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    after = m.register_forward_hook(lambda module, args, output: output + args[0].sum())
    m.register_forward_hook(lambda module, args, output: seen.append(output.item()), prepend=True)
    assert m(torch.ones(2)).tolist() == [8.0] and seen == [4.0]
    before.remove()
    before.remove()
    assert m(torch.ones(2)).tolist() == [4.0]
    with after:
        pass
    assert m(torch.ones(2)).tolist() == [2.0] and seen == [4.0, 2.0, 2.0]
    m.register_forward_pre_hook(lambda module, args: args[0] * 5)  # one that is not a tuple is the only argument
    assert m(torch.ones(2)).tolist() == [10.0]


def test_hooks_with_keywords_take_and_return_them():
    class Scaled(nn.Module):
        def forward(self, x, by=1.0):
            return x * by

    m, seen = Scaled(), []
    m.register_forward_pre_hook(lambda module, args, kwargs: (args, {"by": kwargs["by"] + 1}), with_kwargs=True)
    m.register_forward_hook(lambda module, args, kwargs, output: seen.append(kwargs), with_kwargs=True)
    assert m(torch.ones(1), by=2.0).tolist() == [3.0] and seen == [{"by": 3.0}]
    m.register_forward_pre_hook(lambda module, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="must return None or a tuple of"):
        m(torch.ones(1), by=2.0)


def test_a_hook_may_be_called_also_when_the_call_fails():
    m, seen = ones_times(1.0), []

    def fails(module, args, output):
        seen.append(output)
        raise KeyError("of the hook")

    m.register_forward_hook(fails, always_call=True)
    with (pytest.warns(UserWarning, match="silenced .*'of the hook'") as told,
          pytest.raises(RuntimeError, match="cannot be multiplied")):
        m(torch.ones(3))
    assert seen == [None] and [warning.filename for warning in told] == [__file__]
    with pytest.raises(KeyError):
        m(torch.ones(2))
    assert len(seen) == 2  # once, not once more for its own error
    with pytest.raises(TypeError, match="expected a function as a hook, got 3"):
        m.register_forward_hook(3)


def test_a_hook_that_is_a_lambda_is_traced_and_not_compiled():
    m = nn.Sequential(ones_times(1.0))
    handle = m[0].register_forward_hook(lambda module, args, output: output * 2)
    assert torch.jit.trace(m, torch.ones(1, 2))(torch.ones(1, 2)).tolist() == [[4.0]]
    with pytest.raises(RuntimeError, match="a forward hook of module `Linear` is a lambda, which cannot be compiled"):
        torch.jit.script(m)
    handle.remove()
    assert torch.jit.script(m)(torch.ones(1, 2)).tolist() == [[2.0]]
    assert len(copy.deepcopy(m)._modules) == 1


# Casts


def test_a_module_is_cast_with_all_that_it_holds_and_what_is_shared_stays_shared():
    m = nn.Sequential(ones_times(2.0), ones_times(3.0))
    m[1].weight = m[0].weight
    m.register_buffer("count", torch.tensor([1]))
    m.register_buffer("mean", torch.ones(1))
    m[0].weight.requires_grad = False
    assert m.to(torch.float64) is m
    assert m[0].weight.dtype == m.mean.dtype == torch.float64 and m.count.dtype == torch.int64
    assert m[0].weight is m[1].weight and not m[0].weight.requires_grad and isinstance(m[0].weight, nn.Parameter)
    assert m[0](torch.ones(2, dtype=torch.float64)).tolist() == [4.0]
    assert m.float().mean.dtype == torch.float32 and m.double().mean.dtype == torch.float64
    assert m.to("cpu", torch.float32).mean.dtype == torch.float32
    assert m.to(torch.ones(1, dtype=torch.float64)).mean.dtype == torch.float64 and m.cpu() is m
    before = m[0].weight
    assert m.to(torch.float64)[0].weight is before


def test_a_scripted_module_is_cast_where_its_methods_see_it():
    scripted = torch.jit.script(nn.Sequential(ones_times(2.0)))
    assert scripted.to(torch.float64)(torch.ones(1, 2, dtype=torch.float64)).dtype == torch.float64
    assert [type(p) for p in scripted.parameters()] == [nn.Parameter]


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ((torch.int64,), TypeError, "floating-point dtype alone"),
        (("nowhere",), ValueError, "device 'nowhere'"),
        (("cpu", "cpu", "cpu", "cpu"), TypeError, "expected a dtype, a device or a tensor"),
    ],
)
def test_a_cast_to_what_is_not_there_says_so(arguments, kind, text):
    with pytest.raises(kind, match=text):
        ones_times(1.0).to(*arguments)
