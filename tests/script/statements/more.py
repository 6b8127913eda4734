# Small programs: more. test_statements.py says how they are written.
# --- item_arg
def g(a: int) -> int:
    return a
def f(x: Tensor) -> int:
    return g(x.item())
# f(torch.tensor(2)) => 2
# --- tensor_arg_int
def g(a: int) -> int:
    return a
def f(x: Tensor) -> int:
    return g(x)
# f(torch.tensor(2)) => 2
# f(torch.tensor(2.5)) raises TypeError: Cannot input a tensor of type float32 as an integral argument
# --- tensor_arg_float
def g(a: float) -> float:
    return a
def f(x: Tensor) -> float:
    return g(x)
# f(torch.tensor(2.5)) => 2.5
# f(torch.tensor(2)) => 2.0
# --- tensor_return_int
def f(x: Tensor) -> int:
    return x
# f(torch.tensor(2)) => 2
# --- tensor_range
def f(x: Tensor) -> int:
    s = 0
    for i in range(x):  ### 20: `range` takes ints, not Tensor
        s += i
    return s
# --- tensor_list_index
def f(x: Tensor, xs: List[int]) -> int:
    return xs[x]
# f(torch.tensor(0), [4]) => 4
# --- tensor_view_arg
def f(x: Tensor, n: Tensor) -> Tensor:
    return x.view(n, 2)  ### 12: `view` does not take (Tensor, Tensor, int): expected List[int] for `size`, got Tensor
# PyTorch: tensor([[0, 1], [2, 3]]):int64
# --- tensor_zeros
def f(n: Tensor) -> Tensor:
    return torch.zeros(n)  ### 12: `torch.zeros` does not take (Tensor): expected List[int] for `size`, got Tensor
# PyTorch: tensor([0.0, 0.0])
# --- tensor_assign_int
def f(n: Tensor) -> int:
    a: int = n  ### 14: `a` is declared as int, but this is Tensor
    return a
# --- tensor_min_int
def f(n: Tensor) -> int:
    return min(n, 3)  ### 12: `f` is declared to return int, but this is NamedTuple(values : Tensor, indices : Tensor)
# PyTorch: 2
# --- list_append_item
def f(n: Tensor) -> List[int]:
    a: List[int] = []
    a.append(n.item())
    return a
# f(torch.tensor(2)) => [2]
# --- int_to_float_arg
def g(a: float) -> float:
    return a
def f(n: int) -> float:
    return g(n)
# f(3) => 3.0
# --- named_modules
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(nn.ReLU())
    def forward(self) -> str:
        s = ""
        for n, m in self.named_modules():
            s += n + ";"
        return s
# f() => ';a;a.0;'
# --- named_buffers
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("w", torch.ones(2))
    def forward(self) -> str:
        s = ""
        for n, p in self.named_buffers():
            s = s + n
        return s
# f() => 'w'
# --- children_list
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.ReLU()
        self.k = 4
        self.b = nn.ReLU()
    def forward(self, x: Tensor) -> int:
        n = 0
        for i, m in enumerate(self.children()):
            x = m(x)
            n += i + 1
        return n
# f(torch.ones(1)) => 3
# --- zip_value
def f(a: List[int], b: List[int]) -> int:
    z = zip(a, b)
    s = 0
    for x, y in z:
        s += x * y
    return s
# f([1, 2], [3, 4]) => 11
# --- enumerate_value
def f(a: List[int]) -> int:
    z = enumerate(a)
    s = 0
    for x, y in z:
        s += x * y
    return s
# f([1, 2]) => 2
# --- range_len
def f(n: int) -> int:
    return len(range(n))
# f(4) => 4
# --- range_index
def f(n: int) -> int:
    r = range(n)
    return r[2]
# f(4) => 2
# --- range_in
def f(n: int) -> bool:
    return n in range(10)
# f(4) => True
# --- tuple_eq_float
def f(a: Tuple[float, int], b: Tuple[float, int]) -> bool:
    return a == b
# f((1.0, 2), (1.0, 2)) => True
# --- tuple_eq_str
def f(a: Tuple[str, str], b: Tuple[str, str]) -> bool:
    return a == b
# f(("1.0", "a"), ("1.0", "a")) => True
# --- tuple_eq_three
def f(a: Tuple[int, int, int]) -> bool:
    return a == (1, 2, 3)
# f((1, 2, 3)) => True
# --- is_int
def f(a: int, b: int) -> bool:
    return a is b
# f(1000, 1000) => True
# --- is_str
def f(a: str, b: str) -> bool:
    return a is b
# f("ab", "ab") => True
# PyTorch: False
# --- is_float
def f(a: float, b: float) -> bool:
    return a is b
# f(1.5, 1.5) => True
# --- is_tuple
def f(a: Tuple[int, int]) -> bool:
    b = a
    return a is b
# f((1, 2)) => True
# --- is_dict
def f(a: Dict[str, int]) -> bool:
    b = a
    return a is not b
# f({}) => False
# --- is_optional
def f(a: Optional[Tensor], b: Optional[Tensor]) -> bool:
    return a is b
# f(None, None) => True
# --- is_optional_bool
def f(a: Optional[bool]) -> bool:
    return a is True
# f(True) => True
# f(None) => False
# --- find_neg_end
def f(s: str) -> List[int]:
    return [s.find("d", 0, -1), s.find("c", 0, -2), s.rfind("d", 0, -1), s.count("d", 0, -1)]
# f("abcd") => [-1, -1, -1, 0]
# PyTorch: [3, 2, 3, 1]
# --- find_neg_start
def f(s: str) -> List[int]:
    return [s.find("a", -2), s.find("d", -2), s.find("a", 9), s.find("", 2), s.find("", 9), s.rfind("", 1)]
# f("abcd") => [-1, 3, -1, 2, -1, 4]
# PyTorch: [-1, 3, -1, 2, 9, 4]
# --- str_partition2
def f(s: str) -> Tuple[str, str, str]:
    return s.partition("")
# f("a-b") raises ValueError: empty separator
# PyTorch: ('', '', 'a-b')
# --- str_center2
def f(s: str) -> List[str]:
    return [s.center(5), s.center(6), s.center(2)]
# f("abc") => [' abc ', ' abc  ', 'abc']
# f("ab") => ['  ab ', '  ab  ', 'ab']
# --- str_center_fill
def f(s: str) -> str:
    return s.center(5, "ab")
# f("abc") raises TypeError: The fill character must be exactly one character long
# --- str_rsplit2
def f(s: str) -> List[List[str]]:
    return [s.rsplit(), s.rsplit(None, 1), s.rsplit(" ", 1), s.rsplit(" ", 0)]
# f(" a b  c ") => [['a', 'b', 'c'], [' a b', 'c'], [' a b  c', ''], [' a b  c ']]
# --- str_expandtabs2
def f(s: str) -> List[str]:
    return [s.expandtabs(4), s.expandtabs(0), s.expandtabs(1)]
# f("ab\tcd\n\tx") => ['ab  cd\n    x', 'abcd\nx', 'ab cd\n x']
# PyTorch: ['ab  cd\n x', 'abcd\nx', 'ab cd\n x']
# --- str_swap
def f(s: str) -> str:
    return s.swapcase() + s.title() + s.capitalize()
# f("hello woRLD 1ab x'y") => "HELLO WOrld 1AB X'YHello World 1Ab X'YHello world 1ab x'y"
# --- str_endswith2
def f(s: str) -> List[bool]:
    return [s.endswith("c", 1), s.endswith("b", 0, -1), s.startswith("b", 1, 2), s.startswith("", 9), s.startswith("bc", 1, 2)]
# f("abc") => [True, True, True, False, False]
# PyTorch: an error
# --- percent_dict
def f(d: Dict[str, int]) -> str:
    return "%s" % d
# f({"a": 1}) => "{'a': 1}"
# PyTorch: '{a: 1}'
# --- percent_s_str_list
def f(d: List[str]) -> str:
    return "%s" % d
# f(["a"]) => "['a']"
# PyTorch: '[a]'
# --- percent_flags
def f(x: int) -> str:
    return "%05d" % x
# f(3) => '00003'
# PyTorch: an error
# --- percent_x_only
def f() -> str:
    return "100%" % ()
# f() raises ValueError: incomplete format
# --- percent_none
def f(x: Optional[int]) -> str:
    return "%s" % x
# f(None) => 'None'
# --- percent_d_str
def f(x: str) -> str:
    return "%d" % x
# f("a") raises TypeError: %d format: a real number is required, not str
# --- frexp_etc
def f(x: float) -> List[float]:
    a, b = math.frexp(x)
    c, d = math.modf(x)
    return [a, float(b), c, d, math.ldexp(x, -2)]
# f(-2.75) => [-0.6875, 2.0, -0.75, -2.0, -0.6875]
# f(0.0) => [0.0, 0.0, 0.0, 0.0, 0.0]
# --- hash_more
def f(s: str, x: float) -> Tuple[bool, bool]:
    return hash(s) == hash(s), hash(x) == hash(2.5)
# f("a", 2.5) => (True, True)
# --- hash_tensor
def f(x: Tensor) -> bool:
    return hash(x) == hash(x)
# f(torch.ones(1)) => True
# --- getattr_default_module
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.ReLU()
    def forward(self, x: Tensor) -> Tensor:
        m = getattr(self, "a")
        return m(x)
# f(torch.ones(1)) => tensor([1.0])
# --- getattr_tensor
def f(x: Tensor) -> bool:
    return getattr(x, "requires_grad")
# f(torch.ones(1)) => False
# --- hasattr_tuple
def f(x: int) -> bool:
    return hasattr(x, "foo")  ### 20: `hasattr` takes a module here, not int
# --- hasattr_method
class M(nn.Module):
    def g(self) -> int:
        return 1
    def forward(self) -> Tuple[bool, bool]:
        return hasattr(self, "g"), hasattr(self, "h")
# f() => (True, False)
# --- slice_step
def f(xs: List[int]) -> List[int]:
    return xs[slice(0, 3, 2)]
# f([1, 2, 3]) => [1, 3]
# --- slice_var
def f(xs: List[int]) -> List[int]:
    s = slice(1, 2)  ### 9: `slice(...)` can only be used as an index in scripts
    return xs[s]
# PyTorch: [2]
# --- slice_none
def f(xs: List[int]) -> List[int]:
    return xs[slice(None, 2)]
# f([1, 2, 3]) => [1, 2]
# --- slice_str
def f(xs: str) -> str:
    return xs[slice(2)]
# f("abc") => 'ab'
# --- bool_tensor_key
def f(x: Tensor) -> Dict[Tensor, int]:  ### 21: the keys of a dict must be str, int, float, bool or an enum, not Tensor
    d: Dict[Tensor, int] = {}
    d[x] = 1
    return d
# PyTorch: {tensor([1.0]): 1}
# --- print_kw
def f(x: int) -> None:
    print("a", x, "b", [1.0, 2.5], (1, 2.0), {"a": 1.5}, None, True)
# f(1) prints "a 1 b [1.0, 2.5] (1, 2.0) {'a': 1.5} None True\n"
# PyTorch: 'a 1 b [1., 2.5] (1, 2.) {a: 1.5} None True\n'
# --- neg_tuple_index
def f(t: Tuple[int, str]) -> str:
    return t[-1]
# f((1, "b")) => 'b'
# --- min_of_two_lists
def f(a: List[float], b: List[float]) -> List[float]:
    return min(a, b)
# f([1.0, 5.0], [2.0]) => [1.0, 5.0]
# --- max_tuple_mixed
def f(a: int, b: float) -> float:
    return max((a, 2))
# f(1, 2.5) => 2.0
# --- sum_tuple
def f(a: int) -> int:
    return sum((a, 2))
# f(1) => 3
# --- any_tuple
def f(a: bool) -> bool:
    return any((a, False)) and all((a, True))
# f(True) => True
# --- sorted_tuple
def f(a: int) -> List[int]:
    return sorted((a, 2))
# f(5) => [2, 5]
# --- join_tuple
def f(a: str) -> str:
    return ",".join((a, "b"))
# f("x") => 'x,b'
# --- list_contains_tensor
def f(a: Tensor, xs: List[Tensor]) -> bool:
    return a in xs
# f(torch.ones(1), [torch.ones(1)]) => True
# --- in_list_float
def f(a: float, xs: List[float]) -> bool:
    return a in xs
# f(1.0, [1.0]) => True
# --- in_dict
def f(a: str, d: Dict[str, int]) -> bool:
    return a not in d
# f("a", {"a": 1}) => False
