"""Commands from a cold start, and files of many lengths."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from figures import Figure
from programs import program

ARCHC = str(Path(sys.executable).with_name("archc"))
TIMES = 9
LENGTHS = (1250, 2500, 5000, 10000)


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took: seconds of the clock, seconds of the processor, peak megabytes."""

    clock: float
    processor: float
    peak: float


def start_figures() -> list[Figure]:
    """Return how long the command takes to say something."""
    with tempfile.TemporaryDirectory() as folder:
        short = _written(200, Path(folder))
        return [
            _cold("bare Python", [sys.executable, "-c", "pass"], 1.0),
            _cold("`import archc`", [sys.executable, "-c", "import archc"], 0.1),
            _cold("`archc --help`", [ARCHC, "--help"], 0.3),
            _cold("`archc check`, 200 lines", [ARCHC, "check", str(short)], 0.4),
        ]


def _cold(name: str, command: list[str], bound: float) -> Figure:
    runs = [_run(command) for _ in range(TIMES)]
    clock = median(run.clock for run in runs)
    return Figure(
        name, median(run.processor for run in runs), bound, note=f"of the processor; by the clock {clock:.2f} s"
    )


def length_figures() -> list[Figure]:
    """Return how the time to check grows with the file."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [_least([ARCHC, "check", str(_written(lines, Path(folder)))]) for lines in LENGTHS]
    seconds = [run.processor for run in runs]
    listed = ", ".join(f"{lines:,}: {took:.2f} s" for lines, took in zip(LENGTHS, seconds, strict=True))
    growth = (
        (seconds[-1] - seconds[-2])
        / (seconds[1] - seconds[0])
        / ((LENGTHS[-1] - LENGTHS[-2]) / (LENGTHS[1] - LENGTHS[0]))
    )
    return [
        Figure("`archc check`, 10,000 lines", seconds[-1], 10, note=listed),
        Figure("time per line, last 5,000 by first 1,250", growth, 1.3, "times", "1 is linear"),
        Figure("memory, 10,000 lines", runs[-1].peak, 1000, "MB", "peak of the process"),
    ]


def _written(lines: int, folder: Path) -> Path:
    path = folder / f"lines{lines}.arch"
    path.write_text(program(lines), encoding="utf-8")
    return path


def _least(command: list[str]) -> Run:
    """Return the shortest of three runs: what else the machine does can only add."""
    return min((_run(command) for _ in range(3)), key=lambda run: run.processor)


def _run(command: list[str]) -> Run:
    """Return what `command` takes. Raises AssertionError when it does not exit with 0."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (command, process.returncode)
    return Run(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
