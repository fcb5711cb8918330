"""Predictor-guided search: an ensemble of boosted trees on what members decide says which are worth a try.

White, Neiswanger and Savani, "BANANAS: Bayesian Optimization with Neural Architectures for Neural Architecture Search" (AAAI
2021): an ensemble, independent Thompson sampling, minimal mutations of the incumbents, several proposals for each fit. Luo, Tan,
Wang, Qin, Chen and Liu, "Accuracy Prediction with Non-neural Model for Neural Architecture Search" (GBDT-NAS, 2020): boosted
trees on decisions as the model.
"""

from collections.abc import Mapping, Sequence
from random import Random

import numpy as np

from archc.search.fresh import unseen
from archc.search.models.features import Describer, Floats
from archc.search.models.pool import Pool
from archc.search.models.scores import learned, scores_of
from archc.search.models.trees import Ensemble, grown
from archc.search.protocol import Context, Json, Proposal, Trial

ACQUISITIONS = ("ts", "ucb")


class Predictor:
    """Draws members until there are `start` trials, then those that the ensemble likes; a new one is grown behind `batch` trials.

    `acquisition` is ts (independent Thompson sampling: each candidate is drawn from its own normal distribution) or ucb (its
    mean and `bravery` standard deviations).
    """

    def __init__(
        self,
        context: Context,
        *,
        start: int = 10,
        batch: int = 5,
        models: int = 5,
        acquisition: str = "ts",
        bravery: float = 1.0,
        most: int = 600,
    ) -> None:
        if start < 1 or batch < 1 or models < 2 or bravery < 0.0 or most < 4 or acquisition not in ACQUISITIONS:
            found = f"start={start}, batch={batch}, models={models}, acquisition={acquisition}, most={most}"
            wanted = "start and batch of at least 1, 2 models, bravery of 0, most of 4, acquisition ts or ucb"
            raise ValueError(f"expected {wanted}, found {found}, bravery={bravery}")
        self._history = context.history
        self._start, self._batch, self._models, self._most = start, batch, models, most
        self._acquisition, self._bravery = acquisition, bravery
        self._describer = Describer(context.space.forest)
        self._pool = Pool(context.history)
        self._learned: tuple[int, ...] = ()
        self._seed = 0
        self._ensemble: Ensemble | None = None

    def ask(self, rng: Random) -> Proposal:
        """Return the candidate that the ensemble likes most. Raises Spent where all members were asked."""
        trials = learned(self._history, self._most)
        if len(self._history) < self._start or len(trials) < 2:
            return Proposal(unseen(self._history, rng), origin={"operator": "start"})
        ended = sum(trial.ended for trial in self._history)
        scores = scores_of(self._history, trials, rng)
        ensemble = self._grown(trials, ended, rng)
        candidates = self._pool.candidates(trials, scores.tolist(), rng)
        means, spreads = ensemble.predict([self._describer.of(member.derivation) for member in candidates])
        chosen = int(np.argmax(self._liking(means, spreads, rng)))
        member = list(candidates)[chosen]
        parent = candidates[member]
        origin: Mapping[str, Json] = (
            {"operator": "draw"} if parent is None else {"operator": "edit", "parents": [parent]}
        )
        return Proposal(member, origin={**origin, "mean": float(means[chosen]), "spread": float(spreads[chosen])})

    def tell(self, trial: Trial) -> None:
        """Learn nothing now: the ensemble is grown from the history."""

    def state(self) -> Json:
        """Return the seed of the ensemble, and the trials that it was grown from."""
        return [self._seed, *self._learned]

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        match state:
            case [int() as seed, *numbers]:
                self._seed = seed
                self._learned = tuple(number for number in numbers if isinstance(number, int))
                self._ensemble = None
            case _:
                raise ValueError(f"expected a seed and the trials of an ensemble, found {state!r}")

    def _grown(self, trials: Sequence[Trial], ended: int, rng: Random) -> Ensemble:
        """Return the ensemble: the one that there is, or where that is behind, a new one."""
        if not self._learned or ended - self._learned[-1] >= self._batch:
            self._seed = rng.getrandbits(48)
            self._learned = (*(trial.number for trial in trials), ended)
            self._ensemble = None
        if self._ensemble is None:
            known = [self._history[number] for number in self._learned[:-1]]
            chance = Random(self._seed)
            members = [self._describer.of(trial.derivation) for trial in known]
            scores = scores_of(self._history, known, chance)
            self._ensemble = grown(members, scores, chance, models=self._models)
        return self._ensemble

    def _liking(self, means: Floats, spreads: Floats, rng: Random) -> Floats:
        if self._acquisition == "ucb":
            return np.asarray(means + self._bravery * spreads)
        return np.asarray(means + spreads * np.array([rng.gauss(0.0, 1.0) for _ in means]))
