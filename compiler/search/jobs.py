"""A trial to evaluate -> its outcome: what every kind of worker offers to the loop, and the driver as its own worker."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from math import isfinite
from typing import Protocol

from archc.members import Member
from archc.search.brought import BroughtError, raised_by
from archc.search.parts import parts
from archc.search.protocol import Objective, Outcome, Proposal
from archc.search.tasks.base import AnyTask, Budget, Candidate, Reader, evaluate

LONGEST_REASON = 2000
"""How many characters of a reason are kept."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is handed: a member, its fidelity and its seed. `attempt` counts from 1."""

    number: int
    member: Member
    fidelity: float
    seed: int
    attempt: int = 1


class Evaluator(Protocol):
    """Evaluates jobs, `slots` of them at once."""

    slots: int
    seconds: float | None
    """How long one evaluation may take, for the lease."""

    def start(self, job: Job) -> None:
        """Begin an evaluation. There are never more under way than slots."""

    def wait(self, timeout: float | None = None) -> Sequence[tuple[int, Outcome]]:
        """Return which jobs have ended since, by number; wait for one at most `timeout` seconds."""

    def close(self) -> None:
        """End all that is under way, and every process."""


@dataclass(slots=True)
class Inline:
    """Evaluates in the driver's own process: for quick readers (a table, a count), without limits."""

    task: AnyTask
    objective: Objective
    slots: int = 1
    seconds: float | None = None
    _ended: list[tuple[int, Outcome]] = field(default_factory=list)

    def start(self, job: Job) -> None:
        """Evaluate at once."""
        begun = time.monotonic()
        budget = Budget(job.fidelity, job.seed)
        try:
            with _theirs(self.task):
                found = evaluate(self.task, candidate(job.member), budget)
        except BroughtError as error:
            outcome = Outcome(reason=str(error)[:LONGEST_REASON])
        except ValueError as error:
            outcome = Outcome(reason=f"{type(error).__name__}: {error}"[:LONGEST_REASON])
        else:
            outcome = judged(found, self.objective, time.monotonic() - begun)
        self._ended.append((job.number, outcome))

    def wait(self, timeout: float | None = None) -> Sequence[tuple[int, Outcome]]:
        """Return what ended."""
        found, self._ended = self._ended, []
        return found

    def close(self) -> None:
        """Do nothing: nothing is under way."""


def candidate(member: Member) -> Candidate:
    """Return what a task gets of a member in the same process. Raises ValueError where it is no network to try."""
    if not member.space.of_records:
        return Candidate(member.key, member.graph)
    network, recipe = parts(member)
    return Candidate(member.key, lambda: network.graph, recipe)


def identify(task: AnyTask, proposal: Proposal) -> str:
    """Return what the outcome of a proposal depends on besides its fidelity: the recipe too, where the space has one."""
    if isinstance(task, Reader) and not proposal.member.space.of_records:
        with _theirs(task):
            return task.identity(candidate(proposal.member))
    return proposal.member.hash


def _theirs(task: AnyTask) -> AbstractContextManager[None]:
    """Return what tells of a user's code what it raised: in this process, where no worker does."""
    kind = type(task)
    return nullcontext() if kind.__module__.startswith("archc.") else raised_by(f"{kind.__module__}:{kind.__name__}")


def judged(metrics: Mapping[str, object], objective: Objective, seconds: float) -> Outcome:
    """Return the outcome of an evaluation that returned: a reason where a metric is missing or no finite number."""
    found: dict[str, float] = {}
    for name, value in metrics.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            shown = value if isinstance(value, str) else repr(value)
            return Outcome(reason=f"the metric {name} is {shown}, expected a number"[:LONGEST_REASON], seconds=seconds)
        if isfinite(value):
            found[name] = float(value)
    missing = objective.lack({name: float(value) for name, value in metrics.items() if isinstance(value, int | float)})
    return Outcome(found, missing or "", seconds)


def is_quick(task: AnyTask) -> bool:
    """Return whether a task may be asked in the driver's process."""
    return isinstance(task, Reader) and task.quick
