"""Classes of scripts between workers: they travel with the code that uses them, and their objects do not."""
from cluster import run

CLASSES = '''
from enum import Enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union
from tine.distributed.rpc import RRef

class Node:
    def __init__(self, value: int):
        self.value = value
        self.next: Optional["Node"] = None
    def __add__(self, more: int) -> "Node":
        made = Node(self.value + more)
        made.next = self
        return made
    def total(self) -> int:
        after = self.next
        return self.value + (after.total() if after is not None else 0)

class Log:
    def __init__(self, lines: List[str]):
        self.lines = lines
    def __enter__(self) -> "Log":
        self.lines.append("+")
        return self
    def __exit__(self, type: Any, value: Any, tb: Any):
        self.lines.append("-")

def chain(n: int) -> int:
    node = Node(n)
    for i in range(3):
        node = node + i
    return node.total()

def logged(n: int) -> List[str]:
    lines: List[str] = []
    with Log(lines) as log:
        log.lines.append(str(chain(n)))
        if n > 9:
            raise ValueError("too much")
    return lines

class Kind(Enum):
    LOW = "low"
    HIGH = "two\\nlines"

class Place(NamedTuple):
    at: int
    kind: Kind = Kind.LOW

class Walker:
    def __init__(self, place: Place):
        self.place = place
        self.past: Dict[Kind, List[Place]] = {Kind.LOW: [], Kind.HIGH: []}
        self.last: Union[int, str, None] = None
    def go(self, by: int, kind: Kind = Kind.HIGH) -> "Walker":
        self.past[self.place.kind].append(self.place)
        self.place = Place(self.place.at + by, kind)
        self.last = by if by > 0 else "back"
        return self

class Seat(NamedTuple):
    walker: Walker
    number: int

def walked(place: Place, by: int) -> Tuple[Place, Dict[Kind, List[Place]], str, int]:
    seat = Seat(Walker(place).go(by).go(1, Kind.LOW), 8)
    last = seat.walker.last
    return seat.walker.place, seat.walker.past, "int" if isinstance(last, int) else "other", seat.number
'''
# Worker 1 has none of them.
SCRIPTS = "if RANK == 0:\n" + "\n".join("    " + line for line in CLASSES.split("\n")) + """
rpc.init_rpc(NAME)
"""
END = "\nrpc.shutdown()\n"


def _run(program):
    return run(2, SCRIPTS + program + END)


def test_classes_travel_with_the_functions_that_use_them():
    _run(
        """
if RANK == 0:
    scripted = torch.jit.script(logged)
    expected = logged(2)
    assert scripted(2) == expected
    for _ in range(2):
        assert rpc.rpc_sync("worker1", scripted, args=(2,)) == expected
    try:
        rpc.rpc_sync("worker1", scripted, args=(10,))
    except ValueError as error:
        assert "too much" in str(error)
    else:
        raise AssertionError("no error")

    @torch.jit.script
    def there(to: str, n: int) -> List[str]:
        return rpc.rpc_sync(to, logged, (n,))

    assert there("worker1", 3) == logged(3)
"""
    )


def test_classes_travel_with_the_named_tuples_and_enums_in_them():
    _run(
        """
if RANK == 0:
    scripted = torch.jit.script(walked)
    expected = walked(Place(1), 2)
    assert scripted(Place(1), 2) == expected
    for _ in range(2):
        got = rpc.rpc_sync("worker1", scripted, args=(Place(1), 2))
        assert got == expected and type(got[0]) is Place and got[0].kind is Kind.LOW
"""
    )


def test_objects_do_not_travel():
    _run(
        """
if RANK == 0:
    @torch.jit.script
    def total(node: Node) -> int:
        return node.total()

    @torch.jit.script
    def made(n: int) -> Node:
        return Node(n)

    def refused(call, *words):
        try:
            call()
        except (TypeError, torch.SyntaxError) as error:
            assert all(word in str(error) for word in words), error
            return
        raise AssertionError("no error")

    def gives(to: str) -> int:
        return rpc.rpc_sync(to, total, (Node(1),))

    def takes(to: str):
        return rpc.rpc_async(to, made, (1,)).wait()

    refused(lambda: torch.jit.script(gives), "cannot be sent to another worker, and an argument is a", "Node")
    refused(lambda: torch.jit.script(takes), "cannot be sent to another worker, and what this returns is a", "Node")
    refused(lambda: rpc.rpc_sync("worker1", made, args=(1,)), "cannot be sent to another worker")
    refused(lambda: rpc.rpc_sync("worker1", total, args=(Node(1),)))
"""
    )
