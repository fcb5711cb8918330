"""A driver of its own process for the tests of search: `python driver.py STORE TRIALS WORKERS STRATEGY`.

It makes the store or resumes it, and writes a line for each trial that is acknowledged: its number and its sum.
"""

import sys
from pathlib import Path

from searching import Digits

import archc
from archc.members import Space
from archc.search.about import about
from archc.search.jobs import Evaluator, Inline, identify
from archc.search.loop import Saved, Search, run
from archc.search.protocol import Objective, Trial
from archc.search.reading import resume
from archc.search.store import create
from archc.search.workers import Fleet, WorkerLimits, Workers

EXAMPLES = Path(__file__).parent.parent / "examples"
OBJECTIVE = Objective.of(maximize=["sum"])


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
    if path.exists() and path.stat().st_size:
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
    print("begun", flush=True)
    with store:
        run(search, evaluator, lambda found: identify(Digits(), found), keeper=store, saved=saved, ended=_tell)
    evaluator.close()
    print("over", flush=True)


def _tell(trial: Trial) -> None:
    print(trial.number, trial.metrics.get("sum"), flush=True)


if __name__ == "__main__":
    drive(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
