# Programs with classes that a script and CPython run alike, in the form of programs.py.
from enum import Enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union


class Point:
    def __init__(self, x: int, y: int = 2):
        self.x = x
        self.y = y

    def sum(self) -> int:
        return self.x + self.y

    def moved(self, by: int = 1, down: int = 0) -> "Point":
        return Point(self.x + by, self.y + down)

    def move(self, by: int):
        self.x += by

    def twice(self):
        return self.sum() * 2


# == (3, 5, 12, 7)
def case_objects_have_attributes_and_methods() -> Tuple[int, int, int, int]:
    p = Point(1)
    q = Point(2, y=3)
    r = Point(y=8, x=4)
    return p.sum(), q.sum(), r.sum(), p.moved(down=3, by=2).moved(-1).sum()


# == (11, 11, True)
def case_objects_are_shared_by_reference() -> Tuple[int, int, bool]:
    p = Point(1)
    q = p
    q.move(10)
    return p.x, q.x, isinstance(p, Point)


# == (6, 8)
def case_methods_without_a_result_type_are_inferred() -> Tuple[int, int]:
    return Point(1).twice(), Point(1).moved().twice()


# == [3, 7, 11]
def case_objects_stand_in_lists() -> List[int]:
    points = [Point(1), Point(3, 4)]
    points.append(Point(5, 6))
    return [p.sum() for p in points]


# == (3, 33, 9)
def case_objects_stand_in_dicts_tuples_and_optionals() -> Tuple[int, int, int]:
    by_name: Dict[str, Point] = {"a": Point(1)}
    by_name["b"] = Point(30, 3)
    pair = (Point(4, 5), "x")
    found: Optional[Point] = by_name.get("b")
    assert found is not None
    return by_name["a"].sum(), found.sum(), pair[0].sum()


def longest(points: List[Point]) -> Optional[Point]:
    best: Optional[Point] = None
    for p in points:
        if best is None or p.sum() > best.sum():
            best = p
    return best


# == (9, True)
def case_objects_are_arguments_and_results() -> Tuple[int, bool]:
    best = longest([Point(1), Point(4, 5), Point(2)])
    nothing = longest([])
    assert best is not None
    return best.sum(), nothing is None


class Node:
    def __init__(self, value: int):
        self.value = value
        self.next: Optional["Node"] = None


# == [3, 2, 1]
def case_a_class_may_hold_an_optional_of_itself() -> List[int]:
    head: Optional[Node] = None
    for i in range(1, 4):
        node = Node(i)
        node.next = head
        head = node
    values: List[int] = []
    while head is not None:
        values.append(head.value)
        head = head.next
    return values


class Tree:
    def __init__(self, value: int):
        self.value = value
        self.children: List["Tree"] = []

    def add(self, value: int) -> "Tree":
        child = Tree(value)
        self.children.append(child)
        return child

    def total(self) -> int:
        total = self.value
        for child in self.children:
            total += child.total()
        return total


# == (15, 2)
def case_a_class_may_hold_a_list_of_itself() -> Tuple[int, int]:
    root = Tree(1)
    left = root.add(2)
    left.add(4)
    root.add(3).add(5)
    return root.total(), len(root.children)


class Empty:
    pass


class Counter:
    STEP = 3
    NAME = "counter"

    def __init__(self, start: int):
        self._count = start

    @property
    def count(self) -> int:
        return self._count

    @count.setter
    def count(self, value: int):
        self._count = value

    @property
    def is_even(self) -> bool:
        return self._count % 2 == 0

    @staticmethod
    def twice(x: int) -> int:
        return x * 2

    @classmethod
    def at(cls, start: int) -> "Counter":
        return cls(cls.twice(start))

    def step(self) -> int:
        self.count += self.STEP
        return self.count


# == (4, False, 14, 17)
def case_properties_compute_and_set() -> Tuple[int, bool, int, int]:
    c = Counter(4)
    first = c.count
    c.count = 7
    odd = c.is_even
    c.count *= 2
    second = c.count
    return first, odd, second, c.step()


# == (6, 8, 20, 3, 'counter')
def case_static_and_class_methods_and_constants() -> Tuple[int, int, int, int, str]:
    return Counter.twice(3), Counter(1).twice(4), Counter.at(10).count, Counter.STEP, Counter(0).NAME


class Vector:
    def __init__(self, x: float, y: float):
        self.x = x
        self.y = y

    def __add__(self, other: "Vector") -> "Vector":
        return Vector(self.x + other.x, self.y + other.y)

    def __sub__(self, other: "Vector") -> "Vector":
        return Vector(self.x - other.x, self.y - other.y)

    def __mul__(self, by: float) -> "Vector":
        return Vector(self.x * by, self.y * by)

    def __rmul__(self, by: float) -> "Vector":
        return self * by

    def __iadd__(self, other: "Vector") -> "Vector":
        self.x += other.x
        self.y += other.y
        return self

    def __neg__(self) -> "Vector":
        return Vector(-self.x, -self.y)

    def __abs__(self) -> float:
        return self.x + self.y

    def __matmul__(self, other: "Vector") -> float:
        return self.x * other.x + self.y * other.y

    def __eq__(self, other: "Vector") -> bool:
        return self.x == other.x and self.y == other.y

    def __lt__(self, other: "Vector") -> bool:
        return abs(self) < abs(other)

    def __str__(self) -> str:
        return f"<{self.x}, {self.y}>"


# == ('<4.0, 6.0>', '<2.0, 2.0>', '<2.0, 4.0>', '<3.0, 6.0>', '<-1.0, -2.0>')
def case_arithmetic_is_by_methods() -> Tuple[str, str, str, str, str]:
    a = Vector(1.0, 2.0)
    b = Vector(3.0, 4.0)
    return str(a + b), str(b - a), str(a * 2.0), f"{3.0 * a}", str(-a)


# == (11.0, 3.0, '<4.0, 6.0>', '<4.0, 6.0>')
def case_operators_in_place_change_the_object() -> Tuple[float, float, str, str]:
    a = Vector(1.0, 2.0)
    b = a
    product = a @ Vector(3.0, 4.0)
    size = abs(a)
    a += Vector(3.0, 4.0)
    return product, size, str(a), str(b)


# == (True, False, True, True, False, True)
def case_comparisons_are_by_methods() -> Tuple[bool, bool, bool, bool, bool, bool]:
    a = Vector(1.0, 2.0)
    b = Vector(3.0, 4.0)
    return a == Vector(1.0, 2.0), a == b, a != b, a < b, a > b, b > a


class Grid:
    def __init__(self, width: int):
        self.width = width
        self.cells: List[int] = []
        for _ in range(width * width):
            self.cells.append(0)

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, at: Tuple[int, int]) -> int:
        row, column = at
        return self.cells[row * self.width + column]

    def __setitem__(self, at: Tuple[int, int], value: int):
        row, column = at
        self.cells[row * self.width + column] = value

    def __contains__(self, value: int) -> bool:
        return value in self.cells

    def __call__(self, value: int, times: int = 2) -> int:
        return value * times + self.width


# == (9, 7, 10, True, False, False)
def case_indices_lengths_and_membership_are_by_methods() -> Tuple[int, int, int, bool, bool, bool]:
    g = Grid(3)
    g[1, 2] = 7
    seven = g[1, 2]
    g[1, 2] += 3
    return len(g), seven, g[1, 2], 10 in g, 7 in g, 10 not in g


# == (13, 23, 17)
def case_objects_can_be_called() -> Tuple[int, int, int]:
    g = Grid(3)
    return g(5), g(5, times=4), Grid(7)(value=5)


class Switch:
    def __init__(self, on: bool):
        self.on = on

    def __bool__(self) -> bool:
        return self.on

    def __int__(self) -> int:
        return 1 if self.on else 0

    def __float__(self) -> float:
        return 0.5


# == (1, 2, True, False, 1, 0.5, 'empty')
def case_truth_and_conversions_are_by_methods() -> Tuple[int, int, bool, bool, int, float, str]:
    on = Switch(True)
    off = Switch(False)
    a = 1 if on else 2
    b = 2
    if off:
        b = 3
    kind = "full" if Grid(0) else "empty"
    return a, b, bool(on), not on, int(on), float(off), kind


class Early:
    def __init__(self, size: int):
        self.size = size
        self.doubled = self.double()
        self.label = "small"
        if size > 10:
            self.label = "large"

    def double(self) -> int:
        return self.size * 2


# == (6, 'small', 'large')
def case_init_may_call_methods_and_branch() -> Tuple[int, str, str]:
    return Early(3).doubled, Early(3).label, Early(30).label


class Declared:
    values: List[int]
    limit: Optional[int] = None
    most: int = 30

    def __init__(self):
        self.values = []
        self.limit = None

    def add(self, value: int) -> bool:
        limit = self.limit
        if value > self.most or (limit is not None and value > limit):
            return False
        self.values.append(value)
        return True


# == ([5, 2], True, False)
def case_a_class_may_declare_its_attributes() -> Tuple[List[int], bool, bool]:
    d = Declared()
    first = d.add(5)
    d.limit = 3
    second = d.add(4) or d.add(31)
    d.add(2)
    return d.values, first, second


class Owner:
    def __init__(self, point: Point):
        self.point = point
        self.all: Dict[str, Point] = {"first": point}

    def grow(self) -> int:
        self.point.move(5)
        self.all["second"] = self.point.moved()
        return self.all["first"].x + self.all["second"].x


# == (13, 6, 2)
def case_objects_hold_objects_of_other_classes() -> Tuple[int, int, int]:
    o = Owner(Point(1))
    return o.grow(), o.point.x, len(o.all)


def make(kind: int) -> Point:
    if kind == 0:
        return Point(0)
    p = Point(kind) if kind < 10 else Point(-1)
    while p.x < 5:
        p = p.moved(2)
    return p


# == [0, 5, 6, -1]
def case_variables_of_a_class_go_through_branches_and_loops() -> List[int]:
    return [make(0).x, make(1).x, make(2).x, Point(-1).x]


class Guard:
    def __init__(self, log: List[str], name: str):
        self.log = log
        self.name = name

    def __enter__(self) -> str:
        self.log.append("+" + self.name)
        return self.name.upper()

    def __exit__(self, type: Any, value: Any, tb: Any):
        self.log.append("-" + self.name)


# == ['+a', 'A', '-a', 'end']
def case_with_enters_and_exits() -> List[str]:
    log: List[str] = []
    with Guard(log, "a") as name:
        log.append(name)
    log.append("end")
    return log


# == ['+a', '+b', 'AB', '-b', '-a']
def case_with_of_several_exits_the_last_first() -> List[str]:
    log: List[str] = []
    with Guard(log, "a") as x, Guard(log, "b") as y:
        log.append(x + y)
    return log


def leave(log: List[str], how: int) -> int:
    with Guard(log, "f"):
        for i in range(4):
            with Guard(log, str(i)):
                if how == 0 and i == 1:
                    break
                if how == 1 and i == 1:
                    return 10 + i
                if i == 0:
                    continue
                log.append("turn")
        log.append("after")
    return -1


# == (-1, ['+f', '+0', '-0', '+1', '-1', 'after', '-f'])
def case_with_is_left_by_break_and_continue() -> Tuple[int, List[str]]:
    log: List[str] = []
    return leave(log, 0), log


# == (11, ['+f', '+0', '-0', '+1', '-1', '-f'])
def case_with_is_left_by_return() -> Tuple[int, List[str]]:
    log: List[str] = []
    return leave(log, 1), log


# == (3, ['+a', '-a'])
def case_what_with_assigns_is_there_after_it() -> Tuple[int, List[str]]:
    log: List[str] = []
    with (Guard(log, "a")):
        x = 3
    return x, log


class Holder:
    def __init__(self):
        self.depth = 0

    def __enter__(self) -> "Holder":
        self.depth += 1
        return self

    def __exit__(self, type: Any, value: Any, tb: Any) -> None:
        self.depth -= 1


# == (1, 2, 1, 0)
def case_one_object_may_be_entered_twice() -> Tuple[int, int, int, int]:
    holder = Holder()
    with holder as a:
        first = a.depth
        with a:
            second = holder.depth
        third = a.depth
    return first, second, third, holder.depth


class Rank:
    def __init__(self, value: int, name: str):
        self.value = value
        self.name = name

    def __lt__(self, other: "Rank") -> bool:
        return self.value < other.value


# == ('bdac', 'cabd', 'bdac')
def case_lists_of_objects_are_sorted_by_lt() -> Tuple[str, str, str]:
    ranks = [Rank(2, "a"), Rank(1, "b"), Rank(3, "c"), Rank(1, "d")]
    up = "".join([r.name for r in sorted(ranks)])
    down = "".join([r.name for r in sorted(ranks, reverse=True)])
    ranks.sort()
    return up, down, "".join([r.name for r in ranks])


class Kind(Enum):
    LOW = "low"
    HIGH = "high"


class Place(NamedTuple):
    at: int
    kind: Kind = Kind.LOW


class Walker:
    def __init__(self, place: Place):
        self.place = place
        self.past: List[Place] = []
        self.last: Union[int, str, None] = None

    def go(self, by: int) -> "Walker":
        self.past.append(self.place)
        self.place = Place(self.place.at + by, Kind.HIGH if by > 2 else self.place.kind)
        self.last = by if by > 0 else "back"
        return self


class Seat(NamedTuple):
    walker: Walker
    number: int


# == (7, 'high', [Place(at=1, kind=<Kind.LOW: 'low'>), Place(at=3, kind=<Kind.LOW: 'low'>)], 'int', 8)
def case_objects_hold_records_and_records_objects() -> Tuple[int, str, List[Place], str, int]:
    seat = Seat(Walker(Place(1)).go(2), 8)
    place = seat.walker.go(4).place
    last = seat.walker.last
    word = "int" if isinstance(last, int) else "other"
    return place.at, place.kind.value, seat.walker.past, word, seat.number
