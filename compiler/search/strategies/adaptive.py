"""Regularised evolution that learns which operator to use.

Tripathi and others, "HHNAS-AM: Hierarchical Hybrid Neural Architecture Search using Adaptive Mutation Policies" (2025), on
the population of Real and others, "Regularized Evolution for Image Classifier Architecture Search" (AAAI 2019): edits of one
choice, small and great subtrees drawn anew, two parts exchanged within one member or between two (`archc.search.operators`).
"""

from random import Random

from archc.search.ageing import Ageing
from archc.search.operators import Operators
from archc.search.protocol import Context, Json, Proposal, Trial
from archc.search.starts import Starts


class Adaptive:
    """Varies the best of `sample` of the last `population` trials; begins anew where `patience` populations brought nothing."""

    def __init__(self, context: Context, *, population: int = 15, sample: int = 10, patience: int = 5) -> None:
        self._starts, self._operators = Starts(context.history), Operators(context.history)
        self._population = Ageing(context.history, size=population, sample=sample, patience=patience)

    def ask(self, rng: Random) -> Proposal:
        """Return a random member until the population is full, then a child. Raises Spent where all members were asked."""
        found = None
        if not self._population.begins():
            found = self._operators.vary(self._population.parent(rng), self._population.parent(rng), rng)
        return found or Proposal(self._starts.draw(rng), origin={"operator": "start"})

    def tell(self, trial: Trial) -> None:
        """Let a trial that has metrics into the population; the oldest leaves it, or all do where none was better for long."""
        self._population.tell(trial)

    def state(self) -> Json:
        """Return the population, by number, and how long nothing was better."""
        return self._population.state()

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        self._population.restore(state)
