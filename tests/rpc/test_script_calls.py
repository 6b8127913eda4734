"""Calls that scripts make: kwargs, timeouts, callees by name, and what is refused. Much of it is what PyTorch's own tests of
TorchScript's RPC expect (torch/testing/_internal/distributed/rpc/jit)."""
from cluster import PREAMBLE, run

SCRIPTS = '''
from typing import Any, Dict, List, Optional, Tuple
from tine.distributed.rpc import RRef
from tine.futures import Future

def error_of(kind, call, *words):
    """The error, which tells all these words, and the line of the script."""
    try:
        got = call()
    except kind as error:
        told = "\\n".join([str(error), *getattr(error, "__notes__", ())])
        missing = [word for word in words if word not in told]
        assert not missing, (missing, told)
        return error
    raise AssertionError(f"no error, but {got!r}")

@torch.jit.script
def no_arg():
    return 0

@torch.jit.script
def two_and_two(first, second, third=torch.tensor([3, 3]), fourth=torch.tensor([4, 4])):
    return first + second + third + fourth

@torch.jit.script
def assorted(t: Tensor, s: str, i: int, t2: Tensor = torch.tensor([2, 2]), s2: str = "of it", i2: int = 2):
    return t + t2, s + s2, i + i2

@torch.jit.script
def by_async(to: str, args: tuple[Tensor, Tensor], kwargs: dict[str, Tensor]):
    return rpc.rpc_async(to, two_and_two, args, kwargs).wait()

@torch.jit.script
def by_sync(to: str, args: Tuple[Tensor, Tensor], kwargs: Dict[str, Tensor]):
    return rpc.rpc_sync(to, two_and_two, args, kwargs)

@torch.jit.script
def by_remote(to: str, args: Tuple[Tensor, Tensor], kwargs: Dict[str, Tensor]):
    return rpc.remote(to, two_and_two, args, kwargs).to_here()

WAYS = by_async, by_sync, by_remote

@torch.jit.script
def plus(x: Tensor, n: int = 2) -> Tensor:
    return x + n

X = torch.ones(2)
'''
END = "\nrpc.shutdown()\n"
REGISTERED_ONLY = PREAMBLE + '''
if RANK == 1:
    import functools
    rpc.init_rpc = functools.partial(rpc.init_rpc, rpc_backend_options=rpc.RpcBackendOptions(allow="registered"))
'''


def _run(size, program, **kwargs):
    definitions, rank_0, calls = program.partition("if RANK == 0:")
    # A worker that can be called has all that it serves.
    return run(size, SCRIPTS + definitions + "\nrpc.init_rpc(NAME)\n" + rank_0 + calls + END, **kwargs)


def test_a_dict_variable_gives_the_callee_its_keywords_and_defaults_the_rest():
    _run(
        2,
        '''
if RANK == 0:
    args = torch.tensor([1, 1]), torch.tensor([2, 2])
    for call in WAYS:
        assert call("worker1", args, {}).tolist() == [10, 10]
        assert call("worker1", args, {"third": torch.tensor([2, 2])}).tolist() == [9, 9]
        assert call("worker1", args, {"fourth": torch.tensor([3, 3]), "third": torch.tensor([2, 2])}).tolist() == [8, 8]
''',
    )


def test_a_dict_of_any_holds_keywords_of_different_types():
    _run(
        2,
        '''
if RANK == 0:
    @torch.jit.script
    def call(to: str):
        args = (torch.tensor([1, 1]), "str", 1)
        kwargs: Dict[str, Any] = {"t2": torch.tensor([3, 3]), "s2": " and more", "i2": 3}
        return rpc.rpc_async(to, assorted, args, kwargs).wait()
    t, s, i = call("worker1")
    assert (t.tolist(), s, i) == ([4, 4], "str and more", 4)
''',
    )


def test_arguments_may_be_left_out_be_none_or_stand_in_a_list():
    _run(
        2,
        '''
@torch.jit.script
def maybe(to: str, x: Tensor, kwargs: Optional[Dict[str, int]] = None) -> Tensor:
    return rpc.rpc_sync(to, plus, (x,), kwargs)

if RANK == 0:
    @torch.jit.script
    def calls(to: str, x: Tensor):
        args = ()
        kwargs = {}
        assert rpc.rpc_sync(to, no_arg) == 0
        assert rpc.rpc_sync(to, no_arg, args, kwargs) == 0
        assert rpc.rpc_sync(to, no_arg, None, None) == 0
        return rpc.rpc_sync(to=to, timeout=5, func=plus, kwargs={"n": 3}, args=[x])
    assert calls("worker1", X).tolist() == [4, 4]
    assert maybe("worker1", X).tolist() == [3, 3]
    assert maybe("worker1", X, {"n": 5}).tolist() == [6, 6]
''',
    )


def test_keywords_whose_names_the_script_makes_are_bound_when_it_runs():
    _run(
        2,
        '''
@torch.jit.script
def call(to: str, x: Tensor, key: str) -> Tensor:
    return rpc.rpc_sync(to, plus, (x,), {key + "": 7})

@torch.jit.script
def filled_later(to: str, x: Tensor, n: int) -> Tensor:
    kwargs: Dict[str, int] = {}
    total = torch.zeros(2)
    for i in range(n):
        total = total + rpc.rpc_sync(to, plus, (x,), kwargs)
        kwargs["n"] = 10
    return total

@torch.jit.script
def filled_in_a_branch(to: str, x: Tensor, fill: bool) -> Tensor:
    kwargs: Dict[str, Tensor] = {}
    if fill:
        kwargs["second"] = x
    return rpc.rpc_sync(to, two_and_two, (x,), kwargs)

@torch.jit.script
def all_by_keyword(to: str, kwargs: Dict[str, Tensor]) -> Tensor:
    return rpc.rpc_sync(to, two_and_two, kwargs=kwargs)

if RANK == 0:
    assert call("worker1", X, "n").tolist() == [8, 8]
    error_of(TypeError, lambda: call("worker1", X, "m"), "unexpected keyword argument 'm'", "{key + \\"\\": 7}")
    assert filled_later("worker1", X, 2).tolist() == [14, 14]
    assert filled_in_a_branch("worker1", X, True).tolist() == [9, 9]
    error_of(TypeError, lambda: filled_in_a_branch("worker1", X, False), "missing value for argument 'second'")
    assert all_by_keyword("worker1", {"first": X, "second": X}).tolist() == [9, 9]
    error_of(TypeError, lambda: all_by_keyword("worker1", {"first": X}), "missing value for argument 'second'",
             "Declaration: two_and_two(Tensor first, Tensor second, ", "rpc.rpc_sync(to, two_and_two, kwargs=kwargs)")
''',
    )


def test_wrong_keywords_of_a_dict_variable_fail_at_the_line_of_the_call():
    _run(
        2,
        '''
@torch.jit.script
def any_of(to: str, kwargs: Dict[str, Any]) -> Tensor:
    return rpc.rpc_sync(to, plus, (torch.ones(2),), kwargs)

if RANK == 0:
    args = torch.tensor([1, 1]), torch.tensor([2, 2])
    for call in WAYS:
        error_of(TypeError, lambda: call("worker1", args, {"fifth": X}), "got an unexpected keyword argument 'fifth'",
                 "Declaration: two_and_two(", f"in script __main__.{call.__name__}", "two_and_two, args, kwargs)")
        error_of(TypeError, lambda: call("worker1", args, {"first": X}), "got multiple values for argument 'first'")
    error_of(TypeError, lambda: any_of("worker1", {"n": "two"}), "argument 'n' must be int, not str 'two'")
    assert any_of("worker1", {"n": torch.tensor(3)}).tolist() == [4, 4]  # as where Python calls it
''',
    )


def test_what_does_not_fit_a_callee_is_refused_when_the_script_is_compiled():
    _run(
        1,
        '''
def less(to: str):
    args = (torch.tensor([1, 1]),)
    kwargs = {}
    return rpc.rpc_async(to, two_and_two, args, kwargs).wait()

def more(to: str, x: Tensor):
    args = (x, x, x, x, x)
    kwargs = {}
    return rpc.rpc_async(to, two_and_two, args, kwargs).wait()

def not_str(to: str, x: Tensor, kwargs: Dict[int, int]):
    return rpc.rpc_async(to, plus, (x,), kwargs).wait()

def maybe(to: str, name: Optional[str]):
    return rpc.rpc_async(to, name).wait()

error_of(torch.SyntaxError, lambda: torch.jit.script(less), "`two_and_two` needs a value for `second`", "program.py:")
error_of(torch.SyntaxError, lambda: torch.jit.script(more), "`two_and_two` takes 4 positional arguments, got 5", "program.py:")
error_of(torch.SyntaxError, lambda: torch.jit.script(not_str), "must be str, not int: this is a Dict[int, int]", "program.py:")
error_of(torch.SyntaxError, lambda: torch.jit.script(maybe), "Optional[str]", "program.py:")
''',
    )


def test_a_timeout_means_the_same_in_a_script_as_in_python():
    _run(
        2,
        '''
@rpc.register("slowly")
def slowly(seconds):
    time.sleep(seconds)
    return torch.zeros(2)

@torch.jit.script
def call(to: str, x: Tensor, timeout: float) -> Tensor:
    return rpc.rpc_sync(to, plus, (x,), {"n": 7}, timeout)

@torch.jit.script
def dict_call(to: str, x: Tensor, kwargs: Dict[str, int], timeout: int) -> Tensor:
    return rpc.rpc_async(to, plus, (x,), kwargs, timeout=timeout).wait()

@torch.jit.script
def place(to: str, x: Tensor, timeout: float) -> Tensor:
    return rpc.remote(to, plus, (x,), {"n": 7}, timeout).to_here(timeout=timeout)

@torch.jit.script
def here(r: RRef[Tensor], timeout: float) -> Tensor:
    return r.to_here(timeout)

@torch.jit.script
def slow(to: str, seconds: float, timeout: float) -> Tensor:
    return rpc.rpc_sync(to, "slowly", (seconds,), timeout=timeout)

@torch.jit.script
def slow_future(to: str, seconds: float, timeout: float) -> Future[Tensor]:
    return rpc.rpc_async(to, "slowly", (seconds,), timeout=timeout)

if RANK == 0:
    made = rpc.remote("worker1", plus, (X,))
    for seconds in (-1.0, 0.0, 5.0, 1e300, float("inf")):
        assert call("worker1", X, seconds).tolist() == [8, 8]
        assert place("worker1", X, seconds).tolist() == [8, 8]
        assert here(made, seconds).tolist() == [3, 3]
    assert dict_call("worker1", X, {"n": 1}, 5).tolist() == [2, 2]
    for seconds in (float("nan"), -2.0, -0.5, float("-inf")):
        words = str(error_of(ValueError, lambda: rpc.rpc_sync("worker1", plus, (X,), timeout=seconds)))
        for script in (lambda: call("worker1", X, seconds), lambda: place("worker1", X, seconds), lambda: here(made, seconds)):
            assert str(error_of(ValueError, script, "<--- HERE")) == words
    late = rpc.remote("worker1", "slowly", args=(1.0,))
    for script in (lambda: slow("worker1", 1.0, 0.05), lambda: here(late, 0.05), lambda: slow_future("worker1", 1.0, 0.05).wait()):
        error_of(TimeoutError, script, "RPC ran for more than")
    rpc._set_rpc_timeout(0.05)
    error_of(TimeoutError, lambda: slow("worker1", 0.5, -1.0))
    assert slow("worker1", 0.1, 0.0).tolist() == [0, 0]
    rpc._set_rpc_timeout(60)
''',
    )


def test_a_callee_may_be_named_and_its_result_is_of_the_type_that_is_annotated():
    _run(
        2,
        '''
NAME_OF_IT = "scale"

@rpc.register("scale")
def scale(x, by, plus=0):
    return x * by + plus

@rpc.register("later")
@rpc.functions.async_execution
def later(x):
    future = torch.futures.Future()
    future.set_result(x)
    return future

@torch.jit.script
def served(to: str, x: Tensor) -> Tensor:
    y: Tensor = rpc.rpc_sync(to, "scale", args=(x, 2))
    f: Future[Tensor] = rpc.rpc_async(to, NAME_OF_IT, (y,), {"by": 3})
    r: RRef[Tensor] = rpc.remote(to, "scale", args=[f.wait()], kwargs={"by": 1, "plus": 0.5})
    return r.to_here()

@torch.jit.script
def dynamic(to: str, name: str, x: Tensor, kwargs: Dict[str, Any]) -> Any:
    return rpc.rpc_sync(to, name, args=(x,), kwargs=kwargs)

@torch.jit.script
def unannotated(to: str, x: Tensor) -> Tensor:
    y = rpc.rpc_sync(to, "scale", (x, 2))
    assert isinstance(y, Tensor)
    return y

@torch.jit.script
def operator(to: str, x: Tensor):
    return rpc.rpc_sync(to, "aten::add", (x, 1), {"alpha": 3})

@torch.jit.script
def script(to: str, x: Tensor):
    return rpc.rpc_sync(to, "__main__.plus", (x,), {"n": 5})

@torch.jit.script
def mistaken(to: str, x: Tensor) -> int:
    return rpc.rpc_sync(to, "scale", args=(x, 2))

if RANK == 0:
    assert served("worker1", X).tolist() == [6.5, 6.5]
    assert unannotated("worker1", X).tolist() == [2, 2]
    assert operator("worker1", X).tolist() == [4, 4] and script("worker1", X).tolist() == [6, 6]
    for name, kwargs, result in (("scale", {"by": 5, "plus": 1}, 6), ("aten::add", {"other": 2}, 3), ("__main__.plus", {"n": 3}, 4),
                                 ("__main__:scale", {"by": 3}, 3), ("later", {}, 1)):
        assert dynamic("worker1", name, X, kwargs).tolist() == [result, result], name
    error_of(NameError, lambda: dynamic("worker1", "nothing", X, {}), 'no function "nothing"', "<--- HERE")
    error_of(TypeError, lambda: dynamic("worker1", "aten::relu", X, {"m": 3}), "relu", "<--- HERE")
    error_of(TypeError, lambda: dynamic("worker1", "__main__.plus", X, {"m": 3}), "unexpected keyword argument 'm'", "<--- HERE")
    error_of(TypeError, lambda: dynamic("worker1", "scale", X, {"m": 3}), "unexpected keyword argument 'm'", "on worker worker1")
    error_of(TypeError, lambda: mistaken("worker1", X), "type int, but it holds Tensor", "<--- HERE")
''',
    )


def test_a_worker_of_registered_functions_serves_a_script_by_their_names_alone():
    _run(
        2,
        '''
@rpc.register("scale")
def scale(x, by):
    return x * by

@torch.jit.script
def named(to: str, x: Tensor) -> Tensor:
    return rpc.rpc_sync(to, "scale", (x,), {"by": 3})

@torch.jit.script
def scripted(to: str, x: Tensor) -> Tensor:
    return rpc.rpc_sync(to, plus, (x,))

if RANK == 0:
    assert named("worker1", X).tolist() == [3, 3]
    error_of(PermissionError, lambda: scripted("worker1", X), 'allow="registered"', "<--- HERE")
''',
        preamble=REGISTERED_ONLY,
    )


def test_keyword_only_parameters_of_functions_and_operators_travel_by_name():
    _run(
        2,
        '''
@torch.jit.script
def scaled(x: Tensor, *, n: int, m: float = 1) -> Tensor:
    return x * n + m

@torch.jit.script
def calls(to: str, x: Tensor, kwargs: Dict[str, Any]) -> Tensor:
    a = rpc.rpc_sync(to, scaled, (x,), {"n": 3})
    b = rpc.remote(to, scaled, (x,), kwargs).to_here()
    return a + b

@torch.jit.script
def operators(to: str, x: Tensor) -> Tensor:
    return rpc.rpc_sync(to, torch.add, (x, x), {"alpha": 2}) + rpc.rpc_sync(to, torch.zeros, ([2],), {"dtype": torch.float64})

if RANK == 0:
    for to in "worker0", "worker1":
        assert calls(to, X, {"n": 2, "m": 0.5}).tolist() == [6.5, 6.5]
        error_of(TypeError, lambda: calls(to, X, {"m": 0.5}), "missing value for argument 'n'", "<--- HERE")
        total = operators(to, X)
        assert total.tolist() == [3, 3] and total.dtype == torch.float64
        assert rpc.rpc_sync(to, scaled, (X,), {"n": 3}).tolist() == [4, 4]
        error_of(TypeError, lambda: rpc.rpc_sync(to, scaled, (X, 3)), "takes 1 positional argument but 2 were given")
''',
    )


def test_calls_of_rpc_that_are_pythons_alone_are_refused_by_name():
    _run(
        1,
        '''
def call(to: str, x: Tensor):
    return rpc.call(to, plus, x)

def stream(to: str, x: Tensor):
    return rpc.stream(to, plus, (x,))

def info(to: str):
    return rpc.get_worker_info(to)

for name, f in ("call", call), ("stream", stream), ("get_worker_info", info):
    error_of(torch.SyntaxError, lambda: torch.jit.script(f), f"`{name}` of tine.distributed is Python's", "program.py:")
''',
    )


def test_an_async_execution_function_answers_a_script_by_the_value_of_its_future():
    _run(
        3,
        '''
@torch.jit.script
def add(x: Tensor, y: Tensor) -> Tensor:
    return x + y

@rpc.functions.async_execution
@torch.jit.script
def add_there(to: str, x: Tensor, y: Tensor) -> Future[Tensor]:
    return rpc.rpc_async(to, add, (x, y))

@rpc.functions.async_execution
def unscripted(to: str, x: Tensor) -> Future[Tensor]:
    return rpc.rpc_async(to, add, (x, x))

@rpc.functions.async_execution
@torch.jit.script
def no_future(x: Tensor) -> Tensor:
    return x

@torch.jit.script
def calls(to: str, then: str, x: Tensor, kwargs: Dict[str, Tensor]) -> Tensor:
    a = rpc.rpc_sync(to, add_there, (then, x, x))
    b = rpc.remote(to, add_there, (then, a), kwargs).to_here()
    here = add_there(then, x, x).wait()
    assert bool((rpc.rpc_sync(to, unscripted, (then, x)) == here).all())
    return rpc.rpc_async(to, add_there, (then, b), {"y": here}).wait()

def wrong(to: str, x: Tensor):
    return rpc.rpc_sync(to, no_future, (x,))

if RANK == 0:
    assert calls("worker1", "worker2", X, {"y": X}).tolist() == [5, 5]
    assert rpc.rpc_sync("worker1", add_there, args=("worker2", X, X)).tolist() == [2, 2]
    error_of(torch.SyntaxError, lambda: torch.jit.script(wrong), "must return a Future", "it returns Tensor")
    error_of(TypeError, lambda: rpc.rpc_sync("worker1", no_future, args=(X,)), "must return a torch.futures.Future")
''',
    )


def test_a_function_that_a_sent_script_calls_elsewhere_is_sent_with_it():
    _run(
        3,
        '''
if RANK == 0:
    def deepest(x: Tensor, y: Tensor = torch.tensor([5., 5.])) -> Tensor:
        return x + y

    def deeper(then: str, x: Tensor, kwargs: Dict[str, Tensor]) -> Tensor:
        return rpc.rpc_sync(then, deepest, (x,)) + rpc.rpc_sync(then, deepest, (x,), kwargs)

    @torch.jit.script
    def deep(to: str, then: str, x: Tensor) -> Tensor:
        return rpc.remote(to, deeper, (then, x, {"y": x})).to_here()

    for _ in range(2):  # the code of the second call is there already
        assert deep("worker1", "worker2", X).tolist() == [8, 8]
        assert rpc.rpc_sync("worker1", deep, args=("worker2", "worker1", X)).tolist() == [8, 8]
''',
    )


def test_defaults_of_every_type_travel_with_their_function():
    _run(
        2,
        '''
if RANK == 0:
    @torch.jit.script
    def tensors(x: Tensor, a: Tensor = torch.tensor([[1, 2]]), b: Optional[Tensor] = torch.ones(2), c: Optional[Tensor] = None,
                d: List[Tensor] = [torch.ones(1), torch.zeros(2)], e: Tuple[Tensor, int] = (torch.ones(2), 3),
                f: Dict[str, Tensor] = {"k": torch.full((2,), 0.5)}) -> Tensor:
        assert b is not None and c is None
        return x + a + b + d[0] + d[1] + e[0] * e[1] + f["k"]

    @torch.jit.script
    def others(x: int, s: str = "a\\"b\\n, c=1) -> Tensor'", z: float = float("-inf"), n: Optional[float] = 1, k: List[int] = [1, 2],
               m: List[str] = [")", ","], d: Dict[str, int] = {"a": 1}, t: Tuple[int, str] = (1, "b"), e: List[float] = []) -> str:
        d["a"] += 1
        return f"{s} {z} {n} {k} {m} {d['a']} {t[0]} {t[1]} {len(e)} {x}"

    @torch.jit.script
    def both(x: Tensor) -> Tuple[Tensor, str, str]:
        return tensors(x), others(1), others(x=2, d={"a": 5})

    made = torch.tensor([1., 1.])
    @torch.jit.script
    def late(x: Tensor, y: Tensor = made) -> Tensor:
        return x + y
    made += 1  # a default is the object of the definition, as in Python
    assert rpc.rpc_sync("worker1", late, args=(X,)).tolist() == late(X).tolist() == [3, 3]

    assert rpc.rpc_sync("worker1", tensors, args=(X,)).tolist() == tensors(X).tolist() == [[7.5, 8.5]]
    assert rpc.rpc_sync("worker1", tensors, kwargs={"x": X, "d": [X, X]}).tolist() == tensors(X, d=[X, X]).tolist()
    assert rpc.rpc_sync("worker1", "__main__.tensors", (X,), {"f": {"k": X}}).tolist() == tensors(X, f={"k": X}).tolist()
    for _ in range(2):
        assert rpc.rpc_sync("worker1", others, args=(1,)) == others(1), others(1)
    there, here = rpc.rpc_sync("worker1", both, args=(X,)), both(X)
    assert there[0].tolist() == here[0].tolist() and there[1:] == here[1:], (there, here)
''',
    )


def test_python_calls_scripts_by_keyword_and_learns_what_does_not_fit():
    _run(
        2,
        '''
if RANK == 0:
    args = torch.tensor([1, 1]), torch.tensor([2, 2])
    for name in two_and_two, "__main__.two_and_two":
        for call in (lambda *a: rpc.rpc_sync("worker1", name, *a), lambda *a: rpc.rpc_async("worker1", name, *a).wait(),
                     lambda *a: rpc.remote("worker1", name, *a).to_here()):
            assert call(args, {"fourth": torch.tensor([0, 0])}).tolist() == [6, 6]
            assert call((), {"second": args[1], "first": args[0]}).tolist() == [10, 10]
            error_of(TypeError, lambda: call(args, {"fifth": 1}), "unexpected keyword argument 'fifth'", "Declaration: ")
            error_of(TypeError, lambda: call(args, {"first": args[0]}), "multiple values for argument 'first'")
            error_of(TypeError, lambda: call(args[:1], {}), "missing value for argument 'second'")
            error_of(TypeError, lambda: call(args, {"third": "a"}), "argument 'third' must be Tensor, not str 'a'")
            error_of(TypeError, lambda: call(args, {3: args[0]}), "names of the callee's arguments as str, got 3")
            error_of(TypeError, lambda: call(args * 3), "expected at most 4 argument(s) but received 6 argument(s)")
''',
    )


def test_futures_and_references_pass_between_python_and_scripts():
    _run(
        2,
        '''
@torch.jit.script
def waited(future: Future[Tensor]) -> Tensor:
    return future.wait()

@torch.jit.script
def started(rank: int, args: Tuple[Tensor, Tensor]) -> Future[Tensor]:
    return rpc.rpc_async(f"worker{rank}", two_and_two, args)

@torch.jit.script
def made_list() -> List[int]:
    return [1, 2, 3]

@torch.jit.script
def lengthened(r: RRef[List[int]]) -> None:
    r.local_value().append(4)
    r.to_here().append(5)
    r.to_here(5.0).append(6)

@torch.jit.script
def passed_on(r: RRef[Tensor]) -> RRef[Tensor]:
    return r

@torch.jit.script
def all_facts(r: RRef[Tensor]) -> Tuple[bool, bool, str, Tuple[str, int]]:
    return r.is_owner(), r.confirmed_by_owner(), r.owner_name(), r.owner()

@torch.jit.script
def local(r: RRef[Tensor]) -> Tensor:
    return r.local_value()

if RANK == 0:
    args = torch.tensor([1, 1]), torch.tensor([2, 2])
    assert waited(rpc.rpc_async("worker1", two_and_two, args=args)).tolist() == [10, 10]
    assert started(1, args).wait().tolist() == [10, 10]
    grown = rpc.remote("worker1", made_list)
    rpc.rpc_sync("worker1", lengthened, args=(grown,))
    assert grown.to_here() == [1, 2, 3, 4, 5, 6]
    made = rpc.remote("worker1", plus, (X,))
    assert rpc.rpc_sync("worker1", passed_on, args=(made,)).to_here().tolist() == [3, 3]
    assert rpc.remote("worker1", passed_on, args=(made,)).to_here().to_here().tolist() == [3, 3]
    made.to_here()
    assert all_facts(made) == (False, True, "worker1", ("worker1", 1))
    assert rpc.rpc_sync("worker1", all_facts, args=(made,)) == (True, True, "worker1", ("worker1", 1))
    error_of(RuntimeError, lambda: local(made), "worker1", "<--- HERE")
    assert rpc.rpc_sync("worker1", local, args=(made,)).tolist() == [3, 3]
''',
    )
