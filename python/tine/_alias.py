"""tine under another name: ``sys.modules["torch"] = tine; from torch.jit import Future``.

Without this the import system would find ``torch.jit`` in the package's folder and load it, and the extension, a second time.
"""

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

_Spec: "type[ModuleSpec]" = type(sys.__spec__)


class _Loader:
    """Gives out a module that is loaded already, and leaves it as it was."""

    def __init__(self, alias: str, module: "ModuleType") -> None:
        self.alias = alias
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec: "ModuleSpec") -> "ModuleType":
        return self.module

    def exec_module(self, module: "ModuleType") -> None:
        module.__spec__ = self.spec  # the import system has put the alias's there
        if not hasattr(module, "__path__"):
            # The modules of an extension have no files, so there is no spec to find: either they are loaded or they do not exist.
            own = module.__name__ + "."
            for name in [name for name in sys.modules if name.startswith(own)]:
                sys.modules[f"{self.alias}.{name[len(own):]}"] = sys.modules[name]


class _Finder:
    @staticmethod
    def find_spec(name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None) -> "ModuleSpec | None":
        alias, _, _ = name.rpartition(".")
        package = sys.modules.get(alias) if alias else None
        own = getattr(getattr(package, "__spec__", None), "name", None)
        if own is None or own == alias or not (own == "tine" or own.startswith("tine.")):
            return None
        real = own + name[len(alias):]
        try:
            module = import_module(real)
        except ModuleNotFoundError as error:
            if error.name != real:
                raise
            return None
        loader: Any = _Loader(name, module)
        return _Spec(name, loader, is_package=hasattr(module, "__path__"))


sys.meta_path.insert(0, _Finder)
