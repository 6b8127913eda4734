"""An exception that cannot travel keeps the name of its class."""

from cluster import run


def test_an_exception_that_cannot_be_pickled_keeps_its_class_or_the_classs_whole_name():
    run(
        2,
        """
        def fails():
            class Local(Exception):
                pass
            raise Local("the text", threading.Lock())
        class Outer:
            class Inner(Exception):
                def __reduce__(self):
                    raise TypeError("no")
        def fails_inside():
            raise Outer.Inner("inner text")
        rpc.init_rpc(NAME)
        if RANK == 0:
            for call, kind, text in ((fails, torch.RemoteError, "__main__.fails.<locals>.Local: "), (fails_inside, Outer.Inner, "inner text")):
                try:
                    rpc.rpc_sync("worker1", call)
                except kind as error:
                    assert type(error) is kind and str(error).startswith(text), repr(error)
                else:
                    raise AssertionError("no error")
        rpc.shutdown()
        """,
    )
