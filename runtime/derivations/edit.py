"""Derivations and chance -> others made of them by redrawing a subtree or by swapping two of one state."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import nextafter
from random import Random
from typing import NamedTuple

from archc.runtime.derivations.draw import Sampler
from archc.runtime.derivations.nodes import KNOWN, Nodes, drawn, nodes_of, open_states
from archc.runtime.derivations.redraw import redraw
from archc.spaces.forest import Derivation, Forest


class NoOther(ValueError):
    """The forest derives nothing but the given derivation."""


class Place(NamedTuple):
    """Where a derivation can be edited: the node `at`, in preorder, which derives `state` with `size` nodes.

    If `real` is a number, the place is that one of the reals of the derivation, which node `at` draws.
    """

    at: int
    size: int
    state: int
    real: int | None = None


Weigh = Callable[[Place], float]
"""How often a place is picked, in proportion; it is at least 0."""


def places(forest: Forest, derivation: Derivation) -> tuple[Place, ...]:
    """Return where `mutate` can edit: nodes of a state with more than one derivation, then reals of a proper range."""
    nodes = nodes_of(forest, derivation)
    return tuple(_place(nodes, at, real) for at, real in _spots(forest, derivation, nodes))


Spot = tuple[int, int | None]


def _spots(forest: Forest, derivation: Derivation, nodes: Nodes) -> list[Spot]:
    is_open, ranges, sites = open_states(forest), drawn(forest), forest.sites
    found: list[Spot] = [(at, None) for at, state in enumerate(nodes.states) if is_open[state]]
    if derivation.reals:
        for at, edge in enumerate(derivation.edges):
            own = enumerate(ranges[edge], nodes.reals[at])
            found.extend((at, real) for real, site in own if sites[site].low != sites[site].high)
    return found


def _place(nodes: Nodes, at: int, real: int | None = None) -> Place:
    return Place(at, nodes.ends[at] - at, nodes.states[at], real)


def mutate(
    forest: Forest, derivation: Derivation, rng: Random, *, nodes: Weigh | None = None, sampler: Sampler | None = None
) -> Derivation:
    """Return a derivation in which one subtree is drawn anew from its own state, or one real from its own range.

    The place is one of `places`, each as often as `nodes` says, or all equally often. The subtree is drawn by `sampler`
    (of `forest`; if None, by its weights) on condition that it has other edges than before, so the result never equals
    `derivation`; it has reals of its own. Raise NoOther if there is no place, ValueError if no place has a weight, or
    the sampler is of another forest.
    """
    drawing = _weighted(forest) if sampler is None else sampler
    if drawing.forest is not forest:
        raise ValueError("sampler: expected one of the forest that is given, found one of another forest")
    known = nodes_of(forest, derivation)
    spots = _spots(forest, derivation, known)
    if not spots:
        raise NoOther("a mutation needs a space with another member; this space has one")
    place = _choose(known, spots, nodes, rng)
    if place.real is not None:
        return _renumbered(drawing, derivation, place, known, rng)
    old = derivation.edges[place.at : place.at + place.size]
    return known.replaced(derivation, place.at, redraw(drawing, old, place.state, rng))


@lru_cache(maxsize=KNOWN)
def _weighted(forest: Forest) -> Sampler:
    return Sampler(forest)


def _choose(nodes: Nodes, spots: Sequence[Spot], weigh: Weigh | None, rng: Random) -> Place:
    if weigh is None:
        return _place(nodes, *spots[rng.randrange(len(spots))])
    states, ends = nodes.states, nodes.ends
    weights = [weigh(Place(at, ends[at] - at, states[at], real)) for at, real in spots]
    if min(weights) < 0 or not any(weights):
        raise ValueError(f"places need weights of 0 and more, and one above 0; found {weights[:8]}")
    return _place(nodes, *rng.choices(spots, weights)[0])


def _renumbered(sampler: Sampler, derivation: Derivation, place: Place, nodes: Nodes, rng: Random) -> Derivation:
    """Return the derivation with another number at a place; where chance brings the same one, the float next to it."""
    assert place.real is not None
    edge = derivation.edges[place.at]
    own = place.real - nodes.reals[place.at]
    site = sampler.forest.sites[drawn(sampler.forest)[edge][own]]
    assert site.low is not None and site.high is not None, site
    old, new = derivation.reals[place.real], sampler.reals(rng, [edge])[own]
    if new == old:
        new = nextafter(old, site.low if old > site.low else site.high)
    reals = (*derivation.reals[: place.real], new, *derivation.reals[place.real + 1 :])
    return Derivation(derivation.edges, reals)


def crossover(
    forest: Forest, first: Derivation, second: Derivation, rng: Random, *, nodes: Weigh | None = None
) -> tuple[Derivation, Derivation] | None:
    """Return both derivations after a swap of two of their subtrees, which derive one state and differ.

    A node of `first` that has a partner in `second` is picked by `nodes`, or all equally often, then one of its partners
    likewise. No child equals a parent: a swap after which each parent is the other one is left out. Return None if no
    swap is left: where the parents share no state with different subtrees, or every swap gives a parent again. Raise ValueError if no
    node has a weight.
    """
    one, two = nodes_of(forest, first), nodes_of(forest, second)
    names: dict[tuple[object, ...], int] = {}
    ids, others = _identities(forest, first, one, names), _identities(forest, second, two, names)
    pairs = _Pairs(one.states, two.states, ids, others, _shared(forest, (first, one, ids), (second, two, others)))
    starts: list[Spot] = [(at, None) for at in range(len(ids)) if pairs.has_partner(at)]
    if not starts:
        return None
    at = _choose(one, starts, nodes, rng).at
    to = _choose(two, [(to, None) for to in range(len(others)) if pairs.fits(at, to)], nodes, rng).at
    given, taken = one.part(first, at), two.part(second, to)
    return one.replaced(first, at, taken), two.replaced(second, to, given)


def _identities(
    forest: Forest, derivation: Derivation, nodes: Nodes, names: dict[tuple[object, ...], int]
) -> list[int]:
    """Return a number for each node, the same for equal subtrees with equal reals."""
    calls, ends, ranges = forest.calls, nodes.ends, drawn(forest)
    has_reals = any(site.is_continuous for site in forest.sites)
    found = [0] * len(ends)
    for at in range(len(found) - 1, -1, -1):
        edge = derivation.edges[at]
        name: list[object] = [edge]
        if has_reals:
            begin = nodes.reals[at]
            name.append(derivation.reals[begin : begin + len(ranges[edge])])
        child = at + 1
        for _ in calls[edge]:
            name.append(found[child])
            child = ends[child]
        found[at] = names.setdefault(tuple(name), len(names))
    return found


_Known = tuple[Derivation, Nodes, Sequence[int]]
"""A derivation, its nodes, and the identities of their subtrees."""


def _shared(forest: Forest, first: _Known, second: _Known) -> dict[int, int]:
    """Return the nodes outside of whose subtrees two derivations are equal, with what `second` has there.

    They have one number in both, since all before them is equal; the root is one of them.
    """
    (_, one, ids), (_, two, others) = first, second
    found, at = {0: others[0]}, 0
    while _own(forest, first, at) == _own(forest, second, at):
        differing = []
        left = right = at + 1
        for _ in forest.calls[first[0].edges[at]]:
            if ids[left] != others[right]:
                differing.append((left, right))
            left, right = one.ends[left], two.ends[right]
        if len(differing) != 1:
            break
        ((at, there),) = differing
        assert at == there, (first, second)
        found[at] = others[at]
    return found


def _own(forest: Forest, known: _Known, at: int) -> tuple[int, tuple[float, ...]]:
    derivation, nodes, _ = known
    edge, begin = derivation.edges[at], nodes.reals[at]
    return edge, derivation.reals[begin : begin + len(drawn(forest)[edge])]


class _Pairs:
    """Which swaps make new derivations of two: subtrees of one state that differ, and do not complete a parent."""

    __slots__ = ("_counts", "_first", "_inner", "_other_states", "_second", "_shared", "_states")

    def __init__(
        self,
        states: Sequence[int],
        other_states: Sequence[int],
        first: Sequence[int],
        second: Sequence[int],
        shared: dict[int, int],
    ) -> None:
        self._states, self._other_states = states, other_states
        self._first, self._second, self._shared = first, second, shared
        self._inner = {first[at]: at for at in shared}
        self._counts = (Counter(other_states), Counter(second))

    def fits(self, at: int, to: int) -> bool:
        """Whether nodes `at` and `to` can be swapped, and neither child is a parent."""
        given, taken = self._first[at], self._second[to]
        return (
            self._states[at] == self._other_states[to]
            and given != taken
            and self._shared.get(at) != taken
            and self._inner.get(given) != to
        )

    def has_partner(self, at: int) -> bool:
        """Whether some node of the second fits."""
        by_state, by_subtree = self._counts
        given = self._first[at]
        left = by_state[self._states[at]] - by_subtree[given]
        if at in self._shared:
            left -= by_subtree[self._shared[at]]
        to = self._inner.get(given)
        if to is not None and self._shared.get(at) != self._second[to]:
            left -= 1
        return left > 0


def interchange(forest: Forest, derivation: Derivation, rng: Random) -> Derivation | None:
    """Return the derivation after two of its own subtrees that derive one state and differ have changed places.

    All such pairs are equally likely. Return None if there is none. States have lower numbers than those that call
    them, so of two nodes of one state neither holds the other.
    """
    nodes = nodes_of(forest, derivation)
    ids = _identities(forest, derivation, nodes, {})
    by_state, by_subtree = Counter(nodes.states), Counter(ids)
    partners = [by_state[state] - by_subtree[own] for state, own in zip(nodes.states, ids, strict=True)]
    if not any(partners):
        return None
    at = rng.choices(range(len(ids)), partners)[0]
    fitting = [to for to, own in enumerate(ids) if nodes.states[to] == nodes.states[at] and own != ids[at]]
    left, right = sorted((at, fitting[rng.randrange(len(fitting))]))
    late = nodes.part(derivation, right)
    moved = nodes.replaced(derivation, right, nodes.part(derivation, left))
    return nodes.replaced(moved, left, late)
