"""tine.Tensor and the operators in Python, rule by rule."""

import copy
import gc
import hashlib
import inspect
import pickle
import pydoc
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

import tine
from tine import Tensor

DTYPES = [tine.float32, tine.float64, tine.int64, tine.uint8, tine.bool]


def same(x, values):
    return x.tolist() == values


# ---- making


def test_tensor_infers_the_dtype_of_what_it_is_given():
    assert tine.tensor([1, 2]).dtype is tine.int64
    assert tine.tensor([1.0, 2]).dtype is tine.float32
    assert tine.tensor(True).dtype is tine.bool
    assert tine.tensor([1, 2], dtype=tine.float64).dtype is tine.float64
    assert tine.tensor([[1, 2], [3, 4]]).shape == (2, 2)
    assert tine.tensor([]).shape == (0,)


def test_tensor_copies_arrays_and_converts_what_it_has_no_dtype_for():
    array = np.arange(4, dtype=np.float64)
    made = tine.tensor(array)
    array[0] = 9
    assert made.dtype is tine.float64 and same(made, [0, 1, 2, 3])
    assert tine.tensor(np.array([1, 2], dtype=np.int32)).dtype is tine.int64
    assert tine.tensor(np.array([1, 2], dtype=np.float16)).dtype is tine.float32
    assert same(tine.tensor(array[::-1]), [3, 2, 1, 9])
    with pytest.raises(TypeError, match="format"):
        tine.tensor(np.array([1j]))


def test_ragged_lists_are_refused():
    with pytest.raises((ValueError, TypeError)):
        tine.tensor([[1, 2], [3]])


def test_sizes_come_as_arguments_a_list_or_a_tuple():
    for made in (tine.zeros(2, 3), tine.zeros([2, 3]), tine.zeros((2, 3)), tine.zeros(tine.Size([2, 3]))):
        assert made.shape == (2, 3) and made.dtype is tine.float32


def test_the_class_makes_float_tensors_as_pytorch_does():
    assert Tensor([1, 2]).dtype is tine.float32 and Tensor(2, 3).shape == (2, 3) and Tensor().shape == (0,)


# ---- arithmetic


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize("other", [2, 1.5, "tensor", "reversed"])
def test_operators_of_the_language_agree_with_numpy(operator, other):
    array = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    x = tine.from_numpy(array)
    left, right = {
        "tensor": (x, tine.tensor([3.0, 2.0, 1.0])),
        "reversed": (2.0, x),
    }.get(other, (x, other))
    plain = [np.asarray(v) if isinstance(v, Tensor) else v for v in (left, right)]
    got = eval(f"a {operator} b", {"a": left, "b": right})
    expected = eval(f"a {operator} b", {"a": plain[0], "b": plain[1]})
    assert isinstance(got, Tensor)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-6)


def test_unary_operators_and_bits():
    x = tine.tensor([1.0, -2.0])
    assert same(-x, [-1, 2]) and same(abs(x), [1, 2]) and +x is x
    a, b = tine.tensor([True, False]), tine.tensor([True, True])
    assert same(a & b, [True, False]) and same(a | b, [True, True]) and same(a ^ b, [False, True])
    assert same(~a, [False, True])


def test_in_place_operators_change_the_very_tensor():
    x = y = tine.ones(2)
    x += 1
    x *= 3
    x -= 1
    x /= 5
    assert x is y and same(y, [1, 1])
    assert x.add_(1) is x


def test_functions_methods_and_operators_are_the_same_rows():
    x, y = tine.tensor([1.0, 2.0]), tine.tensor([3.0, 4.0])
    for result in (x + y, tine.add(x, y), x.add(y), Tensor.add(x, y), tine.add(input=x, other=y), x.add(other=y)):
        assert same(result, [4, 6])
    assert same(tine.add(x, y, alpha=2), [7, 10])


def test_numpy_numbers_are_numbers():
    x = tine.ones(2)
    for number in (np.float32(2), np.float64(2), np.int64(2), np.int32(2)):
        assert same(x * number, [2, 2])
        result = number * x
        assert isinstance(result, Tensor) and same(result, [2, 2])


def test_what_is_no_number_gets_its_own_turn():
    class Other:
        def __radd__(self, x):
            return "mine"

    assert tine.ones(2) + Other() == "mine"
    with pytest.raises(TypeError, match="unsupported operand"):
        tine.ones(2) + "text"
    assert (tine.ones(2) == None) is False and (tine.ones(2) != "x") is True  # noqa: E711


def test_matrix_products():
    a, b = tine.rand(3, 4), tine.rand(4, 5)
    for product in (a @ b, tine.matmul(a, b), a.mm(b)):
        np.testing.assert_allclose(product.numpy(), a.numpy() @ b.numpy(), rtol=1e-5)


def test_reductions_with_dimension_keepdim_and_named_results():
    x = tine.tensor([[1.0, 5.0], [7.0, 2.0]])
    assert x.sum().item() == 15 and same(x.sum(0), [8, 7]) and x.sum(1, keepdim=True).shape == (2, 1)
    assert same(x.mean(dim=1), [3, 4.5]) and x.max().item() == 7 and x.argmax().item() == 2
    values, indices = x.max(dim=1)
    named = x.max(1)
    assert same(values, [5, 7]) and same(indices, [1, 0]) and same(named.values, [5, 7]) and same(named.indices, [1, 0])
    assert same(x.sum(axis=0), [8, 7])


def test_errors_name_what_was_wrong():
    with pytest.raises(tine.ShapeError, match=r"\[2\].*\[3\]"):
        tine.ones(2) + tine.ones(3)
    with pytest.raises(TypeError, match=r"aten::add\(\): no overload takes .*there are:"):
        tine.add(tine.ones(2), object())
    with pytest.raises(TypeError, match="colour"):
        tine.add(tine.ones(2), 1, colour=2)
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        tine.ones(2).colour


# ---- looking


def test_size_shape_and_their_kin():
    x = tine.zeros(2, 3)
    assert x.shape == (2, 3) and x.size() == (2, 3) and x.size(-1) == 3 and x.size(0) == 2
    assert repr(x.shape) == "tine.Size([2, 3])" and isinstance(x.shape, tuple) and x.shape.numel() == 6
    assert isinstance(x.shape[1:], tine.Size) and pickle.loads(pickle.dumps(x.shape)) == (2, 3)
    assert x.ndim == x.dim() == 2 and x.numel() == 6 and len(x) == 2 and x.stride() == (3, 1) and x.stride(0) == 3
    assert x.T.shape == (3, 2) and x.nbytes == 24 and x.element_size() == 4
    with pytest.raises(IndexError, match="out of range"):
        x.size(2)
    with pytest.raises(IndexError, match="out of range"):
        x.stride(-3)
    with pytest.raises(TypeError, match="0-d"):
        len(tine.tensor(1))


def test_a_size_is_a_key_like_the_tuple_that_it_equals():
    for shape in ((), (1,), (2, 3), tuple(range(20))):
        size = tine.empty(shape).shape
        assert size == shape and hash(size) == hash(shape) and {shape: "found"}[size] == "found"
        assert hash(tine.Size(shape)) == hash(shape) and {size, tine.Size(shape), shape} == {shape}


def test_size_and_stride_take_dim_by_name_and_none_for_all():
    x = tine.ones(2, 3)
    assert x.size(dim=1) == 3 and x.stride(dim=0) == 3
    assert x.size(None) == x.size(dim=None) == (2, 3) and x.stride(None) == x.stride(dim=None) == (3, 1)
    for wrong in (lambda: x.size(axis=0), lambda: x.size(0, dim=0), lambda: x.stride(0, 1), lambda: x.stride(axis=0)):
        with pytest.raises(TypeError, match="it takes dim|multiple values"):
            wrong()


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_are_single_objects_with_a_name(dtype):
    name = repr(dtype).removeprefix("tine.")
    assert repr(dtype) == f"tine.{dtype.name}" and np.dtype(name).itemsize == dtype.itemsize
    assert pickle.loads(pickle.dumps(dtype)) is dtype and copy.deepcopy(dtype) is dtype
    assert tine.zeros(1, dtype=dtype).dtype is dtype


def test_one_element_converts_to_python_numbers():
    assert float(tine.tensor(2.5)) == 2.5 and int(tine.tensor([3])) == 3 and bool(tine.tensor(0.0)) is False
    assert [10, 20, 30][tine.tensor(1)] == 20 and tine.tensor([[4]]).item() == 4
    assert type(tine.tensor(True).item()) is bool and type(tine.tensor(1).item()) is int
    assert type(tine.tensor(1.0).item()) is float
    for convert in (float, int, Tensor.item):
        with pytest.raises(RuntimeError, match="2 elements"):
            convert(tine.ones(2))
    with pytest.raises(RuntimeError, match="more than one value is ambiguous"):
        bool(tine.ones(2))
    with pytest.raises(RuntimeError, match="no values is ambiguous"):
        bool(tine.ones(0))
    with pytest.raises(TypeError, match="integer tensors"):
        [1][tine.tensor(0.0)]


def test_tolist_follows_strides():
    x = tine.arange(6).view(2, 3)
    assert same(x.t(), [[0, 3], [1, 4], [2, 5]]) and tine.tensor(5).tolist() == 5


def test_iteration_and_containment():
    x = tine.arange(4).view(2, 2)
    assert [row.tolist() for row in x] == [[0, 1], [2, 3]] and 3 in x and 7 not in x
    a, b = x
    assert same(b, [2, 3])
    with pytest.raises(TypeError, match="0-d"):
        iter(tine.tensor(1))


def test_printing_is_pytorchs():
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(1)
    arrays = [
        np.array(3.0, dtype=np.float32), np.array([], dtype=np.float32), np.zeros((2, 0), dtype=np.float32),
        np.array([1.0, 2.0], dtype=np.float32), np.array([0.5, 100.25, -3.0], dtype=np.float32),
        np.array([1e-8, 1.0], dtype=np.float32), np.array([1e10, 1.0], dtype=np.float32),
        np.array([np.nan, np.inf, -np.inf, 1], dtype=np.float32), np.array([True, False]),
        np.arange(10), np.arange(24).reshape(2, 3, 4), np.arange(4, dtype=np.uint8),
        generator.normal(size=(3, 5)).astype(np.float32), generator.normal(size=(4, 4)),
        np.arange(2000), generator.normal(size=(100, 100)).astype(np.float32),
    ]
    for array in arrays:
        ours = repr(tine.tensor(array)).replace("tine.", "torch.")
        assert ours == repr(torch.tensor(array)), array


def test_format_of_one_element_is_that_of_the_number():
    assert f"{tine.tensor(1.23456):.2f}" == "1.23" and f"{tine.ones(1)}" == "tensor([1.])"


# ---- indexing


INDICES = [
    "0", "-1", "1:3", ":", "...", "::2", "1:", ":-1", "5:2", "None", "0, 1", "0, 1, 2", ":, 1", "..., 0", "0, ..., 1",
    "None, 0", ":, None, 1", "1, ::2, -1", "[0, 2]", "[0, 2], 1", ":, [0, 1]", "mask", "index", "index, 1", ":, index",
    "index, index", "..., index", "True", "mask2", "(0, slice(1, 3))", "x_int",
]


@pytest.mark.parametrize("text", INDICES)
def test_indexing_agrees_with_numpy(text):
    array = np.arange(60).reshape(3, 4, 5)
    x = tine.tensor(array)
    mask, mask2, index = array > 17, np.array([True, False, True]), np.array([0, 2])
    plain = {"mask": mask, "mask2": mask2, "index": index, "x_int": np.int64(2)}
    ours = {"mask": tine.tensor(mask), "mask2": tine.tensor(mask2), "index": tine.tensor(index), "x_int": np.int64(2)}
    expected = eval(f"x[{text}]", {"x": array, **plain})
    got = eval(f"x[{text}]", {"x": x, **ours})
    assert got.shape == expected.shape and got.tolist() == expected.tolist()


@pytest.mark.parametrize("text", INDICES)
@pytest.mark.parametrize("value", ["7", "tensor"])
def test_assignment_to_an_index_agrees_with_numpy(text, value):
    array = np.arange(60).reshape(3, 4, 5)
    x = tine.tensor(array)
    mask, mask2, index = array > 17, np.array([True, False, True]), np.array([0, 2])
    plain = {"mask": mask, "mask2": mask2, "index": index, "x_int": np.int64(2)}
    ours = {"mask": tine.tensor(mask), "mask2": tine.tensor(mask2), "index": tine.tensor(index), "x_int": np.int64(2)}
    selected = eval(f"x[{text}]", {"x": array, **plain})
    put = 7 if value == "7" else np.arange(selected.size).reshape(selected.shape)
    exec(f"x[{text}] = v", {"x": array, "v": put, **plain})
    exec(f"x[{text}] = v", {"x": x, "v": put if value == "7" else tine.tensor(put), **ours})
    assert x.tolist() == array.tolist()


def test_basic_indices_are_views_of_the_same_memory():
    x = tine.zeros(2, 3)
    x[0][1] = 5
    x[:, 2][1] = 7
    row = x[0]
    row += 1
    assert same(x, [[1, 6, 1], [0, 0, 7]])
    assert x[...] is not x and x[:].data_ptr() == x.data_ptr()


def test_bad_indices_say_what_is_wrong():
    x = tine.zeros(2, 3)
    with pytest.raises(IndexError, match="2 (is )?out of (range|bounds)"):
        x[2]
    with pytest.raises(IndexError, match="out of (range|bounds)"):
        x[0, -4]
    with pytest.raises(IndexError, match="too many indices"):
        x[0, 0, 0]
    with pytest.raises(IndexError, match="valid indices"):
        x["a"]
    with pytest.raises(IndexError, match="single ellipsis"):
        x[..., ...]
    with pytest.raises(ValueError, match="step must be positive"):
        x[::-1]
    with pytest.raises(TypeError, match="can't be deleted"):
        del x[0]
    with pytest.raises(IndexError):
        x[2**70]


# ---- memory shared with NumPy and others


def test_numpy_and_from_numpy_share_memory_and_keep_it_alive():
    array = np.zeros((2, 3), dtype=np.float32)
    x = tine.from_numpy(array)
    x[0, 1] = 5
    array[1, 2] = 7
    assert array[0, 1] == 5 and x[1, 2].item() == 7
    back = x.numpy()
    back[0, 0] = 9
    assert array[0, 0] == 9
    reference = weakref.ref(array)
    del array, back
    gc.collect()
    assert reference() is not None and x[0, 0].item() == 9
    kept = tine.ones(3).numpy()
    gc.collect()
    assert kept.tolist() == [1, 1, 1]
    del x
    gc.collect()
    assert reference() is None


def test_strides_go_both_ways():
    array = np.arange(12.0).reshape(3, 4)
    assert same(tine.from_numpy(array[:, ::2]), array[:, ::2].tolist())
    assert tine.from_numpy(array.T).numpy().tolist() == array.T.tolist()
    assert tine.arange(6).view(2, 3).t().numpy().strides == (8, 24)
    with pytest.raises(ValueError, match="negative stride"):
        tine.from_numpy(array[::-1])


def test_from_numpy_refuses_what_it_has_no_dtype_for():
    with pytest.raises(TypeError, match="int32|format"):
        tine.from_numpy(np.zeros(2, dtype=np.int32))
    with pytest.raises(TypeError, match=r"expected np.ndarray \(got list\)"):
        tine.from_numpy([1])


def test_asarray_and_buffers():
    x = tine.arange(4)
    assert np.asarray(x).tolist() == [0, 1, 2, 3] and np.asarray(x, dtype=np.float32).dtype == np.float32
    view = memoryview(x)
    assert view.format == "q" and view.shape == (4,) and view.tolist() == [0, 1, 2, 3]
    assert np.asarray(tine.tensor(2.0)).shape == ()
    with pytest.raises(BufferError, match="contiguous"):
        hashlib.sha1(tine.arange(6).view(2, 3).t())


def test_arrays_lent_as_read_only_stay_so():
    array = np.zeros(3)
    array.flags.writeable = False
    x = tine.from_numpy(array)
    with pytest.raises((RuntimeError, ValueError), match="read-only"):
        x[0] = 1
    assert array[0] == 0 and not x.numpy().flags.writeable


def test_dlpack_shares_memory_both_ways():
    x = tine.arange(6).view(2, 3)
    assert x.__dlpack_device__() == (1, 0)
    assert np.from_dlpack(x).tolist() == x.tolist()
    back = tine.from_dlpack(x)
    back[0, 0] = 9
    assert x[0, 0].item() == 9
    array = np.arange(4.0)
    y = tine.from_dlpack(array)
    array[0] = 5
    assert y[0].item() == 5
    capsule = x.__dlpack__()
    tine.from_dlpack(capsule)
    with pytest.raises(ValueError, match="used already"):
        tine.from_dlpack(capsule)
    with pytest.raises(TypeError, match="__dlpack__"):
        tine.from_dlpack(3)
    x.__dlpack__()  # never taken up: freed with the capsule


# ---- objects


def test_one_tensor_is_shown_by_one_object():
    x = tine.ones(2)
    assert x.add_(1) is x and tine.Tensor.add_(x, 1) is x and x.to(tine.float32) is x and x.contiguous() is x
    assert hash(x) == hash(x) and {x: 1}[x] == 1


def test_tensors_pickle_with_every_protocol_and_beside_the_stream():
    for dtype in DTYPES:
        x = tine.tensor([[0, 1, 1], [1, 0, 1]]).to(dtype)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            for original in (x, x.t(), x[0, 0], x[:, :0]):
                back = pickle.loads(pickle.dumps(original, protocol))
                assert back.dtype is dtype and back.shape == original.shape and back.tolist() == original.tolist()
    buffers = []
    x = tine.arange(1000)
    text = pickle.dumps(x, 5, buffer_callback=buffers.append)
    assert len(text) < 500 and len(buffers) == 1
    memory = bytearray(buffers[0])
    back = pickle.loads(text, buffers=[memory])
    assert same(back, list(range(1000)))
    memory[0] = 7
    assert back[0].item() == 7


def test_a_pickle_whose_size_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="8 bytes came with 3"):
        tine._C._rebuild_tensor(Tensor, b"abc", (2,), tine.float32)
    with pytest.raises(ValueError, match="impossible shape"):
        tine._C._rebuild_tensor(Tensor, b"abc", (2**62, 2**62), tine.float32)
    with pytest.raises(ValueError, match="impossible shape"):
        tine._C._rebuild_tensor(Tensor, b"abc", (-1,), tine.float32)


def test_copies():
    x = tine.ones(2)
    shallow, deep = copy.copy(x), copy.deepcopy(x)
    x += 1
    assert same(shallow, [2, 2]) and same(deep, [1, 1])
    pair = copy.deepcopy([x, x])
    assert pair[0] is pair[1]


def test_subclasses_keep_their_type_and_attributes():
    class Parameter(Tensor):
        pass

    x = tine.ones(2)
    p = Parameter(x)
    p.name = "weight"
    p += 1
    assert type(p) is Parameter and same(x, [2, 2]) and type(p + 1) is Tensor and p.name == "weight"
    assert type(copy.deepcopy(p)) is Parameter
    reference = weakref.ref(p)
    p.me = p
    del p
    gc.collect()
    assert reference() is None


def test_tensors_take_weak_references_and_methods():
    x = tine.ones(2)
    reference = weakref.ref(x)
    Tensor.twice = lambda self: self * 2
    try:
        assert same(x.twice(), [2, 2])
    finally:
        del Tensor.twice
    del x
    assert reference() is None


def test_there_are_no_gradients():
    x = tine.ones(2)
    assert x.requires_grad is False and x.grad is None and x.requires_grad_(False) is x
    x.requires_grad = False
    with pytest.raises(NotImplementedError, match="differentiation"):
        x.requires_grad = True
    with tine.no_grad(), tine.inference_mode(), tine.enable_grad(), tine.set_grad_enabled(False):
        assert not tine.is_grad_enabled()

    @tine.no_grad()
    def plain(a, b=1):
        return a + b

    @tine.no_grad
    def bare(a):
        "says so"
        return a

    class Holder:
        @tine.no_grad()
        def method(self, a):
            return a

        @tine.no_grad
        def bare_method(self, a):
            return a

    assert plain(1, b=2) == 3 and bare(4) == 4 and bare.__doc__ == "says so"
    assert Holder().method(5) == 5 and Holder().bare_method(6) == 6


def test_devices():
    assert tine.device("cpu") == "cpu" == tine.ones(1).device and repr(tine.device("cpu")) == "device(type='cpu')"
    assert tine.device("cpu", 0).index == 0 and tine.device("cpu").type == "cpu"
    assert tine.zeros(1, device=tine.device("cpu")).to("cpu").shape == (1,)
    with pytest.raises(ValueError, match="cuda"):
        tine.device("cuda")
    with pytest.raises(ValueError, match="cuda"):
        tine.zeros(1, device="cuda")


# ---- builtins


def test_builtins_know_their_name_their_rows_and_pickle_by_name():
    assert tine.add.__name__ == "add" and tine.add.op_name == "aten::add" and tine.add.__module__ == "tine"
    assert pickle.loads(pickle.dumps(tine.add)) is tine.add
    assert pickle.loads(pickle.dumps(Tensor.add)) is Tensor.add
    assert "aten::add.Tensor(Tensor self" in tine.add.__doc__ and tine.add.schemas[0].startswith("aten::add.Tensor(")
    assert list(inspect.signature(tine.relu).parameters) == ["input"]
    assert str(inspect.signature(tine.view)) == "(input, *size)" and str(inspect.signature(Tensor.view)) == "(self, *size)"
    assert "view(input, *size)\n" in pydoc.render_doc(tine.view, renderer=pydoc.plaintext)
    assert repr(tine.add) == "<built-in operator aten::add>"


def test_a_builtin_in_a_class_does_not_bind_and_a_method_does():
    class Net:
        activation = tine.relu

    assert same(Net().activation(tine.tensor([-1.0, 1.0])), [0, 1])
    bound = tine.tensor([-1.0, 1.0]).relu
    assert same(bound(), [0, 1])


def test_every_operator_on_a_tensor_is_a_method_too():
    missing = []
    for name in tine._C._operators:
        function = getattr(tine._C, name)
        takes_self = any("(Tensor self" in s or "(Tensor(a) self" in s or "(Tensor(a!) self" in s for s in function.schemas)
        if takes_self and not hasattr(Tensor, name):
            missing.append(name)
    assert not missing


# ---- random numbers, threads


def test_manual_seed_repeats_random_numbers():
    tine.manual_seed(7)
    first = [tine.rand(5).tolist(), tine.randn(5).tolist(), tine.randint(0, 9, (5,)).tolist()]
    tine.manual_seed(7)
    assert first == [tine.rand(5).tolist(), tine.randn(5).tolist(), tine.randint(0, 9, (5,)).tolist()]
    tine.manual_seed(-1)
    tine.manual_seed(2**64 - 1)


def test_threads_may_be_set_and_are_checked():
    before = tine.get_num_threads()
    try:
        tine.set_num_threads(3)
        assert tine.get_num_threads() == 3
        with pytest.raises(ValueError, match="1 and 1024"):
            tine.set_num_threads(0)
    finally:
        tine.set_num_threads(before)


def test_large_operators_let_other_threads_run():
    x = tine.rand(1000, 1000)
    results = []
    threads = [threading.Thread(target=lambda: results.append((x @ x + x).sum().item())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and max(results) - min(results) <= 1e-4 * abs(results[0])


def test_tensors_shared_over_threads_are_counted_right():
    x = tine.ones(4)

    def work():
        for _ in range(2000):
            y = x + 1
            assert y[0].item() == 2 and x.view(2, 2).sum().item() == 4

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ---- the package


def test_import_needs_neither_numpy_nor_inspect():
    code = "import sys, tine; print(sorted({'numpy', 'inspect', 'asyncio', 'typing'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("make, number", [
    (lambda: tine.zeros(2, dtype=tine.uint8), 300), (lambda: tine.zeros(2, dtype=tine.uint8), -300),
    (lambda: tine.zeros(2, dtype=tine.uint8), 255.5), (lambda: tine.zeros(2, dtype=tine.uint8), -0.5),
    (lambda: tine.zeros(2, dtype=tine.int64), float("nan")), (lambda: tine.zeros(2, dtype=tine.int64), float("inf")),
    (lambda: tine.zeros(2, dtype=tine.int64), 1e30), (lambda: tine.zeros(2), 1e300)])
def test_a_number_that_no_element_can_hold_is_refused(make, number):
    x = make()
    index, mask = tine.tensor([0]), tine.tensor([True, False])
    stores = [lambda: x.fill_(number), lambda: x.__setitem__(0, number), lambda: x.__setitem__(index, number),
              lambda: x.__setitem__(mask, number), lambda: tine.full_like(x, number), lambda: tine.full((2,), number, dtype=x.dtype)]
    if x.dtype != tine.float32:
        stores += [lambda: tine.tensor(number, dtype=x.dtype), lambda: x.masked_fill(mask, number)]
    if x.dtype == tine.uint8 and isinstance(number, int) or x.dtype == tine.float32:
        stores += [lambda: x.clamp(max=number), lambda: x.clamp(number)]
    kind = type(number).__name__
    f = tine.jit.CompilationUnit(f"def f(x, i, v: {kind}):\n    x[i] = v\n    return x\n").f
    g = tine.jit.CompilationUnit(f"def f(x, v: {kind}):\n    x[0] = v\n    return x\n").f
    for store in [*stores, lambda: f(x, index, number), lambda: g(x, number)]:
        with pytest.raises(RuntimeError, match="value cannot be converted to type .* without overflow"):
            store()
    assert x.tolist() == [0, 0]


def test_numbers_wrap_and_are_cut_where_pytorch_does():
    assert tine.tensor([-1, 255], dtype=tine.uint8).tolist() == [255, 255]
    assert tine.zeros(1, dtype=tine.int64).fill_(2.7).item() == 2 and tine.zeros(1).fill_(float("inf")).item() == float("inf")
    assert (tine.tensor([1], dtype=tine.uint8) + 300).item() == 45 and (tine.zeros(1) + 1e300).item() == float("inf")
