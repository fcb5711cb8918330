"""Decisions -> the derivation of a forest that makes them."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

from archc.spaces.forest import Derivation, Forest

ANY = "any"
"""In a script, in the place of the decisions of a name: whatever they are."""

Item = int | float | str
Ends = dict[int, tuple[int, tuple[int, ...]]]
"""Where a state's decisions can end: the edge, and where each of its children begins."""


@dataclass(slots=True, eq=False)
class _Chart:
    forest: Forest
    script: Sequence[Item]
    known: dict[tuple[int, int], Ends] = field(default_factory=dict)


def derivation_of(forest: Forest, script: Sequence[Item]) -> Derivation | None:
    """Return the derivation with these decisions, or None where the forest has none.

    Of a name whose decisions are ANY it is the first.
    """
    chart = _Chart(forest, script)
    _run(chart, forest.root)
    if len(script) not in chart.known[forest.root, 0]:
        return None
    edges: list[int] = []
    reals: list[float] = []
    for edge, at in _edges(chart):
        edges.append(edge)
        reals.extend(_reals(chart, edge, at))
    return Derivation(tuple(edges), tuple(reals))


def _reals(chart: _Chart, edge: int, at: int) -> Iterator[float]:
    """Yield what an edge draws from continuous ranges; of a name that may be anything, the middle of the range."""
    forest = chart.forest
    for place, (site, _) in enumerate(forest.decisions[int(forest.label[edge])]):
        found = forest.sites[site]
        if found.low is not None and found.high is not None:
            entry = chart.script[at + place] if at >= 0 else (found.low + found.high) / 2
            assert isinstance(entry, float)
            yield entry


Asked = Generator[tuple[int, int], None, Ends]


def _run(chart: _Chart, root: int) -> None:
    """Work out where the decisions of the root can end, and of all that this needs, on a stack of its own."""
    stack: list[tuple[tuple[int, int], Asked]] = [((root, 0), _ends(chart, root, 0))]
    while stack:
        key, frame = stack[-1]
        try:
            wanted = next(frame)
        except StopIteration as stop:
            chart.known[key] = stop.value
            stack.pop()
        else:
            stack.append((wanted, _ends(chart, *wanted)))


def _ends(chart: _Chart, state: int, at: int) -> Asked:
    found: Ends = {}
    for edge in chart.forest.rows[state]:
        begin = _decided(chart, edge, at)
        if begin is None:
            continue
        ways: list[tuple[int, tuple[int, ...]]] = [(begin, ())]
        start = int(chart.forest.first_child[edge])
        for place, child in enumerate(chart.forest.calls[edge]):
            nested = bool(chart.forest.nested[start + place])
            longer: list[tuple[int, tuple[int, ...]]] = []
            for end, begins in ways:
                inner = _opened(chart, end, nested=nested)
                if inner is None:
                    continue
                if nested and chart.script[inner] == ANY:
                    longer.append((inner + 2, (*begins, -1)))
                    continue
                if (child, inner) not in chart.known:
                    yield child, inner
                for after in chart.known[child, inner]:
                    close = _closed(chart, after, nested=nested)
                    if close is not None:
                        longer.append((close, (*begins, inner)))
            ways = longer
        for end, begins in ways:
            found.setdefault(end, (edge, begins))
    return found


def _decided(chart: _Chart, edge: int, at: int) -> int | None:
    """Return where the decisions of an edge end, if it makes those that come next."""
    forest = chart.forest
    for site, option in forest.decisions[int(forest.label[edge])]:
        if at >= len(chart.script):
            return None
        entry = chart.script[at]
        fits = isinstance(entry, float) if forest.sites[site].is_continuous else entry == option
        if not fits:
            return None
        at += 1
    return at


def _opened(chart: _Chart, at: int, *, nested: bool) -> int | None:
    if not nested:
        return at
    return at + 1 if at < len(chart.script) and chart.script[at] == "(" else None


def _closed(chart: _Chart, at: int, *, nested: bool) -> int | None:
    if not nested:
        return at
    return at + 1 if at < len(chart.script) and chart.script[at] == ")" else None


def _edges(chart: _Chart) -> Iterator[tuple[int, int]]:
    """Yield the edges of the derivation in preorder, each with where its decisions begin (-1 where they may be any)."""
    forest = chart.forest
    waiting: list[tuple[int, int, int]] = [(forest.root, 0, len(chart.script))]
    while waiting:
        state, at, end = waiting.pop()
        if at < 0:
            edge = forest.rows[state][0]
            waiting.extend((child, -1, -1) for child in reversed(forest.calls[edge]))
        else:
            edge, begins = chart.known[state, at][end]
            parts = zip(forest.calls[edge], begins, _stops(chart, edge, begins, end), strict=True)
            waiting.extend(reversed(list(parts)))
        yield edge, at


def _stops(chart: _Chart, edge: int, begins: tuple[int, ...], end: int) -> list[int]:
    """Return where the decisions of each child of an edge end."""
    start = int(chart.forest.first_child[edge])
    stops: list[int] = []
    for place in range(len(begins) - 1, -1, -1):
        nested = bool(chart.forest.nested[start + place])
        stops.append(end - nested)
        if begins[place] < 0:
            end -= 3
        else:
            end = begins[place] - nested
    return stops[::-1]
