"""A derivation -> where its decisions are made: the decisions and turns that lead there, whatever types lie between.

One choice in the text of a space may be made at many places of one network; what is good at one need not be at another.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random

from archc.runtime.derivations.nodes import labels
from archc.spaces.forest import Forest

Place = tuple[int, ...]
"""What was decided on the way from the root (the label of an edge), and to which child it went on, alternately."""

Feature = tuple[Place, int]
"""A place, and what is decided there, as the label of an edge."""

Choose = Callable[[Place, range], int]
"""A place and the edges that are possible there, more than one -> the one to take."""

CONTEXT = 8
"""A place knows its last so many turns, so that there are few of them where a space mentions itself."""


def below(forest: Forest, place: Place, edge: int, context: int = CONTEXT) -> list[Place]:
    """Return the places of the children of an edge that is taken at a place."""
    return _below(forest, place, len(forest.calls[edge]), labels(forest)[edge], context)


def _below(forest: Forest, place: Place, children: int, label: int, context: int) -> list[Place]:
    if children == 1 and not forest.decisions[label]:
        return [place]
    if not children:
        return []
    kept = place[-2 * (context - 1) :] if context > 1 else ()
    return [(*kept, label, slot) if context else () for slot in range(children)]


def placed(forest: Forest, edges: Sequence[int], context: int = CONTEXT) -> Iterator[tuple[Place, int]]:
    """Yield each edge of a derivation, in preorder, behind its place."""
    calls, known = forest.calls, labels(forest)
    waiting: list[Place] = [()]
    for edge in edges:
        place = waiting.pop()
        yield place, edge
        if children := len(calls[edge]):
            waiting += _below(forest, place, children, known[edge], context)[::-1]


def features(forest: Forest, edges: Sequence[int], context: int = CONTEXT) -> list[Feature]:
    """Return what a derivation decides at each place, in preorder; one comes twice where two nodes share their place."""
    known = labels(forest)
    return [(place, known[edge]) for place, edge in placed(forest, edges, context) if forest.decisions[known[edge]]]


def derive(forest: Forest, choose: Choose, context: int = CONTEXT) -> list[int]:
    """Return the edges of a derivation, in preorder, that takes what `choose` says wherever there is a choice."""
    rows, calls, known = forest.rows, forest.calls, labels(forest)
    waiting: list[tuple[int, Place]] = [(forest.root, ())]
    found: list[int] = []
    while waiting:
        state, place = waiting.pop()
        row = rows[state]
        edge = row.start if len(row) == 1 else choose(place, row)
        found.append(edge)
        if children := calls[edge]:
            places = _below(forest, place, len(children), known[edge], context)
            waiting += list(zip(children, places, strict=True))[::-1]
    return found


def pick(row: range, chances: Sequence[float], rng: Random) -> int:
    """Return an edge in proportion to its chance; any where all are 0."""
    total = sum(chances)
    if total <= 0.0:
        return rng.choice(row)
    left = rng.random() * total
    last = row.start
    for edge, chance in zip(row, chances, strict=True):
        if chance > 0.0:
            last = edge
            left -= chance
            if left < 0.0:
                break
    return last
