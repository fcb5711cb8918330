"""Many members get little training, the best of them more, at no time waiting for all.

Li and others, "A System for Massively Parallel Hyperparameter Tuning" (ASHA, MLSys 2020). Members are drawn by the weights of
the space as a prior; a share of them varies the best so far, as in Mallik and others, "PriorBand" (NeurIPS 2023).
"""

from random import Random

from archc.search.fresh import unseen
from archc.search.operators import Operators
from archc.search.protocol import Context, Json, Proposal, Spent, Trial
from archc.search.rungs import Rung, fidelities


class Asha:
    """Promotes what is among the best 1 / `eta` of its rung; `around` is the share of new members near the best."""

    def __init__(self, context: Context, *, eta: int = 3, rungs: int = 4, around: float = 0.5) -> None:
        if not 0.0 <= around <= 1.0:
            raise ValueError(f"around: expected a share from 0 to 1, found {around}")
        self._history = context.history
        self._eta, self._around = eta, around
        self._shares = fidelities(eta, rungs)
        self._operators = Operators(context.history)
        self._is_spent = False
        self._clear()

    def ask(self, rng: Random) -> Proposal | None:
        """Return what is to be promoted, from the highest rung down, else a new member at the lowest.

        Where all were asked, the rest is promoted too, the best first; raises Spent behind the last of them.
        """
        promoted = self._promotion(1.0 / self._eta)
        if promoted is not None:
            return promoted
        try:
            return self._new(rng)
        except Spent:
            self._is_spent = True
            rest = self._promotion(1.0)
            if rest is None and not self._history.under_way():
                raise
            return rest

    def tell(self, trial: Trial) -> None:
        """Let a trial stand on its rung."""
        if trial.fidelity in self._rungs:
            self._rungs[trial.fidelity].enter(trial)

    def state(self) -> Json:
        """Return nothing: the rungs follow from the history."""
        return None

    def restore(self, state: Json) -> None:
        """Go on. Raises ValueError on the state of another strategy."""
        if state is not None:
            raise ValueError(f"the rungs follow from the history; found {state!r}")
        self._clear()
        for trial in self._history:
            if trial.ended:
                self.tell(trial)

    def _clear(self) -> None:
        following = zip(self._shares, [*self._shares[1:], 1.0], strict=True)
        self._rungs = {share: Rung(self._history, after) for share, after in following}

    def _promotion(self, share: float) -> Proposal | None:
        for number in range(len(self._shares) - 2, -1, -1):
            found = self._rungs[self._shares[number]].best(share)
            if found is not None:
                origin: Json = [found]
                higher = self._shares[number + 1]
                return Proposal(self._history.member(found), higher, {"operator": "promote", "parents": origin})
        return None

    def _new(self, rng: Random) -> Proposal:
        if self._is_spent:
            raise Spent("every member of the space was asked")
        lowest = self._shares[0]
        best = next((found for share in self._shares[::-1] if (found := self._history.best(share))), None)
        if best is not None and rng.random() < self._around:
            near = self._operators.vary(best.number, best.number, rng)
            if near is not None and not self._history.seen(near.member):
                return Proposal(near.member, lowest, near.origin)
        return Proposal(unseen(self._history, rng, lowest), lowest, {"operator": "start"})
