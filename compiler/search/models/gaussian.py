"""Features and scores -> a Gaussian process: what it expects of other members, how sure it is, and which features matter.

Rasmussen and Williams, "Gaussian Processes for Machine Learning" (MIT Press 2006), chapters 2 and 5. The kernel is a mixture of
two: one falls with how many places differ, one with the squared distance of the counts of labels and pairs. Its settings are
those of the greatest marginal likelihood on a grid, climbed one step a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from archc.search.models.features import Described, Feature, Floats, count_table, place_table, vocabulary

SHARES = (0.0, 0.15, 0.3, 0.5, 0.7)
NOISES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
LONGEST = 20
"""Lengths are powers of the root of two, up to 2^10."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """Settings, by number on their grids: how many places (`reach`) and squared counts (`spread`) a factor of e takes, the
    share of the counts in the mixture, and the variance of the noise by that of the scores."""

    reach: int = 1
    spread: int = 4
    share: int = 2
    noise: int = 2

    def of(self, places: Floats, counts: Floats) -> Floats:
        """Return the covariances for these distances."""
        near, alike = self.parts(places, counts)
        return near + alike

    def parts(self, places: Floats, counts: Floats) -> tuple[Floats, Floats]:
        """Return both terms of the covariances."""
        share = SHARES[self.share]
        near = (1.0 - share) * np.exp(-places / self.places_length)
        return near, share * np.exp(-counts / self.counts_length)

    @property
    def places_length(self) -> float:
        """How many places must differ for a factor of e."""
        return float(2.0 ** (self.reach / 2))

    @property
    def counts_length(self) -> float:
        """How far the squared distance of counts must be for a factor of e."""
        return float(2.0 ** (self.spread / 2))

    def around(self) -> "list[Kernel]":
        """Return the kernels one step away on the grids."""
        found = []
        for name, most in (("reach", LONGEST), ("spread", LONGEST), ("share", len(SHARES)), ("noise", len(NOISES))):
            here: int = getattr(self, name)
            found += [replace(self, **{name: here + step}) for step in (-1, 1) if 0 <= here + step < most]
        return found


@dataclass(frozen=True, eq=False)
class Distances:
    """Members by features that are known, and their distances from others."""

    members: tuple[Described, ...]
    place_columns: Mapping[Feature, int] = field(repr=False)
    count_columns: Mapping[Feature, int] = field(repr=False)
    places: Floats = field(repr=False)
    counts: Floats = field(repr=False)

    @classmethod
    def of(cls, members: Sequence[Described]) -> "Distances":
        """Return the tables of some members."""
        place_columns, count_columns = vocabulary(members, places=True), vocabulary(members, places=False)
        tables = place_table(members, place_columns), count_table(members, count_columns)
        return cls(tuple(members), place_columns, count_columns, *tables)

    def to(self, others: Sequence[Described]) -> tuple[Floats, Floats]:
        """Return for each other (row) and member (column) how many places differ, and the squared distance of counts."""
        mine = np.array([len(entry.places) for entry in self.members], dtype=np.float64)
        theirs = np.array([len(entry.places) for entry in others], dtype=np.float64)
        common = place_table(others, self.place_columns) @ self.places.T
        places = (theirs[:, None] + mine[None, :]) / 2 - common
        lengths = np.array([sum(many * many for many in entry.counts.values()) for entry in others], dtype=np.float64)
        inner = count_table(others, self.count_columns) @ self.counts.T
        own = (self.counts * self.counts).sum(axis=1)
        return places, lengths[:, None] + own[None, :] - 2 * inner


@dataclass(frozen=True, eq=False)
class Process:
    """A Gaussian process that saw scores (mean 0, variance 1) of members."""

    kernel: Kernel
    distances: Distances = field(repr=False)
    inverse: Floats = field(repr=False)
    alpha: Floats = field(repr=False)
    scale: float

    def predict(self, others: Sequence[Described]) -> tuple[Floats, Floats]:
        """Return the mean and the standard deviation of the score of each, without noise."""
        across = self.kernel.of(*self.distances.to(others))
        spread = 1.0 - ((across @ self.inverse.T) ** 2).sum(axis=1)
        return across @ self.alpha, np.sqrt(np.maximum(spread, 1e-10) * self.scale)

    def slopes(self) -> dict[Feature, tuple[float, int]]:
        """Return for each feature by how much the mean rises with it, on average over the members that have it, and their number.

        It is the derivative of the mean by the feature (NAS-BOWL, section 4), of labels and pairs for one more of them, of
        places for having it.
        """
        found: dict[Feature, tuple[float, int]] = {}
        distances, kernel = self.distances, self.kernel
        near, alike = kernel.parts(*distances.to(distances.members))
        for table, columns, pull in (
            (distances.counts, distances.count_columns, alike * self.alpha * (2 / kernel.counts_length)),
            (distances.places, distances.place_columns, near * self.alpha / kernel.places_length),
        ):
            base = table if table is distances.counts else np.full_like(table, 0.5)
            rises = pull @ table - pull.sum(axis=1)[:, None] * base
            has = table > 0
            many = has.sum(axis=0)
            means = (rises * has).sum(axis=0) / many
            found.update({name: (float(means[column]), int(many[column])) for name, column in columns.items()})
        return found


def fit(kernel: Kernel, distances: Distances, scores: Floats) -> Process:
    """Return the process with these scores, whose variance is the likeliest one."""
    covariance = kernel.of(*distances.to(distances.members)) + NOISES[kernel.noise] * np.eye(len(scores))
    inverse: Floats = np.linalg.inv(np.linalg.cholesky(covariance))
    white = inverse @ scores
    return Process(kernel, distances, inverse, inverse.T @ white, float(white @ white) / len(scores))


def improved(kernel: Kernel, distances: Distances, scores: Floats, *, steps: int = 4) -> Kernel:
    """Return the kernel that at most so many steps uphill of the marginal likelihood lead to."""
    within = distances.to(distances.members)
    best = likelihood(kernel, within, scores)
    for _ in range(steps):
        found = [(likelihood(other, within, scores), other) for other in kernel.around()]
        value, other = max(found, key=lambda pair: pair[0])
        if value <= best:
            break
        best, kernel = value, other
    return kernel


def likelihood(kernel: Kernel, within: tuple[Floats, Floats], scores: Floats) -> float:
    """Return the logarithm of the marginal likelihood, up to a constant, with the variance that makes it greatest."""
    count = len(scores)
    factor = np.linalg.cholesky(kernel.of(*within) + NOISES[kernel.noise] * np.eye(count))
    white = np.linalg.solve(factor, scores)
    return float(-0.5 * count * np.log(white @ white / count + 1e-12) - np.log(np.diag(factor)).sum())
