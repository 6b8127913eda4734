"""`tine graph file.py:name --emit tree|ir|code|dot|svg`: shows what a script function, or a module, is compiled to.

The file is run, as `import` would, so that names mean what they mean there. `name` is a function, a scripted one or one that
is scripted here, a module, or a module's method (`net.forward`). Without a name the names that could be shown are listed.
"""

import argparse
import ast
import importlib.util
import inspect
import pathlib
import sys
import textwrap
import types
from typing import Any

from .._C import ScriptFunction
from ..nn.module import Module
from ._methods import ScriptMethod
from ._script import script
from ._scripted import ScriptModule


def _loaded(path: pathlib.Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        sys.exit(f"tine graph: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))
    spec.loader.exec_module(module)
    return module


def _tree(function: Any) -> str:
    source = function.code
    if not source.lstrip().startswith(("def ", "@", "class ", "async ")):
        sys.exit("tine graph: a traced function has no source, and so no tree; --emit ir shows its graph")
    return ast.dump(ast.parse(textwrap.dedent(source)), indent=2)


def _compiled(found: Any) -> Any:
    if isinstance(found, (ScriptFunction, ScriptMethod)):
        return found
    if isinstance(found, (types.FunctionType, Module)):
        found = script(found)
    if isinstance(found, ScriptModule):
        return found.forward
    if isinstance(found, (ScriptFunction, ScriptMethod)):
        return found
    sys.exit(f"tine graph: expected a function or a module, got a {type(found).__name__}")


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="tine graph", description="Shows what a script function or a module is compiled to.")
    parser.add_argument("what", metavar="file.py:name", help="a function, a module, or a method of a module")
    parser.add_argument("--emit", choices=["tree", "ir", "code", "dot", "svg"], default="ir",
                        help="the syntax tree, the graph as text (the default), the machine's instructions, or a picture")
    parser.add_argument("--inline", action="store_true", help="what it calls in place of the calls")
    parser.add_argument("-o", "--output", metavar="FILE", help="writes there, not to the standard output")
    asked = parser.parse_args(arguments)
    file, colon, name = asked.what.rpartition(":")
    if not colon:
        file, name = asked.what, ""
    path = pathlib.Path(file)
    if not path.is_file():
        parser.error(f"there is no file {path}")
    module = _loaded(path)
    if not name:
        names = [key for key, value in vars(module).items()
                 if isinstance(value, (ScriptFunction, Module))
                 or (inspect.isfunction(value) and value.__module__ == module.__name__)]
        parser.error(f"name a function or a module of {path}: {', '.join(names) or 'it has none'}")
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            parser.error(f"{path} has no {name}")
        found = getattr(found, part)
        if "." in name and isinstance(found, Module) and not isinstance(found, ScriptModule):
            found = script(found)
    function = _compiled(found)
    graph = function.inlined_graph if asked.inline else function.graph
    text = {"tree": lambda: _tree(function), "ir": lambda: str(graph), "code": lambda: function.instructions(),
            "dot": graph.to_dot, "svg": graph.to_svg}[asked.emit]()
    text = text.rstrip("\n") + "\n"
    if asked.output:
        pathlib.Path(asked.output).write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
