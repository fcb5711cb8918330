"""What is good: what the annotation of a space says, or its task -> goals, all of which something measures."""

from collections.abc import Mapping, Sequence

from archc.check import Program
from archc.grammar import syntax as s
from archc.search.protocol import Goal, Objective, unknown
from archc.search.tasks.base import Direction

COSTS = ("params", "macs", "flops", "activation_bytes")
"""What archc counts itself, where a task does not return it. Less is better."""


class ObjectiveError(ValueError):
    """An objective that nothing measures, or that wants the opposite of what a metric is."""


def objective_of(
    program: Program, name: str, metrics: Mapping[str, Direction], *, maximize: Sequence[str], minimize: Sequence[str]
) -> Objective:
    """Return the objective that was asked for; else that of the annotation of the space, else the task's first metric.

    Raises ObjectiveError where it is none that the task and archc can measure.
    """
    wanted = tuple([Goal(metric) for metric in maximize] + [Goal(metric, False) for metric in minimize])
    goals = wanted or annotated(program, name) or tuple(_first(metrics))
    names = [goal.metric for goal in goals]
    twice = next((metric for metric in names if names.count(metric) > 1), None)
    if twice is not None:
        raise ObjectiveError(f"the objective names {twice} twice, and each metric comes once")
    for goal in goals:
        _require(goal, metrics)
    return Objective(goals)


def annotated(program: Program, name: str) -> tuple[Goal, ...]:
    """Return the goals of `@objective(maximize = ..., minimize = [...])` above a declaration; none without it.

    Raises ObjectiveError where the annotation says something else.
    """
    found: list[Goal] = []
    for annotation in program.definition(name).declaration.annotations:
        if annotation.name != "objective":
            continue
        for argument in annotation.arguments:
            if argument.name not in ("maximize", "minimize"):
                raise ObjectiveError(f"@objective takes maximize and minimize, found {argument.name or 'a value'}")
            found += [Goal(metric, argument.name == "maximize") for metric in _names(argument.value)]
    return tuple(found)


def _names(value: s.Expr) -> list[str]:
    match value:
        case s.Ref(name):
            return [name]
        case s.List(items):
            return [name for item in items if not isinstance(item, s.Spread) for name in _names(item)]
        case _:
            raise ObjectiveError("@objective names metrics: @objective(maximize = accuracy, minimize = [params])")


def _first(metrics: Mapping[str, Direction]) -> list[Goal]:
    return [Goal(name, way == "maximize") for name, way in list(metrics.items())[:1]]


def _require(goal: Goal, metrics: Mapping[str, Direction]) -> None:
    known = {**dict.fromkeys(COSTS, "minimize"), **metrics}
    if goal.metric not in known:
        raise ObjectiveError(unknown("metric", goal.metric, [*metrics, *(c for c in COSTS if c not in metrics)]))
    way = known[goal.metric]
    if (way == "maximize") != goal.maximize and goal.metric in metrics:
        better = "more" if way == "maximize" else "less"
        raise ObjectiveError(f"of {goal.metric}, {better} is better: expected to {way} it, found {goal}")
