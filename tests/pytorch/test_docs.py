"""The example of docs/foreign_tensors.md runs as it is printed."""

import os
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "foreign_tensors.md"

ALONE = """
import os
os.environ.update(MASTER_ADDR="localhost", MASTER_PORT="0", TINE_AUTH_KEY="a secret for tests")
from tine.distributed import rpc
rpc.init_rpc("worker1", rank=0, world_size=1)
"""


def test_the_example_of_foreign_tensors_runs(tmp_path):
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    source = tmp_path / "example.py"
    source.write_text(ALONE + example + "print(list(y.shape), y.is_leaf)\nrpc.shutdown()\n")
    done = subprocess.run([sys.executable, source], capture_output=True, text=True, timeout=100, env=os.environ)
    assert (done.returncode, done.stdout) == (0, "[8, 64] True\n"), done.stderr
