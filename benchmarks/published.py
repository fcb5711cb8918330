"""The search that einspace was published with (Ericsson et al., NeurIPS 2024, section 4), on a forest in the place of its sampler."""

from collections import deque
from random import Random

from archc.members import Member
from archc.runtime.derivations.edit import mutate
from archc.search.fresh import unseen
from archc.search.protocol import Context, Json, Proposal, Trial

TRIES = 100


class Published:
    """Regularised evolution: of the last `population` trials, the best of `sample` has the subtree at one node drawn anew.

    Nodes are as likely as each other, and there is no crossover. What its own code would evaluate again, or repair, costs it
    nothing here: a child that was asked before is mutated anew.
    """

    def __init__(self, context: Context, *, population: int = 100, sample: int = 10) -> None:
        self._history, self._space = context.history, context.space
        self._size, self._sample = population, sample
        self._population: deque[int] = deque(maxlen=population)

    def ask(self, rng: Random) -> Proposal:
        """Return a random member until there is a population, then a child."""
        if len(self._history) >= self._size and self._population:
            drawn = rng.sample(self._population, min(self._sample, len(self._population)))
            parent = max(drawn, key=lambda number: self._history.score(self._history[number]))
            sampler = self._space.sampler()
            for _ in range(TRIES):
                found = mutate(self._space.forest, self._history[parent].derivation, rng, sampler=sampler)
                child = Member(self._space, found)
                if not self._history.seen(child, 1.0):
                    return Proposal(child, origin={"operator": "mutate", "parents": [parent]})
        return Proposal(unseen(self._history, rng), origin={"operator": "start"})

    def tell(self, trial: Trial) -> None:
        """Let a trial in; the oldest leaves."""
        if trial.done:
            self._population.append(trial.number)

    def state(self) -> Json:
        """Return the population."""
        return list(self._population)

    def restore(self, state: Json) -> None:
        """Refuse: no benchmark is resumed."""
        raise ValueError(f"a benchmark begins anew, found {state!r}")
