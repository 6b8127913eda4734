"""The buffer protocol: every combination of flags is granted or refused by the rules of Python's documentation."""

import ctypes
import itertools

import pytest

import tine as torch


class PyBuffer(ctypes.Structure):
    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)),
        ("internal", ctypes.c_void_p),
    ]


WRITABLE, FORMAT, ND = 0x1, 0x4, 0x8
STRIDES = 0x10 | ND
C, F, ANY, INDIRECT = 0x20 | STRIDES, 0x40 | STRIDES, 0x80 | STRIDES, 0x100 | STRIDES
ORDERS = [0, ND, STRIDES, C, F, ANY, INDIRECT, C | F]
EVERY = [order | extra for order, extra in itertools.product(ORDERS, (0, WRITABLE, FORMAT, WRITABLE | FORMAT))]


def read_only():
    import numpy

    array = numpy.arange(6.0)
    array.flags.writeable = False
    return torch.from_numpy(array)


TENSORS = {
    "C": lambda: torch.arange(6).view(2, 3),
    "F": lambda: torch.arange(6).view(3, 2).t(),
    "both: one dimension": lambda: torch.arange(6),
    "both: ones": lambda: torch.ones(1, 4, 1),
    "both: scalar": lambda: torch.tensor(5),
    "both: empty": lambda: torch.ones(0, 3),
    "both: one element, odd strides": lambda: torch.ones(4, 4)[::4, ::4],
    "neither: columns": lambda: torch.arange(12).view(3, 4)[:, ::2],
    "neither: every second": lambda: torch.arange(6)[::2],
    "neither: expanded": lambda: torch.ones(3, 1).expand(3, 4),
    "neither: permuted": lambda: torch.ones(2, 3, 4).permute(1, 0, 2),
    "both, read-only": read_only,
}


def is_contiguous(tensor, dims):
    step = 1
    for dim in dims:
        if tensor.numel() and tensor.shape[dim] != 1 and tensor.stride()[dim] != step:
            return False
        step *= tensor.shape[dim]
    return True


@pytest.mark.parametrize("name", TENSORS)
def test_each_combination_of_flags_is_granted_exactly_when_the_memory_is_so(name):
    tensor = TENSORS[name]()
    c = is_contiguous(tensor, reversed(range(tensor.dim())))
    f = is_contiguous(tensor, range(tensor.dim()))
    assert name.startswith({(True, True): "both", (True, False): "C", (False, True): "F", (False, False): "neither"}[c, f])
    writable = "read-only" not in name
    for flags in EVERY:
        asks = lambda what: flags & what == what  # noqa: E731
        granted = (
            (writable or not asks(WRITABLE))
            and (c or asks(STRIDES))
            and (c or not asks(C))
            and (f or not asks(F))
            and (c or f or not asks(ANY))
        )
        view = PyBuffer()
        try:
            ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(tensor), ctypes.byref(view), flags)
        except BufferError:
            assert not granted, (name, hex(flags))
            continue
        assert granted, (name, hex(flags))
        assert view.len == tensor.numel() * view.itemsize and view.ndim == tensor.dim() and bool(view.readonly) is not writable
        assert bool(view.format) == asks(FORMAT) and not view.suboffsets
        assert bool(view.shape) == (asks(ND) and view.ndim > 0) and bool(view.strides) == (asks(STRIDES) and view.ndim > 0)
        if view.shape:
            assert view.shape[: view.ndim] == list(tensor.shape)
        if view.strides:
            assert view.strides[: view.ndim] == [s * view.itemsize for s in tensor.stride()]
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(view))


def test_what_numpy_shows_as_other_elements_than_it_has_is_refused():
    np = pytest.importorskip("numpy")
    for date in (np.datetime64("2020-01-01"), np.timedelta64(3, "D")):
        for use in (torch.tensor, torch.from_numpy, lambda d: torch.zeros(8).__setitem__(slice(None), d)):
            with pytest.raises(TypeError, match=type(date).__name__):
                use(date)
    assert torch.tensor(np.array([2**63 - 1], dtype=np.uint64)).tolist() == [2**63 - 1]
    for big in (np.array([1, 2**63], dtype=np.uint64), np.uint64(2**64 - 1)):
        with pytest.raises(OverflowError, match="2 \\*\\* 63"):
            torch.tensor(big)
    with pytest.raises(TypeError, match="bytes"):
        torch.zeros(3)[:] = b"abc"
