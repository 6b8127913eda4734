"""Runs the programs of tests/script under torch.jit, in a process of its own, because some of them end it.

    python script_oracle.py FOLDER [FIRST]     a line of JSON for each program, from the one of that number on

FOLDER is a copy of tests/script in which `tine` is PyTorch, but for its private modules (copy_of_the_programs). A line is
[number, name], before the program runs, and then [number, name, outcome, text]. The outcomes:
    same       as tine gives it: the value, the text that is printed, or an error
    refused    PyTorch does not compile it, and neither does tine
    more       PyTorch does not compile it, and tine does
    differs    anything else; the text says how
"""

import contextlib
import copy
import importlib
import importlib.util
import io
import json
import os
import pathlib
import re
import sys
import tempfile
import warnings

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = HERE.parent / "script"
TABLES = ["programs", "programs_classes"]
CASES = ["test_language", "test_language_tensors", "test_unions", "test_enums", "test_named_tuples"]


def copy_of_the_programs(folder):
    for path in [*PROGRAMS.glob("*.py"), *PROGRAMS.glob("statements/*.py")]:
        text = path.read_text()
        text = re.sub(r"\bimport tine as torch\b", "import torch", text)
        text = re.sub(r"\bimport tine\.", "import torch.", text)
        text = re.sub(r"\bfrom tine((?:\.[a-z]\w*)*) import\b", r"from torch\1 import", text)
        to = pathlib.Path(folder, path.relative_to(PROGRAMS))
        to.parent.mkdir(exist_ok=True)
        to.write_text(text)


@contextlib.contextmanager
def written(number):
    """What is written to that descriptor, as a list of one text."""
    kept, got = os.dup(number), []
    sys.stdout.flush()
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), number)
        try:
            yield got
        finally:
            sys.stdout.flush()
            os.dup2(kept, number)
            os.close(kept)
            file.seek(0)
            got.append(file.read().decode())


def outcome_of(script, calls):
    """script() compiles; each of calls takes what it gave and says how it differs, or nothing."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            compiled = script()
    except Exception as refusal:  # of the compiler: also NotImplementedError, TypeError, ...
        return "more", str(refusal).strip().splitlines()[:1]
    said = [text for text in (call(compiled) for call in calls) if text]
    return ("differs", said) if said else ("same", [])


def raised(call):
    try:
        return call(), None
    except Exception as error:
        return None, error


def plain(value):
    """With named tuples as tuples, their class by its name: scripts of PyTorch return them of a new class."""
    if isinstance(value, tuple):
        return (*map(plain, value), *([type(value).__name__] if hasattr(value, "_fields") else []))
    if isinstance(value, list):
        return list(map(plain, value))
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def load(path, names):
    """The file as a module that torch.jit finds the classes of."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    vars(module).update(names)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


# ---- the three kinds of tables


def tables():
    import cases
    import torch

    for table in TABLES:
        path = pathlib.Path(cases.__file__).with_name(f"{table}.py")
        module = load(path, {})
        for expected, name in re.findall(r"^# == (.*)\ndef (case_\w+)\(", path.read_text(), re.M):

            def call(script, expected=expected):
                value, error = raised(script)
                got = repr(error or value)
                return got != expected and f"{got}, not {expected}"

            function = getattr(module, name)
            yield f"{table}.{name}", lambda function=function, call=call: outcome_of(lambda: torch.jit.script(function), [call])


def compared_cases():
    """Against Python: that a script of tine is as Python is what tests/script tests."""
    import torch
    from cases import same

    for file in CASES:
        for number, param in enumerate(importlib.import_module(file).case.params):
            function, args = param.values

            def call(script, function=function, args=args):
                mine, its = (args() if callable(args) else copy.deepcopy(args) for _ in range(2))
                expected, (got, error) = raised(lambda: function(*mine)), raised(lambda: script(*its))
                if error or expected[1]:
                    return bool(error) != bool(expected[1]) and f"{error or got!r}, not {expected[1] or expected[0]!r}"
                return not same(plain(expected[0]), plain(got)) and f"{got!r}, not {expected[0]!r}"

            yield (f"{file}.{param.id}",
                   lambda function=function, call=call: outcome_of(lambda: torch.jit.script(function), [call]))  # fmt: skip


def statements():
    import test_statements

    for param in test_statements.chunks():
        yield f"statements.{param.id}", lambda body=param.values[0]: statement(body)


def statement(body):
    import test_statements as of
    import torch

    calls, wrong, program = [], False, ""
    for line in body.splitlines():
        match = of.CALL.fullmatch(line)
        if line.startswith("# PyTorch: "):
            if calls:
                calls[-1] = (calls[-1][0], line.removeprefix("# PyTorch: "))
        elif match:
            calls.append((match, None))
        else:
            line, *expected = line.split("  ### ")
            wrong |= bool(expected)
            program += line + "\n"
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, f"small_program_{abs(hash(body))}.py")  # torch.jit remembers the sources of files
        path.write_text(program)
        names = {}

        def script():
            names.update(vars(load(path, of.NAMES)))
            return torch.jit.script(names["M"]() if "M" in names else names["f"])

        outcome, said = outcome_of(script, [lambda f: names.update(f=f)])
        if wrong:
            return ("differs", ["it compiles"]) if outcome == "same" else ("refused", said)
        if outcome != "same":
            return outcome, said
        said = [text for call in calls if (text := wrong_call(of, names, *call))]
        return ("differs", said) if said else ("same", [])


def wrong_call(of, names, match, instead):
    """How the call differs from what its line says, or from what PyTorch is said to do instead."""
    with written(1) as out, written(2) as err:
        value, error = raised(lambda: eval(match["call"], names))
    if instead:
        got = ["an error" if error else of.shown(value), repr(out[0]), repr(err[0])]
        return instead not in got and f"{match['call']} gives {got}, not {instead}"
    if match["kind"]:
        return not error and f"{match['call']} gives {of.shown(value)}, not an error"
    if error:
        return f"{match['call']} raises {str(error).splitlines()[-1]}"
    if match["stream"] == "warns":
        return eval(match["written"]).strip() not in err[0] and f"{match['call']} warns {err[0]!r}"
    got = of.shown(value) if match["value"] else repr(out[0])
    expected = match["value"] or match["written"]
    return got != expected and f"{match['call']} gives {got}, not {expected}"


def main(folder, first=0):
    sys.path.insert(0, folder)
    warnings.simplefilter("always")
    report = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the programs print
    for number, (name, run) in enumerate([*tables(), *compared_cases(), *statements()]):
        if number < first:
            continue
        print(json.dumps([number, name]), file=report)
        outcome, said = run()
        print(json.dumps([number, name, outcome, "; ".join(said)]), file=report)
    report.close()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
