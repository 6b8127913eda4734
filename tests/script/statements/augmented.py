# Small programs: augmented. test_statements.py says how they are written.
# --- aug_all_int
def f(x: int) -> int:
    x += 3
    x -= 1
    x *= 5
    x //= 2
    x %= 7
    x <<= 2
    x >>= 1
    x |= 9
    x &= 13
    x ^= 3
    return x
# f(3) => 10
# --- aug_pow
def f(x: float) -> float:
    x **= 2
    x /= 4
    return x
# f(3.0) => 2.25
# --- aug_tensor
def f(x: Tensor) -> Tensor:
    x += 1
    x -= 2
    x *= 3
    x /= 2
    return x
# f(torch.ones(2)) => tensor([0.0, 0.0])
# --- aug_tensor_more
def f(x: Tensor) -> Tensor:
    x **= 2
    x //= 2
    x %= 5
    return x
# f(torch.tensor([7, 8])) => tensor([4, 2]):int64
# --- aug_tensor_bits
def f(x: Tensor, y: Tensor) -> Tensor:
    x &= y
    x |= y
    x ^= y
    return x
# f(torch.tensor([7, 8]), torch.tensor([3, 5])) => tensor([0, 0]):int64
# --- aug_tensor_shift
def f(x: Tensor) -> Tensor:
    x <<= 1  ### 5: `<<` does not take Tensor and int
    x >>= 2
    return x
# PyTorch: tensor([3, 4]):int64
# --- aug_matmul
def f(x: Tensor, y: Tensor) -> Tensor:
    x @= y
    return x
# f(torch.ones(2, 2), torch.ones(2, 2)) => tensor([[2.0, 2.0], [2.0, 2.0]])
# --- aug_attribute
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = 5
        self.xs = [1]
        self.s = "a"
        self.d = {"k": 1}
        self.register_buffer("b", torch.zeros(2))
    def forward(self) -> Tuple[int, List[int], str, Tensor, Dict[str, int]]:
        self.n += 1
        self.n *= 2
        self.xs += [2]
        self.s += "b"
        self.b += 1
        self.b[0] += 5
        self.xs[0] += 9
        self.d["k"] -= 3
        return self.n, self.xs, self.s, self.b, self.d
# f() => (12, [10, 2], 'ab', tensor([6.0, 1.0]), {'k': -2})
# --- aug_submodule_attribute
class N(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = 5
    def forward(self) -> int:
        return self.n
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.sub = N()
    def forward(self) -> int:
        self.sub.n += 3
        return self.sub()
# f() => 8
# --- aug_slice
def f(x: Tensor) -> Tensor:
    x[1:] += 2
    x[0] *= 5
    x[:, 1] -= 1
    x[x > 3] /= 2
    return x
# f(torch.ones(3, 2)) => tensor([[2.5, 2.0], [3.0, 2.0], [3.0, 2.0]])
# --- aug_dict_list
def f(d: Dict[str, List[int]]) -> Dict[str, List[int]]:
    d["a"] += [2]
    return d
# f({"a": [1]}) => {'a': [1, 2]}
# --- aug_list_of_tensors
def f(xs: List[Tensor]) -> List[Tensor]:
    xs[0] += 1
    return xs
# f([torch.ones(1)]) => [tensor([2.0])]
# --- aug_int_float
def f(x: int) -> float:
    y = 1.5
    y += x
    y *= 2
    return y
# f(2) => 7.0
# --- aug_tuple
def f(t: Tuple[int, int]) -> int:
    t += (1,)  ### 5: `t` is declared as Tuple[int, int] and cannot be given a value of type Tuple[int, int, int]
    return len(t)
# PyTorch: 3
# --- aug_data
def f(x: Tensor) -> Tensor:
    x.data += 1
    return x
# f(torch.ones(1)) => tensor([2.0])
