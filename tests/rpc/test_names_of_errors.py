"""Exceptions that pickle cannot bring back by itself: they keep their class, or its name, also inside another one."""

from tine.distributed.rpc import _errors

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


class Made:
    """Is pickled as what has another exception each time, which nobody else holds."""

    def __init__(self, number):
        self.number = number

    def __reduce__(self):
        return _number_in, (ValueError(self.number),)


def _number_in(error):
    return error.args[0]


def there_and_back(error):
    module, name, message, text, data = _errors.describe_error(error)
    return _errors.rebuild_error(None, message, module, name, text, data, []), len(data)


def holding(*held):
    error = KeyError("holds")
    error.held = list(held)
    return error


def test_exceptions_that_live_only_while_they_are_pickled_are_told_apart():
    holders = [holding(Made(number)) for number in range(50)]
    back, _ = there_and_back(holding(*holders))
    assert [each.held for each in back.held] == [[number] for number in range(50)]


class Long(Exception):
    def __str__(self):
        return "x" * 100_000


def test_what_exceptions_hold_is_bounded_with_their_texts():
    back, size = there_and_back(holding(*(Long(number) for number in range(100))))
    assert [(type(each), each.args) for each in back.held] == [(Long, (number,)) for number in range(100)]
    assert size < 3 << 20, size


def test_what_exceptions_hold_is_bounded_also_where_it_is_held_many_times():
    row = [Long()]
    for _ in range(10):
        row = [holding(*row) for _ in range(3)]
    back, size = there_and_back(holding(*row))
    assert type(back) is KeyError and len(back.held) == 3 and size < 3 << 20, size
