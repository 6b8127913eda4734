"""A Python client of the server in C++ that lies beside this file; two of them share it.

    build/release/examples/mixed_server &         # with RANK=0 WORLD_SIZE=3 MASTER_ADDR=127.0.0.1 MASTER_PORT=29500
    RANK=1 ... python3 examples/mixed/client.py & # the same environment, but for the rank
    RANK=2 ... python3 examples/mixed/client.py
    python3 examples/mixed/client.py build/release/examples/mixed_server     # starts all three
"""
from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys

from tine.distributed import rpc


@rpc.register("double")
def double(x: float) -> float:
    return 2 * x


async def averages(name: str) -> list[float]:
    return [average async for average in rpc.stream("server", "moving_average", args=(name, 2))]


def main() -> None:
    me = f"client{os.environ['RANK']}"
    rpc.init_rpc(me)
    # A function of the server, by its name. What it throws is the exception that Python has for it.
    assert rpc.rpc_sync("server", "append", args=(me, [1.0, 3.0, 5.0])) == 3
    try:
        rpc.rpc_sync("server", "tensor", args=("nobody's",))
    except KeyError as error:
        print(f"{me}: {error}")
    # A tensor, as the server has it.
    total = rpc.rpc_sync("server", "tensor", args=(me,)).sum().item()
    # The server's stream, item by item, and a function of this client's that the server calls back.
    smooth = asyncio.run(averages(me))
    doubled = rpc.rpc_sync("server", "map", args=(me, "double"))
    print(f"{me}: sum {total}, moving average {smooth}, doubled {doubled}")
    assert (total, smooth, doubled) == (9.0, [1.0, 2.0, 4.0], [2.0, 6.0, 10.0])
    rpc.shutdown()


def start(server: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    world = {**os.environ, "WORLD_SIZE": "3", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    programs = [[server], [sys.executable, __file__], [sys.executable, __file__]]
    workers = [subprocess.Popen(program, env={**world, "RANK": str(rank)}) for rank, program in enumerate(programs)]
    if any([worker.wait(timeout=60) for worker in workers]):
        sys.exit(1)
    print("done")


if __name__ == "__main__":
    if "RANK" in os.environ:
        main()
    else:
        start(sys.argv[1])
