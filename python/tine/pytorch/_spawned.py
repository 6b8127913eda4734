"""Children that multiprocessing spawns under ``python -m tine.pytorch``: they run tine, too.

A spawned child runs the program's file again, as __mp_main__, before it calls what it was started for. It is led here
instead, and from here to the file.
"""

from __future__ import annotations

import multiprocessing.spawn
import os
import runpy
from typing import Any

_PATH = "TINE_PYTORCH_SPAWNED_PATH"
_NAME = "TINE_PYTORCH_SPAWNED_MODULE"


def lead_children_here() -> None:
    """From now on the children of this process install tine first, and so do theirs."""
    preparation = multiprocessing.spawn.get_preparation_data

    def with_tine(name: str) -> dict[str, Any]:
        data = preparation(name)
        os.environ[_PATH] = data.pop("init_main_from_path", "")
        os.environ[_NAME] = data.pop("init_main_from_name", "")
        data["init_main_from_name"] = __name__
        return data

    multiprocessing.spawn.get_preparation_data = with_tine


if __name__ == "__mp_main__":
    import tine.pytorch
    from tine.pytorch import _spawned

    tine.pytorch.install()
    _spawned.lead_children_here()
    _path, _module = os.environ.pop(_PATH, ""), os.environ.pop(_NAME, "")
    # As multiprocessing does it for a program of its own.
    if _module:
        globals().update(runpy.run_module(_module, run_name="__mp_main__", alter_sys=True))
    elif _path:
        globals().update(runpy.run_path(_path, run_name="__mp_main__"))
