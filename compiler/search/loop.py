"""The loop of a search: ask, evaluate, tell, store."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from random import Random
from typing import Protocol

from archc.members import Member, Space
from archc.search.jobs import Evaluator, Job
from archc.search.named import DEFAULT, make
from archc.search.protocol import (
    Context,
    History,
    Json,
    Objective,
    Outcome,
    Proposal,
    Spent,
    Status,
    Strategy,
    Trial,
)

ATTEMPTS = 3
"""How often a trial is begun at most where its worker is lost."""

MOST_IN_VAIN = 10_000
"""After so many proposals in a row that needed no evaluation (known architectures, costs out of bounds) a search ends."""

MARGIN = 60.0
"""Seconds by which a lease outlives the time limit of an evaluation."""


class Filter(Protocol):
    """Refuses members before a worker is touched. `cost`, `low` and `high` are what the store says of it."""

    @property
    def cost(self) -> str:
        """What is looked at."""

    @property
    def low(self) -> int | None:
        """The least that is taken."""

    @property
    def high(self) -> int | None:
        """The greatest that is taken."""

    def refuses(self, member: Member) -> str | None:
        """Return why a member is refused, None where it is not."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a member may cost: checked on its graph, before a worker is touched."""

    cost: str
    low: int | None = None
    high: int | None = None

    def refuses(self, member: Member) -> str | None:
        """Return why a member is out of bounds, None where it is not."""
        found = member.cost(self.cost)
        if self.low is not None and found < self.low:
            return f"{self.cost} = {found}, at least {self.low} wanted"
        if self.high is not None and found > self.high:
            return f"{self.cost} = {found}, at most {self.high} wanted"
        return None


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched, and how. `evaluations` and `seconds` end it; all else decides which trials it has.

    `ahead` says how many trials may be under way when the strategy is asked: then the trials are the same whatever
    evaluates them, however fast. None: as many as there are workers, told as they end, in whatever order that is.
    `given` are tried first.
    """

    space: Space
    objective: Objective
    strategy: str = DEFAULT
    settings: Mapping[str, Json] = field(default_factory=dict)
    seed: int = 0
    evaluations: int | None = None
    seconds: float | None = None
    ahead: int | None = None
    bounds: tuple[Filter, ...] = ()
    given: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """What a search goes on from: its trials by number, how many the strategy was told in order, and its state."""

    trials: Sequence[Trial] = ()
    told: int = 0
    state: Json = None
    has_state: bool = False


class Keeper(Protocol):
    """What keeps trials: when `save` returns, they outlive the process and the machine's power."""

    def save(self, trials: Sequence[Trial], told: int, state: Json) -> None:
        """Keep how these trials stand now, in one transaction. Raises StoreError, and then nothing of it was kept."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a search ended: all its trials, and why it stopped."""

    history: History
    stopped: str


def seed_of(seed: int, number: int) -> int:
    """Return the seed of a trial: the same for a search and a number in every process."""
    return int.from_bytes(blake2b(f"{seed} {number}".encode(), digest_size=7).digest(), "big")


def run(
    search: Search,
    evaluator: Evaluator,
    identify: Callable[[Proposal], str],
    *,
    keeper: Keeper | None = None,
    saved: Saved = Saved(),
    ended: Callable[[Trial], None] | None = None,
) -> Result:
    """Run a search until its budget is spent, and return what it found; `ended` gets each trial once that is stored.

    Raises KeyError and ValueError as `make` does, and what the keeper raises. Whatever ends it, KeyboardInterrupt too, what was
    kept can be gone on from. Close the evaluator behind it, which ends what is still under way.
    """
    _check(search)
    loop = _Loop(search, evaluator, identify, keeper, ended or _ignore)
    loop.restore(saved)
    return loop.run()


def _check(search: Search) -> None:
    for name, value in (("evaluations", search.evaluations), ("seconds", search.seconds), ("ahead", search.ahead)):
        if value is not None and not value > 0:
            raise ValueError(f"{name}: expected more than 0, found {value}")


def _ignore(trial: Trial) -> None:
    """Do nothing with a trial."""


class _Loop:
    """One search under way. `trials` is the truth; the history shows the strategy what it was told."""

    def __init__(
        self,
        search: Search,
        evaluator: Evaluator,
        identify: Callable[[Proposal], str],
        keeper: Keeper | None,
        ended: Callable[[Trial], None],
    ) -> None:
        self.search, self.evaluator, self.identify = search, evaluator, identify
        self.keeper, self.ended = keeper, ended
        self.history = History(search.space, search.objective)
        context = Context(search.space, search.objective, self.history, search.evaluations)
        self.strategy: Strategy = make(search.strategy, context, search.settings)
        self.trials: list[Trial] = []
        self.told = 0
        self.first: dict[tuple[str, float], int] = {}
        self.followers: dict[int, list[int]] = {}
        self.queue: list[int] = []
        self.running: set[int] = set()
        self.changed: dict[int, Trial] = {}
        self.evaluations = 0
        self.vain = 0
        self.blocked = False
        self.spent = ""
        self.begun = time.monotonic()

    # ---------------------------------------------------------------- from the store
    def restore(self, saved: Saved) -> None:
        """Go on from what was kept: what was under way waits again, and what the strategy was not told stays hidden."""
        self.told = saved.told if saved.has_state else self._prefix(saved.trials)
        for trial in saved.trials:
            again = trial if trial.ended else replace(trial, status="waiting", lease=0.0)
            if not again.ended and again.same_as is not None and self.trials[again.same_as].ended:
                again = replace(again, same_as=None)  # the outcome that it waited for was lost
            self.trials.append(again)
            is_hidden = self._is_ordered and again.number >= self.told and again.ended and again.status != "lost"
            self.history.put(replace(again, status="running", metrics={}, reason="") if is_hidden else again)
            self._count(again)
            if again.same_as is None and again.status != "lost":
                self.first.setdefault((again.identity, again.fidelity), again.number)
            if again.ended:
                continue
            if again.same_as is None:
                self.queue.append(again.number)
            else:
                self.followers.setdefault(again.same_as, []).append(again.number)
        if saved.has_state:
            self.strategy.restore(saved.state)
            return
        for trial in self.history:
            if trial.ended:
                self.strategy.tell(trial)

    def _prefix(self, trials: Sequence[Trial]) -> int:
        """Return how many trials a new strategy can be told in order."""
        return next((trial.number for trial in trials if not trial.ended), len(trials))

    def _count(self, trial: Trial) -> None:
        if trial.same_as is None and trial.status not in ("refused", "lost"):
            self.evaluations += 1

    # ---------------------------------------------------------------- the loop
    @property
    def _is_ordered(self) -> bool:
        return self.search.ahead is not None

    def run(self) -> Result:
        """Return how the search ended."""
        while True:
            self._fill()
            jobs = self._jobs()
            self._keep()
            for job in jobs:
                self.evaluator.start(job)
            if not self.running:
                break
            for number, outcome in self.evaluator.wait(self._left()):
                self._take(number, outcome)
            if self._is_late():
                self._let_go()
                break
        for trial in self.trials:
            self.history.put(trial)
        return Result(self.history, self.spent or self._stopped() or "no proposal and nothing under way")

    def _let_go(self) -> None:
        """Store all that is under way as waiting: a search that resumes begins it again."""
        for number in sorted(self.running):
            self._set(replace(self.trials[number], status="waiting", lease=0.0))
            self.queue.append(number)
        self.running.clear()
        self._keep()

    def _fill(self) -> None:
        """Ask and tell until the workers have enough to do or the search is over."""
        while not self._stopped():
            if self._may_ask():
                self._ask()
            elif not self._tell_next():
                return

    def _may_ask(self) -> bool:
        if self.blocked or self.spent:
            return False
        if self.search.ahead is not None:
            return len(self.trials) - self.told < self.search.ahead
        return len(self.queue) + len(self.running) < self.evaluator.slots

    def _tell_next(self) -> bool:
        """In order: tell the trial that comes next if it has ended, and say whether there was one."""
        if not self._is_ordered or self.told >= len(self.trials) or not self.trials[self.told].ended:
            return False
        self._tell(self.trials[self.told])
        return True

    def _tell(self, trial: Trial) -> None:
        self.history.put(trial)
        self.strategy.tell(trial)
        self.told += 1
        self.blocked = False

    def _stopped(self) -> str:
        """Return why no more is asked; nothing while there is more."""
        search = self.search
        if search.evaluations is not None and self.evaluations >= search.evaluations:
            return f"{self.evaluations} evaluations"
        if self._is_late():
            return f"{search.seconds} seconds"
        if self.vain >= MOST_IN_VAIN:
            return f"{self.vain} proposals in a row were known or out of bounds"
        return ""

    def _is_late(self) -> bool:
        return self.search.seconds is not None and time.monotonic() - self.begun >= self.search.seconds

    def _left(self) -> float | None:
        if self.search.seconds is None:
            return None
        return max(0.0, self.search.seconds - (time.monotonic() - self.begun))

    # ---------------------------------------------------------------- asking
    def _ask(self) -> None:
        number = len(self.trials)
        seed = seed_of(self.search.seed, number)
        try:
            proposal = self._given(number) or self.strategy.ask(Random(seed))
        except Spent as spent:
            self.spent = str(spent)
            return
        if proposal is None:
            self.blocked = True
            return
        self._enter(number, seed, proposal)

    def _given(self, number: int) -> Proposal | None:
        given = [member for member in self.search.given[number:] if not self.history.seen(member)]
        return Proposal(given[0], origin={"operator": "given"}) if given else None

    def _enter(self, number: int, seed: int, proposal: Proposal) -> None:
        member, fidelity = proposal.member, proposal.fidelity
        if self.history.seen(member, fidelity) or not 0.0 < fidelity <= 1.0:
            raise AssertionError(f"{self.search.strategy} proposed {member!r} at {fidelity} (again, or out of range)")
        refused = next((why for bound in self.search.bounds if (why := bound.refuses(member))), None)
        identity = "" if refused else self.identify(proposal)
        same = None if refused else self.first.setdefault((identity, fidelity), number)
        trial = Trial(
            number,
            member.key,
            member.derivation,
            identity,
            seed,
            fidelity,
            "refused" if refused else "waiting",
            reason=refused or "",
            origin=proposal.origin,
            same_as=None if same == number else same,
            asked=time.time(),
        )
        self.trials.append(trial)
        self.history.put(replace(trial, status="waiting"), member)
        self.changed[number] = trial
        self._count(trial)
        self.vain += 1
        if refused:
            self._end(trial)
        elif trial.same_as is None:
            self.vain = 0
            self.queue.append(number)
        elif self.trials[trial.same_as].ended:
            self._end(_like(trial, self.trials[trial.same_as]))
        else:
            self.followers.setdefault(trial.same_as, []).append(number)

    # ---------------------------------------------------------------- evaluating
    def _jobs(self) -> list[Job]:
        """Return what to begin now, which then is running."""
        found: list[Job] = []
        while self.queue and len(self.running) < self.evaluator.slots and not self._is_late():
            number = self.queue.pop(0)
            limit = self.evaluator.seconds
            lease = time.time() + limit + MARGIN if limit is not None else 0.0
            trial = replace(
                self.trials[number], status="running", attempts=self.trials[number].attempts + 1, lease=lease
            )
            self._set(trial)
            self.running.add(number)
            member = self.history.member(number)
            found.append(Job(number, member, trial.fidelity, trial.seed, trial.attempts))
        return found

    def _take(self, number: int, outcome: Outcome) -> None:
        """Take the outcome of a trial, or let another worker try."""
        self.running.discard(number)
        trial = self.trials[number]
        if outcome.retry and trial.attempts < ATTEMPTS:
            self._set(replace(trial, status="waiting", lease=0.0))
            self.queue.insert(0, number)
            return
        status: Status = "done" if outcome.done else "failed"
        self._end(
            replace(
                trial,
                status=status,
                metrics=outcome.metrics if outcome.done else {},
                reason=outcome.reason,
                seconds=outcome.seconds,
                lease=0.0,
            )
        )

    def _end(self, trial: Trial) -> None:
        """Note that a trial ended, and those that are the same with it; tell the strategy unless that goes in order."""
        self._set(trial)
        if not self._is_ordered:
            self._tell(trial)
        for number in self.followers.pop(trial.number, ()):
            self._end(_like(self.trials[number], trial))

    def _set(self, trial: Trial) -> None:
        self.trials[trial.number] = self.changed[trial.number] = trial

    def _keep(self) -> None:
        """Store what changed, and only then show what ended."""
        if self.keeper is not None and self.changed:
            self.keeper.save(list(self.changed.values()), self.told, self.strategy.state())
        shown = [trial for trial in self.changed.values() if trial.ended]
        self.changed.clear()
        for trial in shown:
            self.ended(trial)


def _like(trial: Trial, other: Trial) -> Trial:
    """Return the trial with the outcome of another, which is the same."""
    return replace(trial, status=other.status, metrics=other.metrics, reason=other.reason)
