"""A group of members gets little training, the best of them more, and so on; then the next group.

Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization" (AISTATS 2016). Members are
drawn by the weights of the space as a prior. For many workers, `asha` does not wait for the last of a group.
"""

from random import Random

from archc.search.fresh import unseen
from archc.search.protocol import Context, Json, Proposal, Spent, Trial
from archc.search.rungs import fidelities


class SuccessiveHalving:
    """Groups of `size` members (0: as many as leave one for the highest rung), of which 1 / `eta` go on to each rung."""

    def __init__(self, context: Context, *, eta: int = 3, rungs: int = 4, size: int = 0) -> None:
        self._shares = fidelities(eta, rungs)
        if size < 0:
            raise ValueError(f"size: expected the number of members in a group, found {size}")
        self._history = context.history
        self._eta, self._size = eta, size or eta ** (rungs - 1)
        self._rung = 0
        self._asked: list[int] = []
        self._waiting: list[int] = []

    def ask(self, rng: Random) -> Proposal | None:
        """Return the next of the group on its rung; None until all that were asked on it have ended.

        Raises Spent where all members were asked.
        """
        while True:
            found = self._next(rng)
            if found is not None:
                self._asked.append(len(self._history))
                return found
            if not all(number < len(self._history) and self._history[number].ended for number in self._asked):
                return None
            if self._rung == 0 and not self._asked:
                raise Spent("every member of the space was asked")
            self._climb()

    def tell(self, trial: Trial) -> None:
        """Learn nothing: how trials ended is in the history."""

    def state(self) -> Json:
        """Return the rung, the trials that were asked on it, and those of the rung before that go on to it, by number."""
        return [self._rung, list(self._asked), list(self._waiting)]

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        match state:
            case [int() as rung, [*asked], [*waiting]] if 0 <= rung < len(self._shares):
                self._rung = rung
                self._asked = [number for number in asked if isinstance(number, int)]
                self._waiting = [number for number in waiting if isinstance(number, int)]
            case _:
                raise ValueError(f"expected the rung of a group and its trials, found {state!r}")

    def _next(self, rng: Random) -> Proposal | None:
        share = self._shares[self._rung]
        if self._rung == 0:
            return self._new(rng) if len(self._asked) < self._size else None
        while self._waiting:
            number = self._waiting.pop(0)
            member = self._history.member(number)
            if not self._history.seen(member, share):
                return Proposal(member, share, {"operator": "promote", "parents": [number]})
        return None

    def _new(self, rng: Random) -> Proposal | None:
        """Return a new member at the lowest fidelity; None where there is none left for this group."""
        try:
            return Proposal(unseen(self._history, rng, self._shares[0]), self._shares[0], {"operator": "start"})
        except Spent:
            return None

    def _climb(self) -> None:
        """Let the best go on to the next rung; behind the last, begin a new group."""
        trials = [self._history[number] for number in self._asked]
        done = sorted(
            (t for t in trials if t.done and t.same_as is None), key=lambda t: (-self._history.score(t), t.number)
        )
        self._rung += 1
        self._asked, self._waiting = [], []
        if self._rung == len(self._shares) or not done:
            self._rung = 0
            return
        self._waiting = [trial.number for trial in done[: max(1, len(trials) // self._eta)]]
