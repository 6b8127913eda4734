"""python -m tine.pytorch program.py args... | -m module args... | build"""

from __future__ import annotations

import importlib.util
import io
import os
import sys
import types
from typing import Any

USAGE = """usage: python -m tine.pytorch program.py [args]    run a program with tine in TENSORPIPE's place
       python -m tine.pytorch -m module [args]     the same for a module
       python -m tine.pytorch build                build the backend ahead"""


def _run(module: types.ModuleType, code: types.CodeType) -> None:
    """Runs in a module __main__ that stays: threads that outlive the program, and pickles by name, look for it."""
    module.__name__ = "__main__"
    sys.modules["__main__"] = module
    exec(code, module.__dict__)  # noqa: S102 - the user's program


def _run_module(name: str) -> int:
    """As python -m."""
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(name + ".__main__")
    code = None
    if spec is not None:
        loader: Any = spec.loader
        code = loader and loader.get_code(spec.name)
    if spec is None or code is None:
        print(f"error: there is no module {name!r} to run (looked in {os.getcwd()} and sys.path)", file=sys.stderr)
        return 2
    sys.argv[0] = str(spec.origin)
    _run(importlib.util.module_from_spec(spec), code)
    return 0


def _run_file(path: str) -> int:
    """As python."""
    module = types.ModuleType("__main__")
    module.__file__ = path
    with io.open_code(os.path.abspath(path)) as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    _run(module, code)
    return 0


def main(arguments: list[str]) -> int:
    import tine.pytorch
    from tine.pytorch._spawned import lead_children_here

    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    if arguments == ["build"]:
        try:
            print(tine.pytorch.build(live=True))
        except tine.pytorch.BuildError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        return 0

    tine.pytorch.install()
    lead_children_here()
    if arguments[0] == "-m":
        if len(arguments) < 2:
            print(USAGE, file=sys.stderr)
            return 2
        sys.argv = arguments[1:]
        sys.path[0] = os.getcwd()
        return _run_module(arguments[1])
    program = arguments[0]
    if not os.path.isfile(program):
        print(f"error: the program {program!r} does not exist (looked in {os.getcwd()})", file=sys.stderr)
        return 2
    sys.argv = arguments
    sys.path[0] = os.path.dirname(os.path.abspath(program))
    return _run_file(program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
