"""Quality and diversity: the best of each cell of a grid over costs, and children of any of them.

Mouret and Clune, "Illuminating Search Spaces by Mapping Elites" (2015); for architectures, Nasir and others, "LLMatic: Neural
Architecture Search via Large Language Models and Quality Diversity Optimization" (GECCO 2024), whose descriptors are costs
too. Here these are exact, and so are the bounds of the grid: the least and the greatest cost of a member.
"""

from bisect import bisect_right
from collections.abc import Sequence
from math import exp, log
from random import Random

from archc.members import Member, Space
from archc.search.operators import Operators
from archc.search.protocol import Context, Json, Proposal, Trial
from archc.search.starts import Starts

SKEW = 10.0
"""Where the mean cost is below this part of the range, the grid is even in the logarithm."""


class MapElites:
    """Keeps the best trial of each cell. `descriptors` are costs, by commas, each cut into `bins`; `starts` are random.

    A cost that all members share, as `nodes` in a space of one shape, tells no cells apart: then few elites are left to vary.
    """

    def __init__(self, context: Context, *, descriptors: str = "params,flops", bins: int = 6, starts: int = 10) -> None:
        if bins < 1 or starts < 1:
            raise ValueError(f"expected bins and starts of at least 1, found bins={bins}, starts={starts}")
        self._history = context.history
        self._operators, self._draws = Operators(context.history), Starts(context.history)
        names = [name.strip() for name in descriptors.split(",")]
        self._costs = [context.space.costs(name) for name in names]
        self._cuts = [_cuts(context.space, name, bins) for name in names]
        self._starts = starts
        self._elites: dict[tuple[int, ...], int] = {}

    def ask(self, rng: Random) -> Proposal:
        """Return a random member at first, then a child of one elite, perhaps with a part of another.

        Raises Spent where all members were asked.
        """
        found = None
        if len(self._history) >= self._starts and self._elites:
            numbers = [self._elites[cell] for cell in sorted(self._elites)]
            found = self._operators.vary(rng.choice(numbers), rng.choice(numbers), rng)
        return found or Proposal(self._draws.draw(rng), origin={"operator": "start"})

    def tell(self, trial: Trial) -> None:
        """Let a trial into its cell where it is better than what is there; of equals, the first by number stays."""
        if not trial.done or trial.fidelity != 1.0:
            return
        cell = self.cell(self._history.member(trial.number))
        known = self._elites.get(cell)
        if known is None or self._rank(trial) > self._rank(self._history[known]):
            self._elites[cell] = trial.number

    def state(self) -> Json:
        """Return nothing: the elites follow from the history."""
        return None

    def restore(self, state: Json) -> None:
        """Go on. Raises ValueError on the state of another strategy."""
        if state is not None:
            raise ValueError(f"the elites follow from the history; found {state!r}")
        self._elites.clear()
        for trial in self._history:
            self.tell(trial)

    def cell(self, member: Member) -> tuple[int, ...]:
        """Return the cell of a member: for each descriptor, its bin from 0."""
        edges = member.derivation.edges
        sums = [sum([costs[edge] for edge in edges]) for costs in self._costs]
        return tuple(bisect_right(cuts, value) for cuts, value in zip(self._cuts, sums, strict=True))

    def elites(self) -> dict[tuple[int, ...], int]:
        """Return the best trial of each cell, by number."""
        return dict(self._elites)

    def _rank(self, trial: Trial) -> tuple[float, int]:
        return self._history.score(trial), -trial.number


def _cuts(space: Space, cost: str, bins: int) -> Sequence[float]:
    """Return what separates the bins, ascending. Raises ValueError on what is no cost."""
    low, high = space.range(cost)
    if (space.moments(cost).mean - low) * SKEW < high - low:
        step = log(1.0 + high - low) / bins
        return [low - 1.0 + exp(step * number) for number in range(1, bins)]
    return [low + (high - low) * number / bins for number in range(1, bins)]
