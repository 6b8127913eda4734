"""Classes whose annotations are texts that use the names of this module."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional

import tine


class Inner(NamedTuple):
    x: int


class Outer(NamedTuple):
    one: Inner
    many: List[Inner]


class Part:
    n: int

    def __init__(self, n: int):
        self.n = n


class Whole:
    part: Part
    parts: List[Part]
    last: Optional[Part]

    def __init__(self, n: int):
        self.part = Part(n)
        self.parts = []
        self.last = None

    def add(self) -> int:
        self.parts.append(self.part)
        last = self.last
        self.last = self.part
        return len(self.parts) + (0 if last is None else last.n)


class Net(tine.nn.Module):
    parts: List[Part]
    by_name: Dict[str, Inner]

    def __init__(self):
        super().__init__()
        self.parts = []
        self.by_name = {}

    def forward(self, n: int) -> int:
        self.parts.append(Part(n))
        self.by_name[str(n)] = Inner(n)
        return len(self.parts) + self.by_name[str(n)].x
