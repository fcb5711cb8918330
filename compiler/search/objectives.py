"""What is good: what the annotation of a space says, or its task -> goals, all of which something measures."""

from collections.abc import Mapping, Sequence

from archc.check import Program
from archc.grammar import syntax as s
from archc.grammar.source import NOWHERE, Span
from archc.search.protocol import Goal, Objective, unknown
from archc.search.tasks.base import Direction

COSTS = ("params", "macs", "flops", "activation_bytes")
"""What archc counts itself, where a task does not return it. Less is better."""


class ObjectiveError(ValueError):
    """An objective that nothing measures, or that wants the opposite of what a metric is.

    `span` is where an annotation says so; `hint` is what would do instead.
    """

    def __init__(self, message: str, span: Span = NOWHERE, hint: str = "") -> None:
        super().__init__(message)
        self.span, self.hint = span, hint


def objective_of(
    program: Program, name: str, metrics: Mapping[str, Direction], *, maximize: Sequence[str], minimize: Sequence[str]
) -> Objective:
    """Return the objective that was asked for; else that of the annotation of the space, else the task's first metric.

    Raises ObjectiveError where it is none that the task and archc can measure.
    """
    asked = [Goal(metric) for metric in maximize] + [Goal(metric, False) for metric in minimize]
    wanted = [(goal, NOWHERE) for goal in asked] or annotated(program, name)
    goals = tuple(goal for goal, _ in wanted) or tuple(_first(metrics))
    names = [goal.metric for goal in goals]
    for goal, span in wanted:
        if names.count(goal.metric) > 1:
            raise ObjectiveError(f"the objective names {goal.metric} twice, and each metric comes once", span)
        _require(goal, metrics, span)
    return Objective(goals)


def annotated(program: Program, name: str) -> list[tuple[Goal, Span]]:
    """Return the goals of `@objective(maximize = ..., minimize = [...])` above a declaration, each with its place.

    Raises ObjectiveError where the annotation says something else.
    """
    found: list[tuple[Goal, Span]] = []
    for annotation in program.definition(name).declaration.annotations:
        if annotation.name != "objective":
            continue
        for argument in annotation.arguments:
            if argument.name not in ("maximize", "minimize"):
                what = argument.name or "a value"
                raise ObjectiveError(f"@objective takes maximize and minimize, found {what}", argument.span)
            found += [(Goal(name, argument.name == "maximize"), span) for name, span in _names(argument.value)]
    return found


def _names(value: s.Expr) -> list[tuple[str, Span]]:
    match value:
        case s.Ref(name):
            return [(name, value.span)]
        case s.List(items):
            return [pair for item in items if not isinstance(item, s.Spread) for pair in _names(item)]
        case _:
            text = "@objective names metrics"
            raise ObjectiveError(text, value.span, "@objective(maximize = accuracy, minimize = [params])")


def _first(metrics: Mapping[str, Direction]) -> list[Goal]:
    return [Goal(name, way == "maximize") for name, way in list(metrics.items())[:1]]


def _require(goal: Goal, metrics: Mapping[str, Direction], span: Span) -> None:
    known = {**dict.fromkeys(COSTS, "minimize"), **metrics}
    if goal.metric not in known:
        text = unknown("metric", goal.metric, [*metrics, *(c for c in COSTS if c not in metrics)])
        first = next(iter({**metrics, **known}.items()))
        raise ObjectiveError(text, span, f"--{first[1]} {first[0]}")
    way = known[goal.metric]
    if (way == "maximize") != goal.maximize and goal.metric in metrics:
        better = "more" if way == "maximize" else "less"
        raise ObjectiveError(
            f"of {goal.metric}, {better} is better: expected to {way} it, found {goal}", span, f"--{way} {goal.metric}"
        )
