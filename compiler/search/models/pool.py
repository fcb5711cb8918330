"""A history and chance -> members that are worth a model's look: one choice away from the best, and drawn at random.

White, Neiswanger and Savani, "BANANAS" (AAAI 2021): an acquisition is best optimised by minimal mutations of the incumbents.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random

from archc.members import Member
from archc.runtime.derivations.edit import NoOther
from archc.search.fresh import unseen
from archc.search.protocol import History, Trial
from archc.spaces.forest import Derivation

MOST_NEIGHBOURS = 60
"""Of members with many choices, so many neighbours are looked at."""

MOST_NODES = 40_000
"""Members with many nodes take long to describe: there are fewer candidates then, so that they have about so many at a time."""


@dataclass(slots=True)
class Pool:
    """Proposes candidates. It keeps the neighbours of incumbents, which depend on nothing but these."""

    history: History
    incumbents: int = 10
    draws: int = 100
    _around: dict[int, list[Member]] = field(default_factory=dict)

    def candidates(self, trials: Sequence[Trial], values: Sequence[float], rng: Random) -> dict[Member, int | None]:
        """Return members that were not asked, at least one, each with the number of the incumbent that it is made of.

        `values` says how good the trials are. Raises Spent where all members were asked.
        """
        order = sorted(range(len(trials)), key=lambda at: (-values[at], trials[at].number))
        best = [trials[at].number for at in order[: self.incumbents]]
        self._around = {number: members for number, members in self._around.items() if number in best}
        found: dict[Member, int | None] = {}
        for number in best:
            self._add(found, self._neighbours(number), number)
            self._add(found, self._redrawn(number, rng), number)
        draws = _fewer(self.draws, self.history[best[0]].derivation) if best else self.draws
        self._add(found, self.history.space.sample(rng, draws), None)
        if not found:
            found[unseen(self.history, rng)] = None
        return found

    def _add(self, found: dict[Member, int | None], members: Iterable[Member], number: int | None) -> None:
        for member in members:
            if not self.history.seen(member, 1.0):
                found.setdefault(member, number)

    def _neighbours(self, number: int) -> list[Member]:
        """Return neighbours of a trial: of many, those that its seed draws."""
        if number not in self._around:
            drawn = self.history.space.neighbours(self.history.member(number), Random(self.history[number].seed))
            self._around[number] = list(islice(drawn, _fewer(MOST_NEIGHBOURS, self.history[number].derivation)))
        return self._around[number]

    def _redrawn(self, number: int, rng: Random) -> list[Member]:
        """Return a few members that have another subtree somewhere."""
        member = self.history.member(number)
        try:
            return [self.history.space.mutate(member, rng) for _ in range(3)]
        except NoOther:
            return []


def _fewer(many: int, derivation: Derivation) -> int:
    return max(5, min(many, MOST_NODES // len(derivation.edges)))
