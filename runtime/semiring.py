"""A forest and a way to measure -> the measure of what each of its states derives."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import exp, inf, log, log1p
from operator import add
from typing import Generic, TypeVar

from archc.grammars.forest import Call, Forest, Lexeme, Literal
from archc.names.cycles import components
from archc.regular.automaton import TooLarge
from archc.regular.census import BITS, census
from archc.regular.language import longest, shortest

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Semiring(Generic[V]):
    """How to calculate: alternatives are added, parts are multiplied (Goodman, Semiring parsing, 1999)."""

    zero: V
    one: V
    plus: Callable[[V, V], V]
    times: Callable[[V, V], V]


@dataclass(frozen=True, slots=True)
class Measure(Generic[V]):
    """How to measure a forest of texts, where no order of parts matters.

    `part` measures fixed text and lexemes, `share` the part of its state's weight that an edge has. States that derive
    each other start from zero and are worked out again and again until every value is `settled` (before, after), at
    most `rounds` times; what moves even then is `endless`, which is given the last value.
    """

    semiring: Semiring[V]
    part: Callable[[Literal | Lexeme], V]
    share: Callable[[float], V]
    endless: Callable[[V], V]
    settled: Callable[[V, V], bool]
    rounds: int


Row = Iterable[tuple[V, Sequence[int]]]
"""The edges of a state: the measure of all that is fixed, and the states that are called."""


def combined(row: Row[V], values: Sequence[V], semiring: Semiring[V]) -> V:
    """Return the measure of a state from those of the states that it calls."""
    total, plus, times = semiring.zero, semiring.plus, semiring.times
    for fixed, calls in row:
        for call in calls:
            fixed = times(fixed, values[call])
        total = plus(total, fixed)
    return total


def inside(forest: Forest, measure: Measure[V]) -> tuple[V, ...]:
    """Return the measure of every state."""
    rows = [_row(forest, number, measure) for number in range(len(forest.states))]
    values = [measure.semiring.zero] * len(rows)
    for component, is_cyclic in bottom_up([[call for _, calls in row for call in calls] for row in rows]):
        if is_cyclic:
            _settle(rows, values, component, measure)
        else:
            values[component[0]] = combined(rows[component[0]], values, measure.semiring)
    return tuple(values)


def _row(forest: Forest, number: int, measure: Measure[V]) -> Sequence[tuple[V, Sequence[int]]]:
    edges = forest.states[number].edges
    total = sum(edge.weight for edge in edges)
    row: list[tuple[V, tuple[int, ...]]] = []
    for edge in edges:
        fixed = measure.share(edge.weight / total)
        for part in edge.parts:
            if not isinstance(part, Call):
                fixed = measure.semiring.times(fixed, measure.part(part))
        row.append((fixed, tuple(part.state for part in edge.parts if isinstance(part, Call))))
    return row


def _settle(rows: Sequence[Row[V]], values: list[V], component: Sequence[int], measure: Measure[V]) -> None:
    """Work out the states of a cycle, in place, until nothing moves."""
    moving = set(component)
    for _ in range(measure.rounds):
        moving = set()
        for number in component:
            new = combined(rows[number], values, measure.semiring)
            if not measure.settled(values[number], new):
                moving.add(number)
            values[number] = new
        if not moving:
            return
    for number in moving:
        values[number] = measure.endless(values[number])


def bottom_up(calls: Sequence[Sequence[int]]) -> list[tuple[list[int], bool]]:
    """Return the sets of nodes that reach each other, those that are called before their callers; whether each is a cycle."""
    cycles = components([dict.fromkeys(row) for row in calls], range(len(calls)))
    of = {number: place for place, component in enumerate(cycles) for number in component}
    groups: list[tuple[list[int], bool]] = [(component, True) for component in cycles]
    for number in range(len(calls)):
        if number not in of:
            of[number] = len(groups)
            groups.append(([number], False))
    below = [
        {of[target] for number in group for target in calls[number]} - {place}
        for place, (group, _) in enumerate(groups)
    ]
    above: list[list[int]] = [[] for _ in groups]
    for place, targets in enumerate(below):
        for target in targets:
            above[target].append(place)
    missing = [len(targets) for targets in below]
    order = [place for place, number in enumerate(missing) if number == 0]
    for place in order:
        for user in above[place]:
            missing[user] -= 1
            if missing[user] == 0:
                order.append(user)
    return [groups[place] for place in order]


# ---------------------------------------------------------------- ways to measure
def _same(before: object, after: object) -> bool:
    return before == after


Count = int | None
"""A number of derivations; None when they never end."""


def _product(one: Count, other: Count) -> Count:
    if one == 0 or other == 0:
        return 0
    if one is None or other is None:
        return None
    if one.bit_length() + other.bit_length() > BITS:
        raise TooLarge
    return one * other


def _part_count(part: Literal | Lexeme) -> Count:
    return census(part.language) if isinstance(part, Lexeme) else 1


COUNTING: Measure[Count] = Measure(
    Semiring(0, 1, lambda one, other: None if one is None or other is None else one + other, _product),
    part=_part_count,
    share=lambda _: 1,
    endless=lambda _: None,
    settled=_same,
    rounds=0,
)
"""How many derivations there are, exactly; raises TooLarge where the number has over a million digits. Every state of a forest derives something, so a cycle has no end of them."""


def log_add(one: float, other: float) -> float:
    """Return the logarithm of the sum of two numbers from their logarithms."""
    high, low = max(one, other), min(one, other)
    return high if low == -inf else high + log1p(exp(low - high))


LOG_PROBABILITY: Measure[float] = Measure(
    Semiring(-inf, 0.0, log_add, add),
    part=lambda _: 0.0,
    share=log,
    endless=lambda last: last,
    settled=lambda before, after: before == after or abs(before - after) < 1e-13,
    rounds=20_000,
)
"""The logarithm of the probability that choosing by weight comes to an end: 0 where it surely does."""

MINIMUM: Semiring[float] = Semiring(inf, 0, min, add)
"""The smallest sum; integers stay integers."""

MAXIMUM: Semiring[float] = Semiring(-inf, 0, max, add)
"""The largest sum; integers stay integers."""


def _text_length(part: Literal | Lexeme) -> float:
    length = shortest(part.language) if isinstance(part, Lexeme) else len(part.text)
    return inf if length is None else length


def _longest(part: Literal | Lexeme) -> float:
    length = longest(part.language) if isinstance(part, Lexeme) else len(part.text)
    return inf if length is None else length


SHORTEST: Measure[float] = Measure(
    MINIMUM,
    part=_text_length,
    share=lambda _: 0.0,
    endless=lambda last: last,
    settled=_same,
    rounds=1_000_000,
)
"""The length of the shortest text."""

LONGEST: Measure[float] = Measure(
    MAXIMUM,
    part=_longest,
    share=lambda _: 0.0,
    endless=lambda _: inf,
    settled=_same,
    rounds=0,
)
"""The length of the longest text; infinite where there is none."""
