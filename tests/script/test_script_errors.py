"""What a script says when something is wrong: where, what was expected, what to do."""

import builtins
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import List

import pytest
from cases import parts, refused

import tine as torch
from tine import Tensor


def refused_at(fn, offset, words, marked, inside=None):
    """The error stands `offset` lines below the `def` of `fn` (of `inside`, where that is another function), says the words
    (the source line that it shows does not count) and marks that part of the line. Returns the whole text."""
    text = refused(fn)
    file, line, said, mark = parts(text)
    assert (os.path.basename(file), line) == (os.path.basename(__file__), (inside or fn).__code__.co_firstlineno + offset), text
    assert words in said and mark == marked, text
    return text


def test_a_script_error_is_a_runtime_error_and_a_syntax_error():
    assert issubclass(torch.SyntaxError, RuntimeError) and issubclass(torch.SyntaxError, builtins.SyntaxError)


def test_an_unsupported_construct_names_file_line_and_marks_the_place():
    def fn(x: int) -> int:
        try:
            x = x + 1
        finally:
            return x

    refused_at(fn, 1, "`try` is not supported in scripts", "try")


def test_an_undefined_name_is_named_with_a_suggestion():
    def fn(value: int) -> int:
        return vlaue + 1  # noqa: F821

    refused_at(fn, 1, "undefined name `vlaue`; did you mean `value`?", "vlaue")


def test_an_unknown_function_of_the_package_is_named():
    def fn(x):
        return torch.rellu(x)

    refused_at(fn, 1, "`torch` has no `rellu` that a script can use; did you mean `relu`?", "rellu")


def test_a_wrong_argument_type_in_a_script_names_argument_and_types():
    def callee(a: int, b: str) -> int:
        return a

    def fn(x: int) -> int:
        return callee(x, x)

    refused_at(fn, 1, "`callee` expects str for `b`, got int", "x")


def test_a_wrong_argument_count_in_a_script_is_named():
    def callee(a: int, b: int) -> int:
        return a + b

    def fn(x: int) -> int:
        return callee(x)

    refused_at(fn, 1, "`callee` needs a value for `b`: it takes 2 arguments, got 1", "callee(x)")


def test_too_many_arguments_in_a_script():
    def callee(a: int) -> int:
        return a

    def fn(x: int) -> int:
        return callee(x, x, x)

    refused_at(fn, 1, "`callee` takes 1 positional argument, got 3", "x")


def test_an_unknown_keyword_in_a_script():
    def callee(a: int) -> int:
        return a

    def fn(x: int) -> int:
        return callee(x, q=3)

    refused_at(fn, 1, "`callee` has no argument `q`", "q")


def test_a_wrong_return_type_is_named():
    def fn(x: int) -> str:
        return x

    refused_at(fn, 1, "`fn` is declared to return str, but this is int", "x")


def test_a_variable_that_changes_its_type():
    def fn(x: int) -> int:
        y = x
        for _ in range(x):
            y = "text"
        return x

    refused_at(fn, 2, "`y` is int before an iteration of the loop and str after it", "for _ in range(x):")


def test_a_variable_that_one_branch_lacks():
    def fn(c: bool) -> int:
        if c:
            y = 1
        return y

    refused_at(fn, 3, "`y` may be undefined here: it is assigned in only one branch of the `if`", "y")


def test_try_is_refused_with_what_to_do():
    def fn(x: int) -> int:
        try:
            return x
        except ValueError:
            return 0

    refused_at(fn, 1, "`try` is not supported in scripts; check before with `if`", "try")


def test_a_lambda_is_refused():
    with pytest.raises(torch.SyntaxError, match="a lambda cannot be scripted; write it as a `def`"):
        torch.jit.script(lambda x: x)


def test_a_generator_is_refused():
    def fn(x: int):
        yield x

    with pytest.raises(torch.SyntaxError, match="generator"):
        torch.jit.script(fn)


def test_a_function_without_source_is_refused():
    space = {}
    exec("def fn(x: int) -> int:\n    return x\n", space)
    with pytest.raises(OSError, match="Can't get source for `"):
        torch.jit.script(space["fn"])


def test_what_is_neither_function_nor_module_is_refused():
    with pytest.raises(TypeError, match="expected a function or a tine.nn.Module, got int"):
        torch.jit.script(3)


def test_an_outside_list_is_refused():
    outside = [1, 2]

    def fn(x: int) -> int:
        return outside[x]

    refused_at(fn, 1, "`outside` is a variable outside of the function and may change. Pass it in as an argument", "outside")


def test_a_call_that_does_not_fit_a_function_marked_ignore_is_refused_where_it_stands():
    @torch.jit.ignore
    def log(x: int) -> int:
        return x

    def fn(x: str) -> int:
        return log(x)

    refused_at(fn, 1, "`log` expects int for `x`, got str", "x")


def test_an_unknown_annotation_is_named():
    class Thing:
        pass

    def fn(x: Thing) -> int:
        return 1

    refused_at(fn, 0, "undefined type `Thing`", "Thing")


def test_an_error_in_a_called_function_names_that_function_and_the_caller():
    def callee(x: int) -> int:
        return x + undefined_thing  # noqa: F821

    def fn(x: int) -> int:
        return callee(x)

    text = refused_at(fn, 1, "undefined name `undefined_thing`", "undefined_thing", inside=callee)
    assert f"'callee' is being compiled since it was called from 'fn' ({__file__}:{fn.__code__.co_firstlineno + 1}:" in text


# While it runs


@torch.jit.script
def index(xs: List[int], i: int) -> int:
    return xs[i]


@torch.jit.script
def divide(a: int, b: int) -> int:
    return a // b


@torch.jit.script
def check(x: int) -> int:
    assert x > 0, "x must be positive"
    return x


@torch.jit.script
def add(x: Tensor, y: Tensor) -> Tensor:
    return x + y


def test_an_index_out_of_range_is_an_index_error_with_the_line():
    with pytest.raises(IndexError) as caught:
        index([1], 3)
    assert str(caught.value) == "list index out of range: 3 in a list of 1"
    assert f"{os.path.basename(__file__)}:{index.__wrapped__.__code__.co_firstlineno + 2}" in "\n".join(caught.value.__notes__)


def test_division_by_zero():
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)


def test_a_failed_assertion_has_its_message():
    with pytest.raises(AssertionError, match="x must be positive"):
        check(-1)


def test_shapes_that_do_not_broadcast_are_both_named():
    with pytest.raises(RuntimeError) as caught:
        add(torch.ones(2), torch.ones(3))
    assert re.search(r"\b2\b.*\b3\b", str(caught.value)), caught.value


def test_each_exception_class_keeps_its_type():
    def fn(kind: int) -> int:
        if kind == 0:
            raise ValueError("v")
        elif kind == 1:
            raise TypeError("t")
        elif kind == 2:
            raise KeyError("k")
        elif kind == 3:
            raise RuntimeError("r")
        elif kind == 4:
            raise NotImplementedError("n")
        raise IndexError("i")

    scripted = torch.jit.script(fn)
    for kind, error in enumerate((ValueError, TypeError, KeyError, RuntimeError, NotImplementedError, IndexError)):
        with pytest.raises(error):
            scripted(kind)


# At the border


def test_a_missing_argument_is_named():
    with pytest.raises(TypeError, match=r"add\(\).*'y'"):
        add(torch.ones(1))


def test_a_wrong_argument_names_function_argument_expected_and_got():
    with pytest.raises(TypeError, match=r"divide\(\).*'b'.*int.*str"):
        divide(1, "x")


def test_too_many_arguments_are_counted():
    with pytest.raises(TypeError, match=r"divide\(\).*2.*3"):
        divide(1, 2, 3)


def test_an_unknown_keyword_is_named():
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        divide(1, 2, z=3)


def test_an_argument_given_twice_is_named():
    with pytest.raises(TypeError, match="multiple values for argument 'a'"):
        divide(1, 2, a=3)


def test_a_number_too_large_for_64_bits_is_refused():
    with pytest.raises(TypeError, match=r"divide\(\)"):
        divide(1 << 80, 2)


def test_control_c_interrupts_an_endless_loop_at_once():
    program = textwrap.dedent("""
        import os, signal, sys, threading, time
        import tine as torch
        @torch.jit.script
        def forever(n: int) -> int:
            i = 0
            while True:
                i = (i + 1) % n
            return i
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        start = time.monotonic()
        try:
            forever(7)
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - start < 2)
    """)
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"tine_forever_{os.getpid()}.py")
    with open(path, "w") as f:
        f.write(program)
    try:
        done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60)
    finally:
        os.unlink(path)
    assert done.stdout == "interrupted True\n", done.stderr


def test_control_c_interrupts_a_wait_at_once():
    def use(f: torch.jit.Future[int]) -> int:
        return torch.jit.wait(f)

    scripted = torch.jit.script(use)
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        scripted(torch.jit.Future())
    assert time.monotonic() - start < 2


def test_python_threads_run_while_a_script_computes():
    def spin(n: int) -> int:
        s = 0
        for i in range(n):
            s = s + i % 7
        return s

    scripted = torch.jit.script(spin)
    ticks = 0
    stop = threading.Event()

    def tick():
        nonlocal ticks
        while not stop.is_set():
            ticks += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        start = time.monotonic()
        while time.monotonic() - start < 0.2:
            scripted(1_000_000)
    finally:
        stop.set()
        thread.join()
    assert ticks > 10


def test_the_name_of_pytorchs_error_catches_what_scripts_raise():
    def fn(x: int) -> int:
        if x > 1:
            raise KeyError("too big")
        return x

    with pytest.raises(torch.jit.Error) as caught:
        torch.jit.script(fn)(2)
    assert isinstance(caught.value, KeyError)


def test_an_int_that_does_not_fit_is_called_so():
    def fn(n: int) -> int:
        return n

    with pytest.raises(TypeError, match="must be int, not an int beyond 64 bits"):
        torch.jit.script(fn)(1 << 70)
