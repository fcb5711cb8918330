"""What the parts of a forest weigh, the same on every machine: counts as integers, weights as decimals.

Decimals of 40 digits rather than floats: their sums, products and quotients are rounded as the standard says wherever
they run, and their exponents have room for derivations of any length.
"""

from collections.abc import Callable, Sequence
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from math import prod
from typing import Literal

from archc.spaces.forest import Forest, Site

EXACT = Context(prec=40, Emin=-(10**9), Emax=10**9, traps=[InvalidOperation, DivisionByZero, Overflow])
ZERO, ONE = Decimal(0), Decimal(1)
SCALE = Decimal(2**62)

By = Literal["weights", "count"]
"""In proportion to the weights among what is well typed, or each derivation as likely."""


def counts(forest: Forest) -> list[int]:
    """Return how many derivations each state has."""
    found: list[int] = []
    calls = forest.calls
    for row in forest.rows:
        found.append(sum(prod([found[child] for child in calls[edge]]) for edge in row))
    return found


class Masses:
    """The mass of every state by weights: the sum over its derivations of the product of the shares decided."""

    __slots__ = ("_forest", "_shares", "states")

    def __init__(self, forest: Forest, sites: Sequence[Site] | None = None) -> None:
        shares = forest.shares(sites).tolist()
        known = {share: EXACT.create_decimal(share) for share in set(shares)}
        self._forest = forest
        self._shares = [known[share] for share in shares]
        self.states: list[Decimal] = []
        for state in range(forest.states):
            self.states.append(added(self.edges(state)))

    def edges(self, state: int) -> list[Decimal]:
        """Return the mass of each edge of a state."""
        calls, states, times = self._forest.calls, self.states, EXACT.multiply
        found = []
        for edge in self._forest.rows[state]:
            mass = self._shares[edge]
            for child in calls[edge]:
                mass = times(mass, states[child])
            found.append(mass)
        return found

    def chances(self, state: int) -> list[Decimal]:
        """Return the probability of each edge of a state whose mass is not zero."""
        total = self.states[state]
        return [EXACT.divide(mass, total) for mass in self.edges(state)]


def added(terms: Sequence[Decimal]) -> Decimal:
    """Return the sum, added up from the left."""
    total, plus = ZERO, EXACT.add
    for term in terms:
        total = plus(total, term)
    return total


def integer_weights(forest: Forest, by: By, sites: Sequence[Site] | None = None) -> Callable[[int], Sequence[int]]:
    """Return the function from a state to integers in proportion to which its edges are drawn.

    By count these are the numbers of derivations, exactly; by weights the probabilities in units of 2**-62.
    Raises `ValueError` if no derivation of the forest has a positive weight.
    """
    if by == "count":
        known, calls, rows = counts(forest), forest.calls, forest.rows
        return lambda state: [prod([known[child] for child in calls[edge]]) for edge in rows[state]]
    masses = Masses(forest, sites)
    if not masses.states[forest.root]:
        raise ValueError("every derivation of this space has weight 0; give some alternative a weight")

    def weights(state: int) -> list[int]:
        if not masses.states[state]:
            return [1] * len(forest.rows[state])  # never come by: whatever leads there has weight 0
        return [int(EXACT.multiply(chance, SCALE)) for chance in masses.chances(state)]

    return weights
