# Small programs: tensor attributes. test_statements.py says how they are written.
# --- device_type
def f(x: Tensor) -> bool:
    return x.device.type == "cpu"
# f(torch.ones(1)) => True
# --- device_made
def f(x: Tensor) -> str:
    return torch.device("cpu").type
# f(torch.ones(1)) => 'cpu'
# --- device_parameter
def f(d: torch.device) -> Tensor:
    return torch.zeros(2, device=d)
# f(torch.device("cpu")) => tensor([0.0, 0.0])
# --- device_eq
def f(x: Tensor) -> bool:
    return x.device == torch.device("cpu")
# f(torch.ones(1)) => True
# --- device_index
def f(x: Tensor) -> bool:
    return x.device.index is None
# f(torch.ones(1)) => True
# --- device_str_index
def f(x: Tensor) -> str:
    return str(torch.device("cuda:1")) + torch.device("cuda", 2).type
# f(torch.ones(1)) raises ValueError: device 'cuda:1' is not available; tensors live on 'cpu'
# PyTorch: 'cuda:1cuda'
# --- is_cuda
def f(x: Tensor) -> bool:
    return x.is_cuda
# f(torch.ones(1)) => False
# --- requires_grad
def f(x: Tensor) -> bool:
    return x.requires_grad
# f(torch.ones(1)) => False
# --- data
def f(x: Tensor) -> Tensor:
    return x.data + 1
# f(torch.ones(1)) => tensor([2.0])
# --- is_tensor
def f(x: Tensor) -> bool:
    return torch.is_tensor(x)
# f(torch.ones(1)) => True
# --- is_tensor_int
def f(x: int) -> bool:
    return torch.is_tensor(x)
# f(1) => False
# --- as_tensor
def f(x: List[int]) -> Tensor:
    return torch.as_tensor(x)
# f([1, 2]) => tensor([1, 2]):int64
# --- as_tensor_number
def f(x: float) -> Tensor:
    return torch.as_tensor(x)
# f(1.5) => tensor(1.5)
# --- as_tensor_tensor
def f(x: Tensor) -> Tensor:
    return torch.as_tensor(x)
# f(torch.ones(1)) => tensor([1.0])
# --- as_tensor_dtype
def f(x: List[int]) -> Tensor:
    return torch.as_tensor(x, dtype=torch.float64)
# f([1, 2]) => tensor([1.0, 2.0]):float64
# --- tensor_dtype
def f(x: Tensor) -> bool:
    return x.dtype == torch.float32
# f(torch.ones(1)) => True
# --- dtype_parameter
def f(x: Tensor, d: torch.dtype) -> Tensor:
    return x.to(d)
# f(torch.ones(1), torch.int64) => tensor([1]):int64
# --- dtype_is_floating
def f(x: Tensor) -> bool:
    return x.is_floating_point() and torch.is_floating_point(x)
# f(torch.ones(1)) => True
# --- to_dtype_keyword
def f(x: Tensor) -> Tensor:
    return x.to(dtype=torch.int64, device="cpu")
# f(torch.ones(1)) => tensor([1]):int64
# --- to_other
def f(x: Tensor, y: Tensor) -> Tensor:
    return x.to(y)
# f(torch.ones(1), torch.zeros(1, dtype=torch.int64)) => tensor([1]):int64
# --- to_device_of
def f(x: Tensor, y: Tensor) -> Tensor:
    return x.to(y.device)
# f(torch.ones(1), torch.zeros(1)) => tensor([1.0])
# --- type_as
def f(x: Tensor, y: Tensor) -> Tensor:
    return x.type_as(y)
# f(torch.ones(1), torch.zeros(1, dtype=torch.int64)) => tensor([1]):int64
# --- shape_things
def f(x: Tensor) -> List[int]:
    b, c = x.shape
    return [b, c, x.size(0), x.size()[1], x.dim(), x.ndim, x.numel(), x.shape[-1]]
# f(torch.ones(2, 3)) => [2, 3, 2, 3, 2, 2, 6, 3]
# --- size_unpack
def f(x: Tensor) -> int:
    a, b, c = x.size()
    return a * b * c
# f(torch.ones(2, 3, 4)) => 24
# --- size_slice
def f(x: Tensor) -> List[int]:
    return x.shape[:-1] + [5]
# f(torch.ones(2, 3)) => [2, 5]
# --- shape_tuple_add
def f(x: Tensor) -> Tensor:
    return x.view(x.shape[:-1] + (1, 3))
# f(torch.ones(2, 3)) => tensor([[[1.0, 1.0, 1.0]], [[1.0, 1.0, 1.0]]])
# --- T_mT
def f(x: Tensor) -> Tensor:
    return x.T + x.mT
# f(torch.arange(4).view(2, 2)) => tensor([[0, 4], [2, 6]]):int64
# --- grad_attr
def f(x: Tensor) -> bool:
    return x.grad is None  ### 12: `torch.Tensor.grad` is not available yet in scripts
# PyTorch: False
# --- is_leaf
def f(x: Tensor) -> bool:
    return x.is_leaf
# f(torch.ones(1)) => True
# --- layout
def f(x: Tensor) -> bool:
    return x.is_sparse
# f(torch.ones(1)) => False
# --- detach
def f(x: Tensor) -> Tensor:
    return x.detach()
# f(torch.ones(1)) => tensor([1.0])
# --- cuda_available
def f(x: Tensor) -> bool:
    return torch.cuda.is_available() and False  ### 12: `torch.cuda.is_available` is not available yet in scripts
# --- max_unpack
def f(x: Tensor) -> Tensor:
    v, i = x.max(dim=1)
    return v + i
# f(torch.arange(4).view(2, 2)) => tensor([2, 4]):int64
# --- tensor_of_list
def f(x: List[float]) -> Tensor:
    return torch.tensor(x)
# f([1.5]) => tensor([1.5])
# --- tensor_of_nested
def f(x: List[List[int]]) -> Tensor:
    return torch.tensor(x)
# f([[1, 2]]) => tensor([[1, 2]]):int64
# --- tensor_of_number
def f(x: int) -> Tensor:
    return torch.tensor(x)
# f(3) => tensor(3):int64
# --- tensor_to_bool
def f(x: Tensor) -> int:
    if x:
        return 1
    return 0
# f(torch.tensor(1)) => 1
# --- while_tensor
def f(x: Tensor) -> Tensor:
    while bool(x < 5):
        x = x + 1
    return x
# f(torch.tensor(1)) => tensor(5):int64
# --- tensor_in_place
def f(x: Tensor) -> Tensor:
    x.add_(1).mul_(2)
    return x
# f(torch.ones(1)) => tensor([4.0])
# --- sum_dim
def f(x: Tensor) -> Tensor:
    return x.sum(dim=[0, 1], keepdim=True)
# f(torch.ones(2, 2)) => tensor([[4.0]])
# --- float_dtype_method
def f(x: Tensor) -> Tensor:
    return x.float() + x.double() + x.long()
# f(torch.ones(1)) => tensor([3.0]):float64
