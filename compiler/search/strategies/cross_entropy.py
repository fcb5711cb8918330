"""Estimation of distribution: the shares of the choices move to those under which the best so far are most probable.

The cross-entropy method (Rubinstein and Kroese, "The Cross-Entropy Method", 2004, section 2.3) on the weights of a grammar
(Ratle and Sebag, "Avoiding the Bloat with Stochastic Grammar-Based Genetic Programming", 2001), with the shares among all
decisions of the elite for the update; what is well typed then weighs as it does in the space, since to work that out anew for a
great forest takes seconds. Shares of one choice are further told apart by the place where it is made, as in Salustowicz and Schmidhuber,
"Probabilistic Incremental Program Evolution" (1997), where the elite has come by that place: each is the maximum a
posteriori estimate around the share that holds everywhere.
"""

from bisect import insort
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from random import Random

from archc.members import Member, Space
from archc.runtime.derivations.nodes import labels, owners
from archc.search.places import Feature, Place, derive, features, pick
from archc.search.protocol import Context, Json, Proposal, Trial
from archc.search.starts import Starts
from archc.spaces.forest import Derivation, Forest

TRIES = 10
"""So many draws may be of members that were asked before; the next is drawn by the weights of the space."""

ROUNDS = 5
"""How often chances are scaled."""


class CrossEntropy:
    """Draws from the shares of the `elite` best, which are fitted again whenever `batch` trials have ended.

    `smoothing` is how many decisions the shares of the space count for, and how many those of all places at each place.
    """

    def __init__(self, context: Context, *, elite: int = 8, batch: int = 5, smoothing: float = 1.0) -> None:
        if elite < 1 or batch < 1 or smoothing <= 0.0:
            found = f"elite={elite}, batch={batch}, smoothing={smoothing}"
            raise ValueError(f"expected elite and batch of at least 1 and smoothing above 0, found {found}")
        self._history, self._space = context.history, context.space
        self._starts = Starts(context.history)
        self._elite, self._batch, self._smoothing = elite, batch, smoothing
        self._best: list[tuple[float, int]] = []
        self._since = 0
        self._fitted: list[int] = []
        self._model: _Model | None = None

    def ask(self, rng: Random) -> Proposal:
        """Return a draw from the shares that were fitted last. Raises Spent where all members were asked."""
        if self._model is None and self._fitted:
            elite = [self._history.member(number) for number in self._fitted]
            self._model = _Model(self._space, elite, self._smoothing, self._prior)
        found = None if self._model is None else self._drawn(self._model, rng)
        if found is None:
            return Proposal(self._starts.draw(rng), origin={"operator": "start"})
        return Proposal(found, origin={"operator": "draw", "elite": len(self._fitted)})

    def tell(self, trial: Trial) -> None:
        """Count a trial, and let it into the elite where it is good enough."""
        self._enter(trial)
        self._since += 1
        if self._since >= self._batch and self._best:
            self._since, self._model = 0, None
            self._fitted = [number for _, number in self._best]

    def state(self) -> Json:
        """Return how many trials ended since the last fit, and the elite of that, by number."""
        return [self._since, *self._fitted]

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        match state:
            case [int() as since, *numbers] if len(numbers) <= self._elite:
                self._since, self._model = since, None
                self._fitted = [number for number in numbers if isinstance(number, int)]
            case _:
                raise ValueError(f"expected the elite of the last fit, found {state!r}")
        self._best.clear()
        for trial in self._history:
            self._enter(trial)

    @cached_property
    def _prior(self) -> Sequence[float]:
        return self._space.sampler().chances

    def _drawn(self, model: "_Model", rng: Random) -> Member | None:
        """Return a draw that was not asked; the more were, the less the elite counts at its places."""
        for step in range(TRIES):
            member = model.draw(rng, 2.0 ** (step // 2))
            if not self._history.seen(member, 1.0):
                return member
        return None

    def _enter(self, trial: Trial) -> None:
        if trial.done and trial.fidelity == 1.0 and trial.same_as is None:
            insort(self._best, (-self._history.score(trial), trial.number))
            del self._best[self._elite :]


class _Model:
    """The shares of an elite: those of each choice, and those of what the elite decides at each place."""

    def __init__(self, space: Space, elite: Sequence[Member], smoothing: float, chances: Sequence[float]) -> None:
        self._space, self._sampler, self._smoothing = space, space.sampler(), smoothing
        self._chances, self._gains = chances, _gains(space.forest, chances, elite, smoothing)
        self._often: dict[Place, Counter[int]] = {}
        self._known: dict[tuple[Place, int, float], Sequence[float]] = {}
        for member in elite:
            for place, label in self._features(member):
                self._often.setdefault(place, Counter())[label] += 1

    def draw(self, rng: Random, looser: float) -> Member:
        """Return a member, with so many times the smoothing at each place."""
        forest = self._space.forest
        edges = derive(forest, lambda place, row: pick(row, self._shares(place, row, looser), rng))
        return Member(self._space, Derivation(tuple(edges), self._sampler.reals(rng, edges)))

    def _features(self, member: Member) -> list[Feature]:
        return features(self._space.forest, member.derivation.edges)

    def _shares(self, place: Place, row: range, looser: float) -> Sequence[float]:
        key = (place, row.start, looser)
        if key not in self._known:
            self._known[key] = self._worked_out(place, row, looser)
        return self._known[key]

    def _worked_out(self, place: Place, row: range, looser: float) -> Sequence[float]:
        """Return in what proportion to take each edge: within one label, as the choice's own shares say."""
        known, gains = labels(self._space.forest), self._gains
        raised = [self._chances[edge] * gains[known[edge]] for edge in row]
        often = self._often.get(place)
        if often is None:
            return raised
        total = sum(raised) or 1.0
        chances = [chance / total for chance in raised]
        alike: Counter[int] = Counter()
        sums: dict[int, float] = {}
        for edge, chance in zip(row, chances, strict=True):
            alike[known[edge]] += 1
            sums[known[edge]] = sums.get(known[edge], 0.0) + chance
        found = []
        for edge, chance in zip(row, chances, strict=True):
            label = known[edge]
            part = chance / sums[label] if sums[label] else 1.0 / alike[label]
            found.append(often[label] * part + self._smoothing * looser * chance)
        return found


def _gains(forest: Forest, chances: Sequence[float], elite: Sequence[Member], smoothing: float) -> list[float]:
    """Return for each label by how much to raise it, so that at the states of an elite it is decided as often as there.

    Iterative scaling (Darroch and Ratcliff, "Generalized Iterative Scaling for Log-Linear Models", 1972) of the chances that
    each state has for its labels in a draw from the space.
    """
    known, owned = labels(forest), owners(forest)
    edges = [edge for member in elite for edge in member.derivation.edges if forest.decisions[known[edge]]]
    came = Counter([owned[edge] for edge in edges if len(forest.rows[owned[edge]]) > 1])
    rows = {state: _by_label(forest, chances, state) for state in came}
    sites = {owned[edge]: forest.decisions[known[edge]][0][0] for edge in edges}
    many: Counter[int] = Counter()
    for state, often in came.items():
        many[sites[state]] += often
    weights = {state: often * (1.0 + smoothing / many[sites[state]]) for state, often in came.items()}
    gains = [1.0] * len(forest.decisions)
    wanted: dict[int, float] = {}
    for edge in edges:
        if owned[edge] in came:
            wanted[known[edge]] = wanted.get(known[edge], 0.0) + 1.0
    for state, often in came.items():
        for label, chance in rows[state].items():
            wanted[label] = wanted.get(label, 0.0) + chance * often * smoothing / many[sites[state]]
    for _ in range(ROUNDS):
        expected = dict.fromkeys(wanted, 0.0)
        for state, row in rows.items():
            total = sum(gains[label] * chance for label, chance in row.items())
            for label, chance in row.items() if total else ():
                expected[label] += weights[state] * gains[label] * chance / total
        for label, share in wanted.items():
            gains[label] *= share / expected[label] if expected[label] else 1.0
    return gains


def _by_label(forest: Forest, chances: Sequence[float], state: int) -> dict[int, float]:
    """Return how likely each label is at a state."""
    known = labels(forest)
    found: dict[int, float] = {}
    for edge in forest.rows[state]:
        found[known[edge]] = found.get(known[edge], 0.0) + chances[edge]
    return found
