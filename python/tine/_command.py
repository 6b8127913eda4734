"""The command `tine` of an environment: the program in the package, which is given the Python that runs this."""

import os
import pathlib
import sys
from typing import NoReturn

_PACKAGE = pathlib.Path(__file__).parent


def main() -> NoReturn:
    """Becomes the command. The variable TINE_PYTHON, where it is set, names another Python for `tine launch`."""
    if sys.executable and not os.environ.get("TINE_PYTHON"):
        os.environ["TINE_PYTHON"] = sys.executable
    # In a build folder the command lies beside the folder of the package.
    places = [_PACKAGE / "bin/tine", _PACKAGE.parent.parent / "bin/tine"]
    program = next((place for place in places if place.exists()), None)
    if program is None:
        sys.exit(f"tine: the command is not in {places[0]}: install tine as a whole")
    try:
        os.execv(program, ["tine", *sys.argv[1:]])
    except OSError as error:
        sys.exit(f"tine: {program} cannot be run: {error.strerror}")
