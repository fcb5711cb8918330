"""Parents and chance -> a member that was not asked yet, by the operator that has done well of late.

Probability matching with a floor (Thierens, "An Adaptive Pursuit Strategy for Allocating Operator Probabilities", GECCO
2005) over a window (Fialho and others, "Analyzing Bandit-based Adaptive Operator Selection Mechanisms", 2010); for the
mutations of architectures, Tripathi and others, "HHNAS-AM: Hierarchical Hybrid Neural Architecture Search using Adaptive
Mutation Policies" (2025). What an operator earned is read from the history, so that there is nothing to store.
"""

from collections.abc import Callable, Mapping
from itertools import islice
from random import Random

from archc.members import Member
from archc.runtime.derivations.edit import NoOther, Place, interchange, mutate
from archc.search.protocol import History, Proposal, Trial, dominates

WINDOW = 100
"""How many of the last trials tell how good an operator is."""

FLOOR = 0.05
"""The chance that every operator keeps."""

STEPS = 8
"""How many mutations in a row lead away from members that were asked before."""

EDITS = 4
"""How many neighbours are looked at for one that is new; where so many were asked, several mutations in a row lead further."""

Vary = Callable[[Member, Member, Random], Member | None]


class Operators:
    """Varies members of a space in five ways, of which those that led to better ones are taken more often."""

    def __init__(self, history: History, *, adaptive: bool = True) -> None:
        self._history, self._space, self._adaptive = history, history.space, adaptive
        self._ways: Mapping[str, Vary] = {
            "edit": self._edit,
            "mutate": self._mutate,
            "regrow": self._regrow,
            "swap": self._swap,
            "crossover": self._cross,
        }
        self._judged: dict[int, tuple[str, bool]] = {}

    def vary(self, one: int, other: int, rng: Random) -> Proposal | None:
        """Return a child of trial `one`, perhaps with a part of `other`; None where none was found that is new."""
        members = self._history.member(one), self._history.member(other)
        shares = self.shares()
        while shares:
            name = rng.choices(list(shares), list(shares.values()))[0]
            del shares[name]
            child = self._ways[name](*members, rng)
            if child is not None and not self._history.seen(child, 1.0):
                return Proposal(child, origin={"operator": name, "parents": [one, *[other] * (name == "crossover")]})
        walked = self._walk(members[0], rng)
        return None if walked is None else Proposal(walked, origin={"operator": "walk", "parents": [one]})

    def shares(self) -> dict[str, float]:
        """Return the chance of each operator: in proportion to how often it led to what is better, above the floor."""
        tried = dict.fromkeys(self._ways, 2.0)
        better = dict.fromkeys(self._ways, 1.0)
        for number in range(max(0, len(self._history) - WINDOW), len(self._history)) if self._adaptive else ():
            name, is_better = self._judge(number)
            if name in tried:
                tried[name] += 1.0
                better[name] += is_better
        rates = {name: better[name] / tried[name] for name in tried}
        total, free = sum(rates.values()), 1.0 - FLOOR * len(rates)
        return {name: FLOOR + free * rate / total for name, rate in rates.items()}

    def _judge(self, number: int) -> tuple[str, bool]:
        """Return by which operator a trial came about, and whether it is better than its parent; no operator until it ended."""
        found = self._judged.get(number)
        if found is None:
            trial = self._history[number]
            if not trial.ended:
                return "", False
            found = self._judged[number] = str(trial.origin.get("operator")), self._is_better(trial)
            self._judged.pop(number - 2 * WINDOW, None)
        return found

    def _is_better(self, trial: Trial) -> bool:
        """Return whether a trial is better than its first parent; with several goals, whether that does not dominate it."""
        match trial.origin.get("parents"):
            case [int() as parent, *_]:
                own, before = self._history.values(trial), self._history.values(self._history[parent])
                if own is None or before is None:
                    return before is None and own is not None
                return own > before if len(own) == 1 else own != before and not dominates(before, own)
        return False

    def _edit(self, one: Member, other: Member, rng: Random) -> Member | None:
        near = islice(self._space.neighbours(one, rng), EDITS)
        return next((child for child in near if not self._history.seen(child, 1.0)), None)

    def _mutate(self, one: Member, other: Member, rng: Random) -> Member | None:
        return self._redrawn(one, rng, lambda place: 1.0 / place.size)

    def _regrow(self, one: Member, other: Member, rng: Random) -> Member | None:
        return self._redrawn(one, rng, lambda place: 1.0)

    def _swap(self, one: Member, other: Member, rng: Random) -> Member | None:
        found = interchange(self._space.forest, one.derivation, rng)
        return None if found is None else Member(self._space, found)

    def _cross(self, one: Member, other: Member, rng: Random) -> Member | None:
        found = self._space.crossover(one, other, rng)
        return None if found is None else found[0]

    def _redrawn(self, one: Member, rng: Random, weigh: Callable[[Place], float]) -> Member | None:
        try:
            found = mutate(self._space.forest, one.derivation, rng, nodes=weigh, sampler=self._space.sampler())
        except NoOther:
            return None
        return Member(self._space, found)

    def _walk(self, member: Member, rng: Random) -> Member | None:
        """Return what several small subtrees drawn anew, one behind the other, lead to once that is new."""
        for _ in range(STEPS):
            step = self._mutate(member, member, rng)
            if step is None or not self._history.seen(step, 1.0):
                return step
            member = step
        return None
