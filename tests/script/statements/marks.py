# Small programs: marks. test_statements.py says how they are written.
# --- unused
@torch.jit.unused
def g(x: int) -> int:
    import os
    return x + 1
def f(x: int) -> int:
    if x > 100:
        return g(x)
    return x
# f(3) => 3
# f(200) raises RuntimeError: `g` is marked @unused: This Python function is annotated to be ignored and cannot be run
# --- unused_untyped
@torch.jit.unused
def g(x, *args, **kw):
    return x + 1
def f(x: Tensor) -> Tensor:
    if bool((x > 100).all()):
        return g(x)
    return x
# f(torch.ones(1)) => tensor([1.0])
# --- unused_method
class M(nn.Module):
    @torch.jit.unused
    def weird(self, x: Tensor) -> Tensor:
        return eval("x")
    def forward(self, x: Tensor) -> Tensor:
        if bool((x > 100).all()):
            return self.weird(x)
        return x
# f(torch.ones(1)) => tensor([1.0])
# --- unused_flag
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.flag = False
    @torch.jit.unused
    def weird(self, x: Tensor) -> Tensor:
        return eval("x")
    def forward(self, x: Tensor) -> Tensor:
        if self.flag:
            x = self.weird(x)
        return x
# f(torch.ones(1)) => tensor([1.0])
# --- unused_any_result
class M(nn.Module):
    @torch.jit.unused
    def eager_outputs(self, x: Tensor, y: Dict[str, Tensor]):
        # type: (Tensor, Dict[str, Tensor]) -> Tuple[Tensor, int]
        return x, 1
    def forward(self, x: Tensor) -> Tuple[Tensor, int]:
        if torch.jit.is_scripting():
            return x, 2
        else:
            return self.eager_outputs(x, {})
# f(torch.ones(1)) => (tensor([1.0]), 2)
# --- ignore_function
calls = []
@torch.jit.ignore
def g(x: int) -> int:
    calls.append(x)
    return x + 1
def f(x: int) -> int:
    return g(x) * 2
# (f(3), calls) => (8, [3])
# --- ignore_tensor
@torch.jit.ignore
def g(x):
    return x + 1
def f(x: Tensor) -> Tensor:
    return g(x) * 2
# f(torch.ones(1)) => tensor([4.0])
# --- ignore_list
@torch.jit.ignore
def g(x: List[int]) -> Dict[str, int]:
    x.append(4)
    return {"n": len(x)}
def f(x: List[int]) -> Tuple[List[int], Dict[str, int]]:
    d = g(x)
    return x, d
# f([1]) => ([1], {'n': 2})
# --- ignore_raises
@torch.jit.ignore
def g(x: int) -> int:
    raise ValueError("from python")
def f(x: int) -> int:
    return g(x)
# f(1) raises ValueError: from python
# --- ignore_wrong_type
@torch.jit.ignore
def g(x: int) -> int:
    return "a"
def f(x: int) -> int:
    return g(x)
# f(1) raises TypeError: expected a value of type int, got str
# --- ignore_none
@torch.jit.ignore
def g(x: int) -> None:
    calls.append(x)
calls = []
def f(x: int) -> int:
    g(x)
    return x
# (f(1), calls) => (1, [1])
# --- ignore_default
@torch.jit.ignore
def g(x: int, y: int = 5) -> int:
    return x + y
def f(x: int) -> int:
    return g(x) + g(x, y=1)
# f(1) => 8
# --- ignore_drop
@torch.jit.ignore(drop=True)
def g(x: int) -> int:
    return x + 1
def f(x: int) -> int:
    if x > 100:
        return g(x)
    return x
# f(1) => 1
# f(200) raises RuntimeError: `g` is marked @unused: This Python function is annotated to be ignored and cannot be run
# --- ignore_parens
@torch.jit.ignore()
def g(x: int) -> int:
    return x + 1
def f(x: int) -> int:
    return g(x)
# f(1) => 2
# --- ignore_in_fork
@torch.jit.ignore
def g(x: int) -> int:
    return x + 1
def h(x: int) -> int:
    return g(x)
def f(x: int) -> int:
    return torch.jit.wait(torch.jit.fork(h, x))
# f(1) => 2
# --- ignore_in_loop
@torch.jit.ignore
def g(x: int) -> int:
    return x + 1
def f(x: int) -> int:
    for i in range(10):
        x = g(x)
    return x
# f(1) => 11
# --- ignore_calls_script
@torch.jit.script
def k(x: int) -> int:
    return x * 10
@torch.jit.ignore
def g(x: int) -> int:
    return k(x) + 1
def f(x: int) -> int:
    return g(x)
# f(1) => 11
# --- export
class M(nn.Module):
    @torch.jit.export
    def other(self, x: int) -> int:
        return x + 1
    def forward(self, x: int) -> int:
        return x
# (f(1), f.other(2)) => (1, 3)
# --- script_if_tracing
@torch.jit.script_if_tracing
def g(x: Tensor) -> Tensor:
    if bool(x.sum() > 0):
        return x + 1
    return x - 1
def f(x: Tensor) -> Tensor:
    return g(x)
# f(torch.ones(1)) => tensor([2.0])
# --- overload_function
@torch.jit._overload
def g(x):  # noqa
    # type: (int) -> int
    pass
@torch.jit._overload
def g(x):  # noqa
    # type: (str) -> str
    pass
def g(x):
    if isinstance(x, int):
        return x + 1
    else:
        return x + "1"
def f(x: int) -> str:
    return g("a") + str(g(x))
# f(1) => 'a12'
# --- overload_annotated
@torch.jit._overload
def g(x: int) -> int:  # noqa
    pass
@torch.jit._overload
def g(x: str) -> str:  # noqa
    pass
def g(x):
    return x + x
def f(x: int) -> str:
    return g("a") + str(g(x))
# f(1) => 'aa2'
# --- overload_optional
@torch.jit._overload
def g(x: Optional[int]) -> int:  # noqa
    pass
@torch.jit._overload
def g(x: str) -> int:  # noqa
    pass
def g(x):
    if isinstance(x, str):
        return len(x)
    else:
        if x is None:
            return -1
        else:
            return x
def f(x: Optional[int]) -> int:
    return g("abc") * 10 + g(x)
# f(1) => 31
# f(None) => 29
# --- overload_method
class M(nn.Module):
    @torch.jit._overload_method
    def g(self, x: int) -> int:  # noqa
        pass
    @torch.jit._overload_method
    def g(self, x: str) -> str:  # noqa
        pass
    def g(self, x):
        return x + x
    def forward(self, x: int) -> str:
        return self.g("a") + str(self.g(x))
# f(1) => 'aa2'
# --- overload_module_forward
class N(nn.Module):
    @torch.jit._overload_method
    def forward(self, x: Tuple[Tensor, Tensor]) -> Tensor:  # noqa
        pass
    @torch.jit._overload_method
    def forward(self, x: Tensor) -> Tensor:  # noqa
        pass
    def forward(self, x):
        if isinstance(x, Tensor):
            return x
        else:
            return x[0]
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = N()
    def forward(self, x: Tensor) -> Tensor:
        return self.n(x) + self.n((x, x))
# f(torch.ones(1)) => tensor([2.0])
# --- is_scripting_not
def f(x: int) -> int:
    if not torch.jit.is_scripting():
        return nowhere(x)
    return x
# f(1) => 1
# --- is_tracing
def f(x: int) -> int:
    if torch.jit.is_tracing():
        x += 1
    return x
# f(1) => 1
# --- decorated_no_grad
@torch.no_grad()
def f(x: Tensor) -> Tensor:
    return x + 1
# f(torch.ones(1)) => tensor([2.0])
# --- nested_def
def f(x: int) -> int:
    def g(y: int) -> int:  ### 5: a function inside a function is not supported in scripts; define it outside and pass what it needs
        return y + 1
    return g(x)
# --- lambda_
def f(x: int) -> int:
    g = lambda y: y + 1  ### 9: `lambda` is not supported in scripts; define a function and pass its name
    return g(x)
# --- global_stmt
K = 1
def f(x: int) -> int:
    global K  ### 5: `global` is not supported in scripts; pass the value in and return the new one
    return x + K
# --- import_in_function
def f(x: float) -> float:
    import math  ### 5: `import` inside a function is not supported in scripts; import at the top of the file
    return math.sqrt(x)
# --- docstring
def f(x: int) -> int:
    """Doc."""
    return x
# f(1) => 1
# --- semicolons
def f(x: int) -> int:
    y = x; z = y + 1
    return z
# f(1) => 2
# --- line_continuation
def f(x: int) -> int:
    return x + \
        1
# f(1) => 2
# --- default_args
def g(x: int, y: int = 2, z: Optional[int] = None) -> int:
    if z is not None:
        return x + y + z
    return x + y
def f(x: int) -> int:
    return g(x) + g(x, 5) + g(x, z=7)
# f(1) => 19
# --- kwonly
def g(x: int, *, y: int = 2) -> int:
    return x + y
def f(x: int) -> int:
    return g(x) + g(x, y=5)
# f(1) => 9
# --- varargs
def g(*args: int) -> int:  ### 7: `*args` is not supported in scripts; name the parameters, or take a List
    return 1
def f(x: int) -> int:
    return g(x, x)
# --- int_underscores
def f() -> List[int]:
    return [1_000, 0xff, 0b101, 0o17]
# f() => [1000, 255, 5, 15]
# --- float_forms
def f() -> List[float]:
    return [1e3, .5, 5., 1.5e-3]
# f() => [1000.0, 0.5, 5.0, 0.0015]
# --- shifts
def f(x: int) -> List[int]:
    return [x << 2, x >> 1, x & 3, x | 8, x ^ 1, ~x]
# f(5) => [20, 2, 1, 13, 4, -6]
# --- unary_plus
def f(x: int) -> int:
    return +x
# f(5) => 5
# --- not_int
def f(x: int) -> bool:
    return not x
# f(5) => False
# --- while_continue
def f(n: int) -> int:
    s = 0
    while n > 0:
        n -= 1
        if n % 2 == 0:
            continue
        s += n
    return s
# f(6) => 9
# --- return_in_loop
def f(xs: List[int]) -> int:
    for x in xs:
        if x > 3:
            return x
    return -1
# f([1, 5]) => 5
# --- early_none
def f(x: int) -> Optional[int]:
    if x > 2:
        return None
    return x
# f(1) => 1
# --- recursion
def f(x: int) -> int:
    if x <= 1:
        return 1
    return x * f(x - 1)
# f(4) => 24
# --- no_return_ann
def f(x: int):
    return x + 1
# f(1) => 2
# --- pass_only
def f(x: int):
    pass
# f(1) => None
# --- ann_without_value
def f(x: int) -> int:
    y: int
    if x > 1:
        y = 1
    else:
        y = 2
    return y
# f(1) => 2
# --- matmul
def f(x: Tensor, y: Tensor) -> Tensor:
    return x @ y
# f(torch.ones(2, 2), torch.ones(2, 2)) => tensor([[2.0, 2.0], [2.0, 2.0]])
# --- tensor_compare_chain
def f(x: Tensor) -> Tensor:
    return (x > 1) & (x < 3) | ~(x == 0)
# f(torch.arange(4)) => tensor([False, True, True, True]):bool
# --- static_method
class M(nn.Module):
    @staticmethod
    def sq(x: int) -> int:
        return x * x
    def forward(self, x: int) -> int:
        return self.sq(x) + M.sq(x)
# f(3) => 18
# --- constants_attr
class M(nn.Module):
    __constants__ = ["k"]
    def __init__(self):
        super().__init__()
        self.k = 4
    def forward(self, x: int) -> int:
        return x + self.k
# f(1) => 5
# --- class_attr
class M(nn.Module):
    K = 4
    def forward(self, x: int) -> int:
        return x + self.K
# f(1) => 5
# --- attr_function
def helper(x: int) -> int:
    return x * 2
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.fn = helper
    def forward(self, x: int) -> int:
        return self.fn(x)
# f(1) => 2
# --- attr_tuple_dict
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.t = (1, "a")
        self.d = {"x": 1}
        self.l = [1, 2]
    def forward(self) -> str:
        return str(self.t[0]) + self.t[1] + str(self.d["x"]) + str(self.l[-1])
# f() => '1a12'
# --- super_forward
class B(nn.Module):
    def forward(self, x: int) -> int:
        return x + 1
class M(B):
    def forward(self, x: int) -> int:
        return super().forward(x) * 2  ### 16: `super` is not supported in scripts; call a method of a submodule, or write the code here
# --- optional_submodule
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.sub = None
    def forward(self, x: Tensor) -> Tensor:
        if self.sub is not None:
            x = self.sub(x)
        return x
# f(torch.ones(1)) => tensor([1.0])
