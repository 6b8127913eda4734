"""Programs that are traced with some sizes and run with others.

`programs(torch)` takes the package, so that the same list runs with PyTorch: what a trace gives must be what the function
itself gives.
"""

import math
from typing import NamedTuple


class Program(NamedTuple):
    fn: object
    example: tuple  # what it is traced with
    others: list  # what it is run with then
    strict: bool = True

    @property
    def name(self):
        return getattr(self.fn, "__name__", type(self.fn).__name__)


def programs(torch):
    nn = torch.nn
    made = []

    def rand(*sizes):
        n = 1
        for size in sizes:
            n *= size
        return (torch.arange(n) * 7 % 11 - 5).reshape(sizes).to(torch.float32)

    def program(*shapes, others=((6, 5, 4), (1, 2, 3)), strict=True):
        """Traced with the shapes (of each argument), run with the first argument of other sizes, too."""

        def add(fn):
            rest = [rand(*shape) for shape in shapes[1:]]
            made.append(Program(fn, (rand(*shapes[0]), *rest), [(rand(*other), *rest) for other in others], strict))
            return fn

        return add

    def given(example, *others, strict=True):
        def add(fn):
            made.append(Program(fn, example, list(others), strict))
            return fn

        return add

    # Sizes as arguments

    @program((2, 3, 4))
    def view_keeps_the_batch(x):
        return x.view(x.size(0), -1)

    @program((2, 3, 4))
    def view_of_shape_items(x):
        return x.view(x.shape[0] * x.shape[1], x.shape[2])

    @program((2, 3, 4))
    def view_of_a_tuple(x):
        return x.view((x.shape[0], x.shape[2] * x.shape[1]))

    @program((2, 3, 4))
    def view_of_a_list(x):
        return x.view([x.size(1), -1])

    @program((2, 3, 4))
    def reshape_by_unpacked_sizes(x):
        b, c, d = x.shape
        return x.reshape(b * c, d)

    @program((2, 3, 4))
    def reshape_by_a_slice_of_the_shape(x):
        return x.reshape(x.shape[:1] + (-1,))

    @program((2, 3, 4))
    def reshape_back(x):
        return x.flatten(1).reshape(x.shape)

    @program((2, 3, 4))
    def reshape_by_size(x):
        return (x * 2).reshape(-1).reshape(x.size())

    @program((2, 3, 4))
    def zeros_of_sizes(x):
        return torch.zeros(x.size(0), 2) + x[:, 0, :1]

    @program((2, 3, 4))
    def zeros_of_the_shape(x):
        return torch.zeros(x.shape) + x

    @program((2, 3, 4))
    def ones_of_a_list(x):
        return torch.ones([x.shape[-1], 2])

    @program((2, 3, 4))
    def full_of_a_size(x):
        return torch.full((x.size(0), 3), x.size(1) * 1.0)

    @program((2, 3, 4))
    def full_with_keywords(x):
        return torch.full(size=(2, x.size(2)), fill_value=2.5)

    @program((2, 3, 4))
    def new_tensor_from_sizes(x):
        return torch.tensor([x.size(0), 7, x.size(1)])

    @program((2, 3, 4))
    def arange_of_a_size(x):
        return x + torch.arange(x.size(2))

    @program((2, 3, 4))
    def arange_between_sizes(x):
        return torch.arange(1, x.size(0) * 2 + 1, 2)

    @program((2, 3, 4))
    def expand_to_sizes(x):
        return x[:, :1].expand(x.size(0), 5, x.size(2))

    @program((2, 3, 4))
    def expand_with_a_new_dimension(x):
        return x.expand((3,) + x.shape)

    @program((2, 3, 4))
    def narrow_by_half(x):
        return x.narrow(2, 0, x.size(2) // 2 + 1)

    @program((2, 3, 4))
    def cat_with_ones(x):
        return torch.cat([x, torch.ones(x.shape[0], 1, x.shape[2])], 1)

    @program((2, 3, 4))
    def cat_with_keywords(x):
        return torch.cat([x, torch.zeros(x.shape[0], 2, x.shape[2])], dim=1)

    @program((2, 3, 4))
    def split_by_a_size(x):
        a, b = torch.split(torch.cat([x, x + 1]), x.size(0))
        return a * b

    @program((2, 3, 4))
    def unsqueeze_at_the_end(x):
        return x.unsqueeze(x.dim())

    @program((2, 3, 4))
    def transpose_the_last_two(x):
        return x.transpose(x.dim() - 2, x.dim() - 1)

    @program((2, 3, 4), others=((3, 4), (2, 3, 4, 5)))
    def sum_over_the_last_dimension(x):
        return x.sum(dim=-1) + x.sum(-1)

    @program((2, 3, 4))
    def mean_over_a_computed_dimension(x):
        return x.mean(x.dim() - 3)

    @program((4, 6), others=((5, 9), (3, 3)))
    def eye_of_a_size(x):
        return torch.eye(x.size(1)) @ x.t()

    # Sizes in slices and subscripts

    @program((4, 6), others=((5, 9), (2, 3)))
    def first_half(x):
        return x[:, :x.size(1) // 2]

    @program((4, 6), others=((5, 9), (2, 3)))
    def second_half(x):
        return x[x.shape[0] // 2:]

    @program((4, 6), others=((5, 9), (2, 3)))
    def negative_slice(x):
        return x[:, -(x.shape[1] // 3):]

    @program((4, 6), others=((5, 9), (2, 3)))
    def step_of_a_size(x):
        return x[:, ::x.size(0) // 2 + 1]

    @program((4, 6), others=((5, 9), (2, 3)))
    def last_row(x):
        return x[x.size(0) - 1]

    @program((4, 6), others=((5, 9), (2, 3)))
    def middle_element(x):
        return x[x.size(0) // 2, x.size(1) // 2]

    @program((4, 6), others=((5, 9), (2, 3)))
    def assigned_up_to_a_size(x):
        y = x.clone()
        y[:, :x.size(1) // 2] = 0
        return y

    @program((4, 6), others=((5, 9), (2, 3)))
    def assigned_last_row(x):
        y = x.clone()
        y[x.size(0) - 1] += x.size(1)
        return y

    @program((4, 6), others=((5, 9), (2, 3)))
    def sizes_assigned(x):
        y = x.clone()
        y[0] = x.size(0)
        y[1, 1:] = x.size(1) / 2
        y[y > 3] = x.size(1)
        y[[1]] += x.size(0)
        return y

    @program((4, 6), others=((5, 9), (2, 3)))
    def list_with_a_size(x):
        return x[[0, x.size(0) - 1]]

    @program((4, 6), others=((5, 9), (2, 3)))
    def all_of_it(x):
        return x[:] * 2 + x[...]

    # Sizes as operands

    @program((2, 3, 4))
    def mean_by_hand(x):
        return x.sum(0) / x.shape[0]

    @program((2, 3, 4))
    def mean_of_all(x):
        return x.sum() / x.numel()

    @program((2, 3, 4))
    def added_and_subtracted(x):
        return x + x.size(0) - x.size(1)

    @program((2, 3, 4))
    def from_the_left(x):
        return x.size(0) - x * x.size(1)

    @program((2, 3, 4))
    def scaled_by_the_root(x):
        return x / x.size(-1) ** 0.5

    @program((2, 3, 4))
    def square_of_a_size(x):
        return x * x.size(0) ** 2

    @program((2, 3, 4))
    def true_division(x):
        return x * (x.size(2) / x.size(1))

    @program((2, 3, 4))
    def floor_and_remainder(x):
        n = x.numel()
        return x * (n // 5) + n % 5

    @program((2, 3, 4))
    def negative_and_absolute(x):
        return x * -x.size(0) + abs(1 - x.size(1))

    @program((2, 3, 4))
    def a_long_computation(x):
        n = (x.size(0) + 3) * 2 - x.size(1)
        return x.reshape(-1)[:2] * (n * n // 2) + (10 - n)

    @program((2, 3, 4))
    def sum_of_the_shape(x):
        return x + sum(x.shape)

    @program((2, 3, 4))
    def product_of_the_shape(x):
        b, c, d = x.size()
        return x.reshape(b * c * d)

    @program((2, 3, 4))
    def numel_of_a_part(x):
        return x / x[0].numel()

    @program((2, 3, 4))
    def comparison_as_a_number(x):
        return x * (x.size(0) > 3)

    @program((2, 3, 4))
    def in_place_by_a_size(x):
        y = x.clone()
        y.mul_(x.size(0)).add_(x.size(1))
        return y

    @program((2, 3, 4))
    def compared_with_a_size(x):
        return x > x.size(0) - 3

    @program((2, 3, 4))
    def clamp_to_a_size(x):
        return x.clamp(-1.0 * x.size(0), x.size(1) * 0.5)

    @program((2, 3, 4))
    def where_of_a_size(x):
        return torch.where(x > 0, x, x * x.size(0))

    @program((2, 3, 4))
    def sizes_of_results(x):
        y = torch.cat([x, x], 2)
        return y.sum(2) / y.size(2)

    @program((2, 3, 4), (3, 4))
    def sizes_of_two_tensors(x, y):
        return torch.zeros(x.size(0), y.size(1)) + y.size(0)

    # Sizes as results

    @program((2, 3, 4))
    def a_size(x):
        return x.size(1)

    @program((2, 3, 4))
    def the_shape(x):
        return x.shape

    @program((2, 3, 4))
    def a_tensor_and_a_size(x):
        return x.sum(), x.size(0) * 2, x.numel()

    @program((2, 3, 4))
    def a_comparison(x):
        return x.size(0) > 3

    @program((2, 3, 4))
    def named_results(x):
        values, indices = x.max(2)
        return values * x.size(2) + x.max(2).indices

    # 0-d tensors where numbers are asked for

    @program((4, 6), others=((5, 9), (2, 3)))
    def slice_up_to_a_tensor(x):
        return x[:, :(x > -100).sum() // 4]

    @program((4, 6), others=((5, 9), (2, 3)))
    def narrow_by_a_tensor(x):
        n = (x > -100).sum()
        return x.flatten().narrow(0, 0, n // 2)

    @program((4, 6), others=((5, 9), (2, 3)))
    def full_of_a_tensor(x):
        return torch.full((2,), x.sum()) + torch.clamp(x[0, 0], max=x.mean())

    @program((4, 6), others=((5, 9), (2, 3)))
    def zeros_of_a_tensor(x):
        return torch.zeros((x > 0).sum())

    @program((4, 6), others=((5, 9), (2, 3)))
    def row_of_a_tensor(x):
        return x[x[:, 0].argmax()]

    # Masks and lists

    @program((4, 6), others=((5, 9), (2, 3)))
    def masked(x):
        return x[x > 0]

    @program((4, 6), others=((5, 9), (2, 3)))
    def mask_assigned(x):
        y = x.clone()
        y[y < 0] = 0
        return y

    @program((4, 6), others=((5, 9), (2, 3)))
    def mask_added(x):
        y = x.clone()
        y[x > 1] += 10
        return y

    @program((4, 6), others=((5, 9), (2, 3)))
    def rows_by_a_tensor(x):
        return x[torch.tensor([1, 0, 1])]

    @program((4, 6), others=((5, 9), (2, 3)))
    def columns_by_a_list(x):
        return x[:, [2, 0]]

    @program((4, 6), others=((5, 9), (2, 3)))
    def rows_assigned_by_a_list(x):
        y = x.clone()
        y[[0, 1]] = x[:2] * 2
        return y

    @program((4, 6), others=((5, 9), (2, 3)))
    def row_and_column(x):
        return x[torch.tensor([0, 1]), torch.tensor([2, 1])]

    @program((4, 6), others=((5, 9), (2, 3)))
    def rows_in_the_order_of_a_column(x):
        y = x.clone()
        y[torch.arange(x.size(0)), x.argmax(1)] = 100.0
        return y

    @program((4, 6), (4,), others=((4, 9), (4, 3)))
    def assigned_by_a_tensor(x, y):
        z = x.clone()
        z[0] = z[1] + y[0]
        return z

    # Forks

    def mean0(x):
        return x.sum(0) / x.shape[0]

    def scaled(x, n):
        return x * n

    def halves(x):
        n = x.size(0) // 2
        return x[:n], n

    @program((4, 6), others=((5, 9), (2, 3)))
    def size_in_a_fork(x):
        return torch.jit.wait(torch.jit.fork(mean0, x))

    @program((4, 6), others=((5, 9), (2, 3)))
    def size_given_to_a_fork(x):
        return torch.jit.wait(torch.jit.fork(scaled, x, x.size(0) + 1))

    @program((4, 6), others=((5, 9), (2, 3)))
    def size_given_by_name_to_a_fork(x):
        return torch.jit.wait(torch.jit.fork(scaled, x, n=x.shape[1] / 2))

    @program((4, 6), others=((5, 9), (2, 3)))
    def size_captured_by_a_fork(x):
        n = x.size(1)
        return torch.jit.wait(torch.jit.fork(lambda y: y.reshape(n, -1), x))

    @program((4, 6), others=((5, 9), (2, 3)))
    def size_in_a_fork_of_a_fork(x):
        def outer(y, n):
            inner = torch.jit.fork(scaled, y, n * y.size(0))
            return torch.jit.wait(inner) + n

        return torch.jit.wait(torch.jit.fork(outer, x, x.size(1)))

    @program((4, 6), others=((5, 9), (2, 3)))
    def forks_over_parts(x):
        n = x.size(0) // 2
        parts = [torch.jit.fork(mean0, x[:n]), torch.jit.fork(mean0, x[n:])]
        return torch.stack([torch.jit.wait(part) for part in parts])

    # Containers

    @given(({"a": rand(2), "b": rand(2)},), ({"a": rand(3), "b": rand(3) * 2},))
    def dict_input(d):
        return d["a"] + d["b"] * d["a"].size(0)

    @given((rand(2), {"a": rand(2)}), (rand(3), {"a": rand(3)}))
    def dict_beside_a_tensor(x, d):
        return x * d["a"]

    @given((rand(2),), (rand(5),), strict=False)
    def dict_output(x):
        return {"twice": x * 2, "mean": x.sum() / x.size(0)}

    @given((rand(2),), (rand(5),), strict=False)
    def dict_of_tuples_output(x):
        return {"a": (x, x + 1), "b": (x * x.size(0), x)}

    @given((rand(2),), (rand(5),), strict=False)
    def list_output(x):
        return [x, x + x.size(0)]

    @given(((rand(2), (rand(3), rand(2))),), ((rand(5), (rand(1), rand(5))),))
    def nested_tuples(p):
        a, (b, c) = p
        return a + c, (b * b.size(0), a)

    @given(([rand(2), rand(2)],), ([rand(4), rand(4)],))
    def list_input(items):
        return items[0] - items[1] * items[0].numel()

    class Pair(NamedTuple):
        total: object
        size: object

    @given((rand(2),), (rand(5),))
    def named_tuple_output(x):
        return Pair(x.sum(), x * x.size(0))

    # Modules

    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(12, 2)

        def forward(self, x):
            return self.linear(x.view(x.size(0), -1))

    class Steps(nn.Module):
        def forward(self, x):
            total = x
            i = 0
            while i < x.size(0):
                total = total + i
                i += 1
            if bool(x.sum() > 0):
                total = -total
            return total

    class Around(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.jit.script(Steps())
            self.gain = nn.Parameter(torch.ones(1) * 3)

        def forward(self, x):
            return self.inner(x) * self.gain / x.size(0)

    class Forking(Around):
        def forward(self, x):
            future = torch.jit.fork(self.inner, x)
            return torch.jit.wait(future) * self.gain + x.size(0)

    class Outside(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return self.inner(x) + x.size(0)

    given((rand(2, 3, 4),), (rand(5, 3, 4),))(Flat())
    given((rand(2, 3),), (rand(5, 2),), (rand(1, 2) - 9,))(Around())
    given((rand(2, 3),), (rand(5, 2),), (rand(1, 2) - 9,))(Forking())
    given((rand(2, 3),), (rand(5, 2),), (rand(1, 2) - 9,))(Outside(Around()))
    given((rand(2, 3, 4),), (rand(5, 3, 4),))(Outside(torch.jit.trace(Flat(), (rand(3, 3, 4),))))
    given((rand(2, 3, 4),), (rand(5, 3, 4),))(nn.Sequential(Flat(), nn.ReLU()))

    traced_mean = torch.jit.trace(mean0, (rand(2, 2),))

    @program((4, 6), others=((5, 9), (2, 3)))
    def calls_a_traced_function(x):
        return traced_mean(x) + x.size(0)

    @program((4, 6), others=((5, 9), (2, 3)))
    def math_floor_of_a_quotient(x):
        return x[:math.floor(x.size(0) / 2)]

    return made
