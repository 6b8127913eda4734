# Small programs: starred. test_statements.py says how they are written.
# --- star_call_of_tuple
def g(a: int, b: int) -> int:
    return a * 10 + b
def f(t: Tuple[int, int]) -> int:
    return g(*t)
# f((3, 4)) => 34
# --- star_call_mixed
def g(a: int, b: int, c: str) -> str:
    return c + str(a) + str(b)
def f(t: Tuple[int, str]) -> str:
    return g(7, *t)
# f((3, "q")) => 'q73'
# --- star_call_literal
def g(a: int, b: int) -> int:
    return a * 10 + b
def f() -> int:
    return g(*(1, 2))
# f() => 12
# --- star_call_of_list
def g(a: int, b: int) -> int:
    return a * 10 + b
def f(t: List[int]) -> int:
    return g(*t)  ### 14: `*` cannot spread List[int]: how many elements it has is known only when the script runs; use a tuple, or pass the list itself where the callee takes one
# --- star_operator
def f(x: Tensor, s: Tuple[int, int]) -> Tensor:
    return x.view(*s)
# f(torch.arange(6), (2, 3)) => tensor([[0, 1, 2], [3, 4, 5]]):int64
# --- star_list_to_operator
def f(x: Tensor, s: List[int]) -> Tensor:
    return x.view(*s)  ### 19: `*` cannot spread List[int]: how many elements it has is known only when the script runs; use a tuple, or pass the list itself where the callee takes one
# --- star_shape
def f(x: Tensor) -> Tensor:
    return torch.zeros(*x.shape)  ### 24: `*` cannot spread List[int]: how many elements it has is known only when the script runs; use a tuple, or pass the list itself where the callee takes one
# --- star_method
class M(nn.Module):
    def g(self, a: int, b: int) -> int:
        return a - b
    def forward(self, t: Tuple[int, int]) -> int:
        return self.g(*t)
# f((9, 4)) => 5
# --- star_module
class N(nn.Module):
    def forward(self, a: int, b: int) -> int:
        return a - b
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = N()
    def forward(self, t: Tuple[int, int]) -> int:
        return self.n(*t)
# f((9, 4)) => 5
# --- star_min
def f(t: Tuple[int, int]) -> int:
    return max(*t)
# f((9, 4)) => 9
# --- star_print
def f(t: Tuple[int, str]) -> None:
    print(*t)
# f((9, "a")) prints '9 a\n'
# --- star_kwargs
def g(a: int, b: int) -> int:
    return a * 10 + b
def f() -> int:
    return g(**{"a": 1, "b": 2})  ### 14: `**kwargs` is not supported in a call in scripts; write the keywords one by one
# --- star_two
def g(a: int, b: int, c: int, d: int) -> int:
    return a * 1000 + b * 100 + c * 10 + d
def f(t: Tuple[int, int]) -> int:
    return g(*t, *t)
# f((1, 2)) => 1212
# --- star_with_keyword
def g(a: int, b: int, c: int = 0) -> int:
    return a * 100 + b * 10 + c
def f(t: Tuple[int, int]) -> int:
    return g(*t, c=5)
# f((1, 2)) => 125
# --- star_format
def f(t: Tuple[int, str]) -> str:
    return "{} {}".format(*t)
# f((1, "a")) => '1 a'
# --- star_fork
def g(a: int, b: int) -> int:
    return a * 10 + b
def f(t: Tuple[int, int]) -> int:
    return torch.jit.wait(torch.jit.fork(g, *t))
# f((1, 2)) => 12
# --- starred_target_tuple
def f(t: Tuple[int, int, int, str]) -> Tuple[int, List[int], str]:
    a, *b, c = t
    return a, [b[0], b[1]], c
# f((1, 2, 3, "x")) => (1, [2, 3], 'x')
# --- starred_target_list
def f(xs: List[int]) -> Tuple[int, List[int]]:
    a, *b = xs  ### 13: `*` in a target takes the rest of a tuple, not of List[int]; write `x[0]` and `x[1:]`
    return a, b
# --- starred_target_last
def f(t: Tuple[int, int, int]) -> Tuple[int, int]:
    *a, b = t
    return a[0] + a[1], b
# f((1, 2, 3)) => (3, 3)
# --- starred_target_empty
def f(t: Tuple[int, int]) -> int:
    a, b, *c = t
    return a + b
# f((1, 2)) => 3
# --- starred_target_index
def f(t: Tuple[int, str, float]) -> Tuple[str, float]:
    a, *rest = t
    return rest
# f((1, "s", 2.5)) => ('s', 2.5)
# --- starred_too_few
def f(t: Tuple[int]) -> int:
    a, b, *c = t  ### 16: expected at least 2 values to unpack, got 1 of type Tuple[int]
    return a
# --- starred_list_display
def f(xs: List[int]) -> List[int]:
    return [0, *xs, 9]  ### 16: `*` cannot spread List[int]: how many elements it has is known only when the script runs; use a tuple, or pass the list itself where the callee takes one
# --- starred_tuple_display
def f(t: Tuple[int, str]) -> Tuple[float, int, str]:
    return (1.5, *t)
# f((1, "a")) => (1.5, 1, 'a')
# --- starred_list_of_tuple
def f(t: Tuple[int, int]) -> List[int]:
    return [*t]
# f((1, 2)) => [1, 2]
# --- starred_dict_display
def f(d: Dict[str, int]) -> Dict[str, int]:
    return {**d, "z": 1}  ### 13: `*` and `**` do not unpack in scripts; name the elements one by one
# --- star_zip
def f(xs: List[Tuple[int, int]]) -> int:
    s = 0
    for a in zip(*xs):  ### 18: `*` cannot spread List[Tuple[int, int]]: how many elements it has is known only when the script runs; use a tuple, or pass the list itself where the callee takes one
        s += 1
    return s
