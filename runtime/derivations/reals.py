"""Random bits -> real numbers of continuous ranges, the same on every machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import cached_property

import numpy as np

from archc.runtime.derivations.alias import Words
from archc.spaces.forest import Floats, Forest, Ints, Site

BITS = 53
"""Random bits of a real number: as many as a float holds."""

DECIMAL = Context(prec=40)
LN2 = float(DECIMAL.ln(Decimal(2)))
TERMS = 15
"""Terms of the exponential series, which leave an error below 2**-60 for exponents of at most ln(2) / 2."""


@dataclass(frozen=True)
class Ranges:
    """The continuous ranges among the sites of a forest, and which of its edges draw from them.

    A number is drawn from 53 random bits u / 2**53 as low * (1 - u) + high * u; of a logarithmic range, that is drawn
    between the binary logarithms of its ends (found by decimals) and raised by a fixed polynomial. Only products, sums
    and scaling by powers of two take part, each rounded as IEEE 754 says, and no function of a mathematical library.
    """

    forest: Forest
    sites: Sequence[Site]

    @cached_property
    def of_label(self) -> tuple[tuple[int, ...], ...]:
        """The ranges that each entry of the forest's `decisions` draws from, in order."""
        drawn = [site.is_continuous for site in self.sites]
        return tuple(tuple(site for site, _ in entry if drawn[site]) for entry in self.forest.decisions)

    @cached_property
    def counts(self) -> Ints:
        """How many numbers each entry of the forest's `decisions` draws."""
        return np.array([len(sites) for sites in self.of_label], dtype=np.int64)

    @cached_property
    def any(self) -> bool:
        """Whether there is a continuous range."""
        return bool(self.counts.any())

    def met(self, edges: Ints) -> tuple[Ints, Ints]:
        """Return the ranges that edges draw from, in order, and how many draws there are before each edge and in all."""
        labels = self.forest.label[edges]
        flat = np.array([site for sites in self.of_label for site in sites], dtype=np.int64)
        first = np.cumsum(self.counts) - self.counts
        many = self.counts[labels]
        return flat[spread(first[labels], many)], np.concatenate(([0], np.cumsum(many)))

    def values(self, sites: Ints, words: Words) -> Floats:
        """Return a number of each site by its word of `BITS` bits, within the bounds of the site."""
        low, high, start, end, logarithmic = self._bounds
        u = words * 2.0**-BITS
        found: Floats = start[sites] * (1.0 - u) + end[sites] * u
        raised = logarithmic[sites]
        found[raised] = power_of_two(found[raised])
        return np.minimum(np.maximum(found, low[sites]), high[sites])

    @cached_property
    def _bounds(self) -> tuple[Floats, Floats, Floats, Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        table = np.zeros((4, len(self.sites)))
        for number, site in enumerate(self.sites):
            if site.low is not None and site.high is not None:
                ends = (site.low, site.high)
                table[:, number] = (*ends, *map(_log2, ends)) if site.logarithmic else (*ends, *ends)
        low, high, start, end = table
        return low, high, start, end, np.array([site.logarithmic for site in self.sites], dtype=np.bool_)


def spread(starts: Ints, lengths: Ints) -> Ints:
    """Return the runs starts[i], starts[i] + 1, ... of lengths[i] numbers each, one after another."""
    ends = np.cumsum(lengths)
    found = np.repeat(starts - ends + lengths, lengths)
    found += np.arange(found.size)
    return found


def power_of_two(x: Floats) -> Floats:
    """Return 2**x to within two units in the last place, by products and sums alone."""
    whole = np.rint(x)
    exponent = (x - whole) * LN2
    series = np.ones_like(x)
    for term in range(TERMS, 0, -1):
        series = series * exponent * (1.0 / term) + 1.0
    found: Floats = np.ldexp(series, whole.astype(np.intc))
    return found


def _log2(x: float) -> float:
    return float(DECIMAL.divide(DECIMAL.ln(Decimal(x)), DECIMAL.ln(Decimal(2))))
