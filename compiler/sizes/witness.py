"""Assignments of whole numbers to variables that show what a fact is worth: small ones first, in bounded time."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import ceil, floor, inf
from typing import Literal

from archc.sizes.contexts import Context
from archc.sizes.facts import Fact
from archc.sizes.size import SizeLimit

Effort = Literal["quick", "thorough"]
ROUNDS: dict[Effort, tuple[tuple[int, int], ...]] = {
    "quick": ((3, 40),),
    "thorough": ((3, 100), (6, 400), (16, 800)),
}
"""For each round, how many values of a variable are tried and how many trials there are."""
SCANNED = 64


def counterexample(fact: Fact, context: Context, effort: Effort = "thorough") -> dict[str, int] | None:
    """Return an assignment that satisfies the context and not the fact, or None where none was found."""
    found = _search(fact, context, False, effort)
    return None if found is None else dict(found)


def example(fact: Fact, context: Context, effort: Effort = "thorough") -> dict[str, int] | None:
    """Return an assignment that satisfies the context and the fact, or None where none was found."""
    found = _search(fact, context, True, effort)
    return None if found is None else dict(found)


@lru_cache(maxsize=1 << 12)
def _search(fact: Fact, context: Context, wanted: bool, effort: Effort) -> tuple[tuple[str, int], ...] | None:
    try:
        target = Fact(fact.relation, context.solved(fact.left), context.solved(fact.right))
    except (ZeroDivisionError, SizeLimit):
        return None
    hunt = _Hunt(target, context, wanted)
    shown = sorted(fact.variables.union(*(known.variables for known in context.facts)))
    for width, trials in ROUNDS[effort]:
        hunt.trials = trials
        for values in hunt.assignments(0, {}, width):
            found = {name: _value(name, values, context) for name in shown}
            whole = {name: number for name, number in found.items() if number is not None}
            if len(whole) == len(found) and context.holds(whole) and fact.evaluate(whole) is wanted:
                return tuple(whole.items())
    return None


def _value(name: str, values: dict[str, int], context: Context) -> int | None:
    if name not in context.solutions:
        return values.get(name, _first(name, context))
    size = context.solutions[name]
    try:
        number = size.value({**{other: _first(other, context) for other in size.variables}, **values})
    except ZeroDivisionError:
        return None
    return int(number) if number.denominator == 1 else None


def _first(name: str, context: Context) -> int:
    return next(_small(name, context), 1)


def _small(name: str, context: Context) -> Iterator[int]:
    """Yield values of a variable, the plainest first."""
    domain = context.domain(name)
    if domain.listed is not None:
        yield from domain.listed
        return
    low, high = domain.interval
    start = int(low) if low != -inf else int(high) if high < 0 else 0
    step = -1 if low == -inf and high < 0 else 1
    for distance in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 15, 16, 24, 32, 48, 64, 96, 128, 256, 1024, 65536):
        for value in (start + step * distance, *([-distance] if low == -inf and distance else [])):
            if value in domain:
                yield value


class _Hunt:
    """A depth-first search that assigns one variable after another and drops what already breaks a fact."""

    def __init__(self, target: Fact, context: Context, wanted: bool) -> None:
        self.target = target
        self.context = context
        self.wanted = wanted
        self.trials = 0
        self.names = _order(target, context)
        self.due = _due((target, *context.rest), self.names)

    def assignments(self, position: int, values: dict[str, int], width: int) -> Iterator[dict[str, int]]:
        """Yield assignments under which the context and the target are as wanted."""
        if position == len(self.names):
            yield values
            return
        name = self.names[position]
        due = self.due[position]
        for value in self._candidates(name, values, width, due):
            self.trials -= 1
            if self.trials < 0:
                return
            chosen = {**values, name: value}
            if all(fact.evaluate(chosen) is (self.wanted if fact is self.target else True) for fact in due):
                yield from self.assignments(position + 1, chosen, width)

    def _candidates(self, name: str, values: dict[str, int], width: int, due: Sequence[Fact]) -> list[int]:
        small = [value for value, _ in zip(_small(name, self.context), range(width), strict=False)]
        found = dict.fromkeys(small)
        domain = self.context.domain(name)
        for fact in due:
            found.update(dict.fromkeys(value for value in _roots(fact, name, values, small) if value in domain))
        if width > 3 and due and domain.listed is None:
            start = small[0] if small else 0
            found.update(dict.fromkeys(self._scan(name, values, due, range(start, start + SCANNED))))
        if domain.interval[1] not in (inf, -inf) and width > 3:
            found[int(domain.interval[1])] = None
        return list(found)

    def _scan(self, name: str, values: dict[str, int], due: Sequence[Fact], among: Iterable[int]) -> list[int]:
        """Return the first values that all facts allow which depend on this variable last."""
        allowed: list[int] = []
        domain = self.context.domain(name)
        for value in among:
            chosen = {**values, name: value}
            wanted = all(fact.evaluate(chosen) is (self.wanted if fact is self.target else True) for fact in due)
            if wanted and value in domain:
                allowed.append(value)
                if len(allowed) == 4:
                    break
        return allowed


def _order(target: Fact, context: Context) -> list[str]:
    """Return the variables to assign: those tied to the target first, those of few values before the others."""
    names = set(target.variables)
    pending = list(context.rest)
    while tied := [fact for fact in pending if not names.isdisjoint(fact.variables)]:
        names.update(*(fact.variables for fact in tied))
        pending = [fact for fact in pending if fact not in tied]
    others = set[str]().union(*(fact.variables for fact in pending))

    def rank(name: str) -> tuple[bool, str]:
        return context.domain(name).listed is None, name

    return [*sorted(names, key=rank), *sorted(others - names, key=rank)]


def _due(facts: Sequence[Fact], names: Sequence[str]) -> list[list[Fact]]:
    """Return for each position the facts of which every variable is assigned there and not before."""
    due: list[list[Fact]] = [[] for _ in names]
    for fact in facts:
        if fact.variables:
            due[max(names.index(name) for name in fact.variables)].append(fact)
    return due


def _roots(fact: Fact, name: str, values: dict[str, int], small: Sequence[int]) -> list[int]:
    """Return where the two sides meet, by the secant through two small values."""
    if len(small) < 2:
        return []
    first, second = small[:2]
    try:
        one = fact.left.value({**values, name: first}) - fact.right.value({**values, name: first})
        two = fact.left.value({**values, name: second}) - fact.right.value({**values, name: second})
    except ZeroDivisionError:
        return []
    if one == two:
        return []
    root = first - one * (second - first) / (two - one)
    return sorted({floor(root), ceil(root), floor(root) - 1, ceil(root) + 1})
