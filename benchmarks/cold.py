"""Commands from a cold start, and files of many lengths."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from figures import Figure
from programs import program

ARCHC = str(Path(sys.executable).with_name("archc"))
TIMES = 9
LENGTHS = (1250, 2500, 5000, 10000)


def start_figures() -> list[Figure]:
    """Return how long the command takes to say something."""
    bare = _median([sys.executable, "-c", "pass"])
    with tempfile.TemporaryDirectory() as folder:
        short = _written(200, Path(folder))
        return [
            Figure("`archc --help`", _median([ARCHC, "--help"]), 0.3, note=f"bare Python: {bare:.3f} s"),
            Figure("`archc check`, 200 lines", _median([ARCHC, "check", str(short)]), 0.4, note="cold"),
            Figure("`import archc`", _median([sys.executable, "-c", "import archc"]), 0.1, note="cold"),
        ]


def length_figures() -> list[Figure]:
    """Return how the time to check grows with the file."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, peaks = [], []
        for lines in LENGTHS:
            took, peak = _run([ARCHC, "check", str(_written(lines, Path(folder)))])
            seconds.append(took)
            peaks.append(peak)
    listed = ", ".join(f"{lines:,}: {took:.2f} s" for lines, took in zip(LENGTHS, seconds, strict=True))
    growth = (
        (seconds[-1] - seconds[-2])
        / (seconds[1] - seconds[0])
        / ((LENGTHS[-1] - LENGTHS[-2]) / (LENGTHS[1] - LENGTHS[0]))
    )
    return [
        Figure("`archc check`, 10,000 lines", seconds[-1], 10, note=listed),
        Figure("time per line, last 5,000 by first 1,250", growth, 1.3, "times", "1 is linear"),
        Figure("memory, 10,000 lines", peaks[-1], 1000, "MB", "peak of the process"),
    ]


def _written(lines: int, folder: Path) -> Path:
    path = folder / f"lines{lines}.arch"
    path.write_text(program(lines), encoding="utf-8")
    return path


def _median(command: list[str]) -> float:
    return median(_run(command)[0] for _ in range(TIMES))


def _run(command: list[str]) -> tuple[float, float]:
    """Return seconds and peak megabytes of `command`. Raises AssertionError when it does not exit with 0."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (command, process.returncode)
    return time.perf_counter() - start, usage.ru_maxrss / 1024
