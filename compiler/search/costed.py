"""An evaluator whose outcomes also say what archc counts: parameters, multiply-accumulates and the like."""

from collections.abc import Sequence
from dataclasses import replace

from archc.members import Member
from archc.search.jobs import Evaluator, Job, judged
from archc.search.objectives import COSTS
from archc.search.protocol import Objective, Outcome

ALWAYS = ("params",)
"""Costs that are noted with every trial."""


def measured(objective: Objective) -> Objective:
    """Return the goals that the task has to measure: those that archc does not count, perhaps none."""
    return Objective(tuple(goal for goal in objective.goals if goal.metric not in COSTS))


class Costed:
    """Hands jobs to another evaluator, made for `measured(objective)`, and adds costs that its metrics lack."""

    def __init__(self, inner: Evaluator, objective: Objective) -> None:
        self.slots, self.seconds = inner.slots, inner.seconds
        self._inner, self._objective = inner, objective
        self._wanted = sorted({*ALWAYS, *(goal.metric for goal in objective.goals if goal.metric in COSTS)})
        self._members: dict[int, Member] = {}

    def start(self, job: Job) -> None:
        """Begin an evaluation."""
        self._members[job.number] = job.member
        self._inner.start(job)

    def wait(self, timeout: float | None = None) -> Sequence[tuple[int, Outcome]]:
        """Return which jobs have ended since, with costs."""
        return [(number, self._with_costs(number, outcome)) for number, outcome in self._inner.wait(timeout)]

    def close(self) -> None:
        """End all that is under way."""
        self._members.clear()
        self._inner.close()

    def _with_costs(self, number: int, outcome: Outcome) -> Outcome:
        member = self._members.pop(number)
        if not outcome.done:
            return outcome
        costs = {name: float(member.cost(name)) for name in self._wanted if name not in outcome.metrics}
        return replace(judged({**outcome.metrics, **costs}, self._objective, outcome.seconds), retry=outcome.retry)
