"""Regularised evolution: the best of a few is varied, and the oldest leaves the population.

Real, Aggarwal, Huang and Le, "Regularized Evolution for Image Classifier Architecture Search" (AAAI 2019), whose mutation
changes one choice. Here a share of `edits` of the mutations does that, whatever types lie between; the others draw a
subtree anew from its own state, as in grammatical genetic programming (Whigham 1995), small ones more often, each in
proportion to 1 / its size. Subtrees alone do not reach everything: where an option changes a type (a part that is only
zeros), it stands in another state. With a chance of `crossover`, two parents exchange subtrees of one state instead.
"""

from collections import deque
from random import Random

from archc.members import Member
from archc.runtime.derivations.edit import NoOther, Place, mutate
from archc.search.fresh import unseen
from archc.search.protocol import Context, Json, Proposal, Trial

STEPS = 20
"""How many mutations in a row lead away from members that were asked before, until one is drawn at random instead."""

MOST_EDITED = 100
"""Nodes of a derivation in which one choice is edited: to find which edits there are takes 0.7 ms for a cell of 33 nodes, and
tens of them for 1,700. Longer ones are mutated by subtrees alone."""


class Evolution:
    """Keeps the last `population` trials that ended; a parent is the best of `sample` of them.

    Where `patience` populations in a row brought nothing better, it begins anew: in a space that mentions itself, what is decided
    at the top is seldom changed later on.
    """

    def __init__(
        self,
        context: Context,
        *,
        population: int = 20,
        sample: int = 5,
        crossover: float = 0.1,
        edits: float = 0.5,
        patience: int = 3,
    ) -> None:
        if not 1 <= sample <= population or not 0.0 <= crossover <= 1.0 or not 0.0 <= edits <= 1.0 or patience < 1:
            found = (
                f"population={population}, sample={sample}, crossover={crossover}, edits={edits}, patience={patience}"
            )
            wanted = "1 <= sample <= population, crossover and edits from 0 to 1, and patience of at least 1"
            raise ValueError(f"expected {wanted}, found {found}")
        self._history = context.history
        self._space = context.space
        self._sample, self._size = sample, population
        self._crossover, self._edits = crossover, edits
        self._population: deque[int] = deque(maxlen=population)
        self._begun = 0
        self._patience = patience * population
        self._best: int | None = None
        self._vain = 0

    def ask(self, rng: Random) -> Proposal:
        """Return a random member until the population is full, then a child. Raises Spent where all members were asked."""
        if self._begun < self._size or not self._population:
            self._begun += 1
            return Proposal(unseen(self._history, rng), origin={"operator": "start"})
        parent = self._parent(rng)
        if rng.random() < self._crossover:
            other = self._parent(rng)
            child = self._crossed(parent, other, rng)
            if child is not None:
                return Proposal(child, origin={"operator": "crossover", "parents": [parent, other]})
        return self._mutated(parent, rng)

    def tell(self, trial: Trial) -> None:
        """Let a trial that has metrics into the population; the oldest leaves it, or all do where none was better for long."""
        if not trial.done:
            return
        self._population.append(trial.number)
        self._vain += 1
        if self._best is None or self._history.score(trial) > self._history.score(self._history[self._best]):
            self._best, self._vain = trial.number, 0
        if self._vain == self._patience:
            self._population.clear()
            self._begun, self._best, self._vain = 0, None, 0

    def state(self) -> Json:
        """Return how many starts were asked, the best since then, how long ago it was, and the population, the oldest first."""
        return [self._begun, self._best, self._vain, *self._population]

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        match state:
            case [int() as begun, None | int() as best, int() as vain, *numbers] if len(numbers) <= self._size:
                self._begun, self._best, self._vain = begun, best, vain
                self._population = deque((n for n in numbers if isinstance(n, int)), self._size)
            case _:
                raise ValueError(f"expected a population of at most {self._size}, found {state!r}")

    def _parent(self, rng: Random) -> int:
        drawn = rng.sample(self._population, min(self._sample, len(self._population)))
        return max(drawn, key=lambda number: self._history.score(self._history[number]))

    def _crossed(self, one: int, other: int, rng: Random) -> Member | None:
        children = self._space.crossover(self._history.member(one), self._history.member(other), rng)
        return next((child for child in children or () if not self._history.seen(child, 1.0)), None)

    def _mutated(self, parent: int, rng: Random) -> Proposal:
        """Return what a mutation makes of the parent, or several in a row where it was asked before."""
        member = self._history.member(parent)
        is_short = len(member.derivation.edges) <= MOST_EDITED
        operator = "edit" if rng.random() < self._edits and is_short else "mutate"
        for step in range(STEPS):
            child = self._edited(member, rng) if operator == "edit" else self._redrawn(member, rng)
            if child is None:
                break
            if not self._history.seen(child, 1.0):
                return Proposal(child, origin={"operator": operator, "parents": [parent], "steps": step + 1})
            member = child
        return Proposal(unseen(self._history, rng), origin={"operator": "start"})

    def _edited(self, member: Member, rng: Random) -> Member | None:
        """Return a neighbour in one choice, one that was not asked where there is one."""
        first = None
        for child in self._space.neighbours(member, rng):
            if not self._history.seen(child, 1.0):
                return child
            first = first or child
        return first

    def _redrawn(self, member: Member, rng: Random) -> Member | None:
        try:
            found = mutate(self._space.forest, member.derivation, rng, nodes=_by_size, sampler=self._space.sampler())
        except NoOther:
            return None
        return Member(self._space, found)


def _by_size(place: Place) -> float:
    return 1.0 / place.size
