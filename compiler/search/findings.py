"""What a store holds -> the figures of a report: curves, the random baseline, fronts and distributions."""

from collections.abc import Sequence
from dataclasses import dataclass

from archc.search.about import About
from archc.search.protocol import Goal, History, Metrics, Objective, Trial, dominates
from archc.search.reading import Contents

RANDOM = ("random", "uniform")
"""Strategies whose trials are a random baseline."""

DRAWN = ("start", "random", "uniform")
"""Operators that draw at random, whatever the strategy."""

FEWEST = 5
"""So many random trials make a baseline."""

POINTS = 80


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a line: after so many evaluations, the value."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What random search gives: the values of its trials, and the best of so many of them, expected and in between."""

    source: str
    values: tuple[float, ...]
    expected: Curve
    low: Curve
    high: Curve


@dataclass(frozen=True, slots=True)
class Improvement:
    """How much better the best is than random search, in percent of it (Yang, Esperança and Carlucci, ICLR 2020).

    `over_mean` is their measure, over the mean of random architectures; `over_best` is over the expected best of as many
    random ones, `low` and `high` over what random search reaches in nine of ten runs and in one of ten.
    """

    evaluations: int
    over_mean: float
    over_best: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Findings:
    """The figures of a report."""

    about: About
    objective: Objective
    trials: tuple[Trial, ...]
    curve: Curve
    others: tuple[Curve, ...]
    baseline: Baseline | None
    improvement: Improvement | None
    damage: tuple[str, ...]


def findings(contents: Contents, other: Contents | None = None) -> Findings:
    """Return the figures of a store; `other` is a store to compare with, of the same objective."""
    objective = objective_of(str(contents.about.fixed["objective"]))
    trials = tuple(contents.saved.trials)
    goal = objective.goals[0]
    curve = best_so_far(str(contents.about.fixed["strategy"]), trials, goal)
    others = () if other is None else (best_so_far(_name(other), other.saved.trials, goal),)
    baseline = _baseline(contents, other, goal)
    improvement = _improvement(curve, baseline, goal)
    return Findings(contents.about, objective, trials, curve, others, baseline, improvement, contents.damage)


def objective_of(text: str) -> Objective:
    """Return the objective that prints as `text`."""
    words = [part.split(" ", 1) for part in text.split(", ")]
    return Objective(tuple(Goal(metric, way == "maximize") for way, metric in words))


def evaluated(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that were evaluated in full: each architecture once."""
    return [trial for trial in trials if trial.done and trial.fidelity == 1.0 and trial.same_as is None]


def best_so_far(name: str, trials: Sequence[Trial], goal: Goal) -> Curve:
    """Return the best value after so many evaluations, those without a result counted too."""
    points: list[tuple[float, float]] = []
    best: float | None = None
    count = 0
    for trial in trials:
        if trial.same_as is not None or trial.status not in ("done", "failed"):
            continue
        count += 1
        value = trial.metrics.get(goal.metric) if trial.fidelity == 1.0 else None
        if value is not None and (best is None or (value > best) == goal.maximize):
            best = value
        if best is not None:
            points.append((count, best))
    return Curve(name, tuple(points))


def front(trials: Sequence[Trial], objective: Objective) -> list[Trial]:
    """Return the trials that no other dominates."""
    values = [(objective.values(trial.metrics), trial) for trial in evaluated(trials)]
    return [trial for own, trial in values if not any(dominates(other, own) for other, _ in values)]


def history_of(contents: Contents, history: History) -> History:
    """Return the history with all trials of a store in it."""
    for trial in contents.saved.trials:
        history.put(trial)
    return history


def distribution(values: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Return the empirical distribution function: each value, and which share of all is at most that."""
    ordered = sorted(values)
    return tuple((value, (at + 1) / len(ordered)) for at, value in enumerate(ordered))


def metric(trials: Sequence[Trial], name: str) -> list[float]:
    """Return the values that trials have of a metric."""
    found: list[Metrics] = [trial.metrics for trial in evaluated(trials)]
    return [metrics[name] for metrics in found if name in metrics]


# ---------------------------------------------------------------- the random baseline
def _name(contents: Contents) -> str:
    return str(contents.about.fixed["strategy"])


def _baseline(contents: Contents, other: Contents | None, goal: Goal) -> Baseline | None:
    for source, store in (("the second store", other), ("this store", contents)):
        if store is None:
            continue
        trials = evaluated(store.saved.trials)
        if _name(store) not in RANDOM and store is contents:
            trials = [trial for trial in trials if trial.origin.get("operator") in DRAWN]
        values = [trial.metrics[goal.metric] for trial in trials if goal.metric in trial.metrics]
        if len(values) >= FEWEST:
            return baseline(source, values, goal)
    return None


def baseline(source: str, values: Sequence[float], goal: Goal) -> Baseline:
    """Return what the best of n of these values is, drawn with replacement, for n from 1 to as many."""
    ordered = sorted(values, reverse=not goal.maximize)
    sizes = sorted({max(1, round(len(ordered) * step / POINTS)) for step in range(1, POINTS + 1)} | {1})
    expected, low, high = [], [], []
    for size in sizes:
        chances = _chances(len(ordered), size)
        expected.append((float(size), sum(chance * value for chance, value in zip(chances, ordered, strict=True))))
        low.append((float(size), _quantile(chances, ordered, 0.1)))
        high.append((float(size), _quantile(chances, ordered, 0.9)))
    lines = (("expected of random", expected), ("one of ten is below", low), ("one of ten is above", high))
    return Baseline(source, tuple(values), *(Curve(name, tuple(points)) for name, points in lines))


def _chances(total: int, size: int) -> list[float]:
    """Return for each value, the worst first, the chance that it is the best of `size` of them."""
    return [((at + 1) / total) ** size - (at / total) ** size for at in range(total)]


def _quantile(chances: Sequence[float], ordered: Sequence[float], share: float) -> float:
    found = 0.0
    for chance, value in zip(chances, ordered, strict=True):
        found += chance
        if found >= share:
            return value
    return ordered[-1]


def _improvement(curve: Curve, against: Baseline | None, goal: Goal) -> Improvement | None:
    """Return how much better the search is than random search at as many evaluations as both have."""
    if against is None or not curve.points:
        return None
    most = min(curve.points[-1][0], against.expected.points[-1][0])
    best = [value for count, value in curve.points if count <= most]
    mean = sum(against.values) / len(against.values)
    at = [next(value for count, value in line.points if count >= most) for line in _lines(against)]
    if not best or 0.0 in (mean, *at):
        return None

    def over(value: float) -> float:
        """Return by how many percent the best is better than a value."""
        return (100 if goal.maximize else -100) * (best[-1] - value) / abs(value)

    return Improvement(int(most), over(mean), *(over(value) for value in at))


def _lines(against: Baseline) -> tuple[Curve, Curve, Curve]:
    return against.expected, against.low, against.high
