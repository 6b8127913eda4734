"""Two workers on this machine that run one program and measure from rank 0."""

import json
import os
import socket
import subprocess
import sys


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def tell(results):
    """By rank 0: what measure() returns."""
    print("RESULT " + json.dumps(results), flush=True)


def measure(program, *arguments):
    """Runs `program arguments... rank` as ranks 0 and 1; what rank 0 told."""
    env = dict(os.environ, MASTER_ADDR="127.0.0.1", MASTER_PORT=str(free_port()), GLOG_minloglevel="2")
    command = [sys.executable, os.path.abspath(program), *arguments]
    processes = [
        subprocess.Popen(command + [str(r)], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for r in range(2)
    ]
    try:
        outs = [p.communicate(timeout=300) for p in processes]
    finally:
        for p in processes:
            if p.poll() is None:
                p.kill()
    for line in outs[0][0].splitlines():
        if line.startswith("RESULT "):
            return json.loads(line[7:])
    raise RuntimeError(f"{' '.join(arguments)}: no result\n{outs[0][1]}\n{outs[1][1]}")
