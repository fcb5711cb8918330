"""Pareto search by fronts, and within one by how crowded it is.

Deb, Pratap, Agarwal and Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II" (IEEE Transactions on
Evolutionary Computation, 2002); for architectures, Lu and others, "NSGA-Net" (GECCO 2019). Children come from the adaptive
operators of `archc.search.operators`. With one goal, it is a (mu + lambda) evolution.
"""

from collections.abc import Sequence
from random import Random

from archc.search.fronts import Generations, Values, crowding, fronts
from archc.search.protocol import Context, Json, Proposal, Trial


class Nsga2:
    """Keeps the `population` best by front and crowding; as many children at a time compete with them."""

    def __init__(self, context: Context, *, population: int = 20) -> None:
        self._generations = Generations(context.history, population, survivors)

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


def survivors(values: Sequence[Values], many: int) -> list[int]:
    """Return the places of the `many` best: front by front, those with more room around them first."""
    found: list[int] = []
    for front in fronts(values):
        room = crowding(values, front)
        found.extend(place for _, place in sorted((-room[place], place) for place in front))
        if len(found) >= many:
            break
    return found[:many]
