# Small programs: loops. test_statements.py says how they are written.
# --- loop_mixed_tuple
def f(t: Tuple[int, str, float]) -> str:
    s = ""
    for x in t:
        s += str(x)
    return s
# f((1, "a", 2.5)) => '1a2.5'
# --- loop_mixed_tuple_enumerate
def f(t: Tuple[int, str]) -> str:
    s = ""
    for i, x in enumerate(t):
        s += str(i) + str(x)
    return s
# f((1, "a")) => '011a'
# --- loop_tuple_zip
def f(t: Tuple[int, float], u: Tuple[str, int]) -> str:
    s = ""
    for a, b in zip(t, u):
        s += str(a) + str(b)
    return s
# f((1, 2.5), ("x", 3)) => '1x2.53'
# --- loop_tuple_zip_list
def f(t: Tuple[int, str], u: List[int]) -> str:
    s = ""
    for a, b in zip(t, u):
        s += str(a) + str(b)
    return s
# f((1, "q"), [5, 6]) => '15q6'
# --- loop_literal_tuple
def f() -> int:
    s = 0
    for x in (1, 2, 3):
        s += x
    return s
# f() => 6
# --- loop_tuple_break
def f(t: Tuple[int, int, int]) -> int:
    s = 0
    for x in t:
        if x == 2:
            break
        s += x
    return s
# f((1, 2, 3)) => 1
# --- loop_tuple_of_functions_types
def f(x: Tensor) -> Tensor:
    for d in (0, -1):
        x = x.sum(d, keepdim=True)
    return x
# f(torch.ones(2, 2)) => tensor([[4.0]])
# --- loop_modulelist
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([Plus(), Twice()])
    def forward(self, x: Tensor) -> Tensor:
        for m in self.ms:
            x = m(x)
        return x
# f(torch.tensor([3.0])) => tensor([8.0])
# --- loop_modulelist_enumerate
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([Plus(), Twice()])
    def forward(self, x: Tensor) -> Tensor:
        for i, m in enumerate(self.ms):
            x = m(x) + 10 * i
        return x
# f(torch.tensor([3.0])) => tensor([18.0])
# --- loop_modulelist_zip
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([Plus(), Twice()])
        self.ns = nn.ModuleList([Twice(), Plus()])
    def forward(self, x: Tensor) -> Tensor:
        for m, n in zip(self.ms, self.ns):
            x = 10 * m(x) + n(x)
        return x
# f(torch.tensor([3.0])) => tensor([967.0])
# --- loop_modulelist_zip_list
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([Plus(), Twice()])
    def forward(self, xs: List[Tensor]) -> Tensor:
        s = torch.zeros(1)
        for m, x in zip(self.ms, xs):
            s = 10 * s + m(x)
        return s
# f([torch.tensor([3.0]), torch.tensor([5.0])]) => tensor([50.0])
# --- loop_moduledict_items
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleDict({"a": Plus(), "b": Twice()})
    def forward(self, x: Tensor) -> Dict[str, Tensor]:
        out: Dict[str, Tensor] = {}
        for k, m in self.ms.items():
            out[k] = m(x)
        return out
# f(torch.tensor([3.0])) => {'a': tensor([4.0]), 'b': tensor([6.0])}
# --- loop_moduledict_keys
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    def forward(self) -> str:
        s = ""
        for k in self.ms.keys():
            s += k
        for k in self.ms:
            s += k
        return s
# f() => 'abab'
# --- loop_moduledict_values
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleDict({"a": Plus(), "b": Twice()})
    def forward(self, x: Tensor) -> Tensor:
        for m in self.ms.values():
            x = m(x)
        return x
# f(torch.tensor([3.0])) => tensor([8.0])
# --- moduledict_in
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    def forward(self, x: Tensor) -> Tensor:
        if "a" in self.ms:
            x = x + 1
        if "c" in self.ms:
            x = self.nope(x)
        return x
# f(torch.zeros(1)) => tensor([1.0])
# --- moduledict_enumerate_items
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    def forward(self, x: Tensor) -> str:
        s = ""
        for i, (k, m) in enumerate(self.ms.items()):
            s += str(i) + k
        return s
# f(torch.zeros(1)) => '0a1b'
# --- moduledict_zip
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    def forward(self, xs: List[Tensor]) -> Tensor:
        s = torch.zeros(1)
        for m, x in zip(self.ms.values(), xs):
            s += m(x)
        return s
# f([torch.ones(1), torch.zeros(1)]) => tensor([1.0])
# --- modulelist_len
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([nn.ReLU(), nn.Tanh()])
        self.d = nn.ModuleDict({"a": nn.ReLU()})
    def forward(self) -> int:
        return len(self.ms) * 10 + len(self.d)
# f() => 21
# --- modulelist_index
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([Plus(), Twice()])
    def forward(self, x: Tensor) -> Tensor:
        return self.ms[0](x) - self.ms[-1](x)
# f(torch.tensor([3.0])) => tensor([-2.0])
# --- modulelist_slice
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.ReLU()])
    def forward(self, x: Tensor) -> Tensor:
        for m in self.ms[1:]:  ### 26: modules take no slice in scripts; loop over all with `enumerate`, and test the number
            x = m(x)
        return x
# --- modulelist_slice_negative
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.ReLU()])
    def forward(self, x: Tensor) -> Tensor:
        for m in self.ms[:-1]:  ### 26: modules take no slice in scripts; loop over all with `enumerate`, and test the number
            x = m(x)
        return x
# --- modulelist_reversed
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([Plus(), Twice()])
    def forward(self, x: Tensor) -> Tensor:
        for m in reversed(self.ms):
            x = m(x)
        return x
# f(torch.tensor([3.0])) => tensor([7.0])
# --- moduledict_index
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleDict({"a": Plus(), "b": Twice()})
    def forward(self, x: Tensor) -> Tensor:
        return self.ms["b"](x) - self.ms["a"](x)
# f(torch.tensor([3.0])) => tensor([2.0])
# --- modulelist_break
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.ReLU()])
    def forward(self, x: Tensor) -> int:
        n = 0
        for m in self.ms:
            x = m(x)
            if n == 1:
                break  ### 17: `break` is not supported in a loop over modules or over a tuple of several types, which is compiled once for each element; use `if` and `else`
            n += 1
        return n
# --- modulelist_return
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.ms = nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.ReLU()])
    def forward(self, x: Tensor) -> int:
        n = 0
        for m in self.ms:
            x = m(x)
            if n == 1:
                return 7
            n += 1
        return n
# f(torch.zeros(1)) => 7
# --- self_children
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Plus()
        self.b = Twice()
    def forward(self, x: Tensor) -> Tensor:
        for m in self.children():
            x = m(x)
        return x
# f(torch.tensor([3.0])) => tensor([8.0])
# --- self_named_children
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.ReLU()
        self.b = nn.Tanh()
    def forward(self, x: Tensor) -> str:
        s = ""
        for n, m in self.named_children():
            s += n
            x = m(x)
        return s
# f(torch.zeros(1)) => 'ab'
# --- self_modules
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.ReLU()
    def forward(self) -> int:
        n = 0
        for m in self.modules():
            n += 1
        return n
# f() => 2
# --- self_parameters
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(2))
        self.v = nn.Parameter(torch.ones(2))
    def forward(self) -> Tensor:
        s = torch.zeros(2)
        for p in self.parameters():
            s = s + p
        return s
# f() => tensor([2.0, 2.0])
# --- self_named_parameters
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(2))
    def forward(self) -> str:
        s = ""
        for n, p in self.named_parameters():
            s = s + n
        return s
# f() => 'w'
# --- self_buffers
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("w", torch.ones(2))
    def forward(self) -> Tensor:
        s = torch.zeros(2)
        for p in self.buffers():
            s = s + p
        return s
# f() => tensor([1.0, 1.0])
# --- self_training
class M(nn.Module):
    def forward(self) -> bool:
        return self.training
# f() => True
# --- sequential_call
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.s = nn.Sequential(Plus(), Twice())
    def forward(self, x: Tensor) -> Tensor:
        for m in self.s:
            x = m(x)
        return self.s(x)
# f(torch.tensor([3.0])) => tensor([18.0])
# --- enumerate_start
def f(xs: List[str]) -> str:
    s = ""
    for i, x in enumerate(xs, 1):
        s += str(i) + x
    return s
# f(["a", "b"]) => '1a2b'
# --- enumerate_start_keyword
def f(xs: List[str]) -> str:
    s = ""
    for i, x in enumerate(xs, start=1):
        s += str(i) + x
    return s
# f(["a", "b"]) => '1a2b'
# --- zip_three
def f(a: List[int], b: List[int], c: List[int]) -> int:
    s = 0
    for x, y, z in zip(a, b, c):
        s += x * y * z
    return s
# f([1, 2], [3, 4], [5, 6, 7]) => 63
# --- zip_range
def f(a: List[int]) -> int:
    s = 0
    for x, y in zip(a, range(5)):
        s += x * y
    return s
# f([1, 2, 3]) => 8
# --- enumerate_zip
def f(a: List[int], b: List[int]) -> int:
    s = 0
    for i, (x, y) in enumerate(zip(a, b)):
        s += i * x * y
    return s
# f([1, 2], [3, 4]) => 8
# --- loop_over_range_value
def f(n: int) -> int:
    r = range(n)
    s = 0
    for i in r:
        s += i
    return s
# f(4) => 6
# --- list_range
def f(n: int) -> List[int]:
    return list(range(n))
# f(3) => [0, 1, 2]
# --- list_zip
def f(a: List[int], b: List[str]) -> List[Tuple[int, str]]:
    return list(zip(a, b))
# f([1, 2], ["x", "y"]) => [(1, 'x'), (2, 'y')]
# --- list_enumerate
def f(a: List[str]) -> List[Tuple[int, str]]:
    return list(enumerate(a))
# f(["x", "y"]) => [(0, 'x'), (1, 'y')]
# --- list_str
def f(s: str) -> List[str]:
    return list(s)
# f("abc") => ['a', 'b', 'c']
# --- list_dict
def f(d: Dict[str, int]) -> List[str]:
    return list(d)
# f({"a": 1}) => ['a']
# --- list_items
def f(d: Dict[str, int]) -> List[Tuple[str, int]]:
    return list(d.items())
# f({"a": 1}) => [('a', 1)]
# --- list_keys
def f(d: Dict[str, int]) -> List[str]:
    return list(d.keys())
# f({"a": 1}) => ['a']
# --- list_tuple
def f(t: Tuple[int, int]) -> List[int]:
    return list(t)
# f((1, 2)) => [1, 2]
# --- list_tensor
def f(x: Tensor) -> List[Tensor]:
    return list(x)
# f(torch.ones(2)) => [tensor(1.0), tensor(1.0)]
# --- reversed_list
def f(xs: List[int]) -> List[int]:
    out: List[int] = []
    for x in reversed(xs):
        out.append(x)
    return out
# f([1, 2]) => [2, 1]
# --- nested_break
def f(n: int) -> int:
    c = 0
    for i in range(n):
        for j in range(n):
            if j > i:
                break
            c += 1
        if i == 2:
            continue
        c += 10
    return c
# f(4) => 40
