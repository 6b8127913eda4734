"""Races between forks, reported when what forks is compiled."""

from __future__ import annotations

from typing import Any

from .. import _C
from .._C import ScriptFunction


class RaceWarning(UserWarning):
    """A forked task writes what its forker or another task reads or writes before the task is waited for."""


def report_races(functions: list[ScriptFunction[..., Any]], strict: bool) -> None:
    """Of these and of what they call: warnings with the place of the fork, or the first one as an error."""
    told = set()
    for function in functions:
        for message, file, line, places in function._races():
            if strict:
                raise _C.SyntaxError(f"{file}:{line}: {message}{places}")
            if message not in told:
                told.add(message)
                import warnings

                warnings.warn_explicit(message + places, RaceWarning, file, line)
