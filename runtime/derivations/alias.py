"""Walker's alias tables of all states of a forest, in integers: one random word picks an edge."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from archc.spaces.forest import Ints

Words = NDArray[np.uint64]

WORD = 64
"""Bits of a random word."""


class Bits(Protocol):
    """A source of random bits, such as `random.Random`."""

    def getrandbits(self, k: int, /) -> int:
        """Return a number below 2**k, each as likely."""


class WordStream:
    """The raw 64-bit words of numpy's PCG64, whose stream numpy promises to keep; fixed by `seed`."""

    __slots__ = ("_generator",)

    def __init__(self, seed: int) -> None:
        self._generator = np.random.PCG64(seed)

    def words(self, n: int) -> Words:
        """Return the next n words."""
        found: Words = self._generator.random_raw(n)
        return found

    def getrandbits(self, k: int, /) -> int:
        """Return a number below 2**k, each as likely."""
        count = -(-k // WORD)
        return int.from_bytes(self.words(count).astype("<u8").tobytes(), "little") >> (count * WORD - k)


def below(source: Bits, total: int) -> int:
    """Return a number from 0 to total - 1, each exactly as likely, by rejection (at most one half of the tries)."""
    size = (total - 1).bit_length()
    while (found := source.getrandbits(size)) >= total:
        pass
    return found


@dataclass(frozen=True, slots=True)
class Slots:
    """2**bits slots, as likely: slot i is edge `own[i]` in `parts[i]` of `total` cases, `other[i]` in the rest."""

    own: Sequence[int]
    other: Sequence[int]
    parts: Sequence[int]
    total: int

    @property
    def shift(self) -> int:
        """How far to shift a word to the right for the number of its slot."""
        return WORD + 1 - len(self.own).bit_length()

    def thresholds(self) -> list[int]:
        """Return the word of each slot from which on it is `other`, rounded down."""
        shift, total = self.shift, self.total
        return [
            (slot << shift) + (0 if part == total else (part << shift) // total) for slot, part in enumerate(self.parts)
        ]

    def settle(self, slot: int, source: Bits) -> int:
        """Return the edge for a word that is the threshold of `slot`, through which the exact bound goes."""
        rest = (self.parts[slot] << self.shift) % self.total
        return self.own[slot] if rest and below(source, self.total) < rest else self.other[slot]


def slots_of(weights: Sequence[int]) -> Slots:
    """Return the slots in which edge i comes exactly in weights[i] of sum(weights) cases (Walker 1977, Vose 1991).

    Their number is a power of two, so that bits alone choose the slot. The sum must be positive.
    """
    total, count = sum(weights), 1 << max(1, (len(weights) - 1).bit_length())
    left = [count * weight for weight in weights] + [0] * (count - len(weights))
    own, parts = list(range(count)), [total] * count
    other = own.copy()
    low = [slot for slot in own if left[slot] < total]
    high = [slot for slot in own if left[slot] > total]
    while low:
        slot, giver = low.pop(), high[-1]
        parts[slot], other[slot] = left[slot], giver
        left[giver] -= total - left[slot]
        if left[giver] <= total:
            high.pop()
        if left[giver] < total:
            low.append(giver)
    for slot in range(len(weights), count):
        own[slot] = other[slot]
    return Slots(own, other, parts, total)


@dataclass(frozen=True, slots=True, eq=False)
class AliasTables:
    """The slots of state s begin at `first[s]`; the slot of a word is its bits from `shift[s]` on.

    A slot is edge `pairs[2 * slot]` for words below `thresholds[slot]`, else edge `pairs[2 * slot + 1]`.
    """

    first: Ints
    shift: Words
    thresholds: Words
    pairs: Ints

    def pick(self, states: Ints, words: Words) -> tuple[Ints, Ints]:
        """Return an edge for each state by its word, and the places of the words that are a threshold: see `settle`."""
        slots: Ints = self.first[states]
        slots += (words >> self.shift[states]).view(np.int64)
        bounds = self.thresholds[slots]
        slots <<= 1
        slots += words >= bounds
        return self.pairs[slots], np.flatnonzero(words == bounds)


Table = tuple[int, list[int], list[int]]
"""Shift, thresholds and pairs of one state, as in `AliasTables`."""


def alias_table(row: range, weights: Sequence[int]) -> Table:
    """Return the table in which the edges of `row` come as often as the integers `weights` say."""
    if len(row) == 1:
        return WORD - 1, [0, 1 << (WORD - 1)], [row.start] * 4
    slots = slots_of(weights)
    pairs = [row.start + edge for both in zip(slots.own, slots.other, strict=True) for edge in both]
    return slots.shift, slots.thresholds(), pairs


def alias_tables(tables: Iterable[Table]) -> AliasTables:
    """Return the tables of states 0, 1, ... as one."""
    first: list[int] = []
    shifts: list[int] = []
    thresholds: list[int] = []
    pairs: list[int] = []
    for shift, bounds, edges in tables:
        first.append(len(thresholds))
        shifts.append(shift)
        thresholds += bounds
        pairs += edges
    return AliasTables(
        np.array(first, dtype=np.int64),
        np.array(shifts, dtype=np.uint64),
        np.array(thresholds, dtype=np.uint64),
        np.array(pairs, dtype=np.int64),
    )
