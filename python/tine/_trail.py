"""The notes by which an exception tells the calls that it came through."""

from tine import _C


class Hop(str):
    """A note of an exception: a call of another worker that failed. As a str it is the note's text.

    worker, call: where, and what was called. began: seconds from the beginning of the first call of the trail until this one
    began, by the clock of the worker that made it. took: seconds that its caller waited.
    """

    __slots__ = ("worker", "call", "began", "took")

    def __new__(cls, text, worker, call, began, took):
        self = super().__new__(cls, text)
        self.worker, self.call, self.began, self.took = worker, call, began, took
        return self

    def __reduce__(self):
        return Hop, (str(self), self.worker, self.call, self.began, self.took)


_C._set_hop(Hop)
