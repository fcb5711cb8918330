"""Features and scores -> an ensemble of boosted trees: what each member of the ensemble expects of others.

Boosting of shrunken trees on samples without replacement (Friedman, "Stochastic Gradient Boosting", 2002), where all nodes of
a level split by one feature (oblivious trees: Prokhorenkova and others, "CatBoost", NeurIPS 2018). Features are yes or no, so
that a split is a column of a table, and the sums of all splits of a level are one product of matrices.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
from numpy.typing import NDArray

from archc.search.models.features import Described, Feature, Floats

Split = tuple[Feature, int]
"""Yes where a member has the feature at least so often."""


@dataclass(frozen=True, slots=True)
class Boosting:
    """How trees are grown: `rounds` trees of `depth` levels, each shrunk by `rate` and grown on a share `sample` of the data.

    `smoothing` is what is added to the number of members of a leaf before its mean is taken.
    """

    rounds: int = 80
    depth: int = 3
    rate: float = 0.12
    sample: float = 0.7
    smoothing: float = 1.0


@dataclass(frozen=True, eq=False)
class Tree:
    """One tree: the columns that split its levels, and the values of its leaves, by the answers as binary digits."""

    columns: tuple[int, ...]
    values: Floats = field(repr=False)

    def of(self, table: NDArray[np.bool_]) -> Floats:
        """Return the value of each row."""
        leaves = np.zeros(len(table), dtype=np.int64)
        for column in self.columns:
            leaves = 2 * leaves + table[:, column]
        return np.asarray(self.values[leaves])


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Several boosted models, each of trees grown with chance of its own."""

    splits: tuple[Split, ...] = field(repr=False)
    models: tuple[tuple[Tree, ...], ...] = field(repr=False)

    def predict(self, others: Sequence[Described]) -> tuple[Floats, Floats]:
        """Return the mean of the models for each, and their standard deviation."""
        table = answers(others, self.splits)
        each = np.array([np.sum([tree.of(table) for tree in trees], axis=0) for trees in self.models])
        return each.mean(axis=0), each.std(axis=0, ddof=1)


def grown(
    members: Sequence[Described], scores: Floats, rng: Random, *, models: int, boosting: Boosting = Boosting()
) -> Ensemble:
    """Return the ensemble of at least two models for members with scores of mean 0."""
    splits = _splits(members)
    table = answers(members, splits)
    return Ensemble(splits, tuple(_boosted(table, scores, rng, boosting) for _ in range(models)))


def answers(members: Sequence[Described], splits: Sequence[Split]) -> NDArray[np.bool_]:
    """Return the answer of each member (row) to each split."""
    found = np.zeros((len(members), len(splits)), dtype=np.bool_)
    columns: dict[Feature, list[tuple[int, int]]] = {}
    for column, (name, least) in enumerate(splits):
        columns.setdefault(name, []).append((column, least))
    for row, entry in enumerate(members):
        each = [(name, 1) for name in entry.places] + [*entry.counts.items()]
        for name, many in each:
            for column, least in columns.get(name, ()):
                found[row, column] = many >= least
    return found


def _splits(members: Sequence[Described]) -> tuple[Split, ...]:
    """Return the splits that tell some of the members apart, in one order whatever the order of these."""
    many: dict[Feature, list[int]] = {}
    for entry in members:
        for name in entry.places:
            many.setdefault(name, []).append(1)
        for name, count in entry.counts.items():
            many.setdefault(name, []).append(count)
    found = []
    for name, counts in many.items():
        values = {*counts, 0} if len(counts) < len(members) else {*counts}
        found += [(name, least) for least in sorted(values)[1:]]
    return tuple(sorted(found))


def _boosted(table: NDArray[np.bool_], scores: Floats, rng: Random, boosting: Boosting) -> tuple[Tree, ...]:
    left = scores.copy()
    found = []
    rows = len(scores)
    numbers = table.astype(np.float64)
    for _ in range(boosting.rounds):
        drawn = sorted(rng.sample(range(rows), max(2, round(rows * boosting.sample))))
        tree = _grow(numbers[drawn], left[drawn], boosting)
        left = left - tree.of(table)
        found.append(tree)
    return tuple(found)


def _grow(table: Floats, left: Floats, boosting: Boosting) -> Tree:
    """Return the tree that lessens the squared error the most, level by level."""
    leaves = np.zeros(len(left), dtype=np.int64)
    columns: list[int] = []
    for level in range(boosting.depth if table.shape[1] else 0):
        inside = np.eye(2**level)[leaves]
        sums, counts = (inside * left[:, None]).T @ table, inside.T @ table
        rest = (inside * left[:, None]).sum(axis=0)[:, None] - sums
        missing = inside.sum(axis=0)[:, None] - counts
        smooth = boosting.smoothing
        gains = (sums**2 / (counts + smooth) + rest**2 / (missing + smooth)).sum(axis=0)
        columns.append(int(np.argmax(gains)))
        leaves = 2 * leaves + table[:, columns[-1]].astype(np.int64)
    total = np.bincount(leaves, weights=left, minlength=2 ** len(columns))
    many = np.bincount(leaves, minlength=2 ** len(columns))
    return Tree(tuple(columns), boosting.rate * total / (many + boosting.smoothing))
