"""Tensors, operators and processes."""

import tine as torch
import tine.multiprocessing as mp

x = torch.ones(2, 3)
reveal_type(x)  # revealed: Tensor
reveal_type(torch.zeros([2, 3], dtype=torch.float64))  # revealed: Tensor
reveal_type(x + 1)  # revealed: Tensor
reveal_type(2.0 * x @ x.T)  # revealed: Tensor
reveal_type(x > 1)  # revealed: Tensor
reveal_type(x[0, 1:])  # revealed: Tensor
reveal_type(x.shape)  # revealed: Size
reveal_type(x.size())  # revealed: Size
reveal_type(x.size(0))  # revealed: int
reveal_type(x.dtype)  # revealed: dtype
reveal_type(x.view(3, 2).reshape([6]))  # revealed: Tensor
reveal_type(x.sum(0, dtype=torch.float64))  # revealed: Tensor
reveal_type(x.max(dim=1).indices)  # revealed: Tensor
reveal_type(torch.max(x, torch.zeros(3)))  # revealed: Tensor
reveal_type(torch.add(x, 1, alpha=2))  # revealed: Tensor
reveal_type(torch.nonzero(x, as_tuple=True))  # revealed: tuple[Tensor, ...]
reveal_type(torch.split(x, 1))  # revealed: list[Tensor]
reveal_type(torch.equal(x, x))  # revealed: bool
reveal_type(x.item())  # revealed: int | float
reveal_type(x.to(torch.int64).to("cpu"))  # revealed: Tensor
reveal_type(torch.device("cpu").index)  # revealed: int | None
torch.zeros("3")  # error: arg-type
torch.add(x, "1")  # error: call-overload
x + "1"  # error: operator
x.view("3")  # error: arg-type
torch.set_num_threads(1.5)  # error: arg-type
torch.no_such_operator(x)  # error: attr-defined


def work(index: int, name: str) -> None:
    print(index, name)


reveal_type(mp.spawn(work, args=("a",), nprocs=2))  # revealed: None
reveal_type(mp.spawn(work, args=("a",), nprocs=2, join=False))  # revealed: ProcessContext
mp.spawn(work, args=(3,), nprocs=2)  # error: arg-type
mp.Process(target=work, args=(0, "a")).start()
