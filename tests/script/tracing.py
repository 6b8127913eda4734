"""What the tests of traces share: a trace is run with other inputs than it was made with."""

import tine as torch
from tine import Tensor


def assert_same(given, expected):
    """Equal in structure, dtype, shape and value; a number of `expected` may be a 0-d tensor of the trace."""
    if isinstance(expected, Tensor):
        assert isinstance(given, Tensor) and given.dtype == expected.dtype and given.shape == expected.shape, (given, expected)
        assert torch.allclose(given, expected, equal_nan=True), (given, expected)
    elif isinstance(expected, dict):
        assert list(given) == list(expected)
        for key, value in expected.items():
            assert_same(given[key], value)
    elif isinstance(expected, (list, tuple)):
        assert isinstance(given, list if isinstance(expected, list) else tuple) and len(given) == len(expected)
        for a, b in zip(given, expected):
            assert_same(a, b)
    else:
        assert isinstance(given, Tensor) and given.dim() == 0 and abs(given.item() - expected) < 1e-6, (given, expected)


def traced(fn, example, *others, **options):
    """`fn` traced with `example` (a tuple, or one Tensor); gives what `fn` gives for each tuple of `others`, too."""
    example = example if isinstance(example, tuple) else (example,)
    made = torch.jit.trace(fn, example, **options)
    assert others, "a trace says little until it has run with other inputs"
    for inputs in (example, *others):
        inputs = inputs if isinstance(inputs, tuple) else (inputs,)
        assert_same(made(*map(copied, inputs)), fn(*map(copied, inputs)))
    return made


def copied(value):
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    items = map(copied, value)
    return value._make(items) if hasattr(value, "_make") else type(value)(items)
