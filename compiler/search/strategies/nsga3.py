"""Pareto search by fronts, and within the last one by reference directions: for three goals and more.

Deb and Jain, "An Evolutionary Many-Objective Optimization Algorithm Using Reference-Point-Based Nondominated Sorting
Approach, Part I" (IEEE Transactions on Evolutionary Computation, 2014), with the directions of Das and Dennis (1998). Unlike
there, goals are scaled by the best and the worst of the first front, and ties are settled by place and not by chance, so
that nothing but the history decides who survives.
"""

from collections.abc import Iterator, Sequence
from math import comb, sqrt
from random import Random

from archc.search.fronts import Generations, Values, fronts
from archc.search.protocol import Context, Json, Proposal, Trial


class Nsga3:
    """Keeps `population` members that are spread over the directions; as many children at a time compete with them."""

    def __init__(self, context: Context, *, population: int = 20) -> None:
        goals = len(context.objective.goals)
        self._directions = tuple(directions(goals, population))
        self._generations = Generations(context.history, population, self._survivors)

    def ask(self, rng: Random) -> Proposal:
        """Return a random member at first, then a child. Raises Spent where all members were asked."""
        return self._generations.ask(rng)

    def tell(self, trial: Trial) -> None:
        """Take a trial that has metrics as a child."""
        self._generations.tell(trial)

    def state(self) -> Json:
        """Return the population and its children, by number."""
        return self._generations.state()

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        self._generations.restore(state)

    def _survivors(self, values: Sequence[Values], many: int) -> Sequence[int]:
        return survivors(values, many, self._directions)


def directions(goals: int, many: int) -> Iterator[Values]:
    """Yield the points of the simplex with even steps, the most of them that are no more than `many`, at least one a goal."""
    steps = 1
    while goals > 1 and comb(steps + goals, goals - 1) <= many:
        steps += 1
    for point in _points(goals, steps):
        yield tuple(part / steps for part in point)


def _points(goals: int, steps: int) -> Iterator[tuple[int, ...]]:
    waiting: list[tuple[tuple[int, ...], int]] = [((), steps)]
    while waiting:
        point, left = waiting.pop()
        if len(point) == goals - 1:
            yield (*point, left)
            continue
        waiting.extend(((*point, part), left - part) for part in range(left + 1))


def survivors(values: Sequence[Values], many: int, towards: Sequence[Values]) -> list[int]:
    """Return the places of `many`: whole fronts, then of the next those whose directions have the fewest so far."""
    layers = fronts(values)
    found: list[int] = []
    while layers and len(found) + len(layers[0]) <= many:
        found.extend(layers.pop(0))
    if len(found) == many or not layers:
        return found
    scaled = _scaled(values, fronts(values)[0])
    near = {place: min(_distances(scaled[place], towards)) for place in [*found, *layers[0]]}
    often = [0] * len(towards)
    for place in found:
        often[near[place][1]] += 1
    left = sorted(layers[0], key=lambda place: (near[place], place))
    while len(found) < many:
        place = min(left, key=lambda place: often[near[place][1]])
        left.remove(place)
        often[near[place][1]] += 1
        found.append(place)
    return found


def _scaled(values: Sequence[Values], front: Sequence[int]) -> list[Values]:
    """Return how far values are from the best of each goal in the first front, in parts of that front's extent."""
    best = [max(column) for column in zip(*(values[place] for place in front), strict=True)]
    worst = [min(column) for column in zip(*(values[place] for place in front), strict=True)]
    return [
        tuple((high - own) / ((high - low) or 1.0) for own, high, low in zip(entry, best, worst, strict=True))
        for entry in values
    ]


def _distances(point: Values, towards: Sequence[Values]) -> Iterator[tuple[float, int]]:
    """Yield the distance of a point from the line through each direction, with the number of the direction."""
    square = sum(part * part for part in point)
    for number, direction in enumerate(towards):
        along = sum(a * b for a, b in zip(point, direction, strict=True)) ** 2 / sum(part * part for part in direction)
        yield sqrt(max(0.0, square - along)), number
