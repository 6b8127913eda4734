from typing import Self

class Hop(str):
    worker: str
    call: str
    began: float
    took: float
    def __new__(cls, text: str, worker: str, call: str, began: float, took: float) -> Self: ...
