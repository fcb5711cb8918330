"""Blocks are measured once; then come the best networks by the sums of their blocks within a budget, solved exactly.

Bercovich and others, "Puzzle: Distillation-Based NAS for Inference-Optimized LLMs" (2024), and Qinsi and others, "MathNAS: If
Blocks Have a Role in Mathematical Architecture Design" (NeurIPS 2023). A block is what is decided at a place; its score is its
part in the scores of the networks that have it (ridge regression). What there is an integer program, is here the k best
derivations of a forest (Huang and Chiang, "Better k-best Parsing", 2005), so that recursive spaces are no exception.
"""

from collections.abc import Iterator
from itertools import islice
from random import Random

import numpy as np

from archc.members import Member
from archc.runtime.derivations.best import dearest
from archc.runtime.derivations.restrict import Restricted, bucketed, restrict
from archc.runtime.derivations.sums import TooManyStates
from archc.search.fresh import fresh, unseen
from archc.search.places import Feature, features
from archc.search.protocol import Context, Json, Proposal, Trial
from archc.search.unfold import Through, Unfolded, unfold
from archc.spaces.forest import Derivation, Floats, Forest

UNIT = 1 << 20
"""Scores become whole numbers: the spread of all that were measured is so many."""

LOOKED = 2_000
"""How many of the best are looked through for one that was not asked."""

FENCE = 3.0
"""So many times the distance of the quartiles below the lower one, scores no longer tell apart."""

STATES = 30_000
"""So many states the forest within a budget may have."""


class Additive:
    """Measures each block in `measures` networks, but with no more than half of the evaluations; then asks the best by sum.

    These have a `cost` of at most `most`, where a cost is named. Scores are worked out again after `batch` trials, later
    after a tenth of all; 0: never.
    `ridge` is how many networks of the mean score each block counts for.
    """

    def __init__(
        self,
        context: Context,
        *,
        measures: int = 2,
        batch: int = 10,
        cost: str = "",
        most: int = 0,
        ridge: float = 1.0,
    ) -> None:
        if measures < 1 or batch < 0 or ridge <= 0.0:
            found = f"measures={measures}, batch={batch}, ridge={ridge}"
            raise ValueError(f"expected measures >= 1, batch >= 0 and ridge > 0, found {found}")
        if bool(cost) != bool(most):
            raise ValueError(
                f"cost and most go together: expected cost=params and most=500000, found {cost=} and {most=}"
            )
        self._history, self._space = context.history, context.space
        self._measures, self._batch, self._ridge = measures, batch, ridge
        self._half = context.evaluations // 2 if context.evaluations is not None else None
        self._unfolded = unfold(context.space.forest)
        self._within = _within(self._unfolded, context.space.costs(cost), most) if cost else None
        self._blocks = _Blocks(context.space.forest, self._unfolded)
        self._upto = 0
        self._open: frozenset[int] = frozenset()
        self._best: Iterator[Derivation] | None = None

    def ask(self, rng: Random) -> Proposal:
        """Return a network with the block that was measured least, later the best by sum that was not asked.

        Raises Spent where all members were asked.
        """
        self._enter()
        if not self._upto and not self._is_measured():
            return Proposal(self._measuring(rng), origin={"operator": "measure"})
        if not self._upto or (self._batch and len(self._history) - self._upto >= max(self._batch, self._upto // 10)):
            self._upto, self._best = len(self._history), None
            self._open = frozenset(trial.number for trial in self._history.under_way())
        if self._best is None:
            self._best = self._solved()
        found = next((child for child in map(self._member, self._best) if not self._history.seen(child, 1.0)), None)
        if found is None:
            return Proposal(unseen(self._history, rng), origin={"operator": "start"})
        return Proposal(found, origin={"operator": "solve", "trials": self._upto})

    def tell(self, trial: Trial) -> None:
        """Learn nothing yet: scores are worked out from the history."""

    def state(self) -> Json:
        """Return from how many trials the scores are, and which of them had not ended then."""
        return [self._upto, *sorted(self._open)]

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        match state:
            case [int() as upto, *numbers]:
                self._upto, self._best = upto, None
                self._open = frozenset(number for number in numbers if isinstance(number, int))
            case _:
                raise ValueError(f"expected from how many trials the scores are, found {state!r}")

    # ---------------------------------------------------------------- measuring
    def _enter(self) -> None:
        for number in range(self._blocks.entered, len(self._history)):
            trial = self._history[number]
            self._blocks.enter(() if trial.status == "lost" else trial.derivation.edges)

    def _is_measured(self) -> bool:
        """Whether every block was asked often enough, or half of the evaluations are gone."""
        if self._half is not None and len(self._history) >= self._half:
            return True
        return self._blocks.least() >= self._measures

    def _measuring(self, rng: Random) -> Member:
        found = fresh(self._history, lambda: self._member(self._blocks.draw(rng)))
        return unseen(self._history, rng) if found is None else found

    def _member(self, derivation: Derivation) -> Member:
        return Member(self._space, Derivation(tuple(self._unfolded.original(derivation.edges)), derivation.reals))

    # ---------------------------------------------------------------- solving
    def _solved(self) -> Iterator[Derivation]:
        """Return the best derivations of the unfolded forest by the sums of their blocks, within the bound."""
        scores = self._blocks.fitted(
            [
                (number, self._history.score(trial))
                for number in range(self._upto)
                if (trial := self._history[number]).done and number not in self._open and trial.fidelity == 1.0
            ],
            self._ridge,
        )
        many, within = LOOKED + len(self._history), self._within
        if within is None:
            return (derivation for _, derivation in islice(dearest(self._unfolded.forest, scores), many))
        found = islice(dearest(within.forest, within.costs(scores)), many)
        return (within.whole(derivation) for _, derivation in found)


def _within(unfolded: Unfolded, costs: list[int], most: int) -> Restricted:
    """Return the forest of what is within a budget, where costs are too many to tell apart without some near its end.

    Raises ValueError where there is nothing, TooManyStates where costs cannot be told apart at all.
    """
    own = unfolded.costs(costs)
    try:
        return restrict(unfolded.forest, own, high=most, limit=STATES)
    except TooManyStates:
        return bucketed(unfolded.forest, own, high=most, limit=STATES)


class _Blocks:
    """The blocks of a space by number: in which networks each is, and how to draw one with a given block."""

    def __init__(self, forest: Forest, unfolded: Unfolded) -> None:
        self._forest, self._unfolded = forest, unfolded
        self._through = Through(unfolded.forest)
        numbers: dict[Feature, int] = {}
        self._of_edge = [-1 if made is None else numbers.setdefault(made, len(numbers)) for made in unfolded.made]
        self._edges: list[list[int]] = [[] for _ in numbers]
        for edge, block in enumerate(self._of_edge):
            if block >= 0:
                self._edges[block].append(edge)
        self._often = [0] * len(numbers)
        self._numbers = numbers
        self._entered: list[list[int]] = []

    @property
    def entered(self) -> int:
        """How many networks were entered."""
        return len(self._entered)

    def enter(self, edges: tuple[int, ...]) -> None:
        """Note the blocks of the network that was asked next, one as often as it is there; none for a lost one."""
        found = features(self._forest, edges, self._unfolded.context) if edges else []
        self._entered.append([self._numbers[feature] for feature in found])
        for block in set(self._entered[-1]):
            self._often[block] += 1

    def least(self) -> int:
        """Return how often the least measured block was asked."""
        return min(self._often, default=1 << 30)

    def draw(self, rng: Random) -> Derivation:
        """Return a network with a block that was asked least."""
        least = self.least()
        block = rng.choice([block for block, often in enumerate(self._often) if often == least])
        return self._through.draw(rng.choice(self._edges[block]), rng)

    def fitted(self, trials: list[tuple[int, float]], ridge: float) -> list[int]:
        """Return the score of each edge of the unfolded forest, in whole numbers, from networks by number and their scores."""
        if not trials:
            return [0] * self._unfolded.forest.edges
        counts: Floats = np.zeros((len(trials), len(self._often)))
        for row, (number, _) in enumerate(trials):
            np.add.at(counts[row], self._entered[number], 1.0)
        scores: Floats = np.array([score for _, score in trials])
        scores = _fenced(scores)
        scores = scores - scores.mean()
        spread = float(np.abs(scores).max()) or 1.0
        found = _ridge(counts - counts.mean(axis=0), scores / spread, ridge)
        return [0 if block < 0 else round(float(found[block]) * UNIT) for block in self._of_edge]


def _fenced(scores: Floats) -> Floats:
    """Return scores of which none is below the outer fence (Tukey, "Exploratory Data Analysis", 1977).

    Where training broke down, how far down says nothing of the blocks.
    """
    low, high = np.quantile(scores, [0.25, 0.75])
    found: Floats = np.maximum(scores, low - FENCE * (high - low))
    return found


def _ridge(counts: Floats, scores: Floats, ridge: float) -> Floats:
    """Return the weights of ridge regression, by whichever of both systems of equations is smaller."""
    rows, columns = counts.shape
    found: Floats
    if columns <= rows:
        found = np.asarray(np.linalg.solve(counts.T @ counts + ridge * np.eye(columns), counts.T @ scores), np.float64)
    else:
        found = np.asarray(counts.T @ np.linalg.solve(counts @ counts.T + ridge * np.eye(rows), scores), np.float64)
    return found
