"""What pip and `build` call to build tine: scikit-build-core, which is given what a source distribution carries."""

import pathlib
import subprocess
import sys

from scikit_build_core.build import *  # noqa: F403 - the hooks that are not here
from scikit_build_core.build import build_sdist as _build_sdist


def build_sdist(sdist_directory, config_settings=None):
    """The hook of PEP 517: tools/vendor fetches what third_party/ lacks. Wheels are built without the network."""
    subprocess.run([sys.executable, str(pathlib.Path(__file__).with_name("vendor"))], check=True)
    return _build_sdist(sdist_directory, config_settings)
