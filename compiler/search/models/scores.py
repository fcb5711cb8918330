"""Trials -> scores that a model can learn: ranks as normal quantiles, several goals as one."""

from collections.abc import Sequence
from math import erf, exp, pi, sqrt
from random import Random
from statistics import NormalDist

import numpy as np

from archc.search.models.features import Floats
from archc.search.protocol import History, Trial


def learned(history: History, most: int) -> list[Trial]:
    """Return the trials that ended and tell something, by number: at most `most`, half of them the best, half the latest.

    Trials that failed or were refused are among them, as the worst of all.
    """
    found = [trial for trial in history if trial.ended and trial.status != "lost" and trial.fidelity == 1.0]
    if len(found) <= most:
        return found
    best = sorted(found, key=lambda trial: (-history.score(trial), trial.number))[: most // 2]
    kept = {trial.number for trial in best}
    for trial in reversed(found):
        if len(kept) == most:
            break
        kept.add(trial.number)
    return [trial for trial in found if trial.number in kept]


def scores_of(history: History, trials: Sequence[Trial], rng: Random) -> Floats:
    """Return for each trial the normal quantile of its rank, equals alike, with mean 0 and variance 1.

    So no monotone change of a metric changes a search. Of several goals, it is the rank of the least of the weighted
    ranks with a little of their sum, by weights drawn anew (ParEGO: Knowles, IEEE TEC 2006).
    """
    if len(history.objective.goals) == 1:
        return normal([history.score(trial) for trial in trials])
    worst = float("-inf")
    values = [history.values(trial) or (worst,) * len(history.objective.goals) for trial in trials]
    drawn = [rng.expovariate(1.0) for _ in history.objective.goals]
    each = [
        ranks(column) * weight / sum(drawn) for weight, column in zip(drawn, zip(*values, strict=True), strict=True)
    ]
    mixed: Floats = np.min(each, axis=0) + 0.05 * np.sum(each, axis=0)
    return normal(mixed.tolist())


def ranks(values: Sequence[float]) -> Floats:
    """Return the rank of each value as a share above 0 and below 1, equal values alike."""
    found = np.array(values, dtype=np.float64)
    _, inverse, counts = np.unique(found, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    return np.asarray(middle[inverse] / (len(found) + 1), dtype=np.float64)


def normal(values: Sequence[float]) -> Floats:
    """Return the normal quantile of the rank of each value, with mean 0 and variance 1 where they are not all one."""
    quantiles = np.array([NormalDist().inv_cdf(share) for share in ranks(values).tolist()])
    spread = float(quantiles.std())
    return np.asarray((quantiles - quantiles.mean()) / (spread if spread > 0 else 1.0), dtype=np.float64)


def improvement(means: Floats, spreads: Floats, best: float) -> Floats:
    """Return how much each is expected to be above `best` (Mockus 1978); far below it, by the logarithm of that, less."""
    found = []
    for mean, spread in zip(means.tolist(), spreads.tolist(), strict=True):
        at = (mean - best) / spread
        if at > -6.0:
            found.append(spread * (at * 0.5 * (1 + erf(at / sqrt(2))) + exp(-at * at / 2) / sqrt(2 * pi)))
        else:
            found.append(at * 1e-9)
    return np.array(found)
