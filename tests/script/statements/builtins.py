# Small programs: builtins. test_statements.py says how they are written.
# --- hex_oct_bin
def f(x: int) -> str:
    return hex(x) + oct(x) + bin(x)
# f(255) => '0xff0o3770b11111111'
# f(-10) => '-0xa-0o12-0b1010'
# f(0) => '0x00o00b0'
# --- hash_int
def f(x: int) -> int:
    return hash(x)
# f(7) => 7
# --- hash_str
def f(x: str) -> bool:
    return hash(x) == hash("a" + "b")
# f("ab") => True
# --- hash_float
def f(x: float) -> bool:
    return hash(x) == hash(x)
# f(2.5) => True
# --- chr_ord
def f(x: int) -> Tuple[str, int]:
    return chr(x), ord("a")
# f(98) => ('b', 97)
# --- id
def f(x: Tensor) -> bool:
    return id(x) == id(x)  ### 12: objects have no identity in scripts
# --- filter
def f(xs: List[int]) -> List[int]:
    return list(filter(lambda x: x > 1, xs))  ### 24: `lambda` is not supported in scripts; define a function and pass its name
# --- map
def f(xs: List[int]) -> List[int]:
    return list(map(lambda x: x + 1, xs))  ### 21: `lambda` is not supported in scripts; define a function and pass its name
# --- abs_all
def f(x: int, y: float) -> Tuple[int, float]:
    return abs(x), abs(y)
# f(-1, -2.5) => (1, 2.5)
# --- abs_tensor
def f(x: Tensor) -> Tensor:
    return abs(x)
# f(torch.tensor([-1.0])) => tensor([1.0])
# --- round1
def f(x: float) -> float:
    return round(x)
# f(2.5) => 2.0
# f(3.5) => 4.0
# --- round_digits
def f(x: float) -> float:
    return round(x, 2)  ### 12: no form of `round` takes (float, int); there are:
# --- round_int
def f(x: int) -> int:
    return int(round(x))
# f(3) => 3
# --- pow2
def f(x: int, y: float) -> Tuple[float, float]:
    return pow(x, 2), pow(y, 0.5)
# f(3, 4.0) => (9.0, 2.0)
# --- divmod_int
def f(x: int, y: int) -> Tuple[int, int]:
    return divmod(x, y)
# f(-7, 2) => (-4, 1)
# f(1, 0) raises ZeroDivisionError: integer division or modulo by zero
# --- divmod_float
def f(x: float, y: float) -> Tuple[float, float]:
    return divmod(x, y)
# f(-7.5, 2.0) => (-4.0, 0.5)
# --- min_max
def f(a: int, b: int, c: int) -> Tuple[int, int]:
    return min(a, b, c), max(a, b, c)
# f(3, 1, 2) => (1, 3)
# --- min_max_float_int
def f(a: int, b: float) -> float:
    return max(a, b)
# f(3, 1.5) => 3.0
# --- max_list
def f(a: List[float]) -> Tuple[float, float]:
    return max(a), min(a)
# f([1.0, 2.0]) => (2.0, 1.0)
# f([]) raises ValueError: max() arg is an empty sequence
# --- max_tensors
def f(a: Tensor, b: Tensor) -> Tensor:
    return max(a, b)
# f(torch.tensor(1), torch.tensor(2)) => tensor(2):int64
# --- max_two_lists
def f(a: List[int], b: List[int]) -> List[int]:
    return max(a, b)
# f([1], [2]) => [2]
# --- max_str
def f(a: List[str]) -> str:
    return max(a)
# f(["a", "b"]) => 'b'
# --- min_tuple
def f(t: Tuple[int, int]) -> int:
    return min(t)
# f((2, 1)) => 1
# --- max_key
def f(xs: List[int]) -> int:
    return max(xs, default=0)  ### 12: no form of `max` takes (List[int], default=int); there are:
# --- sum_list
def f(a: List[int], b: List[float]) -> Tuple[int, float]:
    return sum(a), sum(b)
# f([1, 2], [1.5]) => (3, 1.5)
# --- any_all_lists
def f(a: List[bool]) -> Tuple[bool, bool]:
    return any(a), all(a)
# f([True, False]) => (True, False)
# --- any_ints
def f(a: List[int]) -> bool:
    return any(a)
# f([0, 1]) => True
# --- any_tensor
def f(a: Tensor) -> bool:
    return bool(torch.any(a > 1))
# f(torch.tensor([1, 2])) => True
# --- bool_of
def f(x: int, y: float, s: str) -> List[bool]:
    return [bool(x), bool(y), bool(s), bool()]
# f(1, 0.0, "a") => [True, False, True, False]
# --- bool_of_list
def f(xs: List[int]) -> bool:
    return bool(xs)
# f([1]) => True
# --- int_of
def f(y: float, b: bool) -> List[int]:
    return [int(y), int(b), int()]
# f(2.7, True) => [2, 1, 0]
# --- float_of
def f(y: int, b: bool) -> List[float]:
    return [float(y), float(b), float("inf"), float()]
# f(2, True) => [2.0, 1.0, inf, 0.0]
# --- int_of_tensor
def f(x: Tensor) -> int:
    return int(x)
# f(torch.tensor(2.7)) => 2
# --- isinstance_simple
def f(x: int) -> bool:
    return isinstance(x, int)
# f(1) => True
# --- isinstance_list
def f(x: List[int]) -> Tuple[bool, bool]:
    return isinstance(x, list), isinstance(x, List[int])
# f([1]) => (True, True)
# --- isinstance_tuple
def f(x: Tuple[int, int]) -> bool:
    return isinstance(x, tuple)
# f((1, 2)) => True
# --- isinstance_dict
def f(x: Dict[str, int]) -> bool:
    return isinstance(x, dict)
# f({}) => True
# --- isinstance_several
def f(x: List[int]) -> bool:
    return isinstance(x, (list, tuple))
# f([1]) => True
# --- isinstance_tensor
def f(x: Tensor) -> bool:
    return isinstance(x, torch.Tensor)
# f(torch.ones(1)) => True
# --- isinstance_optional
def f(x: Optional[List[int]]) -> int:
    if isinstance(x, list):
        return len(x)
    return -1
# f([1]) => 1
# f(None) => -1
# --- isinstance_str
def f(x: str) -> bool:
    return isinstance(x, (int, str))
# f("a") => True
# --- isinstance_any
def f(x: Any) -> int:
    if isinstance(x, int):
        return x + 1
    elif isinstance(x, str):
        return len(x)
    return 0
# f(1) => 2
# f("abc") => 3
# f(2.5) => 0
# --- isinstance_any_list
def f(x: Any) -> int:
    if isinstance(x, List[int]):
        return x[0]
    return 0
# f([5]) => 5
# --- isinstance_any_bare_list
def f(x: Any) -> bool:
    return isinstance(x, list)
# f([5]) => True
# --- isinstance_any_tuple
def f(x: Any) -> bool:
    return isinstance(x, (tuple, dict))  ### 12: an Any cannot be asked whether it is a tuple of whatever elements; name their types, as in `Tuple[int, str]`
# --- isinstance_none
def f(x: Optional[int]) -> bool:
    return isinstance(x, type(None))  ### 26: expected a type, as in `int`, `Tensor`, `List[int]` or `Optional[str]`
# --- isinstance_float
def f(x: float) -> bool:
    return isinstance(x, float) and not isinstance(x, int)
# f(1.0) => True
# --- type_of
def f(x: int) -> bool:
    return type(x) == int  ### 12: `type` is not supported in scripts; use `isinstance`
# --- getattr_module
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = 5
    def forward(self) -> int:
        return getattr(self, "a")
# f() => 5
# --- getattr_default
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = 5
    def forward(self) -> int:
        return getattr(self, "b", 7)
# f() => 7
# --- hasattr_module
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = 5
    def forward(self) -> int:
        if hasattr(self, "b"):
            return self.b
        return self.a
# f() => 5
# --- hasattr_tensor
def f(x: Tensor) -> bool:
    return hasattr(x, "foo")  ### 20: `hasattr` takes a module here, not Tensor
# --- setattr
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = 5
    def forward(self) -> int:
        setattr(self, "a", 6)  ### 9: `setattr` is not supported in scripts; assign to the attribute
        return self.a
# --- slice_builtin
def f(xs: List[int]) -> List[int]:
    return xs[slice(1, 2)]
# f([1, 2, 3]) => [2]
# --- slice_tensor
def f(x: Tensor) -> Tensor:
    return x[slice(1, 2), slice(None)]
# f(torch.arange(6).view(3, 2)) => tensor([[2, 3]]):int64
# --- complex_number
def f(x: float) -> float:
    return complex(x, 1.0).real  ### 12: complex numbers are not supported in scripts
# --- ascii
def f(x: str) -> str:
    return ascii(x)  ### 12: `ascii` is not available yet in scripts
# --- callable
def f(x: int) -> bool:
    return callable(x)  ### 12: `callable` is not supported in scripts; types are known ahead
# --- len_tensor
def f(x: Tensor) -> int:
    return len(x)
# f(torch.ones(3)) => 3
# --- print_things
def f(x: Tensor, xs: List[int], d: Dict[str, int]) -> None:
    print(1, 2.5, True, None, "a", xs, d, (1, "b"))
# f(torch.ones(1), [1], {"a": 1}) prints "1 2.5 True None a [1] {'a': 1} (1, 'b')\n"
# PyTorch: '1 2.5 True None a [1] {a: 1} (1, b)\n'
# --- print_nothing
def f() -> None:
    print()
# f() prints '\n'
# --- print_tensor
def f(x: Tensor) -> None:
    print(x)
# f(torch.tensor([1, 2])) prints 'tensor([1, 2])\n'
# PyTorch: ' 1\n 2\n[ CPULongType{2} ]\n'
# --- print_sep
def f() -> None:
    print(1, 2, sep=",")  ### 17: `print` takes no keyword `sep` in scripts; write an f-string
# --- print_end
def f() -> None:
    print(1, 2, end="")  ### 17: `print` takes no keyword `end` in scripts; write an f-string
# --- print_fstring
def f(x: int) -> None:
    print(f"x = {x}")
# f(3) prints 'x = 3\n'
# --- print_module
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([nn.ReLU()])
    def forward(self) -> None:
        print(len(self.ms))
# f() prints '1\n'
# --- print_shape
def f(x: Tensor) -> None:
    print(x.shape, x.dtype, x.device)
# f(torch.ones(2)) prints '[2] 6 cpu\n'
# --- print_list_of_tensors
def f(x: Tensor) -> None:
    print([x, x])
# f(torch.ones(1)) prints '[tensor([1.]), tensor([1.])]\n'
# PyTorch: '[ 1\n[ CPUFloatType{1} ],  1\n[ CPUFloatType{1} ]]\n'
# --- print_list_of_str
def f() -> None:
    print(["a", "b"], [1.5], [True], [None])
# f() prints "['a', 'b'] [1.5] [True] [None]\n"
# PyTorch: '[a, b] [1.5] [True] [None]\n'
