"""Regularised evolution: the best of a few is varied, and the oldest leaves the population.

Real, Aggarwal, Huang and Le, "Regularized Evolution for Image Classifier Architecture Search" (AAAI 2019), whose mutation
changes one choice. Here a share of `edits` of the mutations does that, whatever types lie between; the others draw a
subtree anew from its own state, as in grammatical genetic programming (Whigham 1995), small ones more often, each in
proportion to 1 / its size. Subtrees alone do not reach everything: where an option changes a type (a part that is only
zeros), it stands in another state. With a chance of `crossover`, two parents exchange subtrees of one state instead. It begins
with members of many sizes (`archc.search.starts`).
"""

from random import Random

from archc.members import Member
from archc.runtime.derivations.edit import NoOther, Place, mutate
from archc.search.ageing import Ageing
from archc.search.protocol import Context, Json, Proposal, Trial
from archc.search.starts import Starts

STEPS = 20
"""How many mutations in a row lead away from members that were asked before, until one is drawn at random instead."""

MOST_EDITED = 100
"""Nodes of a derivation in which one choice is edited: to find which edits there are takes 0.7 ms for a cell of 33 nodes, and
tens of them for 1,700. Longer ones are mutated by subtrees alone."""


class Evolution:
    """Varies the best of `sample` of the last `population` trials; begins anew where `patience` populations brought nothing."""

    def __init__(
        self,
        context: Context,
        *,
        population: int = 20,
        sample: int = 10,
        crossover: float = 0.3,
        edits: float = 0.5,
        patience: int = 3,
    ) -> None:
        if not 0.0 <= crossover <= 1.0 or not 0.0 <= edits <= 1.0:
            found = f"crossover={crossover}, edits={edits}"
            raise ValueError(f"expected crossover and edits from 0 to 1, found {found}")
        self._history, self._space = context.history, context.space
        self._crossover, self._edits = crossover, edits
        self._starts = Starts(context.history)
        self._population = Ageing(context.history, size=population, sample=sample, patience=patience)

    def ask(self, rng: Random) -> Proposal:
        """Return a random member until the population is full, then a child. Raises Spent where all members were asked."""
        if self._population.begins():
            return Proposal(self._starts.draw(rng), origin={"operator": "start"})
        parent = self._population.parent(rng)
        if rng.random() < self._crossover:
            other = self._population.parent(rng)
            child = self._crossed(parent, other, rng)
            if child is not None:
                return Proposal(child, origin={"operator": "crossover", "parents": [parent, other]})
        return self._mutated(parent, rng)

    def tell(self, trial: Trial) -> None:
        """Let a trial that has metrics into the population; the oldest leaves it, or all do where none was better for long."""
        self._population.tell(trial)

    def state(self) -> Json:
        """Return the population, by number, and how long nothing was better."""
        return self._population.state()

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        self._population.restore(state)

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
        return Proposal(self._starts.draw(rng), origin={"operator": "start"})

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
