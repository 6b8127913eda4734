# Small programs: index. test_statements.py says how they are written.
# --- two_tensors
def f(x: Tensor, i: Tensor, j: Tensor) -> Tensor:
    return x[i, j]
# f(torch.arange(6).view(2, 3), torch.tensor([0, 1]), torch.tensor([1, 2])) => tensor([1, 5]):int64
# --- two_tensors_assign
def f(x: Tensor, i: Tensor, j: Tensor) -> Tensor:
    x[i, j] = 0
    return x
# f(torch.arange(6).view(2, 3), torch.tensor([0, 1]), torch.tensor([1, 2])) => tensor([[0, 0, 2], [3, 4, 0]]):int64
# --- two_tensors_aug
def f(x: Tensor, i: Tensor, j: Tensor) -> Tensor:
    x[i, j] += 5
    return x
# f(torch.arange(6).view(2, 3), torch.tensor([0, 1]), torch.tensor([1, 2])) => tensor([[0, 6, 2], [3, 4, 10]]):int64
# --- tensor_slice_tensor
def f(x: Tensor, i: Tensor) -> Tensor:
    return x[i, :, i]
# f(torch.arange(8).view(2, 2, 2), torch.tensor([0, 1])) => tensor([[0, 2], [5, 7]]):int64
# --- none_index
def f(x: Tensor) -> Tensor:
    return x[None, :, None]
# f(torch.arange(2)) => tensor([[[0], [1]]]):int64
# --- ellipsis_index
def f(x: Tensor) -> Tensor:
    return x[..., 0]
# f(torch.arange(4).view(2, 2)) => tensor([0, 2]):int64
# --- list_index_tensor
def f(x: Tensor) -> Tensor:
    return x[[0, 1]]
# f(torch.arange(4).view(2, 2)) => tensor([[0, 1], [2, 3]]):int64
# --- mask_index
def f(x: Tensor) -> Tensor:
    return x[x > 1]
# f(torch.arange(4)) => tensor([2, 3]):int64
# --- unwrap_optional
def f(x: Optional[int]) -> int:
    return torch.jit._unwrap_optional(x) + 1
# f(1) => 2
# f(None) raises RuntimeError: Unwrapping null optional
# --- unwrap_optional_tensor
def f(x: Optional[Tensor]) -> Tensor:
    y = torch.jit._unwrap_optional(x)
    return y + 1
# f(torch.ones(1)) => tensor([2.0])
