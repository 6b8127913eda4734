"""Workers over TCP whose network goes away and is slow: each test has a network namespace of its own, with a loopback interface that it takes
down, brings up and slows down. Where the system does not allow that, the tests are skipped and say why."""

import os
import shutil
import subprocess
import sys
import textwrap

import pytest

# In a namespace of its own: `lo(up)`. Its processes inherit it.
NAMESPACE = """
import ctypes, fcntl, os, socket, struct, subprocess, sys, time
CLONE_NEWNET, CLONE_NEWUSER, SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x40000000, 0x10000000, 0x8913, 0x8914, 1
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWNET | CLONE_NEWUSER) != 0:
    print("not permitted:", os.strerror(ctypes.get_errno()), flush=True)
    sys.exit(77)

def lo(up):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        flags = struct.unpack("16sh", fcntl.ioctl(s, SIOCGIFFLAGS, struct.pack("16sh", b"lo", 0)))[1]
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP if up else flags & ~IFF_UP))

try:
    lo(True)
except OSError as error:
    print("not permitted:", error, flush=True)
    sys.exit(77)

def start(program, world=2):
    env = dict(os.environ, MASTER_ADDR="127.0.0.1", MASTER_PORT="29500", WORLD_SIZE=str(world), TINE_AUTH_KEY="a secret of the tests")
    return [subprocess.Popen([sys.executable, "-c", program], env=dict(env, RANK=str(rank)), stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for rank in range(world)]

def await_line(process, line):
    for got in process.stdout:
        if got.rstrip() == line:
            return
        print("before", line, "came", got, end="", flush=True)
    sys.exit(1)
"""

WORKER = """
import os, sys, time
import tine
from tine.distributed import rpc
RANK = int(os.environ["RANK"])
rpc.init_rpc(f"worker{RANK}", rank=RANK, world_size=2, rpc_backend_options=rpc.TensorPipeRpcBackendOptions(
    transports=("tcp",), heartbeat_interval=%s, heartbeat_timeout=%s))
def slow(seconds):
    time.sleep(seconds)
    return "done"
"""


def run(program, worker, interval=0.2, timeout=1.0):
    text = NAMESPACE + f"WORKER = {WORKER % (interval, timeout) + textwrap.dedent(worker)!r}\n" + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=100)
    if done.returncode == 77:
        pytest.skip(f"a network namespace is {done.stdout.strip()}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_network_that_goes_away_fails_the_calls_of_both_sides_with_the_name_of_the_other():
    shown = run(
        """
        both = start(WORKER)
        for process in both:
            await_line(process, "waits")
        lo(False)
        for process in both:
            print(process.stdout.read(), end="", flush=True)
            process.wait(30)
        """,
        """
        call = rpc.rpc_async(1 - RANK, slow, args=(60,), timeout=0)
        print("waits", flush=True)
        began = time.monotonic()
        try:
            call.wait()
        except tine.PeerDied as error:
            print("PeerDied", f"worker{1 - RANK}" in str(error), "silent" in str(error) or "nothing" in str(error) or str(error))
        rpc.shutdown(graceful=False)
        print("ended", time.monotonic() - began < 20)
        os._exit(0)  # the handler still sleeps
        """,
    )
    assert shown.count("PeerDied True True") == 2, shown
    assert shown.count("ended True") == 2, shown


def test_a_network_that_is_away_for_less_than_the_heartbeat_timeout_delays_calls_and_fails_none():
    shown = run(
        """
        both = start(WORKER)
        await_line(both[0], "waits")
        lo(False)
        time.sleep(0.5)  # how long it is away
        lo(True)
        for process in both:
            print(process.stdout.read(), end="", flush=True)
            process.wait(60)
        """,
        """
        if RANK == 0:
            call = rpc.rpc_async(1, slow, args=(0.1,), timeout=0)
            print("waits", flush=True)
            print(call.wait())
            print(rpc.rpc_sync(1, tine.add, args=(tine.ones(200_000), 1)).sum().item())
        rpc.shutdown()
        """,
        interval=1.0,
        timeout=30.0,
    )
    assert shown.split() == ["done", "400000.0"], shown


def test_a_slow_network_delays_calls_and_fails_none():
    tc = shutil.which("tc") or (os.path.exists("/sbin/tc") and "/sbin/tc")
    if not tc:
        pytest.skip("there is no tc(8) to slow the network down")
    shown = run(
        f"""
        made = subprocess.run([{tc!r}, "qdisc", "add", "dev", "lo", "root", "netem", "delay", "20ms", "10ms"], capture_output=True, text=True)
        if made.returncode != 0:
            print("not permitted: netem:", made.stderr, flush=True)
            sys.exit(77)
        both = start(WORKER)
        for process in both:
            print(process.stdout.read(), end="", flush=True)
            process.wait(60)
        """,
        """
        if RANK == 0:
            began = time.monotonic()
            calls = [rpc.rpc_async(1, tine.add, args=(tine.full((100,), float(i)), 1)) for i in range(200)]
            print(all(call.wait()[0].item() == i + 1 for i, call in enumerate(calls)), time.monotonic() - began >= 0.02)
        rpc.shutdown()
        """,
    )
    assert shown.split() == ["True", "True"], shown
