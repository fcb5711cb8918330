"""Optuna's samplers: each decision on the way is a parameter, and which come next depends on those before.

Akiba, Sano, Yanase, Ohta and Koyama, "Optuna: A Next-generation Hyperparameter Optimization Framework" (KDD 2019). Optuna proposes
decisions, archc which of them lead to a member. Where that was asked before, the sampler is told what came of it, which costs no
evaluation, and is asked again. Each sampler is made anew for a proposal with a seed of its own, and what it left in a
trial, and what it asked again before that, stand in the proposal's origin, so that a search resumes.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
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
    from optuna.trial import FrozenTrial, TrialState
    from optuna.trial import Trial as Asking

SAMPLERS = ("tpe", "tpe-multivariate", "random", "nsga2", "nsga3", "gp")
FLAT = frozenset({"nsga2", "nsga3", "gp"})
"""These use only parameters that every trial has, and draw all others at random."""

TRIES = 10
"""How many members in a row that were asked before are taken from a sampler, each as dear as one that was not, until one is drawn
at random instead."""

MANY = 20
"""After so many draws in the place of what the sampler asked again, it says so."""


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
        self._repeated: set[int] = set()
        self._draws = 0
        if sampler in FLAT and self._is_conditional():
            text = f"Optuna's {sampler} uses only decisions that every member has, and draws the others of this space at random"
            warnings.warn(f"{text}; nearest that uses all: tpe", stacklevel=2)

    def ask(self, rng: Random) -> Proposal:
        """Return what the sampler says, or where that was asked before, time and again, a draw. Raises Spent without one."""
        import optuna

        self._learn()
        number = len(self._history)
        again: list[Json] = []
        self._repeated.add(number)
        for _ in range(TRIES):
            self._study.sampler = self._make(rng.getrandbits(32))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                asking = self._study.ask()
                member = Member(self._space, self._derived(asking, rng))
            left: Json = dict(self._study.get_trials(deepcopy=False)[asking.number].system_attrs)
            known = self._history.find(member)
            if known is None:
                self._numbers[number] = asking.number
                return Proposal(member, origin={"operator": self._name, "optuna": left, "again": again})
            self._study.tell(asking, self._history.values(known), state=self._state(known, ended=True))
            again.append([known.number, left])
        self._say_so()
        return Proposal(unseen(self._history, rng), origin={"operator": "draw", "again": again})

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

    def _say_so(self) -> None:
        self._draws += 1
        if self._draws == MANY:
            text = f"Optuna's {self._name} asks for members again: it was told what came of them, without an evaluation, and"
            text = f"{text} {MANY} members were drawn at random instead, each after {TRIES} of these"
            warnings.warn(f"{text}; nearest that asks for none again: evolution", stacklevel=2)

    def _learn(self) -> None:
        """Bring the study up to the history, by number."""
        for trial in self._history:
            if trial.number in self._told or trial.status == "lost":
                continue
            known = self._numbers.get(trial.number)
            if trial.ended:
                self._told.add(trial.number)
            if known is None:
                self._repeat(trial)
                self._numbers[trial.number] = len(self._study.get_trials(deepcopy=False))
                self._study.add_trial(self._frozen(trial, trial.origin.get("optuna")))
            elif trial.ended:
                self._study.tell(known, self._history.values(trial), state=self._state(trial))

    def _repeat(self, trial: Trial) -> None:
        """Tell a study that is made anew what was asked again before a trial."""
        again = trial.origin.get("again")
        if trial.number in self._repeated or not isinstance(again, Sequence):
            return
        self._repeated.add(trial.number)
        for entry in again:
            match entry:
                case [int() as number, left]:
                    self._study.add_trial(self._frozen(self._history[number], left, ended=True))

    def _state(self, trial: Trial, *, ended: bool = False) -> "TrialState":
        from optuna.trial import TrialState

        if trial.done:
            return TrialState.COMPLETE
        return TrialState.FAIL if trial.ended or ended else TrialState.RUNNING

    def _frozen(self, trial: Trial, left: Json, *, ended: bool = False) -> "FrozenTrial":
        """Return a trial as Optuna keeps it: its parameters are the decisions of its derivation."""
        import optuna

        params, distributions = self._parameters(trial.derivation)
        return optuna.trial.create_trial(
            state=self._state(trial, ended=ended),
            values=self._history.values(trial),
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
