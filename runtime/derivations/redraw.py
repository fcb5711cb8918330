"""A forest and chance -> other derivations of one of its states."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import frexp, ldexp, pow
from random import Random

from archc.runtime.derivations.nodes import KNOWN, drawn
from archc.spaces.forest import Derivation, Forest, Site


@dataclass(frozen=True, slots=True)
class Chances:
    """How likely the edges of each state are, given the state: what all that they derive has of the state's mass.

    `sums[s]` are the running sums over the edges of state s, `edges[e]` is the chance of edge e, and `others[e]` that of
    the other edges of its state together.
    """

    sums: tuple[tuple[float, ...], ...]
    edges: tuple[float, ...]
    others: tuple[float, ...]


@lru_cache(maxsize=KNOWN)
def by_weight(forest: Forest) -> Chances:
    """Return the chances that the weights in the text of the space give."""
    return weighted(forest, forest.shares().tolist())


@lru_cache(maxsize=KNOWN)
def by_count(forest: Forest) -> Chances:
    """Return the chances under which all derivations of a state are equally likely."""
    counts: list[int] = []
    edges: list[float] = []
    for row in forest.rows:
        masses = []
        for edge in row:
            masses.append(1)
            for child in forest.calls[edge]:
                masses[-1] *= counts[child]
        counts.append(sum(masses))
        edges.extend(mass / counts[-1] for mass in masses)
    return _chances(forest, edges)


def weighted(forest: Forest, shares: Sequence[float]) -> Chances:
    """Return the chances if each derivation has the product of the shares of its edges.

    Sums are kept as a fraction and a power of two, so that none is too small for a float.
    """
    totals: list[tuple[float, int]] = []
    edges: list[float] = []
    for row in forest.rows:
        masses = []
        for edge in row:
            fraction, power = frexp(shares[edge])
            for child in forest.calls[edge]:
                fraction, more = frexp(fraction * totals[child][0])
                power += totals[child][1] + more
            masses.append((fraction, power))
        top = max((power for fraction, power in masses if fraction), default=0)
        scaled = [ldexp(fraction, max(power - top, -1100)) for fraction, power in masses]
        fraction, more = frexp(sum(scaled))
        totals.append((fraction, top + more))
        edges.extend(mass / sum(scaled) if fraction else 1 / len(row) for mass in scaled)
    return _chances(forest, edges)


def _chances(forest: Forest, edges: list[float]) -> Chances:
    sums: list[tuple[float, ...]] = []
    others: list[float] = []
    for row in forest.rows:
        own = edges[row.start : row.stop]
        sums.append(tuple(accumulate(own[:-1])))
        after = [*accumulate(own[:0:-1])][::-1]
        others.extend(before + later for before, later in zip((0.0, *sums[-1]), (*after, 0.0), strict=True))
    return Chances(tuple(sums), tuple(edges), tuple(others))


def draw(forest: Forest, chances: Chances, states: Sequence[int], rng: Random) -> list[int]:
    """Return edges in preorder that derive `states` one after the other."""
    rows, calls, sums = forest.rows, forest.calls, chances.sums
    found: list[int] = []
    waiting = list(states[::-1])
    while waiting:
        state = waiting.pop()
        edge = rows[state].start
        if sums[state]:
            edge += bisect_right(sums[state], rng.random())
        found.append(edge)
        waiting.extend(calls[edge][::-1])
    return found


def redraw(forest: Forest, chances: Chances, edges: Sequence[int], state: int, rng: Random) -> Derivation:
    """Return a derivation of `state` other than `edges`, each as often as by chance if `edges` are never drawn.

    At the first node in preorder where the new derivation differs, it takes another edge; what comes before is kept,
    what comes after is free. The chance that this is node i is that of the edges before i times that of the others at i.
    """
    masses, before = [], 1.0
    for edge in edges:
        masses.append(before * chances.others[edge])
        before *= chances.edges[edge]
    at = _pick(masses, [len(forest.rows[s]) > 1 for s in _states(forest, edges, state)], rng)
    waiting = [state]
    for edge in edges[:at]:
        waiting.pop()
        waiting.extend(forest.calls[edge][::-1])
    row = forest.rows[waiting.pop()]
    rest = [edge for edge in row if edge != edges[at]]
    edge = rest[_pick([chances.edges[edge] for edge in rest], [True] * len(rest), rng)]
    after = draw(forest, chances, [*forest.calls[edge], *waiting[::-1]], rng)
    found = (*edges[:at], edge, *after)
    return Derivation(found, tuple(numbers(forest, found, rng)))


def _states(forest: Forest, edges: Sequence[int], state: int) -> Iterator[int]:
    waiting = [state]
    for edge in edges:
        yield waiting.pop()
        waiting.extend(forest.calls[edge][::-1])


def _pick(masses: Sequence[float], possible: Sequence[bool], rng: Random) -> int:
    """Return a place where it is possible, as often as its mass says, or any such if no mass is above the least float."""
    total = sum(masses)
    if total == 0.0:
        return rng.choice([place for place, is_possible in enumerate(possible) if is_possible])
    sums = list(accumulate(masses))
    place = min(bisect_right(sums, rng.random() * total), len(sums) - 1)
    while not (possible[place] and masses[place]):
        place -= 1
    return place


def numbers(forest: Forest, edges: Sequence[int], rng: Random) -> Iterator[float]:
    """Yield a number for each continuous range that the edges come by."""
    ranges = drawn(forest)
    for edge in edges:
        for site in ranges[edge]:
            yield number(forest.sites[site], rng)


def number(site: Site, rng: Random) -> float:
    """Return a number of a continuous range."""
    assert site.low is not None and site.high is not None, site
    share = rng.random()
    if site.logarithmic:
        return min(max(site.low * pow(site.high / site.low, share), site.low), site.high)
    return min(site.low + (site.high - site.low) * share, site.high)
