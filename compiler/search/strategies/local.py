"""Local search: the first better neighbour becomes the new centre; where none is better, it starts anew.

White, Nolen and Savani, "Exploring the Loss Landscape in Neural Architecture Search" (UAI 2021), and Ottelander and others,
"Local Search is a Remarkably Strong Baseline for Neural Architecture Search" (EMO 2021): first improvement, neighbours
that differ in one choice in a random order. Neighbours that were asked before are not asked again.
"""

from collections.abc import Iterator
from random import Random

from archc.members import Member
from archc.search.protocol import Context, Json, Proposal, Trial
from archc.search.starts import Starts


class Local:
    """Asks the neighbours of its centre, a trial; a better one that is told becomes the centre."""

    def __init__(self, context: Context) -> None:
        self._history = context.history
        self._starts = Starts(context.history)
        self._centre: int | None = None
        self._start: int | None = None
        self._around: tuple[int, Iterator[Member]] | None = None

    def ask(self, rng: Random) -> Proposal | None:
        """Return a neighbour of the centre, or where there is no more, a new start; None until the start has ended.

        Raises Spent where all members were asked.
        """
        if self._start is not None and not self._is_over(self._start):
            return None
        found = self._neighbour()
        if found is not None:
            return Proposal(found, origin={"operator": "neighbour", "parents": [self._centre]})
        if self._centre is not None and self._under_way(self._centre):
            return None
        self._centre, self._start = None, len(self._history)
        return Proposal(self._starts.draw(rng), origin={"operator": "start"})

    def tell(self, trial: Trial) -> None:
        """Move to a trial that is better than the centre, or the first that there is."""
        score = self._history.score(trial)
        if trial.number == self._start:
            self._start = None
        if not trial.done:
            return
        if self._centre is None or score > self._history.score(self._history[self._centre]):
            self._centre = trial.number

    def state(self) -> Json:
        """Return the centre and the start that is under way, by number."""
        return [self._centre, self._start]

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        match state:
            case [None | int() as centre, None | int() as start]:
                self._centre, self._start, self._around = centre, start, None
            case _:
                raise ValueError(f"expected the centre and the start of a local search, found {state!r}")

    def _neighbour(self) -> Member | None:
        """Return the next neighbour of the centre that was not asked; their order is drawn from the centre's seed."""
        if self._centre is None:
            return None
        if self._around is None or self._around[0] != self._centre:
            trial = self._history[self._centre]
            members = self._history.space.neighbours(self._history.member(self._centre), Random(trial.seed))
            self._around = self._centre, members
        return next((member for member in self._around[1] if not self._history.seen(member, 1.0)), None)

    def _is_over(self, number: int) -> bool:
        return number < len(self._history) and self._history[number].ended

    def _under_way(self, centre: int) -> bool:
        """Return whether a neighbour of the centre may still turn out to be better."""
        return any(not trial.ended for trial in self._history.under_way())
