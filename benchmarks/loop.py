"""What the loop of a search costs a trial, without its evaluation: in memory, and with every trial safe on the disk."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from figures import Figure
from hidden import Hidden
from spaces import EXAMPLES, einspace

import archc
from archc.members import Space
from archc.search.about import about
from archc.search.jobs import Evaluator, Inline
from archc.search.loop import Search, run
from archc.search.protocol import Metrics, Objective, Proposal
from archc.search.store import create
from archc.search.tasks.base import Budget, Candidate
from archc.search.tasks.tabular import Tabular

STRATEGIES = (
    "random",
    "uniform",
    "exhaustive",
    "evolution",
    "local",
    "adaptive",
    "cross-entropy",
    "mcts",
    "nsga2",
    "map-elites",
)
RECURSIVE = ("random", "evolution", "local", "adaptive", "cross-entropy", "mcts")
OBJECTIVE = Objective.of(maximize=["score"])


def cells() -> Space:
    """Return the cells of NAS-Bench-201."""
    return archc.load(EXAMPLES / "nasbench201.arch")["Cell"].space(at="[16, 32, 32]", c=16)


class _Sum:
    """An objective that costs nothing: what is measured is the loop."""

    metrics = Tabular.metrics
    quick = True

    def read(self, candidate: Candidate, budget: Budget) -> Metrics:
        """Return the sum of the decisions, later ones weigh more."""
        return {"score": float(sum(place * int(word) for place, word in enumerate(candidate.key.split())))}

    def identity(self, candidate: Candidate) -> str:
        """Return the key."""
        return candidate.key


def loop_figures(trials: int = 10_000, recursive: int = 3_000, stored: int = 400) -> Iterator[Figure]:
    """Yield the milliseconds that the loop takes for each trial."""
    space = cells()
    for strategy in STRATEGIES:
        yield _in_memory("cells", space, strategy, Inline(_Sum(), OBJECTIVE), trials)
    deep = einspace(6, 16)
    deep.sample(Random(0))  # what a space works out once is no part of the loop
    for strategy in RECURSIVE:
        yield _in_memory("einspace six deep", deep, strategy, Hidden(deep, 0, alone=True), recursive)
    with tempfile.TemporaryDirectory(dir=EXAMPLES.parent / "build") as folder:
        search = Search(space, OBJECTIVE, evaluations=stored)
        with create(Path(folder) / "loop.archdb", about(search, "sum")) as store:
            begun = time.perf_counter()
            run(search, Inline(_Sum(), OBJECTIVE), _key, keeper=store)
            taken = (time.perf_counter() - begun) / stored * 1e3
        yield Figure("loop with a store", taken, 15.0, "ms", f"{stored} trials, one fsync each, by the clock")


def _in_memory(name: str, space: Space, strategy: str, evaluator: Evaluator, trials: int) -> Figure:
    begun = time.process_time()
    history = run(Search(space, OBJECTIVE, strategy, evaluations=trials), evaluator, _key).history
    taken = (time.process_time() - begun) / trials * 1e3
    nodes = sum(len(trial.derivation.edges) for trial in history) / len(history)
    note = f"{trials} trials of {nodes:.0f} nodes, of the processor"
    return Figure(f"loop in memory, {name}, {strategy}", taken, 1.0, "ms", note)


def _key(proposal: Proposal) -> str:
    return proposal.member.key
