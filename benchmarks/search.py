"""How good search is, and what it costs: `python benchmarks/search.py [--only loop|table|recursive] [--seeds N]`."""

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from figures import Figure
from loop import cells, loop_figures
from recursive import recursive_figures

from archc.members import Space
from archc.search.jobs import Inline
from archc.search.loop import Result, Search, run
from archc.search.protocol import Metrics, Objective, Proposal
from archc.search.tasks.base import Candidate
from archc.search.tasks.tabular import Row, Tabular

DATA = Path(os.environ.get("ARCHC_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
TABLE = DATA / "nasbench201.csv.gz"
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

FIRST = 1000
"""The first seed; no setting of a strategy was chosen on these."""

QUERIES = (30, 50, 100, 300)
SHOWN = (100, 300)
"""After so many queries there is a row; the others stand in its note."""

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

QUICK = (
    *("random", "uniform", "evolution", "local", "adaptive", "cross-entropy"),
    *("mcts", "nsga2", "nsga3", "map-elites", "additive"),
)
DEAR = ("bayesian", "predictor", "proxy", "optuna:tpe")
"""These take milliseconds for a trial: they have fewer seeds, and 100 queries."""

ON = {"cifar10": (*QUICK, *DEAR), "cifar100": ("random", "evolution", "local", "bayesian")}
"""What is measured on which data. The table has two budgets only, so that asha and successive-halving are not; nor is llm."""

MOST_TO_OPTIMUM = 60.0

SEEDS = 51
"""In `make bench`; the figures are promised over 101."""


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

    def rows(self) -> Iterator[Figure]:
        """Yield the test error after so many queries, and how many it took to the best validation accuracy."""
        for queries in SHOWN:
            tests = self.test.get(queries)
            if tests is None:
                continue
            bound = BOUNDS.get((self.strategy, self.data, queries))
            low, _, high = quantiles(tests, n=4)
            note = f"accuracy {median(tests):.2f}, quartiles {low:.2f} and {high:.2f}, {len(tests)} seeds"
            if queries == min(SHOWN):
                before = [f"{median(self.test[few]):.2f} at {few}" for few in QUERIES if few < queries]
                note = f"{note}; {', '.join(before)}"
            name = f"{self.data}, {self.strategy}, test error at {queries}"
            yield Figure(name, 100 - median(tests), None if bound is None else round(100 - bound, 2), "%", note)
        share = sum(first < float("inf") for first in self.first) / len(self.first)
        name = f"{self.data}, {self.strategy}, queries to the validation optimum"
        yield Figure(name, median(self.first), None, "", f"found by {share:.0%} of runs")


def curve(space: Space, table: Table, strategy: str, data: str, *, seeds: int) -> Curve:
    """Return how a strategy does: each cell counts as a query, and none is asked twice."""
    objective = Objective.of(maximize=[f"{data}_valid"])
    top = max(row.metrics[f"{data}_valid"] for row in table.rows.values())
    most = 100 if strategy in DEAR else max(QUERIES)
    found = Curve(strategy, data, {queries: [] for queries in QUERIES if queries <= most}, [])
    for seed in range(FIRST, FIRST + (max(5, seeds // 5) if strategy in DEAR and seeds < 100 else seeds)):
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
    if not TABLE.exists():
        note = f"there is no {TABLE.name} in {DATA.name}; name its folder in ARCHC_DATA"
        yield Figure("NAS-Bench-201, skipped", 0.0, None, "", note)
        return
    space, table = cells(), Table(str(TABLE))
    for data, strategies in ON.items():
        fastest = float("inf")
        for strategy in strategies:
            found = curve(space, table, strategy, data, seeds=seeds)
            fastest = min(fastest, median(found.first))
            yield from found.rows()
        bound = MOST_TO_OPTIMUM if data == "cifar10" else None
        yield Figure(f"{data}, the best strategy's queries to the optimum", fastest, bound, "")


def parts(seeds: int) -> Mapping[str, Callable[[], Iterator[Figure]]]:
    """Return what measures each part. With fewer than 100 seeds, what takes its time has a fifth of them, and TPE one table."""
    is_full = seeds >= 100
    return {
        "loop": loop_figures,
        "table": partial(table_figures, seeds),
        "recursive": partial(recursive_figures, 15 if is_full else 7, 15 if is_full else 1),
    }


def search_figures(seeds: int = SEEDS) -> Iterator[Figure]:
    """Yield the figures of all parts."""
    for part in parts(seeds).values():
        yield from part()


def main() -> int:
    """Print the figures; return 1 when one is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=101)
    parser.add_argument("--only", choices=sorted(parts(1)))
    chosen = parser.parse_args()
    met = True
    for name, part in parts(chosen.seeds).items():
        for figure in part() if chosen.only in (None, name) else ():
            print(figure.row(), flush=True)
            met &= figure.met
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
