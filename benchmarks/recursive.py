"""Search in a recursive space: einspace four deep, with scores of which the optimum is known, beside two other searches.

TPE is Optuna's, through `--strategy optuna:tpe`; einspace's own evolution is `published.py`. No setting was chosen on these tables.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from figures import Figure
from hidden import Hidden
from spaces import einspace

from archc.members import Space
from archc.search.loop import Search, run
from archc.search.named import STRATEGIES
from archc.search.protocol import Objective, Proposal

DEPTH, TYPES = 4, 8
FIRST = 1000
"""The first table; settings were chosen on 0 to 5."""

QUERIES = (300, 1000)
OBJECTIVE = Objective.of(maximize=["score"])

AHEAD = ("evolution", "local", "adaptive", "cross-entropy")
"""Strategies that have to miss less of the optimum than the evolution that einspace was published with."""

AHEAD_OF_TPE = ("evolution", "adaptive")
"""Strategies that have to miss less than TPE, too, to which it costs nothing what it asks again."""

OTHERS = ("random", "mcts", "nsga2", "map-elites")
DEAR = ("predictor",)
"""Strategies that take their time: 300 evaluations on a few tables."""
FEW = 3

PUBLISHED, TPE = "einspace's own evolution", "optuna:tpe"
STRATEGIES[PUBLISHED] = "published:Published"
KINDS = {"alone": "by decision", "pairs": "by pairs"}


@dataclass(frozen=True, slots=True)
class Missing:
    """What one strategy's best was below the optimum after so many evaluations, in percent of it: a number for each table."""

    strategy: str
    at: dict[int, list[float]]

    def row(self, kind: str, queries: int, bound: float | None = None, note: str = "") -> Figure:
        """Return the median as a figure."""
        values = self.at[queries]
        low, _, high = quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
        text = f"quartiles {low:.1f} and {high:.1f}, {len(values)} tables{note}"
        return Figure(f"{kind}, {self.strategy}, missing at {queries}", median(values), bound, "%", text)


def missing(space: Space, strategy: str, *, alone: bool, tables: int, most: int) -> Missing:
    """Return what a strategy misses on so many tables."""
    found = Missing(strategy, {queries: [] for queries in QUERIES if queries <= most})
    for seed in range(FIRST, FIRST + tables):
        hidden = Hidden(space, seed, alone)
        greatest = hidden.greatest()
        history = run(Search(space, OBJECTIVE, strategy, seed=seed, evaluations=most), hidden, _key).history
        scores = [trial.metrics["score"] for trial in history]
        for queries, values in found.at.items():
            values.append(max(0.0, round(100 - 100 * max(scores[:queries]) / greatest, 6)))
    return found


def _key(proposal: Proposal) -> str:
    return proposal.member.key


def recursive_figures(tables: int, dear: int) -> Iterator[Figure]:
    """Yield what each strategy misses of the optimum: in the median over `tables` tables, `dear` for what takes its time."""
    space = einspace(DEPTH, TYPES)
    for name, kind in KINDS.items():
        alone = name == "alone"
        peer = missing(space, PUBLISHED, alone=alone, tables=tables, most=max(QUERIES))
        for queries in QUERIES:
            yield peer.row(kind, queries)
        ours = [missing(space, name, alone=alone, tables=tables, most=max(QUERIES)) for name in (*AHEAD, *OTHERS)]
        for entry in ours:
            for queries in QUERIES:
                bound = round(median(peer.at[queries]), 1) if entry.strategy in AHEAD else None
                yield entry.row(kind, queries, bound)
        if alone:
            yield from _dear(space, kind, [entry for entry in ours if entry.strategy in AHEAD], dear)


def _dear(space: Space, kind: str, ours: Sequence[Missing], tables: int) -> Iterator[Figure]:
    """Yield how the strategies stand on the first tables beside TPE, which takes a twelfth of a second for a trial."""
    for name in DEAR:
        entry = missing(space, name, alone=True, tables=min(tables, FEW), most=min(QUERIES))
        yield entry.row(kind, min(QUERIES))
    tpe = missing(space, TPE, alone=True, tables=tables, most=max(QUERIES))
    for queries in QUERIES:
        yield tpe.row(kind, queries)
        for entry in ours:
            few = Missing(entry.strategy, {queries: entry.at[queries][:tables]})
            bound = round(median(tpe.at[queries]), 1) if entry.strategy in AHEAD_OF_TPE else None
            yield few.row(kind, queries, bound, ", those of TPE")
