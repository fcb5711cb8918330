"""Members -> features of their decisions: what is decided, beneath what, and where.

The decisions of a derivation form a tree. Its features are those of a Weisfeiler-Lehman kernel with one iteration on it
(Shervashidze and others, JMLR 2011), where the second labels are pairs of a decision and one right beneath it; and its
places, which are decisions with the way to them from the root. Equal places of two members are what a Hamming kernel counts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from archc.members import Space
from archc.runtime.derivations.nodes import KNOWN
from archc.spaces.forest import Decision, Derivation, Forest

Floats = NDArray[np.float64]

Feature = tuple[str, tuple[int, ...]]
"""`label` with a site and its option; `pair` with two of them, the upper one first; `place` with one, then the way there."""

DEEPEST = 16
"""Decisions beneath so many others are labels and pairs, and no places."""

BINS = 8
"""A number of a continuous range counts as the eighth of the range in which it lies."""

MOST_KNOWN = 20_000
"""The features of so many members are kept."""

NO_LABEL = (-1, -1)


@dataclass(frozen=True, slots=True)
class Described:
    """One member: how often it has each label and pair, and which places it has."""

    counts: Mapping[Feature, int]
    places: frozenset[Feature]


@dataclass(slots=True)
class Describer:
    """Describes the members of one space, and keeps what it found by derivation."""

    forest: Forest
    known: dict[Derivation, Described] = field(default_factory=dict)

    def of(self, derivation: Derivation) -> Described:
        """Return the features of a member of the space."""
        found = self.known.get(derivation)
        if found is None:
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            found = self.known[derivation] = described(self.forest, derivation)
        return found


def described(forest: Forest, derivation: Derivation) -> Described:
    """Return the features of a derivation."""
    counts: Counter[Feature] = Counter()
    places: set[Feature] = set()
    for upper, label, way in _decisions(forest, derivation):
        counts["label", label] += 1
        if upper != NO_LABEL:
            counts["pair", (*upper, *label)] += 1
        if len(way) <= DEEPEST:
            places.add(("place", (*label, *way)))
    return Described(counts, frozenset(places))


_Label = tuple[int, int]


class _Open:
    """A node of the tree of decisions whose children are still to come: its last label, the way to it, how many so far."""

    __slots__ = ("label", "many", "way")

    def __init__(self, label: _Label, way: tuple[int, ...]) -> None:
        self.label, self.way, self.many = label, way, 0


def _decisions(forest: Forest, derivation: Derivation) -> Iterator[tuple[_Label, _Label, tuple[int, ...]]]:
    """Yield each decision with the one above it and its way from the root; states that decide nothing are left out."""
    calls, made, reals = forest.calls, _made(forest), iter(derivation.reals)
    waiting = [_Open(NO_LABEL, ())]
    for edge in derivation.edges:
        above = waiting.pop()
        decisions = made[edge]
        if decisions:
            way = (*above.way, above.many) if len(above.way) <= DEEPEST else above.way
            above.many += 1
            upper = above.label
            for site, option in decisions:
                label = (site, _bin(forest, site, next(reals)) if forest.sites[site].is_continuous else option)
                yield upper, label, way
                upper = label
            above = _Open(upper, way)
        waiting.extend([above] * len(calls[edge]))


@lru_cache(maxsize=KNOWN)
def _made(forest: Forest) -> Sequence[tuple[Decision, ...]]:
    """Return the decisions of each edge."""
    return [forest.decisions[label] for label in forest.label.tolist()]


def _bin(forest: Forest, site: int, value: float) -> int:
    entry = forest.sites[site]
    assert entry.low is not None and entry.high is not None, entry
    low, high = entry.low, entry.high
    if entry.logarithmic:
        low, high, value = float(np.log(low)), float(np.log(high)), float(np.log(value))
    return min(int((value - low) / (high - low) * BINS), BINS - 1) if high > low else 0


def vocabulary(members: Sequence[Described], *, places: bool) -> dict[Feature, int]:
    """Return a column for each feature of some members, in one order whatever the order of these."""
    names = {name for entry in members for name in (entry.places if places else entry.counts)}
    return {name: column for column, name in enumerate(sorted(names))}


def count_table(members: Sequence[Described], columns: Mapping[Feature, int]) -> Floats:
    """Return how often each member (row) has each label and pair of a vocabulary."""
    found = np.zeros((len(members), len(columns)))
    for row, entry in enumerate(members):
        for name, many in entry.counts.items():
            if name in columns:
                found[row, columns[name]] = many
    return found


def place_table(members: Sequence[Described], columns: Mapping[Feature, int]) -> Floats:
    """Return 1 where a member (row) has a place of a vocabulary, else 0."""
    found = np.zeros((len(members), len(columns)))
    for row, entry in enumerate(members):
        found[row, [columns[name] for name in entry.places if name in columns]] = 1.0
    return found


def text_of(space: Space, feature: Feature) -> str:
    """Return a feature in words: the option as the space writes it, with where it stands."""
    kind, numbers = feature
    options = [_option(space, numbers[0], numbers[1])]
    if kind == "pair":
        options.append(_option(space, numbers[2], numbers[3]))
    where = f" at {'.'.join(map(str, numbers[2:]))}" if kind == "place" else ""
    return " above ".join(options) + where


def _option(space: Space, number: int, option: int) -> str:
    site = space.forest.sites[number]
    if site.low is None or site.high is None:
        return site.options[option]
    return f"{option + 1} of {BINS} parts of {site.low:g} to {site.high:g}"
