"""no_grad and similar names: tine has no automatic differentiation, so they change nothing.

They are here so that programs written for PyTorch run; each is a context manager and a decorator.
"""


class _Mode:
    """Does nothing on entry and exit. As a decorator it returns a wrapper that behaves as the function."""

    def __init__(self, mode=True):
        # @no_grad without a call
        self._function = mode if callable(mode) else None
        if self._function is not None:  # what functools.wraps does, which takes 5 ms to import
            for name in ("__module__", "__name__", "__qualname__", "__doc__"):
                setattr(self, name, getattr(mode, name, None))
            self.__wrapped__ = mode

    def __call__(self, *args, **kwargs):
        if self._function is not None:
            return self._function(*args, **kwargs)
        (function,) = args
        return function

    def __get__(self, instance, owner=None):
        return self if self._function is None else self._function.__get__(instance, owner)

    def __enter__(self):
        return None

    def __exit__(self, *error):
        return None


class no_grad(_Mode):
    """Nothing to switch off: tine records no gradients."""


class inference_mode(_Mode):
    """Nothing to switch off: tine records no gradients."""


class enable_grad(_Mode):
    """Accepted, and without effect: tine records no gradients."""


class set_grad_enabled(_Mode):
    """Accepted, and without effect: tine records no gradients."""


def is_grad_enabled():
    """False: tine records no gradients."""
    return False
