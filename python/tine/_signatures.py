"""inspect.signature of operators; imported by the first use."""

import inspect


def signature_of(builtin):
    """The signature of an operator's only row; anything for one with several."""
    text = builtin.__text_signature__
    if text is None:
        return inspect.signature(lambda *args, **kwargs: None)
    try:
        return inspect.signature(eval(f"lambda {text[1:-1]}: None"))
    except SyntaxError:  # uniform_ has a parameter called `from`
        return inspect.signature(lambda *args, **kwargs: None)
