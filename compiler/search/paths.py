"""A forest -> the decisions of a member one at a time, each with the options that still lead to one.

States may differ in nothing but types that later decisions settle. So a walk keeps all beginnings of derivations that
make the decisions so far, and an option is open while one of them takes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from archc.spaces.forest import Decision, Derivation, Forest

MOST = 256
"""When there are more beginnings, so many of them are kept by chance: then some options are missing later on."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be decided: one of some options (`SITE.OPTION`), or a number between bounds.

    The name is the way there from the root with the options: choices of one name are alike in all members.
    """

    name: str
    options: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    logarithmic: bool = False


_Pending = tuple[int, int, "_Pending"] | None
_Edges = tuple[int, "_Edges"] | None


@dataclass(frozen=True, slots=True)
class _Beginning:
    """A beginning of a derivation: its edges, the states still to derive, decisions of its last edge to come, and the number
    of the decision that is right above these. Each pending state has the number of the decision above it, too."""

    edges: _Edges
    pending: _Pending
    ahead: tuple[Decision, ...] = ()
    above: int = 0


class Walk:
    """One member in the making. Ask `next`, then `take` an option or give a `number`, until `next` returns None."""

    def __init__(self, forest: Forest, rng: Random, *, guide: Derivation | None = None) -> None:
        self._forest, self._rng = forest, rng
        self._guide = None if guide is None else guide.edges
        self._ways: list[tuple[int, ...]] = [()]
        self._many = [0]
        self._reals: list[float] = []
        self._beginnings = self._grown([_Beginning(None, (forest.root, 0, None))])

    def next(self) -> Choice | None:
        """Return what is to be decided next; None where the member is whole."""
        options = sorted({entry.ahead[0] for entry in self._beginnings if entry.ahead})
        if not options:
            return None
        above = self._beginnings[0].above
        way = ".".join(map(str, (*self._ways[above], self._many[above])))
        site = self._forest.sites[options[0][0]]
        if site.low is not None and site.high is not None:
            return Choice(f"{way}:{options[0][0]}", (), site.low, site.high, site.logarithmic)
        texts = tuple(f"{number}.{option}" for number, option in options)
        return Choice(f"{way}:{','.join(texts)}", texts)

    def take(self, option: str) -> None:
        """Decide for an option of the choice."""
        number, _, chosen = option.partition(".")
        self._decide((int(number), int(chosen)))

    def number(self, value: float) -> None:
        """Decide for a number of a continuous range."""
        self._reals.append(value)
        self._decide(min(entry.ahead[0] for entry in self._beginnings if entry.ahead))

    def derivation(self) -> Derivation:
        """Return the member that is whole."""
        edges: list[int] = []
        left = next(entry for entry in self._beginnings if not entry.ahead).edges
        while left is not None:
            edge, left = left
            edges.append(edge)
        return Derivation(tuple(reversed(edges)), tuple(self._reals))

    def _decide(self, decision: Decision) -> None:
        above = self._beginnings[0].above
        self._ways.append((*self._ways[above], self._many[above]))
        self._many[above] += 1
        self._many.append(0)
        own = len(self._ways) - 1
        kept = []
        for entry in self._beginnings:
            if not entry.ahead or entry.ahead[0] != decision:
                continue
            pending = entry.pending
            if len(entry.ahead) == 1:
                assert entry.edges is not None, entry
                pending = self._called(entry.edges[0], own, pending)
            kept.append(_Beginning(entry.edges, pending, entry.ahead[1:], own))
        self._beginnings = self._grown(kept)

    def _grown(self, beginnings: list[_Beginning]) -> list[_Beginning]:
        """Return all that the beginnings can go on as, up to their next decisions."""
        found: list[_Beginning] = []
        waiting = beginnings[::-1]
        while waiting:
            entry = waiting.pop()
            if entry.ahead or entry.pending is None:
                found.append(entry)
                continue
            state, above, rest = entry.pending
            for edge in reversed(self._forest.rows[state]):
                decisions = self._forest.decisions[self._forest.label[edge]]
                pending = rest if decisions else self._called(edge, above, rest)
                waiting.append(_Beginning((edge, entry.edges), pending, decisions, above))
            if len(waiting) + len(found) > 4 * MOST:
                waiting = self._thinned(waiting)
        return self._thinned(found)

    def _thinned(self, beginnings: list[_Beginning]) -> list[_Beginning]:
        """Return at most `MOST` of the beginnings; the one that the guide goes by is one of them."""
        if len(beginnings) <= MOST:
            return beginnings
        kept = set(self._rng.sample(range(len(beginnings)), MOST))
        return [entry for at, entry in enumerate(beginnings) if at in kept or self._is_guided(entry)]

    def _is_guided(self, entry: _Beginning) -> bool:
        if self._guide is None:
            return False
        edges, left = [], entry.edges
        while left is not None:
            edge, left = left
            edges.append(edge)
        return tuple(reversed(edges)) == self._guide[: len(edges)]

    def _called(self, edge: int, above: int, rest: _Pending) -> _Pending:
        for child in reversed(self._forest.calls[edge]):
            rest = (child, above, rest)
        return rest


def follow(forest: Forest, derivation: Derivation) -> Iterator[tuple[Choice, str | float]]:
    """Yield the choices that lead to a member, each with what was decided.

    Where there are too many beginnings, options may be missing that a walk had.
    """
    walk = Walk(forest, Random(0), guide=derivation)
    reals = iter(derivation.reals)
    made = [(site, option) for edge in derivation.edges for site, option in forest.decisions[int(forest.label[edge])]]
    for site, option in made:
        choice = walk.next()
        assert choice is not None, derivation
        if choice.low is None:
            yield choice, f"{site}.{option}"
            walk.take(f"{site}.{option}")
        else:
            value = next(reals)
            yield choice, value
            walk.number(value)
