"""The package: its stubs show the operators, its names have documentation. (Its types: tests/typing.)"""

import os
import pathlib
import subprocess
import sys

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
