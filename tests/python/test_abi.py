"""What python/src/abi.cpp knows of the insides of CPython and libstdc++ holds for the versions that run here.

A row that fails says which mechanism a new version has broken: mend it in that file, nowhere else.
"""

import gc
import os
import pathlib
import re
import subprocess
import sys
import threading
import weakref

import pytest

import tine as torch
from tine import _C

ROOT = pathlib.Path(__file__).parents[2]


def test_this_cpython_is_one_that_the_table_of_versions_names():
    table = (ROOT / "python/src/abi.cpp").read_text()
    rows = re.findall(r"^//   3\.(\d+)(?: to 3\.(\d+))? ", table, re.M)
    known = {minor for first, last in rows for minor in range(int(first), int(last or first) + 1)}
    assert known == {11, 12, 13, 14, 15}
    assert sys.version_info[0] == 3 and sys.version_info[1] in known, "add a row to the table in python/src/abi.cpp"


@pytest.mark.parametrize("mechanism", ["frames", "class lookup", "type name", "slice", "tuple", "calls of a class", "context variable", "source location", "exception type", "exception count"])
def test_each_mechanism_works_as_its_row_says(mechanism):
    rows = _C._abi_versions()
    assert len(rows) == 10
    way, works = rows[mechanism]
    assert works, f"{mechanism}: {way}"
    if mechanism == "frames" and "CPython" in way and "any" not in way:
        first, last = re.search(r"3\.(\d+)(?: to 3\.(\d+))?", way).groups()
        assert int(first) <= sys.version_info[1] <= int(last or first)


def seen(public):
    """The frames by the extension, and by sys._getframe."""
    frame, expected = sys._getframe(), []
    got = _C._abi_frames(public); line = frame.f_lineno
    while frame:
        expected.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    expected[0] = (expected[0][0], line)
    return got, expected


@pytest.mark.parametrize("public", [False, True])
def test_frames_are_the_interpreters_own_from_the_innermost_outwards(public):
    got, expected = seen(public)
    assert got == expected and len(got) > 3

    def generator():
        yield seen(public)

    class Deleted:
        def __del__(self):
            told.append(seen(public))

    told = list(generator())
    Deleted()  # a frame that C calls
    told.append(sorted([1], key=lambda _: told.append(seen(public)) or 0) and seen(public))
    thread = threading.Thread(target=lambda: told.append(seen(public)))
    thread.start()
    thread.join()
    assert len(told) == 5
    for got, expected in told:
        assert got == expected


def test_frames_made_objects_hold_nothing_afterwards():
    class Held:
        pass

    def call(public):
        held = Held()
        _C._abi_frames(public)
        return weakref.ref(held)

    gc.disable()
    try:
        assert [call(public)() for public in (False, True)] == [None, None]
    finally:
        gc.enable()


SOURCE = """
import tine as torch
def make():
    made = torch.futures.Future()
    made.set_exception(ValueError("seen by nobody"))
make()
class Late:
    def __del__(self):
        torch.futures.Future().set_exception(KeyError("in a destructor"))
def hold():
    late = Late()
hold()
"""


def test_an_error_that_nobody_looks_at_names_the_line_that_made_its_future():
    environment = dict(os.environ, TINE_LOG_LEVEL="")
    done = subprocess.run([sys.executable, "-c", SOURCE], capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    assert "the Future made at <string>:4: ValueError: seen by nobody" in done.stderr
    assert "the Future made at <string>:9: KeyError: 'in a destructor'" in done.stderr


def test_a_future_that_the_package_makes_is_placed_at_the_line_of_its_user():
    source = "\nimport tine as torch\n\n\ndef fails(x):\n    raise ValueError('in then')\n\n\n" \
             "done = torch.futures.Future()\ndone.set_result(1)\ntorch.futures.collect_all([done]).then(\n    fails)\ndel done\n"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60)
    assert re.search(r"the Future made at <string>:1[12]: ValueError: in then", done.stderr), done.stderr


def test_a_cycle_through_the_traceback_of_a_stored_exception_is_collected():
    class Held:
        pass

    def cycle():
        held, future = Held(), torch.futures.Future()
        try:
            raise ValueError("whose traceback has the frame with the future")
        except ValueError as error:
            future.set_exception(error)
        assert isinstance(future.exception(), ValueError)
        return weakref.ref(held)

    gone = cycle()
    gc.collect()
    assert gone() is None


def test_what_lies_inside_cpython_or_the_library_is_named_in_one_file_only():
    inside = re.compile(r"_PyType_Lookup|dlsym|Py_BUILD_CORE|internal/pycore|PyUnstable_|__cxa_|_Unwind_|_PyInterpreterFrame|->cframe")
    found = {str(path.relative_to(ROOT)) for path in sorted((ROOT / "python/src").iterdir())
             if inside.search(path.read_text())}
    assert found == {"python/src/abi.cpp", "python/src/abi.h"}
