"""What to say when the extension cannot be loaded: which file is missing, the package that has it, what to do."""

import importlib.machinery
import os
import pathlib
import re
import sys

_PACKAGE = pathlib.Path(__file__).parent
# The beginning of a library's name, and what to install.
_SOURCES = {
    "libscipy_openblas": "the package scipy-openblas32: {python} -m pip install scipy-openblas32",
    "libopenblas": "OpenBLAS (Debian: apt install libopenblas0)",
    "libhwy": "Highway (Debian: apt install libhwy1, or libhwy1t64)",
    "libfmt": "fmt, in the version that tine was built with (Debian: apt install libfmt9, or libfmt10)",
    "libcrypto": "OpenSSL 3 (Debian: apt install libssl3, or libssl3t64)",
    "libtine": "tine as a whole: {python} -m pip install --force-reinstall tine",
}


def _words_of(variable: str) -> list[str]:
    return os.environ.get(variable, "").replace(":", " ").split()


def _libraries() -> list[str]:
    """Each libtine that this process has loaded, then those that the loader looks at, in its order."""
    try:
        maps = pathlib.Path("/proc/self/maps").read_text()
    except OSError:
        maps = ""
    found = re.findall(r"(/.*/libtine\.so\S*)$", maps, re.MULTILINE)
    found += [path for path in _words_of("LD_PRELOAD") if "libtine.so" in path]
    for folder in [*map(pathlib.Path, _words_of("LD_LIBRARY_PATH")), _PACKAGE]:
        found += sorted(str(path) for path in folder.glob("libtine.so*"))
    return found


def _mixed(extension: object, library: str, text: str) -> ImportError:
    return ImportError(
        f"two versions of tine are mixed: the extension {extension} was loaded with the library {library}, which lacks what it "
        f"needs; remove one of them, or take it out of LD_LIBRARY_PATH and LD_PRELOAD ({text})",
        name="tine._C",
    )


def explained(error: ImportError) -> ImportError:
    """The ImportError to raise in place of that of `from tine import _C`."""
    python = sys.executable or "python3"
    text = str(error)
    built = sorted(path.name for path in _PACKAGE.glob("_C*.so"))
    suffixes = importlib.machinery.EXTENSION_SUFFIXES
    if not any("_C" + suffix in built for suffix in suffixes):
        has = f"its extension is for another Python ({', '.join(built)})" if built else "it has no extension"
        return ImportError(
            f"tine in {_PACKAGE} cannot be imported by {python}, which is {sys.implementation.cache_tag}: {has}; install it "
            f"for this Python: {python} -m pip install tine",
            name="tine._C",
        )
    if missing := re.match(r"(\S+): cannot open shared object file", text):
        source = next((words for name, words in _SOURCES.items() if missing[1].startswith(name)), "the package that has it")
        return ImportError(
            f"tine in {_PACKAGE} needs {missing[1]}, which is not there: install {source.format(python=python)}",
            name="tine._C",
        )
    if other := re.match(r"(.+): version `TINE_\S+' not found \(required by (.+)\)", text):
        return _mixed(other[2], other[1], text)
    if "undefined symbol" in text and (libraries := _libraries()):
        return _mixed(error.path or _PACKAGE / built[0], libraries[0], text)
    return error
