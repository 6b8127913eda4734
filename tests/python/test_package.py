"""The package: its stubs tell the truth, its names have documentation."""

import ast
import importlib
import os
import pathlib
import subprocess
import sys
import sysconfig

import pytest

import tine

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python/tine"


def names_in(body):
    """The public names that a stub's body declares."""
    names = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("tine"):
            names |= {alias.asname for alias in node.names if alias.asname}
    return {n for n in names if not n.startswith("_")}


def public(obj):
    return {n for n in vars(obj) if not n.startswith("_")}


def submodules():
    """The package's own modules and folders, which are attributes once somebody imported them."""
    return {p.stem for p in PACKAGE.iterdir() if p.suffix == ".py" or (p.is_dir() and (p / "__init__.py").exists())}


@pytest.mark.parametrize("module", ["tine", "tine._C"])
def test_every_public_name_is_in_the_stub_and_the_other_way_round(module):
    path = PACKAGE / ("__init__.pyi" if module == "tine" else "_C.pyi")
    declared = names_in(ast.parse(path.read_text()).body)
    there = {n for n in dir(importlib.import_module(module)) if not n.startswith("_")}
    if module == "tine":
        declared, there = declared - submodules(), there - submodules()
    assert declared == there, {"only in the stub": declared - there, "only in the module": there - declared}


@pytest.mark.parametrize("cls", ["Future", "Tensor", "Size", "dtype"])
def test_every_public_member_of_a_class_is_in_the_stub(cls):
    tree = ast.parse((PACKAGE / "_C.pyi").read_text())
    declared = next(names_in(n.body) for n in tree.body if isinstance(n, ast.ClassDef) and n.name == cls)
    there = public(getattr(importlib.import_module("tine._C"), cls))
    assert declared == there, {"only in the stub": declared - there, "only in the class": there - declared}


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
