"""How long `import` takes in a fresh interpreter, and what memory it leaves resident: tine beside torch and NumPy."""
import importlib.util
import json
import os
import statistics
import subprocess
import sys

QUICK = bool(os.environ.get("TINE_BENCH_QUICK"))
PROGRAM = """
import sys, time
began = time.perf_counter_ns()
import {0}
took = time.perf_counter_ns() - began
with open("/proc/self/statm") as f:
    resident = int(f.read().split()[1]) * 4096
print(took, resident)
"""


def measure(module):
    runs = []
    for _ in range(3 if QUICK else 7):
        out = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(module)], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        runs.append([int(n) for n in out.split()])
    return [statistics.median(column) for column in zip(*runs)], max(r[0] for r in runs) - min(r[0] for r in runs)


def main():
    found = {m: measure(m) for m in ("tine", "torch", "numpy") if importlib.util.find_spec(m)}
    names = {"torch": "PyTorch", "numpy": "NumPy"}
    for i, (text, unit, scale) in enumerate((("import", "ms", 1e-6), ("resident after it", "MB", 1e-6))):
        print(
            json.dumps(
                {
                    "row": text,
                    "unit": unit,
                    "tine": found["tine"][0][i] * scale,
                    "spread": found["tine"][1] * scale if i == 0 else None,
                    "peers": {text: found[m][0][i] * scale if m in found else None for m, text in names.items()},
                    "bar": {"peer": "PyTorch", "times": 15} if i == 0 else None,
                }
            )
        )


if __name__ == "__main__":
    main()
