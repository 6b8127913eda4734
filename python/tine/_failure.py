"""A program that ends by an exception tells its peers, in its goodbye, and `tine launch`."""

import os
import sys


def words() -> str:
    """The exception that ends the program, in one line; empty while there is none."""
    error = getattr(sys, "last_value", None)  # set when it was printed, before the exit hooks
    if error is None:
        return ""
    try:
        text = str(error).strip().partition("\n")[0]
    except Exception:  # its own __str__ fails
        text = ""
    name = type(error).__qualname__
    return (f"{name}: {text}" if text else name)[:500]


def tell() -> str:
    """The same words. They reach `tine launch`, if it started this process, before a peer can fail as a consequence."""
    failure = words()
    address = os.environ.get("TINE_LAUNCH_NOTES", "")
    if failure and address.startswith("@"):
        import socket

        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notes:
                notes.setblocking(False)
                rank = os.environ.get("LOCAL_RANK", "")
                notes.sendto(f"{rank} {failure}".encode(errors="replace"), "\0" + address[1:])
        except OSError:
            pass  # the launcher has gone, or is another machine's
    return failure
