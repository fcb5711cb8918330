"""Estimation of distribution: the shares of the choices move to those under which the best so far are most probable.

The cross-entropy method (Rubinstein and Kroese, "The Cross-Entropy Method", 2004, section 2.3) on the weights of a grammar
(Ratle and Sebag, "Avoiding the Bloat with Stochastic Grammar-Based Genetic Programming", 2001), with `Space.fitted` for the
update. Shares of one choice are further told apart by the place where it is made, as in Salustowicz and Schmidhuber,
"Probabilistic Incremental Program Evolution" (1997), where the elite has come by that place: each is the maximum a
posteriori estimate around the share that holds everywhere.
"""

from bisect import insort
from collections import Counter
from collections.abc import Sequence
from random import Random

from archc.members import Member, Space
from archc.runtime.derivations import weights
from archc.runtime.derivations.nodes import labels
from archc.search.fresh import unseen
from archc.search.places import Feature, Place, derive, features, pick
from archc.search.protocol import Context, Json, Proposal, Trial
from archc.spaces.forest import Derivation

TRIES = 20
"""So many draws may be of members that were asked before; the next is drawn by the weights of the space."""


class CrossEntropy:
    """Draws from the shares of the `elite` best, which are fitted again whenever `batch` trials have ended.

    `smoothing` is how many decisions the shares of the space count for, and how many those of all places at each place.
    """

    def __init__(self, context: Context, *, elite: int = 8, batch: int = 5, smoothing: float = 1.0) -> None:
        if elite < 1 or batch < 1 or smoothing <= 0.0:
            found = f"elite={elite}, batch={batch}, smoothing={smoothing}"
            raise ValueError(f"expected elite and batch of at least 1 and smoothing above 0, found {found}")
        self._history, self._space = context.history, context.space
        self._elite, self._batch, self._smoothing = elite, batch, smoothing
        self._best: list[tuple[float, int]] = []
        self._since = 0
        self._fitted: list[int] = []
        self._model: _Model | None = None

    def ask(self, rng: Random) -> Proposal:
        """Return a draw from the shares that were fitted last. Raises Spent where all members were asked."""
        if self._model is None and self._fitted:
            elite = [self._history.member(number) for number in self._fitted]
            self._model = _Model(self._space, elite, self._smoothing)
        found = None if self._model is None else self._drawn(self._model, rng)
        if found is None:
            return Proposal(unseen(self._history, rng), origin={"operator": "start"})
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

    def __init__(self, space: Space, elite: Sequence[Member], smoothing: float) -> None:
        fitted = space.fitted(elite, smoothing=smoothing)
        self._space, self._sampler, self._smoothing = space, space.sampler(), smoothing
        self._chances = weights.by_weight(space.forest, fitted.sites).chances
        self._often: dict[Place, Counter[int]] = {}
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
        """Return in what proportion to take each edge: within one label, as the choice's own shares say."""
        chances = self._chances[row.start : row.stop]
        often = self._often.get(place)
        if often is None:
            return chances
        known = labels(self._space.forest)
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
