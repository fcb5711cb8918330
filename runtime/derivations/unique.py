"""A forest and chance -> derivations without replacement: none comes twice."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from functools import reduce
from itertools import islice
from random import Random
from sys import maxsize

from archc.runtime.derivations.alias import below
from archc.runtime.derivations.draw import By, Sampler
from archc.runtime.derivations.measure import TooManyDerivations, count, counted, inside
from archc.runtime.derivations.ranks import unrank
from archc.runtime.semiring import Semiring, combined
from archc.spaces.forest import Derivation, Forest, Site

FINE = 128
"""Random bits of a choice in proportion to decimals."""

EXACT = Context(prec=40, Emin=-(10**9), Emax=10**9, traps=[InvalidOperation, DivisionByZero, Overflow])
"""Decimals rather than floats: no mass is too small, and their rounding is the same on every machine as well."""

ZERO, ONE = Decimal(0), Decimal(1)
MASS = Semiring(ZERO, ONE, EXACT.add, EXACT.multiply)


class TooFewDerivations(ValueError):
    """More different derivations were asked for than there are: `size` says how many there are."""

    def __init__(self, asked: int, size: int) -> None:
        self.asked, self.size = asked, size
        super().__init__(
            f"expected a space of at least {asked:,} derivations, found {size:,}; ask for {size:,} at most"
        )


def draw_distinct(
    forest: Forest, rng: Random, n: int, *, by: By = "weights", sites: Sequence[Site] | None = None
) -> tuple[Derivation, ...]:
    """Return the first n derivations of `distinct`, which differ in their edges.

    Raises `TooFewDerivations` if there are fewer than n; by weights, those of weight 0 are none.
    """
    size = _size(forest, by, sites)
    if size < n:
        raise TooFewDerivations(n, size)
    return tuple(islice(distinct(forest, rng, by=by, sites=sites), n))


def distinct(
    forest: Forest, rng: Random, *, by: By = "weights", sites: Sequence[Site] | None = None
) -> Iterator[Derivation]:
    """Yield all derivations of positive probability, each once, in a random order; one may stop at any.

    Each is drawn as `Sampler` draws among those that have not come yet: sampling without replacement, as Shi, Bieber and
    Singh do it (2020, "Incremental Sampling Without Replacement for Sequence Models"). By count the order is exactly
    uniform (a shuffle of the ranks, of which only what moved is kept). By weights it is exact but for the rounding of
    `Sampler`: a tree of what was drawn knows which part of each branch's mass is left, summed from the leaves, so that
    no difference of nearly equal numbers arises and a branch without anything left has exactly zero. A draw takes time
    in proportion to the nodes of its derivation and the edges beside them, however many came before it. Derivations
    that differ in continuous ranges only are the same one.
    """
    sampler = Sampler(forest, by, sites=sites)
    drawn = _shuffled(forest, rng) if by == "count" else _weighted(sampler, rng)
    return (Derivation(edges, sampler.reals(rng, edges)) for edges in drawn)


def _size(forest: Forest, by: By, sites: Sequence[Site] | None) -> int:
    if by == "count":
        return count(forest)
    try:
        return counted(forest, [int(share > 0.0) for share in forest.shares(sites).tolist()])[forest.root]
    except TooManyDerivations:
        return maxsize


def _shuffled(forest: Forest, rng: Random) -> Iterator[tuple[int, ...]]:
    """Yield all derivations in an order of which each is as likely (Fisher and Yates)."""
    moved: dict[int, int] = {}
    for last in range(count(forest) - 1, -1, -1):
        at = below(rng, last + 1)
        number = moved.get(at, at)
        end = moved.pop(last, last)
        if at != last:
            moved[at] = end
        yield unrank(forest, number).edges


def _weighted(sampler: Sampler, rng: Random) -> Iterator[tuple[int, ...]]:
    """Yield derivations in proportion to their masses among those that have not come yet."""
    drawn = _Drawn(sampler)
    left = drawn.masses[sampler.forest.root]
    while left:
        edges, left = drawn.draw(rng)
        yield edges


class Unasked:
    """Draws by weights among the derivations that were not noted, however little is left to them.

    It is `distinct` for derivations that come from elsewhere: each draw has the chance that it would have without those
    noted. Which were noted decides, and not when. Noting takes time in proportion to the edges of a derivation.
    """

    def __init__(self, sampler: Sampler) -> None:
        self._sampler, self._drawn = sampler, _Drawn(sampler)
        self._known: set[tuple[int, ...]] = set()
        self._is_left = True

    def note(self, derivation: Derivation) -> None:
        """Draw a derivation never more, whatever it draws from continuous ranges."""
        if derivation.edges not in self._known:
            self._known.add(derivation.edges)
            self._is_left = bool(self._drawn.note(derivation.edges))

    def draw(self, rng: Random) -> Derivation | None:
        """Return a derivation that was not noted; None where all of positive weight were."""
        if not self._is_left:
            return None
        edges = self._drawn.peek(rng)
        return Derivation(edges, self._sampler.reals(rng, edges))


@dataclass(frozen=True, slots=True)
class _Branch:
    """A choice that was made before: which part of the mass of an edge is left (all, unless said), and what follows.

    Where one derivation only has passed, what follows is that derivation instead of branches.
    """

    left: dict[int, Decimal] = field(default_factory=dict)
    onward: "dict[int, _Branch | tuple[int, ...]]" = field(default_factory=dict)


Step = tuple[_Branch, int, int]
"""A choice on the way of a draw: where, of which state, and the edge that was taken."""


class _Drawn:
    """The derivations that have been drawn by weights, as a tree of their choices, and how to draw another."""

    __slots__ = ("_chances", "_forest", "_owner", "_root", "_sampler", "_shares", "masses")

    def __init__(self, sampler: Sampler) -> None:
        self._sampler, self._forest = sampler, sampler.forest
        self._owner = sampler.forest.owner.tolist()
        shares = self._forest.shares(sampler.sites).tolist()
        known = {share: EXACT.create_decimal(share) for share in set(shares)}
        self._shares = [known[share] for share in shares]
        self.masses = inside(self._forest, MASS, self._shares)
        self._chances: dict[int, list[Decimal]] = {}
        self._root = _Branch()

    def draw(self, rng: Random) -> tuple[tuple[int, ...], Decimal]:
        """Return a derivation that has not been drawn, and which part of the mass of all is left after it."""
        before, steps, waiting = self._walk(lambda branch, state, _: self._pick(branch, state, rng))
        edges = (*before, *self._sampler.complete(rng, waiting))
        return edges, self._noted(edges, before, steps)

    def peek(self, rng: Random) -> tuple[int, ...]:
        """Return a derivation that has not been drawn, and leave it among those."""
        before, _, waiting = self._walk(lambda branch, state, _: self._pick(branch, state, rng))
        return (*before, *self._sampler.complete(rng, waiting))

    def note(self, edges: tuple[int, ...]) -> Decimal:
        """Take a derivation for drawn; return which part of the mass of all is left after it."""
        before, steps, _ = self._walk(lambda _, __, at: edges[at])
        return self._noted(edges, before, steps)

    def _noted(self, edges: tuple[int, ...], before: list[int], steps: list[Step]) -> Decimal:
        left = self._left_after(edges, len(before))[-1]
        if steps:
            branch, _, edge = steps[-1]
            branch.onward[edge] = edges
        for branch, state, edge in reversed(steps):
            branch.left[edge] = left
            left = _added(self._masses(branch, state))
        return left

    def _walk(self, pick: Callable[[_Branch, int, int], int]) -> tuple[list[int], list[Step], list[int]]:
        """Return the edges to where a derivation leaves all others, the choices there, and what is to derive."""
        forest = self._forest
        edges: list[int] = []
        steps: list[Step] = []
        waiting = [forest.root]
        branch: _Branch | None = self._root
        alone: list[Decimal] = []
        while waiting and branch is not None:
            state = waiting.pop()
            edge = forest.rows[state][0]
            if len(forest.rows[state]) > 1:
                edge = pick(branch, state, len(edges))
                steps.append((branch, state, edge))
                branch, alone = self._next(branch, edge, len(edges) + 1, alone)
            edges.append(edge)
            waiting += forest.calls[edge][::-1]
        return edges, steps, waiting

    def _next(self, branch: _Branch, edge: int, at: int, alone: list[Decimal]) -> tuple[_Branch | None, list[Decimal]]:
        """Return the choice that follows an edge, if one has been made there, and what `alone` is for the next call.

        A lone derivation becomes a branch, one choice at a time; `alone` says what is left after its further choices.
        """
        after = branch.onward.get(edge)
        if after is None or isinstance(after, _Branch):
            return after, []
        alone = alone or self._left_after(after, at)[:-1]
        choice = next(later for later in after[at:] if len(self._forest.rows[self._owner[later]]) > 1)
        branch.onward[edge] = opened = _Branch({choice: alone.pop()}, {choice: after})
        return opened, alone

    def _pick(self, branch: _Branch, state: int, rng: Random) -> int:
        masses = self._masses(branch, state)
        goal = EXACT.multiply(_added(masses), EXACT.divide(Decimal(rng.getrandbits(FINE)), Decimal(1 << FINE)))
        row = self._forest.rows[state]
        found, upto = row[0], ZERO
        for edge, mass in zip(row, masses, strict=True):
            if mass and upto <= goal:
                found = edge
            upto = EXACT.add(upto, mass)
        return found

    def _masses(self, branch: _Branch, state: int) -> list[Decimal]:
        """Return the mass that each edge of a state has left."""
        masses = self._free(state).copy()
        first = self._forest.rows[state].start
        for edge, left in branch.left.items():
            masses[edge - first] = EXACT.multiply(masses[edge - first], left)
        return masses

    def _free(self, state: int) -> list[Decimal]:
        """Return the probability of each edge of a state before anything was drawn."""
        if state not in self._chances:
            row = self._forest.rows[state]
            fixed = [(self._shares[edge], self._forest.calls[edge]) for edge in row]
            masses = [combined([part], self.masses, MASS) for part in fixed]
            self._chances[state] = [EXACT.divide(mass, self.masses[state]) for mass in masses]
        return self._chances[state]

    def _left_after(self, edges: Sequence[int], at: int) -> list[Decimal]:
        """Return which part of the mass is left after each choice from `at` on once `edges` are drawn, the last first.

        The last entry is what is left at `at` itself.
        """
        found = [ZERO]
        for edge in reversed(edges[at:]):
            row = self._forest.rows[self._owner[edge]]
            if len(row) > 1:
                masses = self._free(self._owner[edge]).copy()
                masses[edge - row.start] = EXACT.multiply(masses[edge - row.start], found[-1])
                found.append(_added(masses))
        return found


def _added(terms: Iterable[Decimal]) -> Decimal:
    return reduce(EXACT.add, terms, ZERO)
