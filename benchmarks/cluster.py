"""What a trial costs beyond its evaluation: by local workers and by Ray's local cluster: `python benchmarks/cluster.py`."""

import sys
import time
from pathlib import Path

from figures import Figure

import archc
from archc.search.cluster import LOCAL, OnRay
from archc.search.jobs import Evaluator
from archc.search.loop import Search, run
from archc.search.protocol import Objective, Proposal
from archc.search.workers import Fleet, Workers

ROOT = Path(__file__).parent.parent
TASK, TRIALS, SLOTS = "python:searching:Quickest", 200, 2


def _key(proposal: Proposal) -> str:
    return proposal.member.key


def cost(evaluator: Evaluator) -> float:
    """Return the milliseconds that a trial takes, with an evaluation that takes none."""
    space = archc.load(ROOT / "examples" / "nasbench201.arch")["Cell"].space(at="[4, 8, 8]", c=4)
    objective = Objective.of(maximize=["sum"])
    try:
        run(Search(space, objective, "random", evaluations=SLOTS), evaluator, _key)
        begun = time.perf_counter()
        run(Search(space, objective, "random", seed=1, evaluations=TRIALS), evaluator, _key)
        return (time.perf_counter() - begun) / TRIALS * 1e3
    finally:
        evaluator.close()


def main() -> int:
    """Print the figures."""
    sys.path.insert(0, str(ROOT / "tests"))
    objective, fleet = Objective.of(maximize=["sum"]), Fleet(SLOTS, threads=1)
    local = cost(Workers(TASK, objective, fleet))
    on_ray = cost(OnRay(TASK, objective, fleet, LOCAL))
    for name, taken in (("local workers", local), ("Ray, local", on_ray)):
        print(Figure(f"a trial by {name}", taken, None, "ms", f"{TRIALS} trials, {SLOTS} slots, by the clock").row())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
