"""inspect.signature of operators; imported by the first use."""

from __future__ import annotations

import inspect

from ._C import Builtin


def signature_of(builtin: Builtin) -> inspect.Signature:
    """The signature of an operator's only row; anything for one with several."""
    text = builtin.__text_signature__
    if text is None:
        return inspect.signature(lambda *args, **kwargs: None)
    try:
        return inspect.signature(eval(f"lambda {text[1:-1]}: None"))
    except SyntaxError:  # uniform_ has a parameter called `from`
        return inspect.signature(lambda *args, **kwargs: None)
