"""A sampler, a derivation of a state and chance -> another derivation of that state."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from random import Random

from archc.runtime.derivations.draw import Sampler
from archc.runtime.derivations.nodes import KNOWN
from archc.spaces.forest import Derivation, Forest


@dataclass(frozen=True, slots=True)
class _Chances:
    """The chance of each edge among those of its state, and that of the others of its state together."""

    own: Sequence[float]
    others: Sequence[float]


@lru_cache(maxsize=KNOWN)
def _chances(sampler: Sampler) -> _Chances:
    forest = sampler.forest
    own = sampler.chances
    others: list[float] = []
    for row in forest.rows:
        chances = own[row.start : row.stop]
        before = accumulate(chances[:-1], initial=0.0)
        after = [*accumulate(chances[:0:-1], initial=0.0)][::-1]
        others.extend(left + right for left, right in zip(before, after, strict=True))
    return _Chances(own, others)


def redraw(sampler: Sampler, edges: Sequence[int], state: int, rng: Random) -> Derivation:
    """Return a derivation of `state` that is not `edges`, as probable as in a draw of the sampler in which those never come.

    At the first node in preorder at which the two differ, it takes another edge: what comes before is kept, what comes
    after is free. That this is node i has the chance of the edges before i times that of the others at i; where all of
    these are too small for a float, the node and the edge are picked evenly. The state must have another derivation.
    """
    forest, chances = sampler.forest, _chances(sampler)
    masses, before = [], 1.0
    for edge in edges:
        masses.append(before * chances.others[edge])
        before *= chances.own[edge]
    at = _pick(masses, [len(forest.rows[own]) > 1 for own in _states(forest, edges, state)], rng)
    waiting = [state]
    for edge in edges[:at]:
        waiting.pop()
        waiting.extend(forest.calls[edge][::-1])
    rest = [edge for edge in forest.rows[waiting.pop()] if edge != edges[at]]
    edge = rest[_pick([chances.own[other] for other in rest], [True] * len(rest), rng)]
    waiting.extend(forest.calls[edge][::-1])
    found = (*edges[:at], edge, *sampler.complete(rng, waiting))
    return Derivation(found, sampler.reals(rng, found))


def _states(forest: Forest, edges: Sequence[int], state: int) -> Iterator[int]:
    waiting = [state]
    for edge in edges:
        yield waiting.pop()
        waiting.extend(forest.calls[edge][::-1])


def _pick(masses: Sequence[float], possible: Sequence[bool], rng: Random) -> int:
    """Return a place as often as its mass says; where there is no mass at all, any that is possible."""
    sums = [*accumulate(masses)]
    if sums[-1] == 0.0:
        return rng.choice([place for place, is_possible in enumerate(possible) if is_possible])
    place = min(bisect_right(sums, rng.random() * sums[-1]), len(sums) - 1)
    while masses[place] == 0.0:
        place -= 1
    return place
