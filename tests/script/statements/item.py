# Small programs: item. test_statements.py says how they are written.
# --- item_float
def f(x: Tensor) -> float:
    return x.item()
# f(torch.tensor(2.5)) => 2.5
# --- item_int
def f(x: Tensor) -> int:
    return x.item()
# f(torch.tensor(2)) => 2
# f(torch.tensor(2.5)) => 2
# --- item_annotated
def f(x: Tensor) -> int:
    a: int = x.item()
    return a + 1
# f(torch.tensor(2)) => 3
# f(torch.tensor(2.5)) => 3
# --- item_annotated_float
def f(x: Tensor) -> float:
    a: float = x.item()
    return a + 1
# f(torch.tensor(2.5)) => 3.5
# --- item_int_cast
def f(x: Tensor) -> int:
    return int(x.item())
# f(torch.tensor(2.5)) => 2
# --- item_compare
def f(x: Tensor) -> bool:
    return x.item() > 2
# f(torch.tensor(2.5)) => True
# --- item_arith
def f(x: Tensor) -> float:
    return float(x.item() * 2)
# f(torch.tensor(2.5)) => 5.0
# --- item_append
def f(x: Tensor) -> List[float]:
    out: List[float] = []
    out.append(float(x.item()))
    return out
# f(torch.tensor(2.5)) => [2.5]
# --- item_bool
def f(x: Tensor) -> bool:
    return bool(x.item())
# f(torch.tensor(True)) => True
# --- item_argument
def g(a: int) -> int:
    return a + 1
def f(x: Tensor) -> int:
    return g(int(x.item()))
# f(torch.tensor(4)) => 5
# --- item_number_tensor
def f(x: Tensor) -> Tensor:
    return x * x.item()
# f(torch.tensor(2.0)) => tensor(4.0)
# --- tolist_ann
def f(x: Tensor) -> List[int]:
    a: List[int] = x.tolist()
    return a
# f(torch.arange(3)) => [0, 1, 2]
# f(torch.arange(4).view(2, 2)) raises TypeError: tolist() was declared to give int in 1 dimension, but the Tensor has int in 2
# f(torch.tensor([1.5])) raises TypeError: tolist() was declared to give int in 1 dimension, but the Tensor has float in 1
# --- tolist_ann_float
def f(x: Tensor) -> List[float]:
    a: List[float] = x.tolist()
    return a
# f(torch.tensor([1.5, 2.5])) => [1.5, 2.5]
# --- tolist_ann_nested
def f(x: Tensor) -> List[List[int]]:
    a: List[List[int]] = x.tolist()
    return a
# f(torch.arange(4).view(2, 2)) => [[0, 1], [2, 3]]
# --- tolist_return
def f(x: Tensor) -> List[int]:
    return x.tolist()
# f(torch.arange(3)) => [0, 1, 2]
# --- tolist_annotate
def f(x: Tensor) -> List[int]:
    return torch.jit.annotate(List[int], x.tolist())
# f(torch.arange(3)) => [0, 1, 2]
# --- tolist_bool
def f(x: Tensor) -> List[bool]:
    a: List[bool] = x.tolist()
    return a
# f(torch.tensor([True, False])) => [True, False]
# --- tolist_scalar
def f(x: Tensor) -> int:
    a: int = x.tolist()
    return a
# f(torch.tensor(3)) => 3
# --- tolist_loop
def f(x: Tensor) -> int:
    a: List[int] = x.tolist()
    s = 0
    for i in a:
        s += i
    return s
# f(torch.arange(3)) => 3
# --- tolist_unannotated
def f(x: Tensor) -> int:
    a = x.tolist()
    return 1
# f(torch.arange(3)) => 1
