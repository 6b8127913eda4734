"""docs/options.md against the code: each option is there under that name, with that default, and no other is."""

import importlib
import inspect
import os
import pathlib
import re
import subprocess
import sys

import pytest

import tine as torch
import tine.distributed.rpc as rpc

ROOT = pathlib.Path(__file__).parents[2]
TEXT = (ROOT / "docs/options.md").read_text()


def section(title):
    return TEXT.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def rows(title):
    lines = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names(cell):
    return re.findall(r"`([^`]+)`", cell)


def fields(path, struct):
    """{name: default} of the plain members of a struct."""
    body = re.sub(r"//.*", "", (ROOT / path).read_text().split(f"struct {struct} {{", 1)[1].split("\n};", 1)[0])
    return dict(re.findall(r"^\s+[\w:<>]+ (\w+)\s*(?:=\s*|\{)([^;{}]*)\}?(?:\s*<<[^;]*)?;", body, re.M))


def number(text):
    text = text.strip().replace("'", "")
    text = re.sub(r"size_t\{(\w+)\}?", r"\1", text)
    return float(eval(text, {"true": 1, "false": 0}))


def test_the_table_has_each_option_of_a_runtime_with_its_default():
    code = fields("include/tine/runtime.h", "RuntimeOptions")
    table = {names(cpp)[0]: default for cpp, _, _, default, _ in rows("The pool, scripts and handlers of a process")}
    assert set(table) == set(code)
    for name, default in table.items():
        assert number(code[name]) == float(default.split(":")[0]), name


def test_each_variable_of_the_pool_is_read_under_its_name_and_no_other_is():
    documented = {v for row in rows("The pool, scripts and handlers of a process") for v in names(row[1])}
    read = set(re.findall(r'read_variable\("(\w+)"', (ROOT / "src/runtime/runtime.cpp").read_text()))
    assert documented == read


def test_the_table_has_each_option_of_a_worker_with_its_default():
    code = (ROOT / "include/tine/rpc.h").read_text()
    code = code[code.index("struct JoinOptions {"):]
    table = {names(cpp)[0]: (names(python), default) for cpp, python, default, _ in rows("A worker")}
    keywords = inspect.signature(rpc.RpcBackendOptions).parameters
    more = inspect.signature(rpc.TensorPipeRpcBackendOptions).parameters
    for name, (python, default) in table.items():
        assert re.search(rf"\b{name}\b *[={{]", code), f"JoinOptions has no {name}"
        if name == "transports":
            assert list(keywords[name].default) == list(more[name].default) == re.findall(r'"(\w+)"', default)
            assert f"{name}{{{default}}};" in code
        elif name == "tls":
            assert keywords[name].default is more[name].default is None
        elif name == "allow":
            assert keywords[name].default == more[name].default == default.strip('"')
            assert "allow = Allow::kAll" in code
        elif python == [name]:
            assert keywords[name].default == more[name].default == pytest.approx(float(default)), name
    documented = {python[0] for python, _ in table.values() if python}
    assert set(keywords) - documented == {"init_method"}
    others = {"num_worker_threads", "max_handler_threads", "device_maps", "devices", "_transports", "_channels"}
    assert set(more) - set(keywords) == others


def test_each_variable_that_the_code_reads_is_in_the_page():
    read = set()
    for pattern in ("src/**/*.cpp", "python/src/*.cpp", "python/tine/*.py", "python/tine/distributed/**/*.py"):
        for path in ROOT.glob(pattern):
            if not path.name.endswith("_test.cpp"):
                read |= set(re.findall(r'(?:getenv\(|environ\.get\(|environ\[|read_variable\()["\'](\w+)["\']', path.read_text()))
    assert {"TINE_AUTH_KEY", "TINE_SEED", "MASTER_ADDR"} <= read
    assert {name for name in read if f"`{name}`" not in TEXT} == set()


@pytest.mark.parametrize("where, argument, why", rows("Accepted for PyTorch's signatures, without effect"))
def test_what_is_accepted_without_effect_is_an_argument(where, argument, why):
    for place in names(where):
        module = {"torch": torch, "rpc": rpc}.get(place.split(".")[0])
        found = module or rpc
        for part in place.split(".")[1 if module else 0:]:
            found = getattr(found, part)
        for name in names(argument):
            assert name in (found.__doc__ or "") or name in inspect.signature(found).parameters


PROGRAM = '''
import tine as torch
deep = torch.jit.CompilationUnit("""
def deep(n: int) -> int:
    if n == 0:
        return 0
    return 1 + deep(n - 1)
""").deep
print(torch.get_num_threads(), deep(40))
try:
    deep(60)
except RuntimeError as e:
    print(e)
'''


def run(source, **environment):
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})


def test_the_variables_set_the_pool_and_the_depth_of_scripts():
    done = run(PROGRAM, TINE_NUM_THREADS="3", TINE_MAX_THREADS="5", TINE_SEED="18446744073709551615", TINE_MAX_SCRIPT_DEPTH="50")
    first, second, *_ = done.stdout.splitlines()
    assert first == "3 40" and "maximum recursion depth exceeded: 50 nested calls" in second and "TINE_MAX_SCRIPT_DEPTH" in second
    done = run("import tine; tine.set_num_threads(6)", TINE_MAX_THREADS="5")
    assert "expected 1 to 5 threads, got 6" in done.stderr


@pytest.mark.parametrize("variable, value, range", [
    ("TINE_NUM_THREADS", "0", "1 to 1024"), ("TINE_NUM_THREADS", "many", "1 to 1024"), ("TINE_MAX_THREADS", "1025", "1 to 1024"),
    ("TINE_SEED", "-1", "0 to 18446744073709551615"), ("TINE_MAX_SCRIPT_DEPTH", "1e3", "1 to 4294967295"),
])
def test_a_variable_that_is_no_number_or_out_of_range_is_named_at_import(variable, value, range):
    done = run("import tine", **{variable: value})
    assert done.returncode == 1
    assert f'the environment variable {variable}: expected a whole number from {range}, got "{value}"' in done.stderr


@pytest.mark.parametrize("option, value, words", [
    ("max_calls_in_flight", 0, "max_calls_in_flight must be positive, got 0"),
    ("heartbeat_interval", -1, "heartbeat_interval: expected seconds, 0 (none) or more, got -1"),
    ("heartbeat_timeout", 0, "heartbeat_timeout: expected seconds, more than 0, got 0"),
    ("polling", 2, "polling: expected at most 1 seconds, got 2"),
    ("heartbeat_timeout", float("inf"), "heartbeat_timeout: expected at most 1e+06 seconds, got inf"),
])
@pytest.mark.parametrize("make", [rpc.RpcBackendOptions, rpc.TensorPipeRpcBackendOptions])
def test_an_option_of_a_worker_out_of_range_is_refused_by_name(make, option, value, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        make(**{option: value})
