"""Optuna's samplers: each decision on the way is a parameter, and which come next depends on those before.

Akiba, Sano, Yanase, Ohta and Koyama, "Optuna: A Next-generation Hyperparameter Optimization Framework" (KDD 2019). Optuna proposes
decisions, archc which of them lead to a member. Each sampler is made anew for a proposal with a seed of its own, and all
that it left in a trial stands in the proposal's origin, so that a search resumes.
"""

import warnings
from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING

from archc.members import Member
from archc.search.fresh import unseen
from archc.search.paths import Walk, follow
from archc.search.protocol import Context, Json, Proposal, Trial, unknown
from archc.spaces.forest import Derivation

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.study import Study
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as Asking

SAMPLERS = ("tpe", "tpe-multivariate", "random", "nsga2", "nsga3", "gp")
FLAT = frozenset({"nsga2", "nsga3", "gp"})
"""These use only parameters that every trial has, and draw all others at random."""

TRIES = 3
"""How many members in a row that were asked before are taken from a sampler, each as dear as one that was not, until one is drawn
at random instead."""


class ThroughOptuna:
    """Asks what a sampler of Optuna says. A trial that has no metrics is told as failed."""

    def __init__(self, context: Context, *, sampler: str = "tpe") -> None:
        if sampler not in SAMPLERS:
            raise ValueError(unknown("sampler of Optuna", sampler, SAMPLERS))
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._history, self._space, self._name = context.history, context.space, sampler
        self._make = _maker(sampler)
        many = len(context.objective.goals)
        self._study: Study = optuna.create_study(directions=["maximize"] * many, sampler=self._make(0))
        self._numbers: dict[int, int] = {}
        self._told: set[int] = set()
        if sampler in FLAT and self._is_conditional():
            text = f"Optuna's {sampler} uses only decisions that every member has, and draws the others of this space at random"
            warnings.warn(f"{text}; nearest that uses all: tpe", stacklevel=2)

    def ask(self, rng: Random) -> Proposal:
        """Return what the sampler says, or where that was asked before, time and again, a draw. Raises Spent without one."""
        import optuna

        self._learn()
        for _ in range(TRIES):
            self._study.sampler = self._make(rng.getrandbits(32))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                asking = self._study.ask()
                member = Member(self._space, self._derived(asking, rng))
            if not self._history.seen(member, 1.0):
                self._numbers[len(self._history)] = asking.number
                left: Json = dict(self._study.get_trials(deepcopy=False)[asking.number].system_attrs)
                return Proposal(member, origin={"operator": self._name, "optuna": left})
            self._study.tell(asking, state=optuna.trial.TrialState.FAIL)
        return Proposal(unseen(self._history, rng), origin={"operator": "draw"})

    def tell(self, trial: Trial) -> None:
        """Learn nothing now: the study is brought up to the history before the next proposal."""

    def state(self) -> Json:
        """Return the sampler's name: what it left in trials stands in their origins."""
        return self._name

    def restore(self, state: Json) -> None:
        """Go on. Raises ValueError on the state of another sampler."""
        if state != self._name:
            raise ValueError(f"expected the state of the sampler {self._name}, found {state!r}")

    def _derived(self, asking: "Asking", rng: Random) -> Derivation:
        walk = Walk(self._space.forest, rng)
        while (choice := walk.next()) is not None:
            if choice.low is not None and choice.high is not None:
                walk.number(asking.suggest_float(choice.name, choice.low, choice.high, log=choice.logarithmic))
            elif len(choice.options) == 1:
                walk.take(choice.options[0])
            else:
                walk.take(str(asking.suggest_categorical(choice.name, choice.options)))
        return walk.derivation()

    def _learn(self) -> None:
        """Bring the study up to the history, by number."""
        import optuna

        for trial in self._history:
            if trial.number in self._told or trial.status == "lost":
                continue
            values = self._history.values(trial)
            state = optuna.trial.TrialState.COMPLETE if values is not None else optuna.trial.TrialState.FAIL
            known = self._numbers.get(trial.number)
            if trial.ended:
                self._told.add(trial.number)
            if known is None:
                self._numbers[trial.number] = len(self._study.get_trials(deepcopy=False))
                self._study.add_trial(self._frozen(trial, None if not trial.ended else values, ended=trial.ended))
            elif trial.ended:
                self._study.tell(known, values, state=state)

    def _frozen(self, trial: Trial, values: tuple[float, ...] | None, *, ended: bool) -> "FrozenTrial":
        """Return a trial as Optuna keeps it: its parameters are the decisions of its derivation."""
        import optuna

        states = optuna.trial.TrialState
        params, distributions = self._parameters(trial.derivation)
        left = trial.origin.get("optuna")
        return optuna.trial.create_trial(
            state=states.RUNNING if not ended else states.FAIL if values is None else states.COMPLETE,
            values=values,
            params=params,
            distributions=distributions,
            system_attrs=dict(left) if isinstance(left, Mapping) else {},
        )

    def _parameters(self, derivation: Derivation) -> "tuple[dict[str, str | float], dict[str, BaseDistribution]]":
        from optuna.distributions import CategoricalDistribution, FloatDistribution

        params: dict[str, str | float] = {}
        found: dict[str, BaseDistribution] = {}
        for choice, taken in follow(self._space.forest, derivation):
            if choice.low is not None and choice.high is not None:
                found[choice.name] = FloatDistribution(choice.low, choice.high, log=choice.logarithmic)
            elif len(choice.options) > 1:
                found[choice.name] = CategoricalDistribution(choice.options)
            else:
                continue
            params[choice.name] = taken
        return params, found

    def _is_conditional(self) -> bool:
        """Return whether some draws make decisions that others do not."""
        drawn = self._space.sample(Random(0), 32)
        return len({tuple(sorted(self._parameters(member.derivation)[0])) for member in drawn}) > 1


def _maker(name: str) -> "Callable[[int], BaseSampler]":
    import optuna

    kinds = optuna.samplers
    makers: dict[str, Callable[[int], BaseSampler]] = {
        "tpe": lambda seed: kinds.TPESampler(seed=seed),
        "tpe-multivariate": lambda seed: kinds.TPESampler(seed=seed, multivariate=True, group=True),
        "random": lambda seed: kinds.RandomSampler(seed=seed),
        "nsga2": lambda seed: kinds.NSGAIISampler(seed=seed),
        "nsga3": lambda seed: kinds.NSGAIIISampler(seed=seed),
        "gp": lambda seed: kinds.GPSampler(seed=seed),
    }

    def made(seed: int) -> "BaseSampler":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return makers[name](seed)

    return made
