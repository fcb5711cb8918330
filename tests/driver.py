"""Drivers for the tests of search, one process each: `python driver.py` reads lines `STORE TRIALS WORKERS STRATEGY`.

Each line begins a driver, forked from a process that has everything loaded. It makes the store or resumes it, and writes a line
for each trial that is acknowledged: its number and its sum. Before these come `pid N` and `begun`, behind them `ended CODE`.
"""

import os
import sys
import traceback
from functools import cache
from pathlib import Path

from searching import Digits

import archc
from archc.members import Space
from archc.search.about import about
from archc.search.jobs import Evaluator, Inline, identify
from archc.search.loop import Saved, Search, run
from archc.search.protocol import Objective, Trial
from archc.search.reading import resume
from archc.search.store import create, is_blank
from archc.search.workers import Fleet, WorkerLimits, Workers

EXAMPLES = Path(__file__).parent.parent / "examples"
OBJECTIVE = Objective.of(maximize=["sum"])


@cache
def cells() -> Space:
    """Return the cells of NAS-Bench-201, small."""
    return archc.load(EXAMPLES / "nasbench201.arch")["Cell"].space(at="[4, 8, 8]", c=4)


def searched(space: Space, trials: int, strategy: str = "evolution", ahead: int | None = 1) -> Search:
    """Return the search that the tests run."""
    return Search(space, OBJECTIVE, strategy, seed=7, evaluations=trials, ahead=ahead)


def drive(path: Path, trials: int, workers: int, strategy: str) -> None:
    """Run or resume a search, with every acknowledged trial told on the output."""
    search = searched(cells(), trials, strategy, None if workers > 1 else 1)
    what = about(search, "digits of the key")
    saved = Saved()
    if not is_blank(path):
        store, contents = resume(path, what)
        saved = contents.saved
    else:
        store = create(path, what)
    limits = WorkerLimits(60.0, 2**30)
    evaluator: Evaluator = (
        Workers("python:searching:Slow", OBJECTIVE, Fleet(workers, limits, threads=1))
        if workers
        else Inline(Digits(), OBJECTIVE)
    )
    _say("begun")
    with store:
        run(search, evaluator, lambda found: identify(Digits(), found), keeper=store, saved=saved, ended=_tell)
    evaluator.close()


def _tell(trial: Trial) -> None:
    _say(f"{trial.number} {trial.metrics.get('sum')}")


def _say(line: str) -> None:
    """Write a line whole or not at all: `print` may write it in pieces, and a kill come between them."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def main() -> None:
    """Run one driver for each line of the input, each to its end."""
    cells()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _live(line)
        _, status = os.waitpid(pid, 0)
        _say(f"ended {os.waitstatus_to_exitcode(status)}")


def _live(line: str) -> None:
    """Be a driver, and end; what it begins has its store as a mark in the environment."""
    code = 1
    try:
        path, trials, workers, strategy = line.split()
        os.environ["ARCHC_TEST_MARK"] = path
        _say(f"pid {os.getpid()}")
        drive(Path(path), int(trials), int(workers), strategy)
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


if __name__ == "__main__":
    main()
