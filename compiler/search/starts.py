"""A history and chance -> members of many sizes that were not asked yet, for a search to begin from.

By the weights of a space that mentions itself, most draws are small; with each derivation as likely as the others, nearly all
are as large as can be. Koza, "Genetic Programming" (1992), section 6.2, begins with trees of all depths for that reason
("ramped half-and-half"). Here a start is drawn somewhere between the two: the chance of an edge is in proportion to w ** (1 - s) * c ** s,
where w is its chance by weights, c that by count, and s is one of SHARES. Where w and c are the same throughout, as in a cell, it is a
draw by weights.
"""

from collections.abc import Sequence
from functools import cached_property
from random import Random

from archc.members import Member
from archc.runtime.derivations.weights import by_count
from archc.search.fresh import fresh, unseen
from archc.search.places import pick
from archc.search.protocol import History
from archc.spaces.forest import Derivation

SHARES = (0.0, 0.0625, 0.125, 0.25, 0.5)
"""How much counts have to say; a little is enough to make draws several times as large."""

EVEN = 1e-9
"""Chances that differ by no more are the same."""


class Starts:
    """Draws members of the history's space, each with another of the shares, by chance."""

    def __init__(self, history: History) -> None:
        self._history, self._space = history, history.space
        self._known: dict[tuple[int, float], Sequence[float]] = {}

    def draw(self, rng: Random) -> Member:
        """Return a member that was not asked yet. Raises Spent where all were."""
        share = rng.choice(SHARES) if self._differ else 0.0
        found = fresh(self._history, lambda: self._drawn(share, rng)) if share else None
        return found or unseen(self._history, rng)

    @cached_property
    def _chances(self) -> tuple[Sequence[float], Sequence[float]]:
        return self._space.sampler().chances, by_count(self._space.forest)

    @cached_property
    def _differ(self) -> bool:
        return any(abs(one - other) > EVEN for one, other in zip(*self._chances, strict=True))

    def _drawn(self, share: float, rng: Random) -> Member:
        forest = self._space.forest
        waiting, edges = [forest.root], list[int]()
        while waiting:
            state = waiting.pop()
            row = forest.rows[state]
            edge = row.start if len(row) == 1 else pick(row, self._between(state, share), rng)
            edges.append(edge)
            waiting.extend(forest.calls[edge][::-1])
        return Member(self._space, Derivation(tuple(edges), self._space.sampler().reals(rng, edges)))

    def _between(self, state: int, share: float) -> Sequence[float]:
        """Return in what proportion to take the edges of a state; by weights where counts leave none."""
        found = self._known.get((state, share))
        if found is None:
            row, (weights, counts) = self._space.forest.rows[state], self._chances
            found = [weights[edge] and weights[edge] ** (1.0 - share) * counts[edge] ** share for edge in row]
            if not any(found):
                found = weights[row.start : row.stop]
            self._known[state, share] = found
        return found
