"""The bridge to asyncio; imported by the first ``await`` of a Future."""

import asyncio


def await_future(future):
    """The iterator that ``await future`` runs: cancelling the task cancels the future."""
    if not future.done():
        loop = asyncio.get_running_loop()
        woken = loop.create_future()

        def wake():
            if not woken.done():
                woken.set_result(None)

        def on_done(_):
            try:
                loop.call_soon_threadsafe(wake)
            except RuntimeError:
                pass  # the loop has closed: nobody awaits any more

        future.add_done_callback(on_done)
        try:
            yield from woken
        except asyncio.CancelledError:
            future.cancel()
            raise
    return future.value()
