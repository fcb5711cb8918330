"""What strategies, the loop and the store say to each other: objectives, proposals, trials, and their history."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import isfinite
from random import Random
from typing import Literal, Protocol

from archc.members import Member, Space
from archc.runtime.derivations.unique import Unasked
from archc.spaces.forest import Derivation

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""What a strategy may keep in its state, and write beside a proposal."""

Metrics = Mapping[str, float]
"""What an evaluation found, by name: `{"accuracy": 0.93, "seconds": 12.0}`."""

Status = Literal["waiting", "running", "done", "failed", "refused", "lost"]
"""waiting: asked, not begun (or again to do). done: it has metrics. failed: the evaluation ended with a reason. refused: its
cost is out of bounds, so it was not evaluated. lost: its row in the store could not be read."""

ENDED = frozenset({"done", "failed", "refused", "lost"})


@dataclass(frozen=True, slots=True)
class Goal:
    """One metric to make as great (or as small) as can be."""

    metric: str
    maximize: bool = True

    def __str__(self) -> str:
        return f"{'maximize' if self.maximize else 'minimize'} {self.metric}"


@dataclass(frozen=True, slots=True)
class Objective:
    """One goal or several. Values are oriented: greater is better, whatever the direction of the goal."""

    goals: tuple[Goal, ...]

    @classmethod
    def of(cls, *, maximize: Sequence[str] = (), minimize: Sequence[str] = ()) -> "Objective":
        """Return the objective with these metrics. Raises ValueError on none, or on one that comes twice."""
        names = [*maximize, *minimize]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"an objective needs at least one metric, each once; found {names}")
        return cls(tuple([Goal(name) for name in maximize] + [Goal(name, False) for name in minimize]))

    def values(self, metrics: Metrics) -> tuple[float, ...]:
        """Return the value of each goal, negated where it is minimized. Raises KeyError on a metric that is missing."""
        return tuple(metrics[goal.metric] if goal.maximize else -metrics[goal.metric] for goal in self.goals)

    def lack(self, metrics: Metrics) -> str | None:
        """Return why these metrics have no values (one is missing, or not a finite number); None where they have."""
        for goal in self.goals:
            if goal.metric not in metrics:
                return f"expected the metric {goal.metric}, found {', '.join(sorted(metrics)) or 'none'}"
            if not isfinite(metrics[goal.metric]):
                return f"expected a finite {goal.metric}, found {metrics[goal.metric]}"
        return None

    def __str__(self) -> str:
        return ", ".join(map(str, self.goals))


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether oriented values are nowhere worse and somewhere better than others."""
    return all(a >= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a strategy asks to have tried.

    `fidelity` is the share of the full budget of an evaluation, above 0 and at most 1. `origin` says how it came about,
    for the report: `{"operator": "mutate", "parents": [3]}`, parents by number of trial.
    """

    member: Member
    fidelity: float = 1.0
    origin: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """One try of one member at one fidelity: what was asked, and how it ended. Times are seconds since 1970.

    `identity` is what the outcome depends on: the hash of the architecture, or what the task says. Where another trial of
    that identity and fidelity was evaluated, `same_as` is its number, and the outcome is that one's.
    """

    number: int
    key: str
    derivation: Derivation
    identity: str
    seed: int
    fidelity: float
    status: Status
    metrics: Metrics = field(default_factory=dict)
    reason: str = ""
    origin: Mapping[str, Json] = field(default_factory=dict)
    same_as: int | None = None
    attempts: int = 0
    asked: float = 0.0
    seconds: float = 0.0
    lease: float = 0.0

    @property
    def done(self) -> bool:
        """Whether it has metrics; a trial that ended without has none, and is worse than every other."""
        return self.status == "done"

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one evaluation: metrics, or the reason for which there are none."""

    metrics: Metrics = field(default_factory=dict)
    reason: str = ""
    seconds: float = 0.0
    retry: bool = False
    """Whether the fault was the worker's, not the candidate's, so that another worker may try."""

    @property
    def done(self) -> bool:
        """Whether there are metrics."""
        return not self.reason


class History:
    """All trials of a search, by number: what was asked so far, and what came of it. Strategies read it and keep none of it.

    What was asked is seen at once; outcomes are there when the strategy is told. It is the same after `--resume`.
    """

    __slots__ = ("_asked", "_best", "_members", "_numbers", "_open", "_trials", "_unasked", "objective", "space")

    def __init__(self, space: Space, objective: Objective) -> None:
        self.space, self.objective = space, objective
        self._trials: list[Trial] = []
        self._numbers: dict[tuple[str, float], int] = {}
        self._asked: set[str] = set()
        self._members: dict[int, Member] = {}
        self._open: dict[int, None] = {}
        self._best: dict[float, int] = {}
        self._unasked: dict[float, tuple[Unasked, int]] = {}

    def __len__(self) -> int:
        return len(self._trials)

    def __getitem__(self, number: int) -> Trial:
        """Return the trial of a number. Raises IndexError where there is none."""
        return self._trials[number]

    def __iter__(self) -> Iterator[Trial]:
        """Yield the trials by number."""
        return iter(self._trials)

    @property
    def distinct(self) -> int:
        """How many members were asked, at whatever fidelity. It is `space.count()` when all were."""
        return len(self._asked)

    def seen(self, member: Member, fidelity: float | None = None) -> bool:
        """Return whether a member was asked; at this fidelity, or (None) at any."""
        return member.key in self._asked if fidelity is None else (member.key, fidelity) in self._numbers

    def find(self, member: Member, fidelity: float = 1.0) -> Trial | None:
        """Return the trial of a member at a fidelity, if it was asked."""
        number = self._numbers.get((member.key, fidelity))
        return None if number is None else self._trials[number]

    def member(self, number: int) -> Member:
        """Return what a trial tries. Raises ValueError for a lost trial."""
        trial = self._trials[number]
        if trial.status == "lost":
            raise ValueError(f"trial {number} is lost: its row in the store could not be read")
        return self._members.get(number) or Member(self.space, trial.derivation)

    def unasked(self, fidelity: float = 1.0) -> Unasked:
        """Return what draws by weights among the members that were not asked at a fidelity."""
        drawn, known = self._unasked.get(fidelity) or (Unasked(self.space.sampler("weights")), 0)
        for trial in self._trials[known:]:
            if trial.status != "lost" and trial.fidelity == fidelity:
                drawn.note(trial.derivation)
        self._unasked[fidelity] = drawn, len(self._trials)
        return drawn

    def values(self, trial: Trial) -> tuple[float, ...] | None:
        """Return the oriented values of a trial, greater is better; None where it has none."""
        return self.objective.values(trial.metrics) if trial.done else None

    def score(self, trial: Trial) -> float:
        """Return the oriented value of the first goal; minus infinity where there is none."""
        return self.objective.values(trial.metrics)[0] if trial.done else float("-inf")

    def best(self, fidelity: float = 1.0) -> Trial | None:
        """Return the done trial with the greatest score at a fidelity, the first of equals."""
        number = self._best.get(fidelity)
        return None if number is None else self._trials[number]

    def under_way(self) -> list[Trial]:
        """Return the trials that have not ended, by number."""
        return [self._trials[number] for number in sorted(self._open)]

    def front(self, fidelity: float = 1.0) -> list[Trial]:
        """Return the done trials that no other dominates, the first of equals, by number."""
        found: list[tuple[tuple[float, ...], Trial]] = []
        for trial in self._trials:
            if not trial.done or trial.fidelity != fidelity:
                continue
            own = self.objective.values(trial.metrics)
            if not any(dominates(values, own) or values == own for values, _ in found):
                found = [pair for pair in found if not dominates(own, pair[0])]
                found.append((own, trial))
        return [trial for _, trial in found]

    def put(self, trial: Trial, member: Member | None = None) -> None:
        """Note a trial that was asked, or how one stands now. It is the loop that does so.

        The member, which may hold its graph, is kept until the trial has ended.
        """
        if trial.number == len(self._trials):
            self._trials.append(trial)
            if trial.status != "lost":
                self._numbers.setdefault((trial.key, trial.fidelity), trial.number)
                self._asked.add(trial.key)
        else:
            self._trials[trial.number] = trial
        if not trial.ended:
            self._open[trial.number] = None
            if member is not None:
                self._members[trial.number] = member
            return
        self._open.pop(trial.number, None)
        self._members.pop(trial.number, None)
        best = self._best.get(trial.fidelity)
        if trial.done and (best is None or self.score(trial) > self.score(self._trials[best])):
            self._best[trial.fidelity] = trial.number


@dataclass(frozen=True, slots=True)
class Context:
    """What a strategy is made with: the space to search, what is good, and the history that the loop fills."""

    space: Space
    objective: Objective
    history: History
    evaluations: int | None = None
    """How many evaluations the search may take, if that is bounded: for schedules."""


class Spent(Exception):
    """A strategy has nothing to propose, and never will have."""


class Strategy(Protocol):
    """Decides which member to try next. Made by `archc.search.named.make(name, context, settings)`.

    Rules: a proposal is a member of `context.space` that was not asked before at that fidelity (`history.seen`); chance comes
    from the `rng` that is handed to `ask` and from nothing else; what must survive a crash is in `state()`, small, and
    refers to trials by number, since all of them are in `history`. After `restore(state())` on a new object with the same
    history, both go on alike. Several trials may be under way: ask is called before all before it were told.
    """

    def ask(self, rng: Random) -> Proposal | None:
        """Return what to try next; None if that depends on trials under way. Raises Spent when nothing is left to try.

        It is asked again, with the same `rng`, where it returned None and was told since.
        """

    def tell(self, trial: Trial) -> None:
        """Take note that a trial ended: done, failed, refused or lost (history.score: minus infinity).

        Trials come that were not asked for (given architectures, those of another strategy): take them as its own.
        """

    def state(self) -> Json:
        """Return what it knows beyond the history, as JSON."""

    def restore(self, state: Json) -> None:
        """Go on from what `state` returned. Raises ValueError on the state of another strategy."""


def unknown(kind: str, name: str, known: Sequence[str]) -> str:
    """Return the sentence for a name that nothing has."""
    close = get_close_matches(name, known, 1) or [entry for entry in known if name and entry.startswith(name)]
    return f"no {kind} is called {name!r}; {f'nearest: {close[0]}' if close else 'there are ' + ', '.join(known) if known else 'there are none'}"
