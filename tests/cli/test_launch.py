"""`tine launch`: environment, output, signals, exit codes. Each test runs the command itself."""

import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest

BUILD = pathlib.Path(os.environ.get("TINE_BUILD_DIR") or pathlib.Path(__file__).parents[2] / "build" / "dev")
TINE = BUILD / "bin" / "tine"


@pytest.fixture
def program(tmp_path):
    """Writes a program and returns its path."""

    def write(text):
        path = tmp_path / "program.py"
        path.write_text("import os, signal, sys, time\nrank = int(os.environ['RANK'])\n" + text)
        return str(path)

    return write


def environment(**extra):
    # The sanitizer's runtime is for the module's sake; here it would only slow the programs down.
    base = {key: value for key, value in os.environ.items() if key not in ("TINE_AUTH_KEY", "LD_PRELOAD")}
    return {**base, **extra}


def launch(*arguments, **extra):
    return subprocess.run(
        [str(TINE), "launch", *arguments], capture_output=True, text=True, timeout=60, env=environment(**extra)
    )


def start(*arguments):
    return subprocess.Popen(
        [str(TINE), "launch", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def gone(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX"


def assert_gone(pids):
    end = time.monotonic() + 20
    while not all(gone(pid) for pid in pids):
        assert time.monotonic() < end, f"still running: {[pid for pid in pids if not gone(pid)]}"
        time.sleep(0.01)


def test_version_is_printed():
    done = subprocess.run([str(TINE), "--version"], capture_output=True, text=True, timeout=60)
    assert re.fullmatch(r"tine \d+\.\d+\.\d+\n", done.stdout) and done.returncode == 0


def test_each_process_gets_its_rank_and_all_the_same_address_and_secret(program):
    text = """
names = "LOCAL_RANK WORLD_SIZE MASTER_ADDR MASTER_PORT TINE_AUTH_KEY".split()
print(*(os.environ[name] for name in names))
"""
    done = launch("-n", "3", program(text))
    assert done.returncode == 0, done.stderr
    lines = sorted(done.stdout.splitlines())
    fields = [line.split() for line in lines]
    assert [line[:2] for line in fields] == [["[0]", "0"], ["[1]", "1"], ["[2]", "2"]]
    assert len({tuple(line[2:]) for line in fields}) == 1
    world, address, port, key = fields[0][2:]
    assert (world, address) == ("3", "127.0.0.1")
    assert 1024 < int(port) < 65536
    assert re.fullmatch("[0-9a-f]{64}", key)


def test_two_runs_have_two_secrets_but_a_given_one_is_kept(program):
    path = program("print(os.environ['TINE_AUTH_KEY'])")
    assert launch(path).stdout != launch(path).stdout
    assert launch(path, TINE_AUTH_KEY="mine").stdout == "[0] mine\n"


def test_the_given_port_can_be_listened_on(program):
    text = """
import socket
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])))
listener.listen()
with socket.create_connection(listener.getsockname()) as client:
    print("connected")
"""
    done = launch(program(text))
    assert (done.stdout, done.stderr) == ("[0] connected\n", "")


def test_with_keep_going_the_others_outlive_those_that_fail_and_the_first_failure_is_the_exit_code(program, tmp_path):
    text = """
import pathlib
folder = pathlib.Path(os.environ["FOLDER"])
def until(name):
    end = time.monotonic() + 50
    while not (folder / name).exists():
        assert time.monotonic() < end
        time.sleep(0.01)
if rank == 0:
    (folder / "pid").write_text(str(os.getpid()))
    sys.exit(3)
until("pid")
end = time.monotonic() + 50
while os.path.exists("/proc/" + (folder / "pid").read_text()):
    assert time.monotonic() < end
    time.sleep(0.01)
if rank == 1:
    (folder / "second").touch()
    os.kill(os.getpid(), signal.SIGKILL)
until("second")
print("done")
"""
    done = launch("-n", "3", "--keep-going", program(text), FOLDER=str(tmp_path))
    assert done.returncode == 3, done
    assert done.stdout == "[2] done\n", done
    first, second = done.stderr.splitlines()
    assert re.fullmatch(r"tine launch: rank 0 \(pid \d+\) exited with code 3; the others go on", first), first
    assert re.match(r"tine launch: rank 1 \(pid \d+\) was killed by signal 9 \(Killed\)", second), second


def test_with_keep_going_each_failure_is_told_with_its_own_reason_and_a_signal_ends_all(program):
    text = """
import tine
if rank == 0:
    raise ValueError("the first")
signal.pause()
"""
    text = text.replace("import tine\n", "from tine import _failure, distributed\nimport atexit; atexit.register(_failure.tell)\n")
    run = start("-n", "2", "--keep-going", program(text))
    lines = []
    while not lines or "go on" not in lines[-1]:
        lines.append(run.stderr.readline())
        assert lines[-1], lines
    assert lines[-1].endswith("exited with code 1: ValueError: the first; the others go on\n"), lines
    run.send_signal(signal.SIGTERM)
    assert run.wait(60) == 128 + signal.SIGTERM
    run.communicate()


def test_arguments_after_the_program_are_the_programs(program):
    path = program("print(sys.argv[1:])")
    assert launch("-n", "1", path, "-n", "7", "--help", "x").stdout == "[0] ['-n', '7', '--help', 'x']\n"
    assert launch("-n", "1", "--", path, "--", "y").stdout == "[0] ['--', 'y']\n"


def test_a_program_need_not_be_python():
    done = launch("-n", "2", "sh", "-c", "echo $RANK of $WORLD_SIZE >&2")
    assert sorted(done.stderr.splitlines()) == ["[0] 0 of 2", "[1] 1 of 2"]
    assert done.stdout == ""


def test_with_pytorch_the_program_is_one_of_python():
    done = launch("--pytorch", "-n", "1", "sh", "-c", "true")
    assert done.returncode == 2
    assert "--pytorch runs a program.py or, after --, -m module; 'sh' is neither" in done.stderr


def test_with_pytorch_the_program_is_run_by_tines_module(program, tmp_path):
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    path = program("")
    assert launch("--pytorch", "-n", "1", path, "x", TINE_PYTHON=str(python)).stdout == f"[0] -m tine.pytorch {path} x\n"
    done = launch("--pytorch", "-n", "1", "--", "-m", "module", "-v", TINE_PYTHON=str(python))
    assert done.stdout == "[0] -m tine.pytorch -m module -v\n"


def test_a_run_ends_when_its_programs_have_and_waits_for_no_more_output():
    def seconds():
        began = time.monotonic()
        assert launch("true").returncode == 0
        return time.monotonic() - began

    # Output that somebody may still write is waited for half a second.
    assert any(seconds() < 0.45 for _ in range(20))


def test_lines_of_many_processes_stay_whole(program):
    text = """
for i in range(2000):
    sys.stdout.write(f"{rank}:{i}:")
    sys.stdout.write("x" * (i % 97))
    sys.stdout.write(":end" + chr(10))
print("last", end="")
"""
    done = launch("-n", "4", program(text))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) == 4 * 2001
    for rank in range(4):
        own = [line.removeprefix(f"[{rank}] ") for line in lines if line.startswith(f"[{rank}] ")]
        assert own == [f"{rank}:{i}:{'x' * (i % 97)}:end" for i in range(2000)] + ["last"]


def test_the_exit_code_is_that_of_the_process_that_failed_first(program):
    text = """
if rank == 1:
    print("going down", file=sys.stderr)
    sys.exit(7)
signal.pause()
"""
    done = launch("-n", "3", program(text))
    assert done.returncode == 7
    assert "[1] going down\n" in done.stderr
    assert re.search(r"tine launch: rank 1 \(pid \d+\) exited with code 7; ending the others\n", done.stderr)
    assert done.stderr.index("going down") < done.stderr.index("tine launch:")


def test_a_process_killed_by_a_signal_gives_128_and_its_number(program):
    done = launch("-n", "2", program("os.kill(os.getpid(), signal.SIGKILL) if rank == 0 else signal.pause()"))
    assert done.returncode == 128 + signal.SIGKILL
    assert "was killed by signal 9 (Killed)" in done.stderr


def test_processes_that_do_not_end_when_asked_are_killed(program):
    text = """
if rank == 0:
    sys.stdin.read()
    while not os.path.exists(sys.argv[1]): time.sleep(0.01)
    sys.exit(3)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write(str(os.getpid()))
while True: signal.pause()
"""
    path = program(text)
    flag = pathlib.Path(path).with_name("flag")
    done = launch("-n", "2", "--grace", "0.2", path, str(flag))
    assert done.returncode == 3
    assert re.search(r"rank 1 \(pid \d+\) did not end within 0.2 s; killing it\n", done.stderr)
    assert_gone([int(flag.read_text())])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_passed_on_and_end_the_run(program, number):
    text = f"""
def ended(number, frame):
    print("got", number)
    sys.exit(0)
signal.signal({int(number)}, ended)
print("ready")
while True: signal.pause()
"""
    running = start("-n", "2", program(text))
    assert {running.stdout.readline(), running.stdout.readline()} == {"[0] ready\n", "[1] ready\n"}
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert sorted(out.splitlines()) == [f"[0] got {int(number)}", f"[1] got {int(number)}"], err
    assert running.returncode == 128 + number


def test_processes_die_with_a_launcher_that_is_killed(program):
    running = start("-n", "2", program("print(os.getpid())\nwhile True: signal.pause()"))
    pids = [int(running.stdout.readline().split()[1]) for _ in range(2)]
    running.kill()
    running.communicate(timeout=60)
    assert_gone(pids)


def test_a_reader_that_goes_away_ends_the_run(program):
    running = start("-n", "2", program("while True: print('x' * 1000)"))
    running.stdout.readline()
    running.stdout.close()
    assert running.wait(timeout=60) == 128 + signal.SIGPIPE
    running.stderr.close()


def test_what_programs_leave_behind_is_ended_after_a_moment(program):
    text = """
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
print(child.pid)
"""
    done = launch(program(text))
    assert done.returncode == 0
    assert re.search(r"tine launch: ending what rank 0 \(pid \d+\) started\n", done.stderr)
    assert_gone([int(done.stdout.split()[1])])


def test_what_ends_by_itself_soon_after_its_program_is_left_alone(program):
    text = """
import subprocess
subprocess.Popen([sys.executable, "-c", "import os, sys; sys.stdin.read(); print('last words')"],
                 stdin=subprocess.PIPE)
"""
    done = launch(program(text))
    assert (done.returncode, done.stdout, done.stderr) == (0, "[0] last words\n", "")


# A program that starts the worker without exec, as wrapper scripts do.
WRAPPED = """
import subprocess
worker = subprocess.Popen([sys.executable, "-c", "import os, signal; print(os.getpid(), flush=True); signal.pause()"])
if rank == 1 and "fail" in sys.argv:
    while not os.path.exists(sys.argv[2]): time.sleep(0.01)
    sys.exit(3)
worker.wait()
"""


def workers_of(running, count):
    return [int(running.stdout.readline().split()[1]) for _ in range(count)]


def test_a_signal_ends_the_workers_of_wrapper_programs_too(program):
    running = start("-n", "2", program(WRAPPED))
    workers = workers_of(running, 2)
    running.terminate()
    running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM
    assert_gone(workers)


def test_a_failure_ends_the_workers_of_wrapper_programs_too(program):
    path = program(WRAPPED)
    flag = pathlib.Path(path).with_name("flag")
    running = start("-n", "2", path, "fail", str(flag))
    workers = workers_of(running, 2)
    flag.touch()
    running.communicate(timeout=60)
    assert running.returncode == 3
    assert_gone(workers)


def test_the_workers_of_wrapper_programs_die_with_a_launcher_that_is_killed(program):
    running = start("-n", "2", program(WRAPPED))
    workers = workers_of(running, 2)
    running.kill()
    running.communicate(timeout=60)
    assert_gone(workers)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-", "<&- >&- 2>&-"])
def test_standard_streams_may_be_closed(program, closed):
    path = program("print('out')\nsys.exit(4 if rank == 1 else 0)")
    command = f"exec '{TINE}' launch -n 2 '{path}' {closed}"
    done = subprocess.run(["sh", "-c", command], timeout=60, env=environment(), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    assert done.returncode == 4


def test_a_closed_stream_does_not_keep_a_signal_from_ending_the_run(program):
    path = program("open(sys.argv[1], 'w').close()\nsignal.pause()")
    flag = pathlib.Path(path).with_name("flag")
    running = subprocess.Popen(["sh", "-c", f"exec '{TINE}' launch '{path}' '{flag}' >&- 2>&-"], env=environment())
    while not flag.exists():
        assert running.poll() is None
        time.sleep(0.01)
    running.terminate()
    assert running.wait(timeout=60) == 128 + signal.SIGTERM


@pytest.mark.parametrize("code, result", [(0, 1), (5, 5)])
def test_output_that_cannot_be_written_is_lost_and_the_programs_run_on(program, code, result):
    path = program(f"print('x' * 10000, flush=True)\nprint('done', file=sys.stderr)\nsys.exit({code})")
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(TINE), "launch", path], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                              env=environment())
    assert done.returncode == result
    assert "[0] done\n" in done.stderr
    assert "tine launch: cannot write to standard output: No space left on device; the output is lost\n" in done.stderr


def test_a_signal_ends_the_run_although_nobody_reads_its_output(program):
    running = start("-n", "2", program("while True: print('x' * 1000); print('y' * 1000, file=sys.stderr)"))
    running.stdout.readline()  # from here on neither pipe is read
    running.terminate()
    assert running.wait(timeout=60) == 128 + signal.SIGTERM
    running.communicate()


def test_a_signal_ends_a_run_that_only_waits_for_the_reader_of_its_output(program):
    running = start(program("print(os.getpid())\nprint(('x' * 99 + chr(10)) * 5000, end='')"))
    pid = int(running.stdout.readline().split()[1])
    assert_gone([pid])
    # Its end has been seen, so all that is left is output, more than a pipe holds.
    assert running.poll() is None
    running.terminate()
    assert running.wait(timeout=60) == 128 + signal.SIGTERM
    running.communicate()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user for a moment")
def test_a_note_of_another_user_is_not_believed(program):
    text = """
import socket, subprocess
forge = "import os, socket\\n" \
        "with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notes:\\n" \
        "    notes.sendto(b'0 FORGED', chr(0) + os.environ['TINE_LAUNCH_NOTES'][1:])"
if rank == 1:
    subprocess.run([sys.executable, "-c", forge], user=65534, group=65534, extra_groups=[], check=True, cwd="/")
    sys.exit(7)
signal.pause()
"""
    done = launch("-n", "2", program(text))
    assert done.returncode == 7, done.stderr
    assert "FORGED" not in done.stderr and "rank 1" in done.stderr


def test_control_characters_in_a_note_are_escaped(program):
    text = r"""
import socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notes:
    notes.sendto("0 bad \x1b[2J\r\n\u009b31m \u00e9".encode(), chr(0) + os.environ["TINE_LAUNCH_NOTES"][1:])
sys.exit(1)
"""
    done = launch(program(text))
    assert "exited with code 1: bad \\x1b[2J\\x0d\\x0a\\x9b31m \u00e9\n" in done.stderr


def test_a_terminal_shows_the_progress_line_of_rank_zero(program):
    text = """
assert os.environ["TINE_LAUNCH_TERMINAL"] == "1"
if rank == 0:
    for i in range(3):
        sys.stdout.write(f"{chr(13)}step {i}")
        sys.stdout.flush()
    print()
"""
    ours, theirs = pty.openpty()
    running = subprocess.Popen([str(TINE), "launch", "-n", "2", program(text)], stdout=theirs, env=environment())
    assert running.wait(timeout=60) == 0
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    # How many of the steps were drawn depends on how they came together; what stands in the end does not.
    screen = re.sub(r"[^\r\n]*\r\x1b\[K", "", shown.decode())
    assert screen == "[0] step 2\r\n"


def test_a_terminal_shows_the_progress_line_while_the_program_runs(program):
    text = """
if rank == 0:
    sys.stdout.write(chr(13) + "half")
    sys.stdout.flush()
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
"""
    path = program(text)
    flag = pathlib.Path(path).with_name("flag")
    ours, theirs = pty.openpty()
    running = subprocess.Popen([str(TINE), "launch", "-n", "2", path, str(flag)], stdout=theirs, env=environment())
    os.close(theirs)
    shown = b""
    while b"[0] half" not in shown:
        assert select.select([ours], [], [], 20)[0], shown
        shown += os.read(ours, 4096)
    flag.touch()
    assert running.wait(timeout=60) == 0
    os.close(ours)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["-n", "2", "absent.py"], "tine launch: the program 'absent.py' does not exist (looked in "),
        (["-n", "2", "./absent"], "tine launch: cannot start './absent': No such file or directory"),
        (["-n", "2"], "tine launch: no program given; expected `tine launch -n 2 program.py [args]`"),
        (["-n", "0", "true"], "Value 0 not in range"),
        (["--nonsense", "true"], "unknown option '--nonsense'"),
        (["--master-addr", "10.0.0.1", "true"], "give --master-port too"),
        (["-n", "2", "--first-rank", "3", "--world-size", "4", "true"], "ranks 3 to 4 do not fit in a world of 4"),
    ],
)
def test_what_cannot_be_launched_is_named(arguments, message):
    done = launch(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [["help"], ["--help"]])
def test_help_lists_the_commands(arguments):
    done = subprocess.run([str(TINE), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "launch" in done.stdout and done.stderr == ""


@pytest.mark.parametrize("arguments", [["help", "launch"], ["launch", "--help"]])
def test_help_of_launch_shows_where_the_program_goes(arguments):
    done = subprocess.run([str(TINE), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "Usage: tine launch [OPTIONS] program.py [args]" in done.stdout


@pytest.mark.parametrize("arguments", [["nosuch"], ["help", "nosuch"], ["nosuch", "-n", "2", "program.py"]])
def test_an_unknown_command_is_named_with_those_there_are(arguments):
    done = subprocess.run([str(TINE), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "tine: unknown command 'nosuch'; expected `tine launch`, `tine graph` or `tine keys` (`tine --help` describes them)\n"


def test_who_said_first_that_it_fails_is_blamed_not_who_ended_first(program):
    text = """
import socket
if rank == 0:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notes:
        notes.sendto(f"{rank} ZeroDivisionError: division by zero".encode(),
                     chr(0) + os.environ["TINE_LAUNCH_NOTES"][1:])
    open(sys.argv[1], "w").close()
    signal.pause()
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
sys.exit(7)
"""
    path = program(text)
    done = launch("-n", "3", path, str(pathlib.Path(path).with_name("flag")))
    assert done.returncode == 1
    blamed = r"tine launch: rank 0 \(pid \d+\) failed: ZeroDivisionError: division by zero; ending the others\n"
    assert re.search(blamed, done.stderr), done.stderr


# Programs that import the module need the sanitizer's runtime, which environment() takes away.
imports_the_module = pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="the module runs under a sanitizer")


@imports_the_module
def test_a_failing_worker_is_blamed_although_its_peers_end_first(program):
    text = """
from tine.distributed import rpc
def nothing():
    pass
rpc.init_rpc(f"w{rank}")
if rank == 0:
    1 / 0
try:
    while True:
        rpc.rpc_sync("w0", nothing)
        time.sleep(0.001)
except BaseException:
    import traceback
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(3)
"""
    done = launch("-n", "3", program(text))
    assert re.search(r"tine launch: rank 0 \(pid \d+\).*ZeroDivisionError: division by zero", done.stderr), done.stderr
    # By the death of w0, or by the connection, where the call was just about to be sent.
    assert re.search(r"\[[12]\] .*PeerDied: worker '?w0'? .*said goodbye: its program failed: ZeroDivisionError: division by zero",
                     done.stderr), done.stderr
    assert "shutting down" not in done.stderr


@imports_the_module
def test_ctrl_c_ends_a_run_whose_handlers_sleep(program):
    text = """
from tine.distributed import rpc
rpc.init_rpc(f"w{rank}")
if rank == 0:
    print("ready")
    rpc.rpc_sync("w1", time.sleep, args=(100,), timeout=0)
rpc.shutdown()
"""
    running = start("-n", "2", program(text))
    assert running.stdout.readline() == "[0] ready\n"
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert time.monotonic() - began < 4, err
    assert running.returncode == 128 + signal.SIGINT and "killing" not in err


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, *sys.argv[1:]]))
