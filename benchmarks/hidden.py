"""A recursive space with scores that no strategy sees, of which the optimum is known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from archc.members import Space
from archc.runtime.derivations.nodes import labels
from archc.search.jobs import Job
from archc.search.protocol import Outcome
from archc.spaces.forest import Decision, Forest

FADING = 0.7
"""What a decision counts for by how many decisions are above it: a network does not gain by its size alone."""


@dataclass(slots=True)
class Hidden:
    """Scores members in the driver's process: the sum over their decisions of hidden numbers, less for those further down.

    A decision and the one above it have a number, which is drawn from a normal distribution; with `alone`, the one above
    does not matter. The sum is additive on the forest, so that the greatest is known exactly.
    """

    space: Space
    seed: int
    alone: bool
    slots: int = 1
    seconds: float | None = None
    known: dict[tuple[int, int], float] = field(default_factory=dict)
    ended: list[tuple[int, Outcome]] = field(default_factory=list)

    def start(self, job: Job) -> None:
        """Score a member at once."""
        self.ended.append((job.number, Outcome({"score": self.score(job.member.derivation.edges)})))

    def wait(self, timeout: float | None = None) -> Sequence[tuple[int, Outcome]]:
        """Return what ended."""
        found, self.ended = self.ended, []
        return found

    def close(self) -> None:
        """Do nothing: nothing is under way."""

    def score(self, edges: Sequence[int]) -> float:
        """Return the sum of a derivation."""
        forest = self.space.forest
        calls, known, total = forest.calls, labels(forest), 0.0
        waiting = [(0, 1.0)]
        for edge in edges:
            above, weight = waiting.pop()
            label = known[edge]
            if forest.decisions[label]:
                total += weight * self.value(above, label)
                above, weight = label, weight * FADING
            waiting += [(above, weight)] * len(calls[edge])
        return total

    def value(self, above: int, label: int) -> float:
        """Return the hidden number of what an edge decides below what another one does."""
        pair = (0 if self.alone else above, label)
        if pair not in self.known:
            texts = [_text(self.space.forest, entry) for entry in pair]
            self.known[pair] = Random(f"{self.seed} {texts}").gauss(0.0, 1.0)
        return self.known[pair]

    def greatest(self) -> float:
        """Return the greatest score of a member, over all of them."""
        forest = self.space.forest
        labels = forest.label.tolist()
        above = sorted({0, *labels})
        best: list[dict[int, float]] = []
        for row in forest.rows:
            below = {name: [self._best(best, edge, labels[edge], name) for edge in row] for name in above}
            best.append({name: max(values) for name, values in below.items()})
        return best[forest.root][0]

    def _best(self, best: Sequence[dict[int, float]], edge: int, label: int, above: int) -> float:
        children = self.space.forest.calls[edge]
        if not self.space.forest.decisions[label]:
            return sum(best[child][above] for child in children)
        return self.value(above, label) + FADING * sum(best[child][label] for child in children)


def _text(forest: Forest, label: int) -> list[str]:
    decisions: Sequence[Decision] = forest.decisions[label]
    return [f"{site}.{option}" for site, option in decisions]
