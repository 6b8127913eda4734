"""Exceptions that pickle cannot bring back by itself: they keep their class, or its name, also inside another one."""

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


def test_an_exception_group_arrives_with_its_members_each_as_an_error_by_itself_does():
    run(
        2,
        """
        class Special(Exception):
            def __init__(self, code, what):
                super().__init__(f"{code}: {what}")
                self.code = code
        class Locked(Exception):
            def __init__(self, what):
                super().__init__(what)
                self.lock = threading.Lock()
        class Holder(Exception):
            pass
        class Group(ExceptionGroup):
            def __new__(cls, size, errors):
                return super().__new__(cls, f"{size} errors", errors)
            def derive(self, errors):
                return Group(len(errors), errors)
        def raised(error):
            try:
                raise error
            except type(error) as e:
                e.add_note("a note of its own")
                return e
        def fails(kind):
            class Local(Exception):
                pass
            members = [raised(Special(7, "x")), raised(Locked("locked")), KeyError("k"), Local("nobody's")]
            if kind is Holder:
                holder = Holder("holds")
                holder.inner, holder.itself = members[0], holder
                raise holder
            inner = ExceptionGroup("inner", members)
            raise kind("outer", [inner, ValueError("v")]) if kind is ExceptionGroup else kind(2, [inner, ValueError("v")])
        async def tasks():
            import asyncio
            async def one():
                raise Special(8, "task")
            async with asyncio.TaskGroup() as group:
                group.create_task(one())
        def leaves():
            raise BaseExceptionGroup("of exits", [SystemExit(3), Special(9, "y")])
        rpc.init_rpc(NAME)
        if RANK == 0:
            for kind, text in ((ExceptionGroup, "outer"), (Group, "2 errors")):
                try:
                    rpc.rpc_sync("worker1", fails, args=(kind,))
                    raise AssertionError
                except kind as error:
                    assert type(error) is kind and error.message == text and str(error) == text + " (2 sub-exceptions)", repr(error)
                    inner, value = error.exceptions
                    special, locked, key, local = inner.exceptions
                    assert type(inner) is ExceptionGroup and type(value) is ValueError and value.args == ("v",)
                    assert type(special) is Special and special.code == 7 and special.args == ("7: x",), repr(special)
                    assert special.__notes__ == ["a note of its own"] and "in raised" in str(special.__cause__)
                    assert type(locked) is Locked and str(locked) == "locked", repr(locked)
                    assert type(key) is KeyError and key.args == ("k",)
                    assert type(local) is torch.RemoteError and str(local).endswith("Local: nobody's"), repr(local)
                    assert "in fails" in str(error.__cause__) and error.__notes__[-1].worker == "worker1"
            try:
                rpc.rpc_sync("worker1", tasks)
            except* Special as group:
                assert [e.code for e in group.exceptions] == [8]
            try:
                rpc.rpc_sync("worker1", fails, args=(Holder,))
                raise AssertionError
            except Holder as error:
                assert str(error) == "holds" and error.inner.code == 7 and error.itself.itself is error.itself, vars(error)
            try:
                rpc.rpc_sync("worker1", leaves)
                raise AssertionError
            except torch.RemoteError as error:
                assert error.remote_type == "BaseExceptionGroup" and error.remote_args[1][1].code == 9, error
        rpc.shutdown()
        """,
    )
