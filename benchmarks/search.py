"""How good search is on a table, and what the loop costs a trial: `python benchmarks/search.py [--seeds N]`."""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from figures import Figure

import archc
from archc.members import Space
from archc.search.about import about
from archc.search.jobs import Inline
from archc.search.loop import Result, Search, run
from archc.search.protocol import Metrics, Objective, Proposal
from archc.search.store import create
from archc.search.tasks.base import Budget, Candidate
from archc.search.tasks.tabular import Row, Tabular

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("ARCHC_DATA", ROOT.parent / "shared" / "data"))
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

FIRST = 1000
"""The first seed; no setting of a strategy was chosen on these."""

QUERIES = (30, 50, 100, 300)

BOUNDS = {
    ("evolution", "cifar10", 100): 94.13,
    ("evolution", "cifar10", 300): 94.31,
    ("local", "cifar10", 100): 94.27,
    ("bayesian", "cifar10", 100): 94.23,
    ("evolution", "cifar100", 100): 72.82,
    ("local", "cifar100", 100): 73.26,
    ("bayesian", "cifar100", 100): 73.15,
}
"""Test accuracy that the median has to reach."""

STRATEGIES = ("random", "evolution", "local", "bayesian", "predictor", "optuna:tpe")

SHORT = {"bayesian": 100, "predictor": 100, "optuna:tpe": 100}
"""How many queries strategies have that take their time."""
MOST_TO_OPTIMUM = 60.0


class Table(Tabular):
    """The table, where the decisions of a cell name its row; tests/test_search_tabular.py holds them to its graph."""

    def row(self, candidate: Candidate) -> Row:
        """Return the row of a cell."""
        a, b, c, d, e, f = (OPERATIONS[int(word)] for word in candidate.key.split())
        return self.rows[((a,), (b, c), (d, e, f))]


@dataclass(frozen=True, slots=True)
class Curve:
    """One strategy on one data set over all seeds: test accuracy after so many queries, and when the best was found."""

    strategy: str
    data: str
    test: dict[int, list[float]]
    first: list[float]


def cells() -> Space:
    """Return the cells of NAS-Bench-201."""
    return archc.load(ROOT / "examples" / "nasbench201.arch")["Cell"].space(at="[16, 32, 32]", c=16)


def curve(space: Space, table: Table, strategy: str, data: str, *, seeds: int) -> Curve:
    """Return how a strategy does: each cell counts as a query, and none is asked twice."""
    objective = Objective.of(maximize=[f"{data}_valid"])
    top = max(row.metrics[f"{data}_valid"] for row in table.rows.values())
    most = SHORT.get(strategy, max(QUERIES))
    found = Curve(strategy, data, {queries: [] for queries in QUERIES if queries <= most}, [])
    for seed in range(FIRST, FIRST + seeds):
        search = Search(space, objective, strategy, seed=seed, evaluations=most)
        _note(found, run(search, Inline(table, objective), _key), top)
    return found


def _key(proposal: Proposal) -> str:
    return proposal.member.key


def _note(found: Curve, result: Result, top: float) -> None:
    best: Metrics = {}
    valid, first = f"{found.data}_valid", float("inf")
    for query, trial in enumerate(result.history, 1):
        if not best or trial.metrics[valid] > best[valid]:
            best = trial.metrics
            first = query if best[valid] == top else first
        if query in found.test:
            found.test[query].append(best[f"{found.data}_test"])
    found.first.append(first)


def table_figures(seeds: int) -> Iterator[Figure]:
    """Yield the test error of the cell with the best validation accuracy so far, and when the best was found."""
    space, table = cells(), Table(str(DATA / "nasbench201.csv.gz"))
    for data in ("cifar10", "cifar100"):
        fastest = float("inf")
        for strategy in STRATEGIES:
            found = curve(space, table, strategy, data, seeds=seeds)
            for queries, tests in found.test.items():
                bound = BOUNDS.get((strategy, data, queries))
                low, _, high = quantiles(tests, n=4)
                note = f"accuracy {median(tests):.2f}, quartiles {low:.2f} and {high:.2f}, {seeds} seeds"
                name = f"{data}, {strategy}, test error at {queries}"
                yield Figure(name, 100 - median(tests), None if bound is None else round(100 - bound, 2), "%", note)
            share = sum(first < float("inf") for first in found.first) / seeds
            fastest = min(fastest, median(found.first))
            note = f"found by {share:.0%} of runs"
            yield Figure(f"{data}, {strategy}, queries to the validation optimum", median(found.first), None, "", note)
        bound = MOST_TO_OPTIMUM if data == "cifar10" else None
        yield Figure(f"{data}, the best strategy's queries to the optimum", fastest, bound, "")


class _Sum:
    """An objective that costs nothing: what is measured is the loop."""

    metrics = Tabular.metrics
    quick = True

    def read(self, candidate: Candidate, budget: Budget) -> Metrics:
        """Return the sum of the decisions, later ones weigh more."""
        return {"sum": float(sum(place * int(word) for place, word in enumerate(candidate.key.split())))}

    def identity(self, candidate: Candidate) -> str:
        """Return the key."""
        return candidate.key


def loop_figures(trials: int = 10_000, stored: int = 400) -> Iterator[Figure]:
    """Yield the milliseconds that the loop takes for each trial, in memory and with every trial safe on the disk."""
    space, objective = cells(), Objective.of(maximize=["sum"])
    for strategy in ("random", "uniform", "exhaustive", "evolution", "local"):
        search = Search(space, objective, strategy, evaluations=trials)
        begun = time.process_time()
        run(search, Inline(_Sum(), objective), _key)
        taken = (time.process_time() - begun) / trials * 1e3
        yield Figure(f"loop in memory, {strategy}", taken, 1.0, "ms", f"{trials} trials, of the processor")
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        search = Search(space, objective, evaluations=stored)
        with create(Path(folder) / "loop.archdb", about(search, "sum")) as store:
            begun = time.perf_counter()
            run(search, Inline(_Sum(), objective), _key, keeper=store)
            taken = (time.perf_counter() - begun) / stored * 1e3
        yield Figure("loop with a store", taken, 15.0, "ms", f"{stored} trials, one fsync each, by the clock")


def main() -> int:
    """Print the figures; return 1 when one is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=101)
    parser.add_argument("--only", choices=("loop", "table"))
    chosen = parser.parse_args()
    met = True
    if chosen.only != "table":
        for figure in loop_figures():
            print(figure.row(), flush=True)
            met &= figure.met
    if chosen.only != "loop":
        for figure in table_figures(chosen.seeds):
            print(figure.row(), flush=True)
            met &= figure.met
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
