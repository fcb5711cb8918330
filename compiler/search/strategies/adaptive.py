"""Regularised evolution that learns which operator to use.

Tripathi and others, "HHNAS-AM: Hierarchical Hybrid Neural Architecture Search using Adaptive Mutation Policies" (2025), on
the population of Real and others, "Regularized Evolution for Image Classifier Architecture Search" (AAAI 2019): edits of one
choice, small and great subtrees drawn anew, two parts exchanged within one member or between two (`archc.search.operators`).
"""

from collections import deque
from random import Random

from archc.search.fresh import unseen
from archc.search.operators import Operators
from archc.search.protocol import Context, Json, Proposal, Trial


class Adaptive:
    """Keeps the last `population` trials that ended; a parent is the best of `sample` of them."""

    def __init__(self, context: Context, *, population: int = 15, sample: int = 5) -> None:
        if not 1 <= sample <= population:
            raise ValueError(f"expected 1 <= sample <= population, found sample={sample}, population={population}")
        self._history = context.history
        self._operators = Operators(context.history)
        self._size, self._sample = population, sample
        self._population: deque[int] = deque(maxlen=population)
        self._begun = 0

    def ask(self, rng: Random) -> Proposal:
        """Return a random member until the population is full, then a child. Raises Spent where all members were asked."""
        found = None
        if self._begun < self._size or not self._population:
            self._begun += 1
        else:
            found = self._operators.vary(self._parent(rng), self._parent(rng), rng)
        return found or Proposal(unseen(self._history, rng), origin={"operator": "start"})

    def tell(self, trial: Trial) -> None:
        """Let a trial that has metrics into the population; the oldest leaves it."""
        if trial.done:
            self._population.append(trial.number)

    def state(self) -> Json:
        """Return how many starts were asked, and the population by number, the oldest first."""
        return [self._begun, *self._population]

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        match state:
            case [int() as begun, *numbers] if len(numbers) <= self._size:
                self._begun = begun
                self._population = deque((number for number in numbers if isinstance(number, int)), self._size)
            case _:
                raise ValueError(f"expected a population of at most {self._size}, found {state!r}")

    def _parent(self, rng: Random) -> int:
        drawn = rng.sample(self._population, min(self._sample, len(self._population)))
        return max(drawn, key=lambda number: self._history.score(self._history[number]))
