"""Named tuples, enums and Unions in calls between workers: of scripts, from Python and from scripts, and in modules that travel."""
from cluster import run

RECORDS = '''
from enum import Enum
from typing import Dict, List, NamedTuple, Optional, Union
nn = torch.nn

class Point(NamedTuple):
    x: int
    y: Tensor

class Line(NamedTuple):
    points: List[Point]
    name: Optional[str] = None

class Color(Enum):
    RED = "r"
    BLUE = "b"

@torch.jit.script
def moved(line: Line, by: int, color: Color = Color.RED) -> Dict[str, Line]:
    return {color.name: Line([Point(p.x + by, p.y + by) for p in line.points], color.value)}

@torch.jit.script
def other(color: Color) -> Color:
    return Color.BLUE if color == Color.RED else Color.RED

@torch.jit.script
def either(v: Union[Point, Color, int]) -> Union[Point, Color, str]:
    if isinstance(v, Point):
        return Point(v.x * 2, v.y)
    if isinstance(v, Color):
        return other(v)
    return str(v)

def check(got, x):
    (name, line), = got.items()
    point, = line.points
    assert name == "BLUE" and line.name == "b" and type(line) is Line and type(point) is Point
    assert point.x == x and point.y.tolist() == [float(x)] * 2, line

POINT = Point(1, torch.ones(2))
rpc.init_rpc(NAME)
'''
END = "\nrpc.shutdown()\n"


def _run(program):
    run(2, RECORDS + program + END)


def test_scripts_take_and_give_the_very_classes():
    _run(
        '''
if RANK == 0:
    check(rpc.rpc_sync("worker1", moved, args=(Line([POINT]), 2, Color.BLUE)), 3)
    check(rpc.rpc_async("worker1", moved, args=(Line([POINT]), 2), kwargs={"color": Color.BLUE}).wait(), 3)
    check(rpc.remote("worker1", moved, args=(Line([POINT]), 2, Color.BLUE)).to_here(), 3)
    assert rpc.rpc_sync("worker1", other, args=(Color.RED,)) is Color.BLUE
    point = rpc.rpc_sync("worker1", either, args=(POINT,))
    assert type(point) is Point and point.x == 2
    assert rpc.rpc_sync("worker1", either, args=(Color.BLUE,)) is Color.RED
    assert rpc.rpc_sync("worker1", either, args=(7,)) == "7"
'''
    )


def test_a_script_calls_elsewhere_with_them():
    _run(
        '''
if RANK == 0:
    @torch.jit.script
    def calls(to: str, p: Point) -> Dict[str, Line]:
        line = Line([Point(p.x + 1, p.y + 1)])
        future = rpc.rpc_async(to, moved, (line, 1, Color.BLUE))
        kept: Color = rpc.rpc_sync(to, other, (Color.BLUE,))
        assert kept == Color.RED
        reference = rpc.remote(to, moved, (line, 1), {"color": Color.RED})
        assert reference.to_here()["RED"].points[0].x == 3
        return future.wait()
    check(calls("worker1", POINT), 3)
'''
    )


def test_code_that_only_the_caller_has_brings_its_classes():
    _run(
        '''
if RANK == 0:
    class Mine(NamedTuple):
        n: int
        color: Color

    @torch.jit.script
    def make(n: int) -> List[Mine]:
        return [Mine(i, Color.BLUE) for i in range(n)]

    @torch.jit.script
    def calls(to: str) -> List[Mine]:
        return rpc.rpc_sync(to, make, (2,))

    for got in (calls("worker1"), rpc.rpc_sync("worker1", make, args=(2,))):
        assert got == [(0, Color.BLUE), (1, Color.BLUE)] and all(type(m) is Mine for m in got), got
'''
    )


def test_modules_travel_with_them():
    _run(
        '''
class Net(nn.Module):
    colors: Dict[Color, int]

    def __init__(self):
        super().__init__()
        self.color = Color.BLUE
        self.all = [Color.RED]
        self.colors = {Color.RED: 3}
        self.line = Line([POINT], "n")

    def forward(self, color: Color):
        self.line = Line([Point(self.colors[color], self.line.points[0].y)])
        return self.line, self.color, self.all

def seen(net):
    line, color, all = net(Color.RED)
    assert type(line) is Line and line.points[0].x == 3 and color is Color.BLUE and all == [Color.RED], (line, color, all)
    return net

if RANK == 0:
    net = torch.jit.script(Net())
    seen(rpc.rpc_sync("worker1", seen, args=(net,)))
    line, color, all = rpc.rpc_sync("worker1", net.forward, args=(Color.RED,))
    assert type(line) is Line and color is Color.BLUE
'''
    )
