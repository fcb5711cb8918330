"""A name and settings -> a strategy: one of archc, or one that an installed package offers."""

import json
from collections.abc import Callable, Mapping
from functools import partial, wraps
from importlib import import_module
from importlib.metadata import entry_points
from inspect import Parameter, signature
from random import Random

from archc.search.brought import BroughtError, brought, raised_by
from archc.search.protocol import Context, Json, Proposal, Spent, Strategy, Trial, unknown

Maker = Callable[..., Strategy]
"""The class of a strategy: `Maker(context, **settings)`. Settings are keyword-only with defaults, of the default's type;
one that is out of range raises ValueError."""


STRATEGIES: dict[str, str] = {
    "random": "archc.search.strategies.random:Weighted",
    "uniform": "archc.search.strategies.random:Uniform",
    "exhaustive": "archc.search.strategies.exhaustive:Exhaustive",
    "local": "archc.search.strategies.local:Local",
    "evolution": "archc.search.strategies.evolution:Evolution",
    "adaptive": "archc.search.strategies.adaptive:Adaptive",
    "cross-entropy": "archc.search.strategies.cross_entropy:CrossEntropy",
    "mcts": "archc.search.strategies.mcts:Mcts",
    "nsga2": "archc.search.strategies.nsga2:Nsga2",
    "nsga3": "archc.search.strategies.nsga3:Nsga3",
    "map-elites": "archc.search.strategies.map_elites:MapElites",
    "successive-halving": "archc.search.strategies.successive_halving:SuccessiveHalving",
    "asha": "archc.search.strategies.asha:Asha",
    "additive": "archc.search.strategies.additive:Additive",
    "bayesian": "archc.search.strategies.bayesian:Bayesian",
    "predictor": "archc.search.strategies.predictor:Predictor",
    "proxy": "archc.search.strategies.proxy:WarmStart",
    "llm": "archc.search.strategies.llm:Written",
    "optuna": "archc.search.strategies.through_optuna:ThroughOptuna",
}
"""Where each strategy of archc is: a new one is one file in strategies/ and one line here."""

METHODS = ("ask", "tell", "state", "restore")
DEFAULT = "evolution"
GROUP = "archc.strategies"
"""The group of entry points under which a package offers strategies of its own."""


def strategies() -> list[str]:
    """Return the names of all strategies, those of installed packages too."""
    return sorted({*STRATEGIES, *(point.name for point in entry_points(group=GROUP))})


def named(name: str) -> Maker:
    """Return the class of a strategy; `NAME:REST` makes it with `REST` as its first setting, as in `optuna:tpe`.

    Raises KeyError on a name that nothing has, with the nearest.
    """
    name, _, rest = name.partition(":")
    if rest:
        maker = named(name)
        kinds = signature(maker).parameters.values()
        first = next((entry for entry in kinds if entry.kind is Parameter.KEYWORD_ONLY), None)
        if first is None or not isinstance(first.default, str):
            raise KeyError(f"{name} takes nothing behind its name, found {name}:{rest}")
        return partial(maker, **{first.name: rest})
    if name in STRATEGIES:
        module, _, attribute = STRATEGIES[name].partition(":")
        found: Maker = getattr(import_module(module), attribute)
        return found
    for point in entry_points(group=GROUP):
        if point.name == name:
            return _guarded(name, point.value)
    raise KeyError(unknown("strategy", name, strategies()))


KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def make(name: str, context: Context, settings: Mapping[str, Json]) -> Strategy:
    """Return a new strategy. Raises KeyError on a name or a setting that is not known, ValueError on one out of range."""
    maker = named(name)
    known = {n: p.default for n, p in signature(maker).parameters.items() if p.kind is Parameter.KEYWORD_ONLY}
    for key, value in settings.items():
        if key not in known:
            raise KeyError(unknown(f"setting of {name}", key, list(known)))
        wanted = type(known[key])
        if not isinstance(value, (int, float) if wanted is float else wanted) or isinstance(value, bool) > (
            wanted is bool
        ):
            kind = KINDS.get(wanted, wanted.__name__)
            raise ValueError(f"{name}: {key} takes {kind} (default {known[key]!r}), found {value!r}")
    return maker(context, **settings)


class Guarded:
    """A strategy that a package brought: whatever it raises, or proposes against the protocol, is told as its own."""

    def __init__(self, name: str, inner: Strategy, context: Context) -> None:
        self._name, self._inner, self._history = f"the strategy {name}", inner, context.history

    def ask(self, rng: Random) -> Proposal | None:
        """Return what it proposes. Raises Spent as it does, BroughtError on anything else than a new proposal."""
        try:
            with raised_by(f"{self._name}, asked,"):
                found: object = self._inner.ask(rng)
        except BroughtError as error:
            if isinstance(error.__cause__, Spent):
                raise error.__cause__ from None
            raise
        if found is None:
            return None
        if not isinstance(found, Proposal):
            raise BroughtError(f"expected {self._name} to return a Proposal or None, found {found!r:.100}")
        if not 0.0 < found.fidelity <= 1.0:
            raise BroughtError(
                f"{self._name} proposed the fidelity {found.fidelity}, expected one above 0 and at most 1"
            )
        if self._history.seen(found.member, found.fidelity):
            member = f"the member {found.member.key}, which was asked before at fidelity {found.fidelity:g}"
            raise BroughtError(f"{self._name} proposed {member}; history.seen tells")
        return found

    def tell(self, trial: Trial) -> None:
        """Tell it. Raises BroughtError on whatever it raises."""
        with raised_by(f"{self._name}, told of trial {trial.number},"):
            self._inner.tell(trial)

    def state(self) -> Json:
        """Return its state. Raises BroughtError on whatever it raises, and where its state is not JSON."""
        with raised_by(f"the state of {self._name}"):
            found = self._inner.state()
            json.dumps(found)
        return found

    def restore(self, state: Json) -> None:
        """Let it go on. Raises BroughtError on whatever it raises."""
        with raised_by(f"{self._name}, restored,"):
            self._inner.restore(state)


def _guarded(name: str, place: str) -> Maker:
    maker = brought(place)
    if not callable(maker):
        raise BroughtError(f"the strategy {name}: {place} is no class, found {maker!r:.50}")

    @wraps(maker)
    def made(context: Context, **settings: Json) -> Strategy:
        try:
            with raised_by(f"{place}()"):
                inner = maker(context, **settings)
        except BroughtError as error:
            raise error.__cause__ if isinstance(error.__cause__, ValueError) else error from None
        lacks = [method for method in METHODS if not callable(getattr(inner, method, None))]
        if lacks:
            raise BroughtError(f"the strategy {name}: {place} makes something that has no {lacks[0]}")
        return Guarded(name, inner, context)

    return made
