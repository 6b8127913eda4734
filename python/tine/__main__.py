"""python -m tine: the command `tine`, and where a C++ program finds the library of this package.

    python -m tine --cmakedir    the folder for CMake's tine_DIR or CMAKE_PREFIX_PATH
    python -m tine --includes    options for the compiler
    python -m tine --libs        options for the linker, with this folder as the place to load the library from
    python -m tine launch ...    the command
"""

import pathlib
import shlex
import sys
from collections.abc import Callable

from tine import _command, get_include

_PACKAGE = pathlib.Path(__file__).parent


def _cmake_folder() -> str:
    folder = _PACKAGE / "cmake"
    if not folder.is_dir():
        sys.exit(f"python -m tine: {folder} is not there: this is a build folder, and not an installed package")
    return str(folder)


_ANSWERS: dict[str, Callable[[], str]] = {
    "--cmakedir": _cmake_folder,
    "--includes": lambda: shlex.quote(f"-I{get_include()}"),
    "--libs": lambda: shlex.join([f"-L{_PACKAGE}", "-ltine", f"-Wl,-rpath,{_PACKAGE}"]),
}


def main() -> None:
    """Answers the options above, or becomes the command."""
    asked = sys.argv[1:]
    if not asked or not set(asked) <= set(_ANSWERS):
        if asked in (["--help"], ["-h"]):
            print(__doc__)
            sys.stdout.flush()
        _command.main()
    print(*(_ANSWERS[option]() for option in asked))


if __name__ == "__main__":
    main()
