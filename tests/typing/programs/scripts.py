"""Scripts, traces, modules and forks."""

from typing import List

import tine as torch
from tine import Tensor, nn


@torch.jit.script
def scale(x: Tensor, by: float = 2.0) -> Tensor:
    return x * by


@torch.jit.script
def forked(x: Tensor) -> Tensor:
    left = torch.jit.fork(scale, x, 3.0)
    reveal_type(left)  # revealed: Future[Tensor]
    rows = torch.jit.annotate(List[Tensor], [])
    rows.append(torch.jit.wait(left))
    return torch.stack(rows)


def plain(x: Tensor, n: int) -> List[Tensor]:
    return [x] * n


x = torch.ones(2, 3)
reveal_type(scale)  # revealed: ScriptFunction[[x: Tensor, by: float =], Tensor]
reveal_type(scale(x))  # revealed: Tensor
reveal_type(scale.call_async(x, by=3.0))  # revealed: Future[Tensor]
reveal_type(scale.graph.content_hash())  # revealed: str
scale("x")  # error: arg-type
scale.call_async(x, 3.0, 4)  # error: call-arg

reveal_type(torch.jit.fork(plain, x, 3))  # revealed: Future[list[Tensor]]
reveal_type(torch.jit.fork(plain, x, n=3))  # revealed: Future[list[Tensor]]
reveal_type(torch.jit.fork(torch.relu, x))  # revealed: Future[Tensor]
reveal_type(torch.jit.fork(torch.sum, x, 0))  # revealed: Future[Tensor]
reveal_type(torch.jit.wait(torch.jit.fork(plain, x, 3)))  # revealed: list[Tensor]
torch.jit.fork(plain, x)  # error: call-arg
torch.jit.fork(plain, x, "3")  # error: arg-type
torch.jit.fork(3, x)  # error: arg-type
torch.jit.wait(3)  # error: arg-type
torch.jit.script(3)  # error: call-overload


class Net(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(3, width)
        self.more = nn.Sequential(nn.ReLU(), nn.Linear(width, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return torch.jit.wait(torch.jit.fork(self.layer.forward, x))

    @torch.jit.export
    def twice(self, x: Tensor) -> Tensor:
        return self.forward(x) * 2

    @torch.jit.unused
    def report(self, n: int) -> str:
        return str(n)

    @torch.jit.ignore(drop=True)
    def count(self) -> int:
        return len(list(self.parameters()))


net = Net(4)
reveal_type(net.twice(x))  # revealed: Tensor
reveal_type(net.report(3))  # revealed: str
reveal_type(net.count())  # revealed: int
reveal_type(net.train())  # revealed: Net
reveal_type(net.more[0])  # revealed: Module
reveal_type(net.more[1:])  # revealed: Sequential
reveal_type(dict(net.named_parameters()))  # revealed: dict[str, Parameter]
reveal_type(net.state_dict())  # revealed: OrderedDict[str, Tensor]
reveal_type(net.load_state_dict(net.state_dict()).missing_keys)  # revealed: list[str]
net.report("3")  # error: arg-type
nn.Linear("3", 4)  # error: arg-type
nn.Sequential(3)  # error: call-overload

scripted = torch.jit.script(net)
reveal_type(scripted)  # revealed: RecursiveScriptModule
reveal_type(scripted.code)  # revealed: str
reveal_type(torch.jit.trace(net, x))  # revealed: TopLevelTracedModule
reveal_type(torch.jit.trace(plain, (x, 3)))  # revealed: ScriptFunction[[x: Tensor, n: int], list[Tensor]]
reveal_type(torch.jit.trace_module(net, {"twice": x}))  # revealed: ScriptModule
reveal_type(torch.jit.CompilationUnit("def f(x): return x").f(x))  # revealed: Any
saved: "torch.jit.ScriptFunction[[int], str]"


@torch.no_grad()
def evaluate(n: int) -> str:
    return str(n)


@torch.inference_mode
def infer(n: int) -> str:
    return str(n)


with torch.no_grad():
    reveal_type(evaluate(3))  # revealed: str
    reveal_type(infer(3))  # revealed: str
    evaluate("3")  # error: arg-type
    infer("3")  # error: arg-type
