"""Bayesian optimisation: a Gaussian process says where an improvement is to be expected, and that is tried.

Ru, Wan, Dong and Osborne, "Interpretable Neural Architecture Search via Bayesian Optimisation with Weisfeiler-Lehman Kernels"
(NAS-BOWL, ICLR 2021). Here the kernel is on the decisions of a derivation instead of the network's graph, which takes
microseconds, and knows places besides; scores are ranks, so that one bad network does not outweigh all others; and expected
improvement is looked for among the neighbours of the incumbents and draws (BANANAS, White and others, AAAI 2021).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from archc.search.fresh import unseen
from archc.search.models.features import Describer, Floats, text_of
from archc.search.models.gaussian import Distances, Kernel, Process, fit, improved
from archc.search.models.pool import Pool
from archc.search.models.scores import improvement, learned, scores_of
from archc.search.protocol import Context, History, Json, Proposal, Trial

FITS = 5
"""Behind so many more trials, or a tenth of all, the settings of the kernel are fitted anew."""


class Bayesian:
    """Draws members until there are `start` trials, then those of the greatest expected improvement; it learns from at most `most` trials."""

    def __init__(
        self, context: Context, *, start: int = 10, incumbents: int = 10, draws: int = 100, most: int = 400
    ) -> None:
        if min(start, incumbents, draws) < 1 or most < 4:
            found = f"start={start}, incumbents={incumbents}, draws={draws}, most={most}"
            raise ValueError(
                f"expected start, incumbents and draws of at least 1 and most of at least 4, found {found}"
            )
        self._history = context.history
        self._start, self._most = start, most
        self._describer = Describer(context.space.forest)
        self._pool = Pool(context.history, incumbents, draws)
        self._kernel = Kernel()
        self._fitted = 0

    def ask(self, rng: Random) -> Proposal:
        """Return the candidate of the greatest expected improvement. Raises Spent where all members were asked."""
        trials = learned(self._history, self._most)
        if len(self._history) < self._start or len(trials) < 2:
            return Proposal(unseen(self._history, rng), origin={"operator": "start"})
        scores = scores_of(self._history, trials, rng)
        process = self._process(trials, scores)
        candidates = self._pool.candidates(trials, scores.tolist(), rng)
        means, spreads = process.predict([self._describer.of(member.derivation) for member in candidates])
        chosen = int(np.argmax(improvement(means, spreads, float(scores.max()))))
        member = list(candidates)[chosen]
        parent = candidates[member]
        origin: dict[str, Json] = {"operator": "draw"} if parent is None else {"operator": "edit", "parents": [parent]}
        return Proposal(member, origin={**origin, "mean": float(means[chosen]), "spread": float(spreads[chosen])})

    def tell(self, trial: Trial) -> None:
        """Learn nothing now: the next proposal is made of the whole history."""

    def state(self) -> Json:
        """Return behind how many trials the kernel was fitted, and its settings."""
        kernel = self._kernel
        return [self._fitted, kernel.reach, kernel.spread, kernel.share, kernel.noise]

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        match state:
            case [int() as fitted, int() as reach, int() as spread, int() as share, int() as noise]:
                self._fitted = fitted
                self._kernel = Kernel(reach, spread, share, noise)
            case _:
                raise ValueError(f"expected a number of trials and four settings of a kernel, found {state!r}")

    def _process(self, trials: Sequence[Trial], scores: Floats) -> Process:
        """Return what the trials teach; trials under way count as being what is expected of them."""
        distances = Distances.of([self._describer.of(trial.derivation) for trial in trials])
        ended = sum(trial.ended for trial in self._history)
        if ended - self._fitted >= max(FITS, ended // 10):
            self._kernel, self._fitted = improved(self._kernel, distances, scores), ended
        process = fit(self._kernel, distances, scores)
        under_way = [trial for trial in self._history.under_way() if trial.fidelity == 1.0]
        if not under_way:
            return process
        others = [self._describer.of(trial.derivation) for trial in under_way]
        expected, _ = process.predict(others)
        return fit(self._kernel, Distances.of([*distances.members, *others]), np.concatenate([scores, expected]))


@dataclass(frozen=True, slots=True)
class Influence:
    """A feature of members, by how many standard deviations of the scores it raises them, and how many trials have it."""

    feature: str
    effect: float
    trials: int


def influences(history: History, *, most: int = 400) -> list[Influence]:
    """Return the features that helped or hurt in a search, whatever strategy it had, the best first; none of too few trials."""
    trials = learned(history, most)
    if len(trials) < 4:
        return []
    describer = Describer(history.space.forest)
    distances = Distances.of([describer.of(trial.derivation) for trial in trials])
    scores = scores_of(history, trials, Random(0))
    process = fit(improved(Kernel(), distances, scores, steps=20), distances, scores)
    found = [Influence(text_of(history.space, name), effect, many) for name, (effect, many) in process.slopes().items()]
    return sorted(found, key=lambda entry: (-entry.effect, entry.feature))
