"""Values of several goals -> fronts, and which members of a population survive. Greater is better throughout."""

from collections.abc import Callable, Sequence
from itertools import combinations
from math import inf
from random import Random

from archc.members import Member
from archc.search.operators import Operators
from archc.search.protocol import History, Json, Proposal, Trial, dominates
from archc.search.starts import Starts

Values = tuple[float, ...]
Survive = Callable[[Sequence[Values], int], Sequence[int]]
"""Values and how many survive -> which, the best first, by place. The same values give the same survivors."""


def fronts(values: Sequence[Values]) -> list[list[int]]:
    """Return the places of `values` front by front: none of a front dominates another, and the next is behind it.

    Deb, Pratap, Agarwal and Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II" (2002), section III A.
    """
    above = [0] * len(values)
    under: list[list[int]] = [[] for _ in values]
    for (one, a), (other, b) in combinations(enumerate(values), 2):
        if dominates(a, b):
            under[one].append(other)
            above[other] += 1
        elif dominates(b, a):
            under[other].append(one)
            above[one] += 1
    found: list[list[int]] = []
    front = [place for place, number in enumerate(above) if not number]
    while front:
        found.append(front)
        front = []
        for place in found[-1]:
            for other in under[place]:
                above[other] -= 1
                if not above[other]:
                    front.append(other)
        front.sort()
    return found


def crowding(values: Sequence[Values], front: Sequence[int]) -> dict[int, float]:
    """Return how far apart the neighbours of each of a front are, in parts of its extent; infinite at its ends."""
    found = dict.fromkeys(front, 0.0)
    for goal in range(len(values[front[0]])):
        line = sorted(front, key=lambda place: (values[place][goal], place))
        extent = values[line[-1]][goal] - values[line[0]][goal]
        found[line[0]] = found[line[-1]] = inf
        for before, place, after in zip(line, line[1:], line[2:], strict=False):
            if extent:
                found[place] += (values[after][goal] - values[before][goal]) / extent
    return found


class Generations:
    """A population that is replaced by the best of it and as many children. Both come from trials at full fidelity."""

    def __init__(self, history: History, size: int, survive: Survive) -> None:
        if size < 2:
            raise ValueError(f"expected a population of at least 2, found {size}")
        self._history, self._size, self._survive = history, size, survive
        self._operators, self._starts = Operators(history), Starts(history)
        self._begun = 0
        self._population: list[int] = []
        self._children: list[int] = []

    def ask(self, rng: Random) -> Proposal:
        """Return a random member until the population is full, then a child of the better of two, and of two others."""
        found = None
        if self._begun < self._size or not self._population:
            self._begun += 1
        else:
            found = self._operators.vary(self._parent(rng), self._parent(rng), rng)
        return found or self._start(rng)

    def tell(self, trial: Trial) -> None:
        """Take a trial that has metrics as a child; with as many as the population has, both are sifted."""
        if not trial.done or trial.fidelity != 1.0:
            return
        self._children.append(trial.number)
        if len(self._population) + len(self._children) >= self._size and (
            not self._population or len(self._children) >= self._size
        ):
            both = self._population + self._children
            values = [self._history.objective.values(self._history[number].metrics) for number in both]
            self._population = [both[place] for place in self._survive(values, self._size)]
            self._children = []

    def state(self) -> Json:
        """Return how many starts were asked, the population, the best first, and the children of it so far."""
        return [self._begun, list(self._population), list(self._children)]

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        match state:
            case [int() as begun, [*population], [*children]] if len(population) <= self._size:
                self._begun = begun
                self._population = [number for number in population if isinstance(number, int)]
                self._children = [number for number in children if isinstance(number, int)]
            case _:
                raise ValueError(f"expected a population of at most {self._size} and its children, found {state!r}")

    def _start(self, rng: Random) -> Proposal:
        member: Member = self._starts.draw(rng)
        return Proposal(member, origin={"operator": "start"})

    def _parent(self, rng: Random) -> int:
        """Return the better of two: the population stands in its order."""
        return self._population[min(rng.randrange(len(self._population)), rng.randrange(len(self._population)))]
