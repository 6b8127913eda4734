"""What is refused is refused with its error and its words, and what lies at the edge beside it is taken."""

import pytest

import tine as torch
from tine import nn

np = pytest.importorskip("numpy")

F = nn.functional


def lists(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def read_only():
    array = np.arange(3.0)
    array.setflags(write=False)
    return torch.from_numpy(array)


def field_of_a_record(kinds):
    return np.zeros(3, dtype=[(str(number), kind) for number, kind in enumerate(kinds)])["0"]


# What is refused; its error; its words.
REFUSED = {
    "arange_without_an_end": (lambda: torch.arange(0, float("inf")), ValueError, "0 -> inf"),
    "arange_of_too_many": (lambda: torch.arange(0.0, 1e30), ValueError, "too many"),
    "linspace_of_less_than_none": (lambda: torch.linspace(0, 1, -1), ValueError, "not -1"),
    "uniform_from_more_to_less": (lambda: torch.ones(2).uniform_(2, 1), ValueError, "from=2 > to=1"),
    "normal_of_a_negative_deviation": (lambda: torch.ones(2).normal_(0, -1), ValueError, "std=-1"),
    "stack_of_nothing": (lambda: torch.stack([]), ValueError, "non-empty"),
    "mask_of_numbers": (lambda: torch.masked_select(torch.ones(2), torch.ones(2)), TypeError, "not float32"),
    "classes_that_are_floats": (lambda: F.nll_loss(torch.ones(2, 2), torch.ones(2)), TypeError, "not float32"),
    "size_that_may_be_any": (lambda: torch.ones(0).reshape(0, -1), torch.ShapeError, "ambiguous"),
    "dims_twice": (lambda: torch.ones(2, 2).permute(0, 0), torch.ShapeError, "[0, 0]"),
    "narrow_to_less_than_none": (lambda: torch.ones(3).narrow(0, 0, -1), ValueError, "not -1"),
    "narrow_beyond_the_end": (lambda: torch.ones(3).narrow(0, 1, 3), IndexError, "3"),
    "split_of_a_scalar": (lambda: torch.tensor(1.0).split(1), IndexError, "split"),
    "split_into_nothing": (lambda: torch.ones(3).split(0), ValueError, "split_size=0"),
    "chunks_of_a_scalar": (lambda: torch.tensor(1.0).chunk(2), IndexError, "chunk"),
    "chunks_of_none": (lambda: torch.ones(3).chunk(0), ValueError, "chunk"),
    "lists_too_deep": (lambda: torch.tensor(lists(65)), ValueError, "64"),
    "array_backwards": (lambda: torch.from_numpy(np.arange(3.0)[::-1]), ValueError, "dimension 0 of the array has a negative stride (-8 bytes)"),
    "array_in_records": (lambda: torch.from_numpy(field_of_a_record(["f4", "u1"])), ValueError, "stride of 5 bytes"),
    "list_for_an_array": (lambda: torch.from_numpy([1]), TypeError, "list"),
    "number_for_a_bool": (lambda: torch.nonzero(torch.ones(2), as_tuple=1), TypeError, "'as_tuple' must be bool"),
    "dlpack_of_another_dtype": (lambda: torch.from_dlpack(np.zeros(1, np.int16)), TypeError, "code 0 with 16 bits"),
    "dlpack_backwards": (lambda: torch.from_dlpack(np.arange(3.0)[::-1]), ValueError, "negative strides"),
    "dlpack_of_no_array": (lambda: torch.from_dlpack(3), TypeError, "int"),
    "dlpack_of_read_only_memory": (lambda: read_only().__dlpack__(), BufferError, "read-only"),
    "future_elsewhere": (lambda: torch.futures.Future(devices=["cpu", "cuda:0"]), ValueError, "devices[1] is 'cuda:0'"),
    "value_of_a_pending_future": (lambda: torch.futures.Future().value(), RuntimeError, "pending"),
    "text_as_index": (lambda: torch.ones(2)["a"], IndexError, "got str"),
    "none_for_an_element": (lambda: torch.ones(2).__delitem__(0), TypeError, "can't be deleted"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_and_the_error_says_what_it_was(name):
    call, error, words = REFUSED[name]
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


def test_a_capsule_can_be_taken_once():
    capsule = torch.ones(2).__dlpack__()
    assert torch.from_dlpack(capsule).tolist() == [1, 1]
    with pytest.raises(ValueError, match="used already"):
        torch.from_dlpack(capsule)


# What lies just within.
TAKEN = {
    "arange_of_nothing": (lambda: torch.arange(0).tolist(), []),
    "linspace_of_none": (lambda: torch.linspace(0, 1, 0).tolist(), []),
    "linspace_of_one": (lambda: torch.linspace(3, 4, 1).tolist(), [3]),
    "uniform_between_equals": (lambda: torch.ones(2).uniform_(2, 2).tolist(), [2, 2]),
    "normal_without_deviation": (lambda: torch.ones(2).normal_(3, 0).tolist(), [3, 3]),
    "stack_of_one": (lambda: torch.stack([torch.ones(2)]).tolist(), [[1, 1]]),
    "size_of_what_is_left": (lambda: torch.ones(0).reshape(2, -1).tolist(), [[], []]),
    "narrow_to_none": (lambda: torch.ones(3).narrow(0, 3, 0).tolist(), []),
    "narrow_to_the_end": (lambda: torch.arange(3).narrow(0, 1, 2).tolist(), [1, 2]),
    "split_by_one": (lambda: [part.tolist() for part in torch.arange(3).split(1)], [[0], [1], [2]]),
    "split_by_more_than_there_are": (lambda: [part.tolist() for part in torch.arange(3).split(4)], [[0, 1, 2]]),
    "one_chunk": (lambda: [part.tolist() for part in torch.arange(3).chunk(1)], [[0, 1, 2]]),
    "lists_as_deep_as_may_be": (lambda: torch.tensor(lists(64)).dim(), 64),
    "every_second": (lambda: torch.from_numpy(np.arange(4.0)[::2]).tolist(), [0, 2]),
    "array_in_records_of_whole_elements": (lambda: torch.from_numpy(field_of_a_record(["f4", "f4"])).tolist(), [0, 0, 0]),
    "read_only_array": (lambda: read_only().tolist(), [0, 1, 2]),
    "future_here": (lambda: torch.futures.Future(devices=["cpu", "cpu"]).done(), False),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_lies_just_within_is_taken(name):
    call, expected = TAKEN[name]
    assert call() == expected
