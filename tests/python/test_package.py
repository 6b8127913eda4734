"""The package: its stubs show the operators, its names have documentation. (Its types: tests/typing.)"""

import importlib
import inspect
import os
import pathlib
import subprocess
import sys
import sysconfig

import tine

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python/tine"


def public(obj):
    return {n for n in vars(obj) if not n.startswith("_")}


def test_the_stubs_show_the_operator_table():
    subprocess.run([sys.executable, ROOT / "tools/stubs", "--check"], check=True, timeout=100, env={**os.environ})


def test_every_public_name_has_documentation():
    missing = [n for n in public(tine) if callable(getattr(tine, n)) and not getattr(tine, n).__doc__]
    for cls in (tine.Tensor, tine.futures.Future, tine.Size, tine.dtype):
        missing += [f"{cls.__name__}.{n}" for n in public(cls) if not getattr(cls, n).__doc__]
    assert not missing


def test_the_package_is_marked_as_typed():
    assert (PACKAGE / "py.typed").exists()


def test_the_futures_module_lists_its_names():
    assert set(tine.futures.__all__) == public(tine.futures)


MODULES = [
    importlib.import_module(name)
    for name in "tine tine.futures tine.jit tine.nn tine.nn.functional tine.nn.init tine.distributed tine.distributed.rpc "
    "tine.distributed.rpc.functions tine.multiprocessing".split()
]


def own_names():
    """(dotted name, object) of all that the public modules offer and the package has made."""
    for module in MODULES:
        for name in getattr(module, "__all__", None) or public(module):
            obj = getattr(module, name)
            if callable(obj) and (getattr(obj, "__module__", None) or "").startswith("tine"):
                yield f"{module.__name__}.{name}", obj
                if isinstance(obj, type):
                    for member in public(obj):
                        yield f"{module.__name__}.{name}.{member}", getattr(obj, member)


def test_all_that_can_be_called_has_documentation_and_a_signature():
    found = dict(own_names())
    assert {"tine.view", "tine.Tensor.size", "tine.jit.script", "tine.nn.Linear.forward"} <= set(found)
    assert [name for name, obj in found.items() if callable(obj) and not inspect.getdoc(obj)] == []

    def has_signature(obj):
        try:
            return inspect.signature(obj) is not None
        except ValueError:
            return False

    without = [
        name for name, obj in found.items()
        if callable(obj) and not (isinstance(obj, type) and issubclass(obj, BaseException)) and not has_signature(obj)
    ]
    assert without == []


def test_a_script_functions_type_may_be_written_in_annotations():
    assert tine.jit.ScriptFunction[[int], str].__origin__ is tine.jit.ScriptFunction


def test_a_python_that_is_too_old_is_refused_in_one_sentence():
    code = "import sys; sys.version_info = (3, 10, 13, 'final', 0); sys.version = '3.10.13 (main)'; import tine"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1] == f"ImportError: tine needs CPython 3.11 or later; {sys.executable} is 3.10.13"


def test_the_extension_does_not_say_that_it_needs_no_lock():
    # docs/spec/threads.md tells what each object would need: until then a free-threaded CPython turns its lock on.
    assert "Py_mod_gil," not in (ROOT / "python/src/module.cpp").read_text()
    code = "import sys, tine; print(getattr(sys, '_is_gil_enabled', lambda: True)())"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n", done.stderr


def test_one_extension_serves_each_python_from_3_12_on():
    name = pathlib.Path(tine._C.__file__).name
    stable = sys.version_info >= (3, 12) and not sysconfig.get_config_var("Py_GIL_DISABLED")
    assert name == ("_C.abi3.so" if stable else "_C" + sysconfig.get_config_var("EXT_SUFFIX"))


THREADS = """
import os, time
before = dict(os.environ)
import tine
threads = lambda: [open(f"/proc/self/task/{t}/comm").read().strip() for t in os.listdir("/proc/self/task")]
assert len(threads()) == 1, threads()
assert dict(os.environ) == before
tine.set_num_threads(2)
product = tine.ones(700, 600) @ tine.ones(600, 500)
assert product.shape == (700, 500) and (product == 600).all()
end = time.monotonic() + 20  # a thread names itself, soon after it has begun
while sum(not name.startswith("tine-") for name in threads()) > 1:
    assert time.monotonic() < end, threads()
    time.sleep(0.001)
"""


def test_import_starts_no_thread_and_a_product_starts_those_of_the_pool_alone():
    for said in (None, "2"):
        env = {n: v for n, v in os.environ.items() if n != "OPENBLAS_NUM_THREADS"}
        env |= {"OPENBLAS_NUM_THREADS": said} if said else {}
        subprocess.run([sys.executable, "-c", THREADS], check=True, timeout=60, env=env)
