"""Futures: values that are not there yet, and what can be done with several of them.

The rules are those of torch.futures: a Future is completed once; callbacks run in the order in which they
were added, on the thread that completes it, at once when it is done already; `then` hands its callback the
Future itself, after a failure too. Beyond PyTorch: timeouts, cancellation, ``await``, and futures that fail
instead of hanging when nobody is left who could complete them.

Errors: each function says which it raises; exceptions travel as the very object that was raised.
Source: torch.futures (PyTorch 1.8 and later).
"""

from tine._C import Future, collect_all, set_unobserved_error_hook, wait_all

__all__ = ["Future", "collect_all", "set_unobserved_error_hook", "wait_all"]
