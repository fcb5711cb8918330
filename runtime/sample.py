"""A forest and chance -> a text that it derives."""

from collections.abc import Sequence
from random import Random

from archc.grammars.damp import least
from archc.grammars.forest import Call, Edge, Forest, Lexeme, Part
from archc.runtime.words import word

STATES = 10_000
"""A derivation of more states than these goes the shortest way to its end."""


class Sampler:
    """Draws texts of one forest: each edge as often as its weight says."""

    __slots__ = ("_cheapest", "_forest", "_totals")

    def __init__(self, forest: Forest) -> None:
        self._forest = forest
        self._totals = [[edge.weight for edge in state.edges] for state in forest.states]
        self._cheapest = cheapest(forest)

    def text(self, rng: Random, *, most: int = STATES) -> str:
        """Return a text; after `most` states the lowest derivation of each."""
        found: list[str] = []
        waiting: list[Part] = [Call(self._forest.root)]
        visited = 0
        while waiting:
            part = waiting.pop()
            if isinstance(part, Call):
                visited += 1
                waiting.extend(self._edge(rng, part.state, ends=visited > most).parts[::-1])
            else:
                found.append(word(part.language, rng) if isinstance(part, Lexeme) else part.text)
        return "".join(found)

    def _edge(self, rng: Random, state: int, *, ends: bool) -> Edge:
        edges = self._forest.states[state].edges
        if len(edges) == 1:
            return edges[0]
        return edges[self._cheapest[state]] if ends else rng.choices(edges, self._totals[state])[0]


def cheapest(forest: Forest) -> Sequence[int]:
    """Return, for each state, the number of the edge with the lowest derivation."""
    calls = [[[p.state for p in edge.parts if isinstance(p, Call)] for edge in state.edges] for state in forest.states]
    heights = least(calls, add=False)
    return [
        min(range(len(edges)), key=lambda number: max((heights[to] for to in edges[number]), default=0))
        for edges in calls
    ]
